/* SPDX-License-Identifier: MIT */
/*
 * port.h: all that a kernel must give to Quarry, in stages.
 *
 * A port is a directory of inline headers, <arch/...>, and the functions below.
 * Stage 1 is enough for memblock, pages, slabs and kmalloc; stage 2 adds
 * vmalloc, kmap and page tables; stage 3 adds sleeping; stage 4 adds tasks.
 *
 * Inline (hot) part, from the port's own folder:
 *
 *	<arch/layout.h>	PAGE_SHIFT, PAGE_OFFSET, zone borders, the windows
 *	<arch/cpu.h>	smp_processor_id(), arch_irq_save/restore, preempt_count,
 *			preempt_count_add(n), preempt_count_test(bits) (claim.h has them), in_interrupt(), cpu_relax(), clear_page(), copy_page()
 *	<arch/pte.h>	page-table entry types and helpers, TLB flushes (stage 2)
 */
#ifndef QUARRY_PORT_H
#define QUARRY_PORT_H

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
 * port_yield() - let others run for a moment: a __GFP_NOFAIL caller waits for memory
 *
 * Where nobody else can run (no scheduler, preemption off) it returns at once.
 * Context: any.
 */
void port_yield(void);

/* ---- stage 2: mapping ----------------------------------------------------- */

/**
 * port_flush_tlb_others() - make the other CPUs forget kernel translations
 * @start, @end: virtual addresses, page-aligned, end exclusive
 *
 * Called after the calling CPU flushed its own.  A port with one CPU does
 * nothing.  Context: thread, interrupts on; returns when all have done it.
 */
void port_flush_tlb_others(unsigned long start, unsigned long end);

/* ---- stage 3: sleeping -------------------------------------------------- */

struct spinlock;

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

/* ---- stage 4: tasks ----------------------------------------------------- */

struct kmap_ctrl;
struct mm_struct;

/** port_kmap_ctrl() - the running thread's stack of kmap_local mappings. */
struct kmap_ctrl *port_kmap_ctrl(void);

/** port_current_mm() - the address space that is loaded, or NULL. */
struct mm_struct *port_current_mm(void);

/**
 * port_flush_tlb_user() - forget the user translations [start, end) of @mm on
 * every CPU that has it loaded.
 */
void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end);

#endif
