/* SPDX-License-Identifier: MIT */
/*
 * squeeze_locks.c: memory is short for those whom others wait for.
 *
 * nofs	A file system in miniature: a lock, and cached pages that its shrinker lets go under
 *	that lock.  Who allocates while he holds the lock must say GFP_NOFS.  With GFP_KERNEL
 *	the allocator would call the shrinker, which would wait for a lock that its own caller
 *	holds, for ever; here it looks first, and counts that instead.
 *
 * mempool	Takers pass each element on to one thread, which gives it back: the only
 *	source of elements there is, for all memory is taken.
 */
#include "squeeze.h"
#include "mutex.h"
#include "sched.h"

#include <quarry/memalloc.h>
#include <quarry/mempool.h>
#include <quarry/page.h>
#include <quarry/shrinker.h>

/* ---- nofs ------------------------------------------------------------------------------- */

#define CACHED 64

static struct {
	struct mutex lock;
	struct task *holder;
	struct list_head pages;
	unsigned long nr_pages;
	unsigned long turned_away, entered, deadlocks;
} fs;

static void fs_lock(void)
{
	mutex_lock(&fs.lock);
	fs.holder = current_task();
}

static void fs_unlock(void)
{
	fs.holder = NULL;
	mutex_unlock(&fs.lock);
}

static unsigned long fs_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return READ_ONCE(fs.nr_pages);
}

static unsigned long fs_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	(void)s;
	if (!(sc->gfp_mask & __GFP_FS)) {
		fs.turned_away++;
		return SHRINK_STOP;
	}
	if (READ_ONCE(fs.holder) == current_task()) {
		fs.deadlocks++;
		return SHRINK_STOP;
	}
	fs_lock();
	fs.entered++;
	for (; fs.nr_pages && freed < sc->nr_to_scan; freed++, fs.nr_pages--) {
		struct page *page = list_first_entry(&fs.pages, struct page, lru);

		list_del(&page->lru);
		__free_page(page);
	}
	fs_unlock();
	return freed;
}

static struct shrinker fs_shrinker = { .count_objects = fs_count, .scan_objects = fs_scan, .seeks = DEFAULT_SEEKS };

static void fs_fill(void)
{
	struct page *page;

	INIT_LIST_HEAD(&fs.pages);
	fs.turned_away = fs.entered = fs.deadlocks = 0;
	for (fs.nr_pages = 0; fs.nr_pages < CACHED && (page = alloc_page(GFP_KERNEL)); fs.nr_pages++)
		list_add(&page->lru, &fs.pages);
}

/* Frames until there is none. */
static void fill(struct list_head *taken, gfp_t gfp)
{
	squeeze_fill(taken, gfp | __GFP_NOWARN | __GFP_NORETRY);
}

/* The lock is held all the while, so nobody else gets in either; the background reclaimer waits for it. */
static void fill_in_lock(struct list_head *taken)
{
	unsigned before;

	fs_lock();
	fill(taken, GFP_NOFS);
	squeeze_expect(fs.turned_away > 0, "the shrinker is asked by GFP_NOFS");
	before = memalloc_nofs_save();
	fill(taken, GFP_KERNEL);
	memalloc_nofs_restore(before);
	squeeze_say("lock held, GFP_NOFS: turned away %lu times", fs.turned_away);
	squeeze_expect(fs.deadlocks == 0, "it does not enter, nor after memalloc_nofs_save() (%lu times)", fs.deadlocks);
	fill(taken, GFP_KERNEL);
	squeeze_say("lock held, GFP_KERNEL: would have waited for its own caller %lu times", fs.deadlocks);
	squeeze_expect(fs.deadlocks > 0, "GFP_KERNEL there is a deadlock");
	fs_unlock();
}

void squeeze_nofs(void)
{
	LIST_HEAD(taken);
	struct rungs r;

	fs_fill();
	if (!squeeze_expect(!register_shrinker(&fs_shrinker, "squeezed fs"), "a shrinker can be registered"))
		return;
	rungs_begin(&r);
	fill_in_lock(&taken);
	fill(&taken, GFP_KERNEL);
	rungs_end(&r, "rungs", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOCSTALL) | RUNG(ALLOC_FAILED) | RUNG(SLABS_SCANNED),
		  RUNG(OOM_KILL));
	unregister_shrinker(&fs_shrinker);
	squeeze_say("lock released: %lu of %u cached pages went", CACHED - fs.nr_pages, CACHED);
	squeeze_expect(fs.entered > 0 && fs.nr_pages < CACHED, "without the lock the shrinker frees pages");
	squeeze_release(&taken);
	squeeze_release(&fs.pages);
}

/* ---- mempool ------------------------------------------------------------------------------- */

#define RESERVE 4
#define TAKERS 4
#define ROUNDS 16u

static struct {
	mempool_t *pool;
	spinlock_t lock;
	struct list_head taken;		/* by page->lru: to be given back */
	unsigned takers;		/* that have not ended */
	unsigned long passed, none;	/* elements passed on; NULL from mempool_alloc() */
	bool go;
} mp;

static void pass_on(struct page *page)
{
	unsigned long flags = spin_lock_irqsave(&mp.lock);

	if (page) {
		list_add_tail(&page->lru, &mp.taken);
		mp.passed++;
	} else {
		mp.none++;
	}
	spin_unlock_irqrestore(&mp.lock, flags);
	port_wakeup(&mp.taken);
}

static void taker(void *arg)
{
	(void)arg;
	while (!READ_ONCE(mp.go))
		thread_sleep_ms(1);
	for (unsigned i = 0; i < ROUNDS; i++)
		pass_on(mempool_alloc(mp.pool, GFP_NOIO | __GFP_NOWARN));
	__atomic_fetch_sub(&mp.takers, 1, __ATOMIC_RELAXED);
	port_wakeup(&mp.taken);
}

/* What was passed on; NULL: nothing comes any more. */
static struct page *next_passed(void)
{
	unsigned long flags = spin_lock_irqsave(&mp.lock);
	struct page *page = NULL;

	while (list_empty(&mp.taken) && __atomic_load_n(&mp.takers, __ATOMIC_RELAXED))
		flags = port_sleep_on(&mp.taken, &mp.lock, flags);
	if (!list_empty(&mp.taken)) {
		page = list_first_entry(&mp.taken, struct page, lru);
		list_del(&page->lru);
	}
	spin_unlock_irqrestore(&mp.lock, flags);
	return page;
}

static void giver(void *arg)
{
	struct page *page;

	(void)arg;
	while ((page = next_passed()))
		mempool_free(page, mp.pool);
}

/* Return: pid of the giver; < 0: there was no memory for all. */
static int start_threads(int pid[TAKERS])
{
	mp.takers = TAKERS;
	for (unsigned i = 0; i < TAKERS; i++) {
		pid[i] = thread_spawn("taker", taker, NULL);
		if (pid[i] < 0)
			__atomic_fetch_sub(&mp.takers, 1, __ATOMIC_RELAXED);
	}
	return thread_spawn("giver", giver, NULL);
}

void squeeze_mempool(void)
{
	int pid[TAKERS], giver_pid;
	unsigned long held;
	LIST_HEAD(taken);
	struct rungs r;

	INIT_LIST_HEAD(&mp.taken);
	mp.passed = mp.none = 0;
	mp.go = false;
	mp.pool = mempool_create_page_pool(RESERVE, 0);
	if (!squeeze_expect(mp.pool != NULL, "there is memory for a pool of %d pages", RESERVE))
		return;
	giver_pid = start_threads(pid);
	squeeze_expect(giver_pid > 0 && mp.takers == TAKERS, "there is memory for %d threads", TAKERS + 1);
	held = squeeze_fill_all(&taken) + squeeze_fill(&taken, GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN);
	rungs_begin(&r);
	WRITE_ONCE(mp.go, true);
	for (unsigned i = 0; i < TAKERS; i++)
		thread_wait(pid[i]);
	thread_wait(giver_pid);
	rungs_end(&r, "rungs", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOC_FAILED), RUNG(OOM_KILL));
	squeeze_say("%lu pages taken; %lu elements of a pool of %d went round, %lu times there was none", held,
		    mp.passed, RESERVE, mp.none);
	squeeze_expect(mp.none == 0 && mp.passed == TAKERS * ROUNDS, "mempool_alloc() may wait: it never fails");
	squeeze_expect(mempool_check(mp.pool) == 0 && mempool_is_saturated(mp.pool), "the reserve is whole again");
	squeeze_release(&taken);
	mempool_destroy(mp.pool);
}
