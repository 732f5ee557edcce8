/* SPDX-License-Identifier: MIT */
/*
 * one_thread.c: for ports with one thread on each CPU: its mappings are the CPU's.
 */
#include <quarry/highmem.h>
#include <quarry/port.h>

static struct kmap_ctrl kmap_ctrls[NR_CPUS];

__weak struct kmap_ctrl *port_kmap_ctrl(void)
{
	return &kmap_ctrls[smp_processor_id()];
}
