/* SPDX-License-Identifier: MIT */
/*
 * frame.h: what the processor and trap_entry.S put in memory.
 */
#ifndef X86_64_FRAME_H
#define X86_64_FRAME_H

#include <quarry/types.h>
#include "segment.h"

struct tss {			/* Intel's manual, volume 3, figure 8-11 */
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];		/* the stack of number 1 ... 7 */
	u64 reserved2;
	u16 reserved3, iomap;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "the 64-bit task state");
extern struct tss cpu_tss[NR_CPUS];

struct trap_frame {		/* as trap_entry.S pushes it; without the r of their names */
	unsigned long r15, r14, r13, r12, r11, r10, r9, r8;
	unsigned long di, si, bp, bx, dx, cx, ax;
	unsigned long vector, error;
	unsigned long ip, cs, flags;
	unsigned long sp, ss;	/* always */
};

#define EXCEPTION_STACKS NR_IST	/* pages a CPU */
#define SWITCH_REST 3		/* registers that switch_stacks() saves below those of a new thread */

#endif
