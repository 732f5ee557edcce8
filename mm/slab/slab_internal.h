/* SPDX-License-Identifier: MIT */
/*
 * slab_internal.h: what the files of mm/slab share.
 *
 * From the ground: geometry.c (sizes), slab.c (one slab; the three lists of a node), magazine.c (a
 * CPU's own objects), place.c (what a pointer is to us), cache.c (kmem_cache),
 * kmalloc.c.  A file calls those before it, never those after it.
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
#define STATE_SHIFT (PAGE_SHIFT - (sizeof(long) == 8 ? 3 : 2))
#define STATE_GRANULE (1u << STATE_SHIFT)

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

#define MAGAZINE_ROUNDS 30

/* A clip of free objects; top[-1] is the hottest. */
struct magazine {
	struct round *top;		/* behind the last round */
	struct round *limit;		/* where top is when it is full */
	struct magazine *other;		/* the second of the pair */
	struct round floor;		/* no object: who pops from an empty magazine finds it */
	struct round round[MAGAZINE_ROUNDS];
};

static inline unsigned magazine_rounds(const struct magazine *m) { return (unsigned)(m->top - m->round); }
static inline unsigned magazine_capacity(const struct magazine *m) { return (unsigned)(m->limit - m->round); }

struct kmem_cache {
	/* read by every alloc and free */
	struct magazine *cpu[NR_CPUS];	/* loaded; touched by whoever has claimed that CPU */
	u32 reciprocal;		/* index = offset * reciprocal >> 32 */
	unsigned num;		/* objects in a slab; 0: a cache that is not made yet, or destroyed */
	unsigned long offset_mask; /* bytes of a slab - 1 */
	bool states_in_page;	/* where the states are */

	/* constant once made */
	unsigned order;		/* a slab is 2^order pages */
	unsigned size;		/* from one object to the next */
	unsigned object_size;	/* as asked for */
	unsigned align;
	unsigned map_offset;	/* of the states in the slab, unless states_in_page */
	unsigned magazine_rounds; /* 0: this cache has no magazines */
	unsigned free_limit;	/* empty slabs that a node keeps */
	slab_flags_t flags;
	gfp_t gfp;		/* added to what kmem_getpages() asks for */
	const char *name;
	void (*ctor)(void *);

	struct list_head list;	/* slab_caches; under slab_caches_lock */
	unsigned visitors;	/* slab_for_each() looks at it; under slab_caches_lock */
	struct kmem_cache_node node[MAX_NUMNODES]; /* each under its lock */
};

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
 * @node: whose slabs, or -1 for any.  Return: how many; their state is OBJ_CACHED.
 */
unsigned slabs_take(struct kmem_cache *s, int node, struct round *round, unsigned want);
/**
 * slabs_put() - put @n objects whose state is OBJ_CACHED back
 * Slabs that this empties go back to the page allocator beyond free_limit.
 */
void slabs_put(struct kmem_cache *s, const struct round *round, unsigned n);
/** slabs_release() - give empty slabs back until @keep are left on each node.  Return: pages given. */
unsigned long slabs_release(struct kmem_cache *s, unsigned long keep);

/** slab_alloc_direct() - one object past the magazines, state OBJ_USED; NULL: no memory. */
void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int node);

/** slab_first_used() - one object in its user's hands, for a report; NULL: none. */
void *slab_first_used(struct kmem_cache *s);
/** slab_check_slabs() - test S.1 ...  @cached: out: objects in state OBJ_CACHED. */
int slab_check_slabs(struct kmem_cache *s, unsigned long *cached);

/* First page of the slab that @page is part of: a block is aligned to its size. */
static inline struct page *slab_head(const struct kmem_cache *s, struct page *page)
{
	return pfn_to_page(ALIGN_DOWN(page_to_pfn(page), 1UL << s->order));
}

/*
 * Which object begins at @at?  An address of the direct map or an offset in it: its
 * base is aligned to more than any slab, so their low bits are the same.  False: none;
 * then @idx is the object that it is inside of.  In the rest of a slab @idx is >= num, and
 * the state that belongs to it NONE.  The low half of the product is the fraction: below
 * the reciprocal only for whole multiples.
 */
static __always_inline bool slab_index(const struct kmem_cache *s, unsigned long at, unsigned *idx)
{
	u64 product = (u64)(u32)(at & s->offset_mask) * s->reciprocal;

	*idx = (unsigned)(product >> 32);
	return (u32)product < s->reciprocal;
}

/* Where the state of object @idx is, which begins at @at, in @page. */
static __always_inline u8 *slab_state(const struct kmem_cache *s, struct page *page, unsigned long at, unsigned idx)
{
	if (s->states_in_page)
		return (u8 *)&page->free_bits + ((at & ~PAGE_MASK) >> STATE_SHIFT);
	return (u8 *)page->free_map + idx;
}

/* Bytes of the direct map, once the slab layer is up; 0 before, so that nothing is in it. */
extern unsigned long slab_direct_bytes;

/* Is there a struct page for what lies at PAGE_OFFSET + @off?  For any @off. */
static __always_inline bool slab_page_there(unsigned long off)
{
	return off < slab_direct_bytes && (!SPARSE_MEM_MAP || section_online(off >> SECTION_SHIFT));
}

/* ---- magazine.c ---------------------------------------------------------------- */

extern struct magazine no_magazine;	/* what a CPU without one has: empty and full at once */
extern struct kmem_cache *magazine_cache;

/* A pair of them is one object of magazine_cache. */
#define MAGAZINE_PAIR_SIZE (2 * sizeof(struct magazine))

/** magazine_limits() - from @s->size to magazine_rounds, free_limit; no CPU has a magazine yet. */
void magazine_limits(struct kmem_cache *s);
/** __cache_alloc() - an object of @s, from wherever there is one; the mask is checked already. */
void *__cache_alloc(struct kmem_cache *s, gfp_t gfp, unsigned long caller);
/** cache_free_slow() - magazine_free() declined.  False: no object in use is there. */
bool cache_free_slow(struct kmem_cache *s, struct page *page, void *p);
/** magazines_drain() - every CPU's objects go back to their slabs, the magazines to their cache. */
void magazines_drain(struct kmem_cache *s);
/** magazines_count() - objects in the magazines of @s.  Exact when nothing runs. */
unsigned long magazines_count(const struct kmem_cache *s);
/** magazine_check() - test M.1 ...  @cached: objects in state OBJ_CACHED, by slab_check_slabs(). */
int magazine_check(struct kmem_cache *s, unsigned long cached);

/* NULL: it is empty. */
static __always_inline void *magazine_pop(struct magazine *m)
{
	struct round *r = m->top - 1;
	void *obj = r->obj;

	if (likely(obj)) {
		*r->state = OBJ_USED;
		m->top--;
	}
	return obj;
}

/* There is room. */
static __always_inline void magazine_push(struct magazine *m, void *obj, u8 *state)
{
	*m->top = (struct round){ obj, state };
	m->top++;
}

/** magazine_alloc() - *@obj is the hottest of this CPU's.  False: none, or not in this context. */
static __always_inline bool magazine_alloc(struct kmem_cache *s, gfp_t gfp, void **obj)
{
	struct magazine *m;

	if (!cpu_may_claim_for(gfp))
		return false;
	cpu_claim();
	m = s->cpu[smp_processor_id()];
	*obj = magazine_pop(m);
	cpu_release();
	return likely(*obj);
}

/**
 * magazine_free() - take back the object at @p, in @page
 * False: no room, not in this context, or no object in use: cache_free_slow() knows.
 */
static __always_inline bool magazine_free(struct kmem_cache *s, struct page *page, void *p)
{
	struct magazine *m;
	struct round *top;
	unsigned idx;
	u8 *state;

	if (unlikely(!slab_index(s, (unsigned long)p, &idx)) || !cpu_may_claim())
		return false;
	state = slab_state(s, page, (unsigned long)p, idx);
	cpu_claim();
	m = s->cpu[smp_processor_id()];
	top = m->top;
	if (unlikely(*state != OBJ_USED) || unlikely(top == m->limit)) {
		cpu_release();
		return false;
	}
	*state = OBJ_CACHED;
	*top = (struct round){ p, state };
	m->top = top + 1;
	cpu_release();
	return true;
}

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
	unsigned idx;		/* OBJECT, MIDDLE: of the object */
	unsigned long inside;	/* MIDDLE, LARGE_MIDDLE: bytes from its beginning */
	u8 state;		/* OBJECT, MIDDLE */
};

/** place_find() - look @p up.  Takes no lock: what it says of others' pages may be old. */
void place_find(struct place *pl, const void *p);
/** place_refuse() - report that @call may not have @p; @expect: the cache it was said to be of, or NULL. */
void place_refuse(const char *call, const struct kmem_cache *expect, const void *p,
		  unsigned long caller) __cold_path;

/* ---- cache.c ------------------------------------------------------------------- */

#define GFP_PLAIN KMALLOC_GFP_PLAIN

/** slab_alloc_odd() - alloc with a mask that is out of the ordinary, or refused. */
void *slab_alloc_odd(struct kmem_cache *s, gfp_t gfp, int node, unsigned long caller);
/** slab_mask_refused() - report what is wrong with a mask, if anything.  @s: NULL: a large kmalloc. */
bool slab_mask_refused(const struct kmem_cache *s, size_t size, gfp_t gfp, unsigned long caller);
/** cache_make() - a cache, its arguments known to be right.  NULL: no memory, or the name is taken. */
struct kmem_cache *cache_make(const char *name, unsigned size, unsigned align, slab_flags_t flags,
			      void (*ctor)(void *));

/** slab_alloc_slow() - slab_alloc_odd() for any node; @s may be NULL, or no cache. */
void *slab_alloc_slow(struct kmem_cache *s, gfp_t gfp, unsigned long caller);

/* ---- kmalloc.c ----------------------------------------------------------------- */

/* A cache without slabs, that stands in the row until kmalloc_init(). */
extern struct kmem_cache kmalloc_too_early;
extern unsigned long kmalloc_large_pages;	/* atomic: pages of large kmallocs */

/** kmalloc_init() - make the row of size classes. */
void kmalloc_init(void);

#endif
