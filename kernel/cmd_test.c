/* SPDX-License-Identifier: MIT */
/*
 * cmd_test.c: tests and measurements, begun by hand.
 */
#include "command.h"

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
	if (failed == -EINTR)
		return CMD_INTERRUPTED;
	if (failed < 0)
		return cmd_error("no test's name begins with '%s' ('selftest list' lists them)", name);
	return failed != 0;
}

static int cmd_bench(int argc, char **argv)
{
	int failed = bench_run(&console, argc > 1 ? argv[1] : NULL);

	if (failed == -EINTR)
		return CMD_INTERRUPTED;
	if (failed < 0)
		return cmd_error("no measurement's name begins with '%s'", argc > 1 ? argv[1] : "");
	return 0;
}

static void complete_selftest(unsigned nth, line_offer offer, void *arg)
{
	if (nth > 1)
		return;
	offer(arg, "list");
	selftest_each(offer, arg);
}

static void complete_bench(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 1)
		bench_each(offer, arg);
}

const struct command test_commands[] = {
	{ "selftest", "[NAME|list]", "test every row of the specification, in place",
	  "All tests, or those whose names begin with NAME; TAP.  After each test the counts of free\n"
	  "memory must be what they were, and every invariant must hold.  Ctrl-C ends it after the test\n"
	  "that runs.",
	  "selftest B4", cmd_selftest, 0, 1, complete_selftest },
	{ "stress", "SECONDS|ROUNDSr", "everything at random, threads and interrupts",
	  "Threads and interrupts of all CPUs take, write, verify, trade and give pages, objects, caches,\n"
	  "areas, mappings and address spaces.  Fails when a word was overwritten, a count differs\n"
	  "afterwards or an invariant is broken.  Ctrl-C ends it early.",
	  "stress 10; stress 200r", stress, 1, 1, NULL },
	{ "squeeze", "[NAME]", "memory is used up, in one way after the other",
	  "task, slab, order, atomic, nofs, mempool, or all.  Each uses memory up and does what is hard then.\n"
	  "It fails when anything is lost, somebody waits for ever, an invariant is broken, or the attempts\n"
	  "to get memory were other than documented.",
	  "squeeze; squeeze atomic", squeeze, 0, 1, complete_squeeze },
	{ "bench", "[NAME]", "what each operation costs",
	  "One line each: bench, place, operation, unit, value; all, or those whose names begin with NAME.\n"
	  "The unit is tsc (processor cycles), insn (instructions: ACCEL=icount) or ns (hosted).",
	  "bench kmalloc", cmd_bench, 0, 1, complete_bench },
	{ .name = NULL },
};
