/* SPDX-License-Identifier: MIT */
/*
 * gfp.c: rows C1-C3, what a caller allows.
 */
#include <quarry/highmem.h>
#include <quarry/string.h>

#include "kernel/sched.h"
#include "util.h"

/* Every mask's last page, to see who may take what. */
SELFTEST(C1, high_takes_the_reserve_and_memalloc_all)
{
	LIST_HEAD(taken);
	unsigned long polite, urgent, all;

	polite = st_take(&taken, GFP_NOWAIT | __GFP_NOWARN, 0, ~0UL);
	urgent = st_take(&taken, GFP_ATOMIC | __GFP_NOWARN, 0, ~0UL);
	all = st_take(&taken, GFP_LOW_ALL, 0, ~0UL);
	CHECK_EQ(st_free_low(), 0);
	st_give(&taken, 0);
	CHECK(polite > 0);
	CHECK(urgent > 0);
	CHECK(all > 0);
}

SELFTEST(C1, nomemalloc_leaves_the_reserves)
{
	LIST_HEAD(taken);
	unsigned long polite = st_take(&taken, GFP_NOWAIT | __GFP_NOWARN, 0, ~0UL), more;

	more = st_take(&taken, GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN, 0, ~0UL);
	st_give(&taken, 0);
	CHECK(polite > 0);
	CHECK_EQ(more, 0);
}

static bool nothing_left;

static void give_some_later(void *taken)
{
	while (!READ_ONCE(nothing_left))
		thread_sleep_ms(10);
	st_give_some(taken, 0, 32);
}

/* __GFP_NOFAIL waits for as long as it takes: until somebody else gives memory back. */
SELFTEST(C3, nofail_waits_for_memory)
{
	LIST_HEAD(taken);
	struct page *page;
	unsigned long n;
	int pid;

	nothing_left = false;
	pid = thread_spawn("giver", give_some_later, &taken);
	CHECK(pid > 0);
	n = st_take(&taken, GFP_KERNEL | __GFP_DMA | __GFP_NOWARN, 0, ~0UL);
	WRITE_ONCE(nothing_left, true);
	page = alloc_page(GFP_KERNEL | __GFP_DMA | __GFP_NOFAIL);
	thread_wait(pid);
	st_give(&taken, 0);
	CHECK(n > 32);
	CHECK(page);
	CHECK_EQ(page_zone(page)->type, ZONE_DMA);
	__free_page(page);
}

static bool all_zero(struct page *page)
{
	u32 *p = kmap_local_page(page), sum = 0;
	unsigned i;

	for (i = 0; i < PAGE_SIZE / sizeof(u32); i++)
		sum |= p[i];
	kunmap_local(p);
	return sum == 0;
}

static bool zeroed(gfp_t gfp, unsigned order)
{
	struct page *page = alloc_pages(gfp, order);
	unsigned i;
	bool ok = true;

	if (!page)
		return false;
	for (i = 0; i < 1u << order; i++) {
		void *p = kmap_local_page(page + i);

		memset(p, 0xff, PAGE_SIZE);
		kunmap_local(p);
	}
	__free_pages(page, order);
	page = alloc_pages(gfp | __GFP_ZERO, order);
	for (i = 0; page && i < 1u << order; i++)
		ok = all_zero(page + i) && ok;
	if (page)
		__free_pages(page, order);
	return page && ok;
}

SELFTEST(C1, zero_clears_low_and_high)
{
	CHECK(zeroed(GFP_KERNEL, 0));
	CHECK(zeroed(GFP_KERNEL, 3));
	CHECK(zeroed(GFP_HIGHUSER, 0));
	CHECK(zeroed(GFP_HIGHUSER, 3));
	CHECK(zeroed(GFP_ATOMIC, 0));
}

/* Take all that @gfp may have; the highest frame seen, and one of each zone in *zones. */
static pfn_t sweep(gfp_t gfp, unsigned *zones)
{
	LIST_HEAD(taken);
	struct page *page;
	pfn_t top = 0;

	*zones = 0;
	st_take(&taken, gfp, 0, ~0UL);
	list_for_each_entry(page, &taken, lru) {
		top = max(top, page_to_pfn(page));
		*zones |= 1u << page_zonenum(page);
	}
	st_give(&taken, 0);
	return top;
}

SELFTEST(C2, dma_is_only_dma)
{
	unsigned zones;
	pfn_t top = sweep(GFP_DMA | __GFP_MEMALLOC | __GFP_NOWARN, &zones);

	CHECK_EQ(zones, 1u << ZONE_DMA);
	CHECK(top > 0 && top < ((unsigned long)ZONE_DMA_END_MB << 20 >> PAGE_SHIFT));
}

SELFTEST(C2, dma32_is_dma32_or_below)
{
	unsigned zones;

	sweep(GFP_DMA32 | __GFP_MEMALLOC | __GFP_NOWARN, &zones);
	CHECK(zones != 0);
	CHECK_EQ(zones & ~(1u << ZONE_DMA | 1u << ZONE_DMA32), 0);
}

SELFTEST(C2, none_is_normal_then_dma)
{
	unsigned zones;
	pfn_t top = sweep(GFP_LOW_ALL, &zones);

	CHECK(top < max_low_pfn);
	CHECK_EQ(zones >> ZONE_DMA & 1, 1);
	CHECK_EQ(zones >> ZONE_NORMAL & 1, populated_zone(st_zone(ZONE_NORMAL)));
	CHECK_EQ(zones >> ZONE_HIGHMEM & 1, 0);
}

SELFTEST(C2, highmem_prefers_high_then_goes_down)
{
	struct st_order o;

	st_zone_order(&o, GFP_HIGH_ALL);
	CHECK_EQ(o.first, st_best_zone(ZONE_HIGHMEM));
	CHECK_EQ(o.zones >> ZONE_HIGHMEM & 1, populated_zone(st_zone(ZONE_HIGHMEM)));
	CHECK(o.zones >> first_zone()->type & 1);
	CHECK(o.rises <= ST_ATTEMPTS);
}

SELFTEST(C2, the_highest_zone_of_a_mask)
{
	CHECK_EQ(gfp_zone(GFP_DMA), ZONE_DMA);
	CHECK_EQ(gfp_zone(GFP_DMA32), ZONE_DMA32);
	CHECK_EQ(gfp_zone(GFP_KERNEL), ZONE_NORMAL);
	CHECK_EQ(gfp_zone(GFP_ATOMIC), ZONE_NORMAL);
	CHECK_EQ(gfp_zone(GFP_HIGHUSER), ZONE_HIGHMEM);
}

/* lowmem_reserve: requests that could use high memory leave some low memory to those that cannot. */
SELFTEST(C2, high_requests_leave_low_memory_its_reserve)
{
	LIST_HEAD(high);
	LIST_HEAD(low);
	unsigned long n;

	if (!populated_zone(st_zone(ZONE_HIGHMEM)))
		SKIP("no high memory");
	st_take(&high, GFP_HIGHUSER | __GFP_NOWARN | __GFP_NORETRY, 0, ~0UL);
	n = st_take(&low, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, 0, ~0UL);
	st_give(&high, 0);
	st_give(&low, 0);
	CHECK(n > 0);
}

SELFTEST(C3, composites_are_made_of_their_parts)
{
	CHECK_EQ(GFP_KERNEL & (__GFP_WAIT | __GFP_IO | __GFP_FS), __GFP_WAIT | __GFP_IO | __GFP_FS);
	CHECK_EQ(GFP_NOFS & (__GFP_WAIT | __GFP_IO | __GFP_FS), __GFP_WAIT | __GFP_IO);
	CHECK_EQ(GFP_NOIO & (__GFP_WAIT | __GFP_IO | __GFP_FS), __GFP_WAIT);
	CHECK_EQ(GFP_ATOMIC & (__GFP_WAIT | __GFP_HIGH), __GFP_HIGH);
	CHECK_EQ(GFP_NOWAIT & (__GFP_WAIT | __GFP_HIGH), 0);
	CHECK_EQ(GFP_USER & GFP_ZONEMASK, 0);
	CHECK_EQ(GFP_HIGHUSER & GFP_ZONEMASK, __GFP_HIGHMEM);
	CHECK_EQ(GFP_DMA & GFP_ZONEMASK, __GFP_DMA);
}

SELFTEST(C3, every_composite_allocates)
{
	static const gfp_t masks[] = { GFP_KERNEL, GFP_ATOMIC, GFP_NOIO, GFP_NOFS, GFP_USER, GFP_HIGHUSER,
				       GFP_DMA, GFP_NOWAIT, GFP_KERNEL | __GFP_COMP, GFP_KERNEL | __GFP_NOFAIL,
				       GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_NOWARN };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		struct page *page = alloc_pages(masks[i], 1);

		CHECK(page);
		__free_pages(page, 1);
	}
}

SELFTEST(C3, contradictions_are_refused)
{
	static const gfp_t masks[] = {
		GFP_KERNEL | __GFP_DMA | __GFP_HIGHMEM,
		GFP_KERNEL | __GFP_DMA | __GFP_DMA32,
		GFP_KERNEL | __GFP_DMA32 | __GFP_HIGHMEM,
		GFP_ATOMIC | __GFP_NOFAIL,
		GFP_KERNEL | __GFP_NOFAIL | __GFP_NORETRY,
		GFP_KERNEL | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL,
		GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC,
		GFP_KERNEL | 0x80000000u,
	};
	struct page *page;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		CHECK(gfp_contradiction(masks[i]));
		EXPECT_MISUSE(MISUSE_GFP, "alloc_pages", 0, page = alloc_pages(masks[i], 0));
		CHECK(!page);
	}
	CHECK(!gfp_contradiction(GFP_KERNEL));
	CHECK(!gfp_contradiction(GFP_HIGHUSER | __GFP_ZERO | __GFP_COMP));
}

SELFTEST(C3, masks_are_written_in_words)
{
	char buf[64];

	CHECK(st_contains(gfp_format(buf, sizeof(buf), GFP_KERNEL | __GFP_ZERO), "GFP_KERNEL"));
	CHECK(st_contains(buf, "__GFP_ZERO"));
	CHECK(st_contains(gfp_format(buf, sizeof(buf), GFP_ATOMIC), "GFP_ATOMIC"));
	gfp_format(buf, 16, GFP_KERNEL | __GFP_ZERO | __GFP_COMP | __GFP_NOWARN);
	CHECK(strlen(buf) < 16);
}
