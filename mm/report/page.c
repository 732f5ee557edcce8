/* SPDX-License-Identifier: MIT */
/*
 * page.c: everything known about one frame (row B1).
 *
 * What a frame is follows from its flags and count alone, except for two kinds
 * that carry no mark of their own: a frame in the middle of a free block, which
 * is found by looking at the block's possible heads (one for each order), and a
 * later frame of a block in use, of which only the owner knows.
 */
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

static const char *const flag_names[__NR_PAGEFLAGS] = {
	[PG_locked] = "locked", [PG_dirty] = "dirty", [PG_reserved] = "reserved", [PG_buddy] = "buddy",
	[PG_pcp] = "pcp", [PG_slab] = "slab", [PG_head] = "head", [PG_tail] = "tail", [PG_table] = "table",
	[PG_referenced] = "referenced", [PG_uptodate] = "uptodate",
	[PG_large_kmalloc] = "large_kmalloc", [PG_vmalloc] = "vmalloc",
};

static void write_flags(struct seq *s, unsigned long flags)
{
	const char *sep = "";

	seq_printf(s, "  flags     0x%lx (", flags);
	for (unsigned i = 0; i < __NR_PAGEFLAGS; i++) {
		if (!(flags >> i & 1))
			continue;
		seq_printf(s, "%s%s", sep, flag_names[i]);
		sep = "|";
	}
	seq_puts(s, *sep ? ")\n" : "none)\n");
}

/* The head of the free block that @pfn lies in, or NULL.  A look without the lock: a report, not a proof. */
static const struct page *free_head(pfn_t pfn, const struct zone *z)
{
	for (unsigned order = 0; order < NR_PAGE_ORDERS; order++) {
		pfn_t head = ALIGN_DOWN(pfn, 1UL << order);
		const struct page *p = pfn_to_page(head);

		if (head >= z->zone_start_pfn && PageBuddy(p) && p->order >= order)
			return p;
	}
	return NULL;
}

static void write_free(struct seq *s, pfn_t pfn, const struct zone *z)
{
	const struct page *head = free_head(pfn, z);

	if (head)
		seq_printf(s, "free, in a block of %lu (order %u) that begins at frame 0x%lx\n",
			   1UL << head->order, head->order, page_to_pfn(head));
	else
		seq_puts(s, "no user of its own: a later frame of a block in use\n");
}

static void write_slab(struct seq *s, const struct page *page)
{
	const struct page *head = compound_head(page);
	char what[96];

	seq_printf(s, "slab of %s, %u of %u objects in use; first object: %s\n",
		   kmem_cache_name(page_slab_cache(head)), head->inuse, head->objects,
		   slab_describe(what, sizeof(what), page_address(head)));
}

static void write_state(struct seq *s, const struct page *page, pfn_t pfn)
{
	seq_puts(s, "  state     ");
	if (PageReserved(page))
		seq_puts(s, "reserved: image, hole, memory map or firmware; never handed out\n");
	else if (PageSlab(page))
		write_slab(s, page);
	else if (PagePcp(page))
		seq_puts(s, "free, on a CPU's own list\n");
	else if (PageTail(page))
		seq_printf(s, "in use, in the compound page that begins at frame 0x%lx\n",
			   page_to_pfn(page->first_page));
	else if (PageTable(page))
		seq_puts(s, "in use, a page table\n");
	else if (PageVmalloc(page))
		seq_puts(s, "in use, of a vmalloc area\n");
	else if (page_count(page) == 0)
		write_free(s, pfn, page_zone(page));
	else
		seq_printf(s, "in use, block of order %u\n", page->order);
}

void report_page(struct seq *s, pfn_t pfn)
{
	const struct page *page;
	void *addr;

	if (pfn_is_deferred(pfn)) {
		seq_printf(s, "frame 0x%lx: free, and nobody has needed its section yet: it has no struct page\n", pfn);
		return;
	}
	if (!pfn_valid(pfn)) {
		seq_printf(s, "frame 0x%lx: there is none, the last is 0x%lx\n", pfn, max_pfn - 1);
		return;
	}
	page = pfn_to_page(pfn);
	addr = page_address(page);
	seq_printf(s, "frame 0x%lx (%lu), physical 0x%llx, struct page at %p\n", pfn, pfn,
		   (unsigned long long)pfn << PAGE_SHIFT, (const void *)page);
	seq_printf(s, "  zone      node %u, %s\n", page_to_nid(page), page_zone(page)->name);
	write_flags(s, page->flags);
	seq_printf(s, "  _count    %d\n", page_count(page));
	if (addr)
		seq_printf(s, "  address   %p (%s)\n", addr,
			   PageHighMem(page) ? "kmap window" : "direct map");
	else
		seq_puts(s, "  address   NULL: high memory, not mapped by kmap\n");
	write_state(s, page, pfn);
}
