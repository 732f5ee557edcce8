/* SPDX-License-Identifier: MIT */
/*
 * xorshift.h: pseudo-random numbers for tests and measurements: the same seed, the same row.
 *
 * G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.  The state is
 * the last number, and never 0.
 */
#ifndef LIB_XORSHIFT_H
#define LIB_XORSHIFT_H

#include <quarry/types.h>

static inline u32 xorshift32(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static inline u64 xorshift64(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

#endif
