/* SPDX-License-Identifier: MIT */
/*
 * one_cpu.c: for ports with one CPU, and with one thread on each: nobody else keeps
 * translations, and the thread's mappings are the CPU's.
 */
#include <quarry/highmem.h>
#include <quarry/port.h>

static struct kmap_ctrl kmap_ctrls[NR_CPUS];

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

__weak struct kmap_ctrl *port_kmap_ctrl(void)
{
	return &kmap_ctrls[smp_processor_id()];
}
