/* SPDX-License-Identifier: MIT */
/*
 * virt.c: areas, windows, page faults.
 */
#include "bench.h"

#include <quarry/highmem.h>
#include <quarry/printf.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#include "kernel/sched.h"

/* ---- vmalloc ------------------------------------------------------------------------ */

/* One round: @inner areas, one after the other; taking and giving timed apart. */
static bool vmalloc_round(size_t bytes, int inner, int round)
{
	u64 taking = 0, giving = 0;
	int i;

	for (i = 0; i < inner; i++) {
		u64 t0 = machine_cycles(), t1;
		void *p = __vmalloc(bytes, GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN);

		t1 = machine_cycles();
		if (!p)
			return false;
		vfree(p);
		taking += t1 - t0;
		giving += machine_cycles() - t1;
	}
	bench_note(ROW_A, round, taking + giving);
	bench_note(ROW_B, round, taking);
	bench_note(ROW_C, round, giving);
	return true;
}

static void vmalloc_size(const char *size, size_t bytes, int rounds, int inner)
{
	char pair[32], alloc[32], gone[32];
	int round;

	mm_snprintf(pair, sizeof(pair), "vmalloc_%s_pair", size);
	mm_snprintf(alloc, sizeof(alloc), "vmalloc_%s_alloc", size);
	mm_snprintf(gone, sizeof(gone), "vmalloc_%s_free", size);
	if (!bench_wanted(pair) && !bench_wanted(alloc) && !bench_wanted(gone))
		return;
	for (round = -BENCH_WARM_UP; round < rounds; round++)
		if (!vmalloc_round(bytes, inner, round)) {
			bench_no_memory(pair);
			return;
		}
	bench_report(pair, ROW_A, rounds, inner);
	bench_report(alloc, ROW_B, rounds, inner);
	bench_report(gone, ROW_C, rounds, inner);
}

#define VMAP_PAGES 16

static void vmap_pages(void)
{
	struct page *pages[VMAP_PAGES];
	int i, n = 0;

	while (n < VMAP_PAGES && (pages[n] = alloc_page(GFP_KERNEL)))
		n++;
	if (n == VMAP_PAGES)
		MEASURE_PAIR("vmap_16pages_pair", 51, 20, void *, vmap(pages, VMAP_PAGES, VM_MAP, PAGE_KERNEL), vunmap(p));
	else
		bench_no_memory("vmap_16pages_pair");
	for (i = 0; i < n; i++)
		__free_page(pages[i]);
}

void bench_vmalloc(void)
{
	vmalloc_size("4K", 4096, 101, 20);
	vmalloc_size("64K", 64 << 10, 101, 10);
	vmalloc_size("1M", 1 << 20, 51, 4);
	vmalloc_size("16M", 16 << 20, 15, 1);
	vmap_pages();
}

/* ---- kmap --------------------------------------------------------------------------- */

#define CYCLE 2048	/* twice the window: it is flushed again and again */

static void kmap_one(struct page *page)
{
	MEASURE_PAIR("kmap_same_pair", 201, 1000, void *, kmap(page), kunmap(page));
	MEASURE_PAIR("kmap_atomic_pair", 201, 1000, void *, kmap_atomic(page), kunmap_atomic(p));
	MEASURE_PAIR("kmap_local_page_pair", 201, 1000, void *, kmap_local_page(page), kunmap_local(p));
	MEASURE_PAIR("kmap_local_page_touch_pair", 201, 1000, volatile char *, kmap_local_page(page),
		     (*p = 1, kunmap_local((void *)p)));
}

static void kmap_cycle(void)
{
	const char *op = "kmap_cycle2048_pair";
	int n = 0, round, i, rounds = 31;

	if (!bench_wanted(op))
		return;
	while (n < CYCLE && (bench_held[n] = alloc_page(GFP_HIGHUSER | __GFP_NOWARN)))
		n++;
	for (round = -BENCH_WARM_UP; n == CYCLE && round < rounds; round++) {
		u64 start = machine_cycles();

		for (i = 0; i < CYCLE; i++) {
			BENCH_USE(kmap(bench_held[i]));
			kunmap(bench_held[i]);
		}
		bench_note(ROW_A, round, machine_cycles() - start);
	}
	if (n == CYCLE)
		bench_report(op, ROW_A, rounds, CYCLE);
	else
		bench_no_memory(op);
	while (n--)
		__free_page(bench_held[n]);
}

void bench_kmap(void)
{
	struct page *page = alloc_page(GFP_HIGHUSER);

	if (!page) {
		bench_no_memory("kmap");
		return;
	}
	kmap_one(page);
	__free_page(page);
	kmap_cycle();
}

/* ---- page faults ---------------------------------------------------------------------- */

#define FAULT_AT 0x10000000ul
#define FAULT_PAGES 1024

/* The kernel's part of a page fault, without the trap: area, frame, table entry. */
static bool fault_round(struct mm_struct *mm, int round)
{
	u64 t0, t1;
	int i;

	if (mm_map(mm, FAULT_AT, FAULT_PAGES * PAGE_SIZE, VM_READ | VM_WRITE, "bench", NULL, NULL))
		return false;
	t0 = machine_cycles();
	for (i = 0; i < FAULT_PAGES; i++)
		if (handle_mm_fault(mm, FAULT_AT + (unsigned long)i * PAGE_SIZE, FAULT_FLAG_WRITE) != VM_FAULT_OK)
			return false;
	t1 = machine_cycles();
	if (mm_unmap(mm, FAULT_AT, FAULT_PAGES * PAGE_SIZE))
		return false;
	bench_note(ROW_A, round, t1 - t0);
	bench_note(ROW_B, round, machine_cycles() - t1);
	return true;
}

static void kernel_faults(void)
{
	const char *op = "mm_fault_anon_write_4K", *op2 = "mm_unmap_4M_per_touched_page";
	struct mm_struct *mm;
	int round, rounds = 31;
	bool ok = true;

	if (!bench_wanted(op) && !bench_wanted(op2))
		return;
	mm = mm_alloc();
	for (round = -BENCH_WARM_UP; mm && ok && round < rounds; round++)
		ok = fault_round(mm, round);
	if (mm && ok) {
		bench_report(op, ROW_A, rounds, FAULT_PAGES);
		bench_report(op2, ROW_B, rounds, FAULT_PAGES);
	} else {
		bench_no_memory(op);
	}
	if (mm)
		mm_free(mm);
}

static bool user_wanted(void)
{
	return bench_wanted("u_fault_anon_write_thp_per_4K") || bench_wanted("u_munmap_64M_thp_per_4K") ||
	       bench_wanted("u_fault_anon_write_4K") || bench_wanted("u_fault_anon_read_4K") ||
	       bench_wanted("u_munmap_64M_per_touched_page") || bench_wanted("u_getppid") ||
	       bench_wanted("u_mmap_munmap_4K_untouched") || bench_wanted("u_mmap_touch_munmap_4K");
}

/* The whole of it, seen from ring 3: the program prints its own lines, all of them. */
static void user_faults(void)
{
	unsigned long free = 0, mib = 64;
	char line[32];
	struct zone *z;
	int pid;

	if (!machine_has_feature("ring3") || !user_wanted())
		return;
	for_each_zone(z)
		free += zone_free_pages(z);
	while (mib > 1 && (mib << 20) / PAGE_SIZE > free / 2)
		mib /= 2;
	mm_snprintf(line, sizeof(line), "faultbench %lu", mib);
	pid = task_run(line);
	if (pid < 0 || bench_wait(pid) != 0)
		bench_no_memory("u_fault_anon_write_4K");
	else
		bench_note_reported();
}

void bench_fault(void)
{
	kernel_faults();
	user_faults();
}
