/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h: the one lock of the memory manager.
 *
 * A ticket lock: first come, first served, so no CPU starves.  Every lock of
 * mm/ is taken with interrupts off, so that an interrupt handler may allocate
 * at any moment without a deadlock against the thread that it interrupted.
 * Order of locks: docs/locking.md.
 */
#ifndef QUARRY_SPINLOCK_H
#define QUARRY_SPINLOCK_H

#include <quarry/types.h>
#include <arch/cpu.h>

typedef struct spinlock {
	u16 next;	/* the ticket that the next comer draws */
	u16 owner;	/* the ticket that is being served */
} spinlock_t;

#define SPINLOCK_INIT { 0, 0 }

static inline void spin_lock_init(spinlock_t *l)
{
	l->next = l->owner = 0;
}

static inline void spin_acquire(spinlock_t *l)
{
	u16 mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine)
		cpu_relax();
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&l->next, __ATOMIC_RELAXED);
}

/** spin_lock_irqsave() - switch interrupts off, take @l.  Return: the state to give back. */
static inline unsigned long spin_lock_irqsave(spinlock_t *l)
{
	unsigned long flags = arch_irq_save();

	spin_acquire(l);
	return flags;
}

/** spin_unlock_irqrestore() - release @l, put interrupts back as they were. */
static inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	__atomic_store_n(&l->owner, (u16)(l->owner + 1), __ATOMIC_RELEASE);
	arch_irq_restore(flags);
}

/** spin_lock(), spin_unlock() - for callers that have interrupts off already. */
static inline void spin_lock(spinlock_t *l)
{
	spin_acquire(l);
}

static inline void spin_unlock(spinlock_t *l)
{
	__atomic_store_n(&l->owner, (u16)(l->owner + 1), __ATOMIC_RELEASE);
}

#endif
