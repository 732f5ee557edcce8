/* SPDX-License-Identifier: MIT */
/*
 * mutex.h: a lock whose waiters sleep, for who holds it while something is read, or
 * memory is asked for.
 */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <quarry/port.h>
#include <quarry/spinlock.h>

struct mutex {
	spinlock_t lock;
	bool held;			/* under lock */
};

/** mutex_trylock() - take it, if nobody has it.  Context: any. */
static inline bool mutex_trylock(struct mutex *m)
{
	unsigned long flags = spin_lock_irqsave(&m->lock);
	bool mine = !m->held;

	m->held = true;
	spin_unlock_irqrestore(&m->lock, flags);
	return mine;
}

/** mutex_lock() - take it; wait until it can be had.  Context: thread that may sleep, and has it not. */
static inline void mutex_lock(struct mutex *m)
{
	unsigned long flags = spin_lock_irqsave(&m->lock);

	while (m->held)
		flags = port_sleep_on(m, &m->lock, flags);
	m->held = true;
	spin_unlock_irqrestore(&m->lock, flags);
}

static inline void mutex_unlock(struct mutex *m)
{
	unsigned long flags = spin_lock_irqsave(&m->lock);

	m->held = false;
	spin_unlock_irqrestore(&m->lock, flags);
	port_wakeup(m);
}

#endif
