/* SPDX-License-Identifier: MIT */
/* Shrinkers, by the arithmetic that shrinker.c explains; the background reclaimer. */
#include "unit.h"

#include "kernel/machine.h"
#include "kernel/sched.h"

#include <quarry/memalloc.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#define MB (1024UL * 1024)

#define EXPECT_MISUSE(kind, call) do {					\
	unsigned long before_ = misuse_count(kind);			\
	call;								\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);		\
} while (0)

/* ---- a cache that obeys -------------------------------------------------------------- */

static struct {
	unsigned long objects, calls, asked, least, most;
	gfp_t gfp;
	bool stops;
} cache;

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return cache.objects;
}

static unsigned long let_go(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n = sc->nr_to_scan;

	(void)s;
	cache.calls++;
	cache.gfp = sc->gfp_mask;
	if (cache.stops)
		return SHRINK_STOP;
	cache.asked += n;
	cache.least = cache.calls == 1 || n < cache.least ? n : cache.least;
	cache.most = n > cache.most ? n : cache.most;
	return 0;
}

static struct shrinker obeys = { .count_objects = count, .scan_objects = let_go, .seeks = DEFAULT_SEEKS };

/* One pass over a cache of @objects, of which nothing goes.  Return: how many it was to look at. */
static unsigned long pass(unsigned long objects, int priority)
{
	memset(&cache, 0, sizeof(cache));
	cache.objects = objects;
	shrink_slab(GFP_KERNEL, 0, priority);
	return cache.asked;
}

static void boot(void)
{
	unit_boot(64 * MB, 32 * MB);
	misuse_quiet(true);
	memset(&cache, 0, sizeof(cache));
	ck_assert_int_eq(register_shrinker(&obeys, "obeys"), 0);
}

static void finish(void)
{
	unregister_shrinker(&obeys);
	unit_teardown();
}

/* A count that cannot be, as of an error returned where a number is expected. */
START_TEST(B7_who_says_too_much_is_not_believed)
{
	boot();
	cache.stops = true;
	for (int i = 0; i < 3; i++)
		for (int bit = 0; bit < 2; bit++) {
			cache.objects = bit ? 1UL << (8 * sizeof(long) - 1) : (unsigned long)-12;
			cache.calls = 0;
			shrink_slab(GFP_KERNEL, 0, 0);
			ck_assert_uint_eq(cache.calls, 1);
			ck_assert_int_eq(shrinker_check(), 0);
		}
	finish();
}
END_TEST

/* What the theory on top of shrinker.c works out. */
START_TEST(B7_a_share_by_priority_and_seeks)
{
	boot();
	obeys.batch = 1;
	ck_assert_uint_eq(pass(10000, 4), 1250);
	ck_assert_uint_eq(pass(10000, 12), 4);
	ck_assert_uint_eq(pass(10000, 0), 20000);	/* twice what there is, at most */
	obeys.seeks = 8;
	ck_assert_uint_eq(pass(10000, 4), 312);
	obeys.seeks = 0;
	ck_assert_uint_eq(pass(10000, 12), 5000);
	ck_assert_uint_eq(pass(0, 0), 0);
	ck_assert_uint_eq(cache.calls, 0);
	pass(SHRINK_EMPTY, 0);
	ck_assert_uint_eq(cache.calls, 0);
	ck_assert_int_eq(obeys.nr_deferred[0], 0);
	finish();
}
END_TEST

START_TEST(B7_in_batches_and_the_rest_is_due)
{
	boot();
	ck_assert_uint_eq(pass(10000, 4), 9 * SHRINKER_BATCH);
	ck_assert(cache.least == SHRINKER_BATCH && cache.most == SHRINKER_BATCH);
	ck_assert_int_eq(obeys.nr_deferred[0], 1250 - 9 * SHRINKER_BATCH);
	ck_assert_uint_eq(pass(10000, 4), 9 * SHRINKER_BATCH);	/* 1250 and 98 / 16 */
	ck_assert_int_eq(obeys.nr_deferred[0], 2 * (1250 - 9 * SHRINKER_BATCH));
	obeys.batch = 1000;
	obeys.nr_deferred[0] = 0;
	ck_assert_uint_eq(pass(10000, 4), 1000);
	ck_assert_uint_eq(cache.calls, 1);
	finish();
}
END_TEST

/* Many small shares add up to a batch. */
START_TEST(B7_small_shares_add_up)
{
	unsigned long asked = 0, passes = 0;

	boot();
	obeys.batch = 100;
	for (; !asked && passes < 100; passes++)
		asked = pass(1000, 5);			/* 62, and a 32nd of what is due */
	ck_assert_uint_eq(asked, 100);
	ck_assert_uint_eq(passes, 21);
	finish();
}
END_TEST

START_TEST(B7_fewer_than_a_batch_are_asked_for_at_the_end)
{
	boot();
	ck_assert_uint_eq(pass(5, 0), 10);
	ck_assert_uint_eq(cache.calls, 1);
	ck_assert_uint_eq(pass(5, 3), 0);
	ck_assert_uint_eq(pass(1, 1), 0);
	finish();
}
END_TEST

START_TEST(B7_what_one_could_not_is_due_to_the_next)
{
	boot();
	memset(&cache, 0, sizeof(cache));
	cache.objects = 2000;
	cache.stops = true;
	shrink_slab(GFP_NOFS, 0, 2);
	ck_assert_uint_eq(cache.calls, 1);
	ck_assert_int_eq(obeys.nr_deferred[0], 1000);
	ck_assert_uint_eq(pass(2000, 0), 31 * SHRINKER_BATCH);	/* of 1000 and 4000, at most 4000 */
	ck_assert_int_eq(obeys.nr_deferred[0], 5000 - 31 * SHRINKER_BATCH);
	cache.stops = true;
	for (int i = 0; i < 3; i++)
		shrink_slab(GFP_KERNEL, 0, 0);
	ck_assert_int_eq(obeys.nr_deferred[0], 4000);	/* never more than twice what there is */
	finish();
}
END_TEST

START_TEST(B7_seen_as_objects_or_as_pages)
{
	unsigned long slabs, pages;

	boot();
	slabs = vm_event(SLABS_SCANNED);
	pages = vm_event(PGSCAN_DIRECT);
	pass(10000, 4);
	ck_assert_uint_eq(vm_event(SLABS_SCANNED), slabs + 9 * SHRINKER_BATCH);
	ck_assert_uint_eq(vm_event(PGSCAN_DIRECT), pages);
	obeys.flags = SHRINKER_PAGES;
	obeys.nr_deferred[0] = 0;
	pass(10000, 4);
	ck_assert_uint_eq(vm_event(SLABS_SCANNED), slabs + 9 * SHRINKER_BATCH);
	ck_assert_uint_eq(vm_event(PGSCAN_DIRECT), pages + 9 * SHRINKER_BATCH);

	memset(&cache, 0, sizeof(cache));
	cache.objects = 100;
	drop_caches(DROP_CACHE_SLAB);
	ck_assert_uint_eq(cache.calls, 0);
	drop_caches(DROP_CACHE_PAGES);
	ck_assert_uint_gt(cache.calls, 0);
	ck_assert_uint_eq(vm_event(DROP_SLAB), 1);
	ck_assert_uint_eq(vm_event(DROP_PAGECACHE), 1);
	obeys.flags = 0;
	finish();
}
END_TEST

/* ---- a file system -------------------------------------------------------------------- */

/* Its lock; who takes what he holds would wait for ever, and is counted here instead. */
static struct {
	bool held;
	unsigned long deadlocks, freed;
	gfp_t gfp;
	unsigned asked;
	bool careful;
} fs;

static bool fs_trylock(void)
{
	if (fs.held) {
		fs.deadlocks++;
		return false;
	}
	fs.held = true;
	return true;
}

static unsigned long fs_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 1000;
}

static unsigned long fs_scan(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	fs.gfp = sc->gfp_mask;
	fs.asked++;
	if ((fs.careful && !(sc->gfp_mask & __GFP_FS)) || !fs_trylock())
		return SHRINK_STOP;
	fs.held = false;
	fs.freed += sc->nr_to_scan;
	return sc->nr_to_scan;
}

static struct shrinker fs_shrinker = { .count_objects = fs_count, .scan_objects = fs_scan, .seeks = DEFAULT_SEEKS };

/* A file system's call: it holds its lock and needs memory, of which there is none. */
static void call_of_fs(gfp_t gfp)
{
	ck_assert(fs_trylock());
	ck_assert_ptr_null(alloc_page(gfp | __GFP_NORETRY | __GFP_NOWARN));
	fs.held = false;
}

START_TEST(B7_nofs_keeps_the_file_system_from_waiting_for_itself)
{
	LIST_HEAD(taken);
	unsigned old;

	unit_boot(64 * MB, 32 * MB);
	unit_take_frames(&taken, GFP_KERNEL | __GFP_NORETRY);
	ck_assert_int_eq(register_shrinker(&fs_shrinker, "fs"), 0);

	/* What would happen: the lock is held, and its own shrinker wants it. */
	fs.careful = true;
	call_of_fs(GFP_KERNEL);
	ck_assert_uint_gt(fs.deadlocks, 0);
	fs.deadlocks = 0;
	fs.careful = false;
	call_of_fs(GFP_NOFS);			/* nor does the mask alone help, if nobody looks at it */
	ck_assert_uint_gt(fs.deadlocks, 0);

	/* And does not: by the mask, or by the thread that says so for all masks. */
	fs.careful = true;
	fs.deadlocks = fs.freed = fs.asked = 0;
	call_of_fs(GFP_NOFS);
	ck_assert_uint_gt(fs.asked, 0);
	ck_assert_uint_eq(fs.gfp & (__GFP_IO | __GFP_FS), __GFP_IO);
	call_of_fs(GFP_NOIO);
	ck_assert_uint_eq(fs.gfp & (__GFP_IO | __GFP_FS), 0);
	old = memalloc_nofs_save();
	call_of_fs(GFP_KERNEL);
	memalloc_nofs_restore(old);
	ck_assert_uint_eq(fs.gfp & (__GFP_IO | __GFP_FS), __GFP_IO);
	ck_assert_uint_eq(fs.deadlocks, 0);
	ck_assert_uint_eq(fs.freed, 0);

	/* It was put off, not forgotten. */
	ck_assert_int_gt(fs_shrinker.nr_deferred[0], 0);
	ck_assert_ptr_null(alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN));
	ck_assert_uint_gt(fs.freed, 0);
	ck_assert_uint_eq(fs.deadlocks, 0);
	unregister_shrinker(&fs_shrinker);
	unit_give_frames(&taken, ~0UL);
	unit_teardown();
}
END_TEST

/* ---- coming and going ------------------------------------------------------------------- */

START_TEST(B7_misuse_is_refused)
{
	struct shrinker *s, empty = { .count_objects = count };

	boot();
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_int_eq(register_shrinker(&obeys, "twice"), -EINVAL));
	ck_assert_str_eq(obeys.name, "obeys");
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_int_eq(register_shrinker(&empty, "empty"), -EINVAL));
	EXPECT_MISUSE(MISUSE_ARGUMENT, unregister_shrinker(&empty));
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_register(&obeys));
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_free(&obeys));
	shrinker_free(NULL);

	s = shrinker_alloc(0, "own-%d", 7);
	ck_assert_str_eq(s->name, "own-7");
	ck_assert_int_eq(s->seeks, DEFAULT_SEEKS);
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_register(s));	/* without functions */
	s->count_objects = count;
	s->scan_objects = let_go;
	shrinker_register(s);
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_register(s));
	shrinker_free(s);
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_free(s));
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrinker_register(s));
	shrinker_free(shrinker_alloc(SHRINKER_NUMA_AWARE, "never registered"));
	finish();
}
END_TEST

static void leave_in_interrupt(void *arg)
{
	(void)arg;
	unregister_shrinker(&obeys);
}

/* It could wait for the thread that it interrupts. */
START_TEST(B7_nobody_goes_who_may_not_wait)
{
	boot();
	EXPECT_MISUSE(MISUSE_CONTEXT, machine_run_in_interrupt(leave_in_interrupt, NULL));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, unregister_shrinker(&obeys));
	preempt_enable();
	ck_assert(obeys.registered);
	finish();
}
END_TEST

static unsigned long leave_itself(struct shrinker *s, struct shrink_control *sc)
{
	(void)sc;
	cache.calls++;
	if (s->allocated)
		shrinker_free(s);
	else
		unregister_shrinker(s);
	return SHRINK_STOP;
}

START_TEST(B7_nobody_waits_for_himself)
{
	struct shrinker *s;

	boot();
	cache.objects = 100;
	obeys.scan_objects = leave_itself;
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrink_slab(GFP_KERNEL, 0, 0));
	ck_assert_uint_eq(cache.calls, 1);
	ck_assert(obeys.registered);
	obeys.scan_objects = let_go;

	s = shrinker_alloc(0, "itself");
	s->count_objects = count;
	s->scan_objects = leave_itself;
	shrinker_register(s);
	EXPECT_MISUSE(MISUSE_ARGUMENT, shrink_slab(GFP_KERNEL, 0, 0));
	ck_assert(s->registered && s->allocated);
	shrinker_free(s);
	finish();
}
END_TEST

static bool inside, left, gone;

static unsigned long slow_scan(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	inside = true;
	for (int i = 0; i < 20; i++) {
		schedule();
		ck_assert(!gone);
	}
	left = true;
	return SHRINK_STOP;
}

static void shrink_in_thread(void *arg)
{
	(void)arg;
	shrink_slab(GFP_KERNEL, 0, 0);
}

static void go_while_it_runs(void *arg)
{
	(void)arg;
	ck_assert_int_ge(thread_spawn("shrinks", shrink_in_thread, NULL), 0);
	while (!inside)
		schedule();
	ck_assert(!left);
	unregister_shrinker(&obeys);
	gone = true;
	ck_assert(left);
}

START_TEST(B7_going_waits_for_calls_that_run)
{
	boot();
	cache.objects = 1000;
	obeys.scan_objects = slow_scan;
	unit_thread(go_while_it_runs, NULL);
	cache.calls = 0;
	shrink_slab(GFP_KERNEL, 0, 0);
	ck_assert_uint_eq(cache.calls, 0);
	unit_teardown();
}
END_TEST

START_TEST(B7_a_broken_shrinker_is_found)
{
	boot();
	obeys.nr_deferred[0] = -1;
	ck_assert_int_eq(shrinker_check(), 2);
	obeys.nr_deferred[0] = 0;
	obeys.scan_objects = NULL;
	ck_assert_int_eq(shrinker_check(), 1);
	obeys.scan_objects = let_go;
	ck_assert_int_eq(shrinker_check(), 0);
	finish();
}
END_TEST

/* ---- in the background --------------------------------------------------------------------- */

static LIST_HEAD(hoard);
static unsigned long hoarded;

static unsigned long hoard_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return hoarded ? hoarded : SHRINK_EMPTY;
}

static unsigned long hoard_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long n = min(sc->nr_to_scan, hoarded);

	(void)s;
	unit_give_frames(&hoard, n);
	hoarded -= n;
	return n;
}

static struct shrinker hoarder = {
	.count_objects = hoard_count, .scan_objects = hoard_scan, .seeks = DEFAULT_SEEKS, .flags = SHRINKER_PAGES,
};

static bool all_above(enum zone_watermarks mark)
{
	struct zone *z;

	for_each_zone(z)
		if (z->nr_free <= z->watermark[mark])
			return false;
	return true;
}

static void let_others_run(void)
{
	for (int i = 0; i < 20; i++)
		schedule();
}

/* Memory falls to low: it is woken, and frees until all zones are above high; nobody had to wait. */
static void fall_and_rise(void *arg)
{
	unsigned long runs = vm_event(PAGEOUTRUN), stalls = vm_event(ALLOCSTALL), stolen = vm_event(PGSTEAL_KSWAPD);
	LIST_HEAD(taken);
	struct page *page;

	(void)arg;
	ck_assert_int_ge(thread_spawn("kswapd0", kswapd, NODE_DATA(0)), 0);
	let_others_run();
	ck_assert_uint_eq(vm_event(PAGEOUTRUN), runs);	/* it sleeps */
	while (hoarded < 2000 && (page = alloc_page(GFP_HIGHUSER))) {
		list_add(&page->lru, &hoard);
		hoarded++;
	}
	while ((page = alloc_page(GFP_HIGHUSER)) && vm_event(ALLOC_SLOWPATH) == 0)
		list_add(&page->lru, &taken);
	list_add(&page->lru, &taken);
	let_others_run();
	ck_assert_uint_gt(vm_event(PAGEOUTRUN), runs);
	ck_assert_uint_gt(vm_event(PGSTEAL_KSWAPD), stolen);
	ck_assert_uint_eq(vm_event(PGSTEAL_DIRECT), 0);
	ck_assert_uint_eq(vm_event(ALLOCSTALL), stalls);
	ck_assert_uint_lt(hoarded, 2000);
	ck_assert(hoarded == 0 || all_above(WMARK_HIGH));
	kswapd_stop(0);
	ck_assert_uint_eq(port_mm_thread()->flags, 0);
	unit_give_frames(&taken, ~0UL);
	unit_give_frames(&hoard, ~0UL);
}

/* @fn, as a thread, in a machine where the hoard is all that reclaim can have. */
static void with_hoarder(void (*fn)(void *))
{
	unit_boot(64 * MB, 32 * MB);
	ck_assert_int_eq(register_shrinker(&hoarder, "hoarder"), 0);
	unit_thread(fn, NULL);
	unregister_shrinker(&hoarder);
	unit_teardown();
}

START_TEST(B7_the_background_reclaimer_wakes_below_low_and_sleeps_above_high)
{
	with_hoarder(fall_and_rise);
}
END_TEST

/* 16 runs for nothing, and it is left alone; until reclaim by somebody else frees something. */
static void hope_and_despair(void *arg)
{
	unsigned long runs;
	LIST_HEAD(taken);
	struct page *page;

	(void)arg;
	ck_assert_int_ge(thread_spawn("kswapd0", kswapd, NODE_DATA(0)), 0);
	let_others_run();
	unit_take_frames(&taken, GFP_HIGHUSER | __GFP_NORETRY);
	runs = vm_event(PAGEOUTRUN);
	for (int i = 0; i < 60; i++) {
		ck_assert_ptr_null(alloc_page(GFP_NOWAIT | __GFP_HIGHMEM | __GFP_NOWARN));
		let_others_run();
	}
	ck_assert_uint_le(vm_event(PAGEOUTRUN), runs + 16);
	ck_assert_uint_gt(vm_event(PAGEOUTRUN), runs);
	runs = vm_event(PAGEOUTRUN);
	list_splice_tail_init(&taken, &hoard);
	hoarded = 100;
	page = alloc_page(GFP_HIGHUSER);		/* reclaims itself, and something comes */
	ck_assert_ptr_nonnull(page);
	__free_page(page);
	ck_assert_ptr_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, MAX_PAGE_ORDER));
	let_others_run();
	ck_assert_uint_gt(vm_event(PAGEOUTRUN), runs);
	kswapd_stop(0);
	unit_give_frames(&hoard, ~0UL);
	hoarded = 0;
}

START_TEST(B7_the_background_reclaimer_gives_up_and_hopes_again)
{
	with_hoarder(hope_and_despair);
}
END_TEST

UNIT_SUITE(shrinker,
	B7_a_share_by_priority_and_seeks,
	B7_who_says_too_much_is_not_believed,
	B7_in_batches_and_the_rest_is_due,
	B7_small_shares_add_up,
	B7_fewer_than_a_batch_are_asked_for_at_the_end,
	B7_what_one_could_not_is_due_to_the_next,
	B7_seen_as_objects_or_as_pages,
	B7_nofs_keeps_the_file_system_from_waiting_for_itself,
	B7_misuse_is_refused,
	B7_nobody_goes_who_may_not_wait,
	B7_nobody_waits_for_himself,
	B7_going_waits_for_calls_that_run,
	B7_a_broken_shrinker_is_found,
	B7_the_background_reclaimer_wakes_below_low_and_sleeps_above_high,
	B7_the_background_reclaimer_gives_up_and_hopes_again)
