/* SPDX-License-Identifier: MIT */
/*
 * unit.h: unit tests, hosted, each in a process of its own (the Check framework).
 *
 *	#include "unit.h"
 *
 *	START_TEST(D4_kmalloc_gives_memory)
 *	{
 *		unit_boot(64 << 20, 16 << 20);
 *		void *p = kmalloc(10, GFP_KERNEL);
 *
 *		ck_assert_ptr_nonnull(p);
 *		kfree(p);
 *		unit_teardown();
 *	}
 *	END_TEST
 *
 *	UNIT_SUITE(kmalloc,
 *		D4_kmalloc_gives_memory,
 *		D4_another)
 *
 * The suite is found by itself: nobody keeps a list.  A test's name begins with the
 * row of the specification that it proves, if it proves one.  What needs no machine
 * (lists, printf) leaves unit_boot() out.
 *
 * build/ARCH/unit runs all of them and writes TAP; with words behind it, only the
 * suites whose names begin so.  gdb: "set follow-fork-mode child" (a process can boot once,
 * so CK_FORK=no serves for a single test).
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

#include <quarry/page.h>
#include <quarry/shrinker.h>

/*
 * Check tells its parent process of every assertion that holds, for a test that
 * crashes later; in a loop of a million that is all the time and the memory there is.
 * Ours only tells of those that fail.
 */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...)							\
	((expr) ? (void)0 :								\
	 _ck_assert_failed(__FILE__, __LINE__, "Assertion '" #expr "' failed", ## __VA_ARGS__))

struct unit_suite {
	const char *name;
	Suite *(*make)(void);
};

/*
 * UNIT_SUITE(name, tests...) is a suite of one test case.  UNIT_SUITE(name) { ... return
 * suite; } makes it by hand: with fixtures, loops, expected signals.
 */
#define UNIT_SUITE(id, ...)								\
	Suite *id##_suite(void);							\
	static const struct unit_suite unit_entry_##id					\
	__attribute__((used, section("unit_suites"), aligned(sizeof(void *)))) =	\
		{ #id, id##_suite };							\
	Suite *id##_suite(void)								\
	__VA_OPT__({									\
		Suite *suite_ = suite_create(#id);					\
											\
		unit_case(suite_, #id, __VA_ARGS__);					\
		return suite_;								\
	})

/** unit_case() - add a test case to suite @s, with the tests that follow. */
#define unit_case(s, name, ...) do {							\
	const TTest *tests_[] = { __VA_ARGS__ };					\
	TCase *case_ = tcase_create(name);						\
	for (unsigned i_ = 0; i_ < sizeof(tests_) / sizeof(tests_[0]); i_++)		\
		tcase_add_test(case_, tests_[i_]);					\
	suite_add_tcase(s, case_);							\
} while (0)

/**
 * unit_boot() - a whole memory manager in this test's process
 * @mem: bytes of memory, laid out as a PC's
 * @lowmem: how much of them the direct map covers; 0: the default
 * After it, interrupts are on and the caller is the boot thread: it can do all but
 * sleep.  A failure ends the test.
 */
void unit_boot(phys_addr_t mem, phys_addr_t lowmem);
struct e820_entry;
/** unit_boot_map() - the same, with a memory map of one's own; it must stay. */
void unit_boot_map(const struct e820_entry *map, unsigned n, phys_addr_t lowmem);

/**
 * unit_teardown() - the end of a test that booted: every check of the memory manager
 * must hold, and as many frames be free, zone by zone, as after unit_boot().
 */
void unit_teardown(void);

/** unit_settle() - empty all caches of free memory, so that counts can be compared. */
void unit_settle(void);

/**
 * unit_thread() - run @fn(@arg) in a kernel thread, which may sleep, and wait for its
 * end and that of the threads it made.
 */
void unit_thread(void (*fn)(void *), void *arg);

/** unit_take_frames() - every frame that @gfp may have, one by one, onto @list by page->lru. */
void unit_take_frames(struct list_head *list, gfp_t gfp);
/** unit_one_object() - count_objects of a shrinker that always has one. */
unsigned long unit_one_object(struct shrinker *s, struct shrink_control *sc);
/** unit_give_frames() - free up to @n of them. */
void unit_give_frames(struct list_head *list, unsigned long n);

/** unit_log() - all that was logged so far (the last 64 KiB). */
const char *unit_log(void);
/** unit_log_has() - is @text in it? */
bool unit_log_has(const char *text);
void unit_log_clear(void);

#endif
