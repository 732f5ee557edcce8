/* SPDX-License-Identifier: MIT */
/*
 * printf.h: text from values, without a C library.
 *
 * Conversions: d i u x X o c s p %, flags - 0 + space #, width and precision
 * (also *), lengths hh h l ll z t j.  %p prints 0x and lower-case digits.
 * No floating point.  Nothing is allocated, no lock is taken; any context.
 */
#ifndef QUARRY_PRINTF_H
#define QUARRY_PRINTF_H

#include <stdarg.h>
#include <quarry/types.h>

/**
 * mm_vformat() - format, handing out the text piece by piece
 * @emit: called with each piece, in order; pieces are not terminated
 * @arg: passed to @emit
 * Return: bytes handed out in all.  O(length).
 */
size_t mm_vformat(void (*emit)(void *arg, const char *text, size_t len), void *arg,
		  const char *fmt, va_list ap);

/**
 * mm_vsnprintf() - format into a buffer
 * @buf, @len: where to; always terminated when @len > 0, cut when too short
 * Return: the length of the whole text, cut or not (without the terminator).
 */
int mm_vsnprintf(char *buf, size_t len, const char *fmt, va_list ap);
int mm_snprintf(char *buf, size_t len, const char *fmt, ...) __printf_like(3, 4);

#endif
