/* SPDX-License-Identifier: MIT */
/*
 * selftest.h: tests that run inside the memory manager's own machine, booted or
 * hosted, one at a time, TAP on the console.
 *
 *	SELFTEST(A2, zone_borders)
 *	{
 *		CHECK(NODE_DATA(0)->node_zones[ZONE_DMA].zone_start_pfn == 0);
 *		CHECK_EQ(page_count(page), 1);
 *	}
 *
 * The row id of spec.md that it proves begins its name: "A2_zone_borders".  Use
 * A5 for a row, SELFTEST(D3, ...) twice with different names for two tests.
 * After each test the runner compares free memory before and after and runs
 * mm_check_all(); a difference fails the test.
 */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <quarry/types.h>
#include <quarry/report.h>

struct selftest {
	const char *name;
	void (*run)(void);
};

#define SELFTEST(row, title)								\
	static void selftest_##row##_##title(void);					\
	static const struct selftest selftest_entry_##row##_##title			\
	__attribute__((used, section("selftests"), aligned(sizeof(void *)))) =		\
		{ #row "_" #title, selftest_##row##_##title };				\
	static void selftest_##row##_##title(void)

/* A failed CHECK ends the test at once. */
#define CHECK(cond) do { if (!(cond)) { selftest_fail(__FILE__, __LINE__, "%s", #cond); return; } } while (0)
#define CHECK_EQ(a, b) do { unsigned long a_ = (unsigned long)(a), b_ = (unsigned long)(b);	\
	if (a_ != b_) { selftest_fail(__FILE__, __LINE__, "%s is %lu (0x%lx), want %lu (0x%lx)", #a, a_, a_, b_, b_); return; } } while (0)
/* This machine cannot show it (hosted: ring 3; no high memory ...). */
#define SKIP(why) do { selftest_skip(why); return; } while (0)

void selftest_fail(const char *file, int line, const char *fmt, ...) __printf_like(3, 4);
void selftest_skip(const char *why);
/** selftest_progress() - a bar with the name of the test on a terminal, nothing elsewhere. */
void selftest_progress(unsigned long done, unsigned long of);

/**
 * selftest_as_before() - is what the runner counts as it was before the test that runs?  If not, it has failed
 * For a test of many steps that holds nothing between them.  Gives back all that is kept for speed.
 */
bool selftest_as_before(void);
/** selftest_checks_hold() - do all checks, of the memory manager and the scheduler?  If not, the test has failed. */
bool selftest_checks_hold(void);

/**
 * selftest_run() - run all whose names begin with @prefix ("" or NULL: all)
 * TAP to @s.  Return: how many failed; -ENOENT when none is named so; -EINTR: Ctrl-C
 * ended it between two tests.
 */
int selftest_run(struct seq *s, const char *prefix);
/** selftest_each() - call @fn for each test's name. */
void selftest_each(void (*fn)(void *arg, const char *name), void *arg);
void selftest_list(struct seq *s);

#endif
