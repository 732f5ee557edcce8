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
 * @page: any frame in use
 *
 * Low memory: its own address, at no cost; unchecked where all memory is low.  High memory: a slot of the pkmap
 * window, shared and counted when the frame has one.  page_address() gives the
 * same while it lasts.
 * Context: thread; sleeps while all slots are taken.  Where the caller cannot sleep
 * it returns NULL with a report.  In an interrupt, and for what is no frame or is
 * free: refused, NULL.
 * Undo: kunmap().  O(1), and one sweep of the slots each time they run out.
 */
void *kmap_counted(struct page *page);
static inline void *kmap(struct page *page)
{
	return HAVE_HIGHMEM ? kmap_counted(page) : page_address(page);
}
/** kunmap() - one user of the mapping less.  An unbalanced one is refused with a report.  Thread; O(1). */
void kunmap_counted(struct page *page);
static inline void kunmap(struct page *page)
{
	if (HAVE_HIGHMEM)
		kunmap_counted(page);
}
/** kmap_flush_unused() - take back every unused slot now, in one TLB flush.  Thread. */
void kmap_flush_unused(void);
/**
 * kmap_to_page() - the frame behind a kmap, kmap_atomic, kmap_local or direct-map
 * address; NULL for others.  Any context.
 */
struct page *kmap_to_page(void *addr);

/**
 * kmap_atomic() - kmap_atomic(page, KM_xxx), or kmap_atomic(page)
 *
 * With a type: that slot of this CPU; a new mapping replaces the one before, and
 * one kunmap_atomic ends it.  A type belongs to one user at a time: interrupts use
 * types of their own.
 * Without: as kmap_local_page(), with preemption off.
 * Context: any; from then on until kunmap_atomic the caller may not sleep.
 * Undo: kunmap_atomic(addr[, type]) with the *address* (any byte of the page);
 * another address is refused with a report.  O(1).
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
 * At most KM_MAX_IDX deep, interrupts that nest in included; deeper is refused with
 * NULL and a report.  Context: any.  Undo: kunmap_local(addr).  O(1).
 */
void *kmap_local_page(struct page *page);
/** kunmap_local() - @addr: any byte of the page mapped last; another is refused with a report. */
void kunmap_local(const void *addr);

/*
 * A thread's stack of local mappings, cleared when the thread is made.  The address
 * of a mapping depends on the CPU, so the scheduler keeps a thread with idx > 0 on
 * the CPU it has.  port_kmap_ctrl() gives it, never NULL; in an interrupt, that of
 * the thread below.
 */
struct kmap_ctrl {
	int idx;			/* mappings in use */
	pte_t pteval[KM_MAX_IDX];	/* their entries */
};
/**
 * kmap_local_sched_out(), _in() - take a thread's mappings off the CPU, put them
 * back.  By the scheduler, interrupts off.  O(idx).
 */
void kmap_local_sched_out(struct kmap_ctrl *prev);
void kmap_local_sched_in(struct kmap_ctrl *next);

/**
 * clear_highpage(), copy_highpage() - a frame's content, wherever it is.  Any
 * context; one (two) of the local mappings.
 */
void clear_highpage(struct page *page);
void copy_highpage(struct page *to, struct page *from);
/** zero_user() - clear [@start, @start + @size) of a frame; must lie within it, else refused. */
void zero_user(struct page *page, unsigned start, unsigned size);

/**
 * set_fixmap() - map a physical page at a fixed address, on all CPUs
 * @idx: a slot of enum fixed_addresses; refused: beyond the list, FIX_HOLE, and those of kmap
 * @phys: page-aligned, such as an entry can name; else refused
 *
 * What was there before is replaced.  Context: thread, after mm_init().  O(1) and a
 * TLB flush.  Undo: clear_fixmap().
 */
void set_fixmap(enum fixed_addresses idx, phys_addr_t phys);
/** set_fixmap_nocache() - the same for device memory. */
void set_fixmap_nocache(enum fixed_addresses idx, phys_addr_t phys);
void clear_fixmap(enum fixed_addresses idx);
/** fix_to_virt(), virt_to_fix() - arithmetic; with a constant, no code at all. */
static __always_inline unsigned long fix_to_virt(unsigned idx)
{
	return FIXADDR_TOP - ((unsigned long)idx << PAGE_SHIFT);
}
static __always_inline unsigned virt_to_fix(unsigned long v)
{
	return (unsigned)((FIXADDR_TOP - (v & ~((1UL << PAGE_SHIFT) - 1))) >> PAGE_SHIFT);
}

/** fixmap_init() makes the tables of both windows; kmap_init() the pkmap slots.  Once, by mm_init(). */
void fixmap_init(void);
void kmap_init(void);

struct kmap_info { unsigned slots, used, unused_mapped, waiters; unsigned long flushes; };
void kmap_get_info(struct kmap_info *info);
/**
 * kmap_check() - test the numbered invariants of kmap.c (1 ...), kmap_local.c (11
 * ...) and fixmap.c (21 ...).  Return: the number broken, or 0.
 */
int kmap_check(void);

#endif
