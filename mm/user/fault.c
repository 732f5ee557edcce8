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
 * Most often nothing has changed between 1 and 3, which mm->changes tells: then area and
 * entry are where they were.
 *
 * A stack (VM_GROWSDOWN) that is touched below its start grows down to the page
 * touched: to at most VM_STACK_MAX, and not nearer than VM_STACK_GAP to the area
 * below.  Worked example: stack [0x4ff00000, 0x4ff04000), touch 0x4feff8a0: it now
 * starts at 0x4feff000.
 *
 * A large page is tried first where the area asks for them (huge.c).
 *
 * Invariants: those of vm.c.  Locking: mm->lock; never while allocating.
 * Failure: every way out of step 2 and 3 gives the frame back; tables made stay with
 * the mm and are counted.  Cost: O(log areas), one frame, clearing or filling it.
 */
#include <quarry/vm.h>

#include "vm_internal.h"

#include <quarry/highmem.h>
#include <quarry/pressure.h>
#include <quarry/string.h>

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
	mm_changed(vma->vm_mm);
	return true;
}

/* Step 1, under the lock. */
static enum vm_fault find_promise(struct mm_struct *mm, unsigned long addr, unsigned flags, struct promise *p)
{
	unsigned long page_addr = addr & PAGE_MASK;
	struct vm_area_struct *vma = addr < TASK_SIZE ? find_vma(mm, addr) : NULL;

	if (mm->reaped)
		return VM_FAULT_OOM;
	if (!vma || (page_addr < vma->vm_start && !grow_stack(vma, page_addr)))
		return VM_FAULT_SEGV;
	if (!rights_allow(vma->vm_flags, flags))
		return VM_FAULT_PROT;
	*p = (struct promise){
		.page_addr = page_addr, .vm_flags = vma->vm_flags, .vm_ops = vma->vm_ops,
		.vm_private = vma->vm_private, .offset = page_addr - vma->vm_start + vma->vm_offset,
		.changes = mm->changes, .vma = vma,
	};
	return VM_FAULT_OK;
}

struct vm_area_struct *promise_area(struct mm_struct *mm, const struct promise *p, unsigned flags)
{
	struct promise now;

	if (likely(p->changes == mm->changes))
		return p->vma;
	if (find_promise(mm, p->page_addr, flags, &now) != VM_FAULT_OK || !same_promise(p, &now))
		return NULL;
	return now.vma;
}

/* Under the lock: where the page's entry is, if it has a table.  Return: is a page there? */
static bool look_at_entry(struct mm_struct *mm, struct promise *p)
{
	int level;
	pte_t *slot = pt_lookup(mm->pgd, p->page_addr, &level);

	p->slot = level == 1 ? slot : NULL;
	return pte_present(get_pte(slot));
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

pgprot_t promise_prot(const struct promise *p)
{
	unsigned vm_flags = p->vm_flags;

	if (vm_flags & VM_EXEC)
		return vm_flags & VM_WRITE ? PAGE_SHARED_EXEC : PAGE_READONLY_EXEC;
	return vm_flags & VM_WRITE ? PAGE_SHARED : PAGE_READONLY;
}

/* Step 3, under the lock.  Return: was the frame entered? */
static bool enter_page(struct mm_struct *mm, struct promise *p, unsigned flags, struct page *page)
{
	struct vm_area_struct *vma = promise_area(mm, p, flags);

	if (unlikely(p->changes != mm->changes) || !p->slot)
		look_at_entry(mm, p);	/* the table may have come or gone meanwhile: huge.c */
	if (!vma || !p->slot || !pte_none(get_pte(p->slot)))
		return false;
	set_pte(p->slot, mk_pte(page_to_pfn(page), promise_prot(p)));
	vma_count(vma, page, 1);
	mm->faults++;
	return true;
}

/* Step 3.  Return: was memory for a table lacking? */
static bool enter_or_free(struct mm_struct *mm, struct promise *p, unsigned flags, struct page *page)
{
	unsigned tables = 0;
	bool walked = p->slot || pt_walk_alloc_counted(mm->pgd, p->page_addr, 1, &pt_ops_kernel, &tables);
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	bool entered, lacking;

	mm->nr_ptes += tables;
	entered = walked && enter_page(mm, p, flags, page);
	/* a large page in the way is not a lack, nor is one that has gone with its area */
	lacking = !walked && !look_at_entry(mm, p) && promise_area(mm, p, flags);
	spin_unlock_irqrestore(&mm->lock, irq);
	if (!entered)
		__free_page(page);
	return lacking;
}

static enum vm_fault fault_in(struct mm_struct *mm, struct promise *p, unsigned flags)
{
	struct page *page;
	enum vm_fault result = make_page(p, &page);

	if (result != VM_FAULT_OK)
		return result;
	return enter_or_free(mm, p, flags, page) ? VM_FAULT_OOM : VM_FAULT_OK;
}

enum vm_fault handle_mm_fault(struct mm_struct *mm, unsigned long addr, unsigned flags)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct promise p;
	enum vm_fault result = find_promise(mm, addr, flags, &p);
	bool present = result == VM_FAULT_OK && look_at_entry(mm, &p);
	bool huge = result == VM_FAULT_OK && p.vm_flags & VM_HUGEPAGE && huge_fits(p.vma, addr);

	spin_unlock_irqrestore(&mm->lock, irq);
	count_vm_event(PGFAULT);
	if (present)
		flush_tlb_page(p.page_addr);	/* entered meanwhile, by another thread of the task */
	else if (result == VM_FAULT_OK && !(huge && huge_fault_in(mm, &p, flags)))
		result = fault_in(mm, &p, flags);
	return result;
}

/* ---- copying ---------------------------------------------------------------------------- */

/* The frame at @addr, one more user of it; NULL when nothing is there, or no right to write. */
static struct page *get_present_page(struct mm_struct *mm, unsigned long addr, bool write)
{
	unsigned long irq = spin_lock_irqsave(&mm->lock);
	struct page *page = NULL;
	pfn_t pfn;
	pte_t e;

	if (addr < TASK_SIZE && pt_leaf(mm->pgd, addr, &e, &pfn) && (pte_write(e) || !write)) {
		page = pfn_to_page(pfn);
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
