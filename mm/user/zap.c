/* SPDX-License-Identifier: MIT */
/*
 * zap.c: frames that go from a task (rows E4, E7).
 *
 * Three steps, in this order, or another CPU writes to a frame that is somebody else's:
 *
 *	1. under mm->lock: the entries of a piece are emptied, their frames put into a heap
 *	   (struct zapped) on the stack
 *	2. without it: every CPU that has the mm loaded forgets the piece
 *	3. the frames are given away
 *
 * A piece is what one page table serves, so that the lock is not held for long; of an area
 * whose frames are its source's, too (vm_ops->fault), as much as the heap has places for.
 *
 * Cutting (vm.c) shortens the area in step 1.  Two others leave it as it is:
 *
 *	mm_reap		all frames of a task that is to end; no fault gets one any more
 *	mm_forget	those that the area's source has, too: the next touch asks it again
 *
 * Invariants: M.3, M.8 of vm.c.  Nothing here allocates.
 */
#include "vm_internal.h"

#include <quarry/port.h>

static void put_shared(struct zapped *z)
{
	while (z->nr_shared)
		put_page(z->shared[--z->nr_shared]);
}

/* There is a place: a piece has no more of them, and of an mm that goes whole no TLB knows any. */
static void zap_shared(struct zapped *z, struct page *page)
{
	if (z->nr_shared == ZAP_SHARED_MAX)
		put_shared(z);
	z->shared[z->nr_shared++] = page;
	vma_count(z->vma, page, -1);
}

static __always_inline void zap_frames(struct zapped *z, struct page *page, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		list_add_tail(&page[i].lru, &z->pages);
	vma_count(z->vma, page, -(long)n);
}

static void zap_entry(pte_t old, unsigned long addr, int level, void *zapped)
{
	struct zapped *z = zapped;
	struct page *page = pfn_to_page(pte_pfn(old));

	(void)addr;
	if (unlikely(vm_shares(z->vma->vm_ops, z->vma->vm_flags))) {
		zap_shared(z, page);
	} else if (likely(level == 1)) {
		zap_frames(z, page, 1);
	} else {
		zap_frames(z, page, LARGE_FRAMES);
		huge_count(z->vma->vm_mm, page, -1);
	}
}

void zap_range(struct zapped *z, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	z->vma = vma;
	z->start = start;
	z->end = end;
	if (vma->nr_pages)
		pt_unmap_range(vma->vm_mm->pgd, start, end - start, zap_entry, z);
}

unsigned long zap_piece(const struct vm_area_struct *vma)
{
	return vm_shares(vma->vm_ops, vma->vm_flags) ? ZAP_SHARED_MAX * PAGE_SIZE : 1UL << pt_shift(2);
}

void zap_free(struct zapped *z)
{
	put_pages_list(&z->pages);	/* those that somebody copies from outlive this */
	put_shared(z);
}

void zap_finish(struct mm_struct *mm, struct zapped *z)
{
	if (!list_empty(&z->pages) || z->nr_shared)
		port_flush_tlb_user(mm, z->start, z->end);
	zap_free(z);
}

/* ---- taken while the areas stay ------------------------------------------------------------ */

/* Empty one piece of the areas, from *@at on.  Return: was there one? */
static bool reap_piece(struct mm_struct *mm, unsigned long *at)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock), from, piece;
	struct vm_area_struct *vma = find_vma(mm, *at);
	struct zapped z;

	zap_begin(&z);
	mm->reaped = true;
	mm_changed(mm);
	if (vma) {
		from = max(*at, vma->vm_start);
		piece = zap_piece(vma);
		*at = vma->nr_pages ? min(ALIGN_DOWN(from, piece) + piece, vma->vm_end) : vma->vm_end;
		zap_range(&z, vma, from, *at);
	}
	spin_unlock_irqrestore(&mm->lock, irq);
	zap_finish(mm, &z);
	return vma;
}

void mm_reap(struct mm_struct *mm)
{
	unsigned long at = 0;

	while (reap_piece(mm, &at))
		;
}

/* Up to @end, or as far as one hold of the lock goes.  Return: where that is. */
static unsigned long forget_piece(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long *n)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct vm_area_struct *vma = find_vma(mm, start);
	struct zapped z;

	zap_begin(&z);
	if (vma && vm_shares(vma->vm_ops, vma->vm_flags)) {
		start = max(start, vma->vm_start);
		end = min(end, vma->vm_end);
		end = min(end, start + zap_piece(vma));
		if (start < end)
			zap_range(&z, vma, start, end);
	} else if (vma) {
		end = min(end, vma->vm_end);
	}
	spin_unlock_irqrestore(&mm->lock, irq);
	*n += z.nr_shared;
	zap_finish(mm, &z);
	return end;
}

unsigned long mm_forget(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	unsigned long end = start + len, n = 0;

	while (mm_range_ok(start, len) && start < end)
		start = forget_piece(mm, start, end, &n);
	return n;
}
