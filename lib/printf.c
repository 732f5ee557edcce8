/* SPDX-License-Identifier: MIT */
/*
 * printf.c: text from values.
 *
 * One pass over the format.  Literal text goes out as it stands; each conversion
 * is parsed into a `struct spec` and laid out in this order:
 *
 *	|<- spaces ->|sign or 0x|<- zeros ->|digits or text|<- spaces ->|
 *	 right-aligned           precision,                 left-aligned
 *	                         or 0 flag
 *
 * Worked example: "%#8x" of 255 is 4 spaces, "0x", no zeros, "ff".
 *
 * The longest number is 64 bits in octal: 22 digits, so a buffer of 24 holds any.
 */
#include <quarry/printf.h>
#include <quarry/string.h>

struct out {
	void (*emit)(void *arg, const char *text, size_t len);
	void *arg;
	size_t total;
};

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision;	/* -1: none given */
	int length;	/* -2 hh, -1 h, 0, 1 l z t, 2 ll j */
	char conv;
};

static void put(struct out *o, const char *text, size_t len)
{
	if (!len)
		return;
	o->emit(o->arg, text, len);
	o->total += len;
}

static void pad(struct out *o, char c, int n)
{
	static const char blanks[] = "                ", zeros[] = "0000000000000000";

	for (; n > 0; n -= 16)
		put(o, c == '0' ? zeros : blanks, (size_t)min(n, 16));
}

/* Lay out @prefix and @body in the field that @sp asks for; @zeros of them between. */
static void put_field(struct out *o, const struct spec *sp, const char *prefix, int zeros,
		      const char *body, int len)
{
	int plen = (int)strlen(prefix);
	int fill = sp->width - plen - zeros - len;

	if (!sp->left)
		pad(o, ' ', fill);
	put(o, prefix, (size_t)plen);
	pad(o, '0', zeros);
	put(o, body, (size_t)len);
	if (sp->left)
		pad(o, ' ', fill);
}

/* Digits of @v, backwards from @end.  Return: the first digit; @v = 0 has none. */
static char *digits(char *end, u64 v, unsigned base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	/* 64-bit division is a call on 32-bit machines: only while it is needed. */
	while (v > (unsigned long)-1) {
		*--end = set[v % base];
		v /= base;
	}
	for (unsigned long w = (unsigned long)v; w; w /= base)
		*--end = set[w % base];
	return end;
}

static void put_number(struct out *o, const struct spec *sp, u64 v, unsigned base, const char *prefix)
{
	char buf[24], *end = buf + sizeof(buf);
	char *first = digits(end, v, base, sp->conv == 'X');
	int len = (int)(end - first), zeros;

	zeros = max(sp->precision, sp->precision < 0 ? 1 : 0) - len;
	if (sp->zero && !sp->left && sp->precision < 0)
		zeros = max(zeros, sp->width - len - (int)strlen(prefix));
	put_field(o, sp, prefix, max(zeros, 0), first, len);
}

static u64 next_unsigned(const struct spec *sp, va_list *ap)
{
	if (sp->length == 2)
		return va_arg(*ap, unsigned long long);
	if (sp->length == 1)
		return va_arg(*ap, unsigned long);
	unsigned v = va_arg(*ap, unsigned);

	return sp->length == -2 ? (unsigned char)v : sp->length == -1 ? (unsigned short)v : v;
}

static int64_t next_signed(const struct spec *sp, va_list *ap)
{
	if (sp->length == 2)
		return va_arg(*ap, long long);
	if (sp->length == 1)
		return va_arg(*ap, long);
	int v = va_arg(*ap, int);

	return sp->length == -2 ? (signed char)v : sp->length == -1 ? (short)v : v;
}

static void put_signed(struct out *o, const struct spec *sp, va_list *ap)
{
	int64_t v = next_signed(sp, ap);
	const char *sign = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

	put_number(o, sp, v < 0 ? 0 - (u64)v : (u64)v, 10, sign);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t len = 0, most = sp->precision < 0 ? (size_t)-1 : (size_t)sp->precision;

	if (!s)
		s = "(null)";
	while (len < most && s[len])
		len++;
	put_field(o, sp, "", 0, s, (int)len);
}

static void put_conversion(struct out *o, struct spec *sp, va_list *ap)
{
	u64 v;
	char c;

	switch (sp->conv) {
	case 'd':
	case 'i':
		put_signed(o, sp, ap);
		break;
	case 'u':
		put_number(o, sp, next_unsigned(sp, ap), 10, "");
		break;
	case 'x':
	case 'X':
		v = next_unsigned(sp, ap);
		put_number(o, sp, v, 16, !sp->alt || !v ? "" : sp->conv == 'x' ? "0x" : "0X");
		break;
	case 'o':
		v = next_unsigned(sp, ap);
		put_number(o, sp, v, 8, sp->alt && v ? "0" : "");
		break;
	case 'p':
		put_number(o, sp, (uintptr_t)va_arg(*ap, void *), 16, "0x");
		break;
	case 's':
		put_string(o, sp, va_arg(*ap, const char *));
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(o, sp, "", 0, &c, 1);
		break;
	default:	/* "%%", and what is no conversion is shown as it stands */
		put(o, "%", sp->conv != '%');
		put(o, &sp->conv, sp->conv != '\0');
	}
}

static const char *parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-': sp->left = true; break;
		case '0': sp->zero = true; break;
		case '+': sp->plus = true; break;
		case ' ': sp->space = true; break;
		case '#': sp->alt = true; break;
		default: return f;
		}
	}
}

/* A decimal number, or '*' for the next argument. */
static const char *parse_int(const char *f, int *value, va_list *ap)
{
	if (*f == '*') {
		*value = va_arg(*ap, int);
		return f + 1;
	}
	for (*value = 0; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (*f - '0');
	return f;
}

static const char *parse_length(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case 'h': sp->length--; break;
		case 'l': sp->length++; break;
		case 'z':
		case 't': sp->length = 1; break;
		case 'j': sp->length = 2; break;
		default: return f;
		}
	}
}

/* @f stands behind the '%'.  Return: behind the conversion. */
static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1 };
	f = parse_flags(f, sp);
	f = parse_int(f, &sp->width, ap);
	if (sp->width < 0) {
		sp->left = true;
		sp->width = -sp->width;
	}
	if (*f == '.')
		f = parse_int(f + 1, &sp->precision, ap);
	f = parse_length(f, sp);
	sp->conv = *f;
	return *f ? f + 1 : f;
}

size_t mm_vformat(void (*emit)(void *arg, const char *text, size_t len), void *arg,
		  const char *fmt, va_list ap)
{
	struct out o = { emit, arg, 0 };
	struct spec sp;
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		const char *start = fmt;

		while (*fmt && *fmt != '%')
			fmt++;
		put(&o, start, (size_t)(fmt - start));
		if (*fmt == '%') {
			fmt = parse_spec(fmt + 1, &sp, &args);
			put_conversion(&o, &sp, &args);
		}
	}
	va_end(args);
	return o.total;
}

struct buffer {
	char *buf;
	size_t len, used;
};

static void emit_buffer(void *arg, const char *text, size_t n)
{
	struct buffer *b = arg;
	size_t room = b->len - b->used;

	n = min(n, room);
	if (!n)
		return;
	memcpy(b->buf + b->used, text, n);
	b->used += n;
}

int mm_vsnprintf(char *buf, size_t len, const char *fmt, va_list ap)
{
	struct buffer b = { buf, len ? len - 1 : 0, 0 };
	size_t n = mm_vformat(emit_buffer, &b, fmt, ap);

	if (len)
		buf[b.used] = '\0';
	return (int)n;
}

int mm_snprintf(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = mm_vsnprintf(buf, len, fmt, ap);
	va_end(ap);
	return n;
}
