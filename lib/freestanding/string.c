/* SPDX-License-Identifier: MIT */
/*
 * string.c: comparing and searching, for builds without a C library; memset and
 * its like are in memory.c.
 *
 * The compiler itself may call memcmp and strlen, so these must not be turned into
 * calls of themselves: that is what opaque() is for.
 */
#include <quarry/string.h>
#include <quarry/types.h>

/* Keeps a loop a loop: the compiler may not recognise it as a library function. */
#define opaque(p) __asm__ volatile("" : "+r"(p))

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
