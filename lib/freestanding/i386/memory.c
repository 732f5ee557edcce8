/* SPDX-License-Identifier: MIT */
/*
 * memory.c: memset, memcpy and memmove by the string instructions.
 *
 * An x86 stores and copies words by itself once it is told how many: whole words
 * first, then the last 0 to 3 bytes.  Addresses need not be aligned.  These take the
 * place of lib/freestanding/memory.c (sources.mk chooses).
 */
#include <quarry/string.h>
#include <quarry/types.h>

void *memset(void *to, int c, size_t n)
{
	u32 pattern = (u8)c * 0x01010101u;
	size_t words = n / 4, rest = n % 4;
	void *d = to;

	__asm__ volatile("rep stosl" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	size_t words = n / 4, rest = n % 4;
	void *d = to;

	__asm__ volatile("rep movsl" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

/* From the end down: the last bytes, then words.  The direction flag is clear everywhere else. */
static void copy_down(char *to, const char *from, size_t n)
{
	size_t words = n / 4, rest = n % 4;
	char *d = to + n - 1;

	from += n - 1;
	__asm__ volatile("std; rep movsb\n\t"
			 "subl $3, %%edi; subl $3, %%esi\n\t"	/* from the last byte to the last word */
			 "movl %3, %%ecx; rep movsl; cld"
			 : "+&D"(d), "+&S"(from), "+&c"(rest) : "r"(words) : "memory", "cc");
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n)	/* no byte is read after it is overwritten */
		return memcpy(to, from, n);
	copy_down(to, from, n);
	return to;
}
