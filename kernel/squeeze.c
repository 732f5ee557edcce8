/* SPDX-License-Identifier: MIT */
/*
 * squeeze.c: memory is used up in one way after the other, and nothing is lost.
 *
 * Each squeeze takes what there is until there is no more, does what is hard then, and
 * gives everything back.  It passes if
 *	- it ended: a watchdog ends the machine that hangs, with the names of those that sleep;
 *	- what it expects was so, the rungs of the ladder (docs/pressure.md) among it: those
 *	  that are documented for it were taken, and none that is ruled out;
 *	- afterwards there is as much of everything as before: frames of each zone, objects,
 *	  areas; and every invariant holds;
 *	- no call was refused as misuse.
 */
#include "squeeze.h"
#include "command.h"
#include "machine.h"
#include "pagecache.h"
#include "sched.h"

#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#include "tests/selftest/util.h"

#define HANG_MS 240000u			/* nothing is measured by it */
#define MAX_MEMORY (8ULL << 30)		/* to fill more takes too long */

static const struct squeeze squeezes[] = {
	{ "task", "a task touches more than memory", squeeze_task },
	{ "slab", "objects without end", squeeze_slab },
	{ "order", "large blocks, and memory in fragments", squeeze_order },
	{ "atomic", "atomic requests from timer interrupts while everything is taken", squeeze_atomic },
	{ "nofs", "a caller that holds the lock which the shrinker wants", squeeze_nofs },
	{ "mempool", "a reserve goes round while there is nothing else", squeeze_mempool },
};

static const struct squeeze *running;
static bool failed;

/* ---- what a squeeze may say --------------------------------------------------------- */

static void say_line(const char *prefix, const char *fmt, va_list ap)
{
	char text[200];

	mm_vsnprintf(text, sizeof(text), fmt, ap);
	kprintf("  %s%s\n", prefix, text);
}

void squeeze_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line("", fmt, ap);
	va_end(ap);
}

bool squeeze_expect(bool so, const char *fmt, ...)
{
	va_list ap;

	if (so)
		return true;
	failed = true;
	va_start(ap, fmt);
	say_line("NOT SO: ", fmt, ap);
	va_end(ap);
	return false;
}

/* ---- taking ---------------------------------------------------------------------------- */

unsigned long squeeze_fill(struct list_head *taken, gfp_t gfp)
{
	struct page *page;
	unsigned long n = 0;

	while ((page = alloc_page(gfp))) {
		list_add(&page->lru, taken);
		n++;
	}
	return n;
}

/* Without effort first; what is left then, with all that may be done. */
unsigned long squeeze_fill_all(struct list_head *taken)
{
	unsigned long n = squeeze_fill(taken, (GFP_HIGHUSER | __GFP_NOWARN) & ~__GFP_WAIT);

	return n + squeeze_fill(taken, GFP_HIGHUSER | __GFP_NOWARN | __GFP_NORETRY) +
	       squeeze_fill(taken, GFP_SQUEEZE | __GFP_NORETRY);
}

void squeeze_release(struct list_head *taken)
{
	put_pages_list(taken);
}

unsigned long squeeze_free_pages(void)
{
	return st_free_low() + st_free_high();
}

/* ---- the rungs --------------------------------------------------------------------------- */

void rungs_begin(struct rungs *r)
{
	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++)
		r->before[i] = vm_event(i);
}

static unsigned long taken_since(const struct rungs *r, unsigned event)
{
	return vm_event(event) - r->before[event];
}

void rungs_end(const struct rungs *r, const char *whose, u64 must, u64 never)
{
	char taken[120] = "", missing[80] = "";
	size_t t = 0, m = 0;

	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++) {
		const char *name = vm_event_name(i);
		unsigned long n = taken_since(r, i);

		if (must & RUNG(i)) {
			squeeze_expect(n, "%s: %s was counted", whose, name);
			t += (size_t)mm_snprintf(taken + t, sizeof(taken) - t, "%s%s %lu", t ? ", " : "", name, n);
		} else if (never & RUNG(i)) {
			squeeze_expect(!n, "%s: %s was not counted, but %lu times", whose, name, n);
			m += (size_t)mm_snprintf(missing + m, sizeof(missing) - m, "%s%s", m ? ", " : "; no ", name);
		}
		t = min(t, sizeof(taken) - 1);
		m = min(m, sizeof(missing) - 1);
	}
	squeeze_say("%s: %s%s", whose, taken, missing);
}

/* ---- the watchdog -------------------------------------------------------------------------- */

static bool ended;

static bool tell_sleeper(struct task *t, void *arg)
{
	char where[64];

	(void)arg;
	mm_log("squeeze: %s[%d] %s %s\n", t->name, t->pid, t->state == TASK_SLEEPING ? "sleeps on" : "runs;",
	       t->channel ? port_symbol(where, sizeof(where), (unsigned long)t->channel) : "nothing");
	return true;
}

static void watchdog(void *arg)
{
	u64 begin = machine_ms();

	(void)arg;
	while (!READ_ONCE(ended) && machine_ms() - begin < HANG_MS)
		thread_sleep_ms(10);
	if (READ_ONCE(ended))
		return;
	task_for_each(tell_sleeper, NULL);
	mm_panic("squeeze %s hangs: no end within %u s", running->name, HANG_MS / 1000);
}

/* ---- one ------------------------------------------------------------------------------------- */

static struct st_counts before, after;

static void judge(unsigned long misuses)
{
	bool same = st_counts_come_back(&before, &after);
	int broken = mm_check_all(&console) + (sched_check() != 0) + (pagecache_check() != 0);

	if (!same)
		st_counts_differ(&console, &before, &after);
	squeeze_expect(same, "as much of everything as before");
	squeeze_expect(!broken, "every invariant holds (%d do not)", broken);
	squeeze_expect(misuse_count(NR_MISUSE) == misuses, "nothing is refused: see 'misuse'");
	if (!failed)
		squeeze_say("as before: %lu free pages, %lu areas, the objects of %u caches; every invariant holds",
			    squeeze_free_pages(), after.areas, after.caches);
}

/* Return: did it pass? */
static bool run_one(const struct squeeze *s)
{
	unsigned long misuses = misuse_count(NR_MISUSE);
	int pid;

	running = s;
	failed = ended = false;
	kprintf("squeeze %s: %s\n", s->name, s->what);
	st_count(&before);
	pid = thread_spawn("watchdog", watchdog, NULL);
	if (squeeze_expect(pid > 0, "there is memory for a thread")) {
		s->run();
		WRITE_ONCE(ended, true);
		thread_wait(pid);
	}
	judge(misuses);
	kprintf("%s - squeeze %s\n", failed ? "not ok" : "ok", s->name);
	return !failed;
}

int squeeze(int argc, char **argv)
{
	u64 memory = (u64)squeeze_free_pages() << PAGE_SHIFT;
	unsigned ran = 0, bad = 0;

	if (programs_run("squeeze"))
		return 1;
	if (memory > MAX_MEMORY)
		return cmd_error("squeeze: %llu GiB are free; to fill more than 8 takes too long",
				 (unsigned long long)(memory >> 30));
	for (unsigned i = 0; i < ARRAY_SIZE(squeezes); i++) {
		if (argc > 1 && strcmp(argv[1], squeezes[i].name))
			continue;
		if (console_interrupted())
			return CMD_INTERRUPTED;
		ran++;
		bad += !run_one(&squeezes[i]);
	}
	if (!ran)
		return cmd_error("no squeeze is named '%s' ('help squeeze' lists them)", argv[1]);
	return bad ? cmd_error("%u of %u squeezes failed", bad, ran) : 0;
}

void complete_squeeze(unsigned nth, line_offer offer, void *arg)
{
	for (unsigned i = 0; nth == 1 && i < ARRAY_SIZE(squeezes); i++)
		offer(arg, squeezes[i].name);
}
