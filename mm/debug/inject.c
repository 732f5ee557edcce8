/* SPDX-License-Identifier: MIT */
/*
 * inject.c: the N-th allocation of a thread fails.
 *
 * Idea.  The paths that nobody ever takes are those behind a NULL.  So a test lets the first
 * allocation of a call fail, then the second, and so on, until the call asks for no more; each time
 * nothing may be lost.  (Linux's fail-nth; before it, SQLite's tests.)
 *
 * It costs nothing where it is not used.  The hot ways of the allocators look at one word of
 * their CPU, and go on only when it is 0: the thread holds nothing (claim.h).  To be armed is
 * one more bit of that word, CPU_ARMED.  So an armed thread is never at rest, and comes the slow
 * way, where not being at rest was looked at anyway:
 *
 *	alloc_pages	hot: cpu_claim_at_rest() --no--> request_ok() --not at rest--> fail_nth_now()
 *	kmalloc		hot: cpu_claim_at_rest() --no--> slab_alloc_slow() -- " -----> fail_nth_now()
 *
 * The bit is not part of preempt_count(): an armed thread may sleep, be switched away, and ask other
 * CPUs, like any other; and not a claim, so it has magazines and lists of frames.  An
 * interrupt has no port_mm_thread(), and nothing of it fails.
 *
 * The bit belongs to the thread that runs, and lies in the CPU: who switches threads calls
 * fail_nth_switch().
 *
 * Invariant (fail_nth_check)
 *
 *  I.1	CPU_ARMED is set if, and only if, fail_nth of the thread that runs is not 0.
 *
 * Locking: none: a thread's own, and preemption off while both of I.1 change.
 * Cost: an armed thread pays a call for each allocation; others nothing.
 *
 * Where it differs from Linux: an injected failure is not told on the log but remembered
 * (fail_nth_caller()), the thread arms itself by a call, and there is no failing at random.
 */
#include <quarry/inject.h>
#include <quarry/report.h>

/* Both of I.1. */
static void arm(struct mm_thread *t, unsigned n)
{
	preempt_disable();
	if (t->fail_nth && !n)
		preempt_count_add(-CPU_ARMED);
	else if (!t->fail_nth && n)
		preempt_count_add(CPU_ARMED);
	t->fail_nth = n;
	preempt_enable();
}

unsigned fail_nth_set(unsigned n)
{
	struct mm_thread *t = port_mm_thread();
	unsigned before;

	if (!t) {
		misuse(MISUSE_CONTEXT, _RET_IP_, "fail_nth_set(%u): no thread: an interrupt, or too early", n);
		return 0;
	}
	before = t->fail_nth;
	arm(t, n);
	if (n && !cpu_armed()) {
		t->fail_nth = 0;
		misuse(MISUSE_CONTEXT, _RET_IP_, "fail_nth_set(%u): this port's preempt_word() does not change", n);
	}
	return before;
}

unsigned fail_nth_get(void)
{
	const struct mm_thread *t = port_mm_thread();

	return t ? t->fail_nth : 0;
}

unsigned long fail_nth_failed(void)
{
	const struct mm_thread *t = port_mm_thread();

	return t ? t->failed : 0;
}

unsigned long fail_nth_caller(void)
{
	const struct mm_thread *t = port_mm_thread();

	return t ? t->failed_at : 0;
}

bool fail_nth_now(gfp_t gfp, unsigned long caller)
{
	struct mm_thread *t = port_mm_thread();

	if (!t || !t->fail_nth || gfp & __GFP_NOFAIL)
		return false;
	if (t->fail_nth > 1) {
		t->fail_nth--;
		return false;
	}
	arm(t, 0);
	t->failed++;
	t->failed_at = caller;
	return true;
}

int fail_nth_check(void)
{
	const struct mm_thread *t = port_mm_thread();

	return t && !t->fail_nth != !cpu_armed() ? 1 : 0;
}
