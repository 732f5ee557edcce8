/* SPDX-License-Identifier: MIT */
/*
 * shrinker.c: caches outside the memory manager, and how much each is to give back.
 *
 * A pass over the shrinkers has a priority: 12 asks gently, for 1/4096 of what there is,
 * 0 for all of it; reclaim.c lowers it until there is enough.  How many objects one
 * shrinker is to look at:
 *
 *	there are		n = count_objects()
 *	its share		delta = (n >> priority) * 4 / seeks	seeks 0: n / 2
 *	and what is due		nr_deferred >> priority
 *	at most			2 n
 *
 *	e.g. n = 10000, priority 4, seeks 2:	625 * 4 / 2 = 1250
 *
 * It is asked in batches, as long as a whole batch is left to do or all there is.  What
 * is left over (a share too small for a batch, or a shrinker that could not: the mask
 * forbids what it needs) becomes due the next time, to whoever calls then.  So what
 * callers with GFP_NOFS could not do is not forgotten, and many small shares add up.
 *
 * The mask goes to the shrinker as it is.  One that needs a file system's lock looks for
 * __GFP_FS in it and says SHRINK_STOP without: the caller may hold that lock.
 *
 * Coming and going.  The list is walked without holding its lock: a call in progress is
 * written down at its shrinker, which so stays on the list.  Who unregisters makes it
 * invisible first, then waits for the calls.  A call knows its thread, so that one who
 * would wait for itself is told instead.
 *
 * Invariants (shrinker_check):
 *   S.1  who is on the list has both functions, and is registered unless calls of it run;
 *   S.2  no more is due than there can be: 0 <= nr_deferred, of each node.
 *
 * Locking: shrinkers_lock for the list and the calls; nothing is called under it.
 * Cost: a pass is O(shrinkers), and what they do.
 * Where it differs from Linux: no memory cgroups, so one list; SHRINKER_PAGES.
 */
#include "shrinker.h"

#include <quarry/numa.h>
#include <quarry/port.h>
#include <quarry/pressure.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>

static LIST_HEAD(shrinkers);
static spinlock_t shrinkers_lock = SPINLOCK_INIT;

/* A call that runs; on the stack of its thread. */
struct call {
	struct list_head link;
	const struct mm_thread *who;
};

/* ---- walking ------------------------------------------------------------------- */

/* The end of call @c of @s (NULL: there was none), and its beginning at the next.  NULL: that was the last. */
static struct shrinker *next_shrinker(struct shrinker *s, struct call *c)
{
	unsigned long flags = spin_lock_irqsave(&shrinkers_lock);
	struct list_head *at = s ? s->list.next : shrinkers.next;

	if (s)
		list_del(&c->link);
	while (at != &shrinkers && !container_of(at, struct shrinker, list)->registered)
		at = at->next;
	s = at == &shrinkers ? NULL : container_of(at, struct shrinker, list);
	if (s)
		list_add(&c->link, &s->calls);
	spin_unlock_irqrestore(&shrinkers_lock, flags);
	return s;
}

/* The end of a walk before its end. */
static void leave(struct call *c)
{
	unsigned long flags = spin_lock_irqsave(&shrinkers_lock);

	list_del(&c->link);
	spin_unlock_irqrestore(&shrinkers_lock, flags);
}

void shrinker_for_each(bool (*fn)(struct shrinker *s, void *arg), void *arg)
{
	struct call c = { .who = port_mm_thread() };
	struct shrinker *s = NULL;

	while ((s = next_shrinker(s, &c)))
		if (!fn(s, arg)) {
			leave(&c);
			return;
		}
}

/* ---- how much ------------------------------------------------------------------ */

/* Who says that he has more is not believed: nothing below overflows. */
#define MOST_OBJECTS (~0UL / 8)

static unsigned long share(const struct shrinker *s, unsigned long n, int priority)
{
	return s->seeks ? (n >> priority) * 4 / (unsigned)s->seeks : n / 2;
}

/* Up to @todo objects of @n, in batches.  Return: how many it looked at; *@freed: let go. */
static unsigned long scan(struct shrinker *s, struct shrink_control *sc, unsigned long n, unsigned long todo,
			  unsigned long *freed)
{
	unsigned long batch = s->batch ? (unsigned long)s->batch : SHRINKER_BATCH, done = 0, got;

	while (todo && (todo >= batch || todo >= n)) {
		sc->nr_to_scan = sc->nr_scanned = min(batch, todo);
		got = s->scan_objects(s, sc);
		if (got == SHRINK_STOP || !sc->nr_scanned)
			break;
		*freed += got;
		done += sc->nr_scanned;
		todo -= min(todo, sc->nr_scanned);
	}
	return done;
}

static void shrink_one(struct shrinker *s, gfp_t gfp, int nid, int priority, struct shrunk *sum)
{
	struct shrink_control sc = { .gfp_mask = gfp, .nid = s->flags & SHRINKER_NUMA_AWARE ? nid : 0 };
	unsigned long n = s->count_objects(s, &sc), due, delta, done, freed = 0;

	if (!n || n == SHRINK_EMPTY)
		return;
	n = min(n, MOST_OBJECTS);
	due = (unsigned long)__atomic_exchange_n(&s->nr_deferred[sc.nid], 0, __ATOMIC_RELAXED);
	delta = share(s, n, priority);
	done = scan(s, &sc, n, min((due >> priority) + delta, 2 * n), &freed);
	due = due + delta > done ? min(due + delta - done, 2 * n) : 0;
	__atomic_fetch_add(&s->nr_deferred[sc.nid], (long)due, __ATOMIC_RELAXED);
	sum->freed += freed;
	sum->scanned += done;
	if (s->flags & SHRINKER_PAGES) {
		sum->pages += freed;
		sum->pages_scanned += done;
	}
}

struct shrunk shrink_pass(gfp_t gfp, int nid, int priority, unsigned kinds)
{
	struct call c = { .who = port_mm_thread() };
	struct shrunk sum = { 0 };
	struct shrinker *s = NULL;

	while ((s = next_shrinker(s, &c)))
		if (kinds & (s->flags & SHRINKER_PAGES ? SHRINK_PAGES : SHRINK_OBJECTS))
			shrink_one(s, gfp, nid, priority, &sum);
	return sum;
}

/* ---- coming -------------------------------------------------------------------- */

static bool has_nodes(const struct shrinker *s)
{
	return s->flags & SHRINKER_NUMA_AWARE && num_online_nodes() > 1;
}

static int prepare(struct shrinker *s)
{
	INIT_LIST_HEAD(&s->calls);
	s->own_deferred = 0;
	s->nr_deferred = has_nodes(s) ? kcalloc((size_t)num_online_nodes(), sizeof(long), GFP_KERNEL) : &s->own_deferred;
	return s->nr_deferred ? 0 : -ENOMEM;
}

static void unprepare(struct shrinker *s)
{
	if (s->nr_deferred != &s->own_deferred)
		kfree(s->nr_deferred);
	s->nr_deferred = NULL;
}

/* Refuse what cannot be called, and what is registered already. */
static bool fit(const struct shrinker *s, const char *call, unsigned long caller)
{
	if (!s->count_objects || !s->scan_objects)
		misuse(MISUSE_ARGUMENT, caller, "%s(%p): a shrinker without %s", call, s,
		       s->count_objects ? "scan_objects" : "count_objects");
	else if (s->registered)
		misuse(MISUSE_ARGUMENT, caller, "%s(%p): %s is registered already", call, s, s->name);
	else
		return true;
	return false;
}

static void enter(struct shrinker *s)
{
	unsigned long flags = spin_lock_irqsave(&shrinkers_lock);

	s->registered = true;
	list_add_tail(&s->list, &shrinkers);
	spin_unlock_irqrestore(&shrinkers_lock, flags);
}

struct shrinker *shrinker_alloc(unsigned flags, const char *fmt, ...)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);
	va_list ap;

	if (!s)
		return NULL;
	s->flags = flags;
	s->seeks = DEFAULT_SEEKS;
	s->allocated = true;
	va_start(ap, fmt);
	mm_vsnprintf(s->name, sizeof(s->name), fmt, ap);
	va_end(ap);
	if (prepare(s) == 0)
		return s;
	kfree(s);
	return NULL;
}

void shrinker_register(struct shrinker *s)
{
	if (!s->allocated)
		misuse(MISUSE_ARGUMENT, _RET_IP_, "shrinker_register(%p): not of shrinker_alloc(), or freed", s);
	else if (fit(s, "shrinker_register", _RET_IP_))
		enter(s);
}

int register_shrinker(struct shrinker *s, const char *fmt, ...)
{
	va_list ap;

	if (!fit(s, "register_shrinker", _RET_IP_))
		return -EINVAL;
	va_start(ap, fmt);
	mm_vsnprintf(s->name, sizeof(s->name), fmt, ap);
	va_end(ap);
	if (prepare(s))
		return -ENOMEM;
	enter(s);
	return 0;
}

/* ---- going --------------------------------------------------------------------- */

/* Is one of its calls ours?  Under the lock. */
static bool within(const struct shrinker *s)
{
	const struct mm_thread *me = port_mm_thread();
	struct call *c;

	list_for_each_entry(c, &s->calls, link)
		if (c->who == me)
			return true;
	return false;
}

/* An interrupt would wait for a call that goes on only after it. */
static bool may_not_wait(const struct shrinker *s, const char *call, unsigned long caller)
{
	if (!preempt_count())
		return false;
	misuse(MISUSE_CONTEXT, caller, "%s(%p): may sleep, but called %s", call, s,
	       in_interrupt() ? "in an interrupt" : "with preemption off");
	return true;
}

/* Invisible, then nobody's any more, then off the list.  False: refused. */
static bool withdraw(struct shrinker *s, const char *call, unsigned long caller)
{
	unsigned long flags;
	const char *why;

	if (may_not_wait(s, call, caller))
		return false;
	flags = spin_lock_irqsave(&shrinkers_lock);
	why = !s->registered ? "not registered" : within(s) ? "from within it: it would wait for itself" : NULL;
	if (!why) {
		s->registered = false;
		while (!list_empty(&s->calls)) {
			spin_unlock_irqrestore(&shrinkers_lock, flags);
			port_yield();
			flags = spin_lock_irqsave(&shrinkers_lock);
		}
		list_del(&s->list);
	}
	spin_unlock_irqrestore(&shrinkers_lock, flags);
	if (why)
		misuse(MISUSE_ARGUMENT, caller, "%s(%p): %s", call, s, why);
	return !why;
}

void unregister_shrinker(struct shrinker *s)
{
	if (withdraw(s, "unregister_shrinker", _RET_IP_))
		unprepare(s);
}

void shrinker_free(struct shrinker *s)
{
	if (!s)
		return;
	if (!s->allocated) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "shrinker_free(%p): not of shrinker_alloc(), or freed already", s);
		return;
	}
	if (s->registered && !withdraw(s, "shrinker_free", _RET_IP_))
		return;
	unprepare(s);
	s->allocated = false;
	kfree(s);
}

/* ---- looking ------------------------------------------------------------------- */

static int check_one(const struct shrinker *s)
{
	int nodes = has_nodes(s) ? num_online_nodes() : 1;

	if (!s->count_objects || !s->scan_objects || (!s->registered && list_empty(&s->calls)))
		return 1;
	for (int nid = 0; nid < nodes; nid++)
		if (s->nr_deferred[nid] < 0)
			return 2;
	return 0;
}

int shrinker_check(void)
{
	unsigned long flags = spin_lock_irqsave(&shrinkers_lock);
	struct shrinker *s;
	int broken = 0;

	list_for_each_entry(s, &shrinkers, list)
		if ((broken = check_one(s)))
			break;
	spin_unlock_irqrestore(&shrinkers_lock, flags);
	return broken;
}
