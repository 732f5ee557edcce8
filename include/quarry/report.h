/* SPDX-License-Identifier: MIT */
/*
 * report.h: what the memory manager says: misuse, corruption, and the reports
 * of /proc.
 */
#ifndef QUARRY_REPORT_H
#define QUARRY_REPORT_H

#include <stdarg.h>
#include <quarry/types.h>

/* ---- saying something (mm/debug/say.c) -------------------------------------- */

/** mm_log() - one formatted piece of log text (printf's conversions, %p as 0x...).  Any context. */
void mm_log(const char *fmt, ...) __printf_like(1, 2);

/** mm_panic() - corruption: the values, then port_panic().  Does not return. */
void mm_panic(const char *fmt, ...) __printf_like(1, 2) __attribute__((noreturn));

/* Kinds of misuse; each is detected, reported in one line, refused and counted. */
enum misuse {
	MISUSE_DOUBLE_FREE,	/* what is free already */
	MISUSE_WRONG_ORDER,	/* a block freed with another order than it was allocated with */
	MISUSE_RESERVED,	/* a reserved frame freed */
	MISUSE_FOREIGN,		/* a pointer that this layer never gave out */
	MISUSE_TAIL,		/* a frame inside somebody's block */
	MISUSE_MIDDLE,		/* a pointer into the middle of an object or area */
	MISUSE_WRONG_CACHE,	/* an object given to another cache */
	MISUSE_WRONG_LAYER,	/* kfree of a vmalloc address, __free_pages of a slab ... */
	MISUSE_UNBALANCED,	/* kunmap without kmap, put_page without get_page */
	MISUSE_GFP,		/* a mask that contradicts itself, or asks for high memory by address */
	MISUSE_SIZE,		/* a size or order out of range, or a product that overflows */
	MISUSE_CONTEXT,		/* a sleeping call where sleeping is not allowed; too early; too late */
	MISUSE_ARGUMENT,	/* any other bad argument */
	MISUSE_BUSY,		/* a cache destroyed with objects in use */
	NR_MISUSE,
};

/**
 * misuse() - report one, count it
 * @kind: which
 * @caller: the code address that called the public function: _RET_IP_ there
 * @fmt: "kfree(%p): double free of an object of %s" - names the call, the value,
 *	the page or cache; "; called from SYMBOL" and a newline are appended
 * Context: any; allocates nothing, takes no mm lock.
 */
void misuse(enum misuse kind, unsigned long caller, const char *fmt, ...) __printf_like(3, 4) __cold_path;
/** misuse_count() - how many of a kind so far (NR_MISUSE: of all). */
unsigned long misuse_count(enum misuse kind);
const char *misuse_name(enum misuse kind);
/** misuse_last() - the last line reported, for tests and the shell; "" when none. */
const char *misuse_last(void);
/**
 * misuse_quiet() - tests provoke misuse by the hundred: keep the lines off the log while
 * @quiet (still counted, still in misuse_last()).
 */
void misuse_quiet(bool quiet);

/**
 * report_alloc_failure() - "page allocation failure: order:2, mode:GFP_KERNEL" and free
 * memory by zone.  Rate-limited: the first, then powers of two.
 */
void report_alloc_failure(const char *what, gfp_t gfp, unsigned order, unsigned long size,
			  unsigned long caller);

/* ---- the reports of /proc (mm/report/) -------------------------------------- */

/* Where a report's text goes: the console, a file, a test's buffer. */
struct seq {
	void (*write)(struct seq *s, const char *text, size_t len);
	void *private;
};
void seq_printf(struct seq *s, const char *fmt, ...) __printf_like(2, 3);
void seq_vprintf(struct seq *s, const char *fmt, va_list ap);
void seq_puts(struct seq *s, const char *text);

/* Each writes the file of that name under Linux's /proc: same columns, same units. */
void report_meminfo(struct seq *s);
void report_buddyinfo(struct seq *s);
void report_zoneinfo(struct seq *s);
void report_vmstat(struct seq *s);
void report_pagetypeinfo(struct seq *s);
void report_slabinfo(struct seq *s);
void report_vmallocinfo(struct seq *s);
/** report_numa() - nodes, their CPUs, memory and distances, as `numactl --hardware`; and where each looks for memory. */
void report_numa(struct seq *s);
/** report_node_meminfo() - node @nid's part, as /sys/devices/system/node/nodeN/meminfo. */
void report_node_meminfo(struct seq *s, int nid);
/** report_layout() - the kernel's virtual memory layout, as boot logs print it. */
void report_layout(struct seq *s);
/** report_page() - everything known about one frame. */
void report_page(struct seq *s, pfn_t pfn);

struct report {
	const char *name;
	void (*print)(struct seq *s);
};
extern const struct report mm_reports[];	/* ends with a NULL name */

/**
 * mm_check_all() - every X_check() of the memory manager.  Writes which invariant of which
 * file broke.  Return: how many.
 */
int mm_check_all(struct seq *s);

#endif
