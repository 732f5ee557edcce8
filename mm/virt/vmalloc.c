/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c: contiguous virtual addresses over scattered frames (row F1).
 *
 *	area	[ page 0 | page 1 | page 2 | guard ]	addresses: vmap_area.c
 *	           |        |        |
 *	frames	 70123    4711     70007		high ones first
 *
 * Two steps, the first undone when the second fails: addresses (an area in state
 * VMAP_NEW), then page tables, entries and frames (vmap_fill.c).  The frames of an
 * area are not listed anywhere else: the page table is the list.  So an area of any
 * size needs no array, and growing the heap of large arrays does not need itself.
 *
 * Giving back: claim the area (only one can), clear its entries, free the frames of
 * a VM_ALLOC area, hand the addresses to lazy freeing.
 *
 * Arithmetic: n bytes take ceil(n / PAGE_SIZE) frames and one page more of addresses.
 * Worked example: vmalloc(10000): 3 frames, 16384 bytes of addresses.
 *
 * Invariants (beside those of vmap_area.c, with which they share the numbers):
 *	V.6  every page of a live area is mapped, its guard page is not
 *	V.7  the frames of live VM_ALLOC areas are in use and marked PG_vmalloc
 *	V.8  NR_VMALLOC_PAGES, summed over the zones, is their number
 *
 * Locking: an area's entries belong to the one thread that makes or frees it; see
 * vmap_area.c for the rest.  Taking needs a thread that may sleep; giving back may be done
 * anywhere: who cannot flush (an interrupt) leaves the purge to the next who can.
 *
 * Failure: too few frames: those taken go back, the area retires; nothing is held.
 * A request for more than all memory is refused before it has drained the machine.
 *
 * Cost: O(log areas + pages).  Unlike Linux: no array of pages; vfree in an interrupt
 * gives frames and addresses back at once, not by a worker.
 */
#include <quarry/vmalloc.h>

#include "vmap_fill.h"

#include <quarry/highmem.h>
#include <quarry/mempool.h>
#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

_Static_assert(VM_ALLOC != VM_MAP && VM_MAP != VM_IOREMAP, "an area is of one kind");

static const char *kind_call(unsigned flags)
{
	return flags & VM_ALLOC ? "vmalloc" : flags & VM_MAP ? "vmap" : "ioremap";
}

static const char *undo_call(unsigned flags)
{
	return flags & VM_ALLOC ? "vfree" : flags & VM_MAP ? "vunmap" : "iounmap";
}

static __cold_path void report_context(const char *call, unsigned long value, unsigned long caller)
{
	misuse(MISUSE_CONTEXT, caller, "%s(0x%lx): %s", call, value,
	       in_interrupt() ? "in an interrupt" : preempt_count() ? "may sleep, but preemption is off" :
	       "before vmalloc_init()");
}

/* Is this a thread that may sleep, or flush?  If not, say so. */
static inline bool context_ok(const char *call, unsigned long value, unsigned long caller)
{
	bool ok = !preempt_count() && vmalloc_window[1];

	if (unlikely(!ok))
		report_context(call, value, caller);
	return ok;
}

/* ---- mapping ------------------------------------------------------------------ */

static void clear_area(const struct vmap_area *area)
{
	for (unsigned long i = 0; i < area->nr_pages; i++)
		clear_page((void *)(area->start + (i << PAGE_SHIFT)));
}

static void unmap_area(struct vmap_area *area)
{
	vmap_empty(area);
	vmap_area_retire(area);
}

/* Map all of a new area and publish it.  Return: its address; or NULL: it is undone and gone. */
static void *map_area(struct vmap_area *area, const struct vmap_source *src)
{
	unsigned long start = area->start;

	if (!vmap_fill(area, src)) {
		unmap_area(area);
		return NULL;
	}
	if (src->gfp & __GFP_ZERO)
		clear_area(area);
	vmap_area_publish(area);
	return (void *)start;
}

/* An area for @pages pages of @src, mapped; NULL: no addresses or no memory. */
static void *make_area(const struct vmap_source *src, unsigned long pages, unsigned flags, phys_addr_t phys,
		       unsigned long caller)
{
	struct vmap_area *area = vmap_area_alloc(pages, vmap_fill_align(src, flags, pages), flags, caller,
						 src->gfp | __GFP_NOWARN);

	if (!area)
		return NULL;
	area->phys = phys;
	return map_area(area, src);
}

static void report_failure(const char *call, gfp_t gfp, unsigned long size, unsigned long caller)
{
	if (!(gfp & __GFP_NOWARN))
		report_alloc_failure(call, gfp, 0, size, caller);
}

/* ---- taking -------------------------------------------------------------------- */

#define SURELY_MEMORY 64UL	/* pages that every machine has: no need to count */

static bool more_than_memory(unsigned long pages)
{
	return unlikely(pages > SURELY_MEMORY) && pages > totalram_pages();
}

static bool mask_ok(unsigned long size, gfp_t gfp, unsigned long caller)
{
	const char *wrong;

	if (likely((gfp & ~(__GFP_ZERO | __GFP_HIGHMEM | __GFP_NOWARN)) == GFP_KERNEL))
		return true;
	wrong = gfp_contradiction(gfp);
	if (!wrong && !(gfp & __GFP_WAIT))
		wrong = "page tables are made, so the mask must allow sleeping";
	if (wrong)
		misuse(MISUSE_GFP, caller, "vmalloc(%lu, 0x%x): %s", size, gfp, wrong);
	return !wrong;
}

static bool size_ok(const char *call, unsigned long size, unsigned long caller)
{
	if (likely(size && PAGE_ALIGN(size) >= size))
		return true;
	misuse(MISUSE_SIZE, caller, "%s(%lu): %s", call, size, size ? "wraps around" : "no size");
	return false;
}

static void *do_vmalloc(unsigned long size, gfp_t gfp, unsigned long caller)
{
	unsigned long pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	struct vmap_source src = { .gfp = gfp | __GFP_NOWARN, .prot = PAGE_KERNEL };
	void *start = NULL;

	if (!context_ok("vmalloc", size, caller) || !size_ok("vmalloc", size, caller) ||
	    !mask_ok(size, gfp, caller))
		return NULL;
	if (!(gfp & GFP_ZONEMASK))
		src.gfp |= __GFP_HIGHMEM;
	if (!more_than_memory(pages))
		start = make_area(&src, pages, VM_ALLOC, 0, caller);
	if (!start)
		report_failure("vmalloc", gfp, size, caller);
	return start;
}

void *vmalloc(unsigned long size)
{
	return do_vmalloc(size, GFP_KERNEL, _RET_IP_);
}

void *vzalloc(unsigned long size)
{
	return do_vmalloc(size, GFP_KERNEL | __GFP_ZERO, _RET_IP_);
}

void *__vmalloc(unsigned long size, gfp_t gfp)
{
	return do_vmalloc(size, gfp, _RET_IP_);
}

/* What is wrong with @pages?  NULL: nothing. */
static const char *pages_wrong(struct page **pages, unsigned count)
{
	if (!pages || !count)
		return "no pages";
	for (unsigned i = 0; i < count; i++) {
		if (!page_valid(pages[i]))
			return "an element is no struct page";
		if (PageBuddy(pages[i]) || PagePcp(pages[i]))
			return "an element is a free frame";
	}
	return NULL;
}

void *vmap(struct page **pages, unsigned count, unsigned long flags, pgprot_t prot)
{
	unsigned long caller = _RET_IP_, size = (unsigned long)count << PAGE_SHIFT;
	struct vmap_source src = { .gfp = GFP_KERNEL, .pages = pages, .prot = prot };
	const char *wrong;
	void *start;

	(void)flags;
	if (!context_ok("vmap", count, caller))
		return NULL;
	wrong = pages_wrong(pages, count);
	if (wrong || size >> PAGE_SHIFT != count) {
		misuse(MISUSE_ARGUMENT, caller, "vmap(%p, %u): %s", (void *)pages, count,
		       wrong ? wrong : "wraps around");
		return NULL;
	}
	start = make_area(&src, count, VM_MAP, 0, caller);
	if (!start)
		report_failure("vmap", GFP_KERNEL, size, caller);
	return start;
}

/* What is wrong with [@phys, @phys + @size) as device memory?  NULL: nothing. */
static const char *device_wrong(phys_addr_t phys, size_t size)
{
	phys_addr_t last = phys + size - 1;
	pfn_t pfn = (pfn_t)(last >> PAGE_SHIFT);

	if (!size)
		return "no size";
	if (last < phys || size + (size_t)(phys & ~PAGE_MASK) < size)
		return "wraps around";
	if (pte_pfn(mk_pte(pfn, PAGE_KERNEL_NOCACHE)) != last >> PAGE_SHIFT)
		return "beyond what a page-table entry can name";
	for (pfn = (pfn_t)(phys >> PAGE_SHIFT); pfn < max_pfn && pfn <= last >> PAGE_SHIFT; pfn++)
		if (pfn_valid(pfn) ? !PageReserved(pfn_to_page(pfn)) : pfn_is_deferred(pfn))
			return "memory of the page allocator";
	return NULL;
}

void *ioremap(phys_addr_t phys, size_t size)
{
	unsigned long caller = _RET_IP_, offset = (unsigned long)(phys & ~PAGE_MASK);
	struct vmap_source src = { .pfn = (pfn_t)(phys >> PAGE_SHIFT), .prot = PAGE_KERNEL_NOCACHE };
	const char *wrong = device_wrong(phys, size);
	char *start;

	if (!context_ok("ioremap", size, caller))
		return NULL;
	if (wrong) {
		misuse(MISUSE_ARGUMENT, caller, "ioremap(0x%llx, %lu): %s", (unsigned long long)phys,
		       (unsigned long)size, wrong);
		return NULL;
	}
	start = make_area(&src, DIV_ROUND_UP(offset + size, PAGE_SIZE), VM_IOREMAP, phys, caller);
	if (!start)
		report_failure("ioremap", GFP_KERNEL, size, caller);
	return start ? start + offset : NULL;
}

/* ---- giving back --------------------------------------------------------------- */

/* No area of kind @want starts at @addr: say what is there. */
static __cold_path void report_foreign(unsigned long addr, unsigned want, const struct vmap_area *found,
				       unsigned long caller)
{
	const char *call = undo_call(want), *what = port_describe_address((void *)addr);

	if (!found->end && virt_addr_valid((void *)addr))
		misuse(MISUSE_WRONG_LAYER, caller,
		       "%s(0x%lx): an address of low memory, not of an area; use kfree() or free_pages()",
		       call, addr);
	else if (!found->end)
		misuse(MISUSE_FOREIGN, caller, "%s(0x%lx): no area there%s%s", call, addr, what ? ": " : "",
		       what ? what : "");
	else if (found->start != addr)
		misuse(MISUSE_MIDDLE, caller, "%s(0x%lx): in the middle of the area at 0x%lx of %u pages",
		       call, addr, found->start, found->nr_pages);
	else if (found->state != VMAP_LIVE)
		misuse(MISUSE_DOUBLE_FREE, caller,
		       "%s(0x%lx): double free: the area of %u pages is free already", call, addr,
		       found->nr_pages);
	else
		misuse(MISUSE_WRONG_LAYER, caller, "%s(0x%lx): the area of %u pages is of %s(); use %s()",
		       call, addr, found->nr_pages, kind_call(found->flags), undo_call(found->flags));
}

static void give_back(unsigned long addr, unsigned want, unsigned long caller)
{
	struct vmap_area *area, found;

	if (!addr)
		return;
	if (unlikely(!vmalloc_window[1])) {
		report_context(undo_call(want), addr, caller);
		return;
	}
	area = vmap_area_claim(addr, want, &found);
	if (area)
		unmap_area(area);
	else
		report_foreign(addr, want, &found, caller);
}

void vfree(const void *addr)
{
	give_back((unsigned long)addr, VM_ALLOC, _RET_IP_);
}

void vunmap(const void *addr)
{
	give_back((unsigned long)addr, VM_MAP, _RET_IP_);
}

void iounmap(const volatile void *addr)
{
	give_back((unsigned long)addr & PAGE_MASK, VM_IOREMAP, _RET_IP_);
}

/* ---- looking --------------------------------------------------------------------- */

bool is_vmalloc_addr(const void *p)
{
	unsigned long addr = (unsigned long)p;

	return addr >= vmalloc_window[0] && addr < vmalloc_window[1];
}

/* Is there a page at @addr?  Its frame, if so. */
static bool find_frame(const void *addr, pfn_t *pfn)
{
	pte_t e;

	return is_vmalloc_addr(addr) && pt_leaf(swapper_pg_dir, (unsigned long)addr, &e, pfn);
}

unsigned long vmalloc_to_pfn(const void *addr)
{
	pfn_t pfn;

	return find_frame(addr, &pfn) ? pfn : 0;
}

struct page *vmalloc_to_page(const void *addr)
{
	pfn_t pfn;

	return find_frame(addr, &pfn) && pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
}

/* ---- either kind of memory ------------------------------------------------------- */

static void *do_kvmalloc(size_t size, gfp_t gfp, unsigned long caller)
{
	bool may_vmalloc = gfp & __GFP_WAIT && !(gfp & GFP_ZONEMASK) && size > PAGE_SIZE && !preempt_count();
	gfp_t once = gfp & __GFP_RETRY_MAYFAIL ? 0 : __GFP_NORETRY;
	void *p = NULL;

	if (!may_vmalloc)
		return __kmalloc_caller(size, gfp, caller);
	if (size <= KMALLOC_MAX_SIZE)
		p = __kmalloc_caller(size, (gfp & ~__GFP_NOFAIL) | __GFP_NOWARN | once, caller);
	return p ? p : do_vmalloc(size, gfp, caller);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	return do_kvmalloc(size, gfp, _RET_IP_);
}

void *kvzalloc(size_t size, gfp_t gfp)
{
	return do_kvmalloc(size, gfp | __GFP_ZERO, _RET_IP_);
}

void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		give_back((unsigned long)p, VM_ALLOC, _RET_IP_);
	else
		kfree(p);
}

void *mempool_kvmalloc(gfp_t gfp, void *pool_data)
{
	size_t size = (size_t)pool_data;

	/* an area is made by who may sleep */
	return gfp & __GFP_WAIT || size <= KMALLOC_MAX_SIZE ? kvmalloc(size, gfp) : NULL;
}

void mempool_kvfree(void *element, void *pool_data)
{
	(void)pool_data;
	kvfree(element);
}

/* ---- the layer itself ------------------------------------------------------------- */

void vmalloc_init(void)
{
	vmap_area_init(VMALLOC_START, VMALLOC_END);
	vmalloc_window[0] = VMALLOC_START;
	vmalloc_window[1] = VMALLOC_END;
}

void vmalloc_purge(void)
{
	if (context_ok("vmalloc_purge", 0, _RET_IP_))
		vmap_area_purge(true);
}

void vmalloc_for_each(bool (*fn)(const struct vmalloc_area_info *info, void *arg), void *arg)
{
	struct vmap_area a = { .end = 0 };

	while (vmap_area_next(a.end, &a)) {
		struct vmalloc_area_info info = {
			.start = a.start, .size = a.end - a.start, .caller = a.caller,
			.nr_pages = a.nr_pages, .nr_large = a.nr_large, .flags = a.flags, .phys = a.phys,
		};

		if (!fn(&info, arg))
			return;
	}
}

void vmalloc_get_totals(struct vmalloc_totals *t)
{
	vmap_area_totals(t);
}

/* V.6, V.7 for one area; counts its own frames. */
static int check_pages(const struct vmap_area *a, unsigned long *owned)
{
	pfn_t pfn;

	for (unsigned long i = 0; i < a->nr_pages; i++) {
		const void *addr = (void *)(a->start + (i << PAGE_SHIFT));
		struct page *page = vmalloc_to_page(addr);

		if (!find_frame(addr, &pfn))
			return 6;
		if (a->flags & VM_ALLOC && (!page || !PageVmalloc(page) || !page_count(page)))
			return 7;
		*owned += a->flags & VM_ALLOC ? 1 : 0;
	}
	return find_frame((void *)(a->end - PAGE_SIZE), &pfn) ? 6 : 0;
}

int vmalloc_check(void)
{
	int broken = vmap_area_check();
	struct vmap_area a = { .end = 0 };
	unsigned long owned = 0;
	long counted = 0;
	struct zone *z;

	while (!broken && vmap_area_next(a.end, &a))
		broken = check_pages(&a, &owned);
	for_each_zone(z)
		counted += z->vm_stat[NR_VMALLOC_PAGES];
	return broken ? broken : counted != (long)owned ? 8 : 0;
}
