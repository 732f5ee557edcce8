/* SPDX-License-Identifier: MIT */
/*
 * say.c: how the memory manager speaks: log lines, misuse, failure, panic.
 *
 * Idea.  One misuse is one line, with everything a reader needs to find the bug:
 *
 *	misuse: double free: kfree(0xc1234560): object 3 of kmalloc-64 is free already; called from foo+0x1c
 *	        kind         call(value)        what, which page or cache               caller
 *
 * The line is put together in a buffer on the stack (LINE bytes; longer ones are
 * cut), so it can be said from anywhere: in an interrupt, with mm locks held,
 * with no memory left.  Then it is counted, kept as "the last one" for tests and
 * the shell, and logged.
 *
 * Exhaustion is no misuse.  It is told once, then at the 2nd, 4th, 8th ... time,
 * with the number: a machine that runs out a million times writes 21 reports.
 *
 * Locking.  last_lock guards `last` only, is held for a copy of LINE bytes, and
 * nothing is called under it.  Counts are atomic.
 *
 * Cost.  O(length of the line); port_log() costs what the port's console costs.
 */
#include <quarry/report.h>
#include <quarry/gfp.h>
#include <quarry/port.h>
#include <quarry/printf.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#define LINE 256

static const char *const kind_names[NR_MISUSE] = {
	[MISUSE_DOUBLE_FREE] = "double free",
	[MISUSE_WRONG_ORDER] = "wrong order",
	[MISUSE_RESERVED] = "reserved frame",
	[MISUSE_FOREIGN] = "foreign pointer",
	[MISUSE_TAIL] = "tail page",
	[MISUSE_MIDDLE] = "middle of an object",
	[MISUSE_WRONG_CACHE] = "wrong cache",
	[MISUSE_WRONG_LAYER] = "wrong layer",
	[MISUSE_UNBALANCED] = "unbalanced",
	[MISUSE_GFP] = "contradictory flags",
	[MISUSE_SIZE] = "size out of range",
	[MISUSE_CONTEXT] = "wrong context",
	[MISUSE_ARGUMENT] = "bad argument",
	[MISUSE_BUSY] = "still in use",
};

static unsigned long counts[NR_MISUSE];
static bool quiet_now;
static spinlock_t last_lock = SPINLOCK_INIT;
static char last[LINE];
static unsigned long failures;

static void emit_log(void *arg, const char *text, size_t len)
{
	(void)arg;
	port_log(text, len);
}

void mm_log(const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	int n;

	/* In one piece when it fits, so that lines of two CPUs do not mix. */
	va_start(ap, fmt);
	n = mm_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < LINE) {
		port_log(line, (size_t)n);
		return;
	}
	va_start(ap, fmt);
	mm_vformat(emit_log, NULL, fmt, ap);
	va_end(ap);
}

void mm_panic(const char *fmt, ...)
{
	char line[LINE];
	va_list ap;

	va_start(ap, fmt);
	mm_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	port_panic(line);
}

/* ---- misuse ------------------------------------------------------------------ */

static void keep_last(const char *line)
{
	unsigned long flags = spin_lock_irqsave(&last_lock);

	memcpy(last, line, LINE);
	spin_unlock_irqrestore(&last_lock, flags);
}

void misuse(enum misuse kind, unsigned long caller, const char *fmt, ...)
{
	char line[LINE], where[64];
	va_list ap;
	size_t n;

	n = (size_t)mm_snprintf(line, LINE, "misuse: %s: ", misuse_name(kind));
	va_start(ap, fmt);
	mm_vsnprintf(line + n, LINE - n, fmt, ap);
	va_end(ap);
	/* The caller is worth more than the tail of a long text: room is kept for it. */
	n = min(strlen(line), LINE - sizeof(where) - 18);
	mm_snprintf(line + n, LINE - n, "; called from %s", port_symbol(where, sizeof(where), caller));

	__atomic_fetch_add(&counts[kind], 1, __ATOMIC_RELAXED);
	keep_last(line);
	if (!READ_ONCE(quiet_now))
		mm_log("%s\n", line);
}

unsigned long misuse_count(enum misuse kind)
{
	unsigned long sum = 0;

	if (kind < NR_MISUSE)
		return READ_ONCE(counts[kind]);
	for (unsigned i = 0; i < NR_MISUSE; i++)
		sum += READ_ONCE(counts[i]);
	return sum;
}

const char *misuse_name(enum misuse kind)
{
	return kind < NR_MISUSE ? kind_names[kind] : "all";
}

const char *misuse_last(void)
{
	return last;
}

void misuse_quiet(bool quiet)
{
	WRITE_ONCE(quiet_now, quiet);
}

/* ---- exhaustion -------------------------------------------------------------- */

static void log_zones(void)
{
	struct zone *z;

	for_each_zone(z) {
		mm_log("  Node %d %s: free %lu min %lu low %lu high %lu managed %lu pages\n",
		       z->node, z->name, zone_free_pages(z), z->watermark[WMARK_MIN],
		       z->watermark[WMARK_LOW], z->watermark[WMARK_HIGH], z->managed_pages);
	}
}

void report_alloc_failure(const char *what, gfp_t gfp, unsigned order, unsigned long size,
			  unsigned long caller)
{
	char mode[128], where[64];
	unsigned long nth;

	if (gfp & __GFP_NOWARN)
		return;
	nth = __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	if (nth & (nth - 1))
		return;
	mm_log("%s: page allocation failure: order:%u, size:%lu, mode:0x%x(%s), failure %lu; "
	       "called from %s\n", what, order, size, gfp, gfp_format(mode, sizeof(mode), gfp), nth,
	       port_symbol(where, sizeof(where), caller));
	log_zones();
}
