/* SPDX-License-Identifier: MIT */
/*
 * test_kmap.c: the windows to high frames: counted, by type, as a stack, fixed.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/highmem.h>
#include <quarry/report.h>

#define MEM (128UL << 20)
#define LOWMEM (32UL << 20)

static struct page *page[LAST_PKMAP + 8];

/* @n high frames, each with its index in its first word. */
static void take_pages(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u32 *p;

		page[i] = alloc_page(GFP_HIGHUSER);
		ck_assert(page[i] && PageHighMem(page[i]));
		p = kmap(page[i]);
		*p = i;
		kunmap(page[i]);
	}
}

static void give_pages(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__free_page(page[i]);
}

static void boot(unsigned pages)
{
	unit_boot(MEM, LOWMEM);
	take_pages(pages);
}

static void finish(unsigned pages)
{
	give_pages(pages);
	unit_teardown();
}

static struct kmap_info info(void)
{
	struct kmap_info i;

	kmap_get_info(&i);
	return i;
}

static unsigned long new_misuse(enum misuse kind)
{
	static unsigned long seen[NR_MISUSE + 1];
	unsigned long n = misuse_count(kind) - seen[kind];

	seen[kind] += n;
	return n;
}

/* ---- kmap --------------------------------------------------------------------------- */

START_TEST(F2_shared_and_counted)
{
	void *a, *b;

	boot(2);
	a = kmap(page[0]);
	b = kmap(page[1]);
	ck_assert(a && b && a != b);
	ck_assert((unsigned long)a >= PKMAP_BASE && (unsigned long)a < PKMAP_BASE + LAST_PKMAP * PAGE_SIZE);
	ck_assert_ptr_eq(kmap(page[0]), a);
	ck_assert_uint_eq(info().used, 2);
	ck_assert_ptr_eq(page_address(page[0]), a);
	ck_assert_ptr_eq(kmap_to_page((char *)a + 17), page[0]);
	kunmap(page[0]);
	ck_assert_ptr_eq(page_address(page[0]), a);
	ck_assert_uint_eq(*(u32 *)a, 0);
	ck_assert_uint_eq(*(u32 *)b, 1);
	kunmap(page[0]);
	ck_assert_ptr_null(page_address(page[0]));
	ck_assert_ptr_null(kmap_to_page(a));
	/* unused, not flushed: the same slot again */
	ck_assert_ptr_eq(kmap(page[0]), a);
	kunmap(page[0]);
	kunmap(page[1]);
	ck_assert_uint_eq(info().used, 0);
	ck_assert_int_eq(kmap_check(), 0);
	finish(2);
}
END_TEST

START_TEST(F2_low_frames_cost_nothing)
{
	struct page *low;

	boot(0);
	low = alloc_page(GFP_KERNEL);
	ck_assert_ptr_eq(kmap(low), page_address(low));
	kunmap(low);
	kunmap(low);
	ck_assert_ptr_eq(kmap_local_page(low), page_address(low));
	kunmap_local(page_address(low));
	ck_assert_ptr_eq(kmap_to_page(page_address(low)), low);
	ck_assert_uint_eq(info().used + info().unused_mapped, 0);
	__free_page(low);
	finish(0);
}
END_TEST

START_TEST(F2_one_flush_for_many)
{
	unsigned long before;

	boot(LAST_PKMAP + 1);
	before = info().flushes;
	for (unsigned round = 0; round < 10; round++)
		for (unsigned i = 0; i < LAST_PKMAP + 1; i++) {
			ck_assert_uint_eq(*(volatile u32 *)kmap(page[i]), i);
			kunmap(page[i]);
		}
	ck_assert_uint_ge(info().flushes - before, 10);
	ck_assert_uint_le(info().flushes - before, 12);
	ck_assert_int_eq(kmap_check(), 0);
	kmap_flush_unused();
	ck_assert_uint_eq(info().unused_mapped, 0);
	finish(LAST_PKMAP + 1);
}
END_TEST

START_TEST(F2_unused_slots_fault_after_the_flush)
{
	void *a;
	u32 v;

	boot(1);
	a = kmap(page[0]);
	*(volatile u32 *)a = 3;
	kunmap(page[0]);
	kmap_flush_unused();
	ck_assert(!machine_probe_read((unsigned long)a, &v));
	finish(1);
}
END_TEST

static unsigned woken;

static void wait_for_a_slot(void *arg)
{
	u32 *p = kmap(page[LAST_PKMAP]);

	(void)arg;
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(*p, LAST_PKMAP);
	woken++;
	kunmap(page[LAST_PKMAP]);
}

static void fill_the_window(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LAST_PKMAP; i++)
		ck_assert_ptr_nonnull(kmap(page[i]));
	ck_assert_int_ge(thread_spawn("waiter", wait_for_a_slot, NULL), 0);
	ck_assert_int_ge(thread_spawn("waiter", wait_for_a_slot, NULL), 0);
	while (info().waiters < 2)
		schedule();
	ck_assert_uint_eq(woken, 0);
	kunmap(page[7]);
	while (woken < 2)
		schedule();
	for (unsigned i = 0; i < LAST_PKMAP; i++)
		if (i != 7)
			kunmap(page[i]);
}

START_TEST(F2_sleeps_until_a_slot_is_released)
{
	boot(LAST_PKMAP + 1);
	unit_thread(fill_the_window, NULL);
	ck_assert_uint_eq(woken, 2);
	ck_assert_uint_eq(info().waiters, 0);
	finish(LAST_PKMAP + 1);
}
END_TEST

START_TEST(F2_null_where_the_caller_cannot_sleep)
{
	boot(LAST_PKMAP + 1);
	for (unsigned i = 0; i < LAST_PKMAP; i++)
		ck_assert_ptr_nonnull(kmap(page[i]));
	unit_log_clear();
	preempt_disable();
	ck_assert_ptr_null(kmap(page[LAST_PKMAP]));
	preempt_enable();
	ck_assert(unit_log_has("kmap"));
	for (unsigned i = 0; i < LAST_PKMAP; i++)
		kunmap(page[i]);
	finish(LAST_PKMAP + 1);
}
END_TEST

static void kmap_in_irq(void *arg)
{
	(void)arg;
	ck_assert_ptr_null(kmap(page[0]));
	kunmap(page[0]);
	kmap_flush_unused();
}

START_TEST(F2_misuse_is_refused)
{
	struct page *freed;
	char local;

	boot(1);
	misuse_quiet(true);
	kunmap(page[0]);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	kmap(page[0]);
	kunmap(page[0]);
	kunmap(page[0]);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	freed = alloc_page(GFP_HIGHUSER);
	__free_page(freed);
	ck_assert_ptr_null(kmap(freed));
	ck_assert_ptr_null(kmap(NULL));
	ck_assert_ptr_null(kmap((struct page *)&local));
	ck_assert_ptr_null(kmap_local_page(freed));
	ck_assert_ptr_null(kmap_atomic(NULL, KM_USER0));
	ck_assert_uint_eq(new_misuse(MISUSE_FOREIGN), 5);
	kmap(page[0]);
	machine_run_in_interrupt(kmap_in_irq, NULL);
	ck_assert_uint_eq(new_misuse(MISUSE_CONTEXT), 3);
	ck_assert_uint_eq(info().used, 1);
	kunmap(page[0]);
	ck_assert_int_eq(preempt_count(), 0);
	finish(1);
}
END_TEST

START_TEST(F2_too_many_users_are_refused)
{
	void *a;

	boot(1);
	misuse_quiet(true);
	a = kmap(page[0]);
	for (unsigned i = 1; i < KMAP_USERS; i++)
		ck_assert_ptr_eq(kmap(page[0]), a);
	ck_assert_ptr_null(kmap(page[0]));
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	ck_assert_uint_eq(kmap_users(page[0]), KMAP_USERS);
	ck_assert_ptr_eq(page_address(page[0]), a);
	ck_assert_int_eq(kmap_check(), 0);
	for (unsigned i = 0; i < KMAP_USERS; i++)
		kunmap(page[0]);
	ck_assert_uint_eq(info().used, 0);
	ck_assert_int_eq(kmap_check(), 0);
	finish(1);
}
END_TEST

/* A slot that nobody uses outlives the frame's owner. */
START_TEST(F2_a_free_frame_may_keep_its_slot)
{
	struct page *again;
	void *a;

	boot(1);
	a = kmap(page[0]);
	kunmap(page[0]);
	__free_page(page[0]);
	ck_assert_int_eq(kmap_check(), 0);
	again = alloc_page(GFP_HIGHUSER);
	ck_assert_ptr_eq(again, page[0]);
	ck_assert_ptr_null(page_address(again));
	ck_assert_ptr_eq(kmap(again), a);
	ck_assert_int_eq(kmap_check(), 0);
	misuse_quiet(true);
	__free_page(again);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	kunmap(again);
	finish(1);
}
END_TEST

/* A pointer into the middle of a struct page is none. */
START_TEST(F2_F3_crooked_pointers_are_refused)
{
	struct page *crooked;

	boot(1);
	misuse_quiet(true);
	for (unsigned i = 1; i < sizeof(struct page); i++) {
		crooked = (struct page *)((char *)page[0] + i);
		ck_assert_ptr_null(kmap(crooked));
		ck_assert_ptr_null(kmap_local_page(crooked));
		ck_assert_ptr_null(kmap_atomic(crooked));
		ck_assert_ptr_null(kmap_atomic(crooked, KM_USER0));
		kunmap(crooked);
		ck_assert_uint_eq(new_misuse(MISUSE_FOREIGN), 5);
	}
	ck_assert_int_eq(preempt_count(), 0);
	ck_assert_int_eq(kmap_local_depth(), 0);
	finish(1);
}
END_TEST

/* ---- kmap_atomic by type --------------------------------------------------------------- */

START_TEST(F3_a_new_mapping_replaces)
{
	volatile u32 *a, *b;

	boot(2);
	a = kmap_atomic(page[0], KM_USER0);
	ck_assert_int_eq(preempt_count(), 1);
	ck_assert_uint_eq(*a, 0);
	b = kmap_atomic(page[1], KM_USER0);
	ck_assert_ptr_eq((void *)a, (void *)b);
	ck_assert_uint_eq(*a, 1);
	ck_assert_int_eq(preempt_count(), 1);
	kunmap_atomic((void *)b, KM_USER0);
	ck_assert_int_eq(preempt_count(), 0);
	ck_assert_int_eq(kmap_check(), 0);
	finish(2);
}
END_TEST

START_TEST(F3_types_have_slots_of_their_own)
{
	u32 *a[KM_TYPE_NR];

	boot(KM_TYPE_NR);
	for (unsigned t = 0; t < KM_TYPE_NR; t++) {
		a[t] = kmap_atomic(page[t], (enum km_type)t);
		ck_assert_uint_eq((unsigned long)a[t], fix_to_virt(FIX_KMAP_BEGIN + t));
		ck_assert_ptr_eq(kmap_to_page(a[t]), page[t]);
	}
	ck_assert_int_eq(preempt_count(), KM_TYPE_NR);
	for (unsigned t = 0; t < KM_TYPE_NR; t++) {
		ck_assert_uint_eq(*a[t], t);
		kunmap_atomic((char *)a[t] + 9, (enum km_type)t);
	}
	ck_assert_int_eq(preempt_count(), 0);
	finish(KM_TYPE_NR);
}
END_TEST

START_TEST(F3_low_then_high_in_one_slot)
{
	struct page *low;
	void *a, *b;
	u32 v;

	boot(1);
	low = alloc_page(GFP_KERNEL);
	a = kmap_atomic(page[0], KM_USER1);
	b = kmap_atomic(low, KM_USER1);
	ck_assert_ptr_eq(b, page_address(low));
	ck_assert(!machine_probe_read((unsigned long)a, &v));
	a = kmap_atomic(page[0], KM_USER1);
	ck_assert_int_eq(preempt_count(), 1);
	ck_assert_uint_eq(*(volatile u32 *)a, 0);
	kunmap_atomic(a, KM_USER1);
	ck_assert(!machine_probe_read((unsigned long)a, &v));
	ck_assert_int_eq(preempt_count(), 0);
	__free_page(low);
	finish(1);
}
END_TEST

START_TEST(F3_wrong_address_is_refused)
{
	void *a;

	boot(1);
	misuse_quiet(true);
	a = kmap_atomic(page[0], KM_USER0);
	kunmap_atomic(a, KM_USER1);
	kunmap_atomic((char *)a + PAGE_SIZE, KM_USER0);
	kunmap_atomic(NULL, KM_USER1);
	kunmap_atomic(a, (enum km_type)KM_TYPE_NR);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 4);
	ck_assert_uint_eq(*(volatile u32 *)a, 0);
	ck_assert_int_eq(preempt_count(), 1);
	ck_assert_ptr_null(kmap_atomic(page[0], (enum km_type)KM_TYPE_NR));
	ck_assert_uint_eq(new_misuse(MISUSE_ARGUMENT), 1);
	kunmap_atomic(a, KM_USER0);
	kunmap_atomic(a, KM_USER0);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	ck_assert_int_eq(preempt_count(), 0);
	finish(1);
}
END_TEST

/* ---- kmap_local -------------------------------------------------------------------------- */

START_TEST(F3_local_mappings_nest)
{
	u32 *a[KM_MAX_IDX];

	boot(KM_MAX_IDX + 1);
	misuse_quiet(true);
	for (unsigned i = 0; i < KM_MAX_IDX; i++)
		a[i] = kmap_local_page(page[i]);
	ck_assert_ptr_null(kmap_local_page(page[KM_MAX_IDX]));
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	for (unsigned i = 0; i < KM_MAX_IDX; i++)
		ck_assert_uint_eq(*a[i], i);
	kunmap_local(a[0]);		/* out of order */
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	kunmap_local((void *)fix_to_virt(FIX_TEST));
	ck_assert_uint_eq(new_misuse(MISUSE_FOREIGN), 1);
	for (unsigned i = KM_MAX_IDX; i-- > 0; )
		kunmap_local((char *)a[i] + 100);
	kunmap_local(a[0]);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	ck_assert_int_eq(preempt_count(), 0);
	finish(KM_MAX_IDX + 1);
}
END_TEST

START_TEST(F3_atomic_without_a_type)
{
	void *a, *b;

	boot(2);
	misuse_quiet(true);
	a = kmap_atomic(page[0]);
	b = kmap_atomic(page[1]);
	ck_assert_int_eq(preempt_count(), 2);
	kunmap_atomic(a);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	ck_assert_int_eq(preempt_count(), 2);
	ck_assert_uint_eq(*(volatile u32 *)b, 1);
	kunmap_atomic(b);
	kunmap_atomic(a);
	ck_assert_int_eq(preempt_count(), 0);
	kunmap_atomic(a);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 1);
	ck_assert_int_eq(preempt_count(), 0);
	finish(2);
}
END_TEST

static void too_deep_in_irq(void *arg)
{
	ck_assert_ptr_null(kmap_local_page(arg));
	ck_assert_ptr_null(kmap_atomic(arg));
	ck_assert_int_eq(preempt_count(), IRQ_ONE);
	kunmap_local(NULL);
	kunmap_local((void *)1);
}

START_TEST(F3_too_deep_in_an_interrupt)
{
	u32 *a[KM_MAX_IDX];

	boot(KM_MAX_IDX + 1);
	misuse_quiet(true);
	for (unsigned i = 0; i < KM_MAX_IDX; i++)
		a[i] = kmap_local_page(page[i]);
	machine_run_in_interrupt(too_deep_in_irq, page[KM_MAX_IDX]);
	ck_assert_uint_eq(new_misuse(MISUSE_UNBALANCED), 2);
	ck_assert_uint_eq(new_misuse(MISUSE_FOREIGN), 2);
	ck_assert_int_eq(kmap_local_depth(), KM_MAX_IDX);
	ck_assert_int_eq(kmap_check(), 0);
	for (unsigned i = KM_MAX_IDX; i-- > 0; ) {
		ck_assert_uint_eq(*(volatile u32 *)a[i], i);
		kunmap_local(a[i]);
	}
	ck_assert_int_eq(kmap_local_depth(), 0);
	finish(KM_MAX_IDX + 1);
}
END_TEST

static void touch_after_unmap(void (*unmap)(void *))
{
	u32 *a = unmap ? kmap_atomic(page[0]) : kmap_local_page(page[0]), v;

	*(volatile u32 *)a = 1;
	if (unmap)
		unmap(a);
	else
		kunmap_local(a);
	ck_assert(!machine_probe_read((unsigned long)a, &v));
}

static void end_atomic(void *addr)
{
	kunmap_atomic(addr);
}

START_TEST(F3_an_unmapped_address_faults)
{
	boot(1);
	touch_after_unmap(NULL);
	touch_after_unmap(end_atomic);
	finish(1);
}
END_TEST

static void nest_in_irq(void *arg)
{
	u32 *a = kmap_local_page(page[1]), *b = kmap_atomic(page[2]);

	ck_assert(a != arg && b != arg);
	ck_assert_uint_eq(*a, 1);
	ck_assert_uint_eq(*b, 2);
	kunmap_atomic(b);
	kunmap_local(a);
}

START_TEST(F3_interrupts_nest_above_the_thread)
{
	u32 *a;

	boot(3);
	a = kmap_local_page(page[0]);
	for (int i = 0; i < 100; i++) {
		machine_run_in_interrupt(nest_in_irq, a);
		ck_assert_uint_eq(*(volatile u32 *)a, 0);
	}
	ck_assert_int_eq(kmap_check(), 0);
	kunmap_local(a);
	finish(3);
}
END_TEST

#define THREADS 3

static void keep_local_mappings(void *arg)
{
	unsigned me = *(unsigned *)arg;
	volatile u32 *a = kmap_local_page(page[me]), *b = kmap_local_page(page[me + THREADS]);

	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(*a, me);
		ck_assert_uint_eq(*b, me + THREADS);
		schedule();
	}
	kunmap_local((void *)b);
	ck_assert_uint_eq(*a, me);
	schedule();
	kunmap_local((void *)a);
}

static void several_threads(void *arg)
{
	static unsigned number[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		ck_assert_int_ge(thread_spawn("mapper", keep_local_mappings, &number[i]), 0);
	}
	(void)arg;
}

START_TEST(F3_local_mappings_follow_their_thread)
{
	boot(2 * THREADS);
	unit_thread(several_threads, NULL);
	ck_assert_int_eq(kmap_check(), 0);
	finish(2 * THREADS);
}
END_TEST

START_TEST(clear_copy_zero)
{
	u8 *p;

	boot(2);
	misuse_quiet(true);
	p = kmap(page[0]);
	memset(p, 0xee, PAGE_SIZE);
	copy_highpage(page[1], page[0]);
	zero_user(page[1], 10, 20);
	clear_highpage(page[0]);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		ck_assert_uint_eq(p[i], 0);
	kunmap(page[0]);
	p = kmap(page[1]);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		ck_assert_uint_eq(p[i], i >= 10 && i < 30 ? 0 : 0xee);
	zero_user(page[1], 4000, 97);
	zero_user(page[1], ~0u, 2);
	ck_assert_uint_eq(new_misuse(MISUSE_SIZE), 2);
	zero_user(page[1], 4000, 96);
	ck_assert_uint_eq(p[4095], 0);
	ck_assert_uint_eq(p[3999], 0xee);
	kunmap(page[1]);
	finish(2);
}
END_TEST

/* ---- fixmap --------------------------------------------------------------------------------- */

START_TEST(F4_set_read_clear)
{
	volatile u32 *at = (volatile u32 *)fix_to_virt(FIX_TEST);
	u32 v;

	boot(2);
	ck_assert_uint_eq(fix_to_virt(FIX_HOLE), FIXADDR_TOP);
	ck_assert_uint_eq(virt_to_fix(fix_to_virt(FIX_TEST) + 123), FIX_TEST);
	ck_assert(!machine_probe_read((unsigned long)at, &v));
	set_fixmap(FIX_TEST, page_to_phys(page[1]));
	ck_assert_uint_eq(*at, 1);
	set_fixmap(FIX_TEST, page_to_phys(page[0]));
	ck_assert_uint_eq(*at, 0);
	clear_fixmap(FIX_TEST);
	ck_assert(!machine_probe_read((unsigned long)at, &v));
	finish(2);
}
END_TEST

START_TEST(F4_slots_that_are_not_yours)
{
	boot(1);
	misuse_quiet(true);
	set_fixmap(FIX_HOLE, 0);
	set_fixmap(__end_of_fixed_addresses, 0);
	set_fixmap(FIX_KMAP_BEGIN, 0);
	set_fixmap(FIX_KMAP_LOCAL_END, 0);
	clear_fixmap((enum fixed_addresses)100000);
	set_fixmap(FIX_TEST, 0x1001);
	ck_assert_uint_eq(new_misuse(MISUSE_ARGUMENT), 6);
	finish(1);
}
END_TEST

UNIT_SUITE(kmap,
	F2_shared_and_counted,
	F2_low_frames_cost_nothing,
	F2_one_flush_for_many,
	F2_unused_slots_fault_after_the_flush,
	F2_sleeps_until_a_slot_is_released,
	F2_null_where_the_caller_cannot_sleep,
	F2_misuse_is_refused,
	F2_too_many_users_are_refused,
	F2_a_free_frame_may_keep_its_slot,
	F2_F3_crooked_pointers_are_refused,
	F3_a_new_mapping_replaces,
	F3_types_have_slots_of_their_own,
	F3_low_then_high_in_one_slot,
	F3_wrong_address_is_refused,
	F3_local_mappings_nest,
	F3_atomic_without_a_type,
	F3_too_deep_in_an_interrupt,
	F3_an_unmapped_address_faults,
	F3_interrupts_nest_above_the_thread,
	F3_local_mappings_follow_their_thread,
	clear_copy_zero,
	F4_set_read_clear,
	F4_slots_that_are_not_yours)
