/* SPDX-License-Identifier: MIT */
/*
 * kmap_local.c: short mappings in fixed slots of this CPU (row F3).
 *
 *	FIX_KMAP_BEGIN       [ CPU 0: KM_TYPE_NR slots, one a type | CPU 1 ... ]
 *	FIX_KMAP_LOCAL_BEGIN [ CPU 0: KM_MAX_IDX slots, a stack    | CPU 1 ... ]
 *
 * Both write one entry and, on unmapping, empty it and flush one page on this CPU
 * only: no other CPU uses the slot.  Whoever touches the address afterwards faults.
 *
 * By type: slot FIX_KMAP_BEGIN + type + KM_TYPE_NR * cpu.  Mapping again replaces.
 * active[cpu][type] is the address in force.  Preemption is off while it is not NULL:
 * so many times as there are active types, however often one was replaced.
 * Worked example (i386, CPU 0): KM_USER0 = 3 is slot 5 + 3 = 8, 0xffffe000 - 8 pages =
 * 0xffff6000.
 *
 * As a stack: each CPU has a row of kmap_slots[], and kmap_top(), a word of its own that
 * one instruction changes: how many bytes into kmap_slots[] the slot is that was taken last.
 *
 *	kmap_slots   [ none | slot 0 | slot 1 | ... | slot KM_MAX_IDX - 1 | end | end | end ]
 *	address         1     fixed slot FIX_KMAP_LOCAL_BEGIN + i + KM_MAX_IDX * cpu     0
 *	entry           -     where its page-table entry is                              -
 *	                      ^ kmap_top(): one mapping
 *
 * To map is to add one slot, and then to look where that is: from the addition on the
 * thread stays on this CPU, for the scheduler keeps a thread with mappings there, and an
 * interrupt that comes works above and is done before it returns.  To unmap is to look
 * whether the address is the top one's, empty that slot, and only then to subtract.  So at every
 * instruction what lies above the top is free, and neither preemption nor interrupts
 * need be switched.  One too deep finds an end, without an address, and subtracts again
 * (there are several, for interrupts that come just then); what is below the first slot
 * has an address that equals none.
 *
 * At a switch the entries go into the thread's struct kmap_ctrl, and when it runs again
 * back into the slots: so it may sleep.  All slots below the top are flushed then, for
 * the thread may have been between emptying one and flushing it.
 *
 * kmap_top() is 0, before all rows and with ends above, until this CPU maps something for the
 * first time.
 *
 * Invariants (numbered on from kmap.c, whose check calls this one):
 *	X.11  kmap_top() is in the row of this CPU, or 0
 *	X.12  this CPU's slots up to the top hold entries of high frames, those above are empty
 *	X.13  a type's slot holds an entry exactly when active[] is the slot's address;
 *	      else active[] is an address of low memory, or NULL
 *
 * Locking: none.  By type preemption is off; a row is its CPU's alone, as told above.
 * Failure: deeper than KM_MAX_IDX: NULL, reported.  Cost: O(1).
 *
 * Low frames: their own address.  By type they count as active all the same, so that
 * unbalanced calls are caught on machines without high memory, too.
 */
#include <quarry/highmem.h>

#include "windows.h"

#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/string.h>

static void *active[NR_CPUS][KM_TYPE_NR];

static inline unsigned type_slot(unsigned cpu, unsigned type)
{
	return FIX_KMAP_BEGIN + type + KM_TYPE_NR * cpu;
}

static void empty_slot(unsigned slot)
{
	set_pte(fixmap_pte[slot], (pte_t){ 0 });
	flush_tlb_page(fix_to_virt(slot));
}

static bool page_ok(const char *call, const struct page *page, unsigned long caller)
{
	const char *wrong = kmap_page_wrong(page);

	if (likely(!wrong && (fixmap_pte[FIX_KMAP_BEGIN] || !PageHighMem(page))))
		return true;
	misuse(wrong ? MISUSE_FOREIGN : MISUSE_CONTEXT, caller, "%s(%p): %s", call, (const void *)page,
	       wrong ? wrong : "before fixmap_init()");
	return false;
}

/* ---- by type ---------------------------------------------------------------------- */

/* Write the entry of a type's slot, empty or not.  Return: its address. */
static void *replace_slot(unsigned slot, const struct page *page)
{
	bool was_empty = pte_none(*fixmap_pte[slot]);

	set_pte(fixmap_pte[slot], mk_pte(page_to_pfn(page), PAGE_KERNEL));
	if (!was_empty)
		flush_tlb_page(fix_to_virt(slot));
	return (void *)fix_to_virt(slot);
}

void *kmap_atomic_type(struct page *page, enum km_type type)
{
	void *addr, **now;
	unsigned slot;

	if (!page_ok("kmap_atomic", page, _RET_IP_))
		return NULL;
	if ((unsigned)type >= KM_TYPE_NR) {
		misuse(MISUSE_ARGUMENT, _RET_IP_, "kmap_atomic(pfn %lu, %u): no such type", page_to_pfn(page),
		       (unsigned)type);
		return NULL;
	}
	preempt_disable();
	slot = type_slot(smp_processor_id(), type);
	now = &active[smp_processor_id()][type];
	if (PageHighMem(page)) {
		addr = replace_slot(slot, page);
	} else {
		addr = page_address(page);
		if (*now == (void *)fix_to_virt(slot))
			empty_slot(slot);
	}
	if (*now)
		preempt_enable();	/* replaced: it counts already */
	*now = addr;
	return addr;
}

void kunmap_atomic_type(void *addr, enum km_type type)
{
	void *page_start = (void *)((unsigned long)addr & PAGE_MASK), **now = NULL;
	unsigned cpu = smp_processor_id();

	if ((unsigned)type < KM_TYPE_NR)
		now = &active[cpu][type];
	if (!now || !page_start || *now != page_start) {
		misuse(MISUSE_UNBALANCED, _RET_IP_, "kunmap_atomic(%p, %u): that type has %p mapped", addr,
		       (unsigned)type, now ? *now : NULL);
		return;
	}
	if (*now == (void *)fix_to_virt(type_slot(cpu, type)))
		empty_slot(type_slot(cpu, type));
	*now = NULL;
	preempt_enable();
}

/* ---- as a stack -------------------------------------------------------------------- */

#define ENDS 4			/* of each row: before the first slot one, behind the last the rest */
#define ROW (KM_MAX_IDX + ENDS)
#define NO_ADDR 1UL

struct kmap_high kmap_high;
struct kmap_slot kmap_slots[ENDS + NR_CPUS * ROW + 1] = { { .addr = NO_ADDR } };

/* kmap_top() of @cpu with @depth mappings. */
static inline unsigned row_top(unsigned cpu, int depth)
{
	return (ENDS + ROW * cpu + (unsigned)depth) * (unsigned)sizeof(struct kmap_slot);
}

void kmap_local_init(void)
{
	for (unsigned i = 0; i < NR_CPUS * KM_MAX_IDX; i++) {
		struct kmap_slot *row = kmap_slots + ENDS + ROW * (i / KM_MAX_IDX);
		unsigned fix = FIX_KMAP_LOCAL_BEGIN + i;

		row[0].addr = NO_ADDR;
		row[1 + i % KM_MAX_IDX] = (struct kmap_slot){ fix_to_virt(fix), fixmap_pte[fix] };
	}
	kmap_high.first = pfn_to_page(max_low_pfn);
	kmap_high.pte = mk_pte(max_low_pfn, PAGE_KERNEL);
	kmap_high.nr = HAVE_HIGHMEM && max_pfn > max_low_pfn ? max_pfn - max_low_pfn : 0;
}

/* The first mapping that this CPU makes: from now on it has a row. */
static void find_row(void)
{
	unsigned long flags = arch_irq_save();

	if (!kmap_top())
		kmap_top_add((int)row_top(smp_processor_id(), 0));
	arch_irq_restore(flags);
}

static void *map_closely(struct page *page, const char *call, unsigned long caller)
{
	void *addr;

	if (!page_ok(call, page, caller))
		return NULL;
	if (!PageHighMem(page))
		return page_address(page);
	find_row();
	if (kmap_local_push(page, &addr))
		return addr;
	misuse(MISUSE_UNBALANCED, caller, "%s(pfn %lu): %d mappings deep already; is an unmap missing?", call,
	       page_to_pfn(page), KM_MAX_IDX);
	return NULL;
}

static __always_inline void *local_map(struct page *page, const char *call, unsigned long caller)
{
	void *addr;

	return likely(kmap_local_push(page, &addr)) ? addr : map_closely(page, call, caller);
}

/* It is not the mapping made last.  Return: false when refused; true: low memory, which needs nothing. */
static bool unmap_closely(unsigned long page_addr, const char *call, unsigned long caller)
{
	unsigned slot = virt_to_fix(page_addr);
	void *addr = (void *)page_addr;

	if (virt_addr_valid(addr))
		return true;
	if (slot >= FIX_KMAP_LOCAL_BEGIN && slot <= FIX_KMAP_LOCAL_END)
		misuse(MISUSE_UNBALANCED, caller, "%s(%p): not the mapping made last (%d are in use)",
		       call, addr, kmap_local_depth());
	else
		misuse(MISUSE_FOREIGN, caller, "%s(%p): not an address that it gave", call, addr);
	return false;
}

void *kmap_local_slow(struct page *page)
{
	return map_closely(page, "kmap_local_page", _RET_IP_);
}

void kunmap_local_slow(unsigned long page_addr)
{
	unmap_closely(page_addr, "kunmap_local", _RET_IP_);
}

/* Preemption is off already. */
void *kmap_atomic_slow(struct page *page)
{
	void *addr = map_closely(page, "kmap_atomic", _RET_IP_);

	if (!addr)
		preempt_enable();
	return addr;
}

void kunmap_atomic_slow(unsigned long page_addr)
{
	if (!preempt_count())
		misuse(MISUSE_UNBALANCED, _RET_IP_, "kunmap_atomic(%p): nothing is mapped", (void *)page_addr);
	else if (unmap_closely(page_addr, "kunmap_atomic", _RET_IP_))
		preempt_enable();
}

/* ---- at a switch --------------------------------------------------------------------- */

int kmap_local_depth(void)
{
	int depth = 0;

	preempt_disable();
	if (kmap_top())
		depth = (int)((kmap_top() - row_top(smp_processor_id(), 0)) / sizeof(struct kmap_slot));
	preempt_enable();
	return depth;
}

/* The slots that this CPU has in use: from *@first on.  (One more than there are was found out to be too deep.) */
static int slots_in_use(const struct kmap_slot **first, int depth)
{
	*first = kmap_slots + row_top(smp_processor_id(), 1) / sizeof(struct kmap_slot);
	return min(depth, KM_MAX_IDX);
}

void kmap_local_sched_out(struct kmap_ctrl *prev)
{
	const struct kmap_slot *slot;
	int n;

	prev->idx = kmap_local_depth();
	n = slots_in_use(&slot, prev->idx);
	for (int i = 0; i < n; i++) {
		prev->pteval[i] = get_pte(slot[i].pte);
		set_pte(slot[i].pte, (pte_t){ 0 });
		flush_tlb_page(slot[i].addr);
	}
	kmap_top_add(-prev->idx * (int)sizeof(*slot));
}

void kmap_local_sched_in(struct kmap_ctrl *next)
{
	const struct kmap_slot *slot;
	int n = slots_in_use(&slot, next->idx);

	kmap_top_add(next->idx * (int)sizeof(*slot));
	for (int i = 0; i < n; i++)
		set_pte(slot[i].pte, next->pteval[i]);
	next->idx = 0;
}

/* ---- a frame's content ---------------------------------------------------------------- */

void clear_highpage(struct page *page)
{
	void *addr = local_map(page, "clear_highpage", _RET_IP_);

	if (!addr)
		return;
	clear_page(addr);
	kunmap_local(addr);
}

void copy_highpage(struct page *to, struct page *from)
{
	void *src = local_map(from, "copy_highpage", _RET_IP_);
	void *dst = src ? local_map(to, "copy_highpage", _RET_IP_) : NULL;

	if (dst) {
		copy_page(dst, src);
		kunmap_local(dst);
	}
	if (src)
		kunmap_local(src);
}

void zero_user(struct page *page, unsigned start, unsigned size)
{
	char *addr;

	if (start > PAGE_SIZE || size > PAGE_SIZE - start) {
		misuse(MISUSE_SIZE, _RET_IP_, "zero_user(%p, %u, %u): beyond the end of the frame",
		       (void *)page, start, size);
		return;
	}
	addr = local_map(page, "zero_user", _RET_IP_);
	if (!addr)
		return;
	memset(addr + start, 0, size);
	kunmap_local(addr);
}

/* ---- checks ----------------------------------------------------------------------------- */

static int check_types(unsigned cpu)
{
	for (unsigned type = 0; type < KM_TYPE_NR; type++) {
		unsigned slot = type_slot(cpu, type);
		bool mapped = active[cpu][type] == (void *)fix_to_virt(slot);

		if (mapped != pte_present(*fixmap_pte[slot]))
			return 13;
		if (!mapped && active[cpu][type] && !virt_addr_valid(active[cpu][type]))
			return 13;
	}
	return 0;
}

/* X.11 and X.12 of this CPU. */
static int check_stack(void)
{
	const struct kmap_slot *slot;
	int depth = kmap_local_depth();

	if (depth < 0 || depth > KM_MAX_IDX)
		return 11;
	slots_in_use(&slot, depth);
	for (int i = 0; i < KM_MAX_IDX; i++) {
		pte_t e = get_pte(slot[i].pte);

		if (i < depth ? !pte_present(e) || pte_pfn(e) < max_low_pfn : !pte_none(e))
			return 12;
	}
	return 0;
}

int kmap_local_check(void)
{
	int broken = 0;

	if (!fixmap_pte[FIX_KMAP_BEGIN])
		return 0;
	for (unsigned cpu = 0; cpu < NR_CPUS && !broken; cpu++)
		broken = check_types(cpu);
	if (broken)
		return broken;
	preempt_disable();
	broken = check_stack();
	preempt_enable();
	return broken;
}
