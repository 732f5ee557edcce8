/* SPDX-License-Identifier: MIT */
/* cpu.h of the smallest port: one processor, no interrupts. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <quarry/percpu.h>
#include <quarry/types.h>

static inline unsigned smp_processor_id(void) { return 0; }
static inline int preempt_count(void) { return 0; }
static inline int preempt_word(void) { return 0; }
static inline bool in_interrupt(void) { return false; }
static inline unsigned long cpu_slot(void) { return 0; }
static inline bool cpu_claim_at_rest(void) { return true; }
static inline void preempt_count_add(int n) { (void)n; }
static inline void preempt_disable(void) { }
static inline void preempt_enable(void) { }
static inline unsigned long arch_irq_save(void) { return 0; }
static inline void arch_irq_restore(unsigned long flags) { (void)flags; }
static inline bool arch_irqs_disabled(void) { return false; }
static inline void cpu_relax(void) { }
static inline void clear_page(void *p) { __builtin_memset(p, 0, 4096); }
static inline void copy_page(void *to, const void *from) { __builtin_memcpy(to, from, 4096); }

#endif
