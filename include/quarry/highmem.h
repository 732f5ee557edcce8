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
#include <arch/cpu.h>
#include <arch/fixmap.h>

/**
 * kmap() - a permanent address for a frame
 * @page: any frame in use
 *
 * Low memory: its own address, at no cost; unchecked where all memory is low.  High memory: a slot of the pkmap
 * window, shared and counted when the frame has one.  page_address() gives the
 * same while it lasts.
 * Context: thread, interrupts on; sleeps while all slots are taken.  Where the caller cannot
 * sleep it returns NULL with a report.  In an interrupt, for what is no frame or is
 * free, and for a frame with KMAP_USERS users already: refused, NULL.
 * Undo: kunmap().  O(1), and one sweep of the slots each time they run out.  Without a lock
 * while the frame has a slot.
 */
static __always_inline void *kmap(struct page *page);
/** kunmap() - one user of the mapping less.  An unbalanced one is refused with a report.  Thread; O(1). */
static __always_inline void kunmap(struct page *page);
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
static __always_inline void *kmap_atomic_stack(struct page *page);
static __always_inline void kunmap_atomic_stack(void *addr);

/**
 * kmap_local_page() - the newest form: nests (last mapped, first unmapped), may
 * be preempted and may sleep; the address means nothing to other threads.
 * At most KM_MAX_IDX deep, interrupts that nest in included; deeper is refused with
 * NULL and a report.  Context: any.  Undo: kunmap_local(addr).  O(1).
 */
static __always_inline void *kmap_local_page(struct page *page);
/** kunmap_local() - @addr: any byte of the page mapped last; another is refused with a report. */
static __always_inline void kunmap_local(const void *addr);

/**
 * struct kmap_ctrl - the local mappings of a thread that does not run; of one that does, idx is 0
 *
 * The address of a mapping depends on the CPU, so the scheduler keeps a thread with
 * idx > 0 on the CPU it has.
 */
struct kmap_ctrl {
	int idx;			/* mappings in use */
	pte_t pteval[KM_MAX_IDX];	/* their entries */
};
/**
 * kmap_local_sched_out(), _in() - take a thread's mappings off the CPU, put them
 * back.  By the scheduler, interrupts off.  From _out() on @prev->idx tells whether
 * another CPU may have the thread.  O(idx).
 */
void kmap_local_sched_out(struct kmap_ctrl *prev);
void kmap_local_sched_in(struct kmap_ctrl *next);
/** kmap_local_depth() - mappings that the running thread has now.  Any context. */
int kmap_local_depth(void);

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

/* ---- the hot ways: kmap.c and kmap_local.c tell why they are right ----------------------- */

/* The high frames, as one run of mem_map; none before fixmap_init(). */
extern struct kmap_high {
	const struct page *first;
	unsigned long nr;
	pte_t pte;			/* the kernel's entry for the first */
	unsigned waiters;		/* threads that wait for a slot of kmap() */
} kmap_high;

_Static_assert((sizeof(struct page) & (sizeof(struct page) - 1)) == 0, "struct page: a power of two");

/*
 * kmap_high_index() - is @page, any pointer, a high frame?  The how many-th: *@index
 * A rotation divides by the size of struct page, and makes what points into the middle of
 * one a large number.
 */
static __always_inline bool kmap_high_index(const struct page *page, unsigned long *index)
{
	const int size_shift = __builtin_ctzl(sizeof(struct page)), word = 8 * sizeof(long);
	unsigned long offset = (unsigned long)page - (unsigned long)kmap_high.first;

	*index = offset >> size_shift | offset << (word - size_shift);
	return HAVE_HIGHMEM && likely(*index < kmap_high.nr) && (!SPARSE_MEM_MAP || page_in_mem_map(page));
}

static inline bool kmap_page_is_free(const struct page *page)
{
	return page->flags & (1UL << PG_buddy | 1UL << PG_pcp);
}

/* In a thread, and a high frame?  Then where its word is: in a pointer of its own, all that is kept. */
static __always_inline bool kmap_find_word(struct page *page, unsigned long **word)
{
	unsigned long index;

	*word = (unsigned long *)((unsigned long)page + offsetof(struct page, virtual));	/* @page may be anything */
	hide_origin(*word);
	return likely(kmap_high_index(page, &index)) && likely(!in_interrupt());
}

static inline struct page *kmap_word_page(unsigned long *word)
{
	return (struct page *)((unsigned long)word - offsetof(struct page, virtual));
}

/* One user more, unless the frame has no slot or as many users as can be counted. */
static __always_inline bool kmap_add_user(unsigned long *word, void **addr)
{
	unsigned long old = __atomic_load_n(word, __ATOMIC_RELAXED);

	if (unlikely(!((old + 1) & KMAP_SLOT)) ||
	    unlikely(!__atomic_compare_exchange_n(word, &old, old + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)))
		return false;
	*addr = (void *)(old & PAGE_MASK);
	if (!*addr)
		__builtin_unreachable();	/* the window is not at 0 */
	return true;
}

/* One user less.  False: there was none, or the word changed meanwhile. */
static __always_inline bool kmap_drop_user(unsigned long *word)
{
	unsigned long old = __atomic_load_n(word, __ATOMIC_RELAXED);

	return likely(old & KMAP_USERS) &&
	       likely(__atomic_compare_exchange_n(word, &old, old - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

void *kmap_slow(struct page *page);
void kunmap_slow(struct page *page);
void kmap_wake(const struct page *page);

static __always_inline void *kmap(struct page *page)
{
	unsigned long *word;
	void *addr;

	if (!HAVE_HIGHMEM)
		return page_address(page);
	if (likely(kmap_find_word(page, &word)) && likely(!kmap_page_is_free(kmap_word_page(word))) &&
	    likely(kmap_add_user(word, &addr)))
		return addr;
	return kmap_slow(kmap_word_page(word));
}

static __always_inline void kunmap(struct page *page)
{
	unsigned long *word;

	if (!HAVE_HIGHMEM)
		return;
	if (unlikely(!kmap_find_word(page, &word)) || unlikely(!kmap_drop_user(word)))
		kunmap_slow(kmap_word_page(word));
	else if (unlikely(__atomic_load_n(&kmap_high.waiters, __ATOMIC_SEQ_CST)))
		kmap_wake(kmap_word_page(word));
}

/* One slot for a local mapping.  Before the first of a stack is one whose address is no page's, behind the last those of 0. */
struct kmap_slot {
	unsigned long addr;
	pte_t *pte;
};
extern struct kmap_slot kmap_slots[];

/* This CPU's slot in use last. */
static __always_inline const struct kmap_slot *kmap_local_slot(void)
{
	return (const struct kmap_slot *)((char *)kmap_slots + kmap_top());
}

/* From the addition on the thread stays on this CPU, and nobody else uses the slot. */
static __always_inline bool kmap_local_push(const struct page *page, void **addr)
{
	struct kmap_slot slot;
	unsigned long index;

	if (unlikely(!kmap_high_index(page, &index)) || unlikely(kmap_page_is_free(page)))
		return false;
	kmap_top_add((int)sizeof(slot));
	slot = *kmap_local_slot();
	if (unlikely(!slot.addr)) {
		kmap_top_add(-(int)sizeof(slot));
		return false;
	}
	set_pte(slot.pte, pte_advance(kmap_high.pte, index));
	*addr = (void *)slot.addr;
	return true;
}

/* Until the subtraction the slot is ours. */
static __always_inline bool kmap_local_pop(unsigned long page_addr)
{
	const struct kmap_slot *slot = kmap_local_slot();

	if (unlikely(slot->addr != page_addr))
		return false;
	set_pte(slot->pte, (pte_t){ 0 });
	flush_tlb_page(page_addr);
	kmap_top_add(-(int)sizeof(*slot));
	return true;
}

/* All else: low memory, misuse, a CPU's first mapping. */
void *kmap_local_slow(struct page *page);
void kunmap_local_slow(unsigned long page_addr);
void *kmap_atomic_slow(struct page *page);
void kunmap_atomic_slow(unsigned long page_addr);

static __always_inline void *kmap_local_page(struct page *page)
{
	void *addr;

	return likely(kmap_local_push(page, &addr)) ? addr : kmap_local_slow(page);
}

static __always_inline void kunmap_local(const void *addr)
{
	unsigned long page_addr = (unsigned long)addr & PAGE_MASK;

	if (!HAVE_HIGHMEM || unlikely(!kmap_local_pop(page_addr)))
		kunmap_local_slow(page_addr);
}

static __always_inline void *kmap_atomic_stack(struct page *page)
{
	void *addr;

	preempt_disable();
	return likely(kmap_local_push(page, &addr)) ? addr : kmap_atomic_slow(page);
}

static __always_inline void kunmap_atomic_stack(void *addr)
{
	unsigned long page_addr = (unsigned long)addr & PAGE_MASK;

	if (HAVE_HIGHMEM && likely(preempt_count() & PREEMPT_DEPTH) && likely(kmap_local_pop(page_addr)))
		preempt_enable();
	else
		kunmap_atomic_slow(page_addr);
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
