/* SPDX-License-Identifier: MIT */
/*
 * syscall.h: what a task may ask of the kernel; read by kernel/syscall.c and by
 * the programs in user/.
 *
 * int $0x80: number in %eax, arguments in %ebx, %ecx, %edx, answer in %eax.  An
 * answer from -4095 to -1 is a negative error number.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

enum {
	SYS_EXIT = 1,		/* (status) */
	SYS_WRITE,		/* (fd, text, bytes): fd 1 is the console; returns bytes */
	SYS_GETPID,		/* () */
	SYS_BRK,		/* (end): moves the end of the heap; 0 asks; returns the end in force */
	SYS_YIELD,		/* () */
	SYS_SLEEP_MS,		/* (ms) */
	SYS_MAP,		/* (bytes): cleared memory, readable and writable; returns its address */
	SYS_UNMAP,		/* (address, bytes) */
	SYS_PAGEINFO,		/* (struct pageinfo *) */
	SYS_MACHINE,		/* (struct machineinfo *) */
	SYS_MADVISE,		/* (address, bytes, MADV_HUGEPAGE or MADV_NOHUGEPAGE) */
};

#define MADV_HUGEPAGE 14	/* large pages here, where they fit and can be had */
#define MADV_NOHUGEPAGE 15

/* What the task's memory is made of at the moment. */
struct pageinfo {
	unsigned pages;		/* frames in use by its areas */
	unsigned high_pages;	/* of them, from ZONE_HIGHMEM */
	unsigned large_pages;	/* that map some of them */
	unsigned large_size;	/* bytes of one; 0: this machine has none */
	unsigned tables;	/* page tables */
	unsigned faults;	/* page faults answered with a frame, so far */
	unsigned areas;
	unsigned ms;		/* since boot */
	unsigned file_pages;	/* of pages, those of the program's file: they may go and come back at any time */
};

struct machineinfo {
	char arch[16];		/* "i386" */
	char unit[8];		/* what rdtsc counts: "insn", "tsc" */
};

#endif
