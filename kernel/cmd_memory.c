/* SPDX-License-Identifier: MIT */
/*
 * cmd_memory.c: taking and giving memory by hand.
 *
 * Wrong arguments reach the memory manager on purpose wherever it has an answer
 * to them: a free of what is not held, an order of 99, __GFP_HIGHMEM for kmalloc.
 * It refuses with its own report, the command fails, the shell goes on.
 */
#include "command.h"

#include <quarry/highmem.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#define SHOWN_FRAMES 5

static void print_handle(int id)
{
	if (id)
		kprintf("#%d: ", id);
	else
		kprintf("(more than the shell can remember: note the value) ");
}

/* ---- pages ------------------------------------------------------------------------ */

static int cmd_alloc(int argc, char **argv)
{
	unsigned long order;
	struct page *page;
	gfp_t gfp;

	if (!parse_number("order", argv[1], &order) || !parse_gfp(argc - 2, argv + 2, GFP_KERNEL, &gfp))
		return 1;
	page = alloc_pages(gfp, (unsigned)order);
	if (!page)
		return cmd_error("alloc_pages gave NULL");
	print_handle(held_add(HELD_PAGES, page, (unsigned)order, PAGE_SIZE << order));
	kprintf("frame 0x%lx, %lu page%s, zone %s, physical 0x%08llx, ", page_to_pfn(page), 1UL << order,
		order ? "s" : "", page_zone(page)->name, (unsigned long long)page_to_phys(page));
	if (page_address(page))
		kprintf("at %p\n", page_address(page));
	else
		kprintf("no address\n");
	return 0;
}

static int cmd_free(int argc, char **argv)
{
	unsigned long before = misuse_count(NR_MISUSE), order;
	struct held *h = NULL;
	struct page *page;
	pfn_t pfn;

	if (argv[1][0] == '#') {
		h = held_by_id(argv[1], HELD_PAGES);
		if (!h)
			return 1;
		page = h->ptr;
	} else {
		if (!parse_number("frame", argv[1], &pfn))
			return 1;
		page = pfn_to_page(pfn);	/* may be none: the allocator must see that */
		h = held_by_ptr(page, HELD_PAGES);
	}
	order = h ? h->order : 0;
	if (argc > 2 && !parse_number("order", argv[2], &order))
		return 1;
	__free_pages(page, (unsigned)order);
	if (refused_since(before))
		return 1;
	held_drop(h);
	kprintf("freed %lu page%s from frame 0x%lx on\n", 1UL << order, order ? "s" : "", page_to_pfn(page));
	return 0;
}

/* ---- kmalloc ------------------------------------------------------------------------ */

static int cmd_kmalloc(int argc, char **argv)
{
	unsigned long size;
	struct page *page;
	char what[96];
	gfp_t gfp;
	void *p;

	if (!parse_number("size", argv[1], &size) || !parse_gfp(argc - 2, argv + 2, GFP_KERNEL, &gfp))
		return 1;
	p = kmalloc(size, gfp);
	if (!p)
		return cmd_error("kmalloc gave NULL");
	if (ZERO_OR_NULL_PTR(p)) {
		kprintf("%p: what kmalloc(0) gives: not NULL, not to be used, fine to free\n", p);
		return 0;
	}
	page = compound_head(virt_to_page(p));
	print_handle(held_add(HELD_KMALLOC, p, 0, size));
	kprintf("%p, %lu bytes usable; frame 0x%lx, zone %s\n  %s\n", p, (unsigned long)ksize(p),
		page_to_pfn(page), page_zone(page)->name, slab_describe(what, sizeof(what), p));
	return 0;
}

/* An address by handle or as a number; any number will do. */
static bool address_argument(const char *text, enum held_kind kind, void **p, struct held **h)
{
	unsigned long v;

	if (*text == '#') {
		*h = held_by_id(text, kind);
		*p = *h ? (*h)->ptr : NULL;
		return *h != NULL;
	}
	if (!parse_number("address", text, &v))
		return false;
	*p = (void *)v;
	*h = held_by_ptr(*p, kind);
	return true;
}

static int cmd_kfree(int argc, char **argv)
{
	unsigned long before = misuse_count(NR_MISUSE);
	struct held *h;
	void *p;

	(void)argc;
	if (!address_argument(argv[1], HELD_KMALLOC, &p, &h))
		return 1;
	kfree(p);
	if (refused_since(before))
		return 1;
	held_drop(h);
	kprintf("freed %p\n", p);
	return 0;
}

/* ---- vmalloc ------------------------------------------------------------------------ */

static void print_frames(const char *p, unsigned long pages)
{
	unsigned long shown = min(pages, (unsigned long)SHOWN_FRAMES), high = 0;

	for (unsigned long i = 0; i < pages; i++)
		high += PageHighMem(vmalloc_to_page(p + i * PAGE_SIZE));
	kprintf("  %lu of %lu frames are high:", high, pages);
	for (unsigned long i = 0; i < shown; i++)
		kprintf(" 0x%lx", vmalloc_to_pfn(p + i * PAGE_SIZE));
	kprintf("%s\n", shown < pages ? " ..." : "");
}

static int cmd_vmalloc(int argc, char **argv)
{
	unsigned long size, pages;
	void *p;

	(void)argc;
	if (!parse_number("size", argv[1], &size))
		return 1;
	p = vmalloc(size);
	if (!p)
		return cmd_error("vmalloc gave NULL");
	pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	print_handle(held_add(HELD_VMALLOC, p, 0, size));
	kprintf("%p - %p, %lu page%s and a guard page\n", p, (void *)((char *)p + (pages << PAGE_SHIFT)),
		pages, pages == 1 ? "" : "s");
	print_frames(p, pages);
	return 0;
}

static int cmd_vfree(int argc, char **argv)
{
	unsigned long before = misuse_count(NR_MISUSE);
	struct held *h;
	void *p;

	(void)argc;
	if (!address_argument(argv[1], HELD_VMALLOC, &p, &h))
		return 1;
	vfree(p);
	if (refused_since(before))
		return 1;
	held_drop(h);
	kprintf("freed %p\n", p);
	return 0;
}

/* ---- kmap ---------------------------------------------------------------------------- */

static int cmd_kmap(int argc, char **argv)
{
	struct page *page;
	pfn_t pfn;
	void *p;

	(void)argc;
	if (!frame_argument(argv[1], &pfn))
		return 1;
	page = pfn_to_page(pfn);
	p = kmap(page);
	if (!p)
		return cmd_error("kmap gave NULL");
	print_handle(held_add(HELD_KMAP, page, 0, PAGE_SIZE));
	kprintf("frame 0x%lx at %p (%s)\n", pfn, p,
		PageHighMem(page) ? "a slot of the kmap window" : "its own address: low memory");
	return 0;
}

static int cmd_kunmap(int argc, char **argv)
{
	unsigned long before = misuse_count(NR_MISUSE);
	struct held *h;
	pfn_t pfn;

	(void)argc;
	if (argv[1][0] == '#') {
		h = held_by_id(argv[1], HELD_KMAP);
		if (!h)
			return 1;
		pfn = page_to_pfn(h->ptr);
	} else {
		if (!frame_argument(argv[1], &pfn))
			return 1;
		h = held_by_ptr(pfn_to_page(pfn), HELD_KMAP);
	}
	kunmap(pfn_to_page(pfn));
	if (refused_since(before))
		return 1;
	held_drop(h);
	kprintf("frame 0x%lx %s\n", pfn, PageHighMem(pfn_to_page(pfn)) ?
		"is unmapped" : "is low memory: it keeps its address");
	return 0;
}

/* ---- what is held ---------------------------------------------------------------------- */

static int cmd_held(int argc, char **argv)
{
	unsigned n = 0;

	(void)argc;
	(void)argv;
	for (struct held *h = held_next(NULL); h; h = held_next(h), n++) {
		switch (h->kind) {
		case HELD_PAGES:
			kprintf("#%-3d pages    frame 0x%lx, order %u\n", h->id, page_to_pfn(h->ptr),
				h->order);
			break;
		case HELD_KMAP:
			kprintf("#%-3d kmap     frame 0x%lx at %p\n", h->id, page_to_pfn(h->ptr),
				page_address(h->ptr));
			break;
		default:
			kprintf("#%-3d %s  %p, %lu bytes\n", h->id,
				h->kind == HELD_KMALLOC ? "kmalloc" : "vmalloc", h->ptr, h->size);
		}
	}
	if (!n)
		kprintf("nothing is held\n");
	return 0;
}

/* ---- what is to stay free ----------------------------------------------------------------- */

static int cmd_min_free_kbytes(int argc, char **argv)
{
	unsigned long kib;
	struct zone *z;

	if (argc > 1 && (!parse_number("kbytes", argv[1], &kib) || set_min_free_kbytes(kib)))
		return 1;
	kprintf("min_free_kbytes %lu\n", min_free_kbytes);
	for_each_zone(z)
		kprintf("  node %d %-8s min %6lu  low %6lu  high %6lu  free %8lu pages\n", z->node, z->name,
			z->watermark[WMARK_MIN], z->watermark[WMARK_LOW], z->watermark[WMARK_HIGH], zone_free_pages(z));
	return 0;
}

static int cmd_drop_caches(int argc, char **argv)
{
	unsigned long what = DROP_CACHE_PAGES | DROP_CACHE_SLAB, n;

	if (argc > 1 && !parse_number("what", argv[1], &what))
		return 1;
	if (!what || what > (DROP_CACHE_PAGES | DROP_CACHE_SLAB))
		return cmd_error("drop_caches takes 1, 2 or 3");
	n = drop_caches((unsigned)what);
	kprintf("%lu dropped\n", n);
	return 0;
}

static bool print_shrinker(struct shrinker *s, void *arg)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	unsigned long n = s->count_objects(s, &sc);

	++*(unsigned *)arg;
	kprintf("%-20s %8lu %s, %ld due, seeks %d, batch %ld\n", s->name, n == SHRINK_EMPTY ? 0 : n,
		s->flags & SHRINKER_PAGES ? "pages" : "objects", s->nr_deferred[0], s->seeks,
		s->batch ? s->batch : SHRINKER_BATCH);
	return true;
}

static int cmd_shrinkers(int argc, char **argv)
{
	unsigned n = 0;

	(void)argc;
	(void)argv;
	shrinker_for_each(print_shrinker, &n);
	if (!n)
		kprintf("there are none\n");
	return 0;
}

/* ---- the table --------------------------------------------------------------------------- */

static void complete_kmalloc(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 1)
		offer_held(HELD_KMALLOC, offer, arg);
}

static void complete_vmalloc(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 1)
		offer_held(HELD_VMALLOC, offer, arg);
}

static void complete_kmap(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 1)
		offer_held(HELD_KMAP, offer, arg);
}

const struct command memory_commands[] = {
	{ "alloc", "ORDER [FLAGS...]", "take 2^ORDER pages: alloc_pages()",
	  "ORDER is 0 ... 10.  FLAGS are names as in C (Tab lists them), GFP_KERNEL when there are none;\n"
	  "contradictory ones are passed on, and refused by the memory manager.",
	  "alloc 3 GFP_HIGHUSER|__GFP_ZERO", cmd_alloc, 1, 10, complete_gfp },
	{ "free", "#N|FRAME [ORDER]", "give pages back: __free_pages()",
	  "By handle, or by frame number, then with ORDER 0 unless given.  A frame that is free already,\n"
	  "reserved, or of another order is refused with a report.",
	  "free #1", cmd_free, 1, 2, complete_pages },
	{ "kmalloc", "SIZE [FLAGS...]", "take SIZE bytes: kmalloc()",
	  "Prints the address, the cache that it came from, the frame and the zone.",
	  "kmalloc 100; kmalloc 64 GFP_DMA", cmd_kmalloc, 1, 10, complete_gfp },
	{ "kfree", "#N|ADDRESS", "give them back: kfree()",
	  "Any address may be tried: what is wrong is refused with a report.",
	  "kfree 0xc0001234", cmd_kfree, 1, 1, complete_kmalloc },
	{ "vmalloc", "SIZE", "take scattered frames under one address: vmalloc()",
	  "Prints the addresses and the frames behind them, high ones first.",
	  "vmalloc 64K", cmd_vmalloc, 1, 1, NULL },
	{ "vfree", "#N|ADDRESS", "give them back: vfree()",
	  "Only what vmalloc gave; all else is refused with a report.",
	  "vfree #1", cmd_vfree, 1, 1, complete_vmalloc },
	{ "kmap", "#N|FRAME", "give a frame an address: kmap()",
	  "A low frame has one already.  A high one gets a slot of the window, counted.",
	  "alloc 0 GFP_HIGHUSER; kmap #1", cmd_kmap, 1, 1, complete_pages },
	{ "kunmap", "#N|FRAME", "take it away: kunmap()",
	  "As often as kmap was called; once more is refused.",
	  "kunmap #2", cmd_kunmap, 1, 1, complete_kmap },
	{ "min_free_kbytes", "[N]", "how much is kept free, as /proc/sys/vm has it",
	  "N sets it, at most an eighth of low memory; the zones' watermarks follow.",
	  "min_free_kbytes 8192", cmd_min_free_kbytes, 0, 1, NULL },
	{ "drop_caches", "[1|2|3]", "ask shrinkers for all they have",
	  "1: those of pages (the programs' images); 2: all others, and empty slabs; 3, or nothing: both.",
	  "drop_caches 3; vmstat", cmd_drop_caches, 0, 1, NULL },
	{ "shrinkers", "", "caches that give memory back when it is short",
	  "How much each could give, how much it owes, what an object costs to make anew.",
	  "shrinkers", cmd_shrinkers, 0, 0, NULL },
	{ "held", "", "what the commands above took and did not give back",
	  "One line for each, by its handle; 'free #N', 'kfree #N', 'vfree #N', 'kunmap #N' give it back.",
	  "held", cmd_held, 0, 0,
	  NULL },
	{ .name = NULL },
};
