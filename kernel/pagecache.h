/* SPDX-License-Identifier: MIT */
/*
 * pagecache.h: pages of the programs' files, kept in memory as long as there is room.
 */
#ifndef KERNEL_PAGECACHE_H
#define KERNEL_PAGECACHE_H

#include <quarry/types.h>

struct page;
struct program_area;
struct seq;

/** pagecache_init() - from here on memory that is short is got back from it.  Once, by the boot thread. */
void pagecache_init(void);

/**
 * pagecache_get() - the page of a program's file at @offset of @area; read, if it is not there
 * @page: out: with a reference for the caller; nobody may write to it.  Undo: put_page().
 * Context: thread, may sleep.  Return: 0; -ENOMEM.  O(programs), and reading.
 */
int pagecache_get(const struct program_area *area, unsigned long offset, struct page **page);

/** pagecache_drop() - let all pages go that no task maps.  Context: thread.  Return: how many went. */
unsigned long pagecache_drop(void);

/* Since boot, but for the first. */
struct pagecache_counts {
	unsigned long pages;		/* there now */
	unsigned long hits, reads;	/* asked for and there; asked for and read */
	unsigned long dropped;
};
void pagecache_get_counts(struct pagecache_counts *c);

/** pagecache_check() - test the numbered invariants.  Return: the number broken, or 0. */
int pagecache_check(void);

#endif
