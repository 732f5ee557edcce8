/* SPDX-License-Identifier: MIT */
/*
 * main.c: finds the suites, runs them, stands machines up for them.
 *
 * TAP goes to standard output.  What a test's kernel logs is kept in a buffer, to
 * be looked at by the test; it is shown on standard error when the kernel panics, or
 * all of it with UNIT_LOG=1.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "kernel/sched.h"

#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#define LOG_SIZE (64 << 10)

extern const struct unit_suite __start_unit_suites[], __stop_unit_suites[];

/* ---- the log -------------------------------------------------------------------- */

static char log_text[LOG_SIZE];
static size_t log_len;
static bool log_shown;

static void keep_log(const char *text, size_t len)
{
	if (log_shown)
		fwrite(text, 1, len, stderr);
	if (len >= LOG_SIZE)
		return;
	if (log_len + len >= LOG_SIZE) {
		memmove(log_text, log_text + LOG_SIZE / 2, log_len - LOG_SIZE / 2);
		log_len -= LOG_SIZE / 2;
	}
	if (log_len + len < LOG_SIZE) {
		memcpy(log_text + log_len, text, len);
		log_len += len;
		log_text[log_len] = '\0';
	}
}

void unit_take_frames(struct list_head *list, gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN)))
		list_add(&page->lru, list);
}

unsigned long unit_one_object(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 1;
}

void unit_give_frames(struct list_head *list, unsigned long n)
{
	while (n-- && !list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);

		list_del(&page->lru);
		__free_page(page);
	}
}

const char *unit_log(void) { return log_text; }
bool unit_log_has(const char *text) { return strstr(log_text, text) != NULL; }

void unit_log_clear(void)
{
	log_len = 0;
	log_text[0] = '\0';
}

/* ---- a machine for a test ------------------------------------------------------- */

static unsigned long free_at_start[MAX_NR_ZONES];

static bool shrink_one(struct kmem_cache *s, void *arg)
{
	(void)arg;
	kmem_cache_shrink(s);
	return true;
}

void unit_settle(void)
{
	kmap_flush_unused();
	vmalloc_purge();
	slab_drain(NULL);
	slab_for_each(shrink_one, NULL);
	drain_all_pages(NULL);
}

static void count_free(unsigned long *n)
{
	struct zone *z;

	unit_settle();
	memset(n, 0, MAX_NR_ZONES * sizeof(*n));
	for_each_zone(z)
		n[z->type] = zone_free_pages(z);
}

void unit_boot_map(const struct e820_entry *map, unsigned n, phys_addr_t lowmem)
{
	const char *err = hosted_power_on(map, n, lowmem);

	if (err)
		ck_abort_msg("unit_boot: %s", err);
	clock_start();
	mm_init();
	sched_init();
	arch_irq_enable();
	count_free(free_at_start);
}

void unit_boot(phys_addr_t mem, phys_addr_t lowmem)
{
	static struct e820_entry map[8];

	unit_boot_map(map, hosted_pc_map(map, mem), lowmem);
}

static void write_stderr(struct seq *s, const char *text, size_t len)
{
	(void)s;
	fwrite(text, 1, len, stderr);
}

void unit_teardown(void)
{
	struct seq err = { .write = write_stderr };
	unsigned long now[MAX_NR_ZONES];

	ck_assert_int_eq(mm_check_all(&err), 0);
	count_free(now);
	for (int i = 0; i < MAX_NR_ZONES; i++)
		ck_assert_msg(now[i] == free_at_start[i], "zone %s: %lu frames free, %lu at the start",
			      NODE_DATA(0)->node_zones[i].name, now[i], free_at_start[i]);
	ck_assert_int_eq(mm_check_all(&err), 0);
}

struct work {
	void (*fn)(void *);
	void *arg;
	bool done;
};

static void do_work(void *p)
{
	struct work *w = p;

	w->fn(w->arg);
	w->done = true;
}

static bool count_one(struct task *t, void *n)
{
	(void)t;
	++*(unsigned *)n;
	return true;
}

/* Tasks there are, the boot thread among them. */
static unsigned tasks(void)
{
	unsigned n = 0;

	task_for_each(count_one, &n);
	return n;
}

void unit_thread(void (*fn)(void *), void *arg)
{
	struct work w = { fn, arg, false };

	ck_assert_msg(thread_spawn("unit", do_work, &w) >= 0, "no memory for a thread");
	while (!w.done || tasks() > 1)
		schedule();
}

/* ---- running --------------------------------------------------------------------- */

static bool chosen(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(name, argv[i], strlen(argv[i])))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", "120", 0);	/* a hang detector, no more */
	log_shown = getenv("UNIT_LOG") != NULL;
	machine_log = keep_log;
	for (const struct unit_suite *u = __start_unit_suites; u < __stop_unit_suites; u++)
		if (chosen(u->name, argc, argv))
			srunner_add_suite(runner, u->make());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	if (!srunner_ntests_run(runner)) {
		fputs("unit: no such suite\n", stderr);
		failed = 1;
	}
	srunner_free(runner);
	return failed ? 1 : 0;
}
