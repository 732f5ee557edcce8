/* SPDX-License-Identifier: MIT */
/*
 * privileged.c: instructions that ring 3 may not use; each must end this task.
 *
 *	privileged		cli
 *	privileged cr3		loads CR3
 *	privileged port		writes to an I/O port
 *	privileged undefined	an instruction that does not exist
 *	privileged breakpoint	int3
 */
#include "sys.h"

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (same(how, "cr3"))
		__asm__ volatile("mov %0, %%cr3" : : "r"(0l));
	if (same(how, "port"))
		__asm__ volatile("outb %%al, $0x80" : : "a"(0));
	if (same(how, "undefined"))
		__asm__ volatile("ud2");
	if (same(how, "breakpoint"))
		__asm__ volatile("int3");
	__asm__ volatile("cli");
	printf("privileged: did it, which must not be\n");
	return 1;
}
