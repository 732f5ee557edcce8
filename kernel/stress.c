/* SPDX-License-Identifier: MIT */
/*
 * stress.c: everything at random, from threads and interrupts at once.
 *
 * Four threads each own SLOTS places.  One step picks a place: if it is empty
 * something is taken into it (pages, an object, a vmalloc area, a kmap, an address
 * space with pages in it), marked at its first and last word; if it is full, the
 * marks are verified and it is given back.  So an overlap of any two owners, or a
 * mapping that leads to the wrong frame, shows as a wrong mark.  Now and then a
 * step raises an interrupt whose handler does the same with GFP_ATOMIC, and now
 * and then it creates a thread and waits for it.
 *
 * Running out of memory is no failure here; it is counted.  At the end everything
 * is given back, and free pages must be as many as before.
 */
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/highmem.h>
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vm.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

#include "tests/selftest/util.h"

#define THREADS 4
#define SLOTS 48
#define STEPS_A_ROUND 100
#define SPACE_AT 0x10000000UL	/* where an address space of ours has its area */
#define SPACE_PAGES 16

enum what { EMPTY, PAGES, OBJECT, AREA, KMAP, SPACE, NR_WHAT };

struct slot {
	enum what what;
	void *ptr;
	unsigned order;
	size_t size;
	u32 mark;
};

struct worker {
	u32 random;
	struct slot slot[SLOTS];
	unsigned long did[NR_WHAT], threads, steps, no_memory;
	int pid;
};

static struct worker workers[THREADS];
static struct worker in_irq;		/* only touched with the interrupt running */
static unsigned long rounds_wanted;	/* 0: until `stop` */
static bool stop, interrupted;
static unsigned long wrong_marks;

static u32 next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 17;
	w->random ^= w->random << 5;
	return w->random;
}

/* ---- marks ---------------------------------------------------------------------- */

static void mark_at(struct slot *s, void *p, size_t size)
{
	memcpy(p, &s->mark, min(size, sizeof(s->mark)));
	if (size >= 2 * sizeof(s->mark))
		memcpy((char *)p + size - sizeof(s->mark), &s->mark, sizeof(s->mark));
}

static void verify_at(const struct slot *s, const void *p, size_t size)
{
	bool good = memcmp(p, &s->mark, min(size, sizeof(s->mark))) == 0;

	if (size >= 2 * sizeof(s->mark))
		good &= memcmp((const char *)p + size - sizeof(s->mark), &s->mark, sizeof(s->mark)) == 0;
	if (!good && __atomic_fetch_add(&wrong_marks, 1, __ATOMIC_RELAXED) < 10)
		kprintf("stress: %p, %lu bytes: the mark 0x%x is overwritten\n", p, (unsigned long)size,
			s->mark);
}

/* Every page of a block, through a window where it has no address. */
static void each_page(struct slot *s, bool verify, bool irq)
{
	struct page *page = s->ptr;

	for (unsigned long i = 0; i < 1UL << s->order; i++) {
		void *p = irq ? kmap_atomic(page + i) : kmap_local_page(page + i);

		if (!p) {
			__atomic_fetch_add(&wrong_marks, 1, __ATOMIC_RELAXED);
			kprintf("stress: no window for frame 0x%lx\n", page_to_pfn(page + i));
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

static gfp_t random_zone(struct worker *w)
{
	static const gfp_t zones[] = { 0, 0, __GFP_HIGHMEM, __GFP_HIGHMEM, __GFP_DMA };

	return zones[next_random(w) % ARRAY_SIZE(zones)];
}

static void take_pages(struct worker *w, struct slot *s, gfp_t gfp)
{
	u32 r = next_random(w);

	s->order = r % 4 ? 0 : r / 4 % 6;
	s->ptr = alloc_pages(gfp | random_zone(w), s->order);
	if (s->ptr)
		each_page(s, false, w == &in_irq);
}

static void take_object(struct worker *w, struct slot *s, gfp_t gfp)
{
	u32 r = next_random(w);

	s->size = 1 + (r >> 8) % (8UL << r % 12);
	s->ptr = kmalloc(s->size, gfp | (r % 16 ? 0 : __GFP_DMA));
	if (s->ptr)
		mark_at(s, s->ptr, s->size);
}

static void take_area(struct worker *w, struct slot *s, gfp_t gfp)
{
	s->size = PAGE_SIZE * (1 + next_random(w) % 24);
	s->ptr = __vmalloc(s->size, gfp | __GFP_HIGHMEM);
	if (s->ptr)
		mark_at(s, s->ptr, s->size);
}

static void take_kmap(struct slot *s, gfp_t gfp)
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

static void take_space(struct worker *w, struct slot *s)
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
	s->size = next_random(w) % SPACE_PAGES;	/* the page that is touched */
	if (copy_to_mm(mm, SPACE_AT + s->size * PAGE_SIZE, &s->mark, sizeof(s->mark)) != 0)
		s->order = 1;			/* no frame for it: nothing to verify */
}

static void take(struct worker *w, struct slot *s, enum what what, gfp_t gfp)
{
	*s = (struct slot){ .mark = next_random(w) };
	gfp |= __GFP_NOWARN;
	switch (what) {
	case PAGES: take_pages(w, s, gfp); break;
	case OBJECT: take_object(w, s, gfp); break;
	case AREA: take_area(w, s, gfp); break;
	case KMAP: take_kmap(s, gfp); break;
	case SPACE: take_space(w, s); break;
	default: return;
	}
	if (s->ptr) {
		s->what = what;
		w->did[what]++;
	} else
		w->no_memory++;
}

/* ---- giving ------------------------------------------------------------------------- */

static void give_kmap(struct slot *s)
{
	struct page *page = s->ptr;

	verify_at(s, page_address(page), PAGE_SIZE);
	kunmap(page);
	__free_page(page);
}

static void give_space(struct slot *s)
{
	u32 found = 0;

	if (!s->order && (copy_from_mm(s->ptr, &found, SPACE_AT + s->size * PAGE_SIZE, 4) ||
			  found != s->mark))
		verify_at(s, &found, sizeof(found));
	mm_free(s->ptr);
}

static void give(struct worker *w, struct slot *s)
{
	switch (s->what) {
	case PAGES:
		each_page(s, true, w == &in_irq);
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
	default: return;
	}
	s->what = EMPTY;
}

/* ---- steps --------------------------------------------------------------------------- */

/* In an interrupt: pages and objects only, and nothing may sleep. */
static void irq_step(void *arg)
{
	struct slot *s = &in_irq.slot[next_random(&in_irq) % SLOTS];

	(void)arg;
	in_irq.steps++;
	if (s->what != EMPTY)
		give(&in_irq, s);
	else
		take(&in_irq, s, next_random(&in_irq) % 2 ? PAGES : OBJECT, GFP_ATOMIC);
}

static void short_thread(void *arg)
{
	void *p = kmalloc(100, GFP_KERNEL | __GFP_NOWARN);

	(void)arg;
	schedule();
	kfree(p);
}

static void step(struct worker *w)
{
	static const enum what mix[] = {
		PAGES, PAGES, PAGES, PAGES, OBJECT, OBJECT, OBJECT, OBJECT, OBJECT, OBJECT,
		AREA, AREA, KMAP, KMAP, KMAP, SPACE,
	};
	struct slot *s = &w->slot[next_random(w) % SLOTS];
	u32 r = next_random(w);

	w->steps++;
	if (s->what != EMPTY)
		give(w, s);
	else
		take(w, s, mix[r % ARRAY_SIZE(mix)], GFP_KERNEL);
	if ((r >> 8) % 8 == 0)
		machine_run_in_interrupt(irq_step, NULL);
	if ((r >> 12) % 512 == 0) {
		int pid = thread_spawn("stress-child", short_thread, NULL);

		w->threads++;
		if (pid > 0)
			thread_wait(pid);
	}
	if ((r >> 24) % 16 == 0)
		schedule();
}

static void worker_main(void *arg)
{
	struct worker *w = arg;
	unsigned long end = rounds_wanted * STEPS_A_ROUND;

	while (!READ_ONCE(stop) && (!end || w->steps < end))
		step(w);
	for (unsigned i = 0; i < SLOTS; i++)
		give(w, &w->slot[i]);
}

static void irq_cleanup(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < SLOTS; i++)
		give(&in_irq, &in_irq.slot[i]);
}

/* ---- the command ----------------------------------------------------------------------- */

/* "10": seconds; "200r": rounds. */
static bool duration(char *text, unsigned long *seconds)
{
	size_t n = strlen(text);
	bool rounds = n > 1 && text[n - 1] == 'r';
	unsigned long v;

	if (rounds)
		text[n - 1] = '\0';
	if (!parse_number(rounds ? "rounds" : "seconds", text, &v))
		return false;
	if (v == 0 || v > 1000000) {
		cmd_error("stress: %lu is out of range: 1 ... 1000000", v);
		return false;
	}
	*seconds = rounds ? 0 : v;
	rounds_wanted = rounds ? v : 0;
	return true;
}

static void start(void)
{
	static const u32 seeds[THREADS + 1] = { 0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x106aa070, 0x2545f491 };

	stop = interrupted = false;
	wrong_marks = 0;
	memset(workers, 0, sizeof(workers));
	memset(&in_irq, 0, sizeof(in_irq));
	in_irq.random = seeds[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].random = seeds[i];
		workers[i].pid = thread_spawn("stress", worker_main, &workers[i]);
		if (workers[i].pid < 0)
			kprintf("stress: no memory for thread %u\n", i);
	}
}

static unsigned long all_steps(void)
{
	unsigned long sum = 0;

	for (unsigned i = 0; i < THREADS; i++)
		sum += READ_ONCE(workers[i].steps);
	return sum;
}

static bool running(void)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (workers[i].pid > 0 && task_find(workers[i].pid))
			return true;
	return false;
}

/* Until time, rounds, or the person's patience are over.  Return: milliseconds that it took. */
static unsigned long watch(unsigned long seconds)
{
	u64 begin = machine_ms();

	while (running()) {
		unsigned long ms = (unsigned long)(machine_ms() - begin);

		if (rounds_wanted)
			console_progress("stress", all_steps(), rounds_wanted * STEPS_A_ROUND * THREADS);
		else
			console_progress("stress", ms, seconds * 1000);
		interrupted = interrupted || console_interrupted();
		if ((seconds && ms >= seconds * 1000) || interrupted)
			WRITE_ONCE(stop, true);
		thread_sleep_ms(20);
	}
	for (unsigned i = 0; i < THREADS; i++)
		if (workers[i].pid > 0)
			thread_wait(workers[i].pid);
	machine_run_in_interrupt(irq_cleanup, NULL);
	console_progress_end();
	return (unsigned long)(machine_ms() - begin);
}

static void summary(unsigned long ms)
{
	unsigned long did[NR_WHAT] = { 0 }, threads = 0, no_memory = in_irq.no_memory;

	for (unsigned i = 0; i < THREADS; i++) {
		for (unsigned k = 0; k < NR_WHAT; k++)
			did[k] += workers[i].did[k];
		threads += workers[i].threads;
		no_memory += workers[i].no_memory;
	}
	kprintf("stress: %lu steps in %d threads and %lu in interrupts, %lu.%03lu s\n", all_steps(), THREADS,
		in_irq.steps, ms / 1000, ms % 1000);
	kprintf("  taken and given: %lu blocks of pages, %lu objects, %lu vmalloc areas,\n",
		did[PAGES] + in_irq.did[PAGES], did[OBJECT] + in_irq.did[OBJECT], did[AREA]);
	kprintf("  %lu kmaps, %lu address spaces, %lu threads; %lu times there was no memory\n", did[KMAP],
		did[SPACE], threads, no_memory);
}

int stress(int argc, char **argv)
{
	unsigned long seconds, low, high, before = misuse_count(NR_MISUSE);
	int broken;

	(void)argc;
	if (!duration(argv[1], &seconds) || programs_run("stress"))
		return 1;
	st_settle();
	low = st_free_low();
	high = st_free_high();
	start();
	summary(watch(seconds));
	st_settle();
	broken = mm_check_all(&console);
	kprintf("  free pages before and after: low %lu, %lu; high %lu, %lu\n", low, st_free_low(), high,
		st_free_high());
	if (low != st_free_low() || high != st_free_high())
		return cmd_error("stress: pages are lost or won");
	if (refused_since(before))
		return cmd_error("stress: the memory manager refused something: see 'misuse'");
	if (wrong_marks || broken)
		return cmd_error("stress: %lu marks overwritten, %d checks failed", wrong_marks, broken);
	kprintf("  every mark was found intact, every invariant holds\n");
	return interrupted ? CMD_INTERRUPTED : 0;
}
