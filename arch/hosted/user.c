/* SPDX-License-Identifier: MIT */
/*
 * user.c: user mode, which a process has not.
 *
 * Programs are loaded, their pages faulted in and their addresses translated as
 * on a PC; to execute them takes a processor with a ring 3 of its own.
 */
#include "hosted.h"

#include <kernel/machine.h>

void machine_enter_user(unsigned long entry, unsigned long sp)
{
	(void)sp;
	kernel_user_trap("no user mode on this machine", entry, 0);
}
