/* SPDX-License-Identifier: MIT */
/*
 * check.c: every invariant of the memory manager, tested in one call.
 *
 * Each file's X_check() returns the number of the first invariant that does not
 * hold, or 0; the number is the one in that file's theory comment.  Exact only
 * while nothing else runs, since the checks take one lock at a time.
 */
#include <quarry/report.h>
#include <quarry/highmem.h>
#include <quarry/inject.h>
#include <quarry/memblock.h>
#include <quarry/mempool.h>
#include <quarry/pgtable.h>
#include <quarry/pressure.h>
#include <quarry/shrinker.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>
#include <quarry/zone.h>

static int verdict(struct seq *s, const char *file, const char *what, int broken)
{
	if (!broken)
		return 0;
	seq_printf(s, "check: %s: invariant %d does not hold%s%s\n", file, broken, *what ? " in " : "", what);
	return 1;
}

int mm_check_all(struct seq *s)
{
	int broken = 0;
	struct zone *z;

	broken += verdict(s, "memblock.c", "", memblock_check(&memblock));
	broken += verdict(s, "numa.c", "", numa_check());
	if (SPARSE_MEM_MAP)
		broken += verdict(s, "section.c", "", section_check());
	for_each_zone(z) {
		broken += verdict(s, "zone.c", z->name, zone_check(z));
		broken += verdict(s, "buddy.c", z->name, buddy_check(z));
		broken += verdict(s, "pcp.c", z->name, pcp_check(z));
	}
	broken += verdict(s, "slab.c", "", slab_check(NULL));
	broken += verdict(s, "shrinker.c", "", shrinker_check());
	broken += verdict(s, "reclaim.c", "", reclaim_check());
	broken += verdict(s, "pgtable.c", "swapper_pg_dir", pt_check(swapper_pg_dir, PAGE_OFFSET, ~0UL));
	broken += verdict(s, "vmalloc.c", "", vmalloc_check());
	broken += verdict(s, "kmap.c", "", kmap_check());
	broken += verdict(s, "mempool.c", "", mempool_check(NULL));
	broken += verdict(s, "inject.c", "", fail_nth_check());
	return broken;
}
