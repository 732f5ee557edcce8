/* SPDX-License-Identifier: MIT */
/*
 * windows.c: every way to map a frame, by threads on all CPUs at once: kmap with hardly a slot left, so
 * that most of them sleep and are woken; kmap_atomic and kmap_local_page, whose slots are each CPU's own;
 * and a fixed address that is given one frame after another meanwhile.
 *
 * Each thread has two frames that nobody else knows: what it reads through any window is what it wrote
 * last, through whichever.
 */
#include <quarry/highmem.h>
#include <quarry/string.h>

#include "kernel/sched.h"
#include "util.h"

#define EACH 2			/* threads on each CPU, for one free slot */
#define ROUNDS 100
#define WORDS (PAGE_SIZE / sizeof(u32))
#define STEP 61			/* of these, every so many are looked at */
#define FIXED 0xf1ced000u

static struct {
	struct user {
		struct page *page, *twin;
		u32 name, wrong;
	} user[EACH * NR_CPUS];
	struct page *fixed[2];
	unsigned fixed_wrong, fixed_rounds;
	bool full, waited, over;
} windows;

static void fill(u32 *p, u32 value)
{
	for (unsigned i = 0; i < WORDS; i += STEP)
		p[i] = value + i;
}

static unsigned differs(const volatile u32 *p, u32 value)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i += STEP)
		n += p[i] != value + i;
	return n;
}

/* The fixed address names one of two frames, whenever it is looked at. */
static unsigned fixed_differs(void)
{
	u32 seen = *(volatile u32 *)fix_to_virt(FIX_TEST);

	return seen != FIXED && seen != FIXED + 1;
}

/* With a slot in hand.  There are more threads than slots: somebody will wait for one. */
static void let_somebody_wait(void)
{
	struct kmap_info info;

	do {
		schedule();
		kmap_get_info(&info);
		if (info.waiters)
			WRITE_ONCE(windows.waited, true);
	} while (windows.full && !READ_ONCE(windows.waited));
}

/* Without sleeping, on whichever CPU this is. */
static unsigned through_own_slots(struct user *u, u32 value)
{
	u32 *twin = kmap_atomic(u->twin), *page = kmap_local_page(u->page);
	unsigned wrong = differs(page, value);

	fill(twin, ~value);
	wrong += differs(page, value) + differs(twin, ~value);
	kunmap_local(page);
	kunmap_atomic(twin);
	return wrong;
}

static void use_windows(void *arg)
{
	struct user *u = arg;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 value = u->name << 24 | round << 12, *page = kmap(u->page), *twin;

		fill(page, value);
		let_somebody_wait();
		u->wrong += through_own_slots(u, value) + differs(page, value) + fixed_differs();
		kunmap(u->page);
		twin = kmap_local_page(u->twin);
		schedule();
		u->wrong += differs(twin, ~value);
		kunmap_local(twin);
	}
}

/* Until all others are done. */
static void move_the_fixed_one(void *arg)
{
	u32 i;

	(void)arg;
	for (i = 0; !READ_ONCE(windows.over); i++) {
		set_fixmap(FIX_TEST, page_to_phys(windows.fixed[i % 2]));
		windows.fixed_wrong += *(volatile u32 *)fix_to_virt(FIX_TEST) != FIXED + i % 2;
		schedule();
	}
	windows.fixed_rounds = i;
}

static bool name_fixed(unsigned i)
{
	struct page *page = windows.fixed[i] = alloc_page(GFP_HIGHUSER);
	u32 *p = page ? kmap_local_page(page) : NULL;

	if (!p)
		return false;
	*p = FIXED + i;
	kunmap_local(p);
	return true;
}

static bool make_users(unsigned n)
{
	bool ok = name_fixed(0) && name_fixed(1);

	for (unsigned i = 0; i < n && ok; i++) {
		windows.user[i] = (struct user){ alloc_page(GFP_HIGHUSER), alloc_page(GFP_HIGHUSER), i + 1, 0 };
		ok = windows.user[i].page && windows.user[i].twin;
	}
	return ok;
}

static void free_users(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (windows.user[i].page)
			__free_page(windows.user[i].page);
		if (windows.user[i].twin)
			__free_page(windows.user[i].twin);
	}
	for (unsigned i = 0; i < 2; i++)
		if (windows.fixed[i])
			__free_page(windows.fixed[i]);
}

/* All at once.  Return: those that ended well. */
static unsigned run_users(unsigned cpus)
{
	int pid[EACH * NR_CPUS], mover;
	unsigned n = 0, ended = 0;

	set_fixmap(FIX_TEST, page_to_phys(windows.fixed[0]));
	mover = thread_spawn("mover", move_the_fixed_one, NULL);
	for (unsigned cpu = 0; cpu < nr_cpu_ids && n < EACH * cpus; cpu++)
		for (unsigned k = 0; k < EACH && cpu_schedules(cpu); k++, n++)
			pid[n] = thread_spawn_on(cpu, "windows", use_windows, &windows.user[n]);
	while (n--)
		ended += pid[n] > 0 && thread_wait(pid[n]) == 0;
	WRITE_ONCE(windows.over, true);
	thread_wait(mover);
	clear_fixmap(FIX_TEST);
	return ended;
}

/* Map high frames until as many slots are left as there are CPUs.  False: there are not enough. */
static bool take_slots(struct list_head *pages, unsigned cpus)
{
	unsigned long want = HAVE_HIGHMEM ? LAST_PKMAP - cpus : 0;
	struct page *page;

	kmap_flush_unused();
	if (!HAVE_HIGHMEM || st_free_high() < 2 * want || st_take(pages, GFP_HIGHUSER, 0, want) < want)
		return false;
	list_for_each_entry(page, pages, lru)
		if (!PageHighMem(page))
			return false;
	list_for_each_entry(page, pages, lru)
		kmap(page);
	return true;
}

SELFTEST(F2, every_window_on_every_cpu_at_once)
{
	unsigned cpus = cpus_online(), users = EACH * cpus, ended = 0, wrong = 0;
	struct page *page;
	LIST_HEAD(held);
	bool made;

	memset(&windows, 0, sizeof(windows));
	windows.full = take_slots(&held, cpus);
	made = make_users(users);
	if (made)
		ended = run_users(cpus);
	for (unsigned i = 0; i < users; i++)
		wrong += windows.user[i].wrong;
	if (windows.full)
		list_for_each_entry(page, &held, lru)
			kunmap(page);
	st_give(&held, 0);
	free_users(users);
	CHECK(made);
	CHECK_EQ(ended, users);
	CHECK_EQ(wrong + windows.fixed_wrong, 0);
	CHECK(windows.fixed_rounds > 0);
	CHECK_EQ(windows.waited, windows.full);
}
