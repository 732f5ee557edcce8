/* SPDX-License-Identifier: MIT */
/*
 * test_hosted.c: the mirror itself: does a process with a memfd, mmap() and SIGSEGV
 * behave as a processor with memory and an MMU does?
 *
 * These tests stand up physical memory and page tables only, without an allocator:
 * frames are simply named by number.
 */
#include "unit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/vmalloc.h>

#define MEM (64UL << 20)
#define LOWMEM (8UL << 20)
#define HIGH_PFN (LOWMEM >> PAGE_SHIFT)		/* the first frame that nothing maps */
#define RAW __pgprot(_PAGE_PRESENT | _PAGE_RW)	/* not yet accessed, not yet dirty, not global */
#define AT VMALLOC_START

static struct e820_entry map[8];

static void power_on(void)
{
	const char *err = hosted_power_on(map, hosted_pc_map(map, MEM), LOWMEM);

	ck_assert_msg(!err, "%s", err);
	arch_paging_init();
}

static pte_t *entry_of(unsigned long addr)
{
	pte_t *e = pt_walk_alloc(swapper_pg_dir, addr, &pt_ops_boot);

	ck_assert_ptr_nonnull(e);
	return e;
}

static void map_page(unsigned long addr, pfn_t pfn, pgprot_t prot)
{
	set_pte(entry_of(addr), mk_pte(pfn, prot));
}

/* The access may run a fault handler, which changes what the compiler thinks it knows. */
static u32 peek(unsigned long addr)
{
	u32 v = *(volatile u32 *)addr;

	barrier();
	return v;
}

static void poke(unsigned long addr, u32 v)
{
	barrier();
	*(volatile u32 *)addr = v;
	barrier();
}

/* Frame @pfn's first word, straight from the memory file. */
static u32 frame_word(pfn_t pfn)
{
	u32 v = 0;

	ck_assert_int_eq(pread(phys_fd, &v, sizeof(v), (off_t)pfn << PAGE_SHIFT), sizeof(v));
	return v;
}

static void set_frame_word(pfn_t pfn, u32 v)
{
	ck_assert_int_eq(pwrite(phys_fd, &v, sizeof(v), (off_t)pfn << PAGE_SHIFT), sizeof(v));
}

/* ---- memory and windows ------------------------------------------------------------- */

START_TEST(A3_direct_map_is_physical_memory)
{
	power_on();
	poke((unsigned long)phys_to_virt(0x123000), 0xfeedbeef);
	ck_assert_uint_eq(frame_word(0x123), 0xfeedbeef);
	set_frame_word(0x124, 77);
	ck_assert_uint_eq(peek((unsigned long)__va(0x124000)), 77);
	ck_assert_uint_eq(peek((unsigned long)high_memory - 4), 0);
}
END_TEST

START_TEST(A4_nothing_is_mapped_above_low_memory)
{
	u32 v;

	power_on();
	ck_assert(!machine_probe_read((unsigned long)high_memory, &v));
	ck_assert(!machine_probe_read(VMALLOC_START, &v));
	ck_assert(!machine_probe_write(PKMAP_BASE, 1));
	ck_assert(!machine_probe_read(FIXADDR_TOP, &v));
	ck_assert(!machine_probe_read(0x08048000, &v));
	ck_assert(!machine_probe_write(TASK_SIZE - 4096, 1));
	ck_assert(!machine_probe_read(0, &v));
	ck_assert(machine_probe_read(PAGE_OFFSET, &v));
}
END_TEST

START_TEST(A5_windows_are_in_order)
{
	power_on();
	ck_assert((unsigned long)high_memory == PAGE_OFFSET + LOWMEM);
	ck_assert(VMALLOC_START - (unsigned long)high_memory >= VMALLOC_OFFSET);
	ck_assert(VMALLOC_START < VMALLOC_END);
	ck_assert(VMALLOC_END == PKMAP_BASE - 2 * PAGE_SIZE);
	ck_assert(PKMAP_BASE + LAST_PKMAP * PAGE_SIZE <= FIXADDR_START);
	ck_assert(FIXADDR_START < FIXADDR_TOP);
	ck_assert(FIXADDR_TOP < WINDOWS_BASE + WINDOWS_SIZE);
	/* with the most low memory that there can be, all windows still fit */
	ck_assert(PAGE_OFFSET + MAXMEM + 2 * VMALLOC_OFFSET < VMALLOC_END);
	ck_assert(pt_index(PKMAP_BASE, 1) == 0);
}
END_TEST

START_TEST(E4_the_directory_is_a_frame_and_a_symbol)
{
	power_on();
	ck_assert(arch_pt_root() == swapper_frame);
	ck_assert(memcmp(swapper_pg_dir, __va(swapper_frame), PAGE_SIZE) == 0);
	swapper_pg_dir[0].val = 0x42000;	/* not present */
	ck_assert(*(volatile pteval_t *)__va(swapper_frame) == 0x42000);
}
END_TEST

/* ---- translation ---------------------------------------------------------------------- */

START_TEST(two_windows_on_one_frame_are_aliases)
{
	power_on();
	map_page(AT, HIGH_PFN + 5, PAGE_KERNEL);
	map_page(AT + 7 * PAGE_SIZE, HIGH_PFN + 5, PAGE_KERNEL);
	poke(AT + 8, 1234);
	ck_assert_uint_eq(peek(AT + 7 * PAGE_SIZE + 8), 1234);
	poke(AT + 7 * PAGE_SIZE, 99);
	ck_assert_uint_eq(frame_word(HIGH_PFN + 5), 99);
	/* a frame of low memory, seen through a window too */
	map_page(AT + PAGE_SIZE, 0x200, PAGE_KERNEL);
	poke(AT + PAGE_SIZE, 55);
	ck_assert_uint_eq(peek((unsigned long)__va(0x200000)), 55);
}
END_TEST

START_TEST(E2_read_only_pages_cannot_be_written)
{
	u32 v;

	power_on();
	set_frame_word(HIGH_PFN, 3);
	map_page(AT, HIGH_PFN, PAGE_KERNEL_RO);
	ck_assert(machine_probe_read(AT, &v));
	ck_assert_uint_eq(v, 3);
	ck_assert(!machine_probe_write(AT, 4));
	ck_assert_uint_eq(frame_word(HIGH_PFN), 3);
}
END_TEST

START_TEST(accessed_and_dirty_are_set_as_hardware_does)
{
	pte_t *e;

	power_on();
	e = entry_of(AT);
	set_pte(e, mk_pte(HIGH_PFN, RAW));
	ck_assert(!pte_young(*e) && !pte_dirty(*e));
	(void)peek(AT);
	ck_assert(pte_young(*e) && !pte_dirty(*e));
	poke(AT, 1);
	ck_assert(pte_young(*e) && pte_dirty(*e));
	ck_assert_uint_eq(frame_word(HIGH_PFN), 1);
	/* cleared and flushed, the next write sets it again */
	set_pte(e, mk_pte(HIGH_PFN, RAW));
	flush_tlb_page(AT);
	poke(AT, 2);
	ck_assert(pte_dirty(*e));
}
END_TEST

START_TEST(a_stale_translation_lives_until_it_is_flushed)
{
	u32 v;

	power_on();
	set_frame_word(HIGH_PFN, 1);
	set_frame_word(HIGH_PFN + 1, 2);
	map_page(AT, HIGH_PFN, PAGE_KERNEL);
	ck_assert_uint_eq(peek(AT), 1);
	map_page(AT, HIGH_PFN + 1, PAGE_KERNEL);
	ck_assert_uint_eq(peek(AT), 1);		/* not flushed: the old frame */
	flush_tlb_page(AT + 123);
	ck_assert_uint_eq(peek(AT), 2);
	set_pte(entry_of(AT), (pte_t){ 0 });
	ck_assert(machine_probe_read(AT, &v));	/* not flushed: still there */
	flush_tlb_kernel_range(AT, AT + PAGE_SIZE);
	ck_assert(!machine_probe_read(AT, &v));
}
END_TEST

static const char *const flush_names[] = { "range", "all", "other range" };

START_TEST(flushes_forget_what_they_name_and_no_more)
{
	bool kept = _i == 2;

	power_on();
	for (unsigned i = 0; i < 10; i++) {
		map_page(AT + i * PAGE_SIZE, HIGH_PFN + i, PAGE_KERNEL);
		(void)peek(AT + i * PAGE_SIZE);
	}
	ck_assert_uint_eq(mmu_tlb_used(), 10);
	if (_i == 0)
		flush_tlb_kernel_range(AT, AT + 10 * PAGE_SIZE);
	else if (_i == 1)
		flush_tlb_all();
	else
		flush_tlb_kernel_range(AT + 10 * PAGE_SIZE, VMALLOC_END);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_msg(mmu_tlb_has(AT + i * PAGE_SIZE) == kept, "flush of %s, page %u", flush_names[_i], i);
	for (unsigned i = 0; i < 10; i++)
		poke(AT + i * PAGE_SIZE, i);
	flush_tlb_kernel_range(AT + 3 * PAGE_SIZE, AT + 5 * PAGE_SIZE);
	ck_assert_uint_eq(mmu_tlb_used(), 8);
	ck_assert(mmu_tlb_has(AT + 2 * PAGE_SIZE) && !mmu_tlb_has(AT + 3 * PAGE_SIZE));
	ck_assert(!mmu_tlb_has(AT + 4 * PAGE_SIZE) && mmu_tlb_has(AT + 5 * PAGE_SIZE));
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(peek(AT + i * PAGE_SIZE), i);
}
END_TEST

START_TEST(a_full_tlb_forgets_and_goes_on)
{
	enum { N = TLB_ENTRIES + 500 };

	power_on();
	for (unsigned i = 0; i < N; i++) {
		map_page(AT + i * PAGE_SIZE, HIGH_PFN + i, PAGE_KERNEL);
		poke(AT + i * PAGE_SIZE, i);
		ck_assert_uint_le(mmu_tlb_used(), TLB_ENTRIES);
	}
	ck_assert_uint_eq(mmu_overflows, 1);
	ck_assert_uint_eq(mmu_tlb_used(), 500);
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(peek(AT + i * PAGE_SIZE), i);
}
END_TEST

START_TEST(E5_large_pages_are_walked)
{
	unsigned long size = 1UL << pt_shift(2), at = ALIGN(VMALLOC_START, size);
	int level;

	power_on();
	ck_assert_int_eq(pt_map_range(swapper_pg_dir, at, size, 0x2000, PAGE_KERNEL, true, &pt_ops_boot), 0);
	ck_assert(pte_huge(*pt_lookup(swapper_pg_dir, at, &level)));
	ck_assert_int_eq(level, 2);
	poke(at + size - PAGE_SIZE, 17);
	ck_assert_uint_eq(frame_word(0x2000 + (size >> PAGE_SHIFT) - 1), 17);
}
END_TEST

START_TEST(a_frame_beyond_memory_is_not_reached)
{
	u32 v;

	power_on();
	map_page(AT, MEM >> PAGE_SHIFT, PAGE_KERNEL);
	ck_assert(!machine_probe_read(AT, &v));
	ck_assert(!machine_probe_write(AT, 1));
}
END_TEST

/* ---- roots, user space -------------------------------------------------------------------- */

/* A directory of its own, kernel half shared, with user page @addr -> @pfn. */
static phys_addr_t make_root(unsigned long addr, pfn_t pfn)
{
	pte_t *root = memblock_alloc(PAGE_SIZE, PAGE_SIZE);

	ck_assert_ptr_nonnull(root);
	memcpy(root, swapper_pg_dir, PAGE_SIZE);
	set_pte(pt_walk_alloc(root, addr, &pt_ops_boot), mk_pte(pfn, PAGE_SHARED));
	return __pa(root);
}

START_TEST(E7_each_root_has_its_own_user_half)
{
	const unsigned long addr = 0x08048000;
	phys_addr_t a, b;
	u32 v;

	power_on();
	map_page(AT, HIGH_PFN + 9, PAGE_KERNEL);
	a = make_root(addr, HIGH_PFN);
	b = make_root(addr, HIGH_PFN + 1);
	mmu_load_root(a);
	poke(addr, 0xa);
	mmu_load_root(b);
	poke(addr, 0xb);
	poke(AT, 0xc);
	mmu_load_root(a);
	ck_assert_uint_eq(peek(addr), 0xa);
	ck_assert_uint_eq(peek(AT), 0xc);
	mmu_load_root(swapper_frame);
	ck_assert(!machine_probe_read(addr, &v));
	ck_assert_uint_eq(frame_word(HIGH_PFN + 1), 0xb);
}
END_TEST

START_TEST(E5_global_entries_survive_a_new_root)
{
	power_on();
	map_page(AT, HIGH_PFN, PAGE_KERNEL);
	map_page(AT + PAGE_SIZE, HIGH_PFN + 1, RAW);
	(void)peek(AT);
	(void)peek(AT + PAGE_SIZE);
	mmu_load_root(swapper_frame);
	ck_assert(mmu_tlb_has(AT));
	ck_assert(!mmu_tlb_has(AT + PAGE_SIZE));
}
END_TEST

/* ---- faults --------------------------------------------------------------------------------- */

static struct fault_info seen;
static unsigned faults;

/* Demand paging in one line; the page of @f->addr's successor is touched on the way, so that faults nest. */
static bool map_on_demand(const struct fault_info *f)
{
	seen = *f;
	faults++;
	if (f->addr >= AT + 8 * PAGE_SIZE)
		return false;
	map_page(f->addr, HIGH_PFN + 20 + (f->addr - AT) / PAGE_SIZE, RAW);
	if (f->addr < AT + PAGE_SIZE)
		poke(AT + 2 * PAGE_SIZE, 5);
	return true;
}

START_TEST(E7_the_kernel_answers_page_faults)
{
	power_on();
	hosted_fault_handler = map_on_demand;
	ck_assert_uint_eq(peek(AT + 5 * PAGE_SIZE + 12), 0);
	ck_assert(seen.addr == AT + 5 * PAGE_SIZE + 12);
	ck_assert(!seen.write && !seen.present && !seen.user && !seen.exec);
	poke(AT + 6 * PAGE_SIZE, 1);
	ck_assert(seen.write && !seen.present);
	ck_assert_uint_eq(faults, 2);
	poke(AT, 7);			/* two faults, one inside the other */
	ck_assert_uint_eq(faults, 4);
	ck_assert_uint_eq(peek(AT), 7);
	ck_assert_uint_eq(peek(AT + 2 * PAGE_SIZE), 5);
	ck_assert(!machine_probe_write(AT + 9 * PAGE_SIZE, 1));
	ck_assert_uint_eq(faults, 5);
}
END_TEST

START_TEST(a_write_to_a_read_only_page_is_a_protection_fault)
{
	power_on();
	map_page(AT + 8 * PAGE_SIZE, HIGH_PFN, PAGE_KERNEL_RO);
	hosted_fault_handler = map_on_demand;
	ck_assert(!machine_probe_write(AT + 8 * PAGE_SIZE, 1));
	ck_assert(seen.write && seen.present);
}
END_TEST

START_TEST(an_unanswered_fault_ends_the_machine)
{
	power_on();
	poke(AT, 1);
}
END_TEST

/* ---- interrupts ------------------------------------------------------------------------------- */

static unsigned interrupts;
static bool was_in_interrupt, was_off;

static void on_interrupt(void *again)
{
	interrupts++;
	was_in_interrupt = in_interrupt();
	was_off = arch_irqs_disabled();
	if (again)
		machine_run_in_interrupt(on_interrupt, NULL);
}

START_TEST(interrupts_wait_until_they_are_on)
{
	unsigned long flags;

	arch_irq_enable();
	machine_run_in_interrupt(on_interrupt, NULL);
	ck_assert_uint_eq(interrupts, 1);
	ck_assert(was_in_interrupt && was_off);
	ck_assert(!in_interrupt() && !arch_irqs_disabled());
	flags = arch_irq_save();
	ck_assert(arch_irqs_disabled());
	machine_run_in_interrupt(on_interrupt, NULL);
	machine_run_in_interrupt(on_interrupt, NULL);
	ck_assert_uint_eq(interrupts, 1);
	arch_irq_restore(flags);
	ck_assert_uint_eq(interrupts, 3);
	machine_run_in_interrupt(on_interrupt, &interrupts);	/* one that raises another */
	ck_assert_uint_eq(interrupts, 5);
	ck_assert_int_eq(preempt_count(), 0);
}
END_TEST

/* ---- threads ------------------------------------------------------------------------------------ */

static unsigned turns, ended;

static void take_turns(void *arg)
{
	unsigned mine = *(unsigned *)arg;

	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(turns % 5, mine);
		turns++;
		schedule();
	}
	ended++;
}

static void start_five(void *arg)
{
	static unsigned number[5] = { 0, 1, 2, 3, 4 };

	(void)arg;
	for (unsigned i = 0; i < 5; i++)
		ck_assert(thread_spawn("turn", take_turns, &number[i]) >= 0);
}

START_TEST(threads_take_turns_and_end)
{
	unit_boot(MEM, 0);
	for (unsigned round = 1; round <= 20; round++) {
		unit_thread(start_five, NULL);
		ck_assert_uint_eq(turns, 50 * round);
		ck_assert_uint_eq(ended, 5 * round);
	}
	unit_teardown();
}
END_TEST

static u32 *area;

static void fault_in_thread(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 100; i++) {
		area[i * 1024] += i;
		if (i % 10 == 0)
			schedule();
	}
}

START_TEST(threads_share_the_tlb_and_fault_on_their_own_stacks)
{
	unit_boot(MEM, 0);
	area = vzalloc(100 * PAGE_SIZE);
	ck_assert_ptr_nonnull(area);
	ck_assert(thread_spawn("first", fault_in_thread, NULL) >= 0);
	unit_thread(fault_in_thread, NULL);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(area[i * 1024], 2 * i);
	vfree(area);
	unit_teardown();
}
END_TEST

/* ---- names ---------------------------------------------------------------------------------------- */

START_TEST(code_addresses_have_names)
{
	char buf[80];
	unsigned long in_poke = (unsigned long)poke + 1;

	power_on();
	ck_assert_str_eq(port_symbol(buf, sizeof(buf), in_poke), "poke+0x1");
	ck_assert_str_eq(port_symbol(buf, sizeof(buf), 0x10), "0x10");
	ck_assert_str_eq(port_describe_address(buf), "stack");
	ck_assert_str_eq(port_describe_address(&turns), "kernel image");
	ck_assert_ptr_null(port_describe_address(__va(0)));
}
END_TEST

UNIT_SUITE(hosted)
{
	Suite *s = suite_create("hosted");
	TCase *loop = tcase_create("flush"), *crash_case = tcase_create("crash");

	unit_case(s, "memory", A3_direct_map_is_physical_memory, A4_nothing_is_mapped_above_low_memory,
		  A5_windows_are_in_order, E4_the_directory_is_a_frame_and_a_symbol);
	unit_case(s, "mmu", two_windows_on_one_frame_are_aliases, E2_read_only_pages_cannot_be_written,
		  accessed_and_dirty_are_set_as_hardware_does, a_stale_translation_lives_until_it_is_flushed,
		  a_full_tlb_forgets_and_goes_on, E5_large_pages_are_walked, a_frame_beyond_memory_is_not_reached,
		  E7_each_root_has_its_own_user_half, E5_global_entries_survive_a_new_root);
	tcase_add_loop_test(loop, flushes_forget_what_they_name_and_no_more, 0, 3);
	suite_add_tcase(s, loop);
	unit_case(s, "fault", E7_the_kernel_answers_page_faults, a_write_to_a_read_only_page_is_a_protection_fault);
	tcase_add_test_raise_signal(crash_case, an_unanswered_fault_ends_the_machine, SIGABRT);
	suite_add_tcase(s, crash_case);
	unit_case(s, "threads", interrupts_wait_until_they_are_on, threads_take_turns_and_end,
		  threads_share_the_tlb_and_fault_on_their_own_stacks, code_addresses_have_names);
	return s;
}
