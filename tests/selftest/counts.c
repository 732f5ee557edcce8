/* SPDX-License-Identifier: MIT */
/*
 * counts.c: what there is of everything, before and after.
 */
#include "util.h"

#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#include "kernel/sched.h"

#define TRIES 100

static bool count_cache(struct kmem_cache *s, void *arg)
{
	struct st_counts *c = arg;
	struct slabinfo info;

	if (c->caches == ST_MAX_CACHES)
		return false;
	slab_get_info(s, &info);
	c->cache[c->caches] = info.name;
	c->active[c->caches++] = info.active_objs;
	return true;
}

void st_count(struct st_counts *c)
{
	struct vmalloc_totals totals;
	struct zone *z;
	unsigned i = 0;

	st_settle();
	memset(c, 0, sizeof(*c));
	slab_for_each(count_cache, c);
	vmalloc_get_totals(&totals);
	c->areas = totals.areas;
	for_each_zone(z)
		c->free[i++] = zone_free_pages(z);
}

bool st_counts_come_back(const struct st_counts *before, struct st_counts *after)
{
	for (int tries = 0; tries < TRIES; tries++) {
		st_count(after);
		if (memcmp(before, after, sizeof(*after)) == 0)
			return true;
		thread_sleep_ms(1);
	}
	return false;
}

static void caches_differ(struct seq *s, const struct st_counts *a, const struct st_counts *b)
{
	if (a->caches != b->caches) {
		seq_printf(s, "%u caches before, %u after\n", a->caches, b->caches);
		return;
	}
	for (unsigned i = 0; i < a->caches; i++)
		if (a->active[i] != b->active[i])
			seq_printf(s, "%s: %lu objects in use before, %lu after\n", a->cache[i], a->active[i],
				   b->active[i]);
}

void st_counts_differ(struct seq *s, const struct st_counts *a, const struct st_counts *b)
{
	struct zone *z;
	unsigned i = 0;

	for_each_zone(z) {
		if (a->free[i] != b->free[i])
			seq_printf(s, "zone %s: %lu frames free before, %lu after\n", z->name, a->free[i], b->free[i]);
		i++;
	}
	if (a->areas != b->areas)
		seq_printf(s, "vmalloc areas: %lu before, %lu after\n", a->areas, b->areas);
	caches_differ(s, a, b);
}
