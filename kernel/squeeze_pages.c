/* SPDX-License-Identifier: MIT */
/*
 * squeeze_pages.c: frames and objects run out: without end, in fragments, and for interrupts.
 */
#include "squeeze.h"
#include "sched.h"

#include <quarry/slab.h>
#include <quarry/spinlock.h>
#include <quarry/zone.h>

/* ---- slab: a list of objects that only grows --------------------------------------------- */

#define OBJECT_SIZE 256

struct object {
	struct object *next;
	unsigned long mark;
};

static struct object *grow(unsigned long *n)
{
	struct object *first = NULL, *o;

	while ((o = kmalloc(OBJECT_SIZE, GFP_SQUEEZE))) {
		o->next = first;
		o->mark = ++*n;
		first = o;
	}
	return first;
}

/* Return: how many had their mark. */
static unsigned long shrink(struct object *first, unsigned long n)
{
	struct object *next;
	unsigned long good = 0;

	for (; first; first = next) {
		next = first->next;
		good += first->mark == n--;
		kfree(first);
	}
	return good;
}

void squeeze_slab(void)
{
	unsigned long n = 0, good, left;
	struct object *first;
	struct rungs r;

	rungs_begin(&r);
	first = grow(&n);
	left = squeeze_free_pages();
	rungs_end(&r, "rungs", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOCSTALL) | RUNG(ALLOC_DRAINED) | RUNG(ALLOC_FAILED),
		  RUNG(ALLOC_HARDER) | RUNG(OOM_KILL));
	good = shrink(first, n);
	squeeze_say("%lu objects of %u bytes, then NULL; %lu pages were left", n, OBJECT_SIZE, left);
	squeeze_expect(n > 0 && good == n, "%lu of %lu objects kept their mark", good, n);
}

/* ---- order: every second frame is held ----------------------------------------------------- */

#define LARGE_ORDER 4			/* beyond what the allocator tries hard for, too */

/* Free the frames of even numbers.  Return: how many. */
static unsigned long open_checkerboard(struct list_head *taken)
{
	struct page *page, *next;
	unsigned long n = 0;

	list_for_each_entry_safe(page, next, taken, lru) {
		if (page_to_pfn(page) % 2)
			continue;
		list_del(&page->lru);
		__free_page(page);
		n++;
	}
	return n;
}

/* Blocks of @order, until there is none. */
static unsigned long take_blocks(struct list_head *blocks, unsigned order, gfp_t gfp)
{
	unsigned long n = 0;
	struct page *page;

	while ((page = alloc_pages(gfp, order))) {
		split_page(page, order);
		for (unsigned long i = 0; i < 1UL << order; i++)
			list_add(&page[i].lru, blocks);
		n++;
	}
	return n;
}

void squeeze_order(void)
{
	unsigned long opened, blocks, large;
	struct page *frame, *block;
	LIST_HEAD(fragments);
	LIST_HEAD(taken);
	struct rungs r;

	squeeze_fill_all(&taken);
	opened = open_checkerboard(&taken);
	rungs_begin(&r);
	blocks = take_blocks(&fragments, 1, GFP_SQUEEZE);
	large = take_blocks(&fragments, LARGE_ORDER, GFP_SQUEEZE | __GFP_RETRY_MAYFAIL);
	frame = alloc_page(GFP_SQUEEZE);
	rungs_end(&r, "rungs", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOCSTALL) | RUNG(ALLOC_DRAINED) | RUNG(ALLOC_FAILED),
		  RUNG(OOM_KILL));
	squeeze_say("%lu single frames opened; %lu pairs and %lu blocks of order %u were left, then NULL", opened,
		    blocks, large, LARGE_ORDER);
	squeeze_expect(blocks < opened / 4, "there are no pairs in a checkerboard: %lu of %lu frames", blocks, opened);
	squeeze_expect(frame != NULL, "a single frame is to be had all the while");
	if (frame)
		__free_page(frame);
	squeeze_release(&fragments);
	squeeze_release(&taken);
	drain_all_pages(NULL);
	block = alloc_pages(GFP_SQUEEZE, LARGE_ORDER);
	squeeze_expect(block != NULL, "the fragments grow together again");
	if (block)
		__free_pages(block, LARGE_ORDER);
}

/* ---- atomic: interrupts take what threads may not ---------------------------------------------- */

static struct {
	spinlock_t lock;
	struct list_head frames;
	unsigned long n, ticks;
	bool on, dry;			/* take; there was none */
} irq;

static void take_in_interrupt(void)
{
	struct page *page = NULL;

	spin_lock(&irq.lock);
	for (unsigned i = 0; irq.on && i < 32 && (page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)); i++) {
		list_add(&page->lru, &irq.frames);
		irq.n++;
	}
	irq.ticks += irq.on;
	irq.dry |= irq.on && !page;
	spin_unlock(&irq.lock);
}

static bool is_dry(void)
{
	unsigned long flags = spin_lock_irqsave(&irq.lock);
	bool dry = irq.dry;

	spin_unlock_irqrestore(&irq.lock, flags);
	return dry;
}

static void set_on(bool on)
{
	unsigned long flags = spin_lock_irqsave(&irq.lock);

	irq.on = on;
	spin_unlock_irqrestore(&irq.lock, flags);
}

static void nothing(void *arg)
{
	(void)arg;
}

void squeeze_atomic(void)
{
	unsigned long held, left, bottom;
	struct page *page;
	LIST_HEAD(taken);
	struct rungs r;

	INIT_LIST_HEAD(&irq.frames);
	irq.n = irq.ticks = 0;
	irq.dry = false;
	kernel_tick_hook = take_in_interrupt;
	held = squeeze_fill_all(&taken);
	left = squeeze_free_pages();
	rungs_begin(&r);
	set_on(true);
	while (!is_dry())
		thread_sleep_ms(1);
	set_on(false);
	rungs_end(&r, "rungs of the interrupts", RUNG(ALLOC_SLOWPATH) | RUNG(ALLOC_HARDER) | RUNG(ALLOC_FAILED),
		  RUNG(ALLOCSTALL) | RUNG(OOM_KILL));
	WRITE_ONCE(kernel_tick_hook, NULL);
	port_call_others(nothing, NULL);	/* none is in it any more */
	bottom = squeeze_free_pages();
	drain_all_pages(NULL);
	page = alloc_page(GFP_SQUEEZE);
	squeeze_say("%lu pages taken, %lu left; interrupts took %lu of them in %lu ticks, %lu left for the reclaimer",
		    held, left, irq.n, irq.ticks, bottom);
	squeeze_expect(irq.n > 0, "GFP_ATOMIC goes deeper than GFP_KERNEL");
	squeeze_expect(bottom > 0, "it leaves something to those who free memory");
	squeeze_expect(!page, "and nothing to GFP_KERNEL");
	if (page)
		__free_page(page);
	squeeze_release(&irq.frames);
	squeeze_release(&taken);
}
