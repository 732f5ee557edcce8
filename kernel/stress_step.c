/* SPDX-License-Identifier: MIT */
/*
 * stress_step.c: one step of the stress: something is taken, or verified and given back.
 */
#include "stress.h"
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/highmem.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>

#include "lib/xorshift.h"

#define SPACE_AT 0x10000000UL	/* where an address space of ours has its area */
#define SPACE_PAGES 16
#define COMMON_PAGES 1024UL
#define CACHE_OBJECTS 20

unsigned long stress_wrong;

static void complain(const char *what, const void *p)
{
	if (__atomic_fetch_add(&stress_wrong, 1, __ATOMIC_RELAXED) < 10)
		mm_log("stress: %s: %p\n", what, p);
}

/* ---- marks ---------------------------------------------------------------------- */

static void mark_at(struct stress_slot *s, void *p, size_t size)
{
	memcpy(p, &s->mark, min(size, sizeof(s->mark)));
	if (size >= 2 * sizeof(s->mark))
		memcpy((char *)p + size - sizeof(s->mark), &s->mark, sizeof(s->mark));
}

static void verify_at(const struct stress_slot *s, const void *p, size_t size)
{
	bool good = memcmp(p, &s->mark, min(size, sizeof(s->mark))) == 0;

	if (size >= 2 * sizeof(s->mark))
		good &= memcmp((const char *)p + size - sizeof(s->mark), &s->mark, sizeof(s->mark)) == 0;
	if (!good)
		complain("a mark is overwritten", p);
}

/* Every page of a block, through a window where it has no address. */
static void each_page(struct stress_slot *s, bool verify, bool irq)
{
	struct page *page = s->ptr;

	for (unsigned long i = 0; i < 1UL << s->order; i++) {
		void *p = irq ? kmap_atomic(page + i) : kmap_local_page(page + i);

		if (!p) {
			complain("no window for a page", page + i);
			return;
		}
		if (verify)
			verify_at(s, p, PAGE_SIZE);
		else
			mark_at(s, p, PAGE_SIZE);
		if (irq)
			kunmap_atomic(p);
		else
			kunmap_local(p);
	}
}

/* ---- taking ----------------------------------------------------------------------- */

static gfp_t random_zone(struct stress_worker *w)
{
	static const gfp_t zones[] = { 0, 0, __GFP_HIGHMEM, __GFP_HIGHMEM, __GFP_DMA };

	return zones[xorshift32(&w->random) % ARRAY_SIZE(zones)];
}

static void take_pages(struct stress_worker *w, struct stress_slot *s, gfp_t gfp)
{
	u32 r = xorshift32(&w->random);

	s->order = r % 4 ? 0 : r / 4 % 6;
	s->ptr = alloc_pages(gfp | random_zone(w), s->order);
	if (s->ptr)
		each_page(s, false, w->irq);
}

static void take_object(struct stress_worker *w, struct stress_slot *s, gfp_t gfp)
{
	u32 r = xorshift32(&w->random);

	s->size = 1 + (r >> 8) % (8UL << r % 12);
	s->ptr = kmalloc(s->size, gfp | (r % 16 ? 0 : __GFP_DMA));
	if (s->ptr)
		mark_at(s, s->ptr, s->size);
}

static void take_area(struct stress_worker *w, struct stress_slot *s, gfp_t gfp)
{
	s->size = PAGE_SIZE * (1 + xorshift32(&w->random) % 24);
	s->ptr = __vmalloc(s->size, gfp | __GFP_HIGHMEM);
	if (s->ptr)
		mark_at(s, s->ptr, s->size);
}

static void take_kmap(struct stress_slot *s, gfp_t gfp)
{
	void *p;

	s->ptr = alloc_page(gfp | __GFP_HIGHMEM);
	if (!s->ptr)
		return;
	p = kmap(s->ptr);
	if (p)
		mark_at(s, p, PAGE_SIZE);
	else {
		__free_page((struct page *)s->ptr);
		s->ptr = NULL;
	}
}

static void take_space(struct stress_worker *w, struct stress_slot *s)
{
	struct mm_struct *mm = mm_alloc();

	s->ptr = mm;
	if (!mm)
		return;
	if (mm_map(mm, SPACE_AT, SPACE_PAGES * PAGE_SIZE, VM_READ | VM_WRITE, "stress", NULL, NULL) != 0) {
		mm_free(mm);
		s->ptr = NULL;
		return;
	}
	s->size = xorshift32(&w->random) % SPACE_PAGES;	/* the page that is touched */
	if (copy_to_mm(mm, SPACE_AT + s->size * PAGE_SIZE, &s->mark, sizeof(s->mark)) != 0)
		s->order = 1;			/* no frame for it: nothing to verify */
}

struct own_cache {
	struct kmem_cache *cache;
	void *object;		/* one of it, marked */
	char name[20];
};

static void fill_cache(struct stress_slot *s, struct own_cache *own)
{
	void *object[CACHE_OBJECTS];
	unsigned n = 0;

	while (n < CACHE_OBJECTS && (object[n] = kmem_cache_alloc(own->cache, GFP_KERNEL | __GFP_NOWARN)))
		n++;
	own->object = n ? object[--n] : NULL;
	if (own->object)
		mark_at(s, own->object, s->size);
	while (n)
		kmem_cache_free(own->cache, object[--n]);
}

static void take_cache(struct stress_worker *w, struct stress_slot *s)
{
	static unsigned number;
	struct own_cache *own = kmalloc(sizeof(*own), GFP_KERNEL | __GFP_NOWARN);

	if (!own)
		return;
	mm_snprintf(own->name, sizeof(own->name), "stress-%u", __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
	s->size = 8 + xorshift32(&w->random) % 600;
	own->cache = kmem_cache_create(own->name, (unsigned)s->size, 0, 0, NULL);
	if (!own->cache) {
		kfree(own);
		return;
	}
	fill_cache(s, own);
	s->ptr = own;
}

static void take(struct stress_worker *w, struct stress_slot *s, enum stress_what what, gfp_t gfp)
{
	*s = (struct stress_slot){ .mark = xorshift32(&w->random) };
	gfp |= __GFP_NOWARN;
	switch (what) {
	case PAGES: take_pages(w, s, gfp); break;
	case OBJECT: take_object(w, s, gfp); break;
	case AREA: take_area(w, s, gfp); break;
	case KMAP: take_kmap(s, gfp); break;
	case SPACE: take_space(w, s); break;
	case CACHE: take_cache(w, s); break;
	default: return;
	}
	if (s->ptr) {
		s->what = what;
		w->did[what]++;
	} else
		w->no_memory++;
}

/* ---- giving ------------------------------------------------------------------------- */

static void give_kmap(struct stress_slot *s)
{
	struct page *page = s->ptr;

	verify_at(s, page_address(page), PAGE_SIZE);
	kunmap(page);
	__free_page(page);
}

static void give_space(struct stress_slot *s)
{
	u32 found = 0;

	if (!s->order && (copy_from_mm(s->ptr, &found, SPACE_AT + s->size * PAGE_SIZE, 4) ||
			  found != s->mark))
		verify_at(s, &found, sizeof(found));
	mm_free(s->ptr);
}

static void give_cache(struct stress_slot *s)
{
	struct own_cache *own = s->ptr;

	if (own->object)
		verify_at(s, own->object, s->size);
	kmem_cache_free(own->cache, own->object);
	kmem_cache_destroy(own->cache);
	kfree(own);
}

static void give(struct stress_worker *w, struct stress_slot *s)
{
	switch (s->what) {
	case PAGES:
		each_page(s, true, w->irq);
		__free_pages(s->ptr, s->order);
		break;
	case OBJECT:
		verify_at(s, s->ptr, s->size);
		kfree(s->ptr);
		break;
	case AREA:
		verify_at(s, s->ptr, s->size);
		vfree(s->ptr);
		break;
	case KMAP: give_kmap(s); break;
	case SPACE: give_space(s); break;
	case CACHE: give_cache(s); break;
	default: return;
	}
	s->what = EMPTY;
}

/* ---- from hand to hand ----------------------------------------------------------------- */

/* What one worker took, another may give: on another CPU, most likely. */
static struct {
	spinlock_t lock;
	struct stress_slot slot[STRESS_SHARED];
} market;

static void trade(struct stress_worker *w, struct stress_slot *s)
{
	struct stress_slot *theirs = &market.slot[xorshift32(&w->random) % STRESS_SHARED], mine = *s;
	unsigned long flags = spin_lock_irqsave(&market.lock);

	*s = *theirs;
	*theirs = mine;
	spin_unlock_irqrestore(&market.lock, flags);
	w->traded += mine.what != EMPTY;
}

/* ---- one address space for all ----------------------------------------------------------- */

static struct mm_struct *common;

/* A page of the worker's own in it, among others' pages: cut out, mapped anew, written, read. */
static void use_common(struct stress_worker *w)
{
	unsigned long mine = DIV_ROUND_UP(COMMON_PAGES - w->index, w->of);
	unsigned long page = w->index + w->of * (xorshift32(&w->random) % mine), at = SPACE_AT + page * PAGE_SIZE;
	u32 mark = xorshift32(&w->random), found = 0;

	if (mark % 4 == 0) {
		if (mm_unmap(common, at, PAGE_SIZE))
			return;		/* no memory to cut the area in two */
		while (mm_map(common, at, PAGE_SIZE, VM_READ | VM_WRITE, "stress", NULL, NULL) == -ENOMEM)
			schedule();
	}
	w->faults++;
	if (copy_to_mm(common, at, &mark, sizeof(mark)))
		return;
	if (copy_from_mm(common, &found, at, sizeof(found)) || found != mark)
		complain("a page of the common address space is another's", (void *)at);
}

bool stress_common_start(void)
{
	common = mm_alloc();
	return common && mm_map(common, SPACE_AT, COMMON_PAGES * PAGE_SIZE, VM_READ | VM_WRITE, "stress",
				NULL, NULL) == 0;
}

/* ---- steps --------------------------------------------------------------------------- */

void stress_in_interrupt(void *workers)
{
	struct stress_worker *w = (struct stress_worker *)workers + smp_processor_id();
	struct stress_slot *s = &w->slot[xorshift32(&w->random) % STRESS_SLOTS];

	w->steps++;
	if (s->what != EMPTY)
		give(w, s);
	else
		take(w, s, xorshift32(&w->random) % 2 ? PAGES : OBJECT, GFP_ATOMIC);
}

static void short_thread(void *arg)
{
	void *p = kmalloc(100, GFP_KERNEL | __GFP_NOWARN);

	(void)arg;
	schedule();
	kfree(p);
}

static void have_child(struct stress_worker *w)
{
	int pid = thread_spawn("stress-child", short_thread, NULL);

	w->threads++;
	if (pid > 0)
		thread_wait(pid);
}

void stress_step(struct stress_worker *w)
{
	static const enum stress_what mix[] = {
		PAGES, PAGES, PAGES, PAGES, OBJECT, OBJECT, OBJECT, OBJECT, OBJECT, OBJECT,
		AREA, AREA, KMAP, KMAP, KMAP, SPACE,
	};
	struct stress_slot *s = &w->slot[xorshift32(&w->random) % STRESS_SLOTS];
	u32 r = xorshift32(&w->random);

	w->steps++;
	if (r % 8 == 0)
		trade(w, s);
	else if (r % 8 == 1)
		use_common(w);
	else if (s->what != EMPTY)
		give(w, s);
	else
		take(w, s, r % 512 == 2 ? CACHE : mix[(r >> 4) % ARRAY_SIZE(mix)], GFP_KERNEL);
	if ((r >> 8) % 8 == 0)
		machine_run_in_interrupt(stress_in_interrupt, w->interrupts);
	if ((r >> 12) % 512 == 0)
		have_child(w);
	if ((r >> 24) % 16 == 0)
		schedule();
}

void stress_give_all(struct stress_worker *w)
{
	for (unsigned i = 0; i < STRESS_SLOTS; i++)
		give(w, &w->slot[i]);
}

void stress_common_end(struct stress_worker *w)
{
	for (unsigned i = 0; i < STRESS_SHARED; i++)
		give(w, &market.slot[i]);
	if (common && mm_check(common))
		complain("the common address space is broken", common);
	mm_free(common);
	common = NULL;
}
