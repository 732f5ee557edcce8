/* SPDX-License-Identifier: MIT */
/*
 * highmem.h: reaching frames that the direct map does not (rows F2-F4).
 *
 *	kmap		permanent: global, counted, sleeps when every slot is taken
 *	kmap_atomic	a fixmap slot of this CPU, by km_type; never sleeps
 *	kmap_local_page	the nested form: a stack of slots of this thread
 *	set_fixmap	addresses known at compile time
 */
#ifndef QUARRY_HIGHMEM_H
#define QUARRY_HIGHMEM_H

#include <quarry/page.h>
#include <quarry/pgtable.h>
#include <arch/fixmap.h>

/**
 * kmap() - a permanent address for a frame
 * Low memory: its own address, at no cost.  High memory: a slot of the pkmap
 * window, shared and counted when the frame has one.
 * Context: thread; sleeps while all slots are taken.  Where the port cannot
 * sleep it returns NULL with a report.  In an interrupt: refused, NULL.
 * Undo: kunmap().  O(1), and one sweep of the slots each time they run out.
 */
void *kmap(struct page *page);
/** kunmap() - an unbalanced one is refused with a report. */
void kunmap(struct page *page);
/** kmap_flush_unused() - take back every unused slot now, in one TLB flush. */
void kmap_flush_unused(void);
/** kmap_to_page() - the frame behind a kmap, kmap_atomic, or direct-map address; NULL for others. */
struct page *kmap_to_page(void *addr);

/**
 * kmap_atomic() - kmap_atomic(page, KM_xxx), or kmap_atomic(page)
 *
 * With a type: that slot of this CPU; a new mapping replaces the one before.
 * Without: as kmap_local_page(), with preemption and page faults off.
 * Context: any; from then on until kunmap_atomic the caller may not sleep.
 * Undo: kunmap_atomic(addr[, type]) with the *address*.  O(1).
 */
#define kmap_atomic(...) KMAP_PICK(__VA_ARGS__, kmap_atomic_type, kmap_atomic_stack, )(__VA_ARGS__)
#define kunmap_atomic(...) KMAP_PICK(__VA_ARGS__, kunmap_atomic_type, kunmap_atomic_stack, )(__VA_ARGS__)
#define KMAP_PICK(a, b, f, ...) f
void *kmap_atomic_type(struct page *page, enum km_type type);
void kunmap_atomic_type(void *addr, enum km_type type);
void *kmap_atomic_stack(struct page *page);
void kunmap_atomic_stack(void *addr);

/**
 * kmap_local_page() - the newest form: nests (last mapped, first unmapped), may
 * be preempted and may sleep; the address means nothing to other threads.
 * At most KM_MAX_IDX deep; deeper is refused with NULL and a report.
 * Undo: kunmap_local(addr).  O(1).
 */
void *kmap_local_page(struct page *page);
void kunmap_local(const void *addr);

/* A thread's stack of local mappings; the scheduler calls the two below at a switch. */
struct kmap_ctrl {
	int idx;
	pte_t pteval[KM_MAX_IDX];
};
void kmap_local_sched_out(struct kmap_ctrl *prev);
void kmap_local_sched_in(struct kmap_ctrl *next);

void clear_highpage(struct page *page);
void copy_highpage(struct page *to, struct page *from);
/** zero_user() - clear [@start, @start + @size) of a frame; must lie within it, else refused. */
void zero_user(struct page *page, unsigned start, unsigned size);

/**
 * set_fixmap() - map a physical page at a fixed address, on all CPUs
 * @idx: a slot of enum fixed_addresses below __end_of_fixed_addresses
 * @phys: page-aligned.  Undo: clear_fixmap().
 */
void set_fixmap(enum fixed_addresses idx, phys_addr_t phys);
void set_fixmap_nocache(enum fixed_addresses idx, phys_addr_t phys);
void clear_fixmap(enum fixed_addresses idx);
/** fix_to_virt(), virt_to_fix() - arithmetic; with a constant, no code at all. */
static __always_inline unsigned long fix_to_virt(unsigned idx) { return FIXADDR_TOP - ((unsigned long)idx << PAGE_SHIFT); }
static __always_inline unsigned virt_to_fix(unsigned long v) { return (unsigned)((FIXADDR_TOP - (v & ~((1UL << PAGE_SHIFT) - 1))) >> PAGE_SHIFT); }

/** fixmap_init() makes the tables of both windows; kmap_init() the pkmap slots.  Once, by mm_init(). */
void fixmap_init(void);
void kmap_init(void);

struct kmap_info { unsigned slots, used, unused_mapped, waiters; unsigned long flushes; };
void kmap_get_info(struct kmap_info *info);
/** kmap_check() - test the numbered invariants of kmap.c.  Return: the number broken, or 0. */
int kmap_check(void);

#endif
