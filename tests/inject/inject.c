/* SPDX-License-Identifier: MIT */
/*
 * inject.c: the loop around each call of the tests in this folder.
 */
#include <quarry/port.h>

#include "inject.h"

#define MOST 2000		/* a call that asks for more is not for this loop */

/* Then all of them run after each failure; else after each call. */
static bool checks_are_cheap(void)
{
	return !st_on_machine() && max_pfn <= 512UL << 20 >> PAGE_SHIFT;
}

/* What broke when the @n-th allocation of @call failed. */
static void broken(const struct inject_call *call, unsigned n, const char *what)
{
	char where[64];

	selftest_fail(__FILE__, __LINE__, "%s, allocation %u, asked for by %s: %s", call->name, n,
		      fail_nth_caller() ? port_symbol(where, sizeof(where), fail_nth_caller()) : "none", what);
}

/* NULL, or what broke.  All @checks look at all of memory. */
static const char *look(unsigned long misuses, bool checks)
{
	if (misuse_count(NR_MISUSE) != misuses)
		return misuse_last();
	if (!selftest_as_before())
		return "not all is as before";
	return !checks || selftest_checks_hold() ? NULL : "a check does not hold";
}

/* The @n-th fails.  Return: false: it asked for less than that, or something broke; *@failed: did the call fail? */
static bool once(const struct inject_call *call, unsigned n, bool *failed)
{
	unsigned long misuses = misuse_count(NR_MISUSE);
	const char *what;
	unsigned left;

	fail_nth_set(n);
	*failed = !call->make();
	left = fail_nth_set(0);
	if (!*failed)
		call->undo();
	what = left && *failed ? "it failed though no allocation did" : look(misuses, left || checks_are_cheap());
	if (what)
		broken(call, n, what);
	return !left && !what;
}

static void each(const struct inject_call *call)
{
	unsigned n = 0, failures = 0;
	bool failed;

	do {
		if (++n > MOST) {
			broken(call, n, "no end of allocations");
			return;
		}
	} while (once(call, n, &failed) && (failures += failed, true));
	if (call->fails ? failures < call->fails : failures > 0)
		selftest_fail(__FILE__, __LINE__, "%s failed %u times, want %s%u", call->name, failures,
			      call->fails ? "at least " : "", call->fails);
}

void inject_each(const struct inject_call *calls, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		selftest_progress(i, n);
		each(&calls[i]);
	}
}
