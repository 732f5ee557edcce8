/* SPDX-License-Identifier: MIT */
/*
 * oom.c: nothing is left: one task ends, so that the others can go on.
 *
 * The last rung but one of the ladder (mm/page/slowpath.c).  Whom?  Who frees the most by ending, so
 * that one end is enough:
 *
 *	points = frames + page tables + score_adj / 1000 of all memory
 *
 *	e.g. 16384 pages in all: 3000 frames, 10 tables, score_adj 100: 3010 + 1638 = 4648,
 *	which is more than 4500 frames and 12 tables of another with score_adj 0.
 *
 * Of equals the youngest, which loses the least work.  One with score_adj -1000 never; so
 * it may be that there is nobody, and the request fails: the kernel lives on.
 *
 * Told to end is not yet gone.  The victim may be asleep for something that a thread holds
 * which itself waits for memory; somebody may look at it and keep it.  So its frames are
 * taken out of it at once, by the thread that asked (mm_reap): nothing that the victim still
 * does can keep them.  What is left of it are page tables and a kernel stack, and its end
 * brings them; for that the askers wait, each in its turn, together OOM_PATIENCE times.
 * Then it is given up, and counts no more: who cannot die does not block the others.
 *
 *	a task		seen as			then
 *	lives		dying false		counted; perhaps chosen
 *	killed		dying, not reaped	reaped, may take reserves; ask again
 *	on its way	dying, reaped		ask again, OOM_PATIENCE times; then passed over
 *	nearly gone	dying, no mm		its memory is being freed just now; ask again
 *
 * The victim itself may be the one who asks.  It may take the reserves (PF_OOM_VICTIM), and
 * when those are empty, too, its request fails: nobody else ends for it.
 *
 * One shortage, one end.  Many threads find at once that nothing is left.  One of them gets
 * in here, the others go round again until it is through; and since the first may have been
 * through before the second came, whoever gets in looks first whether there is memory again.
 *
 * So: while one is dying that is not given up, nobody is chosen; who is chosen has an
 * address space, is not dying, and its score_adj is not -1000; nothing here allocates, or
 * waits.  That a reaped address space has no frame is M.8 (vm.c).
 *
 * Locking: `busy`, tried only.  The tasks are held in place by port_oom_tasks() while they
 * are looked at; between two looks they may change, so the second looks again.
 * Cost: three walks over the tasks, the frames of one, the report.
 */
#include <quarry/oom.h>

#include <quarry/port.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/vm.h>
#include <quarry/zone.h>

#define OOM_PATIENCE 64

#define K(pages) ((unsigned long)(pages) << (PAGE_SHIFT - 10))

static bool busy;

/* One request that nothing is left for, and what was found out about the tasks. */
struct shortage {
	gfp_t gfp;
	unsigned order;
	unsigned long caller;
	unsigned long total_pages;
	const char *asker;	/* the calling thread's name, score_adj */
	int asker_adj;
	bool asker_dies;
	bool wait;		/* one is dying that is worth waiting for */
	int chosen;		/* pid; 0: nobody */
	long points;
};

/* ---- whether ------------------------------------------------------------------------ */

/* Has somebody else's end brought enough already? */
static bool memory_again(gfp_t gfp, unsigned order)
{
	const struct zoneref *ref;

	for (ref = node_zonelist(numa_node_id(), gfp)->zonerefs; ref->zone; ref++)
		if (zone_watermark_ok(ref->zone, order, ref->zone->watermark[WMARK_HIGH], gfp_zone(gfp), 0))
			return true;
	return false;
}

/* ---- whom --------------------------------------------------------------------------- */

static long points_of(const struct oom_task *t, unsigned long total_pages)
{
	long share = (long)(total_pages / 1000) * t->score_adj;

	return (long)(READ_ONCE(t->mm->rss) + READ_ONCE(t->mm->nr_ptes)) + share;
}

/* One that was told to end, or does by itself.  Return: is it worth waiting for? */
static bool hurry(const struct oom_task *t)
{
	if (t->mm && !t->mm->reaped) {
		port_oom_kill(t->pid);		/* it may take reserves now */
		mm_reap(t->mm);
	} else if (t->mm) {
		if (t->mm->oom_waits == OOM_PATIENCE)
			return false;
		t->mm->oom_waits++;
	}
	return true;
}

static bool judge(const struct oom_task *t, void *arg)
{
	struct shortage *s = arg;
	long points;

	if (t->current) {
		s->asker = t->name;
		s->asker_adj = t->score_adj;
	}
	if (t->dying) {
		s->wait |= hurry(t);
		s->asker_dies |= t->current;
	} else if (t->mm && t->score_adj != OOM_SCORE_ADJ_MIN) {
		points = points_of(t, s->total_pages);
		if (!s->chosen || points >= s->points) {
			s->chosen = t->pid;
			s->points = points;
		}
	}
	return true;
}

/* ---- the report --------------------------------------------------------------------- */

static bool print_task(const struct oom_task *t, void *arg)
{
	(void)arg;
	if (t->mm)
		mm_log("[%7d] %8lu %14lu %13d %s%s\n", t->pid, t->mm->rss,
		       (t->mm->nr_ptes + 1) << PAGE_SHIFT, t->score_adj, t->name, t->dying ? " (dying)" : "");
	return true;
}

static void report(const struct shortage *s)
{
	char mode[128], where[64];

	mm_log("%s invoked oom-killer: gfp_mask=0x%x(%s), order=%u, oom_score_adj=%d; called from %s\n", s->asker,
	       s->gfp, gfp_format(mode, sizeof(mode), s->gfp), s->order, s->asker_adj,
	       port_symbol(where, sizeof(where), s->caller));
	show_mem();
	mm_log("Tasks state (memory values in pages):\n");
	mm_log("[  pid  ]      rss pgtables_bytes oom_score_adj name\n");
	port_oom_tasks(print_task, NULL);
}

/* ---- the end ------------------------------------------------------------------------ */

static bool end_chosen(const struct oom_task *t, void *arg)
{
	struct shortage *s = arg;

	if (t->pid != s->chosen)
		return true;
	if (!t->mm || t->dying)
		return false;		/* it was faster */
	mm_log("Out of memory: Killed process %d (%s) rss:%lukB, pgtables:%lukB, oom_score_adj:%d\n", t->pid, t->name,
	       K(t->mm->rss), K(t->mm->nr_ptes + 1), t->score_adj);
	if (port_oom_kill(t->pid)) {
		count_vm_event(OOM_KILL);
		mm_reap(t->mm);
	}
	return false;
}

/* By the one who got in.  Return: is there more, or will be? */
static bool relieve(struct shortage *s)
{
	if (memory_again(s->gfp, s->order))
		return true;
	port_oom_tasks(judge, s);
	if (s->wait || s->asker_dies || !s->chosen)
		return s->wait;
	report(s);
	port_oom_tasks(end_chosen, s);
	return true;
}

bool out_of_memory(gfp_t gfp, unsigned order, unsigned long caller)
{
	struct shortage s = { .gfp = gfp, .order = order, .caller = caller, .asker = "the kernel" };
	bool more = true;

	if (!__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE)) {
		s.total_pages = totalram_pages();
		more = relieve(&s);
		__atomic_store_n(&busy, false, __ATOMIC_RELEASE);
	}
	return more;
}
