/* SPDX-License-Identifier: MIT */
/*
 * frame.h: what the processor and trap_entry.S put in memory.
 */
#ifndef I386_FRAME_H
#define I386_FRAME_H

#include <quarry/types.h>

struct tss {			/* Intel's manual, volume 3, figure 8-2 */
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2;
	u32 cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap;
};
extern struct tss cpu_tss[NR_CPUS];

struct trap_frame {		/* as trap_entry.S pushes it; without the e of their names */
	u32 di, si, bp, unused_sp, bx, dx, cx, ax;
	u32 gs, fs, es, ds;
	u32 vector, error;
	u32 ip, cs, flags;
	u32 sp, ss;		/* only when it came from user mode */
};

#define EXCEPTION_STACKS 1	/* pages a CPU: for a double fault */
#define SWITCH_REST 1		/* registers that switch_stacks() saves below those of a new thread */

#endif
