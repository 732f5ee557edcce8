/* SPDX-License-Identifier: MIT */
/*
 * test_oom.c: whom memory's end takes.
 *
 * The port here is the test's own: a table of tasks with real address spaces, which die
 * when the test says so.  So each case of oom.c's theory can be made at will.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <quarry/highmem.h>
#include <quarry/memalloc.h>
#include <quarry/oom.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#define MEM (32UL << 20)
#define BASE 0x10000000UL
#define P PAGE_SIZE
#define CALLER 0x1234UL

/* ---- a port with tasks ---------------------------------------------------------------- */

static struct fake {
	struct oom_task t;
	bool cannot_be_killed;
	unsigned kills;
} fakes[8];
static unsigned nr_fakes;
static void (*on_kill)(void);

void port_oom_tasks(bool (*visit)(const struct oom_task *task, void *arg), void *arg)
{
	for (unsigned i = 0; i < nr_fakes; i++)
		if (!visit(&fakes[i].t, arg))
			return;
}

bool port_oom_kill(int pid)
{
	for (unsigned i = 0; i < nr_fakes; i++) {
		if (fakes[i].t.pid != pid)
			continue;
		if (fakes[i].cannot_be_killed)
			return false;
		fakes[i].kills++;
		fakes[i].t.dying = true;
		if (on_kill)
			on_kill();
		return true;
	}
	return false;
}

static unsigned kills(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nr_fakes; i++)
		n += fakes[i].kills;
	return n;
}

static struct fake *add_task(const char *name, unsigned long pages)
{
	struct fake *f = &fakes[nr_fakes];

	f->t = (struct oom_task){ .pid = (int)nr_fakes + 10, .name = name, .mm = mm_alloc() };
	ck_assert_ptr_nonnull(f->t.mm);
	ck_assert_int_eq(mm_map(f->t.mm, BASE, 2048 * P, VM_READ | VM_WRITE, "test", NULL, NULL), 0);
	for (unsigned long i = 0; i < pages; i++)
		ck_assert_int_eq(handle_mm_fault(f->t.mm, BASE + i * P, FAULT_FLAG_WRITE), VM_FAULT_OK);
	nr_fakes++;
	return f;
}

/* ---- nothing left --------------------------------------------------------------------- */

static LIST_HEAD(taken);

static void boot(void)
{
	unit_boot(MEM, 0);
}

/* Take what there is; the tasks are not to be seen meanwhile. */
static void exhaust(void)
{
	unsigned n = nr_fakes;

	nr_fakes = 0;
	unit_take_frames(&taken, GFP_KERNEL);
	nr_fakes = n;
	unit_log_clear();
}

static void finish(void)
{
	unit_give_frames(&taken, ~0UL);
	for (unsigned i = 0; i < nr_fakes; i++) {
		if (fakes[i].t.mm)
			ck_assert_int_eq(mm_check(fakes[i].t.mm), 0);
		mm_free(fakes[i].t.mm);
	}
	nr_fakes = 0;
	unit_teardown();
}

static bool ask(void)
{
	return out_of_memory(GFP_KERNEL, 0, CALLER);
}

/* ---- whom ----------------------------------------------------------------------------- */

START_TEST(oom_the_largest_ends_and_its_frames_are_there_at_once)
{
	struct fake *a, *b, *c;
	struct page *page;

	boot();
	a = add_task("a", 300);
	b = add_task("b", 900);
	c = add_task("c", 600);
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(b->kills, 1);
	ck_assert_uint_eq(a->kills + c->kills, 0);
	ck_assert_uint_eq(vm_event(OOM_KILL), 1);
	ck_assert_uint_eq(b->t.mm->rss, 0);
	ck_assert_uint_eq(a->t.mm->rss, 300);
	ck_assert_uint_eq(c->t.mm->rss, 600);
	page = alloc_page(GFP_KERNEL);
	ck_assert_ptr_nonnull(page);
	__free_page(page);
	finish();
}
END_TEST

START_TEST(oom_an_allocation_gets_there_by_itself)
{
	struct fake *a, *b;
	struct page *page;

	boot();
	a = add_task("a", 300);
	b = add_task("b", 200);
	exhaust();
	page = alloc_page(GFP_KERNEL);
	ck_assert_ptr_nonnull(page);
	ck_assert_uint_eq(a->kills, 1);
	ck_assert_uint_eq(b->kills, 0);
	__free_page(page);
	finish();
}
END_TEST

START_TEST(oom_of_equals_the_youngest)
{
	boot();
	add_task("a", 300);
	add_task("b", 300);
	add_task("c", 300);
	add_task("d", 299);
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(fakes[2].kills, 1);
	ck_assert_uint_eq(kills(), 1);
	finish();
}
END_TEST

START_TEST(oom_page_tables_count)
{
	struct fake *spread;
	unsigned long i;

	boot();
	spread = add_task("spread", 0);
	add_task("dense", 50);
	for (i = 1; i <= 40; i++) {
		ck_assert_int_eq(mm_map(spread->t.mm, BASE + (i << 23), P, VM_WRITE, "far", NULL, NULL), 0);
		ck_assert_int_eq(handle_mm_fault(spread->t.mm, BASE + (i << 23), FAULT_FLAG_WRITE), VM_FAULT_OK);
	}
	ck_assert_uint_lt(spread->t.mm->rss, fakes[1].t.mm->rss);
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(spread->kills, 1);
	ck_assert_uint_eq(kills(), 1);
	finish();
}
END_TEST

/* 100 thousandths of 32 MiB are 819 pages, give or take what is not managed. */
START_TEST(oom_score_adj_counts_thousandths_of_memory)
{
	struct fake *large, *small;

	boot();
	large = add_task("large", 1000);
	small = add_task("small", 400);
	small->t.score_adj = 50;
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(large->kills, 1);
	ck_assert_uint_eq(small->kills, 0);
	finish();
}
END_TEST

START_TEST(oom_score_adj_makes_a_small_one_the_first)
{
	struct fake *large, *small;

	boot();
	large = add_task("large", 1000);
	small = add_task("small", 400);
	small->t.score_adj = 100;
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(small->kills, 1);
	ck_assert_uint_eq(large->kills, 0);
	finish();
}
END_TEST

/* Below nothing is still more than nobody. */
START_TEST(oom_a_negative_score_is_no_protection)
{
	struct fake *only;

	boot();
	only = add_task("only", 10);
	only->t.score_adj = OOM_SCORE_ADJ_MIN + 1;
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(only->kills, 1);
	finish();
}
END_TEST

START_TEST(oom_the_protected_never)
{
	struct fake *only;

	boot();
	only = add_task("only", 900);
	only->t.score_adj = OOM_SCORE_ADJ_MIN;
	exhaust();
	ck_assert(!ask());
	ck_assert_ptr_null(alloc_page(GFP_KERNEL));
	ck_assert_uint_eq(kills(), 0);
	ck_assert_uint_eq(only->t.mm->rss, 900);
	finish();
}
END_TEST

/* ---- nobody --------------------------------------------------------------------------- */

START_TEST(oom_nobody_and_the_request_fails)
{
	boot();
	exhaust();
	ck_assert(!ask());
	ck_assert_str_eq(unit_log(), "");
	ck_assert_ptr_null(alloc_page(GFP_KERNEL));
	ck_assert(unit_log_has("page allocation failure: order:0"));
	ck_assert(!unit_log_has("invoked oom-killer"));
	finish();
}
END_TEST

START_TEST(oom_a_kernel_thread_is_nobody)
{
	boot();
	exhaust();
	nr_fakes = 1;
	fakes[0].t = (struct oom_task){ .pid = 1, .name = "kthread" };
	ck_assert(!ask());
	ck_assert_uint_eq(kills(), 0);
	finish();
}
END_TEST

START_TEST(oom_requests_for_which_nobody_ends)
{
	static const gfp_t masks[] = {
		GFP_ATOMIC, GFP_NOWAIT, GFP_NOFS, GFP_NOIO, GFP_KERNEL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_KERNEL | __GFP_THISNODE, GFP_KERNEL | __GFP_DMA,
	};
	unsigned old;

	boot();
	add_task("a", 0);
	exhaust();
	nr_fakes = 0;
	unit_take_frames(&taken, GFP_KERNEL | __GFP_MEMALLOC);
	nr_fakes = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++)
		ck_assert_msg(!alloc_pages(masks[i], 0), "mask 0x%x", masks[i]);
	ck_assert_ptr_null(alloc_pages(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER + 1));
	old = memalloc_noreclaim_save();
	ck_assert_ptr_null(alloc_page(GFP_KERNEL));
	memalloc_noreclaim_restore(old);
	ck_assert_uint_eq(kills(), 0);
	ck_assert_ptr_null(alloc_pages(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER));
	ck_assert_uint_eq(kills(), 1);		/* in vain, for it had nothing */
	finish();
}
END_TEST

START_TEST(oom_nobody_ends_while_there_is_memory)
{
	boot();
	add_task("a", 300);
	ck_assert(ask());
	ck_assert_uint_eq(kills(), 0);
	ck_assert_str_eq(unit_log(), "");
	finish();
}
END_TEST

/* ---- one at a time -------------------------------------------------------------------- */

static bool answer_inside;

static void ask_again(void)
{
	answer_inside = ask();
}

/* The lock, seen from a second CPU: here, from inside the first's call. */
START_TEST(oom_who_comes_second_kills_nobody)
{
	boot();
	add_task("a", 300);
	add_task("b", 200);
	exhaust();
	on_kill = ask_again;
	ck_assert(ask());
	ck_assert(answer_inside);
	ck_assert_uint_eq(kills(), 1);
	finish();
}
END_TEST

/* Calls until somebody else is killed than those @before; all of them true. */
static unsigned patience(unsigned before)
{
	unsigned n = 0;

	while (kills() == before && n < 10000) {
		ck_assert(ask());
		n++;
	}
	return n;
}

START_TEST(oom_a_victim_that_does_not_go_is_waited_for_and_then_given_up)
{
	unsigned n;

	boot();
	add_task("a", 300);
	add_task("b", 200);
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(fakes[0].kills, 1);
	exhaust();		/* others took what it had */
	n = patience(1);
	ck_assert_uint_ge(n, 10);
	ck_assert_uint_le(n, 1000);
	ck_assert_uint_eq(fakes[0].kills, 1);
	ck_assert_uint_eq(fakes[1].kills, 1);
	exhaust();
	for (unsigned i = 0; i < 1000; i++)
		if (!ask())
			break;
	ck_assert(!ask());	/* both given up: nobody is left */
	ck_assert_uint_eq(kills(), 2);
	finish();
}
END_TEST

/* Killed by somebody else, and it holds more than the watermark: no need of a second. */
START_TEST(oom_one_that_dies_already_is_emptied_and_nobody_else_ends)
{
	struct fake *dying, *large;

	boot();
	large = add_task("large", 900);
	dying = add_task("dying", 300);
	dying->t.dying = true;
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(large->kills, 0);
	ck_assert_uint_eq(dying->kills, 1);	/* told again: it may take reserves now */
	ck_assert_uint_eq(dying->t.mm->rss, 0);
	ck_assert_uint_eq(vm_event(OOM_KILL), 0);
	ck_assert(!unit_log_has("Killed process"));
	finish();
}
END_TEST

/* Its memory is being freed on another CPU: that takes nothing that anybody could hold. */
START_TEST(oom_one_that_is_nearly_gone_is_waited_for)
{
	struct mm_struct *mm;

	boot();
	add_task("a", 300);
	add_task("nearly", 1);
	exhaust();
	fakes[1].t.dying = true;
	mm = fakes[1].t.mm;
	fakes[1].t.mm = NULL;
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(ask());
	ck_assert_uint_eq(kills(), 0);
	fakes[1].t.dying = false;
	ck_assert(ask());
	ck_assert_uint_eq(fakes[0].kills, 1);
	mm_free(mm);
	finish();
}
END_TEST

START_TEST(oom_nobody_ends_for_a_victim)
{
	bool more = true;
	unsigned n = 0;

	boot();
	add_task("a", 300);
	add_task("b", 200);
	fakes[0].t.current = true;
	exhaust();
	ck_assert(ask());
	ck_assert_uint_eq(fakes[0].kills, 1);
	exhaust();
	while (more && n++ < 1000)
		more = ask();
	ck_assert(!more);
	ck_assert_uint_eq(fakes[1].kills, 0);
	finish();
}
END_TEST

START_TEST(oom_one_that_cannot_be_killed_keeps_what_it_has)
{
	boot();
	add_task("a", 300);
	fakes[0].cannot_be_killed = true;
	exhaust();
	ask();
	ck_assert_uint_eq(fakes[0].t.mm->rss, 300);
	ck_assert_uint_eq(vm_event(OOM_KILL), 0);
	finish();
}
END_TEST

/* ---- what is said --------------------------------------------------------------------- */

static unsigned long allocated(void)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		n += zone_event(z, PGALLOC);
	return n;
}

static unsigned long allocated_by_then;

static void note_allocated(void)
{
	allocated_by_then = allocated();
}

START_TEST(oom_the_report_tells_the_truth_and_allocates_nothing)
{
	unsigned long before, free[MAX_NR_ZONES] = { 0 };
	char line[200];
	struct zone *z;

	boot();
	add_task("little", 3);
	add_task("hungry", 500);
	fakes[0].t.current = true;
	fakes[0].t.score_adj = -17;
	exhaust();
	for_each_zone(z)
		free[z->type] = z->nr_free;
	before = allocated();
	on_kill = note_allocated;
	ck_assert(out_of_memory(GFP_KERNEL | __GFP_ZERO, 2, CALLER));
	ck_assert_uint_eq(allocated_by_then, before);
	snprintf(line, sizeof(line), "little invoked oom-killer: gfp_mask=0x%x(GFP_KERNEL|__GFP_ZERO), order=2, "
		 "oom_score_adj=-17; called from ", GFP_KERNEL | __GFP_ZERO);
	ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	for_each_zone(z) {
		snprintf(line, sizeof(line), "Node 0 %s free:%lukB min:%lukB low:%lukB high:%lukB", z->name,
			 free[z->type] * 4, z->watermark[WMARK_MIN] * 4, z->watermark[WMARK_LOW] * 4,
			 z->watermark[WMARK_HIGH] * 4);
		ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
		snprintf(line, sizeof(line), " = %lukB\n", free[z->type] * 4);
		ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	}
	ck_assert(unit_log_has(" anon:503 file:0 "));
	snprintf(line, sizeof(line), "[     10]        3 %14lu           -17 little\n", (fakes[0].t.mm->nr_ptes + 1) * P);
	ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	snprintf(line, sizeof(line), "[     11]      500 %14lu             0 hungry\n", (fakes[1].t.mm->nr_ptes + 1) * P);
	ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	snprintf(line, sizeof(line), "Out of memory: Killed process 11 (hungry) rss:2000kB, pgtables:%lukB, "
		 "oom_score_adj:0\n", (fakes[1].t.mm->nr_ptes + 1) * 4);
	ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	finish();
}
END_TEST

/* The eight largest, in order: sizes that fall down the list. */
START_TEST(oom_the_largest_caches_are_named)
{
	struct kmem_cache *c[10];
	unsigned long last = ~0UL, kb;
	const char *at;
	unsigned i, k, n = 0;
	static void *obj[10][200];
	static char name[10][16];
	struct slabinfo info;
	char line[80];

	boot();
	for (i = 0; i < 10; i++) {
		snprintf(name[i], sizeof(name[i]), "cache%u", i);
		c[i] = kmem_cache_create(name[i], 1024, 0, 0, NULL);
		for (k = 0; k < (i + 1) * 20; k++)
			obj[i][k] = kmem_cache_alloc(c[i], GFP_KERNEL);
	}
	unit_log_clear();
	show_mem();
	slab_get_info(c[9], &info);
	snprintf(line, sizeof(line), " cache9 200kB used of %lukB\n", info.num_slabs * info.pages_per_slab * 4);
	ck_assert_msg(unit_log_has(line), "%s: not in: %s", line, unit_log());
	for (at = strstr(unit_log(), "caches:"); (at = strstr(at, "used of ")); n++) {
		ck_assert_int_eq(sscanf(at, "used of %lukB", &kb), 1);
		ck_assert_uint_le(kb, last);
		last = kb;
		at++;
	}
	ck_assert_uint_eq(n, 8);
	ck_assert(!unit_log_has("cache0 "));
	for (i = 0; i < 10; i++) {
		for (k = 0; k < (i + 1) * 20; k++)
			kmem_cache_free(c[i], obj[i][k]);
		kmem_cache_destroy(c[i]);
	}
	finish();
}
END_TEST

/* ---- frames taken from who is to end ----------------------------------------------------- */

static struct page *filled[3];

static int fill_nothing(void *private, unsigned long offset, void *to)
{
	(void)private;
	memset(to, (int)offset, P);
	return 0;
}

static const struct vm_operations file_like = { .fill = fill_nothing };

START_TEST(reap_takes_every_frame_and_lets_none_in)
{
	struct mm_struct *mm;
	unsigned long i, before, areas;
	struct fake *f;
	char byte = 1;

	boot();
	f = add_task("a", 700);
	mm = f->t.mm;
	ck_assert_int_eq(mm_map(mm, BASE - 100 * P, 10 * P, VM_READ, "file", &file_like, NULL), 0);
	ck_assert_int_eq(mm_map(mm, TASK_SIZE - 5 * P, 5 * P, VM_READ | VM_WRITE, "last", NULL, NULL), 0);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(handle_mm_fault(mm, BASE + (i - 100) * P, 0), VM_FAULT_OK);
		ck_assert_int_eq(handle_mm_fault(mm, TASK_SIZE - (i + 1) * P, FAULT_FLAG_WRITE), VM_FAULT_OK);
	}
	ck_assert_uint_eq(mm->rss, 710);
	areas = mm->map_count;
	unit_settle();
	before = zone_free_pages(first_zone()) + zone_free_pages(next_zone(first_zone()));
	mm_reap(mm);
	unit_settle();
	ck_assert_uint_eq(zone_free_pages(first_zone()) + zone_free_pages(next_zone(first_zone())), before + 710);
	ck_assert_uint_eq(mm->rss, 0);
	ck_assert_uint_eq(mm->map_count, areas);
	ck_assert_int_eq(mm_check(mm), 0);
	ck_assert_int_eq(handle_mm_fault(mm, BASE, FAULT_FLAG_WRITE), VM_FAULT_OOM);
	ck_assert_uint_eq(copy_to_mm(mm, BASE, &byte, 1), 1);
	ck_assert_uint_eq(copy_from_mm(mm, &byte, BASE, 1), 1);
	ck_assert_uint_eq(mm->rss, 0);
	mm_reap(mm);
	ck_assert_int_eq(mm_check(mm), 0);
	finish();
}
END_TEST

/* A frame that somebody copies from outlives it, and is freed then. */
START_TEST(reap_leaves_a_frame_to_who_has_got_it)
{
	struct fake *f;
	pfn_t pfn;
	pte_t e;

	boot();
	f = add_task("a", 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(pt_leaf(f->t.mm->pgd, BASE + i * P, &e, &pfn));
		filled[i] = pfn_to_page(pfn);
		get_page(filled[i]);
	}
	mm_reap(f->t.mm);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(page_count(filled[i]), 1);
		put_page(filled[i]);
	}
	finish();
}
END_TEST

/* ---- a million failures -------------------------------------------------------------------- */

/* A sanitizer finds at the hundredth part what it would find. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define MILLION 20000UL
#else
#define MILLION 1000000UL
#endif
#define SAMPLE 500UL

static struct kmem_cache *objects;
static struct mm_struct *full_mm;

static bool page_fails(void) { return !alloc_pages(GFP_KERNEL, 0); }
static bool block_fails(void) { return !alloc_pages(GFP_KERNEL, 4); }
static bool kmalloc_fails(void) { return !kmalloc(4096, GFP_KERNEL); }
static bool vmalloc_fails(void) { return !vmalloc(16 * P); }
static bool object_fails(void) { return !kmem_cache_alloc(objects, GFP_KERNEL); }
static bool fault_fails(void) { return handle_mm_fault(full_mm, BASE, FAULT_FLAG_WRITE) == VM_FAULT_OOM; }
static bool mm_fails(void) { return !mm_alloc(); }

static const struct failing {
	const char *name;
	bool (*fails)(void);
	unsigned long times;
} failing[] = {
	{ "page", page_fails, MILLION }, { "block", block_fails, MILLION / 10 },
	{ "kmalloc", kmalloc_fails, MILLION / 10 }, { "object", object_fails, MILLION / 10 },
	{ "page fault", fault_fails, MILLION / 10 }, { "address space", mm_fails, MILLION / 10 },
	{ "vmalloc", vmalloc_fails, MILLION / 10 },
};

/* All that the manager counts of what it does. */
struct work {
	unsigned long zone[NR_ZONE_EVENT_ITEMS];
	unsigned long vm[NR_VM_EVENT_ITEMS];
};

static void count_work(struct work *w)
{
	struct zone *z;

	memset(w, 0, sizeof(*w));
	for_each_zone(z)
		for (unsigned i = 0; i < NR_ZONE_EVENT_ITEMS; i++)
			w->zone[i] += zone_event(z, i);
	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++)
		w->vm[i] = vm_event(i);
}

/* Fail @n times.  Return: what that took. */
static struct work work_of(const struct failing *f, unsigned long n)
{
	struct work before, after;

	count_work(&before);
	for (unsigned long i = 0; i < n; i++)
		ck_assert_msg(f->fails(), "%s: one of them did not fail", f->name);
	count_work(&after);
	for (unsigned i = 0; i < NR_ZONE_EVENT_ITEMS; i++)
		after.zone[i] -= before.zone[i];
	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++)
		after.vm[i] -= before.vm[i];
	return after;
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void fail_a_million_times(const struct failing *f)
{
	struct work first, last;

	unit_log_clear();
	work_of(f, SAMPLE);		/* until all that can be given back has been */
	first = work_of(f, SAMPLE);
	work_of(f, f->times - 3 * SAMPLE);
	last = work_of(f, SAMPLE);
	ck_assert_msg(memcmp(&first, &last, sizeof(first)) == 0, "%s: the last ones took other work than the first", f->name);
	ck_assert_msg(lines(unit_log()) < 500, "%s: %u lines on the log", f->name, lines(unit_log()));
}

/* unit_teardown() then compares the frames, zone by zone, and tests every invariant. */
START_TEST(a_million_failures_leave_nothing_behind)
{
	struct vmalloc_totals before, after;
	struct slabinfo had, has;

	boot();
	objects = kmem_cache_create("objects", 2048, 0, 0, NULL);
	full_mm = mm_alloc();
	ck_assert_int_eq(mm_map(full_mm, BASE, P, VM_READ | VM_WRITE, "test", NULL, NULL), 0);
	unit_take_frames(&taken, GFP_KERNEL | __GFP_MEMALLOC);
	vmalloc_get_totals(&before);
	slab_get_info(objects, &had);
	fail_a_million_times(&failing[_i]);
	vmalloc_get_totals(&after);
	slab_get_info(objects, &has);
	ck_assert_int_eq(memcmp(&before, &after, sizeof(before)), 0);
	ck_assert_uint_eq(has.active_objs, had.active_objs);
	ck_assert_uint_eq(has.num_objs, had.num_objs);
	ck_assert_uint_eq(has.num_slabs, had.num_slabs);
	ck_assert_uint_eq(full_mm->rss + full_mm->nr_ptes, 0);
	mm_free(full_mm);
	kmem_cache_destroy(objects);
	finish();
}
END_TEST

UNIT_SUITE(oom)
{
	Suite *suite = suite_create("oom");
	TCase *million = tcase_create("million");

	unit_case(suite, "oom",
		  oom_the_largest_ends_and_its_frames_are_there_at_once,
		  oom_an_allocation_gets_there_by_itself,
		  oom_of_equals_the_youngest,
		  oom_page_tables_count,
		  oom_score_adj_counts_thousandths_of_memory,
		  oom_score_adj_makes_a_small_one_the_first,
		  oom_a_negative_score_is_no_protection,
		  oom_the_protected_never,
		  oom_nobody_and_the_request_fails,
		  oom_a_kernel_thread_is_nobody,
		  oom_requests_for_which_nobody_ends,
		  oom_nobody_ends_while_there_is_memory,
		  oom_who_comes_second_kills_nobody,
		  oom_a_victim_that_does_not_go_is_waited_for_and_then_given_up,
		  oom_one_that_dies_already_is_emptied_and_nobody_else_ends,
		  oom_one_that_is_nearly_gone_is_waited_for,
		  oom_nobody_ends_for_a_victim,
		  oom_one_that_cannot_be_killed_keeps_what_it_has,
		  oom_the_report_tells_the_truth_and_allocates_nothing,
		  oom_the_largest_caches_are_named,
		  reap_takes_every_frame_and_lets_none_in,
		  reap_leaves_a_frame_to_who_has_got_it);
	tcase_add_loop_test(million, a_million_failures_leave_nothing_behind, 0, ARRAY_SIZE(failing));
	tcase_set_timeout(million, 300);
	suite_add_tcase(suite, million);
	return suite;
}
