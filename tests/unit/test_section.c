/* SPDX-License-Identifier: MIT */
/* section.c: a mem_map of which parts are not there, and memory that comes when it is needed. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "arch/hosted/hosted.h"

#include <quarry/highmem.h>
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#define GB (1ULL << 30)
#define TB (1ULL << 40)
#define FRAME(bytes) ((pfn_t)((bytes) >> PAGE_SHIFT))

static unsigned long deferred(void)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		n += z->deferred_pages;
	return n;
}

#if SPARSE_MEM_MAP

#define HOLDING (PAGES_PER_SECTION * sizeof(struct page) >> PAGE_SHIFT)
#define EACH (PAGES_PER_SECTION - HOLDING)	/* frames that a deferred section gives */

#define EXPECT_MISUSE(kind, call) do {					\
	unsigned long before_ = misuse_count(kind);			\
	call;								\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);		\
} while (0)

static struct zone *normal;

static void boot(phys_addr_t mem)
{
	unit_boot(mem, MAXMEM);
	misuse_quiet(true);
	normal = &NODE_DATA(0)->node_zones[ZONE_NORMAL];
}

static unsigned long online(void)
{
	unsigned long n = 0;

	for (pfn_t pfn = 0; pfn < max_pfn; pfn += PAGES_PER_SECTION)
		n += pfn_valid(pfn);
	return n;
}

START_TEST(only_what_cannot_wait_is_there)
{
	boot(4 * GB);
	ck_assert(pfn_valid(0) && pfn_valid(FRAME(GB / 16)));
	ck_assert(!pfn_valid(FRAME(GB)) && pfn_is_deferred(FRAME(GB)));
	ck_assert(!pfn_valid(FRAME(3 * GB + GB / 2)) && !pfn_is_deferred(FRAME(3 * GB + GB / 2)));	/* the hole */
	ck_assert(!pfn_valid(max_pfn) && !pfn_is_deferred(max_pfn));
	ck_assert_uint_le(online(), 4);
	ck_assert_uint_eq(deferred() % EACH, 0);
	/* all that there is, is counted: as deferred, or on the lists */
	ck_assert_uint_eq(zone_free_pages(normal), deferred() + normal->nr_free);
	ck_assert_uint_le(zone_free_pages(normal), normal->managed_pages);
	ck_assert_uint_eq(section_check(), 0);
	unit_teardown();
}
END_TEST

/* No size of memory makes more than the edges come up. */
static const phys_addr_t sizes[] = { 1 * GB, 64 * GB, 1 * TB, 64 * TB };

START_TEST(coming_up_does_not_depend_on_the_size)
{
	phys_addr_t reserved = 0;

	boot(sizes[_i]);
	ck_assert_uint_le(online(), 4);
	for (unsigned i = 0; i < memblock.reserved.cnt; i++)
		reserved += memblock.reserved.regions[i].size;
	/* four sections of mem_map and what boots, a table for 64 GiB, two entries for each GiB, a byte for each page block */
	ck_assert_uint_le(reserved, 4 * HOLDING * PAGE_SIZE + GB / 1024 + sizes[_i] / (16 << 20) * 2 +
			  (sizes[_i] >> (PAGEBLOCK_ORDER + PAGE_SHIFT)));
	ck_assert_uint_ge(zone_free_pages(normal), FRAME(sizes[_i] / 64 * 61));
	unit_teardown();
}
END_TEST

static void refused(pfn_t pfn)
{
	struct page *page = pfn_to_page(pfn);

	ck_assert(!page_valid(page));
	EXPECT_MISUSE(MISUSE_FOREIGN, __free_page(page));
	EXPECT_MISUSE(MISUSE_FOREIGN, put_page(page));
	EXPECT_MISUSE(MISUSE_FOREIGN, get_page(page));
	EXPECT_MISUSE(MISUSE_FOREIGN, free_page((unsigned long)__va((phys_addr_t)pfn << PAGE_SHIFT)));
	EXPECT_MISUSE(MISUSE_FOREIGN, kfree(__va((phys_addr_t)pfn << PAGE_SHIFT)));
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(vmap(&page, 1, VM_MAP, PAGE_KERNEL)));
	EXPECT_MISUSE(MISUSE_FOREIGN, ck_assert_ptr_null(kmap(page)));
}

START_TEST(what_is_not_there_is_refused)
{
	void *p;

	boot(4 * GB);
	refused(FRAME(GB));			/* deferred */
	refused(FRAME(3 * GB + GB / 2));	/* a hole */
	EXPECT_MISUSE(MISUSE_ARGUMENT, ck_assert_ptr_null(ioremap(GB, PAGE_SIZE)));
	p = ioremap(3 * GB + GB / 2, PAGE_SIZE);
	ck_assert_ptr_nonnull(p);
	iounmap(p);
	unit_teardown();
}
END_TEST

START_TEST(an_atomic_request_brings_a_section_up)
{
	unsigned long flags, before, had, n = 0;
	struct page *page;
	LIST_HEAD(taken);

	boot(4 * GB);
	drain_all_pages(NULL);
	before = deferred();
	had = zone_free_pages(normal);
	flags = arch_irq_save();
	while (deferred() == before && (page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, MAX_PAGE_ORDER))) {
		list_add(&page->lru, &taken);
		n++;
	}
	arch_irq_restore(flags);
	ck_assert_uint_eq(deferred(), before - EACH);
	ck_assert_uint_eq(zone_free_pages(normal), had - (n << MAX_PAGE_ORDER));
	ck_assert_uint_ge(normal->nr_free, normal->watermark[WMARK_LOW]);
	while (!list_empty(&taken)) {
		page = list_first_entry(&taken, struct page, lru);
		list_del(&page->lru);
		__free_pages(page, MAX_PAGE_ORDER);
	}
	unit_teardown();
}
END_TEST

static void mark(u8 *seen, const struct page *page)
{
	pfn_t pfn = page_to_pfn(page);

	ck_assert_msg(pfn_valid(pfn) && !seen[pfn], "frame 0x%lx twice, or out of nowhere", pfn);
	ck_assert_msg(!pfn_holds_mem_map(pfn), "frame 0x%lx, of mem_map", pfn);
	seen[pfn] = 1;
}

START_TEST(to_the_last_page_and_back)
{
	unsigned long had, n = 0;
	struct page *page;
	LIST_HEAD(taken);
	u8 *seen;

	boot(1 * GB);
	seen = calloc(max_pfn, 1);
	drain_all_pages(NULL);
	had = zone_free_pages(normal) + zone_free_pages(first_zone());
	while ((page = alloc_page(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN))) {
		mark(seen, page);
		list_add(&page->lru, &taken);
		n++;
	}
	ck_assert_uint_eq(n, had);
	ck_assert_uint_eq(deferred(), 0);
	ck_assert(!zone_grow(normal));
	ck_assert_uint_eq(zone_free_pages(normal), 0);
	ck_assert_int_eq(section_check(), 0);
	put_pages_list(&taken);
	free(seen);
	unit_teardown();
}
END_TEST

START_TEST(a_zone_grows_before_a_worse_one_is_asked)
{
	unsigned long low;
	struct page *page;
	LIST_HEAD(taken);

	unit_boot(4 * GB, GB / 2);
	drain_all_pages(NULL);
	low = zone_free_pages(&NODE_DATA(0)->node_zones[ZONE_NORMAL]);
	for (unsigned long i = 0; i < FRAME(2 * GB); i++) {
		page = alloc_page(GFP_HIGHUSER);
		ck_assert(page && PageHighMem(page));
		list_add(&page->lru, &taken);
	}
	ck_assert_uint_eq(zone_free_pages(&NODE_DATA(0)->node_zones[ZONE_NORMAL]), low);
	put_pages_list(&taken);
	unit_teardown();
}
END_TEST

START_TEST(many_frames_at_once_come_from_several_sections)
{
	LIST_HEAD(taken);

	boot(4 * GB);
	ck_assert_uint_eq(alloc_pages_bulk_list(GFP_KERNEL, 3 * PAGES_PER_SECTION, &taken), 3 * PAGES_PER_SECTION);
	put_pages_list(&taken);
	ck_assert_int_eq(section_check(), 0);
	unit_teardown();
}
END_TEST

START_TEST(by_hand_section_by_section)
{
	unsigned long free, left, n = 0;

	boot(4 * GB);
	drain_all_pages(NULL);
	free = zone_free_pages(normal);
	left = normal->deferred_pages;
	while (zone_grow(normal)) {
		n++;
		ck_assert_uint_eq(normal->deferred_pages, left - n * EACH);
		ck_assert_uint_eq(zone_free_pages(normal), free);
		ck_assert_int_eq(section_check(), 0);
	}
	ck_assert_uint_eq(normal->deferred_pages, 0);
	ck_assert_uint_eq(n, left / EACH);
	ck_assert(!PageReserved(pfn_to_page(FRAME(GB) + HOLDING)) && page_count(pfn_to_page(FRAME(GB) + HOLDING)) == 0);
	ck_assert(PageReserved(pfn_to_page(FRAME(GB) + HOLDING - 1)) && pfn_holds_mem_map(FRAME(GB) + HOLDING - 1));
	unit_teardown();
}
END_TEST

START_TEST(check_names_the_broken_invariant)
{
	u8 *hole;

	boot(4 * GB);
	normal->deferred_pages++;
	ck_assert_int_eq(section_check(), 3);
	normal->deferred_pages--;
	normal->deferred_next = FRAME(GB);
	ck_assert_int_eq(section_check(), 2);
	normal->deferred_next = 0;
	hole = &section_map[FRAME(3 * GB + GB / 2) >> SECTION_PFN_SHIFT];
	*hole = 1;
	ck_assert_int_eq(section_check(), 4);
	*hole = 0;
	section_map[0] = 0;
	ck_assert_int_eq(section_check(), 1);
	section_map[0] = 1;
	unit_teardown();
}
END_TEST

/* ---- several CPUs -------------------------------------------------------------- */

#define CPUS 4
#define BLOCKS 64	/* of the largest order, each CPU: a quarter of a GiB */

static struct list_head taken_by[CPUS];

/* A host thread with a CPU of its own, interrupts off: nothing of the kernel but the allocator. */
static void *take_blocks(void *arg)
{
	unsigned long cpu = (unsigned long)arg;
	struct cpu_local *own = hosted_cpu;

	hosted_cpu = &cpu_locals[cpu];
	hosted_cpu->cpu = (unsigned)cpu;
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct page *page = alloc_pages(GFP_NOWAIT, MAX_PAGE_ORDER);

		if (!page)
			return (void *)1;	/* no memory */
		list_add_tail(&page->lru, &taken_by[cpu]);
	}
	hosted_cpu = own;
	return NULL;
}

START_TEST(several_cpus_need_memory_at_once)
{
	pthread_t thread[CPUS];
	struct page *page, *next;
	void *error;
	u8 *seen;

	boot(4 * GB);
	seen = calloc(max_pfn, 1);
	for (unsigned long i = 0; i < CPUS; i++) {
		INIT_LIST_HEAD(&taken_by[i]);
		ck_assert_int_eq(pthread_create(&thread[i], NULL, take_blocks, (void *)i), 0);
	}
	for (unsigned i = 0; i < CPUS; i++) {
		ck_assert_int_eq(pthread_join(thread[i], &error), 0);
		ck_assert_ptr_null(error);
	}
	ck_assert_int_eq(section_check(), 0);
	for (unsigned i = 0; i < CPUS; i++)
		list_for_each_entry_safe(page, next, &taken_by[i], lru) {
			for (unsigned k = 0; k < 1u << MAX_PAGE_ORDER; k++)
				mark(seen, page + k);
			__free_pages(page, MAX_PAGE_ORDER);
		}
	free(seen);
	unit_teardown();
}
END_TEST

UNIT_SUITE(section)
{
	Suite *s = suite_create("section");
	TCase *each_size = tcase_create("sizes");

	unit_case(s, "section",
		only_what_cannot_wait_is_there,
		what_is_not_there_is_refused,
		an_atomic_request_brings_a_section_up,
		to_the_last_page_and_back,
		a_zone_grows_before_a_worse_one_is_asked,
		many_frames_at_once_come_from_several_sections,
		by_hand_section_by_section,
		check_names_the_broken_invariant,
		several_cpus_need_memory_at_once);
	tcase_add_loop_test(each_size, coming_up_does_not_depend_on_the_size, 0, ARRAY_SIZE(sizes));
	suite_add_tcase(s, each_size);
	return s;
}

#else

START_TEST(a_whole_mem_map_has_everything)
{
	pfn_t pfn, n = 0;

	unit_boot(GB, GB / 2);
	ck_assert_uint_eq(deferred(), 0);
	for_each_valid_pfn(pfn, 0, max_pfn)
		n++;
	ck_assert_uint_eq(n, max_pfn);
	ck_assert(!pfn_is_deferred(FRAME(GB / 2)) && !pfn_holds_mem_map(FRAME(GB / 2)));
	unit_teardown();
}
END_TEST

UNIT_SUITE(section, a_whole_mem_map_has_everything)

#endif
