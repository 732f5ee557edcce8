/* SPDX-License-Identifier: MIT */
/*
 * vm_internal.h: areas and promises; between the files of mm/user only.
 */
#ifndef MM_USER_VM_INTERNAL_H
#define MM_USER_VM_INTERNAL_H

#include <quarry/vm.h>
#include <quarry/zone.h>

/** mm_range_ok() - whole pages of a task's half, at least one? */
static inline bool mm_range_ok(unsigned long start, unsigned long len)
{
	return len && IS_ALIGNED(start | len, PAGE_SIZE) && start >= PAGE_SIZE && start < TASK_SIZE &&
	       len <= TASK_SIZE - start;
}

/** vma_prev() - the area below; NULL for none.  Under mm->lock. */
struct vm_area_struct *vma_prev(struct vm_area_struct *vma);

/** vm_shares() - are the frames of such an area those of its source, which others may map too? */
static inline bool vm_shares(const struct vm_operations *ops, unsigned vm_flags)
{
	return ops && ops->fault && !(vm_flags & VM_WRITE);
}

/** vma_stat_item() - what a frame of this area counts as. */
static inline enum zone_stat_item vma_stat_item(const struct vm_area_struct *vma)
{
	return vm_shares(vma->vm_ops, vma->vm_flags) ? NR_FILE_MAPPED : NR_ANON_PAGES;
}

/** vma_count() - @n more (or fewer) frames of @page's zone are in @vma.  Under mm->lock. */
static inline void vma_count(struct vm_area_struct *vma, const struct page *page, long n)
{
	vma->nr_pages += (unsigned long)n;
	vma->vm_mm->rss += (unsigned long)n;
	if (PageHighMem(page))
		vma->vm_mm->rss_high += (unsigned long)n;
	zone_stat_add(page_zone(page), vma_stat_item(vma), n);
}

/**
 * mm_changed() - areas are others than before, or a page table has gone: a fault that has
 * looked at them must look again.  Under mm->lock.
 */
static inline void mm_changed(struct mm_struct *mm)
{
	mm->changes++;
}

/** vma_split() - make two areas of one; @second, unused yet, is from @at on.  Under mm->lock. */
void vma_split(struct vm_area_struct *vma, struct vm_area_struct *second, unsigned long at);
/** vma_alloc_spare() - an unused area; NULL: no memory.  vma_free_spare(): NULL is ignored. */
struct vm_area_struct *vma_alloc_spare(void);
void vma_free_spare(struct vm_area_struct *vma);

/* ---- zap.c: frames that go -------------------------------------------------------------- */

#define ZAP_SHARED_MAX 32	/* pages in one hold of the lock, where their frames are others', too */

/*
 * Frames taken out of an area, to be freed when no TLB knows them.  A shared one may be in
 * several such heaps at once, and its lru is its keeper's: those have places here.
 */
struct zapped {
	struct vm_area_struct *vma;
	struct list_head pages;
	unsigned long start, end;	/* where they were */
	unsigned nr_shared;
	struct page *shared[ZAP_SHARED_MAX];
};

/** zap_begin() - @z is empty. */
static inline void zap_begin(struct zapped *z)
{
	INIT_LIST_HEAD(&z->pages);
	z->nr_shared = 0;
}

/** zap_piece() - so many bytes of @vma are emptied in one hold of the lock. */
unsigned long zap_piece(const struct vm_area_struct *vma);
/** zap_range() - empty the entries [@start, @end) of @vma, its frames into @z.  Under mm->lock. */
void zap_range(struct zapped *z, struct vm_area_struct *vma, unsigned long start, unsigned long end);
/** zap_finish() - let every TLB forget what is in @z, and give it away.  Without mm->lock. */
void zap_finish(struct mm_struct *mm, struct zapped *z);
/** zap_free() - give it away: no TLB knows it. */
void zap_free(struct zapped *z);

/* ---- fault.c ----------------------------------------------------------------------- */

/* What a fault learnt of the area: all that decides what a page holds, and where it found that. */
struct promise {
	unsigned long page_addr;
	unsigned vm_flags;
	const struct vm_operations *vm_ops;
	void *vm_private;
	unsigned long offset;
	unsigned long changes;		/* mm->changes then: as long as it is that, the rest is true */
	struct vm_area_struct *vma;
	pte_t *slot;			/* the entry of level 1; NULL: there was no table for it */
};

/** promise_area() - the area whose promise is still @p; NULL: none.  Under mm->lock. */
struct vm_area_struct *promise_area(struct mm_struct *mm, const struct promise *p, unsigned flags);
/** promise_prot() - the rights of an entry for it. */
pgprot_t promise_prot(const struct promise *p);

/* ---- huge.c: large pages ------------------------------------------------------------ */

#define LARGE_SIZE (1UL << pt_shift(2))
#define LARGE_ORDER (pt_shift(2) - PAGE_SHIFT)
#define LARGE_FRAMES (1UL << LARGE_ORDER)

/** huge_fits() - may a large page of @vma answer a touch of @addr?  Under mm->lock. */
bool huge_fits(const struct vm_area_struct *vma, unsigned long addr);
/** huge_fault_in() - answer a fault with one.  Return: false: none to be had; a small one has to do. */
bool huge_fault_in(struct mm_struct *mm, const struct promise *p, unsigned flags);
/** huge_count() - @n more (or fewer) large pages, in @page's zone.  Under mm->lock. */
void huge_count(struct mm_struct *mm, const struct page *page, long n);
/** huge_split_at() - see to it that no large page lies across @addr.  Return: 0; -ENOMEM.  May sleep. */
int huge_split_at(struct mm_struct *mm, unsigned long addr);

#endif
