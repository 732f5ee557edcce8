/* SPDX-License-Identifier: MIT */
/*
 * test_printf.c: lib/printf.c against the C library's own, lib/freestanding/string.c
 * against the C library's.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/printf.h>

/* Both must give the same text and length; the formats are compiled once, as literals. */
#define SAME(...) do {									\
	char want[256], got[256];							\
	int n = snprintf(want, sizeof(want), __VA_ARGS__);				\
	int m = mm_snprintf(got, sizeof(got), __VA_ARGS__);				\
	ck_assert_str_eq(got, want);							\
	ck_assert_int_eq(m, n);								\
} while (0)

START_TEST(integers)
{
	static const int values[] = { 0, 1, -1, 7, 42, -42, 255, 4096, 99999, -2147483647 - 1, 2147483647 };

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int v = values[i];

		SAME("%d|%i|%u|%x|%X|%o", v, v, (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
		SAME("%5d|%-5d|%05d|%+d|% d|%+5d", v, v, v, v, v, v);
		SAME("%#x|%#X|%#o|%#10x|%#-10x|%#010x", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v,
		     (unsigned)v, (unsigned)v);
		SAME("%.5d|%8.3d|%-8.3d|%.20d|%20.15d", v, v, v, v, v);
		SAME("%hhd|%hd|%hhu|%hu|%hhx", (signed char)v, (short)v, (unsigned char)v, (unsigned short)v,
		     (unsigned char)v);
		SAME("%ld|%lu|%lx|%lld|%llu|%zu|%zx", (long)v, (unsigned long)v, (unsigned long)v,
		     (long long)v,
		     (unsigned long long)v, (size_t)v, (size_t)v);
		SAME("%*d|%-*d|%.*d", 7, v, 7, v, 3, v);
		SAME("%*d", -7, v);
	}
	SAME("%.0d|%.0x", 0, 0u);
	SAME("%llu|%llx|%llo", ~0ULL, ~0ULL, ~0ULL);
	SAME("%lld", -0x7fffffffffffffffLL - 1);
}
END_TEST

START_TEST(random_wide_numbers)
{
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		u64 bits = (u64)random() << 33 ^ (u64)random() << 11;
		unsigned long long v = bits >> (random() % 64);

		SAME("%llu|%llx|%lld|%20llu|%-20llx|%020llu", v, v, (long long)v, v, v, v);
	}
}
END_TEST

START_TEST(text)
{
	SAME("plain");
	SAME("%s|%10s|%-10s|%.2s|%.0s|%8.3s", "abc", "abc", "abc", "abc", "abc", "abcdef");
	SAME("%.*s|%c|%3c|%-3c|%%", 2, "xyz", 'a', 'b', 'c');
	SAME("%p", (void *)0x1234abcUL);
	SAME("a%sb%dc%xd", "", 0, 0u);
}
END_TEST

START_TEST(too_short_a_buffer_is_cut_and_terminated)
{
	char buf[8];

	memset(buf, 'z', sizeof(buf));
	ck_assert_int_eq(mm_snprintf(buf, 4, "hello %d", 3), 7);
	ck_assert_str_eq(buf, "hel");
	ck_assert_int_eq(buf[4], 'z');
	ck_assert_int_eq(mm_snprintf(buf, 1, "abc"), 3);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(mm_snprintf(NULL, 0, "%s", "abc"), 3);
}
END_TEST

/* ---- the freestanding string functions, under other names -------------------------- */

#define memcpy q_memcpy
#define memmove q_memmove
#define memset q_memset
#define memcmp q_memcmp
#define strlen q_strlen
#define strcmp q_strcmp
#define strncmp q_strncmp
#define strchr q_strchr
#define strstr q_strstr
#undef QUARRY_STRING_H
#include <quarry/string.h>
#include "lib/freestanding/memory.c"
#include "lib/freestanding/string.c"
#undef memcpy
#undef memmove
#undef memset
/* those that the PC has instead */
#define memcpy pc_memcpy
#define memmove pc_memmove
#define memset pc_memset
#undef QUARRY_STRING_H
#include <quarry/string.h>
#include "arch/pc/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strstr

static int sign(int v) { return (v > 0) - (v < 0); }

typedef void *copy_fn(void *to, const void *from, size_t n);
typedef void *set_fn(void *to, int c, size_t n);

static void same_as_the_c_library(copy_fn *move, copy_fn *copy, set_fn *set)
{
	_Alignas(16) unsigned char a[96], b[96], c[96];

	srandom(2);
	for (int i = 0; i < 50000; i++) {
		size_t n = (size_t)random() % 40, from = (size_t)random() % 48, to = (size_t)random() % 48;

		for (unsigned k = 0; k < sizeof(a); k++)
			a[k] = b[k] = (unsigned char)(random() % 3);
		memmove(a + to, a + from, n);
		ck_assert_ptr_eq(move(b + to, b + from, n), b + to);
		ck_assert_mem_eq(a, b, sizeof(a));
		memcpy(c, a, sizeof(a));
		ck_assert_ptr_eq(copy(c + to, a + from, n), c + to);
		ck_assert_int_eq(memcmp(c + to, a + from, n), 0);
		ck_assert_int_eq(sign(q_memcmp(a + from, a + to, n)), sign(memcmp(a + from, a + to, n)));
		memset(a + to, i, n);
		ck_assert_ptr_eq(set(b + to, i, n), b + to);
		ck_assert_mem_eq(a, b, sizeof(a));
	}
}

START_TEST(memory_functions)
{
	same_as_the_c_library(q_memmove, q_memcpy, q_memset);
	same_as_the_c_library(pc_memmove, pc_memcpy, pc_memset);
}
END_TEST

START_TEST(string_functions)
{
	static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "hello world", "lo wo",
					     "world" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_uint_eq(q_strlen(words[i]), strlen(words[i]));
		ck_assert_ptr_eq(q_strchr(words[i], 'b'), strchr(words[i], 'b'));
		ck_assert_ptr_eq(q_strchr(words[i], 0), strchr(words[i], 0));
		for (unsigned j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
			ck_assert_int_eq(sign(q_strcmp(words[i], words[j])),
					 sign(strcmp(words[i], words[j])));
			ck_assert_int_eq(sign(q_strncmp(words[i], words[j], 2)),
					 sign(strncmp(words[i], words[j], 2)));
			ck_assert_ptr_eq(q_strstr(words[i], words[j]), strstr(words[i], words[j]));
		}
	}
}
END_TEST

UNIT_SUITE(printf,
	integers,
	random_wide_numbers,
	text,
	too_short_a_buffer_is_cut_and_terminated,
	memory_functions,
	string_functions)
