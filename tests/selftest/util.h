/* SPDX-License-Identifier: MIT */
/*
 * util.h: what several selftests share.
 */
#ifndef SELFTEST_UTIL_H
#define SELFTEST_UTIL_H

#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/report.h>
#include <quarry/zone.h>

#include "selftest.h"

/* A mask that takes the very last page and says nothing when there is none. */
#define GFP_LOW_ALL (GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN)
#define GFP_HIGH_ALL (GFP_HIGHUSER | __GFP_MEMALLOC | __GFP_NOWARN)

/** st_equal(), st_contains(), st_begins() - strings. */
bool st_equal(const char *a, const char *b);
bool st_contains(const char *text, const char *part);
bool st_begins(const char *text, const char *start);

/** st_on_machine() - is this a machine of our own, and not a process? */
bool st_on_machine(void);
/** st_on_pc() - is this a machine with i386's addresses? */
bool st_on_pc(void);

/** st_capture() - let @print write to a buffer; the text, cut at 8 KiB.  One at a time. */
const char *st_capture(void (*print)(struct seq *s));

/** st_zone() - the first zone of a type that has memory; one without, where none has. */
struct zone *st_zone(enum zone_type type);

/* Numbers of the zones of all nodes, and of a zone among them. */
#define ST_ZONES (MAX_NUMNODES * MAX_NR_ZONES)
static inline unsigned st_zone_nr(const struct zone *z)
{
	return (unsigned)z->node * MAX_NR_ZONES + z->type;
}

/** st_best_zone() - what a request that allows @highest gets first: high memory, if any, else the best of its node. */
unsigned st_best_zone(unsigned highest);
/** st_settle() - give back all that is only kept for speed: per-CPU pages and objects, lazy areas, unused slots. */
void st_settle(void);

/* Free frames by zone, objects in use by cache, areas of the vmalloc window. */
#define ST_MAX_CACHES 128
struct st_counts {
	unsigned long free[MAX_NUMNODES * MAX_NR_ZONES];
	unsigned long areas;
	unsigned caches;
	const char *cache[ST_MAX_CACHES];
	unsigned long active[ST_MAX_CACHES];
};
/** st_count() - after st_settle(). */
void st_count(struct st_counts *c);
/**
 * st_counts_come_back() - is everything as in @before again, soon?  Else *@after is what there is
 * The memory of a thread that ended may be freed a moment later by whoever runs next, so this
 * lets others run a few times before it calls a difference a leak.
 */
bool st_counts_come_back(const struct st_counts *before, struct st_counts *after);
/** st_counts_differ() - a line for each difference. */
void st_counts_differ(struct seq *s, const struct st_counts *before, const struct st_counts *after);

/** st_run() - run a program to its end.  Return: its status; negative: it was not run, as task_run() says why. */
int st_run(const char *cmdline);
/** st_free_low(), st_free_high() - free frames now. */
unsigned long st_free_low(void);
unsigned long st_free_high(void);

/**
 * st_all_online() - from here to the end of the test no memory is deferred (section.h)
 *
 * For tests that use memory up, or look at all of it.  What there is comes online; where
 * that would be more than 16 GiB, enough of each zone does, and the rest counts as not
 * there until the test is over: the zones of a giant then end like any others.
 */
void st_all_online(void);
/** st_end_all_online() - the end of it; for the runner. */
void st_end_all_online(void);

/** st_take() - up to @max blocks onto @list, linked through page->lru; ~0UL: st_all_online(), and all.  Return: how many. */
unsigned long st_take(struct list_head *list, gfp_t gfp, unsigned order, unsigned long max);
/** st_give() - free them all. */
void st_give(struct list_head *list, unsigned order);
/** st_give_some() - free @n of them. */
void st_give_some(struct list_head *list, unsigned order, unsigned long n);

/*
 * st_zone_order() - take every page that @gfp may have, one by one, then give them
 * back: which zone the first came from, a bit for each zone seen, and how often
 * the zone rose in a node.  It may do so once for each further attempt (row B7), each of
 * which starts with the best zone again.
 */
#define ST_ATTEMPTS 3
struct st_order { unsigned first, zones, rises; };
void st_zone_order(struct st_order *o, gfp_t gfp);

/** st_blocks() - blocks of @order that a zone's free lists hold, larger ones counted as several. */
unsigned long st_blocks(const struct zone *z, unsigned order);

/** st_random() - the next number of a repeatable row. */
u32 st_random(void);

/** st_reserved_page() - the first reserved frame; NULL: none. */
struct page *st_reserved_page(void);

/** st_frame_free_at_boot() - is the frame memory that memblock knows and nobody reserved, mem_map neither? */
bool st_frame_free_at_boot(pfn_t pfn);

/*
 * EXPECT_MISUSE() - @statement must be refused as a misuse of @kind, in one line
 * that names @call, @value (printed as %p; 0: any) and this function as caller.
 */
#define EXPECT_MISUSE(kind, call, value, statement) do {				\
	struct st_misuse m_;								\
	st_misuse_begin(&m_, kind, __FILE__, __LINE__);				\
	statement;									\
	if (!st_misuse_end(&m_, call, (unsigned long)(value)))				\
		return;									\
} while (0)

struct st_misuse {
	enum misuse kind;
	const char *file;
	int line;
	unsigned long of_kind, all;
	unsigned long here;		/* an address in the function under test */
};
void st_misuse_begin(struct st_misuse *m, enum misuse kind, const char *file, int line);
bool st_misuse_end(struct st_misuse *m, const char *call, unsigned long value);

#endif
