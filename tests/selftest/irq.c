/* SPDX-License-Identifier: MIT */
/*
 * irq.c: allocation inside a real interrupt, and where sleeping is not allowed.
 */
#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "util.h"

static struct {
	bool ran, in_interrupt, can_sleep;
	void *object;
	struct page *page, *high;
	unsigned long misused;
	enum misuse kind;
	u32 seen;
} irq;

static void allocate_atomically(void *arg)
{
	u32 *p;

	(void)arg;
	irq.ran = true;
	irq.in_interrupt = in_interrupt();
	irq.can_sleep = port_can_sleep();
	irq.object = kmalloc(64, GFP_ATOMIC);
	irq.page = alloc_pages(GFP_ATOMIC, 1);
	irq.high = alloc_page(GFP_ATOMIC | __GFP_HIGHMEM);
	p = kmap_atomic(irq.high, KM_IRQ0);
	*p = 0x1234;
	irq.seen = *p;
	kunmap_atomic(p, KM_IRQ0);
}

static void free_atomically(void *arg)
{
	(void)arg;
	kfree(irq.object);
	__free_pages(irq.page, 1);
	__free_page(irq.high);
}

SELFTEST(C1, atomic_works_in_an_interrupt)
{
	irq.ran = false;
	machine_run_in_interrupt(allocate_atomically, NULL);
	CHECK(irq.ran && irq.in_interrupt && !irq.can_sleep);
	CHECK(irq.object && irq.page && irq.high);
	CHECK_EQ(irq.seen, 0x1234);
	CHECK(!in_interrupt());
	machine_run_in_interrupt(free_atomically, NULL);
}

static void allocate_sleeping(void *arg)
{
	unsigned long before = misuse_count(MISUSE_CONTEXT);

	(void)arg;
	irq.page = alloc_page(GFP_KERNEL);
	irq.object = kmalloc(64, GFP_KERNEL);
	irq.misused = misuse_count(MISUSE_CONTEXT) - before;
}

SELFTEST(C1, a_sleeping_allocation_in_an_interrupt_is_refused)
{
	misuse_quiet(true);
	machine_run_in_interrupt(allocate_sleeping, NULL);
	misuse_quiet(false);
	CHECK(!irq.page);
	CHECK(!irq.object);
	CHECK_EQ(irq.misused, 2);
	CHECK(st_contains(misuse_last(), "kmalloc") && st_contains(misuse_last(), "called from"));
}

static void sleeping_calls(void *arg)
{
	unsigned long before = misuse_count(MISUSE_CONTEXT);

	(void)arg;
	irq.object = vmalloc(100);
	irq.misused = misuse_count(MISUSE_CONTEXT) - before;
	if (irq.high && kmap(irq.high))
		kunmap(irq.high);
	irq.misused += (misuse_count(MISUSE_CONTEXT) - before) << 8;
}

SELFTEST(F2, kmap_and_vmalloc_in_an_interrupt_are_refused)
{
	irq.high = alloc_page(GFP_HIGHUSER);
	CHECK(irq.high);
	misuse_quiet(true);
	machine_run_in_interrupt(sleeping_calls, NULL);
	misuse_quiet(false);
	__free_page(irq.high);
	CHECK(!irq.object);
	CHECK_EQ(irq.misused & 0xff, 1);
	CHECK_EQ(irq.misused >> 8, HAVE_HIGHMEM ? 2 : 1);	/* without high memory kmap() needs nothing */
}

static void *area_to_free;

static void free_area(void *arg)
{
	(void)arg;
	vfree(area_to_free);
}

SELFTEST(F1, vfree_in_an_interrupt_gives_all_back)
{
	unsigned long before = misuse_count(NR_MISUSE);
	struct page *page;

	area_to_free = vmalloc(5000);
	CHECK(area_to_free);
	page = vmalloc_to_page(area_to_free);
	machine_run_in_interrupt(free_area, NULL);
	CHECK_EQ(misuse_count(NR_MISUSE), before);
	CHECK(!vmalloc_to_page(area_to_free));
	CHECK(!PageVmalloc(page));
	CHECK_EQ(page_count(page), 0);
	CHECK_EQ(vmalloc_check(), 0);
	misuse_quiet(true);
	vfree(area_to_free);
	misuse_quiet(false);
	CHECK_EQ(misuse_count(NR_MISUSE), before + 1);
}

/* Interrupts that allocate while a thread is in the middle of allocating. */
static unsigned long interrupted;

static void allocate_and_free(void *arg)
{
	void *p = kmalloc(64, GFP_ATOMIC);
	struct page *page = alloc_page(GFP_ATOMIC);

	(void)arg;
	if (p && page)
		interrupted++;
	kfree(p);
	if (page)
		__free_page(page);
}

SELFTEST(D3, threads_and_interrupts_share_a_cpus_objects)
{
	void *p[50];
	unsigned round, i, equal = 0, j;

	interrupted = 0;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 50; i++) {
			CHECK((p[i] = kmalloc(64, GFP_KERNEL)));
			machine_run_in_interrupt(allocate_and_free, NULL);
		}
		for (i = 0; i < 50; i++)
			for (j = 0; j < i; j++)
				equal += p[i] == p[j];
		for (i = 0; i < 50; i++)
			kfree(p[i]);
	}
	CHECK_EQ(interrupted, 1000);
	CHECK_EQ(equal, 0);
}

/* With interrupts off a thread may not sleep either. */
SELFTEST(C1, interrupts_off_means_no_sleeping)
{
	unsigned long flags = arch_irq_save();
	bool can = port_can_sleep();
	void *p = kmalloc(32, GFP_ATOMIC);

	arch_irq_restore(flags);
	kfree(p);
	CHECK(!can);
	CHECK(p);
	CHECK(port_can_sleep());
}
