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
#include <quarry/spinlock.h>

#define VM_READ 0x1u
#define VM_WRITE 0x2u
#define VM_EXEC 0x4u
#define VM_GROWSDOWN 0x100u	/* a stack: grows down to meet a touch just below it */

struct mm_struct;

/*
 * Where an area's pages get their first content.  @fill writes PAGE_SIZE bytes of
 * the area's offset @offset to @to.  NULL vm_ops: cleared pages (anonymous).
 */
struct vm_operations {
	int (*fill)(void *private, unsigned long offset, void *to);
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;	/* page-aligned, end exclusive */
	unsigned vm_flags;
	const char *name;		/* "text", "heap" ...: kept by pointer */
	const struct vm_operations *vm_ops;
	void *vm_private;
	struct mm_struct *vm_mm;
	struct list_head link;		/* mm->areas, by address */
	unsigned long nr_pages;		/* frames in it now */
};

struct mm_struct {
	pte_t *pgd;
	struct list_head areas;
	unsigned map_count;
	unsigned long rss;		/* frames in use by areas */
	unsigned long rss_high;		/* of them, from ZONE_HIGHMEM */
	unsigned long nr_ptes;		/* page tables */
	unsigned long start_brk, brk;
	unsigned long faults;		/* page faults answered with a frame */
	spinlock_t lock;		/* areas, tables, counts */
	unsigned long cpu_mask[(NR_CPUS + 8 * sizeof(long) - 1) / (8 * sizeof(long))]; /* CPUs that have it loaded */
};

/** mm_alloc() - an empty address space with the kernel's half of the directory.  NULL: no memory.  Undo: mm_free(). */
struct mm_struct *mm_alloc(void);
/** mm_free() - unmap everything, free every frame, table and area.  Not while loaded on a CPU. */
void mm_free(struct mm_struct *mm);

/**
 * mm_map() - a new area
 * @start, @len: page-aligned, below TASK_SIZE, not over another area
 * Return: 0; -EINVAL (bad range), -EEXIST (overlap), -ENOMEM.  No frame is taken yet.
 */
int mm_map(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned flags,
	   const char *name, const struct vm_operations *ops, void *private);
/** mm_find_gap() - the lowest free range of @len bytes at or above @hint; 0 for none. */
unsigned long mm_find_gap(struct mm_struct *mm, unsigned long hint, unsigned long len);
/** mm_unmap() - cut [@start, @start + @len) out of the areas, freeing frames.  0, -EINVAL, -ENOMEM (an area had to be split). */
int mm_unmap(struct mm_struct *mm, unsigned long start, unsigned long len);
/** mm_brk() - set the end of the heap; returns the end now in force. */
unsigned long mm_brk(struct mm_struct *mm, unsigned long brk);
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
 * _SIGBUS (the area's source failed).
 */
enum vm_fault handle_mm_fault(struct mm_struct *mm, unsigned long addr, unsigned flags);

/** copy_from_user(), copy_to_user() - through the page tables of @mm, faulting pages in; works for an mm that is not loaded.  Return: bytes NOT copied. */
unsigned long copy_from_mm(struct mm_struct *mm, void *to, unsigned long from, unsigned long n);
unsigned long copy_to_mm(struct mm_struct *mm, unsigned long to, const void *from, unsigned long n);

/** vm_init() - the caches of mm_struct and vm_area_struct.  Once, by mm_init(). */
void vm_init(void);
/** mm_check() - test the numbered invariants of vm.c.  Return: the number broken, or 0. */
int mm_check(struct mm_struct *mm);

#endif
