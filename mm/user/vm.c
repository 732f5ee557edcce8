/* SPDX-License-Identifier: MIT */
/*
 * vm.c: address spaces of tasks (row E7).
 *
 *	mm --> pgd     user half: this task's tables; kernel half: shared
 *	   --> areas   text [08048,08049)  data [08049,0804b)  heap ...      stack
 *
 * An area is a promise: these pages, with these rights, with content from there.  A
 * frame comes with the first touch (fault.c) and goes when the area is cut, or with
 * the whole.  Areas are in a list, for walks, and in a tree, for finding; both by
 * address.
 *
 * Cutting works piece by piece, each under one hold of the lock: the piece is the
 * front or the back of an area, as far as one page table serves it, its entries are
 * emptied (zap.c) and the area is shortened; then, without the lock, the TLBs are flushed and
 * only then the frames given away.  A hole in the middle of an area first makes two of it.
 *
 *	before	[a a a a a a a a]	cut the pages 3 and 4:
 *	split	[a a a|a a a a a]	a second area from 5 on ... (needs memory: may fail,
 *	cut	[a a a]    [a a a]	nothing changed); then the back of the first goes
 *
 * Worked example: [0x10000, 0x18000), cut [0x13000, 0x15000): second area
 * [0x15000, 0x18000); the first loses its back [0x13000, 0x15000).
 *
 * Invariants:
 *	M.1  areas are page-aligned, not empty, in [PAGE_SIZE, TASK_SIZE), sorted, and do
 *	     not overlap
 *	M.2  list and tree hold the same areas in the same order; map_count is their
 *	     number; the tree is balanced
 *	M.3  an area's nr_pages is the number of frames that its entries name; their sum is rss
 *	M.4  no entry is present outside of the areas; one in an area without VM_WRITE is
 *	     read-only; those that name high frames number rss_high
 *	M.5  nr_ptes is the number of tables below the directory's user half
 *	M.6  the page tables are sound (pt_check)
 *	M.7  a large page is of level 2 and lies in one anonymous area, whole; nr_large is
 *	     their number
 *	M.8  a reaped mm has no frames
 *
 * Locking: mm->lock for areas, entries and counts of one mm.  It is never held while
 * memory is allocated; who needs some takes it before, and looks again under the lock.
 * Then pt_lock.  mm_free() needs no lock, for nobody else is left.
 *
 * Failure: -ENOMEM with nothing changed.  Cost: O(log areas) to find; O(pages) to cut.
 * Unlike Linux: no merging of neighbours, no sharing of frames between tasks but of
 * pages that nobody may write, no reference counts on an mm.
 */
#include <quarry/vm.h>

#include "vm_internal.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

#define MM_LIVE 0x4d4d6c69u

static struct kmem_cache *mm_cache, *vma_cache;

static inline struct vm_area_struct *vma_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct vm_area_struct, node) : NULL;
}

struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *best = NULL;
	struct rb_node *n = mm->tree.node;

	while (n) {
		struct vm_area_struct *vma = vma_of(n);

		if (addr < vma->vm_end) {
			best = vma;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	return best;
}

struct vm_area_struct *vma_prev(struct vm_area_struct *vma)
{
	return vma_of(rb_prev(&vma->node));
}

/* ---- the two that own list, tree and map_count ------------------------------------- */

/* Enter @vma before @next (NULL: as the last). */
static void link_vma(struct mm_struct *mm, struct vm_area_struct *vma, struct vm_area_struct *next)
{
	vma->vm_mm = mm;
	mm_changed(mm);
	list_add_tail(&vma->link, next ? &next->link : &mm->areas);
	rb_insert_before(&mm->tree, next ? &next->node : NULL, &vma->node);
	mm->map_count++;
}

static void unlink_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	mm_changed(mm);
	list_del(&vma->link);
	rb_erase(&mm->tree, &vma->node);
	mm->map_count--;
}

/* ---- life of an mm ---------------------------------------------------------------------- */

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmem_cache_zalloc(mm_cache, GFP_KERNEL);

	if (!mm)
		return NULL;
	mm->pgd = pt_root_alloc();
	if (!mm->pgd) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	INIT_LIST_HEAD(&mm->areas);
	spin_lock_init(&mm->lock);
	mm->magic = MM_LIVE;
	return mm;
}

static bool is_loaded(const struct mm_struct *mm)
{
	for (unsigned i = 0; i < ARRAY_SIZE(mm->cpu_mask); i++)
		if (READ_ONCE(mm->cpu_mask[i]))
			return true;
	return port_current_mm() == mm;
}

static bool may_free(const struct mm_struct *mm, unsigned long caller)
{
	if (mm->magic != MM_LIVE)
		misuse(MISUSE_DOUBLE_FREE, caller, "mm_free(%p): no address space, or freed already",
		       (const void *)mm);
	else if (is_loaded(mm))
		misuse(MISUSE_BUSY, caller, "mm_free(%p): a CPU has it loaded", (const void *)mm);
	else
		return true;
	return false;
}

static void free_area(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct zapped z;

	zap_begin(&z);
	zap_range(&z, vma, vma->vm_start, vma->vm_end);
	zap_free(&z);
	if (vma->nr_pages)
		mm_panic("mm_free(%p): area %s at 0x%lx lacks %lu frames", (void *)mm, vma->name,
			 vma->vm_start, vma->nr_pages);
	unlink_vma(mm, vma);
	kmem_cache_free(vma_cache, vma);
}

void mm_free(struct mm_struct *mm)
{
	struct vm_area_struct *vma, *next;
	unsigned long tables;

	if (!mm || !may_free(mm, _RET_IP_))
		return;
	mm->magic = 0;
	list_for_each_entry_safe(vma, next, &mm->areas, link)
		free_area(mm, vma);
	tables = pt_free_tables(mm->pgd, 0, TASK_SIZE, &pt_ops_kernel);
	if (tables != mm->nr_ptes || mm->rss)
		mm_panic("mm_free(%p): %lu tables freed, %lu counted; %lu frames left", (void *)mm, tables,
			 mm->nr_ptes, mm->rss);
	pt_root_free(mm->pgd);
	kmem_cache_free(mm_cache, mm);
}

/* ---- mapping ------------------------------------------------------------------------------ */

int mm_map(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned flags,
	   const char *name, const struct vm_operations *ops, void *private)
{
	struct vm_area_struct *vma, *next;
	unsigned long irq;
	int err = 0;

	if (!mm_range_ok(start, len))
		return -EINVAL;
	vma = kmem_cache_alloc(vma_cache, GFP_KERNEL);
	if (!vma)
		return -ENOMEM;
	*vma = (struct vm_area_struct){ .vm_start = start, .vm_end = start + len, .vm_flags = flags,
					.name = name, .vm_ops = ops, .vm_private = private };
	irq = spin_lock_irqsave(&mm->lock);
	next = find_vma(mm, start);
	if (next && next->vm_start < start + len)
		err = -EEXIST;
	else
		link_vma(mm, vma, next);
	spin_unlock_irqrestore(&mm->lock, irq);
	if (err)
		kmem_cache_free(vma_cache, vma);
	return err;
}

unsigned long mm_find_gap(struct mm_struct *mm, unsigned long hint, unsigned long len)
{
	unsigned long at = PAGE_ALIGN(max(hint, PAGE_SIZE)), irq;
	struct vm_area_struct *vma;

	len = PAGE_ALIGN(len);
	irq = spin_lock_irqsave(&mm->lock);
	for (vma = find_vma(mm, at); vma && len; vma = vma_of(rb_next(&vma->node))) {
		if (at < vma->vm_start && vma->vm_start - at >= len)
			break;
		at = vma->vm_end;
	}
	spin_unlock_irqrestore(&mm->lock, irq);
	return mm_range_ok(at, len) ? at : 0;
}

/* ---- cutting ------------------------------------------------------------------------------- */

/* Present entries in [@start, @end). */
static unsigned long count_present(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long pages = 0;
	int level;

	while (start < end) {
		if (pte_present(get_pte(pt_lookup(mm->pgd, start, &level))))
			pages += 1UL << (pt_shift(level) - PAGE_SHIFT);
		start = (start | ((1UL << pt_shift(level)) - 1)) + 1;
	}
	return pages;
}

void vma_split(struct vm_area_struct *vma, struct vm_area_struct *second, unsigned long at)
{
	struct mm_struct *mm = vma->vm_mm;

	*second = *vma;
	second->vm_start = at;
	second->vm_offset += at - vma->vm_start;
	second->nr_pages = count_present(mm, at, vma->vm_end);
	vma->nr_pages -= second->nr_pages;
	vma->vm_end = at;
	link_vma(mm, second, vma_of(rb_next(&vma->node)));
}

struct vm_area_struct *vma_alloc_spare(void)
{
	return kmem_cache_alloc(vma_cache, GFP_KERNEL);
}

void vma_free_spare(struct vm_area_struct *vma)
{
	kmem_cache_free(vma_cache, vma);
}

enum cut { CUT_DONE, CUT_MORE, CUT_NEEDS_SPARE, CUT_NEEDS_SPLIT };

/*
 * Under the lock: cut one piece of [@start, @end).  *@spare: an unused area, taken
 * when one has to be split; an area that vanishes is left in *@dead.  Pieces end where
 * page tables do, so that only the borders of the whole can cut a large page in two.
 */
static enum cut cut_piece(struct mm_struct *mm, unsigned long start, unsigned long end,
			  struct vm_area_struct **spare, struct vm_area_struct **dead, struct zapped *z)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	unsigned long from, to, piece;

	if (!vma || vma->vm_start >= end)
		return CUT_DONE;
	if (pt_crosses(mm->pgd, start) || pt_crosses(mm->pgd, end))
		return CUT_NEEDS_SPLIT;
	from = max(start, vma->vm_start);
	to = min(end, vma->vm_end);
	if (from > vma->vm_start && to < vma->vm_end) {
		if (!*spare)
			return CUT_NEEDS_SPARE;
		vma_split(vma, *spare, to);
		*spare = NULL;
	}
	piece = zap_piece(vma);
	if (from == vma->vm_start) {
		to = min(to, ALIGN_DOWN(from, piece) + piece);
		zap_range(z, vma, from, to);
		vma->vm_offset += to - from;
		vma->vm_start = to;
	} else {
		from = max(from, ALIGN_DOWN(to - 1, piece));
		zap_range(z, vma, from, to);
		vma->vm_end = from;
	}
	mm_changed(mm);
	if (vma->vm_start == vma->vm_end) {
		unlink_vma(mm, vma);
		*dead = vma;
	}
	return CUT_MORE;
}

/* Cut one piece and give its frames away. */
static enum cut unmap_piece(struct mm_struct *mm, unsigned long start, unsigned long end,
			    struct vm_area_struct **spare)
{
	struct vm_area_struct *dead = NULL;
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	enum cut result;
	struct zapped z;

	zap_begin(&z);
	result = cut_piece(mm, start, end, spare, &dead, &z);
	spin_unlock_irqrestore(&mm->lock, irq);
	zap_finish(mm, &z);
	kmem_cache_free(vma_cache, dead);
	return result;
}

/* What the next piece needs, taken without the lock.  Return: 0; -ENOMEM. */
static int provide(struct mm_struct *mm, enum cut need, unsigned long start, unsigned long end,
		   struct vm_area_struct **spare)
{
	int err = 0;

	if (need == CUT_NEEDS_SPARE && !(*spare = vma_alloc_spare()))
		err = -ENOMEM;
	if (need == CUT_NEEDS_SPLIT)
		err = huge_split_at(mm, start);
	if (need == CUT_NEEDS_SPLIT && !err)
		err = huge_split_at(mm, end);
	return err;
}

int mm_unmap(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *spare = NULL;
	enum cut result;
	int err = 0;

	if (!mm_range_ok(start, len))
		return -EINVAL;
	do {
		result = unmap_piece(mm, start, start + len, &spare);
		err = provide(mm, result, start, start + len, &spare);
	} while (result != CUT_DONE && !err);
	vma_free_spare(spare);
	return err;
}

unsigned long mm_file_pages(struct mm_struct *mm)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock), n = 0;
	const struct vm_area_struct *vma;

	list_for_each_entry(vma, &mm->areas, link)
		n += vm_shares(vma->vm_ops, vma->vm_flags) ? vma->nr_pages : 0;
	spin_unlock_irqrestore(&mm->lock, irq);
	return n;
}

/* ---- the heap --------------------------------------------------------------------------------- */

/* Lengthen the area that ends at @end and belongs to the heap.  Return: false: there is none such. */
static bool extend_heap(struct mm_struct *mm, unsigned long end, unsigned long new_end)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct vm_area_struct *vma = end > mm->start_brk ? find_vma(mm, end - 1) : NULL, *next;
	bool found = vma && vma->vm_end == end && vma->vm_start >= PAGE_ALIGN(mm->start_brk) && !vma->vm_ops;

	if (found) {
		next = vma_of(rb_next(&vma->node));
		found = !next || next->vm_start >= new_end;
	}
	if (found) {
		vma->vm_end = new_end;
		mm_changed(mm);
	}
	spin_unlock_irqrestore(&mm->lock, irq);
	return found;
}

unsigned long mm_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long end = PAGE_ALIGN(mm->brk), new_end;
	int err = 0;

	if (brk < mm->start_brk || brk > TASK_SIZE)
		return mm->brk;
	new_end = PAGE_ALIGN(brk);
	if (new_end < end)
		err = mm_unmap(mm, new_end, end - new_end);
	else if (new_end > end && !extend_heap(mm, end, new_end))
		err = mm_map(mm, end, new_end - end, VM_READ | VM_WRITE, "heap", NULL, NULL);
	if (!err)
		mm->brk = brk;
	return mm->brk;
}

/* ---- the layer itself ---------------------------------------------------------------------------- */

void vm_init(void)
{
	mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm_struct), 0,
				     SLAB_HWCACHE_ALIGN | SLAB_PANIC, NULL);
	vma_cache = kmem_cache_create("vm_area_struct", sizeof(struct vm_area_struct), 0, SLAB_PANIC, NULL);
}

/* M.1 and M.2. */
static int check_areas(struct mm_struct *mm)
{
	struct rb_node *n = rb_first(&mm->tree);
	unsigned long prev_end = PAGE_SIZE;
	struct vm_area_struct *vma;
	unsigned count = 0;

	list_for_each_entry(vma, &mm->areas, link) {
		if (vma->vm_start < prev_end || vma->vm_end <= vma->vm_start || vma->vm_end > TASK_SIZE ||
		    !IS_ALIGNED(vma->vm_start | vma->vm_end, PAGE_SIZE))
			return 1;
		if (vma_of(n) != vma || vma->vm_mm != mm)
			return 2;
		prev_end = vma->vm_end;
		n = rb_next(n);
		count++;
	}
	return n || count != mm->map_count || rb_check(&mm->tree) ? 2 : 0;
}

/* M.4 for one present entry. */
static bool entry_wrong(struct mm_struct *mm, pte_t e, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return !vma || addr < vma->vm_start || (pte_write(e) && !(vma->vm_flags & VM_WRITE));
}

/* M.7 for a large page. */
static bool large_wrong(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma->vm_ops || vma->vm_end - addr < LARGE_SIZE;
}

/* M.3, M.4, M.7 and M.8. */
static int check_entries(struct mm_struct *mm)
{
	unsigned long rss = 0, high = 0, large = 0, in_areas = 0;
	struct vm_area_struct *vma;
	int level;

	for (unsigned long a = 0; a < TASK_SIZE; a = (a | ((1UL << pt_shift(level)) - 1)) + 1) {
		pte_t e = get_pte(pt_lookup(mm->pgd, a, &level));
		unsigned long n = 1UL << (pt_shift(level) - PAGE_SHIFT);

		if (!pte_present(e))
			continue;
		if (entry_wrong(mm, e, a))
			return 4;
		if (level > 2 || (level > 1 && large_wrong(mm, a)))
			return 7;
		rss += n;
		large += level > 1;
		high += PageHighMem(pfn_to_page(pte_pfn(e))) ? n : 0;
	}
	list_for_each_entry(vma, &mm->areas, link) {
		if (vma->nr_pages != count_present(mm, vma->vm_start, vma->vm_end))
			return 3;
		in_areas += vma->nr_pages;
	}
	if (rss != mm->rss || in_areas != rss)
		return 3;
	if (mm->reaped && rss)
		return 8;
	return high != mm->rss_high ? 4 : large != mm->nr_large ? 7 : 0;
}

int mm_check(struct mm_struct *mm)
{
	int broken = check_areas(mm);

	if (!broken && pt_check(mm->pgd, 0, TASK_SIZE))
		broken = 6;
	if (!broken)
		broken = check_entries(mm);
	if (!broken && pt_count_tables(mm->pgd, 0, TASK_SIZE) != mm->nr_ptes)
		broken = 5;
	return broken;
}
