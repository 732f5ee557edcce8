/* SPDX-License-Identifier: MIT */
/*
 * port.h: all that a kernel must give to Quarry, in stages.
 *
 * A port is a folder of inline headers, <arch/...>, and the functions below.  Stop
 * after the stage you need: what lies behind it is not linked.  3 and 4 are for
 * kernels that have several CPUs, or threads; without, leave them out.
 *
 *	stage		must write			may write (else, from mm/port)
 *	1 pages, slabs	<arch/layout.h> <arch/cpu.h>
 *			port_log, port_panic		port_symbol (the bare number)
 *			arch_paging_init		port_describe_address (nothing known)
 *			arch_zone_borders
 *	2 mapping	<arch/pte.h> <arch/fixmap.h>
 *			swapper_pg_dir
 *	3 SMP						port_flush_tlb_others, port_call_others
 *							(nothing: one CPU)
 *	4 threads					port_yield, port_wakeup (nothing)
 *							port_can_sleep (never), port_sleep_on
 *							port_mm_thread (one thread)
 *	5 tasks		port_current_mm			port_oom_tasks, port_oom_kill (nobody is
 *			port_flush_tlb_user			ended when memory runs out)
 *
 * tests/port/stages.t holds this table against what the objects of each stage ask for.
 *
 *	<arch/layout.h>	PAGE_SHIFT, PAGE_OFFSET, zone borders; stage 2: the windows
 *	<arch/cpu.h>	smp_processor_id(), cpu_slot(), preempt_count(), preempt_word(),
 *			preempt_count_add(n) (percpu.h), cpu_claim_at_rest() (claim.h), in_interrupt(),
 *			arch_irq_save/restore, cpu_relax(), clear_page(), copy_page();
 *			stage 2: kmap_top(), kmap_top_add(n): an unsigned of each CPU, 0 at first;
 *			the addition is one step, as interrupts and other threads see it
 *	<arch/pte.h>	page-table entry types and helpers, TLB flushes
 *	<arch/fixmap.h>	the list of fixed slots
 */
#ifndef QUARRY_PORT_H
#define QUARRY_PORT_H

#include <quarry/page.h>
#include <quarry/types.h>
#include <arch/cpu.h>
#include <arch/layout.h>

/* ---- stage 1: pages and slabs ------------------------------------------- */

/**
 * port_log() - put text on the kernel's log
 * @text: @len bytes, not terminated; lines end in '\n'
 *
 * Context: any, interrupts too, with mm locks held.  Must not allocate, sleep
 * or call back into Quarry.
 */
void port_log(const char *text, size_t len);

/**
 * port_panic() - the memory manager found its own data corrupted: stop
 * @text: one terminated line, with values
 *
 * Does not return.
 */
void port_panic(const char *text) __attribute__((noreturn));

/**
 * port_symbol() - name a code address for reports ("vmem_init+0x1c")
 * @buf, @len: where to
 * @addr: a code address
 *
 * Write "0x%lx" when no name is known.  Context: any.  Return: @buf.
 */
char *port_symbol(char *buf, size_t len, unsigned long addr);

/**
 * port_describe_address() - what is known about a pointer that is no page, object or area
 * Used by the misuse checks to describe a foreign pointer ("on a stack", "in
 * the kernel's image").  Return: a short word ("kernel image", "stack") or NULL.
 */
const char *port_describe_address(const void *p);

/**
 * arch_paging_init() - map all of low memory from PAGE_OFFSET on; set max_low_pfn, high_memory
 *
 * mm_init_pages() calls it once memblock knows the memory; memory for tables comes from
 * memblock_alloc().  Where it is mapped already, only the two variables are set.
 */
void arch_paging_init(void);

/** arch_zone_borders() - fill max_zone_pfn[], see free_area_init_nodes().  After arch_paging_init(). */
void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES]);

/* ---- stage 2: mapping ---------------------------------------------------- */

/* <arch/pte.h> (the list is in pgtable.h), and swapper_pg_dir, the kernel's own directory (there too). */

/* ---- stage 3: SMP -------------------------------------------------------- */

/**
 * port_flush_tlb_others() - make the other CPUs forget kernel translations
 * @start, @end: virtual addresses, page-aligned, end exclusive
 *
 * Called after the calling CPU flushed its own.  Context: thread, interrupts on;
 * returns when all have done it.
 */
void port_flush_tlb_others(unsigned long start, unsigned long end);

/**
 * port_call_others() - let every other CPU that is online call @fn(@arg), in an interrupt
 *
 * @fn does not wait, and takes only locks of mm/.  Context: thread, interrupts on, no lock
 * held, preemption perhaps off; returns when all have called it.
 */
void port_call_others(void (*fn)(void *arg), void *arg);

/** may_call_others() - is this a thread with interrupts on, and nothing held? */
static inline bool may_call_others(void)
{
	return !preempt_count() && !arch_irqs_disabled();
}

/* ---- stage 4: threads ---------------------------------------------------- */

struct spinlock;

/**
 * port_yield() - let others run for a moment: a __GFP_NOFAIL caller waits for memory
 *
 * Where nobody else can run (no scheduler, preemption off) it returns at once.
 * Context: any.
 */
void port_yield(void);

/**
 * port_can_sleep() - is there a scheduler, and may the caller be put to sleep?
 *
 * False before the scheduler runs, in interrupts, while preemption or
 * interrupts are off.  A port without a scheduler returns false for ever: then
 * calls that would sleep return NULL instead.
 */
bool port_can_sleep(void);

/**
 * port_sleep_on() - release @lock and sleep until port_wakeup(@channel)
 * @channel: any address; names what is waited for
 * @lock: held by the caller with spin_lock_irqsave(@lock, @flags); released and
 *	interrupts restored after the caller is on the channel's queue (no wake-up
 *	is lost), and taken again before return
 * @flags: what spin_lock_irqsave gave; the new value is returned
 *
 * Wakes up spuriously too: the caller checks its condition in a loop.
 */
unsigned long port_sleep_on(const void *channel, struct spinlock *lock, unsigned long flags);

/** port_wakeup() - wake every thread that sleeps on @channel.  Context: any. */
void port_wakeup(const void *channel);

/* What the memory manager keeps of each thread; all zero at first (memalloc.h, inject.h). */
struct mm_thread {
	unsigned flags;			/* PF_... */
	unsigned fail_nth;		/* the so many-th allocation from now on fails; 0: none is to fail */
	unsigned long failed;		/* so many failed for that reason */
	unsigned long failed_at;	/* who asked for the last of them: a code address */
};

/**
 * port_mm_thread() - the calling thread's own
 * Context: any.  Return: NULL in an interrupt, and where there is no thread yet.
 */
struct mm_thread *port_mm_thread(void);

/* ---- stage 5: tasks ------------------------------------------------------ */

struct mm_struct;

/* What the one who must choose a task to end is told of each (mm/pressure/oom.c). */
struct oom_task {
	int pid;			/* above 0 */
	const char *name;
	struct mm_struct *mm;		/* NULL: it has none; dying: it is being freed just now */
	int score_adj;			/* -1000: never ... 1000: first */
	bool dying;			/* told to end already, or ends by itself */
	bool current;			/* it is the caller */
};

/**
 * port_oom_tasks() - call @visit(task, @arg) for every thread and task, by age, until it returns false
 * While @visit runs its task, address space included, stays; @visit takes locks of mm/, logs, and
 * calls port_oom_kill().  Context: thread that may sleep, no lock held; allocates nothing.
 */
void port_oom_tasks(bool (*visit)(const struct oom_task *task, void *arg), void *arg);

/**
 * port_oom_kill() - let task @pid end as soon as it can, and mark its mm_thread as PF_OOM_VICTIM
 * It wakes if it sleeps.  It never comes back to user mode: its frames are taken from it at once.
 * May be called again.  Context: as above.  Return: false: there is none, or it cannot be ended.
 */
bool port_oom_kill(int pid);

/** port_current_mm() - the address space that is loaded, or NULL. */
struct mm_struct *port_current_mm(void);

/**
 * port_flush_tlb_user() - forget the user translations [start, end) of @mm on
 * every CPU that has it loaded.
 */
void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end);

#endif
