/* SPDX-License-Identifier: MIT */
/*
 * string.c: memset, memcpy and memmove by the string instructions.
 *
 * An x86 stores and copies words by itself once it is told how many: whole words
 * first, then the bytes that are left.  Addresses need not be aligned.  These take the
 * place of lib/freestanding/memory.c, which the linker then leaves in the library.
 */
#include <quarry/string.h>
#include <quarry/types.h>

#ifdef __LP64__
#define SUFFIX "q"		/* what instructions on words of a long are called */
#else
#define SUFFIX "l"
#endif

void *memset(void *to, int c, size_t n)
{
	unsigned long pattern = (u8)c * (~0UL / 255);	/* 0x0101...01 */
	size_t words = n / sizeof(long), rest = n % sizeof(long);
	void *d = to;

	__asm__ volatile("rep stos" SUFFIX : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	size_t words = n / sizeof(long), rest = n % sizeof(long);
	void *d = to;

	__asm__ volatile("rep movs" SUFFIX : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

/* From the end down: the last bytes, then words.  The direction flag is clear everywhere else. */
static void copy_down(char *to, const char *from, size_t n)
{
	size_t words = n / sizeof(long), rest = n % sizeof(long);
	char *d = to + n - 1;

	from += n - 1;
	__asm__ volatile("std; rep movsb\n\t"
			 "sub %4, %0; sub %4, %1\n\t"	/* from the last byte to the last word */
			 "mov %3, %2; rep movs" SUFFIX "; cld"
			 : "+&D"(d), "+&S"(from), "+&c"(rest) : "r"(words), "i"(sizeof(long) - 1)
			 : "memory", "cc");
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n)	/* no byte is read after it is overwritten */
		return memcpy(to, from, n);
	copy_down(to, from, n);
	return to;
}
