/* SPDX-License-Identifier: MIT */
/*
 * highmem.c: rows F1-F4, vmalloc, kmap, kmap_atomic, fixed addresses.
 */
#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

/* ---- F1: vmalloc ---------------------------------------------------------------------- */

SELFTEST(F1, contiguous_addresses_over_frames_of_their_own)
{
	unsigned long i, n = 64;
	struct pt_walk walk;
	u32 *area = vmalloc(n * PAGE_SIZE), *p;

	CHECK(area && IS_ALIGNED((unsigned long)area, PAGE_SIZE) && is_vmalloc_addr(area));
	for (i = 0; i < n; i++) {
		struct page *page = vmalloc_to_page((char *)area + i * PAGE_SIZE + 99);

		CHECK(page && page_to_pfn(page) == vmalloc_to_pfn((char *)area + i * PAGE_SIZE));
		pt_trace(swapper_pg_dir, (unsigned long)area + i * PAGE_SIZE, &walk);
		CHECK(walk.present && walk.phys == page_to_phys(page));
		area[i * PAGE_SIZE / sizeof(u32) + i] = (u32)i;
		p = kmap_local_page(page);
		CHECK_EQ(p[i], i);
		kunmap_local(p);
	}
	vfree(area);
	vfree(NULL);
}

SELFTEST(F1, scattered_frames_will_do)
{
	LIST_HEAD(all);
	struct page *page, *next;
	LIST_HEAD(odd);
	unsigned long n, adjacent = 0, i;
	char *area;

	/* Leave free only every second frame: nothing contiguous is left. */
	n = st_take(&all, GFP_HIGH_ALL, 0, ~0UL);
	list_for_each_entry_safe(page, next, &all, lru)
		if (page_to_pfn(page) & 1)
			list_move(&page->lru, &odd);
	st_give(&odd, 0);
	st_settle();
	CHECK(n > 0);
	n = 128;
	area = __vmalloc(n * PAGE_SIZE, GFP_HIGH_ALL);
	for (i = 1; area && i < n; i++)
		adjacent += vmalloc_to_pfn(area + i * PAGE_SIZE) == vmalloc_to_pfn(area + (i - 1) * PAGE_SIZE) + 1;
	if (area)
		memset(area, 0x3c, n * PAGE_SIZE);
	vfree(area);
	st_give(&all, 0);
	CHECK(area);
	CHECK(adjacent < n / 2);
}

SELFTEST(F1, high_frames_first)
{
	unsigned long i, n = 256, high = 0;
	char *area;

	if (!populated_zone(st_zone(ZONE_HIGHMEM)))
		SKIP("no high memory");
	if (st_free_high() < 2 * n)
		SKIP("hardly any high memory");
	area = vmalloc(n * PAGE_SIZE);
	CHECK(area);
	for (i = 0; i < n; i++)
		high += PageHighMem(vmalloc_to_page(area + i * PAGE_SIZE));
	vfree(area);
	CHECK_EQ(high, n);
}

struct neighbours { unsigned long end, broken, count; };

static bool check_gap(const struct vmalloc_area_info *info, void *arg)
{
	struct neighbours *n = arg;

	n->count++;
	n->broken += info->start < n->end;	/* size counts the guard page */
	n->end = info->start + info->size;
	return true;
}

SELFTEST(F1, a_guard_page_after_each_area)
{
	struct neighbours n = { 0 };
	char *area[8];
	unsigned i;
	u32 value;

	for (i = 0; i < 8; i++)
		CHECK((area[i] = vmalloc((i + 1) * PAGE_SIZE - 100)));
	vmalloc_for_each(check_gap, &n);
	for (i = 0; i < 8; i++) {
		unsigned long guard = (unsigned long)area[i] + (i + 1) * PAGE_SIZE;

		CHECK(machine_probe_read(guard - 4, &value));
		CHECK(!machine_probe_read(guard, &value));
		CHECK(!machine_probe_write(guard + PAGE_SIZE - 4, 1));
	}
	for (i = 0; i < 8; i++)
		vfree(area[i]);
	CHECK(n.count >= 8);
	CHECK_EQ(n.broken, 0);
}

SELFTEST(F1, vzalloc_clears)
{
	unsigned long i, n = 10 * PAGE_SIZE / sizeof(u32);
	u32 *area = vmalloc(n * sizeof(u32)), sum = 0;

	CHECK(area);
	memset(area, 0xdd, n * sizeof(u32));
	vfree(area);
	area = vzalloc(n * sizeof(u32));
	CHECK(area);
	for (i = 0; i < n; i++)
		sum |= area[i];
	vfree(area);
	CHECK_EQ(sum, 0);
}

SELFTEST(F1, vmap_shows_the_owners_frames)
{
	struct page *pages[16];
	unsigned i;
	char *area;
	u32 *p;

	for (i = 0; i < 16; i++)
		CHECK((pages[i] = alloc_page(i & 1 ? GFP_HIGHUSER : GFP_KERNEL)));
	area = vmap(pages, 16, VM_MAP, PAGE_KERNEL);
	CHECK(area);
	for (i = 0; i < 16; i++) {
		CHECK(vmalloc_to_page(area + i * PAGE_SIZE) == pages[i]);
		*(u32 *)(area + i * PAGE_SIZE) = 100 + i;
	}
	vunmap(area);
	for (i = 0; i < 16; i++) {
		p = kmap_local_page(pages[i]);
		CHECK_EQ(*p, 100 + i);
		kunmap_local(p);
		CHECK_EQ(page_count(pages[i]), 1);
		__free_page(pages[i]);
	}
}

SELFTEST(F1, kvmalloc_takes_whichever_works)
{
	void *small = kvmalloc(100, GFP_KERNEL), *large = kvmalloc(KMALLOC_MAX_SIZE + PAGE_SIZE, GFP_KERNEL);

	CHECK(small && !is_vmalloc_addr(small));
	if (large)
		CHECK(is_vmalloc_addr(large));
	else
		CHECK(st_free_low() + st_free_high() < 4 * (KMALLOC_MAX_SIZE >> PAGE_SHIFT));
	kvfree(large);
	kvfree(small);
	kvfree(NULL);
}

/*
 * The frames that vmalloc hands out, area after area, are more than low memory
 * has in all.  The window may be smaller than that, so each area's frames are
 * held (get_page) when the area goes.
 */
static unsigned long hold_area(struct list_head *held, unsigned long pages)
{
	char *area = __vmalloc(pages * PAGE_SIZE, GFP_HIGHUSER | __GFP_NOWARN);
	unsigned long i;
	LIST_HEAD(mine);

	if (!area)
		return 0;
	for (i = 0; i < pages; i++)
		*(u32 *)(area + i * PAGE_SIZE) = (u32)vmalloc_to_pfn(area + i * PAGE_SIZE);
	for (i = 0; i < pages; i++) {
		struct page *page = vmalloc_to_page(area + i * PAGE_SIZE);

		get_page(page);
		page->private = (unsigned long)page_to_pfn(page);
		list_add_tail(&page->lru, &mine);
	}
	vfree(area);
	list_splice_tail_init(&mine, held);
	return pages;
}

static unsigned long release_held(struct list_head *held)
{
	struct page *page, *next;
	unsigned long wrong = 0;

	list_for_each_entry_safe(page, next, held, lru) {
		u32 *p = kmap_local_page(page);

		wrong += *p != (u32)page_to_pfn(page) || page_count(page) != 1;
		kunmap_local(p);
		list_del(&page->lru);
		put_page(page);
	}
	return wrong;
}

SELFTEST(F1, more_in_sum_than_low_memory_holds)
{
	unsigned long low = 0, total = 0, got = 1, wrong;
	struct zone *z;
	LIST_HEAD(held);

	for_each_zone(z)
		low += z->type == ZONE_HIGHMEM ? 0 : z->managed_pages;
	if (st_free_high() <= low + 4096)
		SKIP("not that much high memory");
	while (total <= low && got) {
		got = hold_area(&held, 4096);
		total += got;
		selftest_progress(total, low);
	}
	wrong = release_held(&held);
	CHECK(total > low);
	CHECK_EQ(wrong, 0);
}

/* ---- F2: kmap --------------------------------------------------------------------------- */

SELFTEST(F2, kmap_counts_its_users)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *a, *b;

	CHECK(page);
	if (!PageHighMem(page)) {
		__free_page(page);
		SKIP("no high memory");
	}
	a = kmap(page);
	b = kmap(page);
	CHECK(a && a == b);
	kunmap(page);
	CHECK(page_address(page) == a);
	*(u32 *)a = 5;
	kunmap(page);
	kmap_flush_unused();
	CHECK(!page_address(page));
	__free_page(page);
}

static unsigned long take_high(struct list_head *list, unsigned long n)
{
	return st_free_high() < n + 512 ? 0 : st_take(list, GFP_HIGHUSER | __GFP_NOWARN, 0, n);
}

static bool all_high(const struct list_head *list)
{
	struct page *page;

	list_for_each_entry(page, list, lru)
		if (!PageHighMem(page))
			return false;
	return true;
}

SELFTEST(F2, one_flush_for_many)
{
	struct kmap_info before, after;
	struct page *page;
	LIST_HEAD(pages);

	if (!take_high(&pages, 2 * LAST_PKMAP))
		SKIP("not enough high memory to fill the window");
	CHECK(all_high(&pages));
	kmap_flush_unused();
	kmap_get_info(&before);
	list_for_each_entry(page, &pages, lru) {
		u32 *p = kmap(page);

		*p = (u32)page_to_pfn(page);
		kunmap(page);
	}
	kmap_get_info(&after);
	list_for_each_entry(page, &pages, lru) {
		u32 *p = kmap(page);

		CHECK_EQ(*p, page_to_pfn(page));
		kunmap(page);
	}
	st_give(&pages, 0);
	CHECK_EQ(before.slots, LAST_PKMAP);
	CHECK(after.flushes > before.flushes);
	CHECK(after.flushes - before.flushes <= 4);
}

static struct {
	struct page *page;
	void *volatile addr;
	volatile bool started, done;
} sleeper;

static void sleeping_kmap(void *arg)
{
	(void)arg;
	sleeper.started = true;
	sleeper.addr = kmap(sleeper.page);
	*(u32 *)sleeper.addr = 0xbed;
	kunmap(sleeper.page);
	sleeper.done = true;
}

static void let_run(int times)
{
	while (times--)
		thread_sleep_ms(1);
}

SELFTEST(F2, sleeps_when_all_slots_are_taken_until_one_is_free)
{
	struct kmap_info full, woken;
	struct page *page, *first;
	LIST_HEAD(pages);
	bool slept;
	int pid;

	if (!take_high(&pages, LAST_PKMAP + 1))
		SKIP("not enough high memory to fill the window");
	kmap_flush_unused();
	sleeper.page = list_last_entry(&pages, struct page, lru);
	first = list_first_entry(&pages, struct page, lru);
	list_for_each_entry(page, &pages, lru)
		if (page != sleeper.page)
			CHECK(kmap(page));
	sleeper.started = sleeper.done = false;
	sleeper.addr = NULL;
	pid = thread_spawn("kmap-sleeper", sleeping_kmap, NULL);
	CHECK(pid > 0);
	let_run(20);
	slept = sleeper.started && !sleeper.addr;
	kmap_get_info(&full);
	kunmap(first);
	thread_wait(pid);
	kmap_get_info(&woken);
	list_for_each_entry(page, &pages, lru)
		if (page != sleeper.page && page != first)
			kunmap(page);
	st_give(&pages, 0);
	CHECK(slept);
	CHECK_EQ(full.used, LAST_PKMAP);
	CHECK_EQ(full.waiters, 1);
	CHECK(sleeper.done && sleeper.addr);
	CHECK_EQ(woken.waiters, 0);
}

SELFTEST(F2, kmap_to_page_goes_back)
{
	struct page *high = alloc_page(GFP_HIGHUSER), *low = alloc_page(GFP_KERNEL);
	void *p;

	CHECK(high && low);
	p = kmap(high);
	CHECK(kmap_to_page(p) == high);
	CHECK(kmap_to_page((char *)p + 100) == high);
	kunmap(high);
	CHECK(kmap_to_page(page_address(low)) == low);
	p = kmap_local_page(high);
	CHECK(kmap_to_page(p) == high);
	kunmap_local(p);
	CHECK(kmap_to_page((void *)0x1000) == NULL);
	__free_page(high);
	__free_page(low);
}

/* ---- F3: kmap_atomic, kmap_local_page ----------------------------------------------------- */

/* Two frames, the first word of each its own number; both high when there is high memory. */
static bool two_frames(struct page *page[2])
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		u32 *p;

		page[i] = alloc_page(GFP_HIGHUSER);
		if (!page[i])
			return false;
		p = kmap_local_page(page[i]);
		*p = 7000 + i;
		kunmap_local(p);
	}
	return true;
}

SELFTEST(F3, a_new_mapping_in_the_slot_replaces_the_old)
{
	struct page *page[2];
	volatile u32 *a, *b;
	u32 first, second, through_a = 0;

	CHECK(two_frames(page));
	a = kmap_atomic(page[0], KM_USER0);
	first = *a;
	b = kmap_atomic(page[1], KM_USER0);
	second = *b;
	if (a == b)
		through_a = *a;
	kunmap_atomic((void *)b, KM_USER0);
	CHECK_EQ(first, 7000);
	CHECK_EQ(second, 7001);
	if (PageHighMem(page[0]) && PageHighMem(page[1])) {
		CHECK(a == b);
		CHECK_EQ(through_a, 7001);
	}
	__free_page(page[0]);
	__free_page(page[1]);
}

SELFTEST(F3, one_slot_for_each_type)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *addr[KM_TYPE_NR];
	unsigned i, j, equal = 0, outside = 0;

	CHECK(page);
	for (i = 0; i < KM_TYPE_NR; i++)
		addr[i] = kmap_atomic(page, (enum km_type)i);
	for (i = 0; i < KM_TYPE_NR; i++) {
		outside += (unsigned long)addr[i] < FIXADDR_START || (unsigned long)addr[i] > FIXADDR_TOP;
		for (j = 0; j < i; j++)
			equal += addr[i] == addr[j];
	}
	for (i = KM_TYPE_NR; i-- > 0; )
		kunmap_atomic(addr[i], (enum km_type)i);
	if (PageHighMem(page)) {
		CHECK_EQ(equal, 0);
		CHECK_EQ(outside, 0);
	}
	__free_page(page);
}

SELFTEST(F3, atomic_mappings_may_not_sleep)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	bool before = port_can_sleep(), during, after;
	void *p;

	CHECK(page);
	p = kmap_atomic(page, KM_USER1);
	during = port_can_sleep();
	kunmap_atomic(p, KM_USER1);
	p = kmap_atomic(page);
	during = during || port_can_sleep();
	kunmap_atomic(p);
	after = port_can_sleep();
	__free_page(page);
	CHECK(before && !during && after);
}

SELFTEST(F3, local_mappings_nest)
{
	struct page *page[2];
	u32 *p[KM_MAX_IDX];
	unsigned i, wrong = 0;

	CHECK(two_frames(page));
	for (i = 0; i < KM_MAX_IDX; i++)
		CHECK((p[i] = kmap_local_page(page[i & 1])));
	for (i = 0; i < KM_MAX_IDX; i++)
		wrong += *p[i] != 7000 + (i & 1);
	while (i--)
		kunmap_local(p[i]);
	CHECK_EQ(wrong, 0);
	__free_page(page[0]);
	__free_page(page[1]);
}

/* Two threads, each with mappings of its own in the same slots, take turns. */
#define TURNS 20
struct turner { struct page *page; u32 value; u32 wrong; volatile bool done; };

static void take_turns(void *arg)
{
	struct turner *t = arg;
	volatile u32 *p = kmap_local_page(t->page), *q;
	int i;

	*p = t->value;
	for (i = 0; i < TURNS; i++) {
		schedule();
		t->wrong += *p != t->value;
		q = kmap_local_page(t->page);
		schedule();
		t->wrong += *q != t->value;
		kunmap_local((void *)q);
	}
	kunmap_local((void *)p);
	t->done = true;
}

SELFTEST(F3, local_mappings_survive_a_context_switch)
{
	static struct turner turner[2];
	int pid[2], i;

	for (i = 0; i < 2; i++) {
		turner[i] = (struct turner){ .page = alloc_page(GFP_HIGHUSER), .value = 0xaaaa0000u + (u32)i };
		CHECK(turner[i].page);
		pid[i] = thread_spawn("turner", take_turns, &turner[i]);
		CHECK(pid[i] > 0);
	}
	for (i = 0; i < 2; i++)
		thread_wait(pid[i]);
	for (i = 0; i < 2; i++) {
		__free_page(turner[i].page);
		CHECK(turner[i].done);
		CHECK_EQ(turner[i].wrong, 0);
	}
}

SELFTEST(F3, clearing_and_copying_high_frames)
{
	struct page *page[2];
	u32 *p, first, second;

	CHECK(two_frames(page));
	copy_highpage(page[0], page[1]);
	p = kmap_local_page(page[0]);
	first = p[0];
	p[100] = 100;
	p[101] = 101;
	kunmap_local(p);
	zero_user(page[0], 400, 4);
	p = kmap_local_page(page[0]);
	second = p[100];
	CHECK_EQ(p[101], 101);
	kunmap_local(p);
	clear_highpage(page[0]);
	p = kmap_local_page(page[0]);
	CHECK_EQ(p[101] | p[0], 0);
	kunmap_local(p);
	__free_page(page[0]);
	__free_page(page[1]);
	CHECK_EQ(first, 7001);
	CHECK_EQ(second, 0);
}

/* ---- F4: addresses known at compile time ---------------------------------------------------- */

SELFTEST(F4, slots_count_down_from_the_top)
{
	_Static_assert(__end_of_fixed_addresses > FIX_KMAP_LOCAL_END, "the list ends the list");
	CHECK_EQ(fix_to_virt(0), FIXADDR_TOP);
	CHECK_EQ(fix_to_virt(FIX_TEST), FIXADDR_TOP - FIX_TEST * PAGE_SIZE);
	CHECK_EQ(virt_to_fix(fix_to_virt(FIX_KMAP_BEGIN)), FIX_KMAP_BEGIN);
	CHECK_EQ(virt_to_fix(fix_to_virt(FIX_TEST) + 123), FIX_TEST);
	CHECK(fix_to_virt(__end_of_fixed_addresses - 1) >= FIXADDR_START);
}

SELFTEST(F4, set_and_cleared)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	unsigned long addr = fix_to_virt(FIX_TEST);
	struct pt_walk walk;
	u32 value;

	CHECK(page);
	CHECK(!machine_probe_read(addr, &value));
	set_fixmap(FIX_TEST, page_to_phys(page));
	pt_trace(swapper_pg_dir, addr, &walk);
	*(volatile u32 *)addr = 31;
	CHECK(machine_probe_read(addr, &value));
	clear_fixmap(FIX_TEST);
	CHECK(walk.present && walk.phys == page_to_phys(page));
	CHECK_EQ(value, 31);
	CHECK(!machine_probe_read(addr, &value));
	__free_page(page);
}

#define APIC_PHYS 0xfee00000u
#define APIC_VERSION 0x30

SELFTEST(F4, the_local_apic_at_its_fixed_address)
{
	unsigned long addr = fix_to_virt(FIX_APIC_BASE);
	struct pt_walk walk;
	bool mine;
	u32 version;

	if (!machine_has_feature("apic"))
		SKIP("no local APIC");
	pt_trace(swapper_pg_dir, addr, &walk);
	mine = !walk.present;
	if (mine)
		set_fixmap_nocache(FIX_APIC_BASE, APIC_PHYS);
	pt_trace(swapper_pg_dir, addr, &walk);
	version = *(volatile u32 *)(addr + APIC_VERSION);
	if (mine)
		clear_fixmap(FIX_APIC_BASE);
	CHECK(walk.present && walk.phys == APIC_PHYS);
	/* An integrated APIC says 0x10 ... 0x15, and at least four local vectors. */
	CHECK((version & 0xff) >= 0x10 && (version & 0xff) <= 0x15);
	CHECK((version >> 16 & 0xff) >= 3);
}
