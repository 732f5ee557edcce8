/* SPDX-License-Identifier: MIT */
/*
 * magazine.c: each CPU's own free objects of each cache (row D3).
 *
 * The idea (Bonwick and Adams, "Magazines and Vmem", USENIX 2001, without the
 * depot): a CPU has two magazines, clips that hold up to `capacity` free
 * objects.  It takes from the loaded one and puts back into it, the last freed
 * on top, so that the object that goes out first is the one that is still warm.
 *
 *	cpu[0] --> loaded		other
 *		   +----------+		+----------+
 *	     pop <-| hot      |  swap	| full,    |   refill: slabs -> loaded
 *	    push ->| warm     | <---->	| or empty |   flush: other -> slabs
 *		   +----------+		+----------+
 *
 * Loaded empty: swap, if the other is full; else refill.  Loaded full: flush
 * the other, if it is full, and swap.  Either way half of what the pair can hold
 * is there afterwards, so a program must take or free a whole magazine of objects
 * before a lock is taken again: `capacity` operations share one.  When the slabs are
 * empty too, slabs for a whole magazine are asked of the page allocator at once.
 *
 * Beside each object lies the address of its state: taking it costs one store
 * and no arithmetic.  Below the first round lies a NULL, which tells that the magazine is
 * empty.  To every check an object in a magazine is free.
 *
 * A CPU without magazines has `no_magazine`, empty and full at once, so the fast
 * path need not ask.  It gets a pair at its first allocation that finds none; a
 * pair is one object of magazine_cache, which has no magazines itself.  If there
 * is no memory for it, objects go straight to and from their slabs.
 *
 *	object size	capacity	so in the hands of a CPU: at most
 *	... 256		30		60 objects, 15 KiB
 *	... 1024	16		32 KiB
 *	... PAGE_SIZE	8		64 KiB
 *	... 2 pages	4		64 KiB
 *	larger		0
 *
 * Invariants (slab_check returns 10 + the number)
 *
 *  M.1	rounds <= capacity <= MAGAZINE_ROUNDS, the cache's; two of a pair know each other;
 *	below the first round there is none.
 *  M.2	Each round is an object of this cache with the address of its own state,
 *	which is CACHED.
 *  M.3	There are as many CACHED objects as rounds: no object is in two magazines.
 *
 * Locking: a CPU's magazines, and the states of objects on their way in and out, are
 * touched by whoever has claimed the CPU (claim.h); a switch of threads cannot come
 * between, and an interrupt that finds the claim taken goes past the magazines, to the
 * slabs.  magazines_drain() visits other CPUs' too, which is right as long as they do
 * not run; with more CPUs it is the place that must ask them to do it themselves.
 *
 * Failure: as described, magazines are never necessary.
 *
 * Cost: alloc and free O(1); one in `capacity` of them moves as many objects.
 *
 * Where it differs from Linux: SLUB gives a CPU a whole slab; SLAB had one array
 * and moved its rest down after each flush.
 */
#include "slab_internal.h"

struct magazine no_magazine = {
	.top = no_magazine.round, .limit = no_magazine.round, .other = &no_magazine,
};
struct kmem_cache *magazine_cache;

void magazine_limits(struct kmem_cache *s)
{
	unsigned cpu;

	s->magazine_rounds = s->size <= 256 ? MAGAZINE_ROUNDS : s->size <= 1024 ? 16 :
			     s->size <= PAGE_SIZE ? 8 : s->size <= 2 * PAGE_SIZE ? 4 : 0;
	if (s->flags & SLAB_NO_MAGAZINE)
		s->magazine_rounds = 0;
	/* Empty slabs are kept for as many objects as a pair of magazines holds; one slab of small ones. */
	s->free_limit = DIV_ROUND_UP(2 * s->magazine_rounds, s->num);
	if (!s->free_limit && s->order == 0)
		s->free_limit = 1;
	for (cpu = 0; cpu < NR_CPUS; cpu++)
		s->cpu[cpu] = &no_magazine;
}

/* ---- magazines come and go -------------------------------------------------------- */

static void pair_free(struct magazine *m)
{
	struct magazine *first = min(m, m->other);
	unsigned long off = (unsigned long)first - PAGE_OFFSET;
	struct page *page = virt_to_page(first);
	struct round r = { .obj = first };
	unsigned long flags;
	unsigned idx;

	if (!slab_index(magazine_cache, off, &idx))
		mm_panic("magazine %p is no object of its cache", (void *)first);
	r.state = slab_state(magazine_cache, page, off, idx);
	flags = arch_irq_save();
	*r.state = OBJ_CACHED;
	slabs_put(magazine_cache, &r, 1);
	arch_irq_restore(flags);
}

/* Give this CPU a pair of magazines for @s, if there is memory to be had at once. */
static void magazine_attach(struct kmem_cache *s)
{
	struct magazine *pair = slab_alloc_direct(magazine_cache, GFP_NOWAIT | __GFP_NOWARN, -1);
	struct magazine **slot;
	int i;

	if (!pair)
		return;
	for (i = 0; i < 2; i++) {
		pair[i].top = pair[i].round;
		pair[i].limit = pair[i].round + s->magazine_rounds;
		pair[i].floor.obj = NULL;
		pair[i].other = &pair[!i];
	}
	if (!cpu_try_claim()) {
		pair_free(pair);
		return;
	}
	slot = &s->cpu[smp_processor_id()];
	if (*slot == &no_magazine) {
		*slot = pair;
		pair = NULL;
	}
	cpu_release();
	if (pair)	/* an interrupt was faster */
		pair_free(pair);
}

/* ---- the slow ways in and out ------------------------------------------------------- */

/* An object, from the other magazine or from the slabs that there are.  The CPU is claimed. */
static void *refill_this_cpu(struct kmem_cache *s)
{
	struct magazine *m = s->cpu[smp_processor_id()];
	struct round r;

	if (!magazine_rounds(m) && magazine_rounds(m->other))
		s->cpu[smp_processor_id()] = m = m->other;
	if (!magazine_rounds(m) && magazine_capacity(m))
		m->top += slabs_take(s, -1, m->round, magazine_capacity(m));
	if (magazine_rounds(m))
		return magazine_pop(m);
	if (magazine_capacity(m) || !slabs_take(s, -1, &r, 1))
		return NULL;
	*r.state = OBJ_USED;
	return r.obj;
}

void *__cache_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long caller)
{
	void *obj;

	if (unlikely(!s->num)) {
		if (s == &kmalloc_too_early)
			slab_refuse_early("kmalloc", caller);
		else
			misuse(MISUSE_ARGUMENT, caller, "kmem_cache_alloc(%p): the cache was destroyed", (void *)s);
		return NULL;
	}
	do {
		if (s->magazine_rounds && s->cpu[smp_processor_id()] == &no_magazine)
			magazine_attach(s);
		if (!cpu_try_claim())
			return slab_alloc_direct(s, gfp, -1);
		obj = refill_this_cpu(s);
		cpu_release();
		if (obj)
			return obj;
	} while (cache_grow(s, gfp, -1, max(s->magazine_rounds, 1u)));
	return NULL;
}

/* Into the magazine, or into the other, which is emptied for it if need be.  The CPU is claimed. */
static void push_or_flush(struct kmem_cache *s, void *obj, u8 *state)
{
	struct magazine *m = s->cpu[smp_processor_id()], *other = m->other;
	struct round r = { obj, state };

	if (m->top != m->limit) {
		magazine_push(m, obj, state);
		return;
	}
	if (!magazine_capacity(m)) {
		slabs_put(s, &r, 1);
		return;
	}
	if (magazine_rounds(other)) {
		slabs_put(s, other->round, magazine_rounds(other));
		other->top = other->round;
	}
	s->cpu[smp_processor_id()] = other;
	magazine_push(other, obj, state);
}

bool cache_free_slow(struct kmem_cache *s, struct page *page, void *p)
{
	struct round r = { .obj = p };
	unsigned long flags;
	bool claimed, used;
	unsigned idx;

	if (!slab_index(s, (unsigned long)p, &idx))
		return false;
	r.state = slab_state(s, page, (unsigned long)p, idx);
	claimed = cpu_try_claim();
	flags = arch_irq_save();	/* an interrupt may free the same object: one of us is told */
	used = *r.state == OBJ_USED;
	if (used)
		*r.state = OBJ_CACHED;
	arch_irq_restore(flags);
	if (used && claimed)
		push_or_flush(s, r.obj, r.state);
	else if (used)
		slabs_put(s, &r, 1);
	if (claimed)
		cpu_release();
	return used;
}

static void drain_cpu(struct kmem_cache *s, unsigned cpu)
{
	struct magazine *m = s->cpu[cpu];

	s->cpu[cpu] = &no_magazine;
	if (m == &no_magazine)
		return;
	slabs_put(s, m->round, magazine_rounds(m));
	slabs_put(s, m->other->round, magazine_rounds(m->other));
	pair_free(m);
}

void magazines_drain(struct kmem_cache *s)
{
	bool claimed = cpu_try_claim();	/* if not, we interrupted somebody who is at this CPU's */

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		if (claimed || cpu != smp_processor_id())
			drain_cpu(s, cpu);
	if (claimed)
		cpu_release();
}

unsigned long magazines_count(const struct kmem_cache *s)
{
	unsigned long n = 0;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct magazine *m = READ_ONCE(s->cpu[cpu]);

		n += magazine_rounds(m) + magazine_rounds(m->other);
	}
	return n;
}

/* ---- checking ------------------------------------------------------------------------ */

static int check_round(struct kmem_cache *s, const struct round *r)
{
	unsigned long off = (unsigned long)r->obj - PAGE_OFFSET;
	struct page *page;
	unsigned idx;

	if (!virt_addr_valid(r->obj))
		return 2;
	page = virt_to_page(r->obj);
	if (!PageSlab(page) || page->slab_cache != s || !slab_index(s, off, &idx))
		return 2;
	return r->state == slab_state(s, page, off, idx) && *r->state == OBJ_CACHED ? 0 : 2;
}

static int check_pair(struct kmem_cache *s, struct magazine *m)
{
	unsigned i, side;

	for (side = 0; side < 2; side++, m = m->other) {
		if (magazine_rounds(m) > magazine_capacity(m) || magazine_capacity(m) > MAGAZINE_ROUNDS ||
		    m->other->other != m || m->floor.obj ||
		    (m != &no_magazine && magazine_capacity(m) != s->magazine_rounds))
			return 1;
		for (i = 0; i < magazine_rounds(m); i++)
			if (check_round(s, &m->round[i]))
				return 2;
	}
	return 0;
}

int magazine_check(struct kmem_cache *s, unsigned long cached)
{
	unsigned cpu;
	int broken;

	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		broken = check_pair(s, s->cpu[cpu]);
		if (broken)
			return broken;
	}
	return magazines_count(s) == cached ? 0 : 3;
}
