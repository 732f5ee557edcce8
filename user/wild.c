/* SPDX-License-Identifier: MIT */
/*
 * wild.c: accesses that a task has no right to; each must end it, and only it.
 *
 *	wild		writes to 0xdeadbeef
 *	wild null	reads through a NULL pointer
 *	wild low	writes to an address of user space where nothing is
 *	wild kernel	writes into the kernel's image
 *	wild hole	writes between the two halves of a 64-bit address space, where no
 *			address is; with 32 bits there is no such place
 *	wild text	writes into its own code
 *	wild rodata	writes to a constant
 *	wild jump	calls an address where nothing is
 *	wild execute	calls bytes of its data that would be code; survives (exits with 0)
 *			where the processor cannot tell code from data
 *	wild pointer	gives such addresses to system calls, which must refuse (exits with 0)
 */
#include "sys.h"

static const int constant = 7;
static char buffer[16];

static void poke(uintptr_t addr)
{
	printf("wild: writing to %p\n", (void *)addr);
	*(volatile int *)addr = 1;
}

static bool refused(const char *what, long answer)
{
	printf("wild: %s: %d\n", what, (int)answer);
	return is_error(answer);
}

/* Each call is given an address that is not ours. */
static int bad_pointers(void)
{
	bool good = true;

	good &= refused("write(0xdeadbeef)", write(1, (void *)0xdeadbeef, 4));
	good &= refused("write(NULL)", write(1, NULL, 4));
	good &= refused("write(kernel)", write(1, (void *)KERNEL_IMAGE, 4));
	good &= refused("write(to the last byte)", write(1, (void *)-1ul, 2));
	good &= refused("pageinfo(own text)", pageinfo((struct pageinfo *)(uintptr_t)main));
	good &= refused("pageinfo(kernel)", pageinfo((struct pageinfo *)KERNEL_IMAGE));
	good &= refused("unmap(kernel)", unmap((void *)KERNEL_IMAGE, PAGE));
	good &= refused("map(4 GiB - 1)", syscall3(SYS_MAP, -1, 0, 0));
	good &= refused("system call 4711", syscall3(4711, 0, 0, 0));
	good &= write(1, buffer, 0) == 0;
	return good ? 0 : 1;
}

static int execute_data(void)
{
	static unsigned char code[16] = { 0xc3 };	/* ret */

	printf("wild: calling data at %p\n", (void *)code);
	((void (*)(void))(unsigned long)code)();
	printf("wild: data is as good as code here\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (same(how, "null"))
		return *(volatile int *)({ uintptr_t zero = 0; __asm__("" : "+r"(zero)); zero; });
	if (same(how, "low"))
		poke(0x20000000);
	if (same(how, "kernel"))
		poke(KERNEL_IMAGE);
	if (same(how, "hole"))
		poke((uintptr_t)1 << (8 * sizeof(long) - 1));
	if (same(how, "text"))
		poke((uintptr_t)main);
	if (same(how, "rodata"))
		poke((uintptr_t)&constant);
	if (same(how, "jump"))
		((void (*)(void))0x30000000)();
	if (same(how, "pointer"))
		return bad_pointers();
	if (same(how, "execute"))
		return execute_data();
	poke(0xdeadbeef);
	printf("wild: survived, which must not be\n");
	return 1;
}
