/* SPDX-License-Identifier: MIT */
/*
 * no_tasks.c: for ports with address spaces, but nobody who could be ended when memory
 * runs out: then the request fails.
 */
#include <quarry/port.h>

__weak void port_oom_tasks(bool (*visit)(const struct oom_task *task, void *arg), void *arg)
{
	(void)visit;
	(void)arg;
}

__weak bool port_oom_kill(int pid)
{
	(void)pid;
	return false;
}
