/* SPDX-License-Identifier: MIT */
/* The ladder of slowpath.c, rung by rung, on a machine of a few megabytes; the watermarks under it. */
#include "unit.h"

#include "kernel/machine.h"

#include <quarry/memalloc.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/zone.h>

#define MB (1024UL * 1024)
#define ORDINARY (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)	/* down to min, and no further */
#define RETRIES 16

static LIST_HEAD(taken);
static struct zone *normal;

/* All of low memory is taken down to min. */
static void boot_short(void)
{
	unit_boot(24 * MB, 0);
	misuse_quiet(true);
	normal = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	unit_take_frames(&taken, ORDINARY);
	unit_take_frames(&taken, ORDINARY | __GFP_DMA);
}

static void finish(void)
{
	unit_give_frames(&taken, ~0UL);
	unit_teardown();
}

/* How often @item was counted since the last call for it. */
static unsigned long since(enum vm_event_item item)
{
	static unsigned long last[NR_VM_EVENT_ITEMS];
	unsigned long now = vm_event(item), n = now - last[item];

	last[item] = now;
	return n;
}

static void forget_events(void)
{
	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++)
		since(i);
}

/* Take all that @gfp may have: then the zone is at that part of min, give or take a CPU's batch. */
static void expect_depth(gfp_t gfp, unsigned depth)
{
	unsigned long mark = normal->watermark[WMARK_MIN] >> depth;

	unit_take_frames(&taken, gfp);
	ck_assert_uint_le(normal->nr_free, mark);
	ck_assert_uint_gt(normal->nr_free + (unsigned)normal->pageset[0].batch, mark);
}

static void take_in_interrupt(void *arg)
{
	(void)arg;
	unit_take_frames(&taken, GFP_ATOMIC);
}

START_TEST(B7_each_goes_as_deep_as_its_mask_allows)
{
	boot_short();
	ck_assert_uint_ge(normal->watermark[WMARK_MIN], 40);
	expect_depth(ORDINARY, 0);
	expect_depth(GFP_NOWAIT, 0);
	expect_depth(ORDINARY | __GFP_HIGH, 1);
	expect_depth(ORDINARY, 1);
	expect_depth(GFP_ATOMIC, 2);
	machine_run_in_interrupt(take_in_interrupt, NULL);
	expect_depth(GFP_ATOMIC, 3);		/* nothing left for it at its own depth */
	unit_take_frames(&taken, ORDINARY | __GFP_MEMALLOC);
	ck_assert_uint_eq(zone_free_pages(normal), 0);
	finish();
}
END_TEST

START_TEST(B7_each_rung_is_counted)
{
	struct page *page;

	unit_boot(24 * MB, 0);
	forget_events();
	page = alloc_page(GFP_KERNEL);
	ck_assert_uint_eq(since(ALLOC_SLOWPATH), 0);
	__free_page(page);
	unit_take_frames(&taken, ORDINARY);
	ck_assert_uint_gt(since(ALLOC_MIN), 0);
	ck_assert_uint_eq(since(ALLOC_FAILED), 1);
	unit_take_frames(&taken, ORDINARY | __GFP_DMA);
	ck_assert_uint_eq(since(ALLOC_HARDER) + since(ALLOC_RESERVE), 0);
	forget_events();

	ck_assert_ptr_null(alloc_page(GFP_NOWAIT | __GFP_NOWARN));
	ck_assert_uint_eq(since(ALLOC_SLOWPATH), 1);
	ck_assert_uint_eq(since(ALLOC_DRAINED), 1);
	ck_assert_uint_eq(since(ALLOC_FAILED), 1);
	ck_assert_uint_eq(since(ALLOCSTALL), 0);

	ck_assert_ptr_null(alloc_page(ORDINARY | __GFP_DMA));
	ck_assert_uint_eq(since(ALLOCSTALL), 1);
	ck_assert_uint_eq(since(ALLOCSTALL_ZONE + ZONE_DMA), 1);
	ck_assert_uint_eq(since(ALLOCSTALL_ZONE + ZONE_NORMAL), 0);
	ck_assert_uint_eq(since(ALLOC_RETRY), 0);

	ck_assert_ptr_nonnull(page = alloc_page(GFP_ATOMIC));
	ck_assert_uint_eq(since(ALLOC_HARDER), 1);
	__free_page(page);
	drain_all_pages(NULL);
	ck_assert_ptr_nonnull(page = alloc_pages(ORDINARY | __GFP_MEMALLOC | __GFP_COMP, 0));
	ck_assert_uint_eq(since(ALLOC_RESERVE), 1);
	ck_assert_uint_eq(since(ALLOCSTALL), 0);
	__free_page(page);
	finish();
}
END_TEST

/* ---- the reserve ------------------------------------------------------------------ */

/* Does a thread with @flags get a frame by @gfp, above the last quarter of min? */
static bool gets(unsigned flags, gfp_t gfp)
{
	unsigned old = memalloc_flags_save(flags);
	struct page *page;

	drain_all_pages(NULL);
	page = alloc_page(gfp | __GFP_NOWARN);
	memalloc_flags_restore(flags, old);
	if (page)
		__free_page(page);
	drain_all_pages(NULL);
	return page != NULL;
}

START_TEST(B7_who_may_take_from_the_reserve)
{
	boot_short();
	ck_assert(gets(0, ORDINARY | __GFP_HIGH));
	ck_assert(!gets(0, ORDINARY | __GFP_HIGH | __GFP_NOMEMALLOC));
	ck_assert(gets(PF_MEMALLOC, GFP_KERNEL));
	ck_assert(!gets(PF_MEMALLOC, GFP_KERNEL | __GFP_NOMEMALLOC));
	ck_assert(gets(PF_OOM_VICTIM, GFP_KERNEL));
	ck_assert(!gets(PF_OOM_VICTIM, GFP_KERNEL | __GFP_NOMEMALLOC));
	ck_assert(!gets(PF_KSWAPD, ORDINARY));

	unit_take_frames(&taken, GFP_ATOMIC);
	machine_run_in_interrupt(take_in_interrupt, NULL);
	ck_assert(!gets(PF_OOM_VICTIM, GFP_KERNEL));	/* a part only */
	ck_assert(gets(PF_MEMALLOC, GFP_NOWAIT));
	ck_assert(gets(0, GFP_NOWAIT | __GFP_MEMALLOC));
	finish();
}
END_TEST

START_TEST(B7_who_frees_memory_never_reclaims)
{
	unsigned old;

	boot_short();
	unit_take_frames(&taken, ORDINARY | __GFP_MEMALLOC);
	forget_events();
	old = memalloc_noreclaim_save();
	ck_assert_ptr_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	memalloc_noreclaim_restore(old);
	ck_assert_uint_eq(since(ALLOCSTALL), 0);
	ck_assert_uint_eq(since(ALLOC_FAILED), 1);
	ck_assert_uint_eq(port_mm_thread()->flags, 0);
	finish();
}
END_TEST

START_TEST(B7_flags_of_a_thread_nest)
{
	unsigned a, b;

	unit_boot(24 * MB, 0);
	a = memalloc_nofs_save();
	b = memalloc_nofs_save();
	ck_assert_uint_eq(current_gfp_context(GFP_KERNEL), GFP_NOFS);
	memalloc_nofs_restore(b);
	ck_assert_uint_eq(current_gfp_context(GFP_KERNEL), GFP_NOFS);
	b = memalloc_noio_save();
	ck_assert_uint_eq(current_gfp_context(GFP_KERNEL), GFP_NOIO);
	memalloc_noio_restore(b);
	memalloc_nofs_restore(a);
	ck_assert_uint_eq(current_gfp_context(GFP_KERNEL), GFP_KERNEL);
	unit_teardown();
}
END_TEST

/* ---- again or not ----------------------------------------------------------------- */

static unsigned long calls, worth;

/* Says that it freed something, though nobody can use it. */
static unsigned long pretend(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	ck_assert(port_mm_thread()->flags & PF_MEMALLOC);
	calls++;
	return worth;
}

static struct shrinker pretender = { .count_objects = unit_one_object, .scan_objects = pretend, .seeks = DEFAULT_SEEKS };

static unsigned long rounds_of(gfp_t gfp, unsigned order)
{
	calls = 0;
	ck_assert_ptr_null(alloc_pages(gfp | __GFP_NOWARN, order));
	return calls;
}

START_TEST(B7_goes_round_by_what_the_block_costs)
{
	boot_short();
	ck_assert_int_eq(register_shrinker(&pretender, "pretender"), 0);
	worth = 1;
	ck_assert_uint_eq(rounds_of(GFP_KERNEL, 0), RETRIES);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER), RETRIES);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER + 1), 1);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL | __GFP_RETRY_MAYFAIL, PAGE_ALLOC_COSTLY_ORDER + 1), RETRIES);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL | __GFP_NORETRY, 0), 1);
	ck_assert_uint_eq(rounds_of(GFP_NOWAIT, 0), 0);
	worth = 0;
	ck_assert_uint_eq(rounds_of(GFP_KERNEL, 0), 1);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0), 1);
	unregister_shrinker(&pretender);
	finish();
}
END_TEST

START_TEST(B7_who_is_to_end_does_not_go_round)
{
	boot_short();
	unit_take_frames(&taken, ORDINARY | __GFP_MEMALLOC);
	ck_assert_int_eq(register_shrinker(&pretender, "pretender"), 0);
	worth = 1;
	memalloc_flags_save(PF_OOM_VICTIM);
	ck_assert_uint_eq(rounds_of(GFP_KERNEL, 0), 1);
	memalloc_flags_restore(PF_OOM_VICTIM, 0);
	unregister_shrinker(&pretender);
	finish();
}
END_TEST

/* ---- ending a task ----------------------------------------------------------------- */

static unsigned asked;
static unsigned give_at;	/* the so many-th time a task ends and leaves 64 frames; 0: never */

static bool end_a_task(gfp_t gfp, unsigned order, unsigned long caller)
{
	(void)gfp;
	(void)order;
	ck_assert(caller);
	if (++asked == give_at)
		unit_give_frames(&taken, 64);
	return asked <= give_at;
}

static const struct pressure_ops with_end = {
	.try_to_free_pages = try_to_free_pages,
	.wake_all_kswapds = wake_all_kswapds,
	.out_of_memory = end_a_task,
};

static unsigned asks(gfp_t gfp, unsigned order)
{
	asked = give_at = 0;
	ck_assert_ptr_null(alloc_pages(gfp | __GFP_NOWARN, order));
	return asked;
}

START_TEST(B7_for_whom_a_task_is_ended)
{
	struct page *page;

	boot_short();
	pressure = &with_end;
	ck_assert_uint_eq(asks(GFP_KERNEL, 0), 1);
	ck_assert_uint_eq(asks(GFP_HIGHUSER_MOVABLE, 0), 1);
	ck_assert_uint_eq(asks(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER), 1);
	ck_assert_uint_eq(asks(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER + 1), 0);
	ck_assert_uint_eq(asks(GFP_NOFS, 0), 0);
	ck_assert_uint_eq(asks(GFP_NOWAIT, 0), 0);
	ck_assert_uint_eq(asks(GFP_KERNEL | __GFP_NORETRY, 0), 0);
	ck_assert_uint_eq(asks(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0), 0);
	ck_assert_uint_eq(asks(GFP_KERNEL | __GFP_THISNODE, 0), 0);
	ck_assert_uint_eq(asks(GFP_KERNEL | __GFP_DMA, 0), 0);
	asked = 0;
	give_at = 3;
	ck_assert_ptr_nonnull(page = alloc_page(GFP_KERNEL));	/* goes round as long as it is told to */
	ck_assert_uint_eq(asked, 3);
	__free_page(page);
	finish();
}
END_TEST

/* Nobody ends a task for it, no shrinker has anything; another CPU gives frames back while it waits. */
static unsigned long free_later(int nid, unsigned order, gfp_t gfp)
{
	(void)nid;
	(void)order;
	(void)gfp;
	if (++calls == 40)
		unit_give_frames(&taken, 64);
	return 0;
}

static void wake_nobody(const struct zonelist *list, unsigned order, enum zone_type highest)
{
	(void)list;
	(void)order;
	(void)highest;
}

static const struct pressure_ops only_later = { .try_to_free_pages = free_later, .wake_all_kswapds = wake_nobody };

START_TEST(B7_nofail_goes_round_until_there_is_some)
{
	struct page *page;

	boot_short();
	pressure = &only_later;
	calls = 0;
	ck_assert_ptr_nonnull(page = alloc_page(GFP_NOFS | __GFP_NOFAIL));
	ck_assert_uint_eq(calls, 2);			/* half of min, from the second round on */
	__free_page(page);
	drain_all_pages(NULL);
	unit_take_frames(&taken, ORDINARY | __GFP_MEMALLOC);
	calls = 0;
	ck_assert_ptr_nonnull(page = alloc_page(GFP_NOFS | __GFP_NOFAIL));
	ck_assert_uint_eq(calls, 40);
	__free_page(page);
	finish();
}
END_TEST

START_TEST(B7_nofail_takes_nothing_that_is_kept_when_told_so)
{
	struct page *page;

	boot_short();
	pressure = &only_later;
	calls = 0;
	ck_assert_ptr_nonnull(page = alloc_page(GFP_NOFS | __GFP_NOFAIL | __GFP_NOMEMALLOC));
	ck_assert_uint_eq(calls, 40);			/* not before there is some above min */
	__free_page(page);
	finish();
}
END_TEST

/* ---- watermarks --------------------------------------------------------------------- */

START_TEST(C2_high_users_leave_the_dma_zone_alone)
{
	unsigned long n, reserve;
	struct zone *dma;
	LIST_HEAD(for_dma);
	struct page *page;

	unit_boot(192 * MB, 64 * MB);
	dma = &NODE_DATA(0)->node_zones[ZONE_DMA];
	reserve = dma->lowmem_reserve[ZONE_HIGHMEM];
	ck_assert_uint_gt(reserve, 100);
	unit_take_frames(&taken, GFP_HIGHUSER | __GFP_NORETRY);
	ck_assert_uint_ge(dma->nr_free, reserve);
	unit_take_frames(&taken, ORDINARY);		/* of NORMAL: keeps its own, smaller part */
	reserve = dma->lowmem_reserve[ZONE_NORMAL];
	ck_assert_uint_ge(dma->nr_free, reserve);
	for (n = 0; (page = alloc_page(GFP_KERNEL | __GFP_DMA | __GFP_NORETRY | __GFP_NOWARN)); n++)
		list_add(&page->lru, &for_dma);
	ck_assert_uint_ge(n + (unsigned)dma->pageset[0].batch, reserve);
	unit_give_frames(&for_dma, ~0UL);
	finish();
}
END_TEST

START_TEST(A2_min_free_kbytes_moves_all_marks)
{
	unsigned long before, min, low, reserve;

	unit_boot(64 * MB, 32 * MB);
	misuse_quiet(true);
	normal = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	before = min_free_kbytes;
	min = normal->watermark[WMARK_MIN];
	reserve = NODE_DATA(0)->node_zones[ZONE_DMA].lowmem_reserve[ZONE_HIGHMEM];
	ck_assert_int_eq(set_min_free_kbytes(2 * before), 0);
	ck_assert_uint_ge(normal->watermark[WMARK_MIN], 2 * min);
	ck_assert_uint_le(normal->watermark[WMARK_MIN], 2 * min + 2);	/* rounded down twice */
	low = normal->watermark[WMARK_LOW];
	ck_assert_uint_eq(low, normal->watermark[WMARK_MIN] + normal->watermark[WMARK_MIN] / 4);
	ck_assert_uint_eq(NODE_DATA(0)->node_zones[ZONE_DMA].lowmem_reserve[ZONE_HIGHMEM], reserve);
	ck_assert_int_eq(zone_check(normal), 0);
	ck_assert_int_eq(set_min_free_kbytes(0), -EINVAL);
	ck_assert_int_eq(set_min_free_kbytes(32 * 1024), -EINVAL);
	ck_assert_int_eq(set_min_free_kbytes(~0UL), -EINVAL);
	ck_assert_uint_eq(misuse_count(MISUSE_ARGUMENT), 3);
	ck_assert_uint_eq(normal->watermark[WMARK_LOW], low);
	ck_assert_int_eq(set_min_free_kbytes(before), 0);
	ck_assert_uint_eq(normal->watermark[WMARK_MIN], min);
	unit_teardown();
}
END_TEST

START_TEST(A2_a_wrong_mark_is_found)
{
	unsigned long keep;

	unit_boot(64 * MB, 32 * MB);
	normal = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
	keep = normal->watermark[WMARK_LOW];
	normal->watermark[WMARK_LOW] = normal->watermark[WMARK_HIGH] + 1;
	ck_assert_int_eq(zone_check(normal), 1);
	normal->watermark[WMARK_LOW] = keep;
	normal->lowmem_reserve[ZONE_DMA] = 1;
	ck_assert_int_eq(zone_check(normal), 2);
	normal->lowmem_reserve[ZONE_DMA] = 0;
	unit_teardown();
}
END_TEST

START_TEST(B7_every_event_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < NR_VM_EVENT_ITEMS; i++) {
		ck_assert_ptr_nonnull(vm_event_name(i));
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(vm_event_name(i), vm_event_name(j));
	}
}
END_TEST

UNIT_SUITE(ladder,
	B7_each_goes_as_deep_as_its_mask_allows,
	B7_each_rung_is_counted,
	B7_who_may_take_from_the_reserve,
	B7_who_frees_memory_never_reclaims,
	B7_flags_of_a_thread_nest,
	B7_goes_round_by_what_the_block_costs,
	B7_who_is_to_end_does_not_go_round,
	B7_for_whom_a_task_is_ended,
	B7_nofail_goes_round_until_there_is_some,
	B7_nofail_takes_nothing_that_is_kept_when_told_so,
	C2_high_users_leave_the_dma_zone_alone,
	A2_min_free_kbytes_moves_all_marks,
	A2_a_wrong_mark_is_found,
	B7_every_event_has_a_name_of_its_own)
