/* SPDX-License-Identifier: MIT */
/*
 * kmap_local.c: short mappings in fixed slots of this CPU (row F3).
 *
 *	FIX_KMAP_BEGIN       [ CPU 0: KM_TYPE_NR slots, one a type | CPU 1 ... ]
 *	FIX_KMAP_LOCAL_BEGIN [ CPU 0: KM_MAX_IDX slots, a stack    | CPU 1 ... ]
 *
 * Both write one entry and, on unmapping, empty it and flush one page on this CPU
 * only: no other CPU uses the slot.
 *
 * By type: slot FIX_KMAP_BEGIN + type + KM_TYPE_NR * cpu.  Mapping again replaces.
 * active[cpu][type] is the address in force.  Preemption is off while it is not NULL:
 * so many times as there are active types, however often one was replaced.
 * Worked example (i386, CPU 0): KM_USER0 = 3 is slot 5 + 3 = 8, 0xffffe000 - 8 pages =
 * 0xffff6000.
 *
 * As a stack: mapping i of the running thread is slot FIX_KMAP_LOCAL_BEGIN + i +
 * KM_MAX_IDX * cpu.  The thread keeps its entries in struct kmap_ctrl, and at a switch
 * the slots are emptied and, when it runs again, filled: so it may sleep.  An
 * interrupt uses the stack of the thread it interrupted, above its top, and is done
 * before it returns.  Hence the order below: idx goes up before anything else, and
 * down after everything else, so that at every instruction what lies at and above idx
 * is free.
 *
 * Invariants (numbered on from kmap.c, whose check calls this one):
 *	X.11  0 <= idx <= KM_MAX_IDX
 *	X.12  the slots of this CPU below idx hold the running thread's entries, those
 *	      above are empty
 *	X.13  a type's slot holds an entry exactly when active[] is the slot's address;
 *	      else active[] is an address of low memory, or NULL
 *
 * Locking: none; preemption is off for the few instructions that need this CPU.
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

static inline unsigned stack_slot(unsigned cpu, unsigned i)
{
	return FIX_KMAP_LOCAL_BEGIN + i + KM_MAX_IDX * cpu;
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

static void *local_map(struct page *page, const char *call, unsigned long caller)
{
	struct kmap_ctrl *ctrl;
	unsigned slot = 0;
	int i;

	if (!page_ok(call, page, caller))
		return NULL;
	if (!PageHighMem(page))
		return page_address(page);
	ctrl = port_kmap_ctrl();
	preempt_disable();
	i = ctrl->idx;
	if (i < KM_MAX_IDX) {
		ctrl->idx = i + 1;
		barrier();
		slot = stack_slot(smp_processor_id(), (unsigned)i);
		ctrl->pteval[i] = mk_pte(page_to_pfn(page), PAGE_KERNEL);
		set_pte(fixmap_pte[slot], ctrl->pteval[i]);
	}
	preempt_enable();
	if (slot)
		return (void *)fix_to_virt(slot);
	misuse(MISUSE_UNBALANCED, caller, "%s(pfn %lu): %d mappings deep already; is an unmap missing?", call,
	       page_to_pfn(page), KM_MAX_IDX);
	return NULL;
}

/* Take the top mapping away if it is at @addr. */
static bool pop_mapping(struct kmap_ctrl *ctrl, unsigned long addr)
{
	int top = ctrl->idx - 1;
	unsigned slot;

	if (top < 0)
		return false;
	slot = stack_slot(smp_processor_id(), (unsigned)top);
	if (fix_to_virt(slot) != (addr & PAGE_MASK))
		return false;
	empty_slot(slot);
	ctrl->pteval[top] = (pte_t){ 0 };
	barrier();
	ctrl->idx = top;
	return true;
}

/* Return: false when refused. */
static bool local_unmap(const void *addr, const char *call, unsigned long caller)
{
	unsigned slot = virt_to_fix((unsigned long)addr);
	struct kmap_ctrl *ctrl;
	bool done;

	if (virt_addr_valid(addr))
		return true;
	ctrl = port_kmap_ctrl();
	preempt_disable();
	done = pop_mapping(ctrl, (unsigned long)addr);
	preempt_enable();
	if (done)
		return true;
	if (slot >= FIX_KMAP_LOCAL_BEGIN && slot <= FIX_KMAP_LOCAL_END)
		misuse(MISUSE_UNBALANCED, caller, "%s(%p): not the mapping made last (%d are in use)",
		       call, addr, ctrl->idx);
	else
		misuse(MISUSE_FOREIGN, caller, "%s(%p): not an address that it gave", call, addr);
	return false;
}

void *kmap_local_page(struct page *page)
{
	return local_map(page, "kmap_local_page", _RET_IP_);
}

void kunmap_local(const void *addr)
{
	local_unmap(addr, "kunmap_local", _RET_IP_);
}

void *kmap_atomic_stack(struct page *page)
{
	void *addr;

	preempt_disable();
	addr = local_map(page, "kmap_atomic", _RET_IP_);
	if (!addr)
		preempt_enable();
	return addr;
}

void kunmap_atomic_stack(void *addr)
{
	if (!preempt_count())
		misuse(MISUSE_UNBALANCED, _RET_IP_, "kunmap_atomic(%p): nothing is mapped", addr);
	else if (local_unmap(addr, "kunmap_atomic", _RET_IP_))
		preempt_enable();
}

void kmap_local_sched_out(struct kmap_ctrl *prev)
{
	for (int i = 0; i < prev->idx; i++)
		empty_slot(stack_slot(smp_processor_id(), (unsigned)i));
}

void kmap_local_sched_in(struct kmap_ctrl *next)
{
	for (int i = 0; i < next->idx; i++)
		set_pte(fixmap_pte[stack_slot(smp_processor_id(), (unsigned)i)], next->pteval[i]);
}

/* ---- a frame's content ---------------------------------------------------------------- */

void clear_highpage(struct page *page)
{
	void *addr = local_map(page, "clear_highpage", _RET_IP_);

	if (!addr)
		return;
	clear_page(addr);
	local_unmap(addr, "clear_highpage", _RET_IP_);
}

void copy_highpage(struct page *to, struct page *from)
{
	void *src = local_map(from, "copy_highpage", _RET_IP_);
	void *dst = src ? local_map(to, "copy_highpage", _RET_IP_) : NULL;

	if (dst) {
		copy_page(dst, src);
		local_unmap(dst, "copy_highpage", _RET_IP_);
	}
	if (src)
		local_unmap(src, "copy_highpage", _RET_IP_);
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
	local_unmap(addr, "zero_user", _RET_IP_);
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

static int check_stack(const struct kmap_ctrl *ctrl, unsigned cpu)
{
	if (ctrl->idx < 0 || ctrl->idx > KM_MAX_IDX)
		return 11;
	for (int i = 0; i < KM_MAX_IDX; i++) {
		pte_t e = *fixmap_pte[stack_slot(cpu, (unsigned)i)];

		if (i < ctrl->idx ? pte_pfn(e) != pte_pfn(ctrl->pteval[i]) || !pte_present(e) : !pte_none(e))
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
	broken = check_stack(port_kmap_ctrl(), smp_processor_id());
	preempt_enable();
	return broken;
}
