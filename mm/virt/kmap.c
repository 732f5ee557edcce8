/* SPDX-License-Identifier: MIT */
/*
 * kmap.c: a permanent address for a high frame (row F2).
 *
 *	PKMAP_BASE
 *	| slot 0 | slot 1 | slot 2 | ... | LAST_PKMAP - 1 |	one page table's worth
 *	  count 2  count 0  count 1
 *	  1 user   free     unused, still mapped
 *
 * Slot i is the address PKMAP_BASE + i pages; its entry is pkmap.table[i].  count[i]:
 *
 *	0	free: entry empty, no CPU remembers it
 *	1	unused: nobody uses it, but the entry is there and CPUs may remember it
 *	n + 1	n users
 *	-1	being flushed: entry empty, CPUs may remember it
 *
 * Flushing all CPUs is dear, so a slot that lost its last user is left as it is.
 * Only when no free slot is left, one sweep empties all unused ones and one flush
 * makes them free.  When all have users, the caller sleeps until one is released.
 * Worked example: 1024 slots, each kmap of a new frame at once followed by its
 * kunmap: one flush in 1024 calls.
 *
 * page->virtual of a high frame is the address of its slot while it has users, else
 * NULL (row B2).  So mapping it again costs one look.  A frame without users may
 * still have an unused slot: recent[] remembers, by frame number, the slot taken
 * last; if that slot is unused and still maps the frame, it is taken again.
 *
 * Invariants:
 *	X.1  count >= 1: the entry is present and names a high frame; else it is empty
 *	X.2  count >= 2: the frame's page->virtual is the slot's address
 *	X.3  count 1: the frame's page->virtual is another address or NULL
 *	X.4  the stack of free slots holds each slot of count 0 once, and no other
 *	X.5  `used` and `unused` are the numbers of slots with count >= 2 and with 1
 *
 * Locking: pkmap.lock for all of it, page->virtual of high frames included; the flush
 * is made without it, for other CPUs must answer.  One flush at a time.
 *
 * Failure: in a context that cannot sleep, with all slots in use: NULL, reported.
 * Cost: O(1); O(LAST_PKMAP) and a flush when the free slots have run out.
 *
 * Unlike Linux: a stack of free slots, no search; page_address() is NULL again after
 * the last kunmap.
 */
#include <quarry/highmem.h>

#include "windows.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/spinlock.h>

#define SLOT_FLUSHING (-1)

/* A port without high memory has no window; its arrays keep one element, which nobody uses. */
#define SLOTS (LAST_PKMAP ? LAST_PKMAP : 1)
_Static_assert(SLOTS <= 0xffff, "slot numbers are 16 bits");

static struct {
	spinlock_t lock;
	pte_t *table;			/* entries of the slots */
	int count[SLOTS];
	u16 free[SLOTS];		/* stack */
	u16 recent[SLOTS];		/* by frame number modulo SLOTS: its slot, perhaps */
	unsigned nr_free;
	unsigned used, unused;
	unsigned waiters;		/* &waiters is what they sleep on */
	unsigned long flushes;
	bool flushing;
} pkmap = { .lock = SPINLOCK_INIT };

static inline unsigned long slot_addr(unsigned slot)
{
	return PKMAP_BASE + ((unsigned long)slot << PAGE_SHIFT);
}

static inline struct page *slot_page(unsigned slot)
{
	return pfn_to_page(pte_pfn(pkmap.table[slot]));
}

/* The slot of an address; SLOTS or more: none. */
static inline unsigned long addr_slot(const void *addr)
{
	return ((unsigned long)addr - PKMAP_BASE) >> PAGE_SHIFT;
}

/* May this context use kmap on @page?  If not, say so. */
static bool use_ok(const char *call, const struct page *page, unsigned long caller)
{
	const char *wrong = kmap_page_wrong(page);

	if (likely(!wrong && !in_interrupt() && (pkmap.table || !PageHighMem(page))))
		return true;
	if (wrong)
		misuse(MISUSE_FOREIGN, caller, "%s(%p): %s", call, (const void *)page, wrong);
	else
		misuse(MISUSE_CONTEXT, caller, "%s(pfn %lu): %s", call, page_to_pfn(page),
		       in_interrupt() ? "in an interrupt; use kmap_atomic()" : "before kmap_init()");
	return false;
}

/* ---- slots, under the lock ------------------------------------------------------ */

static void push_free(unsigned slot)
{
	pkmap.count[slot] = 0;
	pkmap.free[pkmap.nr_free++] = (u16)slot;
}

/* The unused slot that still maps @page, or -1. */
static int find_recent(const struct page *page)
{
	unsigned slot = pkmap.recent[page_to_pfn(page) % SLOTS];

	return pkmap.count[slot] == 1 && slot_page(slot) == page ? (int)slot : -1;
}

/* A slot for @page, which has none with users; or -1. */
static int new_slot(struct page *page)
{
	int slot = find_recent(page);

	if (slot >= 0) {
		pkmap.unused--;
	} else {
		if (!pkmap.nr_free)
			return -1;
		slot = pkmap.free[--pkmap.nr_free];
		set_pte(pkmap.table + slot, mk_pte(page_to_pfn(page), PAGE_KERNEL));
		pkmap.count[slot] = 1;
		pkmap.recent[page_to_pfn(page) % SLOTS] = (u16)slot;
	}
	pkmap.used++;
	page->virtual = (void *)slot_addr((unsigned)slot);
	return slot;
}

/* One more user of @page's slot.  Return: the address, or NULL when no slot is free. */
static void *use_slot(struct page *page)
{
	unsigned long slot = addr_slot(page->virtual);

	if (!page->virtual) {
		int new = new_slot(page);

		if (new < 0)
			return NULL;
		slot = (unsigned)new;
	}
	if (slot >= SLOTS || pkmap.count[slot] < 1)
		mm_panic("kmap: page->virtual of pfn %lu is %p, no slot in use", page_to_pfn(page),
			 page->virtual);
	pkmap.count[slot]++;
	return page->virtual;
}

/* Empty the entries of all unused slots; they are ours to flush. */
static void sweep_unused(void)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (pkmap.count[slot] != 1)
			continue;
		set_pte(pkmap.table + slot, (pte_t){ 0 });
		pkmap.count[slot] = SLOT_FLUSHING;
	}
	pkmap.unused = 0;
}

static void free_flushed(void)
{
	for (unsigned slot = SLOTS; slot-- > 0; )
		if (pkmap.count[slot] == SLOT_FLUSHING)
			push_free(slot);
}

/* All unused slots become free, in one flush.  The lock is released meanwhile. */
static unsigned long flush_unused(unsigned long flags)
{
	pkmap.flushing = true;
	sweep_unused();
	spin_unlock_irqrestore(&pkmap.lock, flags);
	flush_tlb_kernel(PKMAP_BASE, slot_addr(SLOTS));
	flags = spin_lock_irqsave(&pkmap.lock);
	free_flushed();
	pkmap.flushing = false;
	pkmap.flushes++;
	if (pkmap.waiters)
		port_wakeup(&pkmap.waiters);
	return flags;
}

/* No slot is free: see to it that one may be.  Return: false when the caller cannot wait. */
static bool wait_for_slot(unsigned long *flags)
{
	bool can_sleep;

	if (pkmap.unused && !pkmap.flushing) {
		*flags = flush_unused(*flags);
		return true;
	}
	spin_unlock_irqrestore(&pkmap.lock, *flags);
	can_sleep = port_can_sleep();
	*flags = spin_lock_irqsave(&pkmap.lock);
	if (!can_sleep || pkmap.nr_free || pkmap.unused)
		return can_sleep;
	pkmap.waiters++;
	*flags = port_sleep_on(&pkmap.waiters, &pkmap.lock, *flags);
	pkmap.waiters--;
	return true;
}

/* ---- the calls ------------------------------------------------------------------- */

void *kmap_counted(struct page *page)
{
	unsigned long flags;
	void *addr;

	if (!use_ok("kmap", page, _RET_IP_))
		return NULL;
	if (!PageHighMem(page))
		return page_address(page);
	flags = spin_lock_irqsave(&pkmap.lock);
	do {
		addr = use_slot(page);
	} while (!addr && wait_for_slot(&flags));
	spin_unlock_irqrestore(&pkmap.lock, flags);
	if (!addr)
		report_alloc_failure("kmap", GFP_KERNEL, 0, PAGE_SIZE, _RET_IP_);
	return addr;
}

/*
 * One user less.  Return: -1 when there was none, else whether the slot lost its
 * last and somebody waits for one.
 */
static int unuse_slot(struct page *page)
{
	unsigned long slot = addr_slot(page->virtual);

	if (!page->virtual)
		return -1;
	if (slot >= SLOTS || pkmap.count[slot] < 2)
		mm_panic("kunmap: page->virtual of pfn %lu is %p, no slot in use", page_to_pfn(page),
			 page->virtual);
	if (--pkmap.count[slot] > 1)
		return 0;
	page->virtual = NULL;
	pkmap.used--;
	pkmap.unused++;
	return pkmap.waiters != 0;
}

void kunmap_counted(struct page *page)
{
	unsigned long flags;
	int wake;

	if (!use_ok("kunmap", page, _RET_IP_) || !PageHighMem(page))
		return;
	flags = spin_lock_irqsave(&pkmap.lock);
	wake = unuse_slot(page);
	spin_unlock_irqrestore(&pkmap.lock, flags);
	if (wake > 0)
		port_wakeup(&pkmap.waiters);
	else if (wake < 0)
		misuse(MISUSE_UNBALANCED, _RET_IP_, "kunmap(pfn %lu): the frame is not mapped",
		       page_to_pfn(page));
}

void kmap_flush_unused(void)
{
	unsigned long flags;

	if (in_interrupt()) {
		misuse(MISUSE_CONTEXT, _RET_IP_, "kmap_flush_unused(): in an interrupt");
		return;
	}
	flags = spin_lock_irqsave(&pkmap.lock);
	if (pkmap.unused && !pkmap.flushing)
		flags = flush_unused(flags);
	spin_unlock_irqrestore(&pkmap.lock, flags);
}

struct page *kmap_to_page(void *addr)
{
	unsigned long fix = (FIXADDR_TOP + PAGE_SIZE - 1 - (unsigned long)addr) >> PAGE_SHIFT;
	unsigned long slot = addr_slot(addr);
	pte_t e = { 0 };

	if (virt_addr_valid(addr))
		return virt_to_page(addr);
	if (slot < SLOTS && pkmap.table && READ_ONCE(pkmap.count[slot]) >= 2)
		e = pkmap.table[slot];
	else if (fix < __end_of_fixed_addresses && fixmap_slot_is_kmap((unsigned)fix) && fixmap_pte[fix])
		e = *fixmap_pte[fix];
	return pte_present(e) ? pfn_to_page(pte_pfn(e)) : NULL;
}

void kmap_init(void)
{
	int level;

	if (!HAVE_HIGHMEM)
		return;
	if (pt_index(PKMAP_BASE, 1) + SLOTS > pt_entries(1))
		mm_panic("kmap: %u slots at 0x%lx run out of their page table", SLOTS, PKMAP_BASE);
	pkmap.table = pt_lookup(swapper_pg_dir, PKMAP_BASE, &level);
	for (unsigned slot = SLOTS; slot-- > 0; )
		push_free(slot);
}

void kmap_get_info(struct kmap_info *info)
{
	unsigned long flags = spin_lock_irqsave(&pkmap.lock);

	*info = (struct kmap_info){
		.slots = LAST_PKMAP, .used = pkmap.used, .unused_mapped = pkmap.unused,
		.waiters = pkmap.waiters, .flushes = pkmap.flushes,
	};
	spin_unlock_irqrestore(&pkmap.lock, flags);
}

/* ---- checks ------------------------------------------------------------------------ */

static int check_slot(unsigned slot)
{
	pte_t e = pkmap.table[slot];
	bool mapped = pkmap.count[slot] >= 1, here;

	if (mapped != pte_present(e) || mapped == pte_none(e) || (mapped && !PageHighMem(slot_page(slot))))
		return 1;
	if (!mapped)
		return 0;
	here = slot_page(slot)->virtual == (void *)slot_addr(slot);
	if (pkmap.count[slot] >= 2)
		return here ? 0 : 2;
	return here ? 3 : 0;
}

/* X.4: as many on the stack as have count 0, all of count 0, none twice. */
static int check_free(unsigned nr_free)
{
	if (pkmap.nr_free != nr_free)
		return 4;
	for (unsigned i = 0; i < nr_free; i++) {
		if (pkmap.free[i] >= SLOTS || pkmap.count[pkmap.free[i]] != 0)
			return 4;
		for (unsigned j = 0; j < i; j++)
			if (pkmap.free[j] == pkmap.free[i])
				return 4;
	}
	return 0;
}

int kmap_check(void)
{
	unsigned long flags = spin_lock_irqsave(&pkmap.lock);
	unsigned used = 0, unused = 0, nr_free = 0;
	int broken = 0;

	for (unsigned slot = 0; slot < SLOTS && pkmap.table && !broken; slot++) {
		used += pkmap.count[slot] >= 2;
		unused += pkmap.count[slot] == 1;
		nr_free += pkmap.count[slot] == 0;
		broken = check_slot(slot);
	}
	if (!broken && pkmap.table)
		broken = check_free(nr_free);
	if (!broken && (used != pkmap.used || unused != pkmap.unused))
		broken = 5;
	spin_unlock_irqrestore(&pkmap.lock, flags);
	if (!broken)
		broken = kmap_local_check();
	return broken ? broken : fixmap_check();
}
