/* SPDX-License-Identifier: MIT */
/*
 * faultbench.c: what a page fault costs, seen from ring 3.
 *
 * Maps 64 MiB, touches one byte of each page, unmaps; the median of 7 rounds after one
 * that is not counted, divided by the pages.  The loops are those of the benchmark
 * that Quarry compares itself with, so that the numbers can be set side by side.
 *
 *	faultbench [MIB]	another size, a power of two, where memory is small
 *
 * Prints lines of `bench<TAB>arch<TAB>operation<TAB>unit<TAB>value`.
 */
#include "sys.h"

#define ROUNDS 7

static struct machineinfo machine;

/* What rdtsc counts.  A kernel that counts nanoseconds itself has found none, or is a process. */
static bool know_the_counter(void)
{
	machineinfo(&machine);
	if (!same(machine.unit, "ns"))
		return true;
	machine.unit[0] = 't', machine.unit[1] = 's', machine.unit[2] = 'c', machine.unit[3] = '\0';
	return machine.arch[0] == 'h';
}

static u64 median(u64 *t, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		for (unsigned k = i; k && t[k - 1] > t[k]; k--) {
			u64 swap = t[k];

			t[k] = t[k - 1];
			t[k - 1] = swap;
		}
	return t[n / 2];
}

/* Divided by 2^@shift, with one digit after the point. */
static void report(const char *what, u64 *t, unsigned rounds, unsigned shift)
{
	u64 m = median(t, rounds);
	u32 rest = (u32)(m & ((1u << shift) - 1));

	printf("bench\t%s\tu_%s\t%s\t%u.%u\n", machine.arch, what, machine.unit, (u32)(m >> shift),
	       (rest * 10) >> shift);
}

static void give_up(unsigned mib)
{
	printf("faultbench: no map of %u MiB to be had\n", mib);
	exit(2);
}

/* @large: with large pages, where the kernel has them. */
static void write_rounds(unsigned mib, bool large, u64 *touch, u64 *gone)
{
	for (int r = -1; r < ROUNDS; r++) {
		char *p = map(mib * MIB);
		u64 t, t1;

		if (!p || (large && madvise(p, mib * MIB, MADV_HUGEPAGE)))
			give_up(mib);
		t = rdtsc();
		for (u32 o = 0; o < mib * MIB; o += PAGE)
			((volatile char *)p)[o] = 1;
		t1 = rdtsc();
		unmap(p, mib * MIB);
		if (r >= 0) {
			touch[r] = t1 - t;
			gone[r] = rdtsc() - t1;
		}
	}
}

static void read_rounds(unsigned mib, u64 *touch)
{
	for (int r = -1; r < ROUNDS; r++) {
		char *p = map(mib * MIB);
		u64 t;

		if (!p)
			give_up(mib);
		t = rdtsc();
		for (u32 o = 0; o < mib * MIB; o += PAGE)
			(void)((volatile char *)p)[o];
		if (r >= 0)
			touch[r] = rdtsc() - t;
		unmap(p, mib * MIB);
	}
}

/* 128 in each round, so that the division is a shift. */
static void small_rounds(void)
{
	u64 calls[ROUNDS], untouched[ROUNDS], touched[ROUNDS];

	for (int r = -1; r < ROUNDS; r++) {
		u64 t[4] = { rdtsc() };

		for (unsigned i = 0; i < 128; i++)
			getpid();
		t[1] = rdtsc();
		for (unsigned i = 0; i < 128; i++)
			unmap(map(PAGE), PAGE);
		t[2] = rdtsc();
		for (unsigned i = 0; i < 128; i++) {
			char *p = map(PAGE);

			*(volatile char *)p = 1;
			unmap(p, PAGE);
		}
		t[3] = rdtsc();
		for (unsigned i = 0; r >= 0 && i < 3; i++)
			(i == 0 ? calls : i == 1 ? untouched : touched)[r] = t[i + 1] - t[i];
	}
	report("getppid", calls, ROUNDS, 7);
	report("mmap_munmap_4K_untouched", untouched, ROUNDS, 7);
	report("mmap_touch_munmap_4K", touched, ROUNDS, 7);
}

int main(int argc, char **argv)
{
	unsigned mib = number(argc > 1 ? argv[1] : NULL, 64), shift = 8;
	u64 touch[ROUNDS], gone[ROUNDS];

	if (!mib || mib > 1024 || (mib & (mib - 1))) {
		printf("faultbench: a power of two of MiB, please\n");
		return 2;
	}
	if (!know_the_counter()) {
		printf("faultbench: this processor has no time-stamp counter\n");
		return 2;
	}
	for (unsigned m = mib; m > 1; m /= 2)
		shift++;
	write_rounds(mib, true, touch, gone);
	report("fault_anon_write_thp_per_4K", touch, ROUNDS, shift);
	report("munmap_64M_thp_per_4K", gone, ROUNDS, shift);
	write_rounds(mib, false, touch, gone);
	report("fault_anon_write_4K", touch, ROUNDS, shift);
	report("munmap_64M_per_touched_page", gone, ROUNDS, shift);
	read_rounds(mib, touch);
	report("fault_anon_read_4K", touch, ROUNDS, shift);
	small_rounds();
	return 0;
}
