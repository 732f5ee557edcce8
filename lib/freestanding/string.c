/* SPDX-License-Identifier: MIT */
/*
 * string.c: the functions of <quarry/string.h> for builds without a C library.
 *
 * The compiler itself may call memcpy, memmove, memset and memcmp, so these must
 * exist under their own names, and must not be turned into calls of themselves:
 * that is what opaque() is for.  Whole words where both ends are aligned, bytes
 * elsewhere.
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

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (; n; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
		opaque(p);
	}
	return 0;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p) {
		p++;
		opaque(p);
	}
	return (size_t)(p - s);
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		opaque(a);
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++, b++)
		opaque(a);
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
		opaque(s);
	}
	return (char *)(uintptr_t)s;
}

char *strstr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (; strncmp(hay, needle, n) != 0; hay++)
		if (!*hay)
			return NULL;
	return (char *)(uintptr_t)hay;
}
