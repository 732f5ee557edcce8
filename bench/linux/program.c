/* SPDX-License-Identifier: MIT */
/*
 * program.c: the only program of a Linux that is measured: its init.
 *
 * Loads /bench.ko, which measures the kernel's own calls, and hands on the lines that it
 * left in the kernel's log; then measures page faults from user mode by the loops of
 * user/faultbench.c; then reboots, which ends the emulator.
 *
 * Prints lines "bench OPERATION VALUE", and "benchdone" if nothing failed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096u
#define BYTES (64u << 20)
#define PAGES (BYTES / PAGE)
#define LARGE (4u << 20)
#define ROUNDS 7
#define CALLS 128
#define LOG_BYTES (1 << 20)
#define READ_ALL 3		/* klogctl(): the whole log, from its beginning */

static void finish(int ok)
{
	puts(ok ? "benchdone" : "benchfail");
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	exit(1);
}

static void fail(const char *what)
{
	perror(what);
	finish(0);
}

/* ---- the module --------------------------------------------------------------------- */

static void print_log(void)
{
	char *log = malloc(LOG_BYTES), *line;
	int n = log ? klogctl(READ_ALL, log, LOG_BYTES - 1) : -1;

	if (n < 0)
		fail("the kernel's log");
	log[n] = '\0';
	for (line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		char *ours = strstr(line, "bench");

		if (ours && (!strncmp(ours, "bench ", 6) || !strncmp(ours, "benchfail", 9)))
			puts(ours);
	}
	free(log);
}

static void load_module(void)
{
	int fd = open("/bench.ko", O_RDONLY);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		fail("bench.ko");
	close(fd);
	print_log();
}

/* ---- from user mode ------------------------------------------------------------------- */

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *op, uint64_t *ticks, unsigned inner)
{
	qsort(ticks, ROUNDS, sizeof(*ticks), compare);
	printf("bench u_%s %.1f\n", op, (double)ticks[ROUNDS / 2] / inner);
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

/* @advice: MADV_HUGEPAGE or MADV_NOHUGEPAGE; so much more is mapped that it can begin where a large page may. */
static void write_rounds(int advice, uint64_t *touch, uint64_t *gone)
{
	for (int r = -1; r < ROUNDS; r++) {
		char *whole = map(BYTES + LARGE);
		volatile char *p = (char *)(((uintptr_t)whole + LARGE - 1) & ~(uintptr_t)(LARGE - 1));
		uint64_t t0, t1;

		madvise(whole, BYTES + LARGE, advice);
		t0 = rdtsc();
		for (size_t o = 0; o < BYTES; o += PAGE)
			p[o] = 1;
		t1 = rdtsc();
		munmap(whole, BYTES + LARGE);
		if (r >= 0) {
			touch[r] = t1 - t0;
			gone[r] = rdtsc() - t1;
		}
	}
}

static void read_rounds(uint64_t *touch)
{
	for (int r = -1; r < ROUNDS; r++) {
		volatile char *p = map(BYTES);
		uint64_t t;

		madvise((char *)p, BYTES, MADV_NOHUGEPAGE);
		t = rdtsc();
		for (size_t o = 0; o < BYTES; o += PAGE)
			(void)p[o];
		if (r >= 0)
			touch[r] = rdtsc() - t;
		munmap((char *)p, BYTES);
	}
}

static void small_rounds(void)
{
	uint64_t calls[ROUNDS], untouched[ROUNDS], touched[ROUNDS];

	for (int r = -1; r < ROUNDS; r++) {
		uint64_t t[4] = { rdtsc() };

		for (unsigned i = 0; i < CALLS; i++)
			syscall(SYS_getppid);
		t[1] = rdtsc();
		for (unsigned i = 0; i < CALLS; i++)
			munmap(map(PAGE), PAGE);
		t[2] = rdtsc();
		for (unsigned i = 0; i < CALLS; i++) {
			char *p = map(PAGE);

			*(volatile char *)p = 1;
			munmap(p, PAGE);
		}
		t[3] = rdtsc();
		for (int i = 0; r >= 0 && i < 3; i++)
			(i == 0 ? calls : i == 1 ? untouched : touched)[r] = t[i + 1] - t[i];
	}
	report("getppid", calls, CALLS);
	report("mmap_munmap_4K_untouched", untouched, CALLS);
	report("mmap_touch_munmap_4K", touched, CALLS);
}

int main(void)
{
	uint64_t touch[ROUNDS], gone[ROUNDS];

	load_module();
	write_rounds(MADV_HUGEPAGE, touch, gone);
	report("fault_anon_write_thp_per_4K", touch, PAGES);
	report("munmap_64M_thp_per_4K", gone, PAGES);
	write_rounds(MADV_NOHUGEPAGE, touch, gone);
	report("fault_anon_write_4K", touch, PAGES);
	report("munmap_64M_per_touched_page", gone, PAGES);
	read_rounds(touch);
	report("fault_anon_read_4K", touch, PAGES);
	small_rounds();
	finish(1);
}
