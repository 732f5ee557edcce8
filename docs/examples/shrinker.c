/* SPDX-License-Identifier: MIT */
/*
 * Example: a cache that gives memory back when it is short (shrinker), and a thread
 * that says what its allocations must not lead to (memalloc_..._save).
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <quarry/pressure.h>
#include <quarry/spinlock.h>
#include <tests/selftest/selftest.h>

/* A cache of names that could be read again, oldest last. */
struct name {
	struct list_head lru;
	char text[100];
};

static LIST_HEAD(names);
static unsigned long nr_names;
static spinlock_t names_lock;

static bool remember(const char *text)
{
	struct name *n = kmalloc(sizeof(*n), GFP_KERNEL | __GFP_RECLAIMABLE);
	unsigned long flags;

	if (!n)
		return false;
	for (unsigned i = 0; i < sizeof(n->text) && (n->text[i] = text[i]); i++)
		;
	flags = spin_lock_irqsave(&names_lock);
	list_add(&n->lru, &names);
	nr_names++;
	spin_unlock_irqrestore(&names_lock, flags);
	return true;
}

/* How many could go?  A glance: no lock, no work. */
static unsigned long count_names(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return nr_names ? READ_ONCE(nr_names) : SHRINK_EMPTY;
}

/* Let up to nr_to_scan go.  Whoever is short calls this, perhaps holding locks: see what his mask allows. */
static unsigned long scan_names(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0, flags;

	(void)s;
	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;		/* he may hold what a file system would wait for */
	flags = spin_lock_irqsave(&names_lock);
	while (freed < sc->nr_to_scan && !list_empty(&names)) {
		struct name *n = list_last_entry(&names, struct name, lru);

		list_del(&n->lru);
		kfree(n);
		nr_names--;
		freed++;
	}
	spin_unlock_irqrestore(&names_lock, flags);
	return freed;
}

SELFTEST(example, shrinker)
{
	struct shrinker *s = shrinker_alloc(0, "names");
	unsigned n;

	CHECK(s);
	s->count_objects = count_names;
	s->scan_objects = scan_names;
	shrinker_register(s);
	for (n = 0; n < 300 && remember("/bin/hello"); n++)
		;
	drop_caches(DROP_CACHE_SLAB);		/* as if memory were very short */
	CHECK_EQ(n, 300);
	CHECK_EQ(nr_names, 0);
	shrinker_free(s);			/* waits for those who are in it */
}

/* The older way: the shrinker is the caller's own memory. */
SELFTEST(example, register_shrinker)
{
	static struct shrinker s = { .count_objects = count_names, .scan_objects = scan_names, .seeks = DEFAULT_SEEKS };

	CHECK_EQ(register_shrinker(&s, "names"), 0);
	unregister_shrinker(&s);
}

/* A file system that holds a lock which its shrinker takes, too: no allocation below may lead back to it. */
SELFTEST(example, memalloc_nofs_save)
{
	unsigned before = memalloc_nofs_save();
	void *p = kmalloc(100, GFP_KERNEL);	/* somewhere deep down: now means GFP_NOFS */

	CHECK_EQ(current_gfp_context(GFP_KERNEL), GFP_NOFS);
	memalloc_nofs_restore(before);
	CHECK_EQ(current_gfp_context(GFP_KERNEL), GFP_KERNEL);
	CHECK(p);
	kfree(p);
}
