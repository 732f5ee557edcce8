/* SPDX-License-Identifier: MIT */
/*
 * depot.c: the magazines of a cache that no CPU has.
 *
 * The idea is the second half of Bonwick and Adams, "Magazines and Vmem" (USENIX 2001).  A
 * CPU that runs out of objects, or of room for them, does not go to the slabs one object
 * at a time: it trades a whole magazine.
 *
 *	CPU, out of objects	empty magazine -->  [depot]  --> full magazine
 *	CPU, out of room	full magazine  -->  [depot]  --> empty magazine
 *
 * So objects that one CPU takes and another gives back travel in magazines, at a few
 * instructions each, and a thousand taken and given back again never see a slab.
 *
 * A magazine is an object of magazine_cache, which has no magazines itself.  All have the
 * same size; how many rounds of it are used is the cache's magazine_rounds, which depends
 * on the size of its objects, and grows when CPUs meet at the depot's lock: CONTENDED
 * times, and it doubles, up to twice what it was at first.  A larger magazine comes here
 * half as often.  So a full one that is older holds fewer rounds than the newer ones.
 *
 * What lies here is free memory that nobody else can have, so it has a limit: a 512th of
 * low memory for each cache.  Beyond it full magazines go to the slabs.  When memory is
 * short, everything does.
 *
 * Invariants (slab_check returns 10 + the number)
 *
 *  M.4	nr_full and nr_empty are the lengths of the two lists; nr_full <= depot_limit;
 *	empty magazines hold no rounds, full ones hold some, and M.2 holds for those.
 *
 * Locking: depot.lock, for the lists and magazine_rounds; nothing is taken inside.
 * Failure: magazines are never necessary; without memory for one, objects go to the slabs.
 * Cost: O(1) a trade; draining O(objects).
 */
#include "slab_internal.h"

#include <quarry/inject.h>

#define CONTENDED 64

struct kmem_cache *magazine_cache;

/* ---- magazines come and go -------------------------------------------------------- */

struct magazine *magazine_new(struct kmem_cache *s)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;
	struct magazine *m = NULL;

	if (!cpu_armed() || !fail_nth_now(gfp, _RET_IP_))
		m = slab_alloc_direct(magazine_cache, gfp, -1);
	if (m) {
		m->rounds = 0;
		m->floor = (struct round){ NULL, (u8 *)s };
	}
	return m;
}

void magazine_delete(struct magazine *m)
{
	struct page *page = virt_to_page(m);
	struct round r = { .obj = m };
	unsigned long flags;
	unsigned long idx;

	if (!slab_index(magazine_cache, (unsigned long)m, &idx))
		mm_panic("magazine %p is no object of its cache", (void *)m);
	r.state = page->states + idx;
	flags = arch_irq_save();
	*r.state = OBJ_CACHED;
	slabs_put(magazine_cache, &r, 1);
	arch_irq_restore(flags);
}

/* ---- the two lists: these own them, and their counters ------------------------------ */

static void push(struct magazine **list, unsigned *nr, struct magazine *m)
{
	m->next = *list;
	*list = m;
	++*nr;
}

static struct magazine *pop(struct magazine **list, unsigned *nr)
{
	struct magazine *m = *list;

	if (m) {
		*list = m->next;
		--*nr;
	}
	return m;
}

/* ---- trading --------------------------------------------------------------------------- */

static void depot_lock(struct kmem_cache *s)
{
	if (spin_is_locked(&s->depot.lock))
		__atomic_fetch_add(&s->depot.contended, 1, __ATOMIC_RELAXED);
	spin_lock(&s->depot.lock);
	if (unlikely(READ_ONCE(s->depot.contended) >= CONTENDED)) {
		WRITE_ONCE(s->depot.contended, 0);
		WRITE_ONCE(s->magazine_rounds, min(2 * s->magazine_rounds, s->magazine_max));
	}
}

struct magazine *depot_trade_empty(struct kmem_cache *s, struct magazine *m)
{
	struct magazine *full = NULL;
	unsigned long flags;

	if (!READ_ONCE(s->depot.full))
		return NULL;
	flags = arch_irq_save();
	depot_lock(s);
	full = pop(&s->depot.full, &s->depot.nr_full);
	if (full)
		push(&s->depot.empty, &s->depot.nr_empty, m);
	spin_unlock(&s->depot.lock);
	arch_irq_restore(flags);
	return full;
}

struct magazine *depot_trade_full(struct kmem_cache *s, struct magazine *m)
{
	struct magazine *mine = NULL, *empty = NULL;
	unsigned long flags;

	if (READ_ONCE(s->depot.nr_full) >= s->depot_limit)
		return NULL;
	if (!READ_ONCE(s->depot.empty))
		mine = magazine_new(s);
	flags = arch_irq_save();
	depot_lock(s);
	if (s->depot.nr_full < s->depot_limit)
		empty = mine ? mine : pop(&s->depot.empty, &s->depot.nr_empty);
	if (empty)
		push(&s->depot.full, &s->depot.nr_full, m);
	spin_unlock(&s->depot.lock);
	arch_irq_restore(flags);
	if (mine && !empty)
		magazine_delete(mine);
	return empty;
}

/* ---- all of it --------------------------------------------------------------------------- */

void depot_drain(struct kmem_cache *s)
{
	struct magazine *full, *empty, *m;
	unsigned long flags = spin_lock_irqsave(&s->depot.lock);

	full = s->depot.full;
	empty = s->depot.empty;
	s->depot.full = s->depot.empty = NULL;
	s->depot.nr_full = s->depot.nr_empty = 0;
	spin_unlock_irqrestore(&s->depot.lock, flags);
	while ((m = full)) {
		full = m->next;
		slabs_put(s, m->round, (unsigned)m->rounds);
		magazine_delete(m);
	}
	while ((m = empty)) {
		empty = m->next;
		magazine_delete(m);
	}
}

unsigned long depot_count(struct kmem_cache *s)
{
	unsigned long flags = spin_lock_irqsave(&s->depot.lock), n = 0;

	for (const struct magazine *m = s->depot.full; m; m = m->next)
		n += m->rounds;
	spin_unlock_irqrestore(&s->depot.lock, flags);
	return n;
}

/* M.4 of one list. */
static bool list_holds(struct kmem_cache *s, const struct magazine *m, unsigned nr, bool full)
{
	for (; m; m = m->next) {
		if (nr-- == 0 || full != (m->rounds != 0) || magazine_check_one(s, m, m->rounds))
			return false;
	}
	return nr == 0;
}

int depot_check(struct kmem_cache *s)
{
	unsigned long flags = spin_lock_irqsave(&s->depot.lock);
	bool holds = s->depot.nr_full <= s->depot_limit &&
		     list_holds(s, s->depot.full, s->depot.nr_full, true) &&
		     list_holds(s, s->depot.empty, s->depot.nr_empty, false);

	spin_unlock_irqrestore(&s->depot.lock, flags);
	return holds ? 0 : 4;
}
