/* SPDX-License-Identifier: MIT */
/*
 * vmallocinfo.c: every area of the vmalloc window on one line, as /proc/vmallocinfo.
 *
 *	0xf8800000-0xf8805000   20480 foo_init+0x1c pages=4 vmalloc
 *
 * The size counts the guard page after the area.  Areas come and go, so they are
 * copied BATCH at a time; the next batch starts above the last address written.
 */
#include <quarry/report.h>
#include <quarry/vmalloc.h>

#define BATCH 16

struct batch {
	unsigned long above;	/* areas that start lower were written before */
	unsigned n;
	struct vmalloc_area_info info[BATCH];
};

static bool take_area(const struct vmalloc_area_info *info, void *arg)
{
	struct batch *b = arg;

	if (info->start < b->above)
		return true;
	b->info[b->n] = *info;
	return ++b->n < BATCH;
}

static void write_area(struct seq *s, const struct vmalloc_area_info *i)
{
	char who[64];

	seq_printf(s, "0x%08lx-0x%08lx %7lu", i->start, i->start + i->size, i->size);
	if (i->caller)
		seq_printf(s, " %s", port_symbol(who, sizeof(who), i->caller));
	if (i->nr_pages)
		seq_printf(s, " pages=%u", i->nr_pages);
	if (i->phys)
		seq_printf(s, " phys=0x%08llx", (unsigned long long)i->phys);
	if (i->flags & VM_IOREMAP)
		seq_puts(s, " ioremap");
	if (i->flags & VM_ALLOC)
		seq_puts(s, " vmalloc");
	if (i->flags & VM_MAP)
		seq_puts(s, " vmap");
	if (i->flags & VM_USERMAP)
		seq_puts(s, " user");
	seq_puts(s, "\n");
}

void report_vmallocinfo(struct seq *s)
{
	struct batch b = { .above = 0 };

	do {
		b.n = 0;
		vmalloc_for_each(take_area, &b);
		for (unsigned i = 0; i < b.n; i++)
			write_area(s, &b.info[i]);
		if (b.n)
			b.above = b.info[b.n - 1].start + 1;
	} while (b.n == BATCH);
}
