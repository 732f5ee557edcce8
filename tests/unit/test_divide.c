/* SPDX-License-Identifier: MIT */
/* lib/freestanding/x86/divide.c, under other names, against the compiler's own division. */
#include "unit.h"
#include <stdlib.h>

#define __udivmoddi4 q_udivmod
#define __divmoddi4 q_divmod
#define __udivdi3 q_udiv
#define __umoddi3 q_umod
#define __divdi3 q_div
#define __moddi3 q_mod
#include "lib/freestanding/x86/divide.c"

/* Numbers of every length, so that both ways of dividing are taken. */
static u64 any(void)
{
	u64 bits = (u64)random() << 42 ^ (u64)random() << 21 ^ (u64)random();
	u64 v = bits >> random() % 64;

	return random() % 2 ? v : -v;
}

START_TEST(quotients_and_rests_are_the_compilers)
{
	u64 rest;

	srandom(4);
	for (int i = 0; i < 300000; i++) {
		u64 n = any(), d = any();
		s64 sn = (s64)n, sd = (s64)d;

		if (!d)
			continue;
		ck_assert_uint_eq(q_udivmod(n, d, &rest), n / d);
		ck_assert_uint_eq(rest, n % d);
		ck_assert_uint_eq(q_udiv(n, d), n / d);
		ck_assert_uint_eq(q_umod(n, d), n % d);
		if (sn == INT64_MIN && sd == -1)
			continue;
		ck_assert_int_eq(q_div(sn, sd), sn / sd);
		ck_assert_int_eq(q_mod(sn, sd), sn % sd);
	}
	ck_assert_uint_eq(q_udiv(~0ULL, 1), ~0ULL);
	ck_assert_uint_eq(q_umod(~0ULL, 1ULL << 63), ~0ULL >> 1);
	ck_assert_int_eq(q_div(INT64_MIN, 1), INT64_MIN);
}
END_TEST

UNIT_SUITE(divide, quotients_and_rests_are_the_compilers)
