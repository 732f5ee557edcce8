/* SPDX-License-Identifier: MIT */
/*
 * test_slab.c: caches, slabs and magazines (rows D1, D2, D3, D5), on a whole
 * system in a process.  It looks inside: slab_internal.h.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/sched.h"
#include "mm/slab/slab_internal.h"

#include <quarry/port.h>

#define MB (1024UL * 1024)
#define MANY 1000

static void *many[MANY];

static void setup(void)
{
	unit_boot(64 * MB, 32 * MB);
	misuse_quiet(true);
}

static struct kmem_cache *make(const char *name, unsigned size, slab_flags_t flags)
{
	struct kmem_cache *s = kmem_cache_create(name, size, 0, flags, NULL);

	ck_assert_ptr_nonnull(s);
	return s;
}

static struct slabinfo info_of(struct kmem_cache *s)
{
	struct slabinfo i;

	slab_get_info(s, &i);
	return i;
}

static void *take(struct kmem_cache *s)
{
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	ck_assert_ptr_nonnull(p);
	return p;
}

/* The call is refused with this report, which contains the word. */
#define EXPECT_MISUSE(kind, word, call) do {						\
	unsigned long before_ = misuse_count(kind), all_ = misuse_count(NR_MISUSE);	\
	call;										\
	ck_assert_uint_eq(misuse_count(kind), before_ + 1);				\
	ck_assert_uint_eq(misuse_count(NR_MISUSE), all_ + 1);				\
	ck_assert_msg(strstr(misuse_last(), word), "\"%s\" says nothing of %s", misuse_last(), word); \
} while (0)

/* ---- geometry: no machine needed ---------------------------------------------------- */

static void check_index(unsigned size)
{
	struct kmem_cache s = { .size = size };
	unsigned long off, bytes;
	unsigned long idx;

	slab_geometry(&s);
	bytes = PAGE_SIZE << s.order;
	for (off = 0; off < bytes; off++) {
		bool begins = slab_index(&s, off, &idx);

		if (begins != (off % size == 0 && (s.num > 1 || off == 0)) || (begins && idx != off / size))
			ck_abort_msg("size %u, offset %lu: index %lu, begins %d", size, off, idx, begins);
		/* behind the last object, there is a state to say that there is none */
		if (begins && !s.states_in_page && s.map_offset + idx >= bytes)
			ck_abort_msg("size %u, offset %lu: state %lu is not on the slab", size, off, idx);
		/* inside an object, the index is that object's */
		if (off < (unsigned long)s.num * size && idx != off / size)
			ck_abort_msg("size %u, offset %lu: index %lu", size, off, idx);
	}
}

START_TEST(the_reciprocal_is_exact)
{
	unsigned size;

	for (size = 8; size <= 2048; size += 8)
		check_index(size);
	for (; size <= 40000; size += 8 * 37)
		check_index(size);
	for (size = 4096; size <= KMALLOC_MAX_SIZE / 2; size *= 2)
		check_index(size);
	check_index(100000);
	check_index(1900000);
}
END_TEST

START_TEST(objects_and_states_fit_and_little_is_wasted)
{
	struct kmem_cache s;
	unsigned long used, bytes;
	unsigned size;

	for (size = 8; size <= KMALLOC_MAX_SIZE / 2; size += size < 4096 ? 8 : 4096 - 8) {
		s.size = size;
		slab_geometry(&s);
		bytes = PAGE_SIZE << s.order;
		used = (unsigned long)s.num * size;
		ck_assert_uint_ge(s.num, 1);
		ck_assert(s.states_in_page == (size >= PAGE_SIZE / sizeof(long)));
		ck_assert_uint_le(used + (s.states_in_page ? 0 : s.num), bytes);
		if (!s.states_in_page)
			ck_assert_uint_ge(s.map_offset, used);
		/* up to a page: never more than an eighth lost, padding of the states aside */
		if (size <= 1024)
			ck_assert_uint_le(bytes - used - (s.states_in_page ? 0 : s.num), bytes / 8 + sizeof(long));
		if (size <= 512 || size == 1024 || size == 2048 || size == 4096)
			ck_assert_uint_le(s.order, size == 512 || size <= 256 || size >= 1024 ? 0 : 1);
		if (s.order > 3)
			ck_assert_uint_eq(s.num, 1);
	}
}
END_TEST

START_TEST(no_two_objects_of_a_slab_share_a_state)
{
	static struct page pages[8];
	struct kmem_cache s = { 0 };
	unsigned size, i, j;

	for (size = 8; size <= 32768; size += size < 2048 ? 8 : 248) {
		u8 *at[1024];

		s.size = size;
		slab_geometry(&s);
		for (i = 0; i < s.num; i++) {
			unsigned long off = (unsigned long)i * size;

			at[i] = slab_states_of_page(&s, pages, (unsigned)(off >> PAGE_SHIFT)) + i;
			if (i)
				ck_assert_msg(at[i] > at[i - 1], "size %u: objects %u and %u", size, i - 1, i);
		}
		for (j = 0; s.states_in_page && j < s.num; j++)
			ck_assert(at[j] < pages[(unsigned long)j * size >> PAGE_SHIFT].own_states + sizeof(long));
	}
}
END_TEST

/* ---- too early ------------------------------------------------------------------------ */

START_TEST(D5_before_the_slab_layer_is_up)
{
	void *p = &p;
	struct kmem_cache *s;

	misuse_quiet(true);
	ck_assert(!slab_is_available());
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", p = kmalloc(64, GFP_KERNEL));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", p = kzalloc(64, GFP_KERNEL));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", p = kmalloc(100000, GFP_KERNEL));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", p = __kmalloc(64, GFP_ATOMIC | __GFP_DMA));
	ck_assert_ptr_null(p);
	EXPECT_MISUSE(MISUSE_CONTEXT, "memblock_alloc", s = kmem_cache_create("early", 10, 0, 0, NULL));
	ck_assert_ptr_null(s);
	EXPECT_MISUSE(MISUSE_CONTEXT, "kfree", kfree(&s));
}
END_TEST

/* ---- D5: bootstrap ----------------------------------------------------------------------- */

static bool count_caches(struct kmem_cache *s, void *arg)
{
	(void)s;
	++*(unsigned long *)arg;
	return true;
}

START_TEST(D5_each_cache_is_an_object_of_the_first)
{
	struct kmem_cache *first, *s;
	unsigned long n = 0;

	setup();
	first = list_first_entry(&slab_caches, struct kmem_cache, list);
	ck_assert_str_eq(kmem_cache_name(first), "kmem_cache");
	slab_for_each(count_caches, &n);
	ck_assert_uint_eq(info_of(first).active_objs, n - 1);
	s = make("mine", 10, 0);
	ck_assert_uint_eq(info_of(first).active_objs, n);
	ck_assert_ptr_eq(page_slab_cache(virt_to_page(s)), first);
	kmem_cache_destroy(s);
	EXPECT_MISUSE(MISUSE_ARGUMENT, "own", kmem_cache_destroy(first));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "own", kmem_cache_destroy(kmalloc_caches[0][0]));
	unit_teardown();
}
END_TEST

/* ---- D2: the three lists ------------------------------------------------------------------ */

START_TEST(D2_full_partial_free)
{
	struct kmem_cache *s;
	struct slabinfo i;
	unsigned n, per;

	setup();
	s = make("lists", 192, 0);
	per = info_of(s).objects_per_slab;
	for (n = 0; n < 4 * per; n++)
		many[n] = take(s);
	slab_drain(s);
	i = info_of(s);
	ck_assert_uint_eq(i.slabs_full, 4);
	ck_assert_uint_eq(i.slabs_partial + i.slabs_free, 0);
	ck_assert_uint_eq(i.active_objs, 4 * per);
	/* one out of a full slab: partial; the last out: free, and away with the drain */
	kmem_cache_free(s, many[0]);
	slab_drain(s);
	i = info_of(s);
	ck_assert_uint_eq(i.slabs_full, 3);
	ck_assert_uint_eq(i.slabs_partial, 1);
	for (n = 1; n < 4 * per; n++)
		kmem_cache_free(s, many[n]);
	ck_assert_uint_gt(info_of(s).num_slabs, 0);
	slab_drain(s);
	ck_assert_uint_eq(info_of(s).num_slabs, 0);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* Without magazines each step is seen at once. */
START_TEST(D2_partial_then_free_then_new)
{
	struct kmem_cache *s;
	struct slabinfo i;
	unsigned n, per;

	setup();
	s = make("order", 3 * 512, SLAB_NO_MERGE);
	s->magazine_rounds = 0;
	s->free_limit = 2;
	per = s->num;
	for (n = 0; n < 4 * per; n++)
		many[n] = take(s);
	for (n = per; n < 3 * per; n++)
		kmem_cache_free(s, many[n]);
	kmem_cache_free(s, many[0]);
	i = info_of(s);
	ck_assert_uint_eq(i.slabs_full, 1);
	ck_assert_uint_eq(i.slabs_partial, 1);
	ck_assert_uint_eq(i.slabs_free, 2);
	/* the hole in the partial slab is filled first */
	ck_assert_ptr_eq(take(s), many[0]);
	ck_assert_uint_eq(info_of(s).slabs_free, 2);
	many[per] = take(s);
	ck_assert_uint_eq(info_of(s).slabs_free, 1);
	ck_assert_uint_eq(info_of(s).num_slabs, 4);
	for (n = per + 1; n < 3 * per + 1; n++)
		if (n != 3 * per)
			many[n] = take(s);
	ck_assert_uint_eq(info_of(s).slabs_free, 0);
	ck_assert_uint_eq(info_of(s).num_slabs, 4);
	many[4 * per] = take(s);
	ck_assert_uint_eq(info_of(s).num_slabs, 5);
	for (n = 0; n <= 4 * per; n++)
		kmem_cache_free(s, many[n]);
	/* no more than free_limit empty slabs are kept */
	ck_assert_uint_eq(info_of(s).num_slabs, 2);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D2_a_slab_tells_what_it_is)
{
	static const unsigned sizes[] = { 8, 40, 200, 512, 700, 1024, 1500, 4096, 5000, 8192, 20000, 100000 };
	unsigned k, i;

	setup();
	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *s = make("tells", sizes[k], 0);
		char *p = take(s);
		struct page *head = slab_head(s, virt_to_page(p));

		ck_assert_uint_eq(head->objects, s->num);
		for (i = 0; i < 1u << s->order; i++) {
			ck_assert(PageSlab(head + i));
			ck_assert_ptr_eq(page_slab_cache(&head[i]), s);
		}
		ck_assert_int_eq(slab_check(NULL), 0);
		memset(p, 0xff, sizes[k]);
		ck_assert_int_eq(slab_check(NULL), 0);
		kmem_cache_free(s, p);
		kmem_cache_destroy(s);
		for (i = 0; i < 1u << 3; i++)
			ck_assert(!PageSlab(head + i) || page_slab_cache(&head[i]) != s);
	}
	unit_teardown();
}
END_TEST

/* ---- D3: magazines ---------------------------------------------------------------------------- */

START_TEST(D3_last_in_first_out)
{
	struct kmem_cache *s;
	int i;

	setup();
	s = make("lifo", 64, 0);
	for (i = 0; i < 200; i++)
		many[i] = take(s);
	for (i = 0; i < 120; i++)
		kmem_cache_free(s, many[i]);
	/* as far back as both magazines certainly reach */
	for (i = 119; i >= 60; i--)
		ck_assert_ptr_eq(take(s), many[i]);
	for (i = 60; i < 200; i++)
		kmem_cache_free(s, many[i]);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* From a new slab, objects come in order of address. */
START_TEST(D3_a_refill_goes_up)
{
	struct kmem_cache *s;
	char *a, *b;
	int i;

	setup();
	s = make("up", 128, 0);
	a = many[0] = take(s);
	for (i = 1; i < (int)min(s->magazine_rounds, s->num); i++) {
		b = many[i] = take(s);
		ck_assert_ptr_eq(b, a + 128);
		a = b;
	}
	while (i--)
		kmem_cache_free(s, many[i]);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D3_slabs_are_visited_once_in_a_magazine)
{
	struct kmem_cache *s;
	unsigned long out, moves = 0;
	unsigned i, n;

	setup();
	s = make("batch", 64, 0);
	for (i = 0; i < 300; i++)
		many[i] = take(s);
	/* the worst place: at the edge of a magazine, one in, one out */
	for (n = 0; n < 60; n++) {
		for (i = 0; i < 200; i++) {
			out = s->node[0].out;
			kmem_cache_free(s, many[0]);
			many[0] = take(s);
			moves += out != s->node[0].out;
		}
		kmem_cache_free(s, many[299 - n]);
	}
	ck_assert_uint_le(moves, 60);
	for (i = 0; i < 240; i++)
		kmem_cache_free(s, many[i]);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D3_a_magazine_holds_no_more_than_it_says)
{
	static const unsigned sizes[] = { 8, 256, 264, 1024, 2000, 4096, 8192, 8200, 70000 };
	struct slabinfo i;
	unsigned k, n;

	setup();
	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *s = make("holds", sizes[k], 0);

		s->depot_limit = k % 2;
		for (n = 0; n < 100; n++)
			many[n] = take(s);
		for (n = 0; n < 100; n++)
			kmem_cache_free(s, many[n]);
		i = info_of(s);
		ck_assert_uint_eq(i.active_objs, 0);
		ck_assert_uint_eq(magazines_count(s), s->node[0].out);
		ck_assert_uint_le(s->node[0].out, i.limit + s->depot_limit * s->magazine_rounds);
		ck_assert_uint_le(i.slabs_free, s->free_limit);
		if (sizes[k] > 2 * PAGE_SIZE)
			ck_assert_uint_eq(i.num_slabs, 0);
		kmem_cache_destroy(s);
	}
	unit_teardown();
}
END_TEST

/* A thousand taken and given back travel in magazines: the slabs see none of it. */
START_TEST(D3_the_depot_keeps_whole_magazines)
{
	struct kmem_cache *s;
	unsigned long out;
	unsigned i, round;

	setup();
	s = make("depot", 64, 0);
	for (i = 0; i < MANY; i++)
		many[i] = take(s);
	for (i = 0; i < MANY; i++)
		kmem_cache_free(s, many[i]);
	ck_assert_uint_gt(s->depot.nr_full, 0);
	ck_assert_uint_eq(depot_count(s), s->depot.nr_full * s->magazine_rounds);
	out = s->node[0].out;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < MANY; i++)
			many[i] = take(s);
		ck_assert_uint_eq(s->node[0].out, out);
		ck_assert_uint_gt(s->depot.nr_empty, 0);
		ck_assert_int_eq(slab_check(NULL), 0);
		for (i = MANY; i--; )
			kmem_cache_free(s, many[i]);
		ck_assert_uint_eq(s->node[0].out, out);
	}
	slab_drain(s);
	ck_assert_uint_eq(s->node[0].out, 0);
	ck_assert_uint_eq(s->depot.nr_full + s->depot.nr_empty, 0);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* Who meets others at the depot often gets larger magazines; older ones stay good. */
START_TEST(D3_magazines_grow_with_contention)
{
	struct kmem_cache *s;
	unsigned i, first;

	setup();
	s = make("contended", 512, 0);
	first = s->magazine_rounds;
	for (i = 0; i < MANY; i++)
		many[i] = take(s);
	for (i = 0; i < 4 * first; i++)
		kmem_cache_free(s, many[i]);
	ck_assert_uint_gt(s->depot.nr_full, 0);
	s->depot.contended = 1000;
	for (; i < MANY; i++)
		kmem_cache_free(s, many[i]);
	ck_assert_uint_eq(s->magazine_rounds, 2 * first);
	ck_assert_int_eq(slab_check(NULL), 0);
	for (i = 0; i < MANY; i++)
		many[i] = take(s);
	for (i = 0; i < MANY; i++)
		for (unsigned j = 0; j < i && i < 200; j++)
			ck_assert_ptr_ne(many[i], many[j]);
	s->depot.contended = 1000;
	for (i = 0; i < MANY; i++)
		kmem_cache_free(s, many[i]);
	ck_assert_uint_le(s->magazine_rounds, s->magazine_max);
	ck_assert_int_eq(slab_check(NULL), 0);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* ---- many at once --------------------------------------------------------------------------- */

START_TEST(D1_bulk_gives_each_once_and_takes_all_back)
{
	static const size_t counts[] = { 1, 7, 60, 61, 500, MANY };
	struct kmem_cache *s;

	setup();
	s = make("bulk", 104, 0);
	for (unsigned k = 0; k < ARRAY_SIZE(counts); k++) {
		size_t n = counts[k];

		ck_assert_int_eq(kmem_cache_alloc_bulk(s, GFP_KERNEL, n, many), (int)n);
		for (size_t i = 0; i < n; i++) {
			for (size_t j = 0; j < i && i < 600; j++)
				ck_assert_ptr_ne(many[i], many[j]);
			memset(many[i], 0xa5, 104);
		}
		ck_assert_uint_eq(info_of(s).active_objs, n);
		ck_assert_int_eq(slab_check(NULL), 0);
		kmem_cache_free_bulk(s, n, many);
		ck_assert_uint_eq(info_of(s).active_objs, 0);
	}
	ck_assert_int_eq(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_ZERO, 300, many), 300);
	for (size_t i = 0; i < 300; i++)
		for (unsigned b = 0; b < 104; b++)
			ck_assert_int_eq(((char *)many[i])[b], 0);
	kfree_bulk(300, many);
	ck_assert_int_eq(kmem_cache_alloc_bulk(s, GFP_KERNEL, 0, many), 0);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D1_bulk_refuses_the_odd_ones_only)
{
	struct kmem_cache *s, *t;
	unsigned long before = misuse_count(NR_MISUSE);
	void *other, *odd[6];

	setup();
	s = make("bulk", 64, 0);
	t = make("bulk2", 64, 0);
	other = take(t);
	ck_assert_int_eq(kmem_cache_alloc_bulk(s, GFP_KERNEL, 100, many), 100);
	odd[0] = many[0];
	odd[1] = many[0];
	odd[2] = (char *)many[1] + 8;
	odd[3] = other;
	odd[4] = &before;
	odd[5] = many[1];
	kmem_cache_free_bulk(s, 6, odd);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), before + 4);
	ck_assert_uint_eq(info_of(s).active_objs, 98);
	kmem_cache_free_bulk(s, 98, many + 2);
	EXPECT_MISUSE(MISUSE_GFP, "high memory", ck_assert_int_eq(kmem_cache_alloc_bulk(s, GFP_HIGHUSER, 4, many), 0));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "no cache", ck_assert_int_eq(kmem_cache_alloc_bulk(NULL, GFP_KERNEL, 4, many), 0));
	kmem_cache_free(t, other);
	kmem_cache_destroy(s);
	kmem_cache_destroy(t);
	unit_teardown();
}
END_TEST

/* ---- what is written into a free object harms nobody --------------------------------------- */

START_TEST(D3_writing_after_free_breaks_nothing)
{
	struct kmem_cache *s;
	unsigned i, round;

	setup();
	s = make("vandal", 48, 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < MANY; i++)
			many[i] = take(s);
		for (i = 0; i < MANY; i++)
			kmem_cache_free(s, many[i]);
		for (i = 0; i < MANY; i++)
			if (PageSlab(virt_to_page(many[i])) && page_slab_cache(virt_to_page(many[i])) == s)
				memset(many[i], 0xff, 48);
		ck_assert_int_eq(slab_check(NULL), 0);
	}
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

static unsigned long constructed;

static void construct(void *obj)
{
	constructed++;
	memset(obj, 0xc5, 56);
}

START_TEST(D1_what_a_constructor_made_stays)
{
	struct kmem_cache *s;
	unsigned char want[56];
	unsigned i;

	setup();
	memset(want, 0xc5, sizeof(want));
	s = kmem_cache_create("built", 56, 0, 0, construct);
	ck_assert_ptr_nonnull(s);
	for (i = 0; i < MANY; i++) {
		many[i] = take(s);
		ck_assert(memcmp(many[i], want, 56) == 0);
	}
	for (i = 0; i < MANY; i += 2)
		kmem_cache_free(s, many[i]);
	magazines_drain(s);
	ck_assert_uint_eq(constructed, info_of(s).num_objs);
	for (i = 0; i < MANY; i += 2) {
		many[i] = take(s);
		ck_assert(memcmp(many[i], want, 56) == 0);
	}
	ck_assert_uint_eq(constructed, info_of(s).num_objs);
	EXPECT_MISUSE(MISUSE_GFP, "constructor", ck_assert_ptr_null(kmem_cache_zalloc(s, GFP_KERNEL)));
	for (i = 0; i < MANY; i++)
		kmem_cache_free(s, many[i]);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* ---- misuse ----------------------------------------------------------------------------------- */

/* Of every byte of a slab, kmem_cache_free() takes exactly the first ones of objects in use. */
static void sweep(unsigned size)
{
	struct kmem_cache *s = make("sweep", size, 0);
	unsigned long off, refused = 0, bytes = PAGE_SIZE << s->order, before = misuse_count(MISUSE_MIDDLE);
	unsigned i;
	char *base;

	s->magazine_rounds = 0;
	for (i = 0; i < s->num; i++)
		many[i] = take(s);
	base = page_address(slab_head(s, virt_to_page(many[0])));
	for (off = 0; off < bytes; off++) {
		if (off % size == 0 && off / size < s->num)
			continue;
		kmem_cache_free(s, base + off);
		refused++;
	}
	ck_assert_uint_eq(misuse_count(MISUSE_MIDDLE) - before, refused);
	ck_assert_uint_eq(info_of(s).active_objs, s->num);
	before = misuse_count(MISUSE_DOUBLE_FREE);
	kmem_cache_free(s, many[0]);
	kmem_cache_free(s, many[0]);
	ck_assert_uint_eq(misuse_count(MISUSE_DOUBLE_FREE), before + 1);
	for (i = 1; i < s->num; i++)
		kmem_cache_free(s, many[i]);
	kmem_cache_destroy(s);
}

START_TEST(D1_every_byte_of_a_slab)
{
	setup();
	sweep(8);
	sweep(64);
	sweep(104);
	sweep(512);
	sweep(1024);
	sweep(1504);
	sweep(4096);
	sweep(5000);
	unit_teardown();
}
END_TEST

START_TEST(D1_twice_wherever_the_object_is)
{
	struct kmem_cache *s;
	void *p, *q;

	setup();
	s = make("twice", 96, 0);
	p = take(s);
	q = take(s);
	kmem_cache_free(s, p);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "magazine", kmem_cache_free(s, p));
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "twice", kfree(p));
	slab_drain(s);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "free", kmem_cache_free(s, p));
	kmem_cache_free(s, q);
	slab_drain(s);
	EXPECT_MISUSE(MISUSE_DOUBLE_FREE, "page", kmem_cache_free(s, p));
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D1_the_wrong_cache)
{
	struct kmem_cache *a, *b;
	void *p;

	setup();
	a = make("right", 96, 0);
	b = make("wrong", 96, 0);
	p = take(a);
	EXPECT_MISUSE(MISUSE_WRONG_CACHE, "right", kmem_cache_free(b, p));
	ck_assert(strstr(misuse_last(), "wrong"));
	ck_assert_uint_eq(info_of(a).active_objs, 1);
	ck_assert_uint_eq(info_of(b).active_objs, 0);
	EXPECT_MISUSE(MISUSE_BUSY, "right", kmem_cache_destroy(a));
	kmem_cache_free(a, p);
	kmem_cache_destroy(a);
	kmem_cache_destroy(b);
	EXPECT_MISUSE(MISUSE_FOREIGN, "not a cache", kmem_cache_destroy((struct kmem_cache *)(void *)many));
	unit_teardown();
}
END_TEST

START_TEST(D1_destroy_names_an_object_in_use)
{
	struct kmem_cache *s;
	char addr[32], count[32];
	unsigned i;

	setup();
	s = make("busy", 96, 0);
	for (i = 0; i < 100; i++)
		many[i] = take(s);
	for (i = 0; i < 99; i++)
		kmem_cache_free(s, many[i]);
	mm_snprintf(addr, sizeof(addr), "%p", many[99]);
	mm_snprintf(count, sizeof(count), "busy): 1 object");
	EXPECT_MISUSE(MISUSE_BUSY, addr, kmem_cache_destroy(s));
	ck_assert(strstr(misuse_last(), count));
	/* it still works */
	many[0] = take(s);
	kmem_cache_free(s, many[0]);
	kmem_cache_free(s, many[99]);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D1_arguments_of_create)
{
	setup();
#define REFUSED(word, ...)	\
	EXPECT_MISUSE(MISUSE_ARGUMENT, word, ck_assert_ptr_null(kmem_cache_create(__VA_ARGS__)))
	REFUSED("name", NULL, 8, 0, 0, NULL);
	REFUSED("name", "", 8, 0, 0, NULL);
	REFUSED("blanks", "a b", 8, 0, 0, NULL);
	REFUSED("taken", "kmalloc-8", 8, 0, 0, NULL);
	REFUSED("size", "x", 0, 0, 0, NULL);
	REFUSED("size", "x", KMALLOC_MAX_SIZE / 2 + 1, 0, 0, NULL);
	REFUSED("alignment", "x", 8, 24, 0, NULL);
	REFUSED("alignment", "x", 8, 2 * PAGE_SIZE, 0, NULL);
	REFUSED("flags", "x", 8, 0, 0x80000000u, NULL);
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, "kmem_cache_create",
		      ck_assert_ptr_null(kmem_cache_create("x", 8, 0, 0, NULL)));
	preempt_enable();
	unit_teardown();
}
END_TEST

START_TEST(C_masks_of_objects)
{
	struct kmem_cache *s;
	void *p = NULL;

	setup();
	s = make("masks", 96, 0);
	EXPECT_MISUSE(MISUSE_GFP, "high memory", p = kmem_cache_alloc(s, GFP_HIGHUSER));
	EXPECT_MISUSE(MISUSE_GFP, "DMA32", p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_DMA32));
	EXPECT_MISUSE(MISUSE_GFP, "ZONE_DMA", p = kmem_cache_alloc(s, GFP_KERNEL | GFP_DMA));
	EXPECT_MISUSE(MISUSE_GFP, "masks", p = kmem_cache_alloc(s, GFP_ATOMIC | __GFP_NOFAIL));
	EXPECT_MISUSE(MISUSE_ARGUMENT, "no node", p = kmem_cache_alloc_node(s, GFP_KERNEL, nr_online_nodes));
	preempt_disable();
	EXPECT_MISUSE(MISUSE_CONTEXT, "may sleep", p = kmem_cache_alloc(s, GFP_KERNEL));
	ck_assert_ptr_null(p);
	p = kmem_cache_alloc(s, GFP_ATOMIC);
	ck_assert_ptr_nonnull(p);
	preempt_enable();
	kmem_cache_free(s, p);
	p = kmem_cache_alloc_node(s, GFP_KERNEL, 0);
	ck_assert_ptr_nonnull(p);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* ---- flags --------------------------------------------------------------------------------------- */

START_TEST(D1_alignment)
{
	static const unsigned sizes[] = { 1, 7, 24, 40, 65, 600, 3000 };
	unsigned i, align;

	setup();
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (align = 8; align <= PAGE_SIZE; align *= 2) {
			struct kmem_cache *s = kmem_cache_create("aligned", sizes[i], align, 0, NULL);
			void *p = take(s), *q = take(s);

			ck_assert_uint_eq(kmem_cache_size(s), sizes[i]);
			ck_assert(IS_ALIGNED((unsigned long)p, align) && IS_ALIGNED((unsigned long)q, align));
			kmem_cache_free(s, p);
			kmem_cache_free(s, q);
			kmem_cache_destroy(s);
		}
	unit_teardown();
}
END_TEST

START_TEST(D1_cache_lines)
{
	struct kmem_cache *s;
	unsigned i, size;

	setup();
	for (size = 1; size <= 200; size += 11) {
		s = make("lines", size, SLAB_HWCACHE_ALIGN);
		for (i = 0; i < 20; i++) {
			many[i] = take(s);
			/* an object that fits a line lies in one */
			ck_assert_uint_le((unsigned long)many[i] % L1_CACHE_BYTES + min(size, (unsigned)L1_CACHE_BYTES),
					  L1_CACHE_BYTES);
		}
		while (i--)
			kmem_cache_free(s, many[i]);
		kmem_cache_destroy(s);
	}
	unit_teardown();
}
END_TEST

START_TEST(D4_slabs_from_zone_dma)
{
	struct kmem_cache *s;
	void *p;

	setup();
	s = make("isa", 1000, SLAB_CACHE_DMA);
	p = take(s);
	ck_assert_uint_eq(page_zonenum(virt_to_page(p)), ZONE_DMA);
	kmem_cache_free(s, p);
	p = kmem_cache_alloc(s, GFP_ATOMIC | GFP_DMA);
	ck_assert_uint_eq(page_zonenum(virt_to_page(p)), ZONE_DMA);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(D1_typesafe_caches_keep_their_slabs)
{
	struct kmem_cache *s;
	unsigned long slabs;
	unsigned i;

	setup();
	s = make("typesafe", 256, SLAB_TYPESAFE_BY_RCU);
	for (i = 0; i < MANY; i++)
		many[i] = take(s);
	slabs = info_of(s).num_slabs;
	for (i = 0; i < MANY; i++)
		kmem_cache_free(s, many[i]);
	slab_drain(NULL);
	ck_assert_int_eq(kmem_cache_shrink(s), 1);
	ck_assert_uint_eq(info_of(s).num_slabs, slabs);
	ck_assert_uint_eq(info_of(s).slabs_free, slabs);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* ---- the end of memory ----------------------------------------------------------------------------- */

START_TEST(exhaustion_is_null_and_undone)
{
	struct kmem_cache *s;
	void **chain = NULL, **p;
	unsigned long n = 0;

	setup();
	s = make("hungry", 2000, 0);
	while ((p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN))) {
		*p = chain;
		chain = p;
		n++;
	}
	ck_assert_uint_gt(n, 20 * MB / 2048);
	ck_assert_int_eq(slab_check(NULL), 0);
	while ((p = chain)) {
		chain = *p;
		kmem_cache_free(s, p);
	}
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(what_is_kept_in_reserve_goes_back_when_memory_is_short)
{
	struct kmem_cache *s, *t;
	void **chain = NULL, **p;
	unsigned i;

	setup();
	t = make("reserve", 4096, 0);
	for (i = 0; i < 16; i++)
		many[i] = take(t);
	for (i = 0; i < 16; i++)
		kmem_cache_free(t, many[i]);
	ck_assert_uint_ge(info_of(t).num_slabs, 8);
	s = make("hungry", 2000, 0);
	while ((p = kmem_cache_alloc(s, GFP_KERNEL | __GFP_NOWARN))) {
		*p = chain;
		chain = p;
	}
	ck_assert_uint_eq(info_of(t).num_slabs, 0);
	while ((p = chain)) {
		chain = *p;
		kmem_cache_free(s, p);
	}
	kmem_cache_destroy(s);
	kmem_cache_destroy(t);
	unit_teardown();
}
END_TEST

/* ---- slab_check finds what is planted ------------------------------------------------------------- */

/* Plant, look, undo. */
#define PLANTED(number, what, undo) do {							\
	what;											\
	ck_assert_int_eq(slab_check(NULL), number);						\
	undo;											\
	ck_assert_int_eq(slab_check(NULL), 0);							\
} while (0)

START_TEST(slab_check_names_what_is_broken)
{
	struct kmem_cache *s;
	struct page *head;
	struct cpu_cache *c;
	struct magazine *m;
	struct round r;
	void *p;
	u8 *state;

	setup();
	s = make("broken", 24, 0);		/* of more objects than a CPU takes */
	many[0] = take(s);
	p = take(s);
	head = slab_head(s, virt_to_page(p));
	state = head->states;
	c = &s->cpu[0];
	m = c->loaded;
	kmem_cache_free(s, many[0]);
	PLANTED(1, __ClearPageSlab(head), __SetPageSlab(head));
	PLANTED(1, atomic_set(&head->_count, 0), atomic_set(&head->_count, 1));
	PLANTED(1, head->slab_word++, head->slab_word--);
	PLANTED(2, head->objects++, head->objects--);
	PLANTED(2, head->states++, head->states--);
	PLANTED(3, state[1] = 7, state[1] = OBJ_USED);
	PLANTED(3, state[s->num] = OBJ_USED, state[s->num] = OBJ_NONE);
	PLANTED(4, state[1] = OBJ_FREE, state[1] = OBJ_USED);
	PLANTED(4, head->inuse--, head->inuse++);
	PLANTED(6, s->node[0].nr_slabs[SLABS_FULL]++, s->node[0].nr_slabs[SLABS_FULL]--);
	PLANTED(7, s->node[0].out++, s->node[0].out--);
	PLANTED(11, c->limit += 8, c->limit -= 8);
	PLANTED(11, m->floor.obj = p, m->floor.obj = NULL);
	PLANTED(11, c->previous->floor.state++, c->previous->floor.state--);
	r = m->round[0];
	PLANTED(12, m->round[0].state++, m->round[0] = r);
	PLANTED(12, m->round[0].obj = p, m->round[0] = r);
	PLANTED(12, m->round[0] = ((struct round){ &r, r.state }), m->round[0] = r);
	PLANTED(13, c->top--, c->top++);
	PLANTED(14, s->depot.nr_full++, s->depot.nr_full--);
	PLANTED(14, s->depot.nr_empty++, s->depot.nr_empty--);
	PLANTED(13, state[1] = OBJ_CACHED, state[1] = OBJ_USED);
	PLANTED(21, s->reciprocal *= 2, s->reciprocal /= 2);
	PLANTED(21, s->map_offset = 8, s->map_offset = (unsigned)((char *)head->states - (char *)page_address(head)));
	PLANTED(22, s->name = "kmalloc-8", s->name = "broken");
	PLANTED(23, zone_stat_add(page_zone(head), NR_SLAB_UNRECLAIMABLE, 1),
		zone_stat_add(page_zone(head), NR_SLAB_UNRECLAIMABLE, -1));
	/* S.5: on the wrong list */
	list_move(&head->lru, &s->node[0].slabs[SLABS_FULL]);
	ck_assert_int_eq(slab_check(s), 5);
	list_move(&head->lru, &s->node[0].slabs[SLABS_PARTIAL]);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

START_TEST(slab_describe_knows_every_place)
{
	struct kmem_cache *s;
	char buf[128], *p, *q, *large;
	int local;

	setup();
	s = make("places", 96, 0);
	p = take(s);
	q = take(s);
#define SAYS(what, at) ck_assert_msg(strstr(slab_describe(buf, sizeof(buf), at), what), "%s", buf)
	SAYS("object 0 of places, in use", p);
	SAYS("5 bytes into object 0 of places", p + 5);
	kmem_cache_free(s, q);
	SAYS("object 1 of places, free, in a CPU's magazine", q);
	slab_drain(s);
	SAYS("object 1 of places, free", q);
	SAYS("behind the last object", (char *)virt_to_page(p)->states);
	large = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);
	SAYS("a kmalloc of 8 pages", large);
	SAYS("4097 bytes into a kmalloc of 8 pages", large + 4097);
	kfree(large);
	SAYS("which is free", large + 4097);
	large = kmalloc(8192, GFP_KERNEL);
	SAYS("4100 bytes into object 0 of kmalloc-8k, in use", large + 4100);
	kfree(large);
	SAYS("not in the direct map", &local);
	SAYS("vmalloc", (void *)(VMALLOC_START + 5 * PAGE_SIZE));
	SAYS("reserved", (void *)PAGE_OFFSET);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	unit_teardown();
}
END_TEST

/* One that drains the cache just now, and has its last object in his hands. */
static void drain_slowly(void *cache)
{
	struct kmem_cache *s = cache;

	for (int i = 0; i < 20; i++)
		port_yield();
	kmem_cache_free(s, many[0]);
	magazines_drain(s);
	__atomic_fetch_sub(&s->visitors, 1, __ATOMIC_RELEASE);
}

static void destroy_while_it_is_drained(void *arg)
{
	struct kmem_cache *s = make("drained", 100, 0);

	(void)arg;
	many[0] = take(s);
	s->visitors++;
	ck_assert_int_gt(thread_spawn("drainer", drain_slowly, s), 0);
	kmem_cache_destroy(s);
	ck_assert_uint_eq(misuse_count(NR_MISUSE), 0);
	ck_assert_ptr_nonnull(s = make("drained", 100, 0));	/* the name is free again */
	kmem_cache_destroy(s);
}

START_TEST(D1_what_a_drain_has_in_its_hands_is_not_in_use)
{
	setup();
	unit_thread(destroy_while_it_is_drained, NULL);
	unit_teardown();
}
END_TEST

UNIT_SUITE(slab, the_reciprocal_is_exact, objects_and_states_fit_and_little_is_wasted,
	   no_two_objects_of_a_slab_share_a_state, D5_before_the_slab_layer_is_up,
	   D5_each_cache_is_an_object_of_the_first, D2_full_partial_free, D2_partial_then_free_then_new,
	   D2_a_slab_tells_what_it_is, D3_last_in_first_out, D3_a_refill_goes_up,
	   D3_slabs_are_visited_once_in_a_magazine, D3_a_magazine_holds_no_more_than_it_says, D3_the_depot_keeps_whole_magazines,
	   D3_magazines_grow_with_contention, D1_bulk_gives_each_once_and_takes_all_back,
	   D1_bulk_refuses_the_odd_ones_only,
	   D3_writing_after_free_breaks_nothing, D1_what_a_constructor_made_stays, D1_every_byte_of_a_slab,
	   D1_twice_wherever_the_object_is, D1_the_wrong_cache, D1_destroy_names_an_object_in_use,
	   D1_what_a_drain_has_in_its_hands_is_not_in_use,
	   D1_arguments_of_create, C_masks_of_objects, D1_alignment, D1_cache_lines, D4_slabs_from_zone_dma,
	   D1_typesafe_caches_keep_their_slabs, exhaustion_is_null_and_undone,
	   what_is_kept_in_reserve_goes_back_when_memory_is_short, slab_check_names_what_is_broken,
	   slab_describe_knows_every_place)
