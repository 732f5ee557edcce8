/* SPDX-License-Identifier: MIT */
/*
 * huge.c: large pages for tasks (rows E5, E7).
 *
 *	area (VM_HUGEPAGE)   |  .  [   span   ][   span   ][   span   ]  . |
 *	                     small      ^ touch                        small
 *
 * A touch in a writable anonymous area that asks for large pages is answered with a whole
 * block, if
 *	- the aligned span of a large page (4 MiB, or 2) around it lies in the area, whole;
 *	- nothing of that span is there yet: its entry of level 2 is empty, or names a
 *	  table that is;
 *	- the page allocator has the block at hand, without effort.
 * Else with a small page, as ever; then the span stays one of small pages until it is
 * empty again.  One fault instead of 1024, one TLB entry, and no table.
 *
 * The block is split into single frames at once (split_page), each with a count of its
 * own: so one of them can be held (get_page), and a part of the block freed.  When a part
 * of a large page is to go, its entry is split first, which takes a table: that is had
 * before the lock is taken, and without it nothing is cut.
 *
 * A table that is empty gives way to a large page: it leaves the tree under mm->lock,
 * and is freed when no TLB knows it.  That is why a slot of level 1 that was found
 * without the lock is looked up again under it (fault.c).
 *
 * Worked example, spans of 4 MiB: area [0x40100000, 0x40d00000), touch 0x40523456: span
 * [0x40400000, 0x40800000) is in it: one block of order 10.  Touch 0x40150000: its span
 * begins at 0x40000000, outside: one frame.  The page at 0x40500000 is cut: a table of
 * 1024 entries, then entry 256 is emptied; 1023 frames stay.
 *
 * Invariants: M.3 to M.7 of vm.c.  Locking: mm->lock, then pt_lock.
 * Failure: a large page that is not to be had is none.  Cost: clearing the block.
 * Unlike Linux: only where it was asked for (MADV_HUGEPAGE), only at the first touch: no
 * thread collects small pages into large ones later.
 */
#include <quarry/vm.h>

#include "vm_internal.h"

#include <quarry/port.h>

void huge_count(struct mm_struct *mm, const struct page *page, long n)
{
	mm->nr_large += (unsigned long)n;
	zone_stat_add(page_zone(page), NR_ANON_THPS, n);
}

bool huge_fits(const struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long start = ALIGN_DOWN(addr, LARGE_SIZE), wanted = VM_HUGEPAGE | VM_WRITE;

	if ((vma->vm_flags & wanted) != wanted || vma->vm_ops || arch_max_huge_level() < 2 || LARGE_ORDER > MAX_PAGE_ORDER)
		return false;
	return start >= vma->vm_start && start < vma->vm_end && vma->vm_end - start >= LARGE_SIZE;
}

/* ---- answering a fault ------------------------------------------------------------ */

/* Is there room for a large page at @slot?  @tables were made on the way to it. */
static bool has_room(struct mm_struct *mm, const pte_t *slot, unsigned tables)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	bool room = slot && pt_room_for_large(slot, 2);

	mm->nr_ptes += tables;
	spin_unlock_irqrestore(&mm->lock, irq);
	return room;
}

/* Cleared; in single frames. */
static struct page *take_block(void)
{
	struct page *block = alloc_pages(GFP_HIGHUSER_MOVABLE | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN, LARGE_ORDER);

	if (block)
		split_page(block, LARGE_ORDER);
	return block;
}

/* Under the lock.  Return: was the block entered?  *@table: an empty table that it replaced. */
static bool enter_block(struct mm_struct *mm, const struct promise *p, unsigned flags, pte_t *slot,
			struct page *block, pte_t **table)
{
	struct vm_area_struct *vma = promise_area(mm, p, flags);

	if (!vma || !huge_fits(vma, p->page_addr) ||
	    !pt_enter_large(slot, 2, mk_huge(page_to_pfn(block), promise_prot(p)), table))
		return false;
	mm_changed(mm);
	mm->nr_ptes -= *table != NULL;
	vma_count(vma, block, (long)LARGE_FRAMES);
	huge_count(mm, block, 1);
	mm->faults++;
	return true;
}

bool huge_fault_in(struct mm_struct *mm, const struct promise *p, unsigned flags)
{
	unsigned long start = ALIGN_DOWN(p->page_addr, LARGE_SIZE), irq;
	unsigned tables = 0;
	pte_t *slot = pt_walk_alloc_counted(mm->pgd, start, 2, &pt_ops_kernel, &tables), *table = NULL;
	struct page *block = has_room(mm, slot, tables) ? take_block() : NULL;
	bool entered;

	if (!block)
		return false;
	irq = spin_lock_irqsave(&mm->lock);
	entered = enter_block(mm, p, flags, slot, block, &table);
	spin_unlock_irqrestore(&mm->lock, irq);
	if (table) {
		port_flush_tlb_user(mm, start, start + LARGE_SIZE);
		pt_ops_kernel.free_table(table);
	}
	if (!entered)
		free_contig_range(page_to_pfn(block), LARGE_FRAMES);
	return entered;
}

/* ---- cutting one ------------------------------------------------------------------- */

/* Under the lock.  Return: was @table used? */
static bool split_with(struct mm_struct *mm, unsigned long addr, pte_t *table)
{
	pfn_t pfn;
	pte_t e;

	if (!pt_crosses(mm->pgd, addr) || !pt_leaf(mm->pgd, addr, &e, &pfn) || !pt_split(mm->pgd, addr, table))
		return false;
	huge_count(mm, pfn_to_page(pfn), -1);
	mm->nr_ptes++;
	return true;
}

static bool crosses(struct mm_struct *mm, unsigned long addr)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	bool yes = pt_crosses(mm->pgd, addr);

	spin_unlock_irqrestore(&mm->lock, irq);
	return yes;
}

int huge_split_at(struct mm_struct *mm, unsigned long addr)
{
	unsigned long irq;
	pte_t *table;
	bool used;

	if (!crosses(mm, addr))
		return 0;
	table = pt_ops_kernel.alloc_table();
	if (!table)
		return -ENOMEM;
	irq = spin_lock_irqsave(&mm->lock);
	used = split_with(mm, addr, table);
	spin_unlock_irqrestore(&mm->lock, irq);
	if (!used)
		pt_ops_kernel.free_table(table);
	return 0;
}

/* ---- asking for them ---------------------------------------------------------------- */

/*
 * Under the lock: give the areas of [@start, @end) the flag, or take it.  @spare: two
 * unused areas, for those that lie in the range in part.  Return: how many were used.
 */
static int flag_areas(struct mm_struct *mm, unsigned long start, unsigned long end, bool wanted,
		      struct vm_area_struct **spare)
{
	struct vm_area_struct *vma;
	int used = 0;

	for (; (vma = find_vma(mm, start)) && vma->vm_start < end; start = vma->vm_end) {
		if (!(vma->vm_flags & VM_HUGEPAGE) == !wanted)
			continue;
		if (vma->vm_start < start) {
			vma_split(vma, spare[used], start);
			vma = spare[used++];
		}
		if (vma->vm_end > end)
			vma_split(vma, spare[used++], end);
		vma->vm_flags ^= VM_HUGEPAGE;
		mm_changed(mm);
	}
	return used;
}

/* Return: areas of @spare that were used; -EBUSY: a large page lies across a border. */
static int try_advise(struct mm_struct *mm, unsigned long start, unsigned long end, bool wanted,
		      struct vm_area_struct **spare)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	int result = -EBUSY;

	if (!pt_crosses(mm->pgd, start) && !pt_crosses(mm->pgd, end))
		result = flag_areas(mm, start, end, wanted, spare);
	spin_unlock_irqrestore(&mm->lock, irq);
	return result;
}

int mm_advise_huge(struct mm_struct *mm, unsigned long start, unsigned long len, bool wanted)
{
	struct vm_area_struct *spare[2] = { NULL, NULL };
	int err = 0, used = -EBUSY;

	if (!mm_range_ok(start, len))
		return -EINVAL;
	for (int i = 0; i < 2 && !err; i++)
		err = (spare[i] = vma_alloc_spare()) ? 0 : -ENOMEM;
	while (!err && used == -EBUSY) {
		err = huge_split_at(mm, start);
		err = err ? err : huge_split_at(mm, start + len);
		used = err ? 0 : try_advise(mm, start, start + len, wanted, spare);
	}
	for (int i = max(used, 0); i < 2; i++)
		vma_free_spare(spare[i]);
	return err;
}
