/* SPDX-License-Identifier: MIT */
/*
 * shrinker.h: how a cache outside the memory manager gives memory back when it is short.
 *
 * The owner of a cache (of file pages, names, buffers) registers two functions: one says how
 * many of its objects could go, the other lets some of them go.
 */
#ifndef QUARRY_SHRINKER_H
#define QUARRY_SHRINKER_H

#include <quarry/gfp.h>
#include <quarry/list.h>

#define DEFAULT_SEEKS 2			/* what making an object anew costs; 0: nothing to speak of */
#define SHRINK_STOP (~0UL)		/* scan_objects(): nothing could be done now */
#define SHRINK_EMPTY (~0UL - 1)		/* count_objects(): there are none at all */
#define SHRINKER_BATCH 128
#define SHRINKER_NUMA_AWARE 1u		/* told which node is short; others are always told node 0 */
#define SHRINKER_PAGES 2u		/* its objects are whole pages: counted as pgscan and pgsteal, dropped as a page cache is */

/* What a shrinker is told. */
struct shrink_control {
	gfp_t gfp_mask;			/* what the caller allows: without __GFP_FS no file system's lock may be taken */
	int nid;
	unsigned long nr_to_scan;	/* look at no more than so many */
	unsigned long nr_scanned;	/* so many were looked at; preset to nr_to_scan */
};

struct shrinker {
	unsigned long (*count_objects)(struct shrinker *s, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *s, struct shrink_control *sc);
	long batch;			/* objects a call; 0: SHRINKER_BATCH */
	int seeks;
	unsigned flags;
	void *private_data;		/* the owner's */

	/* the memory manager's */
	char name[32];
	struct list_head list;
	struct list_head calls;		/* of it that run now */
	bool registered, allocated;
	long *nr_deferred;		/* of each node: what was to be scanned, but could not be */
	long own_deferred;		/* where there is one node, or the shrinker knows no nodes */
};

/**
 * shrinker_alloc() - a shrinker nobody calls yet: fill it in, then shrinker_register()
 * @flags: SHRINKER_...
 * @fmt: its name, for reports
 * Context: thread, may sleep.  Return: NULL: no memory.  seeks is DEFAULT_SEEKS.  Undo: shrinker_free().
 */
struct shrinker *shrinker_alloc(unsigned flags, const char *fmt, ...) __printf_like(2, 3);

/**
 * shrinker_register() - from here on it may be called, by any thread that allocates
 * @s: of shrinker_alloc(); refused without both functions, and a second time
 *
 * Its functions run with PF_MEMALLOC, preemptible, in several threads at once; they may sleep
 * and allocate, but wait for nobody who may be waiting for memory.  Context: any.  O(1).
 */
void shrinker_register(struct shrinker *s);

/**
 * shrinker_free() - unregister, wait for calls that run, free
 * @s: of shrinker_alloc(), registered or not; NULL is ignored
 * Context: thread, may sleep; refused where it may not, and from within @s.
 */
void shrinker_free(struct shrinker *s);

/**
 * register_shrinker() - the older way: the caller's own memory
 * @s: filled in, else zero (seeks, too: DEFAULT_SEEKS is usual); stays until unregister_shrinker()
 * Context: thread, may sleep.  Return: 0; -ENOMEM; -EINVAL: misuse, reported.
 */
int register_shrinker(struct shrinker *s, const char *fmt, ...) __printf_like(2, 3);
/** unregister_shrinker() - waits for calls that run.  Context: as shrinker_free(). */
void unregister_shrinker(struct shrinker *s);

/** shrinker_check() - test invariants S.1 ... of shrinker.c.  Return: the number broken, or 0. */
int shrinker_check(void);
/** shrinker_for_each() - @fn(each that is registered, @arg), until it returns false.  Context: thread. */
void shrinker_for_each(bool (*fn)(struct shrinker *s, void *arg), void *arg);

#endif
