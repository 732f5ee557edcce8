/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.c: every cache on one line, as /proc/slabinfo, version 2.1.
 *
 * A cache may be created or destroyed while the report is being written, so its
 * name and numbers are copied, BATCH caches at a time, by a walk that counts its
 * way to where the last one stopped.  With c caches that is c * c / BATCH steps:
 * a few hundred.
 */
#include <quarry/report.h>
#include <quarry/slab.h>
#include <quarry/printf.h>

#define BATCH 8
#define NAME_LEN 32

struct batch {
	unsigned skip;		/* caches still to pass over */
	unsigned n;
	struct slabinfo info[BATCH];
	char name[BATCH][NAME_LEN];
};

static bool take_cache(struct kmem_cache *c, void *arg)
{
	struct batch *b = arg;

	if (b->skip) {
		b->skip--;
		return true;
	}
	slab_get_info(c, &b->info[b->n]);
	mm_snprintf(b->name[b->n], NAME_LEN, "%s", b->info[b->n].name);
	return ++b->n < BATCH;
}

static void write_cache(struct seq *s, const char *name, const struct slabinfo *i)
{
	seq_printf(s, "%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu\n",
		   name, i->active_objs, i->num_objs, i->objsize, i->objects_per_slab,
		   i->pages_per_slab, i->limit, i->batchcount, 0, i->active_slabs, i->num_slabs, 0UL);
}

void report_slabinfo(struct seq *s)
{
	struct batch b;
	unsigned done = 0;

	seq_puts(s, "slabinfo - version: 2.1\n"
		 "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		 " : tunables <limit> <batchcount> <sharedfactor>"
		 " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	do {
		b.skip = done;
		b.n = 0;
		slab_for_each(take_cache, &b);
		for (unsigned i = 0; i < b.n; i++)
			write_cache(s, b.name[i], &b.info[i]);
		done += b.n;
	} while (b.n == BATCH);
}
