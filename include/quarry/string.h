/* SPDX-License-Identifier: MIT */
/*
 * string.h: the C library's memory and string functions that Quarry uses.
 *
 * A hosted build takes them from the C library; a freestanding one from
 * lib/freestanding/, or from the port.  Meanings as in ISO C.
 */
#ifndef QUARRY_STRING_H
#define QUARRY_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);

#endif
