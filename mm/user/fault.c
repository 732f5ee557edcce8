/* SPDX-License-Identifier: MIT */
/*
 * fault.c: a page for whoever touches a promise (row E7).
 *
 *	touch -> empty entry -> fault -> area? rights? -> frame, content, table
 *	      -> entry -> the instruction runs again, and never knows
 *
 * Check, then commit.  A frame and tables may have to be waited for, content may have
 * to be read, so none of that happens under the lock:
 *
 *	1. under the lock: find the area, check the rights, note what its pages hold
 *	2. without it: take a frame, fill it, make the page tables on the way
 *	3. under the lock: is the promise still the same, the entry still empty?  Then
 *	   enter the frame.  Else give it back: a second thread was faster (the entry is
 *	   there: fine), or the area is gone (the instruction faults again, and is told)
 *
 * A stack (VM_GROWSDOWN) that is touched below its start grows down to the page
 * touched: to at most VM_STACK_MAX, and not nearer than VM_STACK_GAP to the area
 * below.  Worked example: stack [0x4ff00000, 0x4ff04000), touch 0x4feff8a0: it now
 * starts at 0x4feff000.
 *
 * Invariants: those of vm.c.  Locking: mm->lock; never while allocating.
 * Failure: every way out of step 2 and 3 gives the frame back; tables made stay with
 * the mm and are counted.  Cost: O(log areas), one frame, clearing or filling it.
 */
#include <quarry/vm.h>

#include "vm_internal.h"

#include <quarry/highmem.h>
#include <quarry/string.h>

/* What step 1 learnt: all that decides what a page holds. */
struct promise {
	unsigned long page_addr;
	unsigned vm_flags;
	const struct vm_operations *vm_ops;
	void *vm_private;
	unsigned long offset;
};

static bool same_promise(const struct promise *a, const struct promise *b)
{
	return a->page_addr == b->page_addr && a->vm_flags == b->vm_flags && a->vm_ops == b->vm_ops &&
	       a->vm_private == b->vm_private && a->offset == b->offset;
}

static bool rights_allow(unsigned vm_flags, unsigned fault_flags)
{
	if (fault_flags & FAULT_FLAG_WRITE)
		return vm_flags & VM_WRITE;
	if (fault_flags & FAULT_FLAG_EXEC)
		return vm_flags & VM_EXEC;
	return vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
}

/* May the stack @vma begin at @page_addr?  Then it does. */
static bool grow_stack(struct vm_area_struct *vma, unsigned long page_addr)
{
	struct vm_area_struct *below = vma_prev(vma);
	unsigned long lowest = below ? below->vm_end + VM_STACK_GAP : PAGE_SIZE;

	if (!(vma->vm_flags & VM_GROWSDOWN) || vma->vm_end - page_addr > VM_STACK_MAX || page_addr < lowest)
		return false;
	vma->vm_offset -= vma->vm_start - page_addr;
	vma->vm_start = page_addr;
	return true;
}

/* Step 1, under the lock. */
static enum vm_fault find_promise(struct mm_struct *mm, unsigned long addr, unsigned flags, struct promise *p,
				  struct vm_area_struct **area)
{
	unsigned long page_addr = addr & PAGE_MASK;
	struct vm_area_struct *vma = addr < TASK_SIZE ? find_vma(mm, addr) : NULL;

	if (!vma || (page_addr < vma->vm_start && !grow_stack(vma, page_addr)))
		return VM_FAULT_SEGV;
	if (!rights_allow(vma->vm_flags, flags))
		return VM_FAULT_PROT;
	*p = (struct promise){
		.page_addr = page_addr, .vm_flags = vma->vm_flags, .vm_ops = vma->vm_ops,
		.vm_private = vma->vm_private, .offset = page_addr - vma->vm_start + vma->vm_offset,
	};
	*area = vma;
	return VM_FAULT_OK;
}

static bool is_present(struct mm_struct *mm, unsigned long addr)
{
	int level;
	pte_t *slot = pt_lookup(mm->pgd, addr, &level);

	return level == 1 && pte_present(*slot);
}

/* Step 2: the frame with its content. */
static enum vm_fault make_page(const struct promise *p, struct page **page)
{
	void *addr;
	int err = 0;

	*page = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!*page)
		return VM_FAULT_OOM;
	addr = kmap_local_page(*page);
	if (addr) {
		if (p->vm_ops)
			err = p->vm_ops->fill(p->vm_private, p->offset, addr);
		else
			clear_page(addr);
		kunmap_local(addr);
	}
	if (addr && !err)
		return VM_FAULT_OK;
	__free_page(*page);
	*page = NULL;
	return addr ? VM_FAULT_SIGBUS : VM_FAULT_OOM;
}

static pgprot_t page_prot(unsigned vm_flags)
{
	if (vm_flags & VM_EXEC)
		return vm_flags & VM_WRITE ? PAGE_SHARED_EXEC : PAGE_READONLY_EXEC;
	return vm_flags & VM_WRITE ? PAGE_SHARED : PAGE_READONLY;
}

/* Step 3, under the lock.  Return: was the frame entered? */
static bool enter_page(struct mm_struct *mm, const struct promise *p, unsigned flags, pte_t *slot,
		       struct page *page)
{
	struct vm_area_struct *vma;
	struct promise now;

	if (find_promise(mm, p->page_addr, flags, &now, &vma) != VM_FAULT_OK || !same_promise(p, &now) ||
	    !pte_none(*slot))
		return false;
	set_pte(slot, mk_pte(page_to_pfn(page), page_prot(p->vm_flags)));
	vma->nr_pages++;
	mm->rss++;
	mm->rss_high += PageHighMem(page);
	mm->faults++;
	zone_stat_add(page_zone(page), vma_stat_item(vma), 1);
	return true;
}

static enum vm_fault fault_in(struct mm_struct *mm, const struct promise *p, unsigned flags)
{
	unsigned tables = 0;
	struct page *page;
	unsigned long irq;
	bool entered;
	pte_t *slot;
	enum vm_fault result = make_page(p, &page);

	if (result != VM_FAULT_OK)
		return result;
	slot = pt_walk_alloc_counted(mm->pgd, p->page_addr, 1, &pt_ops_kernel, &tables);
	irq = spin_lock_irqsave(&mm->lock);
	mm->nr_ptes += tables;
	entered = slot && enter_page(mm, p, flags, slot, page);
	spin_unlock_irqrestore(&mm->lock, irq);
	if (!entered)
		__free_page(page);
	return slot ? VM_FAULT_OK : VM_FAULT_OOM;
}

enum vm_fault handle_mm_fault(struct mm_struct *mm, unsigned long addr, unsigned flags)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct vm_area_struct *vma;
	struct promise p;
	enum vm_fault result = find_promise(mm, addr, flags, &p, &vma);
	bool present = result == VM_FAULT_OK && is_present(mm, addr);

	spin_unlock_irqrestore(&mm->lock, irq);
	if (present)
		flush_tlb_page(p.page_addr);	/* entered meanwhile, by another thread of the task */
	else if (result == VM_FAULT_OK)
		result = fault_in(mm, &p, flags);
	return result;
}

/* ---- copying ---------------------------------------------------------------------------- */

/* The frame at @addr, one more user of it; NULL when nothing is there, or no right to write. */
static struct page *get_present_page(struct mm_struct *mm, unsigned long addr, bool write)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct page *page = NULL;
	int level;
	pte_t e = *pt_lookup(mm->pgd, addr, &level);

	if (addr < TASK_SIZE && level == 1 && pte_present(e) && (pte_write(e) || !write)) {
		page = pfn_to_page(pte_pfn(e));
		get_page(page);
	}
	spin_unlock_irqrestore(&mm->lock, irq);
	return page;
}

static struct page *get_mm_page(struct mm_struct *mm, unsigned long addr, bool write)
{
	unsigned flags = FAULT_FLAG_USER | (write ? FAULT_FLAG_WRITE : 0);
	struct page *page;

	do {
		page = get_present_page(mm, addr, write);
	} while (!page && handle_mm_fault(mm, addr, flags) == VM_FAULT_OK);
	return page;
}

/* Copy [@addr, @addr + @n), which lies in one page, to or from @buf. */
static bool copy_in_page(struct mm_struct *mm, unsigned long addr, char *buf, unsigned long n, bool write)
{
	struct page *page = get_mm_page(mm, addr, write);
	char *at = page ? kmap_local_page(page) : NULL;

	if (at) {
		if (write)
			memcpy(at + (addr & ~PAGE_MASK), buf, n);
		else
			memcpy(buf, at + (addr & ~PAGE_MASK), n);
		kunmap_local(at);
	}
	if (page)
		put_page(page);
	return at != NULL;
}

static unsigned long copy_mm(struct mm_struct *mm, unsigned long addr, char *buf, unsigned long n, bool write)
{
	while (n) {
		unsigned long here = min(n, PAGE_SIZE - (addr & ~PAGE_MASK));

		if (!copy_in_page(mm, addr, buf, here, write))
			break;
		addr += here;
		buf += here;
		n -= here;
	}
	return n;
}

unsigned long copy_from_mm(struct mm_struct *mm, void *to, unsigned long from, unsigned long n)
{
	return copy_mm(mm, from, to, n, false);
}

unsigned long copy_to_mm(struct mm_struct *mm, unsigned long to, const void *from, unsigned long n)
{
	return copy_mm(mm, to, (char *)from, n, true);
}
