/* SPDX-License-Identifier: MIT */
/*
 * magazine.c: each CPU's own free objects of each cache (row D3).
 *
 * The idea (Bonwick and Adams, "Magazines and Vmem", USENIX 2001): a CPU has two
 * magazines, clips of free objects.  It takes from the loaded one and puts back into it,
 * the last freed on top, so that the object that goes out first is the one that is still
 * warm.
 *
 *	s->cpu[0]	loaded		previous
 *			+----------+	+----------+		depot.c, full and empty
 *	     pop <- top	| hot      |swap| full,    | <- trade ->  magazines that no CPU has
 *	    push ->	| warm     |<-->| or empty |
 *			+----------+	+----------+ <- slabs, when the depot cannot help
 *			| floor: NULL, s
 *
 * Loaded empty: swap, if the other holds something; else trade the other for a full one
 * of the depot's; else fill the loaded one from the slabs.  Loaded full: swap, if the other
 * is not; else trade the other for an empty one; else flush it to the slabs.  Either way
 * about half of what the pair can hold is there afterwards, so a program must take or free
 * a whole magazine of objects before a lock is taken again.  When the slabs are empty too,
 * slabs for a whole magazine are asked of the page allocator at once.
 *
 * States of neighbours share cache lines, so two CPUs that have a slab's objects in hand slow
 * each other down.  Hence a CPU that fills its loaded magazine from the slabs also takes, into the other,
 * what is left of the last slab (fill).
 *
 * Beside each object lies the address of its state: taking it costs one store and no
 * arithmetic.  Below the first round lies the floor: it has no object, which tells that
 * the magazine is empty, and where a state would be it has the cache, so that the hot way
 * need not keep that at hand.  To every check an object in a magazine is free.
 *
 * A CPU without magazines has its top and its limit behind the cache's own floor, empty
 * and full at once, so the hot way need not ask.  It gets its two when it first finds
 * none.  If there is no memory for them, objects go straight to and from their slabs.
 *
 *	object size	rounds at first		so in the hands of a CPU: at most
 *	... 128		60			120 objects, 15 KiB
 *	... 256		30			15 KiB
 *	... 1024	16			32 KiB
 *	... PAGE_SIZE	8			64 KiB
 *	... 2 pages	4			64 KiB
 *	larger		0
 *
 * (and up to twice that or 62, when CPUs meet at the depot)
 *
 * Invariants (slab_check returns 10 + the number)
 *
 *  M.1	round <= top <= limit, in the loaded magazine; the other holds at most as many as
 *	a magazine can; both floors are right.  Or the CPU has none: top == limit, behind
 *	s->floor.
 *  M.2	Each round is an object of this cache with the address of its own state,
 *	which is CACHED.
 *  M.3	There are as many CACHED objects as rounds, the depot's included: no object is in
 *	two magazines.
 *  M.4	depot.c.
 *
 * Locking: a CPU's magazines, and the states of objects on their way in and out, are
 * touched by whoever has claimed the CPU (claim.h); a switch of threads cannot come
 * between, and an interrupt that finds the claim taken goes past the magazines, to the
 * slabs.  Each CPU drains its own (on_each_cpu_claimed).
 *
 * Failure: as described, magazines are never necessary.
 *
 * Cost: alloc and free O(1); one in a magazine's worth trades, or moves as many objects.
 *
 * Where it differs from Linux: SLUB gives a CPU a whole slab; SLAB had one array
 * and moved its rest down after each flush.
 */
#include "slab_internal.h"

static void no_magazines(struct kmem_cache *s, struct cpu_cache *c)
{
	*c = (struct cpu_cache){ .top = &s->floor + 1, .limit = &s->floor + 1 };
}

/* The depot keeps a 512th of low memory. */
static unsigned depot_limit(const struct kmem_cache *s)
{
	unsigned long bytes = (unsigned long)max_low_pfn << PAGE_SHIFT >> 9;

	return s->magazine_rounds ? (unsigned)(bytes / s->size / s->magazine_rounds) : 0;
}

void magazine_limits(struct kmem_cache *s)
{
	s->magazine_rounds = s->size <= 128 ? 60 : s->size <= 256 ? 30 : s->size <= 1024 ? 16 :
			     s->size <= PAGE_SIZE ? 8 : s->size <= 2 * PAGE_SIZE ? 4 : 0;
	if (s->flags & SLAB_NO_MAGAZINE)
		s->magazine_rounds = 0;
	s->magazine_max = min(2 * s->magazine_rounds, (unsigned)MAGAZINE_ROUNDS);
	s->depot_limit = depot_limit(s);
	/* Empty slabs are kept for as many objects as a pair of magazines holds; one slab of small ones. */
	s->free_limit = DIV_ROUND_UP(2 * s->magazine_rounds, s->num);
	if (!s->free_limit && s->order == 0)
		s->free_limit = 1;
	s->floor = (struct round){ NULL, (u8 *)s };
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		no_magazines(s, &s->cpu[cpu]);
}

/* ---- a CPU's two: it is claimed ------------------------------------------------------ */

static inline unsigned long rounds(const struct cpu_cache *c)
{
	return c->loaded ? (unsigned long)(c->top - c->loaded->round) : 0;
}

static void load(struct kmem_cache *s, struct cpu_cache *c, struct magazine *m)
{
	c->loaded = m;
	c->top = m->round + m->rounds;
	c->limit = m->round + max(READ_ONCE(s->magazine_rounds), (unsigned)m->rounds);
}

/* @m is loaded, what was so is the other. */
static void reload(struct kmem_cache *s, struct cpu_cache *c, struct magazine *m)
{
	c->loaded->rounds = rounds(c);
	c->previous = c->loaded;
	load(s, c, m);
}

/* Two empty ones, if there is memory to be had at once. */
static bool attach(struct kmem_cache *s, struct cpu_cache *c)
{
	struct magazine *first, *second;

	if (!s->magazine_rounds)
		return false;
	first = magazine_new(s);
	second = first ? magazine_new(s) : NULL;
	if (!second) {
		if (first)
			magazine_delete(first);
		return false;
	}
	c->previous = first;
	load(s, c, second);
	return true;
}

/* Both are empty.  A slab that was begun is taken whole, if there is room. */
static void fill(struct kmem_cache *s, struct cpu_cache *c)
{
	const struct round *last = c->top;
	unsigned n = slabs_take(s, -1, c->top, (unsigned)(c->limit - c->top));

	c->top += n;
	if (n)
		c->previous->rounds = slab_take_rest(s, last->obj, c->previous->round, READ_ONCE(s->magazine_rounds));
}

/* Is there an object in the loaded magazine, or can one be had without growing? */
static bool have_round(struct kmem_cache *s, struct cpu_cache *c)
{
	struct magazine *m;

	if (!c->loaded && !attach(s, c))
		return false;
	if (rounds(c))
		return true;
	if (c->previous->rounds) {
		reload(s, c, c->previous);
	} else if ((m = depot_trade_empty(s, c->previous))) {
		reload(s, c, m);
	} else {
		fill(s, c);
	}
	return rounds(c) != 0;
}

/* Is there room for another object in the loaded magazine, or can it be made? */
static bool have_room(struct kmem_cache *s, struct cpu_cache *c)
{
	struct magazine *m = c->previous;

	if (!c->loaded && !attach(s, c))
		return false;
	if (c->top != c->limit)
		return true;
	if (m->rounds >= READ_ONCE(s->magazine_rounds)) {
		m = depot_trade_full(s, c->previous);
		if (!m) {
			m = c->previous;
			slabs_put(s, m->round, (unsigned)m->rounds);
			m->rounds = 0;
		}
	}
	reload(s, c, m);
	return true;
}

/* The hottest.  There is one. */
static inline void *pop(struct cpu_cache *c)
{
	struct round *r = --c->top;

	*r->state = OBJ_USED;
	return r->obj;
}

/* ---- the slow ways in and out ------------------------------------------------------- */

/* An object without growing; the CPU is claimed. */
static void *alloc_claimed(struct kmem_cache *s)
{
	struct cpu_cache *c = this_cpu_cache(s);
	struct round r;

	if (have_round(s, c))
		return pop(c);
	if (c->loaded || !slabs_take(s, -1, &r, 1))
		return NULL;
	*r.state = OBJ_USED;
	return r.obj;
}

static __cold_path bool cache_missing(struct kmem_cache *s, unsigned long caller)
{
	if (s == &no_cache)
		slab_refuse_early("kmalloc", caller);
	else
		misuse(MISUSE_ARGUMENT, caller, "kmem_cache_alloc(%p): the cache was destroyed", (void *)s);
	return true;
}

void *__cache_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long caller)
{
	void *obj;

	if (unlikely(!s->num) && cache_missing(s, caller))
		return NULL;
	do {
		if (!cpu_try_claim())
			return slab_alloc_direct(s, gfp, -1);
		obj = alloc_claimed(s);
		cpu_release();
		if (obj)
			return obj;
	} while (cache_grow(s, gfp, -1, max(s->magazine_rounds, 1u)));
	return NULL;
}

static void put_claimed(struct kmem_cache *s, const struct round *r)
{
	struct cpu_cache *c = this_cpu_cache(s);

	if (have_room(s, c))
		*c->top++ = *r;
	else
		slabs_put(s, r, 1);
}

bool cache_free_slow(struct kmem_cache *s, struct page *page, void *p)
{
	struct round r = { .obj = p };
	unsigned long flags;
	bool claimed, used;
	unsigned long idx;

	if (!slab_index(s, (unsigned long)p, &idx))
		return false;
	r.state = page->states + idx;
	claimed = cpu_try_claim();
	flags = arch_irq_save();	/* an interrupt may free the same object: one of us is told */
	used = *r.state == OBJ_USED;
	if (used)
		*r.state = OBJ_CACHED;
	arch_irq_restore(flags);
	if (used && claimed)
		put_claimed(s, &r);
	else if (used)
		slabs_put(s, &r, 1);
	if (claimed)
		cpu_release();
	return used;
}

/* ---- many at once ---------------------------------------------------------------------- */

/* Up to @want objects that this CPU has, or can have without growing. */
static size_t pop_many(struct kmem_cache *s, size_t want, void **p)
{
	struct cpu_cache *c = this_cpu_cache(s);
	size_t got = 0;

	while (got < want && have_round(s, c)) {
		size_t n = min(want - got, (size_t)rounds(c));
		const struct round *r = c->top -= n;

		for (size_t i = n; i--; p[got + i] = r[i].obj)
			*r[i].state = OBJ_USED;
		got += n;
	}
	return got;
}

size_t cache_alloc_many(struct kmem_cache *s, gfp_t gfp, size_t want, void **p)
{
	size_t got = 0;

	if (cpu_try_claim()) {
		got = pop_many(s, want, p);
		cpu_release();
	}
	while (got < want && (p[got] = __cache_alloc(s, gfp, _RET_IP_)))
		if (++got < want && cpu_try_claim()) {
			got += pop_many(s, want - got, p + got);
			cpu_release();
		}
	return got;
}

/* Up to @nr objects from @p on, onto @top; stops at an odd one.  Neighbours share the look at their page. */
static size_t push_many(const struct kmem_cache *s, struct round *top, size_t nr, void *const *p)
{
	unsigned long page_of = ~(unsigned long)*p;	/* an address in the page that was looked at */
	struct page *page;
	u8 *states = NULL, *state;
	unsigned long idx;
	size_t i;

	for (i = 0; i < nr; i++) {
		unsigned long at = (unsigned long)p[i];

		if ((at ^ page_of) & PAGE_MASK) {
			if (!slab_word_there(at - PAGE_OFFSET))
				break;
			page = pfn_to_page((at - PAGE_OFFSET) >> PAGE_SHIFT);
			if (load_or_zero(page->slab_word) != slab_word(s))
				break;
			states = page->states;
			page_of = at;
		}
		if (!slab_index(s, at, &idx))
			break;
		state = states + idx;
		if (*state != OBJ_USED)
			break;
		*state = OBJ_CACHED;
		top[i] = (struct round){ (void *)at, state };
	}
	return i;
}

size_t cache_free_many(struct kmem_cache *s, size_t nr, void **p)
{
	size_t done = 0, n;
	struct cpu_cache *c;

	if (!cpu_try_claim())
		return 0;
	c = this_cpu_cache(s);
	while (done < nr && have_room(s, c)) {
		n = push_many(s, c->top, min(nr - done, (size_t)(c->limit - c->top)), p + done);
		if (!n)
			break;
		c->top += n;
		done += n;
	}
	cpu_release();
	return done;
}

/* ---- draining ---------------------------------------------------------------------------- */

static void drain_claimed(void *arg)
{
	struct kmem_cache *s = arg;
	struct cpu_cache *c = this_cpu_cache(s), had = *c;

	if (!had.loaded)
		return;
	no_magazines(s, c);
	slabs_put(s, had.loaded->round, (unsigned)rounds(&had));
	slabs_put(s, had.previous->round, (unsigned)had.previous->rounds);
	magazine_delete(had.loaded);
	magazine_delete(had.previous);
}

void magazines_drain_local(struct kmem_cache *s)
{
	on_this_cpu_claimed(drain_claimed, s);
}

static bool any_loaded(const struct kmem_cache *s)
{
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (READ_ONCE(s->cpu[cpu].loaded))
			return true;
	return false;
}

/* When memory is short for long, it is asked for again and again, in vain: then no CPU need be interrupted. */
void magazines_drain(struct kmem_cache *s)
{
	if (any_loaded(s))
		on_each_cpu_claimed(drain_claimed, s);
	depot_drain(s);
}

/* ---- counting and checking ------------------------------------------------------------------ */

/* Of a CPU that may be at work: what it has is read once, and must fit together to count. */
static unsigned long count_cpu(const struct cpu_cache *c)
{
	const struct magazine *loaded = READ_ONCE(c->loaded), *previous = READ_ONCE(c->previous);
	unsigned long n = loaded ? (unsigned long)(READ_ONCE(c->top) - loaded->round) : 0;
	unsigned long more = previous ? READ_ONCE(previous->rounds) : 0;

	return (n <= MAGAZINE_ROUNDS ? n : 0) + (more <= MAGAZINE_ROUNDS ? more : 0);
}

unsigned long magazines_count(struct kmem_cache *s)
{
	unsigned long n = depot_count(s);

	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		n += count_cpu(&s->cpu[cpu]);
	return n;
}

static int check_round(struct kmem_cache *s, const struct round *r)
{
	struct page *page;
	unsigned long idx;

	if (!virt_addr_valid(r->obj))
		return 2;
	page = virt_to_page(r->obj);
	if (!PageSlab(page) || page_slab_cache(page) != s || !slab_index(s, (unsigned long)r->obj, &idx))
		return 2;
	return r->state == page->states + idx && *r->state == OBJ_CACHED ? 0 : 2;
}

int magazine_check_one(struct kmem_cache *s, const struct magazine *m, unsigned long n)
{
	if (n > s->magazine_max || m->floor.obj || m->floor.state != (u8 *)s)
		return 1;
	for (unsigned long i = 0; i < n; i++)
		if (check_round(s, &m->round[i]))
			return 2;
	return 0;
}

static int check_cpu(struct kmem_cache *s, const struct cpu_cache *c)
{
	int broken;

	if (!c->loaded)
		return c->top == &s->floor + 1 && c->limit == c->top && !s->floor.obj &&
		       s->floor.state == (u8 *)s ? 0 : 1;
	if (c->top < c->loaded->round || c->top > c->limit || c->limit > c->loaded->round + s->magazine_max)
		return 1;
	broken = magazine_check_one(s, c->loaded, rounds(c));
	return broken ? broken : magazine_check_one(s, c->previous, c->previous->rounds);
}

int magazine_check(struct kmem_cache *s, unsigned long cached)
{
	int broken = depot_check(s);

	for (unsigned cpu = 0; cpu < nr_cpu_ids && !broken; cpu++)
		broken = check_cpu(s, &s->cpu[cpu]);
	if (broken)
		return broken;
	return magazines_count(s) == cached ? 0 : 3;
}
