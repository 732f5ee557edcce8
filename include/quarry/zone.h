/* SPDX-License-Identifier: MIT */
/*
 * zone.h: nodes, zones, and one zone's buddy allocator as instances.
 *
 * Everything here works on the zone it is given: a test can build a zone of 64
 * frames on its stack.  Only mm/page/alloc.c knows the system's own nodes.
 */
#ifndef QUARRY_ZONE_H
#define QUARRY_ZONE_H

#include <quarry/claim.h>
#include <quarry/numa.h>
#include <quarry/page.h>
#include <quarry/spinlock.h>

enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/* What becomes of memory: in the order of the mask's bits, see gfp_migratetype(). */
enum migratetype { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_TYPES };

#define for_each_migratetype(t) for (enum migratetype t = MIGRATE_UNMOVABLE; t < MIGRATE_TYPES; t++)

/* A page block, whose free blocks are all of one type, is a huge page; or the largest block, where that is less. */
#ifdef HPAGE_SHIFT
#define PAGEBLOCK_ORDER (HPAGE_SHIFT - PAGE_SHIFT < MAX_PAGE_ORDER ? HPAGE_SHIFT - PAGE_SHIFT : MAX_PAGE_ORDER)
#else
#define PAGEBLOCK_ORDER MAX_PAGE_ORDER
#endif

/* What a zone counts beside its free pages; field names as in /proc/zoneinfo. */
enum zone_stat_item {
	NR_SLAB_UNRECLAIMABLE,	/* pages held by slabs */
	NR_PAGETABLE,		/* page tables */
	NR_KERNEL_STACK_PAGES,
	NR_ANON_PAGES,		/* pages of user areas */
	NR_ANON_THPS,		/* large pages that map some of them */
	NR_FILE_PAGES,		/* cached pages of files; counted by whoever keeps them */
	NR_FILE_MAPPED,		/* entries of user areas that name such pages */
	NR_VMALLOC_PAGES,
	NR_ZONE_STAT_ITEMS,
};

enum zone_event_item { PGALLOC, PGFREE, PGALLOC_FAIL, PGPCP_REFILL, PGPCP_DRAIN, NR_ZONE_EVENT_ITEMS };

struct free_area {
	struct list_head free_list[MIGRATE_TYPES];	/* first pages of free blocks */
	unsigned long nr_of[MIGRATE_TYPES];		/* blocks on each */
	unsigned long nr_free;				/* on all */
};

#define PCP_BATCH_MAX 31
#define PCP_HIGH_MAX (6 * PCP_BATCH_MAX)
#define PCP_MAX_ORDER 3			/* small blocks are kept, too: as costly to split as to merge */
#define PCP_BLOCKS 8			/* so many of each order */
#define PCP_HUGE PCP_MAX_ORDER		/* in pcp->blocks[]: those of PAGEBLOCK_ORDER */
#define PCP_HUGE_BLOCKS 2		/* at most so many, in a zone with room for them */
_Static_assert(PAGEBLOCK_ORDER > PCP_MAX_ORDER, "a page block is no small block");

/* A CPU's own free frames of one zone and type; touched by whoever has claimed that CPU (claim.h). */
struct per_cpu_pages {
	int count;		/* frames in the stack */
	int high;		/* above it, half of them go back to the zone */
	int batch;		/* as long as there are few, so many are moved at once */
	unsigned long event[NR_ZONE_EVENT_ITEMS];
	struct page *frame[PCP_HIGH_MAX + 1];	/* the hottest on top, at count - 1 */
	struct pcp_blocks {
		int count;
		int max;		/* so many at most */
		unsigned long event[2];	/* PGALLOC, PGFREE, in blocks */
		struct page *block[PCP_BLOCKS];
	} blocks[PCP_HUGE + 1];		/* of order 1, 2, 3, PAGEBLOCK_ORDER */
} __cacheline_aligned;

static inline unsigned pcp_order(unsigned i) { return i < PCP_HUGE ? i + 1 : PAGEBLOCK_ORDER; }

struct zone {
	/* read-mostly: set up at boot */
	const char *name;
	enum zone_type type;
	int node;
	struct pglist_data *zone_pgdat;
	struct page *zone_mem_map;	/* the page of zone_start_pfn */
	pfn_t zone_start_pfn;
	unsigned long spanned_pages;	/* from first to last, holes included */
	unsigned long present_pages;	/* without holes */
	unsigned long managed_pages;	/* given to the buddy allocator, or deferred */
	unsigned pageblock_order;	/* PAGEBLOCK_ORDER, or a test's own */
	unsigned long frame_flags;	/* page->flags of a frame that was just taken, but for its type */
	unsigned long watermark[NR_WMARK];
	unsigned long lowmem_reserve[MAX_NR_ZONES]; /* kept from requests that could use that zone */

	/* under lock */
	spinlock_t lock __cacheline_aligned;
	unsigned long nr_free;		/* free pages in free_area (pcp lists not counted) */
	unsigned long deferred_pages;	/* free ones that are not online yet (section.c) */
	pfn_t deferred_next;		/* these lie at or behind it; section.c's lock */
	struct free_area free_area[NR_PAGE_ORDERS];
	unsigned free_orders[MIGRATE_TYPES];	/* bit k: there are blocks of order k */
	u8 *pageblock_types;		/* an enum migratetype for each page block; NULL: all is one type */
	long vm_stat[NR_ZONE_STAT_ITEMS];	/* atomic */

	struct per_cpu_pages *pageset;	/* see zone_pcp(); NULL: nobody ever has a frame of it */
};

/* One step of a zonelist, best zone first. */
struct zoneref {
	struct zone *zone;
};

/* For each highest allowed zone, the zones to try, in order, NULL-terminated. */
struct zonelist {
	struct zoneref zonerefs[MAX_NUMNODES * MAX_NR_ZONES + 1];
};

/* A node.  Its own lies in its own memory, where the direct map reaches that. */
typedef struct pglist_data {
	int node_id;
	struct zone node_zones[MAX_NR_ZONES];
	struct zonelist node_zonelists[MAX_NR_ZONES]; /* index: highest zone allowed */
	struct zonelist own_zonelists[MAX_NR_ZONES];	/* the same for __GFP_THISNODE */
	u8 nearest[MAX_NUMNODES];	/* all online nodes, the nearest, itself, first */
	int nr_zones;
	struct page *node_mem_map;
	pfn_t node_start_pfn;
	unsigned long node_present_pages;
	unsigned long node_spanned_pages;
} pg_data_t;

extern struct pglist_data *node_data[MAX_NUMNODES];	/* NULL beyond nr_online_nodes */
#define NODE_DATA(nid) (node_data[nid])

/* What page->flags says of the zone, as an index: zone, type and node; in a build with one node the first two. */
#define ZONE_TABLE_SHIFT (MAX_NUMNODES == 1 ? PG_TYPE_SHIFT : PG_NODE_SHIFT)
#define ZONE_TABLE_SIZE (1u << (PG_ZONE_SHIFT + 2 - ZONE_TABLE_SHIFT))
extern struct zone *zone_table[ZONE_TABLE_SIZE];
extern struct per_cpu_pages *pageset_table[ZONE_TABLE_SIZE];	/* of the type, by CPU */

static inline unsigned page_zone_index(const struct page *p)
{
	return (unsigned)(p->flags >> ZONE_TABLE_SHIFT) & (ZONE_TABLE_SIZE - 1);
}

/** page_zone() - the zone of a frame of the system.  One look, however many nodes. */
static inline struct zone *page_zone(const struct page *p)
{
	return zone_table[page_zone_index(p)];
}

/** page_pcp() - this CPU's stacks of a frame's zone and type; of a frame that somebody could free. */
static __always_inline struct per_cpu_pages *page_pcp(const struct page *p)
{
	return &pageset_table[page_zone_index(p)][smp_processor_id()];
}

/** zone_page_flags() - where the zone is noted in page->flags. */
static inline unsigned long zone_page_flags(const struct zone *z)
{
	return (unsigned long)z->type << PG_ZONE_SHIFT | (unsigned long)z->node << PG_NODE_SHIFT;
}

/** page_migratetype() - the type of where a frame lies, as it was when it was taken; not of others' tails. */
static inline enum migratetype page_migratetype(const struct page *p)
{
	return (enum migratetype)(READ_ONCE(p->flags) >> PG_TYPE_SHIFT & 3);
}

/** page_take_type() - frame @p, free or its owner's, was taken together with @head. */
static inline void page_take_type(struct page *p, const struct page *head)
{
	p->flags = (p->flags & ~PG_TYPE_MASK) | (head->flags & PG_TYPE_MASK);
}

static inline bool populated_zone(const struct zone *z) { return z->present_pages != 0; }

/* All populated zones, lowest first. */
struct zone *first_zone(void);
struct zone *next_zone(struct zone *zone);
#define for_each_zone(z) for (z = first_zone(); z; z = next_zone(z))

/** zone_stat_add() - change a zone's counter.  Any context. */
static inline void zone_stat_add(struct zone *z, enum zone_stat_item i, long n)
{
	__atomic_fetch_add(&z->vm_stat[i], n, __ATOMIC_RELAXED);
}

/** zone_kept_pages() - free frames on CPUs' own lists. */
unsigned long zone_kept_pages(const struct zone *zone);
/** zone_free_pages() - free frames, those on CPUs' lists and deferred ones included.  Exact when nothing runs. */
unsigned long zone_free_pages(const struct zone *zone);
/** totalram_pages() - frames of all zones that the page allocator has been given.  O(zones). */
unsigned long totalram_pages(void);
/** zone_event() - sum of an event's counters over the CPUs. */
unsigned long zone_event(const struct zone *zone, enum zone_event_item item);
/** zone_cpus() - CPUs 0 ... that many - 1 have stacks of the zone's frames. */
static inline unsigned zone_cpus(const struct zone *zone)
{
	return zone->pageset ? nr_cpu_ids : 0;
}

/** zone_type() - what a request for @type gets of @zone: frames of a zone that is not grouped are all unmovable. */
static inline enum migratetype zone_type(const struct zone *zone, enum migratetype type)
{
	return zone->pageblock_types ? type : MIGRATE_UNMOVABLE;
}

/** zone_pcp() - the stacks of a CPU for frames of @type; the zone has pagesets. */
static inline struct per_cpu_pages *zone_pcp(const struct zone *zone, enum migratetype type, unsigned cpu)
{
	return &zone->pageset[(unsigned)type * nr_cpu_ids + cpu];
}

/** for_each_pcp() - all stacks of a zone: of each type, those of CPU 0 ... zone_cpus() - 1. */
#define for_each_pcp(pcp, zone) \
	for (pcp = (zone)->pageset; pcp < (zone)->pageset + MIGRATE_TYPES * zone_cpus(zone); pcp++)

/* ---- the buddy allocator of one zone (mm/page/buddy.c) --------------------- */

/**
 * zone_init() - an empty zone
 * @zone: the memory for it
 * @name, @type, @node: what it is
 * @mem_map: the struct pages of its frames, at least @spanned of them
 * @start_pfn: number of the first frame
 * @spanned: how many frames; none is free until buddy_free() gives it
 *
 * It has no pagesets: who wants pcp_alloc() and what else counts sets @zone->pageset, to MIGRATE_TYPES
 * times nr_cpu_ids of them.  Nor page blocks: who wants it grouped by mobility calls zone_group().
 */
void zone_init(struct zone *zone, const char *name, enum zone_type type, int node,
	       struct page *mem_map, pfn_t start_pfn, unsigned long spanned);

/**
 * buddy_alloc() - take a block from the free lists
 * @type: what becomes of it; another type's memory is taken when there is no other
 * Context: @zone->lock held.  Return: the first page (count 0, not PG_buddy), or
 * NULL.  O(MAX_PAGE_ORDER); where another type's is taken, O(pages of a page block).
 */
struct page *buddy_alloc(struct zone *zone, unsigned order, enum migratetype type);

/**
 * buddy_free() - put a block back and merge it with its free buddies
 * Context: @zone->lock held; the block's pages have count 0.  O(MAX_PAGE_ORDER).
 */
void buddy_free(struct zone *zone, struct page *page, unsigned order);

/**
 * buddy_alloc_frames() - take up to @nr single frames, appended to @list by page->lru
 * As @nr times buddy_alloc() of order 0, but a block that is wanted whole is not split.
 * Context: @zone->lock held.  Return: how many.  O(@nr + MAX_PAGE_ORDER), and as above.
 */
unsigned long buddy_alloc_frames(struct zone *zone, unsigned long nr, struct list_head *list, enum migratetype type);

/**
 * buddy_alloc_run() - the same, but only the first block of them
 * @nr: in: how many are wanted, > 0; out: how many there are, side by side
 * Return: the first; its flags are right, the others' are not.  NULL: none.
 */
struct page *buddy_alloc_run(struct zone *zone, unsigned long *nr, enum migratetype type);

/**
 * buddy_free_frames() - put @nr frames side by side back, in the largest blocks they make
 * Context: as buddy_free().  O(MAX_PAGE_ORDER^2), and @nr / 2^MAX_PAGE_ORDER.
 */
void buddy_free_frames(struct zone *zone, struct page *page, unsigned long nr);

/** buddy_check() - test invariants B.1 ... of buddy.c.  Takes the lock.  Return: the number broken, or 0.  O(frames). */
int buddy_check(struct zone *zone);

/* ---- grouping by mobility (mm/page/mobility.c) ------------------------------ */

/* Nothing is grouped: the machine is too small; said before the zones are made: not wanted. */
extern bool page_group_by_mobility_disabled;

/** zone_pageblocks() - page blocks that @zone reaches into. */
static inline unsigned long zone_pageblocks(const struct zone *zone)
{
	unsigned long end = zone->zone_start_pfn + zone->spanned_pages;

	return (ALIGN(end, 1UL << zone->pageblock_order) >> zone->pageblock_order) -
	       (zone->zone_start_pfn >> zone->pageblock_order);
}

/** pageblock_type() - whose lists hold the free blocks where frame @pfn lies; under @zone->lock it stays so. */
static inline enum migratetype pageblock_type(const struct zone *zone, pfn_t pfn)
{
	unsigned order = zone->pageblock_order;

	if (!zone->pageblock_types)
		return MIGRATE_UNMOVABLE;
	return (enum migratetype)READ_ONCE(zone->pageblock_types[(pfn >> order) - (zone->zone_start_pfn >> order)]);
}

/**
 * zone_group() - @zone, of which nothing is free yet, is grouped by mobility
 * @types: a byte for each of zone_pageblocks(); zone_group_frames() fills them
 * @order: of its page blocks
 */
void zone_group(struct zone *zone, u8 *types, unsigned order);
/** zone_group_frames() - @zone's page blocks in [@pfn, @end), of which nothing is free yet, are movable; if it is grouped. */
void zone_group_frames(struct zone *zone, pfn_t pfn, pfn_t end);

/* ---- CPUs' own lists (mm/page/pcp.c) --------------------------------------- */

/*
 * For each CPU and what a mask says of the place: the stack of the best zone, and the type.
 * What contradicts itself has an empty one, as all have before the zones are there; so
 * whoever finds a frame there need not ask.
 */
extern struct per_cpu_pages *first_pcp[NR_CPUS][GFP_PLACE_MASK + 1];
/** setup_first_pcp() - of one CPU: once the zonelists are made, and when its node changes. */
void setup_first_pcp(unsigned cpu);
/** setup_pagesets() - how much each CPU keeps of @zone, by its size. */
void setup_pagesets(struct zone *zone);

/** pcp_pop(), pcp_push() - the CPU is claimed; there are @count > 0 frames, there is room. */
static __always_inline struct page *pcp_pop(struct per_cpu_pages *pcp, int count)
{
	struct page *page = pcp->frame[count - 1];

	pcp->count--;
	page->flags &= ~(1UL << PG_pcp);
	pcp->event[PGALLOC]++;
	return page;
}

static __always_inline void pcp_push(struct per_cpu_pages *pcp, struct page *page)
{
	page->flags |= 1UL << PG_pcp;
	pcp->frame[READ_ONCE(pcp->count)] = page;
	pcp->count++;
	pcp->event[PGFREE]++;
}

/** pcp_pop_block(), pcp_push_block() - the same for blocks. */
static __always_inline struct page *pcp_pop_block(struct pcp_blocks *b, int count)
{
	struct page *page = b->block[count - 1];

	b->count--;
	page->flags &= ~(1UL << PG_pcp);
	b->event[PGALLOC]++;
	return page;
}

static __always_inline void pcp_push_block(struct pcp_blocks *b, struct page *page)
{
	page->flags |= 1UL << PG_pcp;
	b->block[READ_ONCE(b->count)] = page;
	b->count++;
	b->event[PGFREE]++;
}

/** pcp_pages() - free frames that a CPU keeps. */
static inline unsigned long pcp_pages(const struct per_cpu_pages *pcp)
{
	unsigned long n = (unsigned long)READ_ONCE(pcp->count);

	for (unsigned i = 0; i <= PCP_HUGE; i++)
		n += (unsigned long)READ_ONCE(pcp->blocks[i].count) << pcp_order(i);
	return n;
}

/** pcp_event() - an event of all the stacks of @pcp; of pages, where it is of pages. */
static inline unsigned long pcp_event(const struct per_cpu_pages *pcp, enum zone_event_item item)
{
	unsigned long n = READ_ONCE(pcp->event[item]);

	for (unsigned i = 0; item <= PGFREE && i <= PCP_HUGE; i++)
		n += READ_ONCE(pcp->blocks[i].event[item]) << pcp_order(i);
	return n;
}

/** pcp_alloc() - one frame from this CPU's stack of @type, refilled in a batch.  Any context. */
struct page *pcp_alloc(struct zone *zone, enum migratetype type);
/** pcp_free() - one frame onto this CPU's stack; a batch goes back when it is full.  Any context. */
void pcp_free(struct zone *zone, struct page *page);
/** pcp_free_huge() - a block of PAGEBLOCK_ORDER onto this CPU's stack of such; to the zone, if that is full.  Any context. */
void pcp_free_huge(struct zone *zone, struct page *page);
/** zone_alloc_block(), zone_free_block() - past the stacks: buddy_alloc(), buddy_free() with the lock, counted (buddy.c).  Any context. */
struct page *zone_alloc_block(struct zone *zone, unsigned order, enum migratetype type);
void zone_free_block(struct zone *zone, struct page *page, unsigned order);
/** zone_free_run() - @nr frames side by side, of one zone; a lone one is kept by the CPU, more go past it in one piece.  Any context. */
void zone_free_run(struct page *page, unsigned long nr);
/** drain_all_pages() - give every CPU's listed frames back; @zone NULL: of all zones.  In an interrupt, with interrupts off or preemption: only this CPU's. */
void drain_all_pages(struct zone *zone);
/** drain_local_pages() - this CPU's own go back: it is going away.  Any context. */
void drain_local_pages(void);
/** pcp_check() - test invariants P.1, P.2 of pcp.c.  Return: the number broken, or 0. */
int pcp_check(struct zone *zone);

/**
 * alloc_blocks_bulk_list() - alloc_pages_bulk_list() of blocks of 2^@order (mm/page/alloc.c)
 * For the slab layer.  __GFP_COMP makes each a compound page.
 */
unsigned long alloc_blocks_bulk_list(gfp_t gfp, unsigned order, unsigned long nr, struct list_head *list);

/* ---- runs of frames with one owner (mm/page/run.c) -------------------------- */

/**
 * alloc_frame_run() - single frames side by side, for an owner who marks them
 * @gfp: from which zones; the caller has looked at the mask
 * @nr: in: how many are wanted, > 0; out: how many there are
 * @mark: 1UL << PG_...
 *
 * What the best zone can spare at once, 8 frames or more.  Any context.  Return: the
 * first, each with page_count() 1, marked; NULL: take them one by one.  Undo:
 * free_frame_run().  O(@nr + MAX_PAGE_ORDER^2).
 */
struct page *alloc_frame_run(gfp_t gfp, unsigned long *nr, unsigned long mark);
/**
 * free_frame_run() - unmark @nr frames of one zone from @page on, and put_page() each
 * However they were taken.  Panics at a frame without the mark.  Any context.
 * O(@nr + MAX_PAGE_ORDER^2).
 */
void free_frame_run(struct page *page, unsigned long nr, unsigned long mark);

/* ---- policy (mm/page/zone.c) ----------------------------------------------- */

#define PAGE_ALLOC_COSTLY_ORDER 3	/* larger blocks are not worth every effort (slowpath.c) */

/* How deep below a watermark a request may go: each step leaves half of what the one before leaves. */
#define ALLOC_DEPTH 3		/* 0: not at all */
#define ALLOC_HIGH 1		/* __GFP_HIGH */
#define ALLOC_ATOMIC 2		/* and cannot wait */
#define ALLOC_DEEPEST 3		/* and is an interrupt; who is about to end */
#define ALLOC_NO_WATERMARKS 4	/* down to the last page */

/** zone_has_block() - is there a free block of 2^@order pages or more?  O(MAX_PAGE_ORDER). */
bool zone_has_block(const struct zone *zone, unsigned order);

/**
 * zone_above_mark() - would @mark still hold, if a block of 2^@order could be taken?
 * @highest: the highest zone that the request allows: lowmem_reserve[@highest] is kept
 */
static inline bool zone_above_mark(const struct zone *zone, unsigned order, unsigned long mark,
				     enum zone_type highest, unsigned alloc_flags)
{
	if (alloc_flags & ALLOC_NO_WATERMARKS)
		return true;
	mark >>= alloc_flags & ALLOC_DEPTH;
	return READ_ONCE(zone->nr_free) + READ_ONCE(zone->deferred_pages) >=
	       mark + zone->lowmem_reserve[highest] + (1UL << order);
}

/** zone_watermark_ok() - the same, and there is such a block. */
static inline bool zone_watermark_ok(const struct zone *zone, unsigned order, unsigned long mark,
				     enum zone_type highest, unsigned alloc_flags)
{
	return zone_above_mark(zone, order, mark, highest, alloc_flags) &&
	       (alloc_flags & ALLOC_NO_WATERMARKS || order == 0 || zone_has_block(zone, order));
}

/** setup_per_zone_wmarks() - watermarks from min_free_kbytes (0: from the size of memory), lowmem_reserve. */
void setup_per_zone_wmarks(void);
extern unsigned long min_free_kbytes;
/**
 * set_min_free_kbytes() - choose the reserve of all zones together, in KiB
 * Context: thread.  Return: 0; -EINVAL: 0, or more than an eighth of low memory.  O(zones).
 */
int set_min_free_kbytes(unsigned long kib);
/** zone_check() - test invariants Z.1 ... of zone.c.  Return: the number broken, or 0. */
int zone_check(const struct zone *zone);
/**
 * give_back_kept() - what is only kept for speed goes back: empty slabs, every CPU's objects and frames
 * Context: thread, no lock held.  Return: pages of slabs.  O(CPUs * (caches + zones)), and what there is.
 */
unsigned long give_back_kept(void);

/** gfp_migratetype() - what a (valid) mask says of the memory's future */
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	return (enum migratetype)((gfp & GFP_MOVABLE_MASK) >> GFP_MOVABLE_SHIFT);
}

/** gfp_zone() - the highest zone that a (valid) mask allows */
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	static const u8 highest[GFP_ZONEMASK + 1] = {
		[0] = ZONE_NORMAL,
		[__GFP_DMA] = ZONE_DMA,
		[__GFP_DMA32] = ZONE_DMA32,
		[__GFP_HIGHMEM] = ZONE_HIGHMEM,
	};

	return (enum zone_type)highest[gfp & GFP_ZONEMASK];
}

/** node_zonelist() - where a request of node @nid with a (valid) mask looks for memory, best zone first. */
static inline const struct zonelist *node_zonelist(int nid, gfp_t gfp)
{
	const struct pglist_data *pgdat = NODE_DATA(nid);

	return (gfp & __GFP_THISNODE ? pgdat->own_zonelists : pgdat->node_zonelists) + gfp_zone(gfp);
}

/* ---- boot: from memblock to zones (mm/boot/node.c, row B3) ----------------- */

/**
 * free_area_init_nodes() - build nodes, zones, mem_map from memblock
 * @max_zone_pfn: for each zone type, the first frame number beyond it; a zone
 *	that ends where the one before it ends is empty
 */
void free_area_init_nodes(const pfn_t max_zone_pfn[MAX_NR_ZONES]);

/**
 * zone_of_pfn() - the zone that frame @pfn belongs to, memory or not
 * @end: out: the first frame behind it that is another zone's
 */
struct zone *zone_of_pfn(pfn_t pfn, pfn_t *end);

/** build_all_zonelists() - for every node (mm/boot/zonelist.c).  zonelist_check() - one's invariants: the number broken, or 0. */
void build_all_zonelists(void);
int zonelist_check(const struct pglist_data *pgdat);

/* ---- hooks upward: lower floors never name higher ones ------------------ */

/* Clears a high frame through a window for __GFP_ZERO; set by mm_init() when kmap is up. */
extern void (*clear_high_page)(struct page *page);
struct kmem_cache;
/* slab_drain(), set by kmem_cache_init(): empty slabs and what CPUs keep of objects go back. */
extern unsigned long (*drain_slabs)(struct kmem_cache *all);
/* And pressure.h has what is called when memory is short. */

#endif
