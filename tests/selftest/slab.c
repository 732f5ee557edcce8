/* SPDX-License-Identifier: MIT */
/*
 * slab.c: rows D1-D6, objects.
 */
#include <quarry/printf.h>
#include <quarry/slab.h>
#include <quarry/string.h>

#include "util.h"

/* ---- D1: caches ------------------------------------------------------------------- */

struct lookup { const char *name; bool found; };

static bool match_name(struct kmem_cache *s, void *arg)
{
	struct lookup *l = arg;

	l->found = strcmp(kmem_cache_name(s), l->name) == 0;
	return !l->found;
}

static bool cache_exists(const char *name)
{
	struct lookup l = { .name = name };

	slab_for_each(match_name, &l);
	return l.found;
}

SELFTEST(D1, caches_come_and_go)
{
	struct kmem_cache *c = kmem_cache_create("selftest_sock", 700, 0, SLAB_HWCACHE_ALIGN, NULL);
	void *obj;

	CHECK(c);
	CHECK(cache_exists("selftest_sock"));
	CHECK_EQ(kmem_cache_size(c), 700);
	obj = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(obj && IS_ALIGNED((unsigned long)obj, L1_CACHE_BYTES));
	kmem_cache_free(c, obj);
	kmem_cache_free(c, NULL);
	CHECK_EQ(kmem_cache_shrink(c), 0);
	kmem_cache_destroy(c);
	CHECK(!cache_exists("selftest_sock"));
	kmem_cache_destroy(NULL);
}

SELFTEST(D1, sizes_and_alignments_hold)
{
	static const unsigned sizes[] = { 1, 3, 8, 24, 100, 129, 513, 1000, 4000, 4096, 5000, 16384 };
	static const unsigned aligns[] = { 0, 8, 32, 64, 512, 4096 };
	unsigned i, j, n;
	unsigned char *obj[3];

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < ARRAY_SIZE(aligns); j++) {
			struct kmem_cache *c = kmem_cache_create("selftest_size", sizes[i], aligns[j], 0, NULL);

			CHECK(c);
			for (n = 0; n < 3; n++) {
				CHECK((obj[n] = kmem_cache_alloc(c, GFP_KERNEL)));
				CHECK(!aligns[j] || IS_ALIGNED((unsigned long)obj[n], (unsigned long)aligns[j]));
				memset(obj[n], (int)n + 1, sizes[i]);
			}
			for (n = 0; n < 3; n++) {
				CHECK(obj[n][0] == n + 1 && obj[n][sizes[i] - 1] == n + 1);
				kmem_cache_free(c, obj[n]);
			}
			kmem_cache_destroy(c);
		}
}

static unsigned long constructed;

static void construct(void *obj)
{
	constructed++;
	*(u32 *)obj = 0xc0ffee;
}

SELFTEST(D1, constructors_run_once_for_each_object)
{
	struct kmem_cache *c;
	u32 *obj;
	unsigned long n;

	constructed = 0;
	c = kmem_cache_create("selftest_ctor", 96, 0, 0, construct);
	CHECK(c);
	obj = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(obj && *obj == 0xc0ffee);
	n = constructed;
	CHECK(n > 0);
	obj[1] = 77;
	kmem_cache_free(c, obj);
	/* As the user left it, at the second time: the object was not built again. */
	obj = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(obj && *obj == 0xc0ffee);
	CHECK_EQ(constructed, n);
	kmem_cache_free(c, obj);
	kmem_cache_destroy(c);
}

SELFTEST(D1, zalloc_clears)
{
	struct kmem_cache *c = kmem_cache_create("selftest_zero", 300, 0, 0, NULL);
	unsigned char *obj, sum = 0;
	int i;

	CHECK(c);
	obj = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(obj);
	memset(obj, 0xee, 300);
	kmem_cache_free(c, obj);
	obj = kmem_cache_zalloc(c, GFP_KERNEL);
	CHECK(obj);
	for (i = 0; i < 300; i++)
		sum |= obj[i];
	kmem_cache_free(c, obj);
	kmem_cache_destroy(c);
	CHECK_EQ(sum, 0);
}

/* ---- D2: three lists ---------------------------------------------------------------- */

#define MANY 400
static void *many[MANY];

SELFTEST(D2, slabs_move_through_the_three_lists)
{
	struct kmem_cache *c = kmem_cache_create("selftest_lists", 256, 0, 0, NULL);
	struct slabinfo s;
	unsigned i;

	CHECK(c);
	slab_get_info(c, &s);
	CHECK_EQ(s.num_slabs, 0);
	for (i = 0; i < MANY; i++)
		CHECK((many[i] = kmem_cache_alloc(c, GFP_KERNEL)));
	slab_drain(c);
	slab_get_info(c, &s);
	CHECK_EQ(s.active_objs, MANY);
	/* Drained objects may have opened the last two slabs again. */
	CHECK(s.slabs_full + 2 >= MANY / s.objects_per_slab && s.slabs_full <= MANY / s.objects_per_slab);
	CHECK_EQ(s.slabs_full + s.slabs_partial + s.slabs_free, s.num_slabs);
	CHECK_EQ(s.num_objs, s.num_slabs * s.objects_per_slab);
	/* One object out of each slab leaves none full; all the rest leaves them free. */
	for (i = 0; i < MANY; i += 2)
		kmem_cache_free(c, many[i]);
	slab_drain(c);
	slab_get_info(c, &s);
	CHECK_EQ(s.active_objs, MANY / 2);
	CHECK_EQ(s.slabs_full, 0);
	CHECK(s.slabs_partial > 0);
	for (i = 1; i < MANY; i += 2)
		kmem_cache_free(c, many[i]);
	slab_drain(c);
	slab_get_info(c, &s);
	CHECK_EQ(s.active_objs, 0);
	CHECK_EQ(s.slabs_full + s.slabs_partial, 0);
	CHECK_EQ(kmem_cache_shrink(c), 0);
	slab_get_info(c, &s);
	CHECK_EQ(s.num_slabs, 0);
	kmem_cache_destroy(c);
}

SELFTEST(D2, partial_slabs_come_before_new_ones)
{
	struct kmem_cache *c = kmem_cache_create("selftest_partial", 256, 0, 0, NULL);
	struct slabinfo s;
	unsigned long slabs;
	unsigned i, refill;

	CHECK(c);
	for (i = 0; i < MANY; i++)
		CHECK((many[i] = kmem_cache_alloc(c, GFP_KERNEL)));
	for (i = 0; i < MANY; i += 4)
		kmem_cache_free(c, many[i]);
	slab_drain(c);
	slab_get_info(c, &s);
	slabs = s.num_slabs;
	refill = MANY / 4 > s.batchcount ? MANY / 4 - s.batchcount : 1;
	for (i = 0; i < refill; i++)
		CHECK((many[i * 4] = kmem_cache_alloc(c, GFP_KERNEL)));
	slab_get_info(c, &s);
	CHECK_EQ(s.num_slabs, slabs);
	for (i = 0; i < MANY; i++)
		if (i % 4 || i / 4 < refill)
			kmem_cache_free(c, many[i]);
	kmem_cache_destroy(c);
}

SELFTEST(D2, a_slab_is_made_of_pages_that_say_so)
{
	char *p = kmalloc(200, GFP_KERNEL);
	struct page *page;

	CHECK(p);
	page = compound_head(virt_to_page(p));
	CHECK(PageSlab(page));
	CHECK(st_contains(kmem_cache_name(page_slab_cache(virt_to_page(p))), "kmalloc-256"));
	kfree(p);
}

/* ---- D3: freed last, handed out first ------------------------------------------------ */

SELFTEST(D3, the_warmest_object_goes_out_first)
{
	void *a = kmalloc(64, GFP_KERNEL), *b = kmalloc(64, GFP_KERNEL), *c, *d;
	unsigned long flags;

	CHECK(a && b && a != b);
	flags = arch_irq_save();	/* nobody else's kmalloc in between */
	kfree(a);
	kfree(b);
	c = kmalloc(64, GFP_ATOMIC);
	d = kmalloc(64, GFP_ATOMIC);
	arch_irq_restore(flags);
	kfree(c);
	kfree(d);
	CHECK(c == b);
	CHECK(d == a);
}

/* A freed object keeps its bytes: marked free and little more. */
SELFTEST(D3, freeing_writes_little)
{
	struct kmem_cache *c = kmem_cache_create("selftest_bytes", 512, 0, 0, NULL);
	unsigned char *p;
	unsigned i, same = 0;

	CHECK(c);
	p = kmem_cache_alloc(c, GFP_KERNEL);
	CHECK(p);
	memset(p, 0x77, 512);
	kmem_cache_free(c, p);
	CHECK(p == kmem_cache_alloc(c, GFP_KERNEL));
	for (i = 0; i < 512; i++)
		same += p[i] == 0x77;
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	CHECK(same >= 512 - 2 * sizeof(void *));
}

SELFTEST(D3, each_cpu_keeps_its_own)
{
	struct slabinfo s;
	void *p = kmalloc(1024, GFP_KERNEL);
	struct kmem_cache *c;

	CHECK(p);
	c = page_slab_cache(virt_to_page(p));
	slab_get_info(c, &s);
	CHECK(s.limit > 0 && s.batchcount > 0 && s.batchcount <= s.limit);
	kfree(p);
}

/* ---- D4: kmalloc -------------------------------------------------------------------- */

static const unsigned classes[] = { 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192 };

static bool class_serves(unsigned size, gfp_t gfp, const char *prefix)
{
	char name[32], *p = kmalloc(size, gfp);
	struct page *page;
	bool ok;

	if (!p)
		return false;
	mm_snprintf(name, sizeof(name), size < 1024 ? "%s-%u" : "%s-%uk", prefix, size < 1024 ? size : size / 1024);
	page = virt_to_page(p);
	ok = ksize(p) == size && IS_ALIGNED((unsigned long)p, (unsigned long)size) &&
	     strcmp(kmem_cache_name(page_slab_cache(page)), name) == 0 &&
	     (!(gfp & __GFP_DMA) || page_zonenum(page) == ZONE_DMA);
	memset(p, 0xab, size);
	kfree(p);
	return ok;
}

SELFTEST(D4, a_row_of_sizes_and_its_dma_twin)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		CHECK(class_serves(classes[i], GFP_KERNEL, "kmalloc"));
		CHECK(class_serves(classes[i], GFP_KERNEL | __GFP_DMA, "dma-kmalloc"));
	}
}

SELFTEST(D4, sizes_between_are_rounded_up)
{
	unsigned i;
	void *p;

	for (i = 1; i < ARRAY_SIZE(classes); i++) {
		p = kmalloc(classes[i - 1] + 1, GFP_KERNEL);
		CHECK(p);
		CHECK(ksize(p) >= classes[i - 1] + 1 && ksize(p) <= classes[i]);
		kfree(p);
	}
}

SELFTEST(D4, beyond_the_classes_come_whole_pages)
{
	size_t size;
	char *p;

	for (size = KMALLOC_MAX_CACHE_SIZE * 2; size <= KMALLOC_MAX_SIZE; size *= 2) {
		p = kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
		if (!p)
			break;	/* no such block on a small machine */
		CHECK(ksize(p) >= size && IS_ALIGNED((unsigned long)p, PAGE_SIZE));
		/* physically contiguous: it lies in the direct map */
		CHECK(virt_addr_valid(p) && virt_addr_valid(p + size - 1));
		p[0] = p[size - 1] = 1;
		kfree(p);
	}
	CHECK(size > PAGE_SIZE * 64);
}

SELFTEST(D4, zero_bytes_and_null)
{
	void *p = kmalloc(0, GFP_KERNEL);

	CHECK(p == ZERO_SIZE_PTR);
	CHECK_EQ(ksize(p), 0);
	kfree(p);
	kfree(NULL);
	CHECK_EQ(ksize(NULL), 0);
}

SELFTEST(D4, krealloc_keeps_the_bytes)
{
	unsigned char *p = kmalloc(20, GFP_KERNEL), *q;
	unsigned i;

	CHECK(p);
	for (i = 0; i < 20; i++)
		p[i] = (unsigned char)(i * 3);
	q = krealloc(p, 24, GFP_KERNEL);
	CHECK(q == p);
	q = krealloc(p, 3000, GFP_KERNEL);
	CHECK(q && q != p);
	for (i = 0; i < 20; i++)
		CHECK_EQ(q[i], i * 3);
	q = krealloc(q, 20000, GFP_KERNEL);
	CHECK(q && q[19] == 57);
	q = krealloc(q, 0, GFP_KERNEL);
	CHECK(q == ZERO_SIZE_PTR);
	q = krealloc(NULL, 10, GFP_KERNEL);
	CHECK(q);
	kfree(q);
}

SELFTEST(D4, arrays_are_cleared_and_checked)
{
	u32 *p = kcalloc(100, sizeof(u32), GFP_KERNEL), sum = 0;
	unsigned i;

	CHECK(p);
	for (i = 0; i < 100; i++)
		sum |= p[i];
	CHECK_EQ(sum, 0);
	kfree(p);
	p = kmalloc_array(10, 10, GFP_KERNEL);
	CHECK(p);
	kfree(p);
	p = kzalloc(5000, GFP_KERNEL);
	CHECK(p && p[0] == 0 && p[1249] == 0);
	kfree(p);
}

/* ---- D5: bootstrap ------------------------------------------------------------------ */

struct first { const char *name; unsigned long objects; unsigned caches; };

static bool note_first(struct kmem_cache *s, void *arg)
{
	struct first *f = arg;
	struct slabinfo info;

	if (f->caches++ == 0) {
		slab_get_info(s, &info);
		f->name = info.name;
		f->objects = info.active_objs;
	}
	return true;
}

/* The cache of caches is the first of all, and one of its objects is each cache. */
SELFTEST(D5, the_cache_of_caches)
{
	struct first f = { 0 };
	struct kmem_cache *c;
	unsigned long objects;

	CHECK(slab_is_available());
	slab_for_each(note_first, &f);
	CHECK(f.name && strcmp(f.name, "kmem_cache") == 0);
	objects = f.objects;
	CHECK(objects + 1 >= f.caches);	/* itself may be static */
	c = kmem_cache_create("selftest_extra", 40, 0, 0, NULL);
	CHECK(c);
	f.caches = 0;
	slab_for_each(note_first, &f);
	kmem_cache_destroy(c);
	CHECK_EQ(f.objects, objects + 1);
}

static bool add_slab_pages(struct kmem_cache *c, void *sum)
{
	struct slabinfo s;

	slab_get_info(c, &s);
	*(unsigned long *)sum += s.num_slabs * s.pages_per_slab;
	return true;
}

/* Of all caches: with the objects of one go its magazines, which are another's. */
static unsigned long all_slab_pages(void)
{
	unsigned long sum = 0;

	slab_for_each(add_slab_pages, &sum);
	return sum;
}

SELFTEST(D5, its_pages_come_from_the_buddy_allocator)
{
	struct kmem_cache *c = kmem_cache_create("selftest_grow", 2048, 0, 0, NULL);
	unsigned long before, slab_pages, all;
	struct slabinfo s;
	unsigned i;

	CHECK(c);
	for (i = 0; i < MANY; i++)
		CHECK((many[i] = kmem_cache_alloc(c, GFP_KERNEL)));
	drain_all_pages(NULL);
	before = st_free_low();
	slab_get_info(c, &s);
	slab_pages = s.num_slabs * s.pages_per_slab;
	all = all_slab_pages();
	CHECK(slab_pages * PAGE_SIZE >= MANY * 2048ul);
	for (i = 0; i < MANY; i++)
		kmem_cache_free(c, many[i]);
	slab_drain(c);
	kmem_cache_shrink(c);
	drain_all_pages(NULL);
	slab_get_info(c, &s);
	CHECK_EQ(s.num_slabs, 0);
	CHECK_EQ(st_free_low(), before + all - all_slab_pages());
	kmem_cache_destroy(c);
}

/* ---- D6: the report ------------------------------------------------------------------ */

/* Words of a line up to '\n'. */
static unsigned words(const char *p)
{
	unsigned n = 0;
	bool in = false;

	for (; *p && *p != '\n'; p++) {
		n += *p != ' ' && !in;
		in = *p != ' ';
	}
	return n;
}

SELFTEST(D6, slabinfo_in_the_fields_format)
{
	const char *text, *line;
	void *p = kmalloc(64, GFP_KERNEL);

	CHECK(p);
	text = st_capture(report_slabinfo);
	kfree(p);
	CHECK(st_begins(text, "slabinfo - version: 2.1\n# name "));
	line = strstr(text, "\nkmalloc-64 ");
	CHECK(line);
	/* name, 5 numbers, ": tunables" 3 numbers, ": slabdata" 3 numbers */
	CHECK_EQ(words(line + 1), 16);
	CHECK(st_contains(line, " : tunables ") && st_contains(line, " : slabdata "));
	CHECK(strstr(text, "\ndma-kmalloc-8 "));
	CHECK(strstr(text, "\nkmem_cache "));
}
