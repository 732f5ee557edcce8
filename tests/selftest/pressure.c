/* SPDX-License-Identifier: MIT */
/*
 * pressure.c: the ladder on a machine that runs: its own background reclaimer, real
 * interrupts, threads that switch.  Each rung by itself is in tests/unit/test_ladder.c.
 */
#include <quarry/memalloc.h>
#include <quarry/pressure.h>
#include <quarry/shrinker.h>

#include "kernel/machine.h"
#include "kernel/sched.h"
#include "util.h"

#define TO_MIN (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
#define LONG_ENOUGH 2000	/* times 10 ms, only waited for by a test that fails */

/* ---- a hoard that reclaim may have ------------------------------------------------------ */

static LIST_HEAD(hoard);
static unsigned long hoarded, by_kswapd, by_others;

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return READ_ONCE(hoarded);
}

static unsigned long give(struct shrinker *s, struct shrink_control *sc)
{
	static spinlock_t lock;
	unsigned long flags = spin_lock_irqsave(&lock), n = min(sc->nr_to_scan, hoarded);

	(void)s;
	st_give_some(&hoard, 0, n);
	hoarded -= n;
	*(port_mm_thread()->flags & PF_KSWAPD ? &by_kswapd : &by_others) += n;
	spin_unlock_irqrestore(&lock, flags);
	return n;
}

static struct shrinker hoarder = {
	.count_objects = count, .scan_objects = give, .seeks = DEFAULT_SEEKS, .flags = SHRINKER_PAGES,
};

static bool all_above_high(void)
{
	struct zone *z;

	for_each_zone(z)
		if (READ_ONCE(z->nr_free) <= z->watermark[WMARK_HIGH])
			return false;
	return true;
}

/* All of memory down to low, the last 4096 frames in the hoard; then one more, which only knocks. */
static void fall_below_low(struct list_head *taken)
{
	unsigned long n = 0, slow;
	struct page *page;

	st_settle();
	st_take(taken, GFP_HIGH_ALL & ~(__GFP_WAIT | __GFP_KSWAPD_RECLAIM | __GFP_MEMALLOC), 0, ~0UL);
	for (; n < 4096 && !list_empty(taken); n++)
		list_move(taken->prev, &hoard);
	by_kswapd = by_others = 0;
	WRITE_ONCE(hoarded, n);
	register_shrinker(&hoarder, "hoarder");
	slow = vm_event(ALLOC_SLOWPATH);
	page = alloc_page(GFP_NOWAIT | __GFP_HIGHMEM | __GFP_NOWARN);
	if (page)
		list_add(&page->lru, taken);
	while (page && vm_event(ALLOC_SLOWPATH) == slow && (page = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		list_add(&page->lru, taken);
}

SELFTEST(B7, the_background_reclaimer_fills_up_to_high)
{
	unsigned long runs = vm_event(PAGEOUTRUN);
	LIST_HEAD(taken);
	bool above = false;

	fall_below_low(&taken);
	for (unsigned i = 0; i < LONG_ENOUGH && !(above = all_above_high() || !READ_ONCE(hoarded)); i++)
		thread_sleep_ms(10);
	unregister_shrinker(&hoarder);
	st_give(&hoard, 0);
	st_give(&taken, 0);
	CHECK(above);
	CHECK(vm_event(PAGEOUTRUN) > runs);
	CHECK(by_kswapd > 0);
	CHECK_EQ(by_others, 0);
}

SELFTEST(B7, who_can_wait_frees_some_himself)
{
	unsigned long stalls = vm_event(ALLOCSTALL);
	LIST_HEAD(taken);
	struct page *page;

	st_take(&taken, GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN, 0, ~0UL);
	st_take(&taken, TO_MIN, 0, ~0UL);
	for (hoarded = 0; hoarded < 64 && !list_empty(&taken); hoarded++)
		list_move(taken.prev, &hoard);		/* all NORMAL's, or below */
	by_others = by_kswapd = 0;
	register_shrinker(&hoarder, "hoarder");
	page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
	unregister_shrinker(&hoarder);
	st_give(&hoard, 0);
	st_give(&taken, 0);
	CHECK(page);
	__free_page(page);
	CHECK(vm_event(ALLOCSTALL) > stalls);
	CHECK(by_others + by_kswapd > 0);
}

/* ---- who may go how deep ------------------------------------------------------------------ */

static struct list_head *of_interrupt;
static unsigned long by_interrupt;

static void take_in_interrupt(void *arg)
{
	(void)arg;
	by_interrupt = st_take(of_interrupt, GFP_ATOMIC | __GFP_NOWARN, 0, ~0UL >> 1);
}

SELFTEST(B7, interrupts_find_what_threads_must_leave)
{
	unsigned long ordinary, high, atomic, last, want = 0;
	LIST_HEAD(taken);
	struct zone *z;

	st_all_online();
	st_settle();
	for_each_zone(z)
		if (z->type != ZONE_HIGHMEM)
			want += z->watermark[WMARK_MIN];
	ordinary = st_take(&taken, TO_MIN, 0, ~0UL);
	high = st_take(&taken, TO_MIN | __GFP_HIGH, 0, ~0UL);
	atomic = st_take(&taken, GFP_ATOMIC | __GFP_NOWARN, 0, ~0UL);
	of_interrupt = &taken;
	machine_run_in_interrupt(take_in_interrupt, NULL);
	last = st_take(&taken, TO_MIN | __GFP_MEMALLOC, 0, ~0UL);
	st_give(&taken, 0);
	CHECK(ordinary > 0);
	CHECK(high > 0 && atomic > 0 && by_interrupt > 0 && last > 0);
	CHECK(high > atomic && atomic > by_interrupt);
	CHECK(high + atomic + by_interrupt + last >= want * 9 / 10);
}

/* A thread that frees memory gets the last frame, and is never sent to free some. */
SELFTEST(B7, who_frees_memory_gets_the_last_frame)
{
	unsigned long n, stalls;
	LIST_HEAD(taken);
	unsigned old;

	st_take(&taken, TO_MIN, 0, ~0UL);
	stalls = vm_event(ALLOCSTALL);
	old = memalloc_noreclaim_save();
	n = st_take(&taken, GFP_KERNEL | __GFP_NOWARN, 0, ~0UL);
	stalls = vm_event(ALLOCSTALL) - stalls;
	memalloc_noreclaim_restore(old);
	st_give(&taken, 0);
	CHECK(n > 0);
	CHECK_EQ(stalls, 0);
}

/* ---- a lock that the caller holds ------------------------------------------------------------ */

static struct {
	bool held;
	unsigned long deadlocks, freed;
} fs;

static unsigned long fs_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 1000;
}

/* Only the test's own thread takes part: kswapd() would wait for the lock, and get it. */
static unsigned long fs_scan(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	if (!(sc->gfp_mask & __GFP_FS) || port_mm_thread()->flags & PF_KSWAPD)
		return SHRINK_STOP;
	if (fs.held) {
		fs.deadlocks++;		/* a lock would wait here, for its own thread */
		return SHRINK_STOP;
	}
	fs.freed += sc->nr_to_scan;
	return sc->nr_to_scan;
}

static struct shrinker fs_shrinker = { .count_objects = fs_count, .scan_objects = fs_scan, .seeks = DEFAULT_SEEKS };

static struct page *alloc_under_lock(gfp_t gfp)
{
	struct page *page;

	fs.held = true;
	page = alloc_page(gfp | __GFP_NORETRY | __GFP_NOWARN);
	fs.held = false;
	return page;
}

SELFTEST(B7, nofs_keeps_a_file_system_from_waiting_for_itself)
{
	unsigned long by_kernel, by_nofs, by_thread;
	LIST_HEAD(taken);
	unsigned some, old;

	st_take(&taken, TO_MIN, 0, ~0UL);
	register_shrinker(&fs_shrinker, "fs");
	fs.deadlocks = fs.freed = 0;
	some = alloc_under_lock(GFP_KERNEL) != NULL;
	by_kernel = fs.deadlocks;
	some += alloc_under_lock(GFP_NOFS) != NULL;
	by_nofs = fs.deadlocks - by_kernel;
	old = memalloc_nofs_save();
	some += alloc_under_lock(GFP_KERNEL) != NULL;
	memalloc_nofs_restore(old);
	by_thread = fs.deadlocks - by_kernel;
	some += alloc_page(TO_MIN) != NULL;
	unregister_shrinker(&fs_shrinker);
	st_give(&taken, 0);
	CHECK_EQ(some, 0);
	CHECK(by_kernel > 0);
	CHECK_EQ(by_nofs, 0);
	CHECK_EQ(by_thread, 0);
	CHECK(fs.freed > 0);
}
