/* SPDX-License-Identifier: MIT */
/*
 * squeeze.h: between squeeze.c, which counts and judges, and squeeze_*.c, which squeeze.
 */
#ifndef KERNEL_SQUEEZE_H
#define KERNEL_SQUEEZE_H

#include <quarry/gfp.h>
#include <quarry/list.h>
#include <quarry/pressure.h>

struct squeeze {
	const char *name, *what;
	void (*run)(void);
};

void squeeze_task(void);
void squeeze_slab(void);
void squeeze_order(void);
void squeeze_atomic(void);
void squeeze_nofs(void);
void squeeze_mempool(void);

/** squeeze_say() - a line of what is being done, indented. */
void squeeze_say(const char *fmt, ...) __printf_like(1, 2);
/** squeeze_expect() - is it so?  If not, the squeeze has failed, and the text says what is not so.  Return: @so. */
bool squeeze_expect(bool so, const char *fmt, ...) __printf_like(2, 3);

/** squeeze_fill() - take single frames with @gfp until there is none; linked by page->lru.  Return: how many. */
unsigned long squeeze_fill(struct list_head *taken, gfp_t gfp);
/** squeeze_fill_all() - every frame that a kernel thread can have, high and low.  Return: how many. */
unsigned long squeeze_fill_all(struct list_head *taken);
/** squeeze_release() - free them. */
void squeeze_release(struct list_head *taken);
/** squeeze_free_pages() - free frames of the system now. */
unsigned long squeeze_free_pages(void);

/* What a kernel thread asks with that shall not be told of, nor have a task killed. */
#define GFP_SQUEEZE (GFP_KERNEL | __GFP_NOWARN)

/* The rungs of the ladder that were taken since. */
struct rungs {
	unsigned long before[NR_VM_EVENT_ITEMS];
};
#define RUNG(event) (1ULL << (event))
void rungs_begin(struct rungs *r);
/** rungs_end() - each of @must was taken, and none of @never; says so, of @whose. */
void rungs_end(const struct rungs *r, const char *whose, u64 must, u64 never);

#endif
