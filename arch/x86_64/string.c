/* SPDX-License-Identifier: MIT */
/*
 * string.c: memset, memcpy and memmove by the string instructions.
 *
 * Whole words of 8 bytes first, then the last 0 to 7 bytes.  Addresses need not be
 * aligned.  These take the place of lib/freestanding/memory.c, which the linker then
 * leaves in the library.
 */
#include <quarry/string.h>
#include <quarry/types.h>

void *memset(void *to, int c, size_t n)
{
	u64 pattern = (u8)c * 0x0101010101010101ULL;
	size_t words = n / 8, rest = n % 8;
	void *d = to;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	void *d = to;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

/* From the end down: the last bytes, then words.  The direction flag is clear everywhere else. */
static void copy_down(char *to, const char *from, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	char *d = to + n - 1;

	from += n - 1;
	__asm__ volatile("std; rep movsb\n\t"
			 "subq $7, %%rdi; subq $7, %%rsi\n\t"	/* from the last byte to the last word */
			 "movq %3, %%rcx; rep movsq; cld"
			 : "+&D"(d), "+&S"(from), "+&c"(rest) : "r"(words) : "memory", "cc");
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n)	/* no byte is read after it is overwritten */
		return memcpy(to, from, n);
	copy_down(to, from, n);
	return to;
}
