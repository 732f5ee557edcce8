/* SPDX-License-Identifier: MIT */
/*
 * sys.c: the runtime of the programs.
 */
#include "sys.h"

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

void exit(int status)
{
	for (;;)
		syscall3(SYS_EXIT, status, 0, 0);
}

int getpid(void)
{
	return (int)syscall3(SYS_GETPID, 0, 0, 0);
}

long write(int fd, const void *text, size_t len)
{
	return syscall3(SYS_WRITE, fd, (long)text, (long)len);
}

void yield(void)
{
	syscall3(SYS_YIELD, 0, 0, 0);
}

void sleep_ms(unsigned ms)
{
	syscall3(SYS_SLEEP_MS, (long)ms, 0, 0);
}

void *sbrk(long bytes)
{
	long old = syscall3(SYS_BRK, 0, 0, 0);

	if (bytes && syscall3(SYS_BRK, old + bytes, 0, 0) != old + bytes)
		return (void *)-1;
	return (void *)old;
}

void *map(size_t len)
{
	long p = syscall3(SYS_MAP, (long)len, 0, 0);

	return is_error(p) ? NULL : (void *)p;
}

long unmap(void *p, size_t len)
{
	return syscall3(SYS_UNMAP, (long)p, (long)len, 0);
}

long madvise(void *p, size_t len, int advice)
{
	return syscall3(SYS_MADVISE, (long)p, (long)len, advice);
}

long pageinfo(struct pageinfo *info)
{
	return syscall3(SYS_PAGEINFO, (long)info, 0, 0);
}

void machineinfo(struct machineinfo *info)
{
	syscall3(SYS_MACHINE, (long)info, 0, 0);
}

void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	volatile char *t = to;

	while (n--)
		*t++ = (char)c;
	return to;
}

bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

unsigned number(const char *text, unsigned otherwise)
{
	unsigned n = 0;

	if (!text || !*text)
		return otherwise;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (unsigned)(*text - '0');
	return n;
}

/* ---- printf --------------------------------------------------------------------- */

struct line {
	char text[255];
	unsigned len;
};

static void put(struct line *l, char c)
{
	if (l->len < sizeof(l->text))
		l->text[l->len++] = c;
}

static void put_number(struct line *l, unsigned long n, unsigned base, unsigned width, char pad)
{
	char digits[20];
	unsigned i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	for (; width > i; width--)
		put(l, pad);
	while (i)
		put(l, digits[--i]);
}

static void put_value(struct line *l, char kind, unsigned width, char pad, va_list *ap)
{
	const char *s;
	int n;

	switch (kind) {
	case 's':
		for (s = va_arg(*ap, const char *); *s; s++)
			put(l, *s);
		break;
	case 'c':
		put(l, (char)va_arg(*ap, int));
		break;
	case 'd':
		n = va_arg(*ap, int);
		if (n < 0)
			put(l, '-');
		put_number(l, n < 0 ? -(unsigned)n : (unsigned)n, 10, width, pad);
		break;
	case 'u':
		put_number(l, va_arg(*ap, unsigned), 10, width, pad);
		break;
	case 'p':
		put(l, '0');
		put(l, 'x');
		put_number(l, (unsigned long)va_arg(*ap, void *), 16, 8, '0');
		break;
	case 'x':
		put_number(l, va_arg(*ap, unsigned), 16, width, pad);
		break;
	default:
		put(l, kind);
	}
}

void printf(const char *fmt, ...)
{
	struct line l;
	va_list ap;

	l.len = 0;
	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		unsigned width = 0;
		char pad = ' ';

		if (*fmt != '%') {
			put(&l, *fmt);
			continue;
		}
		if (*++fmt == '0')
			pad = '0';
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (unsigned)(*fmt - '0');
		if (!*fmt)
			break;
		put_value(&l, *fmt, width, pad, &ap);
	}
	va_end(ap);
	write(1, l.text, l.len);
}
