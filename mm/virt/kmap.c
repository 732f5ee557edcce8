/* SPDX-License-Identifier: MIT */
/*
 * kmap.c: a permanent address for a high frame (row F2).
 *
 *	PKMAP_BASE
 *	| slot 0 | slot 1 | slot 2 | ... | LAST_PKMAP - 1 |	one page table's worth
 *	  1 user   free     unused, still mapped
 *
 * Slot i is the address PKMAP_BASE + i pages; its entry is pkmap.table[i].  It is
 *
 *	free		on the list of free slots: entry empty, no CPU remembers it
 *	a frame's	pkmap.page[i]: the entry names it, CPUs may remember it
 *	being flushed	neither: entry empty, CPUs may remember it
 *
 * All that is known of a frame's slot is one word, its page->virtual:
 *
 *	0				it has none
 *	address | KMAP_SLOT | users	that slot; without users it may be taken away
 *
 * So one cmpxchg counts a user, if the frame has a slot, and takes the slot away, if there
 * are no users: whichever comes first, the other fails and looks again.  Mapping a frame that has
 * a slot, and unmapping it, needs no lock.  When users outgrow their bits, or the word
 * is 0, the addition of one leaves KMAP_SLOT clear, which is the one thing to test.
 *
 * Flushing all CPUs is dear, so a slot that lost its last user stays with its frame.
 * Only when no free slot is left, one sweep takes all unused ones and one flush
 * makes them free.  When all have users, the caller sleeps until one is released.
 * Worked example: 1024 slots, each kmap of a new frame at once followed by its
 * kunmap: one flush in 1024 calls.
 *
 * A frame that is freed may have an unused slot, too, and its next owner finds it.
 *
 * Invariants:
 *	X.1  a slot with a frame: the entry is present and names it; else it is empty
 *	X.2  a slot's frame is high, and its page->virtual is the slot's
 *	X.3  the list of free slots holds slots without a frame, and between flushes all of them
 *
 * Locking: pkmap.lock for slots, and for page->virtual where it is 0 or is to become so.  The
 * flush is made without it, for other CPUs must answer; one flush at a time, by a thread
 * that is not preempted, so others may wait for it without sleeping.
 * A kunmap that leaves no user looks for waiters afterwards; who is about to sleep says so first
 * and looks for unused slots afterwards (both are full barriers): one of the two sees the other.
 *
 * Failure: in a context that cannot wait, with all slots in use: NULL, reported.
 * Cost: O(1); O(LAST_PKMAP) and a flush when the free slots have run out.
 *
 * Unlike Linux: no search for a free slot; no lock for a frame that has one;
 * page_address() is NULL again after the last kunmap.
 */
#include <quarry/highmem.h>

#include "windows.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/spinlock.h>

/* A port without high memory has no window; its arrays keep one element, which nobody uses. */
#define SLOTS (LAST_PKMAP ? LAST_PKMAP : 1)
#define NONE 0xffff		/* end of a list */
_Static_assert(SLOTS < NONE, "slot numbers are 16 bits");

static struct {
	spinlock_t lock;
	pte_t *table;			/* entries of the slots */
	struct page *page[SLOTS];	/* whose they are */
	u16 next[SLOTS];		/* in a list of slots */
	u16 free;			/* the first free one */
	bool flushing;
	unsigned long flushes;
} pkmap = { .lock = SPINLOCK_INIT, .free = NONE };

static inline unsigned long slot_addr(unsigned slot)
{
	return PKMAP_BASE + ((unsigned long)slot << PAGE_SHIFT);
}

/* The slot of an address; SLOTS or more: none. */
static inline unsigned long addr_slot(unsigned long addr)
{
	return (addr - PKMAP_BASE) >> PAGE_SHIFT;
}

static inline unsigned long read_word(const struct page *page)
{
	return __atomic_load_n(&page->virtual, __ATOMIC_RELAXED);
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

/* ---- the frame has no slot: take a free one ------------------------------------------------ */

/* Under the lock; @page's word is 0. */
static void *give_slot(struct page *page)
{
	unsigned slot = pkmap.free;

	if (slot == NONE)
		return NULL;
	pkmap.free = pkmap.next[slot];
	pkmap.page[slot] = page;
	set_pte(pkmap.table + slot, mk_pte(page_to_pfn(page), PAGE_KERNEL));
	__atomic_store_n(&page->virtual, slot_addr(slot) | KMAP_SLOT | 1, __ATOMIC_RELEASE);
	return (void *)slot_addr(slot);
}

/* A slot with users has no room for one more; or the word is no slot's at all. */
static bool is_crowded(struct page *page)
{
	unsigned long word = read_word(page);

	if (word && (addr_slot(word) >= SLOTS || !(word & KMAP_SLOT)))
		mm_panic("kmap: page->virtual of pfn %lu is 0x%lx, no slot", page_to_pfn(page), word);
	return (word & KMAP_USERS) == KMAP_USERS;
}

/*
 * One user more of @page's slot, a new one if need be.  NULL: no slot is free, or there are too many users.
 * Only who has the lock makes the word 0, or of 0 another.
 */
static void *use_slot(struct page *page)
{
	unsigned long flags = spin_lock_irqsave(&pkmap.lock);
	void *addr = NULL;

	if (likely(!read_word(page)))
		addr = give_slot(page);
	else
		while (!kmap_add_user(&page->virtual, &addr) && !is_crowded(page))
			;
	spin_unlock_irqrestore(&pkmap.lock, flags);
	return addr;
}

/* ---- no slot is free ------------------------------------------------------------------------- */

/* Take @slot away from its frame.  False: the frame has users. */
static inline bool take_back(struct page *page, unsigned slot)
{
	unsigned long unused = slot_addr(slot) | KMAP_SLOT;

	return __atomic_compare_exchange_n(&page->virtual, &unused, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/*
 * Under the lock: take the slots without users away from their frames.  They are ours to flush.
 * Return: the first of a list of them, *@last the last; or NONE.
 */
static unsigned sweep(unsigned *last)
{
	unsigned first = NONE;

	for (unsigned slot = SLOTS; slot-- > 0; ) {
		struct page *page = pkmap.page[slot];

		if (!page || !take_back(page, slot))
			continue;
		pkmap.page[slot] = NULL;
		set_pte(pkmap.table + slot, (pte_t){ 0 });
		if (first == NONE)
			*last = slot;
		pkmap.next[slot] = (u16)first;
		first = slot;
	}
	return first;
}

/* Under the lock, which is released meanwhile: the slots from @first to @last become free, in one flush. */
static unsigned long flush_swept(unsigned first, unsigned last, unsigned long flags)
{
	preempt_disable();
	pkmap.flushing = true;
	spin_unlock_irqrestore(&pkmap.lock, flags);
	flush_tlb_kernel(PKMAP_BASE, slot_addr(SLOTS));
	flags = spin_lock_irqsave(&pkmap.lock);
	pkmap.next[last] = pkmap.free;
	pkmap.free = (u16)first;
	pkmap.flushing = false;
	pkmap.flushes++;
	preempt_enable();
	return flags;
}

/* Wait for the flush that another CPU makes: it does not sleep either. */
static unsigned long wait_for_flush(unsigned long flags)
{
	spin_unlock_irqrestore(&pkmap.lock, flags);
	while (__atomic_load_n(&pkmap.flushing, __ATOMIC_RELAXED))
		cpu_relax();
	return spin_lock_irqsave(&pkmap.lock);
}

/* Under the lock, which may be released meanwhile; counted in kmap_high.waiters.  Return: is one free, perhaps? */
static bool find_room(unsigned long *flags, bool can_sleep)
{
	unsigned last, first = pkmap.free == NONE && !pkmap.flushing ? sweep(&last) : NONE;

	if (pkmap.free != NONE)
		return true;
	if (first != NONE)
		*flags = flush_swept(first, last, *flags);
	else if (pkmap.flushing)
		*flags = wait_for_flush(*flags);
	else if (can_sleep)
		*flags = port_sleep_on(&kmap_high.waiters, &pkmap.lock, *flags);
	else
		return false;
	return true;
}

/* Return: false when no slot is free and the caller cannot wait for one. */
static bool make_room(void)
{
	bool can_sleep = port_can_sleep(), room;
	unsigned long flags;

	if (arch_irqs_disabled() && nr_cpu_ids > 1)
		return false;		/* nor for other CPUs, which might wait for this one */
	flags = spin_lock_irqsave(&pkmap.lock);
	__atomic_fetch_add(&kmap_high.waiters, 1, __ATOMIC_SEQ_CST);
	room = find_room(&flags, can_sleep);
	__atomic_fetch_sub(&kmap_high.waiters, 1, __ATOMIC_RELAXED);
	if (pkmap.free != NONE && kmap_high.waiters)
		port_wakeup(&kmap_high.waiters);
	spin_unlock_irqrestore(&pkmap.lock, flags);
	return room;
}

/* ---- the calls ------------------------------------------------------------------------------- */

/* No slot for @page: because there are too many users already, or because the caller cannot wait? */
static void *kmap_failed(struct page *page, unsigned long caller)
{
	if (is_crowded(page))
		misuse(MISUSE_UNBALANCED, caller, "kmap(pfn %lu): %lu users already; is a kunmap missing?",
		       page_to_pfn(page), KMAP_USERS);
	else
		report_alloc_failure("kmap", GFP_KERNEL, 0, PAGE_SIZE, caller);
	return NULL;
}

static inline bool is_plain(struct page *page)
{
	unsigned long *word;

	return kmap_find_word(page, &word) && !kmap_page_is_free(page);
}

void *kmap_slow(struct page *page)
{
	void *addr;

	if (unlikely(!is_plain(page))) {
		if (!use_ok("kmap", page, _RET_IP_))
			return NULL;
		if (!PageHighMem(page))
			return page_address(page);
	}
	do {
		addr = use_slot(page);
	} while (!addr && !is_crowded(page) && make_room());
	return addr ? addr : kmap_failed(page, _RET_IP_);
}

/* A user has gone, and somebody waits for a slot.  The lock: whoever is about to sleep is on the queue then. */
void kmap_wake(const struct page *page)
{
	if (kmap_users(page))
		return;
	spin_unlock_irqrestore(&pkmap.lock, spin_lock_irqsave(&pkmap.lock));
	port_wakeup(&kmap_high.waiters);
}

void kunmap_slow(struct page *page)
{
	if (!use_ok("kunmap", page, _RET_IP_) || !PageHighMem(page))
		return;
	while (kmap_users(page)) {
		if (!kmap_drop_user(&page->virtual))
			continue;
		if (__atomic_load_n(&kmap_high.waiters, __ATOMIC_SEQ_CST))
			kmap_wake(page);
		return;
	}
	misuse(MISUSE_UNBALANCED, _RET_IP_, "kunmap(pfn %lu): the frame is not mapped", page_to_pfn(page));
}

void kmap_flush_unused(void)
{
	unsigned last, first;
	unsigned long flags;

	if (in_interrupt()) {
		misuse(MISUSE_CONTEXT, _RET_IP_, "kmap_flush_unused(): in an interrupt");
		return;
	}
	flags = spin_lock_irqsave(&pkmap.lock);
	while (pkmap.flushing)
		flags = wait_for_flush(flags);
	first = sweep(&last);
	if (first != NONE)
		flags = flush_swept(first, last, flags);
	spin_unlock_irqrestore(&pkmap.lock, flags);
}

/* How many users a slot has; -1: it is no frame's. */
static int users_of(unsigned long slot)
{
	const struct page *page = __atomic_load_n(&pkmap.page[slot], __ATOMIC_RELAXED);

	return page ? (int)kmap_users(page) : -1;
}

struct page *kmap_to_page(void *addr)
{
	unsigned long fix = (FIXADDR_TOP + PAGE_SIZE - 1 - (unsigned long)addr) >> PAGE_SHIFT;
	unsigned long slot = addr_slot((unsigned long)addr);
	pte_t e = { 0 };

	if (virt_addr_valid(addr))
		return virt_to_page(addr);
	if (slot < SLOTS && pkmap.table)
		return users_of(slot) > 0 ? pkmap.page[slot] : NULL;
	if (fix < __end_of_fixed_addresses && fixmap_slot_is_kmap((unsigned)fix) && fixmap_pte[fix])
		e = get_pte(fixmap_pte[fix]);
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
	for (unsigned slot = 0; slot < SLOTS; slot++)
		pkmap.next[slot] = (u16)(slot + 1 < SLOTS ? slot + 1 : NONE);
	pkmap.free = 0;
}

void kmap_get_info(struct kmap_info *info)
{
	unsigned long flags = spin_lock_irqsave(&pkmap.lock);

	*info = (struct kmap_info){ .slots = LAST_PKMAP, .waiters = kmap_high.waiters, .flushes = pkmap.flushes };
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		info->used += users_of(slot) > 0;
		info->unused_mapped += users_of(slot) == 0;
	}
	spin_unlock_irqrestore(&pkmap.lock, flags);
}

/* ---- checks ------------------------------------------------------------------------ */

/* X.1 and X.2. */
static int check_slot(unsigned slot)
{
	const struct page *page = pkmap.page[slot];
	pte_t e = get_pte(pkmap.table + slot);

	if (!page)
		return pte_none(e) ? 0 : 1;
	if (!pte_present(e) || pte_pfn(e) != page_to_pfn(page))
		return 1;
	return PageHighMem(page) && (read_word(page) & ~KMAP_USERS) == (slot_addr(slot) | KMAP_SLOT) ? 0 : 2;
}

/* X.3: as many on the list as have no frame, all of them without one. */
static int check_free(unsigned frameless)
{
	unsigned n = 0;

	for (unsigned slot = pkmap.free; slot != NONE; slot = pkmap.next[slot])
		if (slot >= SLOTS || pkmap.page[slot] || ++n > SLOTS)
			return 3;
	return n == frameless || pkmap.flushing ? 0 : 3;
}

static int check_window(void)
{
	unsigned frameless = 0;
	int broken = 0;

	for (unsigned slot = 0; slot < SLOTS && !broken; slot++) {
		frameless += !pkmap.page[slot];
		broken = check_slot(slot);
	}
	return broken ? broken : check_free(frameless);
}

int kmap_check(void)
{
	unsigned long flags = spin_lock_irqsave(&pkmap.lock);
	int broken = pkmap.table ? check_window() : 0;

	spin_unlock_irqrestore(&pkmap.lock, flags);
	if (!broken)
		broken = kmap_local_check();
	return broken ? broken : fixmap_check();
}
