/* SPDX-License-Identifier: MIT */
/*
 * memory.c: memset, memcpy and memmove in plain C, for builds without a C library.
 *
 * The compiler itself may call these, so they must exist under their own names, and
 * must not be turned into calls of themselves: that is what opaque() is for.  Whole
 * words where both ends are aligned, bytes elsewhere.  A port whose CPU does better
 * defines all three itself; then the linker takes its own, and this file stays out.
 * Pages are cleared and copied by clear_page() and copy_page() of the port.
 */
#include <quarry/string.h>
#include <quarry/types.h>

/* Words that may alias anything. */
typedef unsigned long __attribute__((may_alias)) word;

#define WORD sizeof(word)

/* Keeps a loop a loop: the compiler may not recognise it as a library function. */
#define opaque(p) __asm__ volatile("" : "+r"(p))

void *memcpy(void *to, const void *from, size_t n)
{
	char *d = to;
	const char *s = from;

	if ((((uintptr_t)d | (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
			*(word *)d = *(const word *)s;
			opaque(d);
		}
	}
	for (; n; n--) {
		*d++ = *s++;
		opaque(d);
	}
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	char *d = to;
	const char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)	/* no byte is read after it is overwritten */
		return memcpy(to, from, n);
	while (n) {
		n--;
		d[n] = s[n];
		opaque(d);
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	char *d = to;
	word pattern = (unsigned char)c * ((word)-1 / 255);

	for (; n && ((uintptr_t)d & (WORD - 1)); n--) {
		*d++ = (char)c;
		opaque(d);
	}
	for (; n >= WORD; n -= WORD, d += WORD) {
		*(word *)d = pattern;
		opaque(d);
	}
	for (; n; n--) {
		*d++ = (char)c;
		opaque(d);
	}
	return to;
}
