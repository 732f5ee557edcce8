/* SPDX-License-Identifier: MIT */
/*
 * page.h: struct page, one for each page frame, and the calls that hand frames
 * out.
 *
 * `struct page` describes the frame, never the data in it.  mem_map is the array of
 * them all, indexed by frame number; of a sparse one (section.h) parts are not there.
 * A frame is in one of these states:
 *
 *	state		PG_*		_count	what the union holds
 *	reserved	reserved	1	nothing; never handed out
 *	free, in buddy	buddy		0	lru links, order
 *	free, per CPU	pcp		0	lru links
 *	in use		(none)		>= 1	the owner's; `order` of the block
 *	tail of a block	(none)		0	nothing (compound: first_page)
 *	slab		slab		1	the slab layer's
 */
#ifndef QUARRY_PAGE_H
#define QUARRY_PAGE_H

#include <quarry/gfp.h>
#include <quarry/list.h>
#include <quarry/section.h>
#include <arch/layout.h>

struct kmem_cache;
struct zone;

/* In the order of their addresses; a higher zone falls back on the lower ones. */
enum zone_type {
	ZONE_DMA,	/* what ISA devices reach: below 16 MiB on a PC */
	ZONE_DMA32,	/* below 4 GiB, where memory reaches past it and the direct map too */
	ZONE_NORMAL,	/* the rest of the direct map */
	ZONE_HIGHMEM,	/* no permanent address */
	MAX_NR_ZONES,
};

typedef struct { int counter; } atomic_t;

static inline int atomic_read(const atomic_t *v) { return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); }
static inline void atomic_set(atomic_t *v, int i) { __atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); }

struct page {
	unsigned long flags;		/* PG_* bits; zone, type and node on top; atomic once in use */
	atomic_t _count;		/* users; 0 when free */
	union {
		unsigned long virtual;	/* high memory: its kmap slot and that one's users, see kmap_users() */
		unsigned long slab_word; /* low memory: of which cache, see page_slab_cache(); 0: not a slab */
	};
	union {
		struct list_head lru;	/* free: list of its order; slab: cache's list; else the owner's */
		struct page *first_page; /* PG_tail: the head of the compound page */
	};
	union {
		unsigned long private;	/* the owner's */
		struct {		/* slab: counted under the node's lock */
			u16 inuse;	/* objects handed out of the slab */
			u16 objects;	/* objects the slab holds */
		};
	};
	union {
		u8 *states;	/* slab: of its objects, see mm/slab/slab.c */
		void *mapping;	/* the owner's */
	};
	union {
		u8 own_states[sizeof(long)];	/* slab of large objects: of those that begin in this page */
		u8 order;	/* buddy or in use, first page: order of the block */
	};
};

/* Bits of page->flags.  Below PG_NODE_SHIFT; the node, the type and the zone sit above. */
enum pageflags {
	PG_locked,	/* its owner waits for it */
	PG_dirty,	/* its content is newer than its source */
	PG_reserved,	/* not the allocator's: image, holes, memory map, firmware */
	PG_buddy,	/* first page of a free block in a zone's free list */
	PG_pcp,		/* free, on a CPU's own list */
	PG_slab,	/* belongs to a slab of page_slab_cache() */
	PG_head,	/* first page of a compound page */
	PG_tail,	/* other page of a compound page; first_page is its head */
	PG_table,	/* is a page table */
	PG_referenced,
	PG_uptodate,
	PG_large_kmalloc, /* kmalloc beyond the largest cache: a block of its own */
	PG_vmalloc,	/* belongs to a vmalloc area */
	__NR_PAGEFLAGS,
};

#define PG_NODE_SHIFT (MAX_NUMNODES <= 16 ? 24 : 22)	/* a byte for all three is found in one instruction */
#define PG_TYPE_SHIFT 28		/* migrate type of where the frame lies, as it was when it was taken */
#define PG_ZONE_SHIFT 30
#define PG_TYPE_MASK (3UL << PG_TYPE_SHIFT)
_Static_assert(__NR_PAGEFLAGS <= PG_NODE_SHIFT, "page flags run into the node number");

/* In use, a page's flags change by atomic operations, for two owners may set different bits. */
#define PAGE_FLAG(Name, name)								\
	static inline bool Page##Name(const struct page *p) { return READ_ONCE(p->flags) >> PG_##name & 1; } \
	static inline void SetPage##Name(struct page *p) { __atomic_fetch_or(&p->flags, 1UL << PG_##name, __ATOMIC_RELAXED); } \
	static inline void ClearPage##Name(struct page *p) { __atomic_fetch_and(&p->flags, ~(1UL << PG_##name), __ATOMIC_RELAXED); } \
	static inline void __SetPage##Name(struct page *p) { p->flags |= 1UL << PG_##name; } \
	static inline void __ClearPage##Name(struct page *p) { p->flags &= ~(1UL << PG_##name); }
PAGE_FLAG(Locked, locked)
PAGE_FLAG(Dirty, dirty)
PAGE_FLAG(Reserved, reserved)
PAGE_FLAG(Buddy, buddy)
PAGE_FLAG(Pcp, pcp)
PAGE_FLAG(Slab, slab)
PAGE_FLAG(Head, head)
PAGE_FLAG(Tail, tail)
PAGE_FLAG(Table, table)
PAGE_FLAG(Referenced, referenced)
PAGE_FLAG(Uptodate, uptodate)
PAGE_FLAG(LargeKmalloc, large_kmalloc)
PAGE_FLAG(Vmalloc, vmalloc)

/* ---- frame numbers, addresses ------------------------------------------- */

extern struct page *mem_map;	/* one for each frame [0, max_pfn) */
extern pfn_t max_pfn;		/* first frame number beyond the last frame */
extern pfn_t max_low_pfn;	/* first frame number the direct map does not reach; 0: nothing is mapped yet */
extern void *high_memory;	/* first address beyond the direct map */
/* CPU numbers are below it.  NR_CPUS, unless the port says before mm_init() that its machine has fewer. */
extern unsigned nr_cpu_ids;
extern unsigned long vmalloc_window[2];	/* first address, and first beyond; empty until vmalloc_init() */

#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)

/** __pa(), __va() - direct map only: one subtraction, no table walk, no check (row A3) */
#define __pa(x) ((phys_addr_t)((unsigned long)(x) - PAGE_OFFSET))
#define __va(x) ((void *)((unsigned long)(x) + PAGE_OFFSET))
/* __pa_symbol() - of something in the kernel's image, for a port whose image is not in the direct map */
#ifndef __pa_symbol
#define __pa_symbol(x) __pa(x)
#endif
static inline phys_addr_t virt_to_phys(const volatile void *p) { return __pa(p); }
static inline void *phys_to_virt(phys_addr_t p) { return __va(p); }

static inline struct page *pfn_to_page(pfn_t pfn) { return mem_map + pfn; }
static inline pfn_t page_to_pfn(const struct page *p) { return (pfn_t)(p - mem_map); }
static inline phys_addr_t page_to_phys(const struct page *p) { return (phys_addr_t)page_to_pfn(p) << PAGE_SHIFT; }
/**
 * pfn_valid() - is there a struct page for frame @pfn?  O(1), any context
 * A frame may be memory and have none yet: see pfn_is_deferred().
 */
static inline bool pfn_valid(pfn_t pfn)
{
	return pfn < max_pfn && (!SPARSE_MEM_MAP || section_online(pfn >> SECTION_PFN_SHIFT));
}
/** page_in_mem_map() - does @p, any pointer, point into mem_map, where it is there?  O(1), any context. */
static inline bool page_in_mem_map(const struct page *p)
{
	unsigned long offset = (unsigned long)p - (unsigned long)mem_map;

	return offset < max_pfn * sizeof(struct page) &&
	       (!SPARSE_MEM_MAP || section_online(offset / sizeof(struct page) >> SECTION_PFN_SHIFT));
}
/**
 * page_valid() - is @p, any pointer, a struct page of mem_map?  O(1), any context
 * A rotation divides by the size of struct page, and makes what points into the middle of
 * one a large number.
 */
static inline bool page_valid(const struct page *p)
{
	const int size_shift = __builtin_ctzl(sizeof(struct page)), word = 8 * sizeof(long);
	unsigned long offset = (unsigned long)p - (unsigned long)mem_map;
	unsigned long index = offset >> size_shift | offset << (word - size_shift);

	return index < max_pfn && (!SPARSE_MEM_MAP || section_online(index >> SECTION_PFN_SHIFT));
}
/** next_valid_pfn() - the first frame from @pfn on, below @end <= max_pfn, that has a struct page; else @end. */
static inline pfn_t next_valid_pfn(pfn_t pfn, pfn_t end)
{
	return SPARSE_MEM_MAP ? next_online_pfn(pfn, end) : min(pfn, end);
}
#define for_each_valid_pfn(pfn, start, end) \
	for (pfn = next_valid_pfn(start, end); pfn < (end); pfn = next_valid_pfn(pfn + 1, end))
/** virt_to_page() - @p must be in the direct map: see virt_addr_valid(); is there a page?  page_valid() */
static inline struct page *virt_to_page(const void *p) { return pfn_to_page(((unsigned long)p - PAGE_OFFSET) >> PAGE_SHIFT); }
/** virt_addr_valid() - does @p lie in the direct map?  O(1), any context */
static inline bool virt_addr_valid(const void *p)
{
	return ((unsigned long)p - PAGE_OFFSET) >> PAGE_SHIFT < max_low_pfn;
}

static inline unsigned page_zonenum(const struct page *p) { return p->flags >> PG_ZONE_SHIFT & 3; }
/* A build for one node need not look. */
static inline unsigned page_to_nid(const struct page *p)
{
	return MAX_NUMNODES == 1 ? 0 : p->flags >> PG_NODE_SHIFT & ((1u << (PG_TYPE_SHIFT - PG_NODE_SHIFT)) - 1);
}
/* A cache without objects; what a page of low memory names that is no slab's. */
extern struct kmem_cache no_cache;
/** page_slab_cache() - whose slab is @p, a page of low memory?  Its word is a distance, so that 0 leads to no_cache. */
static __always_inline struct kmem_cache *page_slab_cache(const struct page *p)
{
	return (struct kmem_cache *)((unsigned long)&no_cache + p->slab_word);
}
/* A port whose direct map reaches all memory says 0, and what is for high memory folds away. */
#ifndef HAVE_HIGHMEM
#define HAVE_HIGHMEM 1
#endif
/** PageHighMem() - has this frame no permanent kernel address? */
static inline bool PageHighMem(const struct page *p)
{
	return HAVE_HIGHMEM && p->flags >= (unsigned long)ZONE_HIGHMEM << PG_ZONE_SHIFT;	/* the last, in the highest bits */
}

/** page_count() - users of the frame: 0 when it is free (row B1) */
static inline int page_count(const struct page *p) { return atomic_read(&p->_count); }

static inline struct page *compound_head(const struct page *p)
{
	return PageTail(p) ? p->first_page : (struct page *)p;
}
static inline unsigned compound_order(const struct page *p) { return PageHead(p) ? p->order : 0; }

/*
 * page->virtual of a high frame, one word: 0, or the address of its slot in the kmap window with
 * KMAP_SLOT and the number of users in the bits below the page's (kmap.c).
 */
#define KMAP_SLOT (PAGE_SIZE >> 1)
#define KMAP_USERS (KMAP_SLOT - 1)

/** kmap_users() - how often high frame @page is mapped by kmap() now. */
static inline unsigned kmap_users(const struct page *page)
{
	return __atomic_load_n(&page->virtual, __ATOMIC_RELAXED) & KMAP_USERS;
}

/* A slot without users may be another frame's at any moment: no address. */
static inline void *kmap_address(const struct page *page)
{
	unsigned long word = __atomic_load_n(&page->virtual, __ATOMIC_RELAXED);

	return word & KMAP_USERS ? (void *)(word & PAGE_MASK) : NULL;
}

/**
 * page_address() - the kernel's address of a frame (row B2)
 *
 * Low memory: its permanent address.  High memory: its kmap() address while it
 * has one, else NULL.  Context: any, no lock.  O(1).
 */
static inline void *page_address(const struct page *page)
{
	return PageHighMem(page) ? kmap_address(page) : __va((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT);
}

/* ---- taking and giving frames (rows B4-B7) -------------------------------- */

/**
 * alloc_pages() - take a block of 2^@order physically contiguous frames
 * @gfp: where from and what may be done to get them, see gfp.h
 * @order: 0 ... MAX_PAGE_ORDER; the block is aligned to its size
 *
 * Context: with __GFP_WAIT only where the caller may sleep; else any, interrupts
 * too.  Takes the zone's lock (not when a CPU's own list has a page).
 * Return: the first frame, its page_count() 1; or NULL when there is none
 * (reported, unless __GFP_NOWARN), or when the mask contradicts itself, the order
 * is too large or the context may not sleep (reported always).
 * Undo: __free_pages().  Worst case: O(MAX_PAGE_ORDER) a zone, and what reclaim
 * costs when memory is short; __GFP_ZERO adds the clearing.
 */
struct page *alloc_pages(gfp_t gfp, unsigned order);
#define alloc_page(gfp) alloc_pages(gfp, 0)

/** alloc_pages_node() - the same, from node @nid first; -1 for the caller's own. */
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned order);

/**
 * alloc_pages_bulk_list() - take many single frames with one lock
 * @nr: how many are wanted
 * @list: they are appended to it, by page->lru
 *
 * Context: as alloc_pages().  Return: how many: perhaps fewer than @nr when memory is
 * short, 0 only where alloc_page() gives NULL too.  Undo: put_pages_list(), or each by
 * itself.  Worst case: O(@nr).
 */
unsigned long alloc_pages_bulk_list(gfp_t gfp, unsigned long nr, struct list_head *list);

/**
 * alloc_pages_bulk() - the same, into an array
 * @nr: entries of @pages; those that are not NULL stay as they are
 *
 * Return: how many of the first entries are not NULL now: @nr, or fewer when memory is
 * short.  Else as alloc_pages_bulk_list().  Undo: each by itself.
 */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr, struct page **pages);

/**
 * __get_free_pages() - alloc_pages(), as an address of the direct map (row B6)
 *
 * __GFP_HIGHMEM is refused with a report, since such frames have no address.
 * Return: the address, or 0.  Undo: free_pages().
 */
unsigned long __get_free_pages(gfp_t gfp, unsigned order);
#define __get_free_page(gfp) __get_free_pages(gfp, 0)
#define __get_dma_pages(gfp, order) __get_free_pages((gfp) | GFP_DMA, order)
/** get_zeroed_page() - one cleared page.  Undo: free_page(). */
unsigned long get_zeroed_page(gfp_t gfp);

/**
 * __free_pages() - drop one reference; free the block if it was the last
 * @page: the first frame of the block
 * @order: the order it was allocated with
 *
 * Context: any.  Refused with a report: a free, reserved, slab or tail frame, a
 * wrong order, a pointer to no struct page of mem_map.  If others still hold references
 * (get_page), the rest of a block that is not compound is freed at once and the
 * first frame by the last put_page().  Worst case: O(MAX_PAGE_ORDER).
 */
void __free_pages(struct page *page, unsigned order);
#define __free_page(page) __free_pages(page, 0)
/** free_pages() - __free_pages() by address; 0 is ignored. */
void free_pages(unsigned long addr, unsigned order);
#define free_page(addr) free_pages(addr, 0)

/** get_page() - one more user of the frame (of the compound page it is part of).  Any context.  Undo: put_page(). */
void get_page(struct page *page);
/**
 * put_page() - one user less; frees the frame (the compound page) after the last
 * Of a slab, a vmalloc area, a large kmalloc only what get_page() took can be dropped:
 * their last user is kfree() or vfree().  Refused as by __free_pages().
 */
void put_page(struct page *page);

/**
 * put_pages_list() - put_page() for each page of @list, linked by page->lru
 * Frames side by side go back in one piece, so a list in the order of their numbers
 * is the cheapest.  Afterwards the list is empty.  Any context.  O(pages).
 */
void put_pages_list(struct list_head *list);

/**
 * free_contig_range() - put_page() for each of @nr frames from @pfn on
 * For frames that are one by one the caller's, as split_page() makes them; they go back
 * in one piece.  Refused with a report: none, or more than there are; and each frame
 * that put_page() refuses.  Any context.  O(@nr).
 */
void free_contig_range(pfn_t pfn, unsigned long nr);

/** split_page() - from now on each frame of the block is freed by itself.  @order as allocated, not compound. */
void split_page(struct page *page, unsigned order);

/** get_order() - the smallest order whose block holds @size bytes; @size > 0. */
static inline unsigned get_order(size_t size)
{
	return size <= PAGE_SIZE ? 0 :
		(unsigned)(8 * sizeof(long)) - (unsigned)__builtin_clzl((size - 1) >> PAGE_SHIFT);
}

#endif
