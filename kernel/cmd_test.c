/* SPDX-License-Identifier: MIT */
/*
 * cmd_test.c: tests and measurements, begun by hand.
 */
#include "shell.h"

#include "bench/bench.h"
#include "tests/selftest/selftest.h"
#include <quarry/string.h>

static int cmd_selftest(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	int failed;

	if (name && strcmp(name, "list") == 0) {
		selftest_list(&console);
		return 0;
	}
	failed = selftest_run(&console, name);
	if (failed < 0)
		return shell_error("no test's name begins with '%s' ('selftest list' lists them)", name);
	return failed != 0;
}

static int cmd_bench(int argc, char **argv)
{
	if (bench_run(&console, argc > 1 ? argv[1] : NULL) < 0)
		return shell_error("no measurement's name begins with '%s'", argc > 1 ? argv[1] : "");
	return 0;
}

const struct command test_commands[] = {
	{ "selftest", "[NAME|list]", "test every row of the specification, in place",
	  "All tests, or those whose names begin with NAME; TAP.  After each test the counts of free\n"
	  "memory must be what they were, and every invariant must hold.",
	  "selftest B4", cmd_selftest, 0, 1, COMPLETE_SELFTEST },
	{ "stress", "SECONDS|ROUNDSr", "everything at random, from threads and interrupts at once",
	  "Four threads and interrupts take, write, verify and give pages, objects, areas, mappings and\n"
	  "address spaces.  Fails when a word was overwritten, a count differs afterwards or an invariant\n"
	  "is broken.  Ctrl-C ends it early.",
	  "stress 10; stress 200r", stress, 1, 1, COMPLETE_NOTHING },
	{ "bench", "[NAME]", "what each operation costs",
	  "One line each: bench, place, operation, unit, value.",
	  "bench kmalloc", cmd_bench, 0, 1, COMPLETE_NOTHING },
	{ .name = NULL },
};
