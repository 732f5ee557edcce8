/* SPDX-License-Identifier: MIT */
/*
 * slab_internal.h: what the files of mm/slab share.
 *
 * From the ground: geometry.c (sizes), slab.c (one slab; the three lists of a node), depot.c
 * (magazines that no CPU has), magazine.c (a CPU's own objects), place.c (what a pointer is to
 * us), object.c (taking objects, giving them back), cache.c (kmem_cache), kmalloc.c.  A file calls those before it, never those after it.
 */
#ifndef SLAB_INTERNAL_H
#define SLAB_INTERNAL_H

#include <quarry/claim.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/zone.h>

/* ---- what an object is in ---------------------------------------------------- */

/*
 * One byte for each object, its state.  A byte, not a bit: a CPU changes the
 * state of its object by a plain store, while other CPUs change its neighbours'.
 */
enum obj_state {
	OBJ_NONE = 0x00,	/* no object: what is between the last state and the end of the word */
	OBJ_CACHED = 0x01,	/* in a CPU's magazine */
	OBJ_USED = 0x02,	/* in its user's hands */
	OBJ_FREE = 0x80,	/* in its slab; alone has the top bit, so a word of states is searched at once */
};

/* Objects of at least this size have their state in the struct page: see slab.c. */
#define STATES_IN_PAGE_SIZE (PAGE_SIZE / sizeof(long))

/* A free object and where its state is, as it is moved about in batches. */
struct round {
	void *obj;
	u8 *state;
};

/* ---- caches -------------------------------------------------------------------- */

enum slab_list { SLABS_FULL, SLABS_PARTIAL, SLABS_FREE, NR_SLAB_LISTS };

/* The slabs of a cache on one node. */
struct kmem_cache_node {
	spinlock_t lock;
	struct list_head slabs[NR_SLAB_LISTS];	/* first pages, by lru */
	unsigned long nr_slabs[NR_SLAB_LISTS];	/* how many are on each */
	unsigned long out;	/* objects out of these slabs: used, or in magazines */
};

#define MAGAZINE_ROUNDS 62

/* A clip of free objects. */
struct magazine {
	struct magazine *next;		/* in the depot */
	unsigned long rounds;		/* how many it holds, unless it is loaded */
	struct round floor;		/* no object, but the cache where the state would be */
	struct round round[MAGAZINE_ROUNDS];
};

/* A CPU's part of a cache; touched by whoever has claimed that CPU. */
struct cpu_cache {
	struct round *top;		/* behind the hottest round of the loaded magazine */
	struct round *limit;		/* where top is when it is full */
	struct magazine *loaded;	/* NULL: the CPU has none; then top and limit are behind s->floor */
	struct magazine *previous;
} __attribute__((aligned(CPU_SLOT)));

_Static_assert(sizeof(struct cpu_cache) == CPU_SLOT, "cpu_slot() finds a CPU's part");

/* Magazines that no CPU has (depot.c). */
struct depot {
	spinlock_t lock;
	unsigned contended;		/* times that somebody had to wait for the lock */
	struct magazine *full, *empty;
	unsigned nr_full, nr_empty;
};

struct kmem_cache {
	/* read by every free */
	u32 reciprocal;		/* index = offset * reciprocal >> 32 */
	unsigned num;		/* objects in a slab; 0: a cache that is not made yet, or destroyed */
	unsigned long offset_mask; /* bytes of a slab - 1 */
	struct kmem_cache *self; /* tells whether somebody who has a page of it means this one */

	/* constant once made */
	unsigned order;		/* a slab is 2^order pages */
	unsigned size;		/* from one object to the next */
	unsigned object_size;	/* as asked for */
	unsigned align;
	bool states_in_page;	/* where the states are */
	unsigned map_offset;	/* else: of the states in the slab */
	unsigned magazine_rounds; /* 0: this cache has no magazines; grows, under the depot's lock */
	unsigned magazine_max;	/* as far as it grows */
	unsigned depot_limit;	/* full magazines that the depot keeps */
	unsigned free_limit;	/* empty slabs that a node keeps */
	slab_flags_t flags;
	gfp_t gfp;		/* added to what kmem_getpages() asks for */
	const char *name;
	void (*ctor)(void *);

	struct list_head list;	/* slab_caches; under slab_caches_lock */
	unsigned visitors;	/* they look at it or drain it; under slab_caches_lock */
	struct kmem_cache_node *node;	/* of each online node, behind the CPUs; each under its lock */
	struct round floor;	/* as a magazine's: what a CPU has that has none */
	struct depot depot __attribute__((aligned(CPU_SLOT)));
	struct cpu_cache cpu[NR_CPUS];	/* as many as there are: nr_cpu_ids; behind them, the nodes */
};

/* Bytes of one, on this machine. */
static inline unsigned kmem_cache_bytes(void)
{
	return (unsigned)(offsetof(struct kmem_cache, cpu) + nr_cpu_ids * sizeof(struct cpu_cache) +
			  (unsigned)num_online_nodes() * sizeof(struct kmem_cache_node));
}

static __always_inline struct cpu_cache *this_cpu_cache(struct kmem_cache *s)
{
	return (struct cpu_cache *)((char *)s->cpu + cpu_slot());
}

/* Flags of our own, beside the public ones. */
#define SLAB_KMALLOC 0x10000u		/* a size class of kmalloc */
#define SLAB_PERMANENT 0x20000u		/* the layer's own: never destroyed */
#define SLAB_NO_MAGAZINE 0x40000u	/* each object goes straight to its slab */

/* ---- geometry.c ---------------------------------------------------------------- */

/** slab_geometry() - from @s->size to order, num, reciprocal and the place of the states. */
void slab_geometry(struct kmem_cache *s);

/* ---- slab.c -------------------------------------------------------------------- */

/** slab_refuse_early() - report a call before kmem_cache_init(). */
void slab_refuse_early(const char *call, unsigned long caller) __cold_path;
void slab_node_init(struct kmem_cache_node *n);

/**
 * cache_grow() - one more empty slab, from @node (-1: any); more, for up to @want objects,
 * as long as free memory is above the low watermark.  No lock held.  False: no memory.
 */
bool cache_grow(struct kmem_cache *s, gfp_t gfp, int node, unsigned want);

/**
 * slabs_take() - move up to @want objects out of the slabs, to be popped in order of address
 * @node: whose slabs, or -1 for the nearest node's that has some.  Return: how many; their state is OBJ_CACHED.
 */
unsigned slabs_take(struct kmem_cache *s, int node, struct round *round, unsigned want);
/** slab_take_rest() - up to @want more objects of the slab that @obj is in, which is out of it.  Return: how many. */
unsigned slab_take_rest(struct kmem_cache *s, const void *obj, struct round *round, unsigned want);
/**
 * slabs_put() - put @n objects whose state is OBJ_CACHED back
 * Slabs that this empties go back to the page allocator beyond free_limit.
 */
void slabs_put(struct kmem_cache *s, const struct round *round, unsigned n);
/** slabs_release() - give empty slabs back until @keep are left on each node.  Return: pages given. */
unsigned long slabs_release(struct kmem_cache *s, unsigned long keep);

/** slab_alloc_direct() - one object past the magazines, state OBJ_USED; NULL: no memory. */
void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int node);

/** slab_states_of_page() - what page->states of page @i of the slab @head must be. */
u8 *slab_states_of_page(const struct kmem_cache *s, struct page *head, unsigned i);

/** slab_first_used() - one object in its user's hands, for a report; NULL: none. */
void *slab_first_used(struct kmem_cache *s);
/** slab_check_slabs() - test S.1 ...  @cached: out: objects in state OBJ_CACHED. */
int slab_check_slabs(struct kmem_cache *s, unsigned long *cached);

/* First page of the slab that @page is part of: a block is aligned to its size. */
static inline struct page *slab_head(const struct kmem_cache *s, struct page *page)
{
	return pfn_to_page(ALIGN_DOWN(page_to_pfn(page), 1UL << s->order));
}

/* @a * *@b: returns the low half.  A port may know a better way. */
#ifndef mul_u32_u32
static __always_inline u32 mul_u32_u32(u32 a, const u32 *b, unsigned long *high)
{
	u64 product = (u64)a * *b;

	*high = (unsigned long)(product >> 32);
	return (u32)product;
}
#endif

/*
 * Which object begins at @at?  An address of the direct map or an offset in it: its
 * base is aligned to more than any slab, so their low bits are the same.  False: none;
 * then @idx is the object that it is inside of.  In the rest of a slab @idx is >= num, and
 * the state that belongs to it NONE.  The low half of the product is the fraction: below
 * the reciprocal only for whole multiples.
 */
static __always_inline bool slab_index(const struct kmem_cache *s, unsigned long at, unsigned long *idx)
{
	return mul_u32_u32((u32)(at & s->offset_mask), &s->reciprocal, idx) < s->reciprocal;
}

/* Bytes of the direct map, once the slab layer is up; 0 before, so that nothing is in it. */
extern unsigned long slab_direct_bytes;

/* A hole of mem_map reads as a page that is no slab's, or there are none. */
#ifdef load_or_zero
#define HOLES_READ_ZERO 1
#else
#define HOLES_READ_ZERO (!SPARSE_MEM_MAP)
#define load_or_zero(x) (x)
#endif
#ifndef set_aside
#define set_aside(p) ((void)(p))
#endif

/* May load_or_zero() look at the struct page of what lies at PAGE_OFFSET + @off?  For any @off. */
static __always_inline bool slab_word_there(unsigned long off)
{
	return off < slab_direct_bytes && (HOLES_READ_ZERO || section_map[off >> SECTION_SHIFT]);
}

/* And that struct page.  A port may know where the compiler best keeps it. */
static __always_inline struct page *slab_word_page(unsigned long off)
{
	struct page *page = pfn_to_page(off >> PAGE_SHIFT);

	set_aside(page);
	return page;
}

/* Is there a struct page for what lies at PAGE_OFFSET + @off?  For any @off. */
static __always_inline bool slab_page_there(unsigned long off)
{
	/* a byte that once it is set stays so: read plainly, it is compared where it lies */
	return off < slab_direct_bytes && (!SPARSE_MEM_MAP || section_map[off >> SECTION_SHIFT]);
}

/* ---- depot.c ------------------------------------------------------------------- */

extern struct kmem_cache *magazine_cache;

/** magazine_new() - an empty one for @s, if there is memory to be had at once; else NULL.  Any context. */
struct magazine *magazine_new(struct kmem_cache *s);
/** magazine_delete() - give an empty one back. */
void magazine_delete(struct magazine *m);
/** depot_trade_empty() - a full magazine for the empty @m.  NULL: there is none, and @m stays yours. */
struct magazine *depot_trade_empty(struct kmem_cache *s, struct magazine *m);
/** depot_trade_full() - an empty magazine for the full @m.  NULL: there is no room or no other, and @m stays yours. */
struct magazine *depot_trade_full(struct kmem_cache *s, struct magazine *m);
/** depot_drain() - every magazine in it is emptied and deleted. */
void depot_drain(struct kmem_cache *s);
/** depot_count() - objects in it. */
unsigned long depot_count(struct kmem_cache *s);
/** depot_check() - test M.4.  Return: 4, or 0. */
int depot_check(struct kmem_cache *s);

/* ---- magazine.c ---------------------------------------------------------------- */

/** magazine_limits() - from @s->size to magazine_rounds, depot_limit, free_limit; no CPU has a magazine yet. */
void magazine_limits(struct kmem_cache *s);
/** magazine_check_one() - test M.2 of the @rounds rounds of @m.  Return: the number broken, or 0. */
int magazine_check_one(struct kmem_cache *s, const struct magazine *m, unsigned long rounds);
/** __cache_alloc() - an object of @s, from wherever there is one; the mask is checked already. */
void *__cache_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long caller);
/** cache_alloc_many() - @want objects of @s into @p, as __cache_alloc().  Return: how many. */
size_t cache_alloc_many(struct kmem_cache *s, gfp_t gfp, size_t want, void **p);
/** cache_free_many() - objects of @s from @p on, until one is odd: not of @s, not in use.  Return: how many are free now. */
size_t cache_free_many(struct kmem_cache *s, size_t nr, void **p);
/** cache_free_slow() - magazine_free() declined.  False: no object in use is there. */
bool cache_free_slow(struct kmem_cache *s, struct page *page, void *p);
/** magazines_drain() - every CPU's objects go back to their slabs, the magazines to their cache. */
void magazines_drain(struct kmem_cache *s);
/** magazines_drain_local() - the same for this CPU alone.  Any context. */
void magazines_drain_local(struct kmem_cache *s);
/** magazines_count() - objects in the magazines of @s.  Exact when nothing runs. */
unsigned long magazines_count(struct kmem_cache *s);
/** magazine_check() - test M.1 ...  @cached: objects in state OBJ_CACHED, by slab_check_slabs(). */
int magazine_check(struct kmem_cache *s, unsigned long cached);

/** slab_alloc_slow() - not at rest, no hot object, no cache, or an odd mask. */
void *slab_alloc_slow(struct kmem_cache *s, gfp_t gfp, unsigned long caller);

/*
 * The hot way, for a public call: the mask is plain; this thread holds nothing, so it may
 * sleep, too.  What only the slow way needs is fetched there; @caller 0: also who called.
 */
static __always_inline void *slab_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long caller)
{
	struct round *hot;
	void *obj;
	u8 *state;

	if (cpu_claim_at_rest()) {
		hot = cpu_own_read(s->cpu[0].top) - 1;
		if (likely(hot->obj)) {
			cpu_own_add(s->cpu[0].top, -sizeof(struct round));
			state = hot->state;
			obj = load_again(hot->obj);
			*state = OBJ_USED;
			cpu_release_at_rest();
			return obj;
		}
		s = (struct kmem_cache *)(void *)hot->state;	/* the floor's */
		cpu_release_at_rest();
	}
	if (!caller)
		caller = _RET_IP_;
	hide_origin(caller);
	return slab_alloc_slow(s, gfp, caller);
}

/* What page->slab_word is in the slabs of @s. */
static __always_inline unsigned long slab_word(const struct kmem_cache *s)
{
	return (unsigned long)s - (unsigned long)&no_cache;
}

/* And back; made anew each time, where it is part of an address and costs nothing. */
#define cache_at(word) ({								\
	if (SYMBOL_IN_ADDRESS)								\
		hide_origin(word);							\
	(struct kmem_cache *)((unsigned long)&no_cache + (word)); })

/**
 * magazine_free() - the hot way back for the object at @p, in @page; @word is page->slab_word
 * False: no room, not at rest, or no object in use: cache_free_slow() knows.
 */
static __always_inline bool magazine_free(unsigned long word, struct page *page, void *p)
{
	const struct kmem_cache *s = cache_at(word);
	unsigned long idx;
	struct round *top;
	u8 *state;
	u32 rest;

	rest = mul_u32_u32((u32)((unsigned long)p & s->offset_mask), &s->reciprocal, &idx);
	if (FEW_REGISTERS) {
		state = page->states + idx;
		word = load_again(page->slab_word);
	}
	if (unlikely(rest >= cache_at(word)->reciprocal) || !cpu_claim_at_rest())
		return false;
	if (!FEW_REGISTERS)
		state = page->states + idx;	/* not before: it may be none */
	top = cpu_own_read(cache_at(word)->cpu[0].top);
	if (unlikely(*state != OBJ_USED) || unlikely(cpu_own_is(cache_at(word)->cpu[0].limit, top))) {
		cpu_release_at_rest();
		return false;
	}
	*state = OBJ_CACHED;
	*top = (struct round){ p, state };
	cpu_own_add(cache_at(word)->cpu[0].top, sizeof(struct round));
	cpu_release_at_rest();
	return true;
}

_Static_assert(!FEW_REGISTERS || !SPARSE_MEM_MAP || !HOLES_READ_ZERO, "what magazine_free() reads early is there");

/** slab_page_of() - the struct page of an address, if it is in a slab's page; else NULL. */
static __always_inline struct page *slab_page_of(const void *p)
{
	unsigned long off = (unsigned long)p - PAGE_OFFSET;
	struct page *page;

	if (unlikely(!slab_page_there(off)))
		return NULL;
	page = pfn_to_page(off >> PAGE_SHIFT);
	return likely(page->flags & 1UL << PG_slab) ? page : NULL;
}

/* ---- place.c ------------------------------------------------------------------- */

/* What a pointer is to the slab layer. */
enum place_kind {
	PLACE_OUTSIDE,		/* not in the direct map */
	PLACE_VMALLOC,		/* in the vmalloc window */
	PLACE_FREE_PAGE,
	PLACE_RESERVED,
	PLACE_OTHER_PAGE,	/* in use, but not by us */
	PLACE_LARGE,		/* first byte of a large kmalloc */
	PLACE_LARGE_MIDDLE,
	PLACE_OBJECT,		/* first byte of an object */
	PLACE_MIDDLE,		/* inside an object */
	PLACE_REST,		/* in a slab, behind its last object */
};

struct place {
	enum place_kind kind;
	struct page *page;	/* NULL outside the direct map */
	struct kmem_cache *s;	/* OBJECT, MIDDLE, REST */
	unsigned long idx;	/* OBJECT, MIDDLE: of the object */
	unsigned long inside;	/* MIDDLE, LARGE_MIDDLE: bytes from its beginning */
	u8 state;		/* OBJECT, MIDDLE */
};

/** place_find() - look @p up.  Takes no lock: what it says of others' pages may be old. */
void place_find(struct place *pl, const void *p);
/** place_refuse() - report that @call may not have @p; @expect: the cache it was said to be of, or NULL. */
void place_refuse(const char *call, const struct kmem_cache *expect, const void *p,
		  unsigned long caller) __cold_path;

/* ---- object.c ------------------------------------------------------------------ */

#define GFP_PLAIN KMALLOC_GFP_PLAIN

extern struct kmem_cache cache_cache;	/* "kmem_cache", the cache of caches (cache.c) */

/** slab_is_cache() - is @s a cache?  If not, say so; @obj: what @call is about, or NULL. */
bool slab_is_cache(const struct kmem_cache *s, const char *call, const void *obj, unsigned long caller);

/** slab_alloc_odd() - alloc with a mask that is out of the ordinary, or refused. */
void *slab_alloc_odd(struct kmem_cache *s, gfp_t gfp, int node, unsigned long caller);
/** slab_mask_refused() - report what is wrong with a mask, if anything; or this one is to fail (inject.h).  @s: NULL: a large kmalloc. */
bool slab_mask_refused(const struct kmem_cache *s, size_t size, gfp_t gfp, unsigned long caller);

/* ---- cache.c ------------------------------------------------------------------- */

/** cache_make() - a cache, its arguments known to be right.  NULL: no memory; or *@error says that the name is taken. */
struct kmem_cache *cache_make(const char *name, unsigned size, unsigned align, slab_flags_t flags,
			      void (*ctor)(void *), const char **error);

/* ---- kmalloc.c ----------------------------------------------------------------- */

extern unsigned long kmalloc_large_pages;	/* atomic: pages of large kmallocs */

/** kmalloc_init() - make the row of size classes. */
void kmalloc_init(void);

#endif
