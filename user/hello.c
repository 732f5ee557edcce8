/* SPDX-License-Identifier: MIT */
/*
 * hello.c: the program of the worked example (row E3).
 *
 * The linker script puts `answer` at 0x080495b0, so that reading it is the
 * instruction
 *
 *	a1 b0 95 04 08		mov 0x80495b0,%eax	(8b 04 25 b0 95 04 08 in 64 bits)
 *
 * which objdump -d shows in read_answer().  The address is a logical one; with
 * segments of base 0 it is the linear one too; with two levels of
 * tables the directory's entry 32 names the table, its entry 73 the frame, and 0x5b0 is
 * the place in it.
 *
 *	hello		says hello and ends
 *	hello SECONDS	stays for so long, so that it can be looked at from outside
 */
#include "sys.h"

__attribute__((section(".data.worked_example"))) volatile int answer = 42;

static volatile char bss[3 * PAGE];	/* cleared pages; only the one that is touched comes */

__attribute__((noinline)) int read_answer(void);
int read_answer(void)
{
	int value;

	__asm__ volatile("movl answer, %0" : "=a"(value));
	return value;
}

/* The privilege level that the CPU runs us at: the low bits of CS. */
static unsigned ring(void)
{
	unsigned cs;

	__asm__("movl %%cs, %0" : "=r"(cs));
	return cs & 3;
}

int main(int argc, char **argv)
{
	struct pageinfo info;

	printf("hello from pid %d, in ring %u\n", getpid(), ring());
	printf("mov 0x%x,%%eax gives %d\n", (u32)(uintptr_t)&answer, read_answer());
	bss[2 * PAGE] = 1;
	if (!pageinfo(&info))
		printf("%u pages (%u of them high) in %u areas, %u page tables, after %u page faults\n",
		       info.pages, info.high_pages, info.areas, info.tables, info.faults);
	if (argc > 1)
		sleep_ms(1000 * number(argv[1], 60));
	return read_answer() == 42 && bss[0] == 0 ? 0 : 1;
}
