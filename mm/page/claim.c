/* SPDX-License-Identifier: MIT */
/*
 * claim.c: something that each CPU must do to its own things.
 *
 * What a CPU has claimed is nobody else's to touch (claim.h), so whoever wants all CPUs'
 * things asks the others (port_call_others), and each answers in an interrupt.  If that came
 * in the middle of a claim, the answer is "not now", and all are asked again: a claim is
 * short, and does not sleep.  Where the caller may not ask, the others keep theirs.
 *
 * Locking: none.  Cost: that of @fn on each CPU, and as many rounds as somebody is busy.
 */
#include <quarry/claim.h>
#include <quarry/port.h>

struct request {
	void (*fn)(void *arg);
	void *arg;
	bool again;		/* somebody was in the middle of his */
};

static void answer(void *arg)
{
	struct request *r = arg;

	if (!on_this_cpu_claimed(r->fn, r->arg))
		__atomic_store_n(&r->again, true, __ATOMIC_RELAXED);
}

bool on_this_cpu_claimed(void (*fn)(void *arg), void *arg)
{
	if (!cpu_try_claim())
		return false;
	fn(arg);
	cpu_release();
	return true;
}

/* Preemption is off, so that the CPU that asks the others is the one that did its own. */
void on_each_cpu_claimed(void (*fn)(void *arg), void *arg)
{
	struct request r = { .fn = fn, .arg = arg };
	bool may_call = may_call_others();

	preempt_disable();
	on_this_cpu_claimed(fn, arg);
	while (may_call) {
		r.again = false;
		port_call_others(answer, &r);
		may_call = r.again;
	}
	preempt_enable();
}
