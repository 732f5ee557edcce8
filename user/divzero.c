/* SPDX-License-Identifier: MIT */
/* divzero.c: divides by zero; the exception must end this task and no other. */
#include "sys.h"

int main(int argc, char **argv)
{
	u32 quotient, rest = 0;

	(void)argv;
	__asm__ volatile("divl %2" : "=a"(quotient), "+d"(rest) : "r"(argc - argc), "a"(1));
	printf("divzero: got %u, which must not be\n", quotient);
	return 1;
}
