/* SPDX-License-Identifier: MIT */
/*
 * tour.c: the whole story in about two screens, every number live.
 *
 * From the address space down to the frame and back: layout, zones, a block split
 * and merged again, what the flags choose, one kmalloc followed to its zone, a
 * high frame reached through each window, scattered frames made one, and the walk
 * of an address of a task with the page fault that fills it.  At the end all is
 * given back, and the counts must be those of the beginning: the tour fails if not.
 */
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/highmem.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#include "tests/selftest/util.h"

#define INDENT 3
#define WRITTEN 0x51a7e
#define EXAMPLE_ADDR 0x80495b0UL	/* mov 0x80495b0,%eax of row E3 */

static int problems;

static void heading(unsigned n, const char *text)
{
	console_indent(0);
	kprintf(console_is_terminal() ? "\n\033[1m%u  %s\033[0m\n" : "\n%u  %s\n", n, text);
	console_indent(INDENT);
}

/* An address, or NULL in letters. */
static const char *address(const void *p)
{
	static char text[24];	/* one at a time */

	mm_snprintf(text, sizeof(text), p ? "%p" : "NULL", p);
	return text;
}

/* A promise of the story that turned out false is a failure, and says so. */
static void expect(bool kept, const char *promise)
{
	if (kept)
		return;
	kprintf("error: not so: %s\n", promise);
	problems++;
}

/* ---- 1: layout -------------------------------------------------------------------- */

/* [from, to): its last address is shown, since the end of everything has none of its own. */
static void range(const char *name, unsigned long from, unsigned long to, const char *what)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned long size = (to - from) >> 10, unit = 0;
	int digits = 2 * sizeof(long);

	for (; size >= 4096 && unit + 1 < ARRAY_SIZE(units); unit++)
		size >>= 10;
	kprintf("%-8s 0x%0*lx - 0x%0*lx %5lu %s  %s\n", name, digits, from, digits, to - 1, size,
		units[unit], what);
}

static void show_layout(void)
{
	unsigned long low_end = (unsigned long)high_memory;
	char slots[32];

	mm_snprintf(slots, sizeof(slots), "%lu slots of kmap()", (unsigned long)LAST_PKMAP);
	range("fixmap", FIXADDR_START, FIXADDR_TOP + PAGE_SIZE, "fixed at compile time");
	if (HAVE_HIGHMEM)
		range("pkmap", PKMAP_BASE, PKMAP_BASE + LAST_PKMAP * PAGE_SIZE, slots);
	range("vmalloc", VMALLOC_START, VMALLOC_END, "scattered frames");
	range("gap", low_end, VMALLOC_START, "catches overruns");
	range("lowmem", PAGE_OFFSET, low_end, "physical + PAGE_OFFSET");
	range("user", 0, TASK_SIZE, "of each task its own");
	kprintf("segments begin at 0x%lx (kernel) and 0x%lx (user)%s\n", machine_segment_base(false),
		machine_segment_base(true),
		machine_segment_base(false) || machine_segment_base(true) ? "" : ": logical = linear");
}

/* ---- 2: zones --------------------------------------------------------------------- */

static void show_zones(void)
{
	struct zone *z;

	for_each_zone(z) {
		unsigned long mib = 1UL << (20 - PAGE_SHIFT);

		kprintf("%-8s%5lu - %4lu MiB  %7lu pages, %7lu free  %s\n", z->name,
			z->zone_start_pfn / mib, (z->zone_start_pfn + z->spanned_pages) / mib,
			z->managed_pages, zone_free_pages(z),
			z->type == ZONE_HIGHMEM ? "no address" : "always mapped");
	}
	kprintf("mem_map  a struct page of %lu bytes for each of %lu frames, at %p\n",
		(unsigned long)sizeof(struct page), max_pfn, (void *)mem_map);
}

/* ---- 5: kmalloc, followed down ------------------------------------------------------- */

static void show_slab(const struct page *page)
{
	struct slabinfo info;

	slab_get_info(page_slab_cache(page), &info);
	kprintf("slab           %lu page%s, %u objects; %u are out: in use, or kept by a CPU\n",
		1UL << compound_order(page), compound_order(page) ? "s" : "", page->objects, page->inuse);
	kprintf("cache          %s: %lu in use, room for %lu; slabs: %lu\n", info.name,
		info.active_objs, info.num_objs, info.num_slabs);
}

static void follow_kmalloc(void)
{
	void *p = kmalloc(100, GFP_KERNEL);
	struct page *page;
	char what[96];

	if (!p) {
		expect(false, "kmalloc(100) finds memory");
		return;
	}
	page = compound_head(virt_to_page(p));
	expect(PageSlab(page) && !PageHighMem(page), "kmalloc gives low memory from a slab");
	kprintf("kmalloc(100)   %p: %s, %lu bytes usable\n", p, slab_describe(what, sizeof(what), p),
		(unsigned long)ksize(p));
	if (PageSlab(page))
		show_slab(page);
	kprintf("frame          0x%lx = (address - PAGE_OFFSET) / %lu, page_count %d\n",
		page_to_pfn(virt_to_page(p)), PAGE_SIZE, page_count(page));
	kprintf("zone           %s of node %u\n", page_zone(page)->name, page_to_nid(page));
	kfree(p);
}

/* ---- 3: buddies ------------------------------------------------------------------------ */

#define TAKE_MOST 16

static void get_blocks(const struct zone *z, unsigned long *blocks)
{
	for (unsigned i = 0; i < NR_PAGE_ORDERS; i++)
		blocks[i] = READ_ONCE(z->free_area[i].nr_free);
}

static void show_blocks(const char *when, const unsigned long *blocks)
{
	kprintf("%-21s", when);
	for (unsigned i = 0; i < NR_PAGE_ORDERS; i++)
		kprintf(" %4lu", blocks[i]);
	kprintf("\n");
}

/* The order with the fewest free blocks: taking one more than these must split a larger one. */
static unsigned scarcest(const unsigned long *blocks)
{
	unsigned best = 1;

	for (unsigned i = 2; i < MAX_PAGE_ORDER; i++)
		if (blocks[i] < blocks[best])
			best = i;
	return best;
}

static void split_and_merge(void)
{
	unsigned long before[NR_PAGE_ORDERS], held[NR_PAGE_ORDERS], after[NR_PAGE_ORDERS];
	struct page *taken[TAKE_MOST];
	struct zone *z = NODE_DATA(0)->node_zonelists[ZONE_NORMAL].zonerefs[0].zone;
	unsigned order, n = 0;
	char what[32];

	st_settle();
	get_blocks(z, before);
	order = scarcest(before);
	while (n < TAKE_MOST && n <= before[order]) {
		taken[n] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
		if (!taken[n])
			break;
		n++;
	}
	get_blocks(z, held);
	for (unsigned i = 0; i < n; i++)
		__free_pages(taken[i], order);
	st_settle();
	get_blocks(z, after);

	mm_snprintf(what, sizeof(what), "%s, pages a block", z->name);
	kprintf("%-21s", what);
	for (unsigned i = 0; i < NR_PAGE_ORDERS; i++)
		kprintf(" %4lu", 1UL << i);
	kprintf("\n");
	show_blocks("free", before);
	mm_snprintf(what, sizeof(what), "%u block%s of %lu taken", n, n == 1 ? "" : "s", 1UL << order);
	show_blocks(what, held);
	show_blocks("given back: merged", after);
	for (unsigned i = 0; i < NR_PAGE_ORDERS; i++)
		expect(before[i] == after[i], "buddies merge to what they were");
}

/* ---- 4: flags ------------------------------------------------------------------------- */

static void one_mask(gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_NOWARN);
	char words[48];

	gfp_format(words, sizeof(words), gfp);
	if (!page) {
		kprintf("%-14s nothing is left\n", words);
		return;
	}
	kprintf("%-14s frame 0x%-6lx in %-8s page_address() %s\n", words, page_to_pfn(page),
		page_zone(page)->name, address(page_address(page)));
	__free_page(page);
}

static void show_masks(void)
{
	unsigned long before = misuse_count(MISUSE_GFP), addr;

	one_mask(GFP_DMA);
	one_mask(GFP_KERNEL);
	one_mask(GFP_HIGHUSER);
	misuse_quiet(true);
	addr = __get_free_pages(GFP_HIGHUSER, 0);
	misuse_quiet(false);
	expect(addr == 0 && misuse_count(MISUSE_GFP) == before + 1, "__get_free_pages refuses high memory");
	kprintf("__get_free_pages(GFP_HIGHUSER) is refused, counted and reported:\n");
	console_wrapped(2, misuse_last());
}

/* ---- 6: the windows -------------------------------------------------------------------- */

static void show_windows(struct page *page)
{
	u32 *p, *q;

	p = kmap(page);
	if (!p) {
		expect(false, "kmap finds a slot");
		return;
	}
	*p = WRITTEN;
	kprintf("kmap()         %p, slot %lu of %lu; 0x%x is written\n", (void *)p,
		((unsigned long)p - PKMAP_BASE) >> PAGE_SHIFT, (unsigned long)LAST_PKMAP, *p);
	kprintf("               page_address() %s\n", address(page_address(page)));
	q = kmap_atomic(page, KM_USER0);
	kprintf("kmap_atomic()  %p, fixed slot %u (KM_USER0 of CPU %u); 0x%x is read\n", (void *)q,
		virt_to_fix((unsigned long)q), smp_processor_id(), *q);
	expect(*q == WRITTEN && p != q, "two windows show one frame");
	kunmap_atomic(q, KM_USER0);
	kunmap(page);
	kmap_flush_unused();
	kprintf("kunmap()       and the slot flushed: page_address() %s\n", address(page_address(page)));
	expect(page_address(page) == NULL, "an unmapped high page has no address");
}

static void high_page(void)
{
	struct page *page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN);

	if (page && PageHighMem(page)) {
		kprintf("alloc_page()   frame 0x%lx in %s: page_address() %s\n", page_to_pfn(page),
			page_zone(page)->name, address(page_address(page)));
		show_windows(page);
	} else
		kprintf("all memory of this machine is low: each frame has an address without a window\n");
	if (page)
		__free_page(page);
}

/* ---- 7: vmalloc ------------------------------------------------------------------------- */

/* Every second page of a row is given back first, so that the free frames lie apart. */
static void scattered(void)
{
	struct page *row[16];
	unsigned apart = 0;
	char *p;

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		row[i] = alloc_page(GFP_HIGHUSER | __GFP_NOWARN);
	for (unsigned i = 0; i < ARRAY_SIZE(row); i += 2)
		if (row[i])
			__free_page(row[i]);
	drain_all_pages(NULL);		/* from this CPU's own list to the zone, where vmalloc looks */
	p = vmalloc(5 * PAGE_SIZE);
	if (p) {
		kprintf("vmalloc(20K)   %p - %p, then a guard page\n", (void *)p,
			(void *)(p + 5 * PAGE_SIZE - 1));
		kprintf("frames         %s:", page_zone(vmalloc_to_page(p))->name);
		for (unsigned i = 0; i < 5; i++) {
			unsigned long pfn = vmalloc_to_pfn(p + i * PAGE_SIZE);

			apart += i && pfn != vmalloc_to_pfn(p + (i - 1) * PAGE_SIZE) + 1;
			kprintf(" 0x%lx", pfn);
		}
		kprintf("\n");
		expect(apart > 0, "vmalloc joins frames that lie apart");
	}
	expect(p != NULL, "vmalloc finds five frames");
	vfree(p);
	for (unsigned i = 1; i < ARRAY_SIZE(row); i += 2)
		if (row[i])
			__free_page(row[i]);
}

/* ---- 8: an address of a task -------------------------------------------------------------- */

/* Where programs cannot be loaded: an address space of our own, with an area around the address. */
static void walk_without_program(void)
{
	struct mm_struct *mm = mm_alloc();

	if (mm && mm_map(mm, EXAMPLE_ADDR & PAGE_MASK, PAGE_SIZE, VM_READ | VM_WRITE, "data", NULL,
			 NULL) == 0)
		expect(translate_mm("an address space", mm, EXAMPLE_ADDR) == 0,
		       "the address becomes physical");
	else
		expect(false, "an address space can be made");
	if (mm)
		mm_free(mm);
}

/* Let the task that was looked at run, and end by itself; kill it where there is no user mode. */
static void finish(int pid)
{
	bool runs = machine_has_feature("ring3");

	if (runs) {
		kprintf("now it runs, and says:\n");
		task_start(pid);
	} else
		thread_kill(pid);
	expect(thread_wait(pid) == 0 || !runs, "hello ends with status 0");
}

static void walk(void)
{
	int pid = task_spawn_stopped("hello");
	struct task *t = pid > 0 ? task_pin(pid) : NULL;

	if (t) {
		kprintf("mov 0x80495b0,%%eax in hello, loaded as task %d, not yet started:\n", pid);
		expect(translate_mm("hello", t->mm, EXAMPLE_ADDR) == 0, "the address becomes physical");
		task_unpin(t);
		finish(pid);
	} else
		walk_without_program();
}

/* ---- the story ---------------------------------------------------------------------------- */

int tour(int argc, char **argv)
{
	unsigned long low, high;

	(void)argc;
	(void)argv;
	if (programs_run("tour"))
		return 1;
	problems = 0;
	st_settle();
	low = st_free_low();
	high = st_free_high();

	heading(1, "Linear addresses, from the top down");
	show_layout();
	heading(2, "Zones: pools of page frames");
	show_zones();
	heading(3, "Pages: blocks of 2^order in a zone, split and merged");
	split_and_merge();
	heading(4, "Flags choose the zone");
	show_masks();
	heading(5, "kmalloc: an object in a slab, a slab in pages, pages in a zone");
	follow_kmalloc();
	heading(6, "High memory: no address until a window is opened");
	high_page();
	heading(7, "vmalloc: scattered frames, one address after the other");
	scattered();
	heading(8, "From a logical address to a word, and the page fault on the way");
	walk();

	heading(9, "Everything is given back");
	st_settle();
	kprintf("free pages before and after: low %lu, %lu; high %lu, %lu\n", low, st_free_low(), high,
		st_free_high());
	expect(low == st_free_low() && high == st_free_high(), "the counts are as before");
	expect(mm_check_all(&console) == 0, "every invariant holds");
	if (!problems)
		kprintf("every invariant of the memory manager holds\n");
	console_indent(0);
	return problems != 0;
}

const struct command story_commands[] = {
	{ "tour", "", "the whole story in about two screens, live values",
	  "Layout, zones, a block split and merged, what flags choose, one kmalloc followed to its zone,\n"
	  "a high frame through each window, scattered frames made one, and the walk of an address.\n"
	  "It takes memory, gives it back, and fails if the counts differ afterwards.",
	  "tour", tour, 0, 0, NULL },
	{ .name = NULL },
};
