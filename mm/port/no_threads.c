/* SPDX-License-Identifier: MIT */
/*
 * no_threads.c: for ports without a scheduler.  Nobody may sleep, so nobody is to be
 * woken, and nobody else would run meanwhile.
 */
#include <quarry/port.h>
#include <quarry/report.h>

__weak void port_yield(void)
{
}

__weak bool port_can_sleep(void)
{
	return false;
}

__weak unsigned long port_sleep_on(const void *channel, struct spinlock *lock, unsigned long flags)
{
	mm_panic("port_sleep_on(%p, lock %p, flags 0x%lx): port_can_sleep() is true, so this must be the port's own",
		 channel, (void *)lock, flags);
}

__weak void port_wakeup(const void *channel)
{
	(void)channel;
}

__weak struct mm_thread *port_mm_thread(void)
{
	static struct mm_thread only;

	return in_interrupt() ? NULL : &only;
}
