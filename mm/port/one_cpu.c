/* SPDX-License-Identifier: MIT */
/*
 * one_cpu.c: for ports with one CPU: there is nobody to ask or to tell.
 */
#include <quarry/port.h>

__weak void port_flush_tlb_others(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

__weak void port_call_others(void (*fn)(void *arg), void *arg)
{
	(void)fn;
	(void)arg;
}
