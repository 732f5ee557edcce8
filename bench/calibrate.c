/* SPDX-License-Identifier: MIT */
/*
 * calibrate.c: what a reading, a loop, an instruction and a page cost by
 * themselves: the measure of the measure.
 */
#include "bench.h"

#include <quarry/page.h>

#define CHAIN 100000u	/* iterations of two instructions */

static void one_instruction(void)
{
	const char *op = "cal_per_insn";
	int round, rounds = 51;

	if (!bench_wanted(op))
		return;
	for (round = 0; round < rounds; round++) {
		u32 n = CHAIN;
		u64 start = machine_cycles();

		__asm__ volatile("1: decl %0; jnz 1b" : "+r"(n) : : "cc");
		bench_note(ROW_A, round, machine_cycles() - start);
	}
	bench_report(op, ROW_A, rounds, 2 * (int)CHAIN);
}

static void store_words(void *to)
{
	unsigned long n = PAGE_SIZE / 4;

	__asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

static void store_bytes(void *to)
{
	unsigned long n = PAGE_SIZE;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

void bench_calibrate(void)
{
	char *page = (char *)__get_free_pages(GFP_KERNEL, 1);

	if (!page) {
		bench_no_memory("cal");
		return;
	}
	MEASURE("cal_rdtsc_only", 101, 1, );
	MEASURE("cal_empty_loop", 101, 1000, );
	one_instruction();
	MEASURE("cal_rep_stosl_4096", 51, 10, store_words(page));
	MEASURE("cal_rep_stosb_4096", 51, 10, store_bytes(page));
	MEASURE("cal_clear_page", 51, 10, clear_page(page));
	MEASURE("cal_copy_page", 51, 10, copy_page(page, page + PAGE_SIZE));
	free_pages((unsigned long)page, 1);
}
