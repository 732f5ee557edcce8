/* SPDX-License-Identifier: MIT */
/*
 * divide.c: 64-bit division, for which the compiler calls functions of these names.
 *
 * (They are usually libgcc's, but that expects its arguments on the stack, and we pass
 * them in registers: see build.mk.)
 *
 * A divisor of 32 bits takes two steps as by hand, in digits of 32 bits; the CPU
 * divides two digits by one as long as the quotient is one digit:
 *
 *	(h l) / d:	h / d = q1, rest r;  (r l) / d = q0, rest r';  quotient (q1 q0)
 *
 * A larger one goes in fewer than 32 steps of a bit.  A divisor of 0 traps.
 */
#include <quarry/types.h>

typedef int64_t s64;

u64 __udivmoddi4(u64 n, u64 d, u64 *rest);
s64 __divmoddi4(s64 n, s64 d, s64 *rest);
u64 __udivdi3(u64 n, u64 d);
u64 __umoddi3(u64 n, u64 d);
s64 __divdi3(s64 n, s64 d);
s64 __moddi3(s64 n, s64 d);

static u64 divide_by_digit(u64 n, u32 d, u64 *rest)
{
	u32 high = (u32)(n >> 32), q1 = high / d, q0, r;

	__asm__("divl %4" : "=a"(q0), "=d"(r) : "0"((u32)n), "1"(high % d), "rm"(d) : "cc");
	*rest = r;
	return (u64)q1 << 32 | q0;
}

u64 __udivmoddi4(u64 n, u64 d, u64 *rest)
{
	u64 q = 0, unused;
	int bit;

	if (!rest)
		rest = &unused;
	if (d >> 32 == 0)
		return divide_by_digit(n, (u32)d, rest);
	for (bit = __builtin_clz((u32)(d >> 32)); bit >= 0; bit--)
		if (n >= d << bit) {
			n -= d << bit;
			q |= 1ULL << bit;
		}
	*rest = n;
	return q;
}

/* The quotient is rounded towards 0; the rest has the sign of @n. */
s64 __divmoddi4(s64 n, s64 d, s64 *rest)
{
	u64 r, q = __udivmoddi4(n < 0 ? -(u64)n : (u64)n, d < 0 ? -(u64)d : (u64)d, &r);

	*rest = (s64)(n < 0 ? -r : r);
	return (s64)((n < 0) != (d < 0) ? -q : q);
}

u64 __udivdi3(u64 n, u64 d)
{
	return __udivmoddi4(n, d, NULL);
}

u64 __umoddi3(u64 n, u64 d)
{
	u64 rest;

	__udivmoddi4(n, d, &rest);
	return rest;
}

s64 __divdi3(s64 n, s64 d)
{
	s64 rest;

	return __divmoddi4(n, d, &rest);
}

s64 __moddi3(s64 n, s64 d)
{
	s64 rest;

	__divmoddi4(n, d, &rest);
	return rest;
}
