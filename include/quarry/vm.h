/* SPDX-License-Identifier: MIT */
/*
 * vm.h: address spaces of tasks, filled by page faults (row E7).
 *
 * An mm_struct is a page directory and a sorted set of areas.  An area promises
 * memory; a frame comes with the first touch, from high memory first.
 */
#ifndef QUARRY_VM_H
#define QUARRY_VM_H

#include <quarry/pgtable.h>
#include <quarry/rbtree.h>
#include <quarry/spinlock.h>

#define VM_READ 0x1u
#define VM_WRITE 0x2u
#define VM_EXEC 0x4u
#define VM_GROWSDOWN 0x100u	/* a stack: grows down to meet a touch just below it */
#define VM_HUGEPAGE 0x20000000u	/* large pages, where they fit and can be had; anonymous areas only */

struct mm_struct;

/* How far a stack may grow, and what stays free below it. */
#define VM_STACK_MAX (8UL << 20)
#define VM_STACK_GAP PAGE_SIZE

/*
 * Where an area's pages get their first content.  Both may sleep; no lock is held.  NULL
 * vm_ops: cleared pages (anonymous).
 *
 * @fill writes PAGE_SIZE bytes of the area's offset @offset to @to, which is mapped for
 * the calling thread only, and returns 0 or -errno.
 *
 * @fault, if there is one, serves areas that nobody may write: *@page is a frame that
 * holds that content already, with a reference more, which goes by put_page() when the
 * page is unmapped.  Many areas may be given the same frame.  0 or -errno.
 */
struct vm_operations {
	int (*fill)(void *private, unsigned long offset, void *to);
	int (*fault)(void *private, unsigned long offset, struct page **page);
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;	/* page-aligned, end exclusive */
	unsigned vm_flags;
	const char *name;		/* "text", "heap" ...: kept by pointer */
	const struct vm_operations *vm_ops;
	void *vm_private;
	unsigned long vm_offset;	/* the offset of vm_start: 0, until the front is cut off */
	struct mm_struct *vm_mm;
	struct list_head link;		/* mm->areas, by address */
	struct rb_node node;		/* mm->tree, the same order */
	unsigned long nr_pages;		/* frames in it now */
};

struct mm_struct {
	pte_t *pgd;
	struct list_head areas;
	struct rb_root tree;
	unsigned map_count;
	unsigned long rss;		/* frames in use by areas */
	unsigned long rss_high;		/* of them, from ZONE_HIGHMEM */
	unsigned long nr_large;		/* large pages among what maps them */
	unsigned long nr_ptes;		/* page tables, the directory apart */
	unsigned long start_brk, brk;	/* the heap; set by the program loader, then by mm_brk() */
	unsigned long faults;		/* page faults answered with a frame */
	unsigned long changes;		/* of areas and tables, see mm_changed() */
	unsigned magic;			/* MM_LIVE until mm_free() */
	bool reaped;			/* mm_reap(): no frame comes in any more */
	unsigned oom_waits;		/* for the end of its task, since then (mm/pressure/oom.c) */
	spinlock_t lock;		/* areas, tables, counts */
	/* CPUs that have it loaded; the port's */
	unsigned long cpu_mask[(NR_CPUS + 8 * sizeof(long) - 1) / (8 * sizeof(long))];
};

/**
 * mm_alloc() - an empty address space with the kernel's half of the directory.
 * Thread, may sleep.  NULL: no memory.  Undo: mm_free().
 */
struct mm_struct *mm_alloc(void);
/**
 * mm_free() - unmap everything, free every frame, table and area; NULL is ignored
 * Refused with a report: one that a CPU has loaded, one freed already.  Nobody else
 * may use it any more.  Context: thread.  O(areas + pages + tables).
 */
void mm_free(struct mm_struct *mm);

/**
 * mm_map() - a new area
 * @start, @len: page-aligned, within [PAGE_SIZE, TASK_SIZE), not over another area
 * @flags: VM_READ | VM_WRITE | VM_EXEC | VM_GROWSDOWN | VM_HUGEPAGE
 * @ops, @private: where the content comes from; NULL: cleared pages
 * Context: thread, may sleep.  Return: 0; -EINVAL (bad range), -EEXIST (overlap),
 * -ENOMEM.  No frame is taken yet.  O(log areas).  Undo: mm_unmap().
 */
int mm_map(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned flags,
	   const char *name, const struct vm_operations *ops, void *private);
/**
 * mm_find_gap() - the lowest free range of @len bytes at or above @hint (and
 * PAGE_SIZE), below TASK_SIZE; 0 for none.  O(areas).
 */
unsigned long mm_find_gap(struct mm_struct *mm, unsigned long hint, unsigned long len);
/**
 * mm_unmap() - cut [@start, @start + @len) out of the areas, freeing frames; tables stay
 * Where nothing is mapped there is nothing to do: 0.  Context: thread, may sleep.
 * Return: 0; -EINVAL (not aligned, empty or beyond TASK_SIZE); -ENOMEM (the middle
 * of an area, or a part of a large page, and no memory for the area or the page table of
 * the rest: nothing was changed).
 */
int mm_unmap(struct mm_struct *mm, unsigned long start, unsigned long len);
/**
 * mm_reap() - its task is to end: free every frame now; from here on no fault gets one
 * Areas and tables stay until mm_free().  The task may run meanwhile, on other CPUs too: its
 * faults are answered with VM_FAULT_OOM.  Allocates nothing.  Context: thread, no lock held;
 * the caller keeps @mm from being freed.  O(areas + pages).
 */
void mm_reap(struct mm_struct *mm);
/**
 * mm_forget() - give up the frames of [@start, @start + @len) that their source has, too
 * @start, @len: page-aligned, within user space
 * Of areas with vm_ops->fault that nobody may write; the areas stay, and the next touch asks
 * the source again.  Context: thread.  Return: how many were given up.  O(areas + pages).
 */
unsigned long mm_forget(struct mm_struct *mm, unsigned long start, unsigned long len);
/** mm_file_pages() - how many mm_forget() would give up, of the whole.  Any context.  O(areas). */
unsigned long mm_file_pages(struct mm_struct *mm);
/**
 * mm_advise_huge() - from now on, large pages for [@start, @start + @len), or no more
 * @start, @len: page-aligned
 * Areas that lie in the range in part are split; where there is no area, nothing is done.
 * What is there already stays as it is.  Context: thread, may sleep.
 * Return: 0; -EINVAL (range); -ENOMEM (nothing was changed).  O(areas).
 */
int mm_advise_huge(struct mm_struct *mm, unsigned long start, unsigned long len, bool wanted);
/**
 * mm_brk() - set the end of the heap; below start_brk: only ask.  One thread of the
 * task at a time.  Return: the end now in force.
 */
unsigned long mm_brk(struct mm_struct *mm, unsigned long brk);
/**
 * find_vma() - the first area that ends above @addr: it holds @addr, or is the next;
 * NULL for none.  The caller keeps areas from changing.  O(log areas).
 */
struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);

#define FAULT_FLAG_WRITE 0x1u
#define FAULT_FLAG_USER 0x2u
#define FAULT_FLAG_EXEC 0x4u
enum vm_fault { VM_FAULT_OK, VM_FAULT_SEGV, VM_FAULT_PROT, VM_FAULT_OOM, VM_FAULT_SIGBUS };

/**
 * handle_mm_fault() - answer a page fault in a task's half of the addresses
 * @addr: what was touched
 * @flags: how
 * Context: thread of that task, interrupts on; may sleep.  Return: VM_FAULT_OK
 * (retry the instruction), _SEGV (no area), _PROT (the area forbids it), _OOM,
 * _SIGBUS (the area's source failed).  O(log areas), a frame and at most
 * PGTABLE_LEVELS - 1 tables.
 */
enum vm_fault handle_mm_fault(struct mm_struct *mm, unsigned long addr, unsigned flags);

/**
 * copy_from_mm(), copy_to_mm() - between the kernel and a task's memory
 * Through the page tables of @mm, faulting pages in; works for an mm that is not
 * loaded, and honours the areas' rights.  Context: thread, may sleep.
 * Return: bytes NOT copied.
 */
unsigned long copy_from_mm(struct mm_struct *mm, void *to, unsigned long from, unsigned long n);
unsigned long copy_to_mm(struct mm_struct *mm, unsigned long to, const void *from, unsigned long n);

/** vm_init() - the caches of mm_struct and vm_area_struct.  Once, by mm_init(). */
void vm_init(void);
/**
 * mm_check() - test the numbered invariants of vm.c.  Exact while nobody uses @mm.
 * Return: the number broken, or 0.
 */
int mm_check(struct mm_struct *mm);

#endif
