/* SPDX-License-Identifier: MIT */
/*
 * model_buddy.c: the page allocator against a dumb oracle.
 *
 *	SEED=n OPS=n DEPTH=n model_buddy	each of them may be left out
 *
 * 1. Random operations on a zone of our own, with borders that cut blocks; and the same on
 *    one that is grouped by mobility, with small page blocks.
 * 2. All sequences of operations up to a depth, on zones of 8 and of 16 frames, and on 16
 *    frames that are four page blocks.
 * 3. Random operations on a whole machine: blocks, references, compound pages,
 *    split blocks, exhaustion, double frees that must be refused.
 *
 * The oracle is an array: which block owns each frame.  From it follows what a
 * buddy allocator must have free: an aligned run of free frames that is not part
 * of a larger one is one free block.  So every list's length is known exactly, and
 * "no block of that order" is checked as well as a block that is given.
 *
 * Of types the oracle knows what each live block was asked for as, and what each page block
 * was before.  So it can say of each block given whether another type's was due, and of each
 * page block that changed whether it might.
 *
 * Each run is in a process of its own.  When one fails, or dies, its operations
 * are cut down to few that still fail, and printed.  Output is TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/zone.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "lib/xorshift.h"

enum kind { ALLOC, FREE, GET, PUT, SPLIT, TWICE, DRAIN, NR_KINDS };
static const char *const kind_name[] = { "alloc", "free", "get", "put", "split", "free twice", "drain" };

struct op { unsigned char kind, order, how; unsigned pick; };

/* What a run tells its parent, in shared memory. */
static struct shared { unsigned long at, nulls; char why[160]; } *shared;

#define FAIL(...) do { snprintf(shared->why, sizeof(shared->why), __VA_ARGS__); return false; } while (0)

static u64 random_state;

static unsigned rnd(unsigned below)
{
	return (unsigned)(xorshift64(&random_state) >> 33) % below;
}

/* ---- 1, 2: a zone of our own -------------------------------------------------------------- */

#define MAX_FRAMES 4096
#define CHECK_EVERY 256

static struct zone zone;
static struct page frames[MAX_FRAMES];
static int owner[MAX_FRAMES];		/* 0: free; else 1 + the type of where it was taken */
static struct { unsigned at, order; } live[MAX_FRAMES];
static unsigned nr_live, nr_frames, first_pfn;
static u8 types[MAX_FRAMES], types_before[MAX_FRAMES];	/* of page blocks */
static unsigned group_order;		/* of page blocks; 0: the zone is not grouped */

static void build_zone(unsigned pfn, unsigned n)
{
	memset(frames, 0, n * sizeof(frames[0]));
	memset(owner, 0, sizeof(owner));
	nr_live = 0;
	nr_frames = n;
	first_pfn = pfn;
	zone_init(&zone, "Model", ZONE_NORMAL, 0, frames, pfn, n);
	if (group_order) {
		zone_group(&zone, types, group_order);
		zone_group_frames(&zone, pfn, pfn + n);
	}
	for (unsigned i = 0; i < n; i++)
		buddy_free(&zone, &frames[i], 0);
}

/* Is the aligned block of @order that begins at frame number @pfn in the zone, and free? */
static bool run_is_free(unsigned pfn, unsigned order)
{
	if (pfn < first_pfn || pfn + (1u << order) > first_pfn + nr_frames)
		return false;
	for (unsigned i = 0; i < 1u << order; i++)
		if (owner[pfn - first_pfn + i])
			return false;
	return true;
}

/* How many free blocks there must be of @order: free runs that are not half of a free one. */
static unsigned blocks_due(unsigned order)
{
	unsigned size = 1u << order, n = 0;

	for (unsigned pfn = ALIGN(first_pfn, size); pfn + size <= first_pfn + nr_frames; pfn += size)
		if (run_is_free(pfn, order) &&
		    (order == MAX_PAGE_ORDER || !run_is_free(pfn & ~size, order + 1)))
			n++;
	return n;
}

/* ---- what is due of types ------------------------------------------------------------------ */

static unsigned type_at(const u8 *table, unsigned pfn)
{
	return group_order ? table[(pfn >> group_order) - (first_pfn >> group_order)] : MIGRATE_UNMOVABLE;
}

/* Free blocks of @order in page blocks that @table says are @type. */
static unsigned blocks_of_type(const u8 *table, unsigned order, unsigned type)
{
	unsigned size = 1u << order, n = 0;

	for (unsigned pfn = ALIGN(first_pfn, size); pfn + size <= first_pfn + nr_frames; pfn += size)
		if (type_at(table, pfn) == type && run_is_free(pfn, order) &&
		    (order == MAX_PAGE_ORDER || !run_is_free(pfn & ~size, order + 1)))
			n++;
	return n;
}

static bool type_has(const u8 *table, unsigned order, unsigned type)
{
	for (; order <= MAX_PAGE_ORDER; order++)
		if (blocks_of_type(table, order, type))
			return true;
	return false;
}

/* Might the page block of @pfn, of type @old, become @type?  Before the block that is given was taken. */
static bool might_change(unsigned pfn, unsigned old, unsigned type)
{
	unsigned start = pfn >> group_order << group_order, like = 0;

	for (pfn = start; pfn < start + (1u << group_order); pfn++) {
		int who = pfn < first_pfn || pfn >= first_pfn + nr_frames ? -1 : owner[pfn - first_pfn];

		if (who < 0)
			continue;
		like += !who || (type == MIGRATE_MOVABLE ? who == 1 + MIGRATE_MOVABLE :
				 old == MIGRATE_MOVABLE && who != 1 + MIGRATE_MOVABLE);
	}
	return 2 * like >= 1u << group_order;
}

/* The block @pfn of @order was given for @type: from where it should be, and only such page blocks changed as might? */
static bool types_are_due(unsigned pfn, unsigned order, unsigned type)
{
	bool own = type_has(types_before, order, type);

	for (unsigned p = first_pfn; p < first_pfn + nr_frames; p++) {
		unsigned old = type_at(types_before, p), now = type_at(types, p);

		if (old != now && (own || now != type || !might_change(p, old, type)))
			FAIL("page block of %u: type %u -> %u, for a block of type %u that %s", p, old, now, type,
			     own ? "there was" : "there was not");
	}
	if (own && type_at(types, pfn) != type)
		FAIL("block %u of type %u, though type %u has one", pfn, type_at(types, pfn), type);
	if (page_migratetype(&frames[pfn - first_pfn]) != type_at(types, pfn))
		FAIL("block %u says type %u, its page block %u", pfn, page_migratetype(&frames[pfn - first_pfn]),
		     type_at(types, pfn));
	return true;
}

static bool compare_zone(void)
{
	unsigned long pages = 0;
	int broken = buddy_check(&zone);

	if (broken)
		FAIL("buddy_check: invariant B.%d", broken);
	for (unsigned o = 0; o <= MAX_PAGE_ORDER; o++) {
		if (zone.free_area[o].nr_free != blocks_due(o))
			FAIL("order %u: %lu blocks free, want %u", o, zone.free_area[o].nr_free, blocks_due(o));
		for (unsigned t = 0; t < MIGRATE_TYPES; t++)
			if (zone.free_area[o].nr_of[t] != blocks_of_type(types, o, t))
				FAIL("order %u: %lu blocks of type %u free, want %u", o, zone.free_area[o].nr_of[t], t,
				     blocks_of_type(types, o, t));
		pages += (unsigned long)blocks_due(o) << o;
	}
	if (zone.nr_free != pages)
		FAIL("nr_free is %lu, want %lu", zone.nr_free, pages);
	return true;
}

static bool some_run_is_free(unsigned order)
{
	for (unsigned pfn = ALIGN(first_pfn, 1u << order); pfn < first_pfn + nr_frames; pfn += 1u << order)
		if (run_is_free(pfn, order))
			return true;
	return false;
}

static bool zone_take(unsigned order, unsigned type)
{
	struct page *page;
	unsigned at;

	memcpy(types_before, types, sizeof(types));
	page = buddy_alloc(&zone, order, (enum migratetype)type);
	at = (unsigned)(page - frames);
	if (!page) {
		shared->nulls++;
		if (some_run_is_free(order))
			FAIL("no block of order %u, though there is one", order);
		return true;
	}
	if (at >= nr_frames || !IS_ALIGNED(first_pfn + at, 1u << order))
		FAIL("block %u of order %u is not aligned", first_pfn + at, order);
	if (!run_is_free(first_pfn + at, order) || PageBuddy(page) || page_count(page))
		FAIL("block %u of order %u is not free", first_pfn + at, order);
	if (group_order && !types_are_due(first_pfn + at, order, type))
		return false;
	for (unsigned i = 0; i < 1u << order; i++)
		owner[at + i] = 1 + (int)page_migratetype(page);
	atomic_set(&page->_count, 1);
	live[nr_live].at = at;
	live[nr_live++].order = order;
	return true;
}

static void zone_give(unsigned which)
{
	unsigned at = live[which].at, order = live[which].order;

	atomic_set(&frames[at]._count, 0);
	buddy_free(&zone, &frames[at], order);
	for (unsigned i = 0; i < 1u << order; i++)
		owner[at + i] = 0;
	live[which] = live[--nr_live];
}

static bool zone_run(const struct op *ops, unsigned long n, unsigned pfn, unsigned size)
{
	build_zone(pfn, size);
	for (unsigned long i = 0; i < n; i++) {
		shared->at = i + 1;
		if (ops[i].kind == FREE && nr_live)
			zone_give(ops[i].pick % nr_live);
		else if (ops[i].kind == ALLOC && !zone_take(ops[i].order, ops[i].how % MIGRATE_TYPES))
			return false;
		if (i % CHECK_EVERY == 0 && !compare_zone())
			return false;
	}
	while (nr_live)
		zone_give(nr_live - 1);
	return compare_zone();
}

static bool odd_zone_run(const struct op *ops, unsigned long n)
{
	return zone_run(ops, n, 1000, 3000);
}

/* Of order 5, so that blocks are smaller and larger than page blocks. */
static bool grouped_zone_run(const struct op *ops, unsigned long n)
{
	group_order = 5;
	return zone_run(ops, n, 1000, 500);
}

/* ---- 2: every sequence ---------------------------------------------------------------------- */

#define LETTERS 7	/* alloc of order 0 ... 3; free the oldest, the second, the newest */

static bool letter(unsigned c)
{
	static const unsigned char grouped[4][2] = {
		{ 0, MIGRATE_UNMOVABLE }, { 0, MIGRATE_MOVABLE }, { 1, MIGRATE_RECLAIMABLE }, { 2, MIGRATE_MOVABLE },
	};

	if (c < 4)
		return group_order ? zone_take(grouped[c][0], grouped[c][1]) : zone_take(c, MIGRATE_UNMOVABLE);
	if (nr_live == 0 || (c == 5 && nr_live < 3))
		return true;
	zone_give(c == 4 ? 0 : c == 5 ? 1 : nr_live - 1);
	return true;
}

static bool play(unsigned long code, unsigned depth, unsigned pfn, unsigned size)
{
	build_zone(pfn, size);
	for (unsigned i = 0; i < depth; i++, code /= LETTERS)
		if (!letter(code % LETTERS) || !compare_zone())
			return false;
	return true;
}

static bool all_sequences(unsigned depth, unsigned pfn, unsigned size)
{
	unsigned long total = 1;

	for (unsigned i = 0; i < depth; i++)
		total *= LETTERS;
	for (shared->at = 0; shared->at < total; shared->at++)
		if (!play(shared->at, depth, pfn, size))
			return false;
	return true;
}

/* ---- 3: a whole machine ----------------------------------------------------------------------- */

#define MEM (24UL << 20)
#define LOWMEM (20UL << 20)
#define MAX_BLOCKS 8192

static struct block { struct page *page; unsigned order, refs; bool compound; } blocks[MAX_BLOCKS];
static unsigned nr_blocks;
static unsigned char *owned;		/* by frame number */

static const gfp_t masks[] = {
	GFP_KERNEL, GFP_HIGHUSER, GFP_DMA, GFP_ATOMIC, GFP_KERNEL | __GFP_COMP, GFP_HIGHUSER | __GFP_COMP,
	GFP_KERNEL | __GFP_MEMALLOC, GFP_HIGHUSER | __GFP_MEMALLOC, GFP_KERNEL | __GFP_ZERO,
};

static void own(struct page *page, unsigned order, bool value)
{
	memset(owned + page_to_pfn(page), value, 1ul << order);
}

static void forget(unsigned which)
{
	blocks[which] = blocks[--nr_blocks];
}

static bool sys_take(const struct op *op)
{
	gfp_t gfp = masks[op->how % ARRAY_SIZE(masks)];
	struct page *page = nr_blocks < MAX_BLOCKS - 2048 ? alloc_pages(gfp | __GFP_NOWARN, op->order) : NULL;
	pfn_t pfn = page ? page_to_pfn(page) : 0;

	if (!page) {
		shared->nulls++;
		return true;
	}
	if (pfn + (1ul << op->order) > max_pfn || !IS_ALIGNED(pfn, 1ul << op->order) || page_count(page) != 1)
		FAIL("block %lu of order %u, count %d", pfn, op->order, page_count(page));
	if (page_zonenum(page) > gfp_zone(gfp))
		FAIL("block %lu is of zone %u, mask 0x%x", pfn, page_zonenum(page), gfp);
	for (unsigned long i = 0; i < 1ul << op->order; i++)
		if (owned[pfn + i] || PageReserved(page + i) || PageBuddy(page + i) || PageSlab(page + i))
			FAIL("frame %lu is somebody's", pfn + i);
	own(page, op->order, true);
	blocks[nr_blocks++] = (struct block){ page, op->order, 1, op->order && (gfp & __GFP_COMP) };
	return true;
}

static void sys_give(unsigned which)
{
	struct block *b = &blocks[which];

	__free_pages(b->page, b->order);
	if (--b->refs == 0) {
		own(b->page, b->order, false);
		forget(which);
	} else if (!b->compound) {	/* the first frame stays with those who hold it */
		own(b->page, b->order, false);
		own(b->page, 0, true);
		b->order = 0;
	}
}

static void sys_put(unsigned which)
{
	struct block *b = &blocks[which];

	if (b->refs == 1 && b->order && !b->compound)
		return;		/* such a block is __free_pages' business */
	put_page(b->page + (b->compound ? (1u << b->order) - 1 : 0));
	if (--b->refs == 0) {
		own(b->page, b->order, false);
		forget(which);
	}
}

static void sys_split(unsigned which)
{
	struct block b = blocks[which];

	if (b.compound || b.refs > 1 || !b.order || nr_blocks + (1u << b.order) > MAX_BLOCKS)
		return;
	split_page(b.page, b.order);
	forget(which);
	for (unsigned i = 0; i < 1u << b.order; i++)
		blocks[nr_blocks++] = (struct block){ b.page + i, 0, 1, false };
}

static bool sys_twice(unsigned which)
{
	struct block b = blocks[which];
	unsigned long before;

	if (b.refs > 1)
		return true;
	sys_give(which);
	before = misuse_count(NR_MISUSE);
	__free_pages(b.page, b.order);
	if (misuse_count(NR_MISUSE) != before + 1)
		FAIL("a double free of order %u went unnoticed", b.order);
	return true;
}

static unsigned long free_now(void)
{
	unsigned long n = 0;
	struct zone *z;

	for_each_zone(z)
		n += zone_free_pages(z);
	return n;
}

static bool compare_system(unsigned long all_free)
{
	unsigned long mine = 0;
	struct zone *z;

	for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
		mine += owned[pfn];
	if (free_now() + mine != all_free)
		FAIL("%lu frames free and %lu ours, of %lu", free_now(), mine, all_free);
	for_each_zone(z)
		if (buddy_check(z))
			FAIL("buddy_check of %s: B.%d", z->name, buddy_check(z));
	for (unsigned i = 0; i < nr_blocks; i++)
		if (page_count(blocks[i].page) != (int)blocks[i].refs)
			FAIL("block %lu: count %d, want %u", page_to_pfn(blocks[i].page),
			     page_count(blocks[i].page), blocks[i].refs);
	return true;
}

static bool sys_op(const struct op *op)
{
	unsigned which = nr_blocks ? op->pick % nr_blocks : 0;

	if (op->kind == ALLOC)
		return sys_take(op);
	if (op->kind == DRAIN)
		drain_all_pages(NULL);
	if (!nr_blocks)
		return true;
	if (op->kind == FREE)
		sys_give(which);
	if (op->kind == GET)
		get_page(blocks[which].page), blocks[which].refs++;
	if (op->kind == PUT)
		sys_put(which);
	if (op->kind == SPLIT)
		sys_split(which);
	return op->kind == TWICE ? sys_twice(which) : true;
}

static void no_log(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

static void lengths(unsigned long *v)
{
	struct zone *z;

	drain_all_pages(NULL);
	for_each_zone(z)
		for (unsigned o = 0; o <= MAX_PAGE_ORDER; o++)
			*v++ = z->free_area[o].nr_free;
}

static bool system_run(const struct op *ops, unsigned long n)
{
	unsigned long before[MAX_NR_ZONES * NR_PAGE_ORDERS] = { 0 }, after[MAX_NR_ZONES * NR_PAGE_ORDERS] = { 0 };
	struct e820_entry map[8];
	unsigned long all_free;
	const char *err;

	machine_log = no_log;
	clock_start();
	err = hosted_power_on(map, hosted_pc_map(map, MEM), LOWMEM);
	if (err)
		FAIL("%s", err);
	mm_init();
	misuse_quiet(true);
	owned = calloc(max_pfn, 1);
	lengths(before);
	all_free = free_now();
	for (unsigned long i = 0; i < n; i++) {
		shared->at = i + 1;
		if (!sys_op(&ops[i]) || (i % (16 * CHECK_EVERY) == 0 && !compare_system(all_free)))
			return false;
	}
	while (nr_blocks)
		sys_give(nr_blocks - 1);
	lengths(after);
	if (memcmp(before, after, sizeof(before)))
		FAIL("when all is freed, the lists are not as at the start");
	return compare_system(all_free);
}

/* ---- runs, apart --------------------------------------------------------------------------------- */

typedef bool (*run_fn)(const struct op *ops, unsigned long n);

static bool apart(run_fn run, const struct op *ops, unsigned long n)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(run(ops, n) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (status && !shared->why[0])
		snprintf(shared->why, sizeof(shared->why), "it died: wait status 0x%x", (unsigned)status);
	return status == 0;
}

/* Leave out what does not matter: halves, quarters ... single operations. */
static unsigned long shrink(run_fn run, struct op *ops, unsigned long n)
{
	struct op *less = malloc(n * sizeof(*ops));

	for (unsigned long chunk = n / 2; chunk; chunk /= 2)
		for (unsigned long at = 0; at + chunk <= n; ) {
			memcpy(less, ops, at * sizeof(*ops));
			memcpy(less + at, ops + at + chunk, (n - at - chunk) * sizeof(*ops));
			if (apart(run, less, n - chunk)) {
				at += chunk;
				continue;
			}
			n -= chunk;
			memcpy(ops, less, n * sizeof(*ops));
		}
	apart(run, ops, n);
	free(less);
	return n;
}

static void print_failure(run_fn run, struct op *ops, unsigned long n)
{
	printf("# after %lu operations: %s\n", shared->at, shared->why);
	n = shrink(run, ops, shared->at && shared->at < n ? shared->at : n);
	printf("# still after %lu: %s\n", n, shared->why);
	for (unsigned long i = 0; i < n && i < 40; i++)
		printf("#   %s order %u how %u pick %u\n", kind_name[ops[i].kind], ops[i].order, ops[i].how,
		       ops[i].pick);
}

/* Small orders are common, and now and then there are more takers than givers. */
static struct op *make_ops(unsigned long n, unsigned kinds)
{
	struct op *ops = malloc(n * sizeof(*ops));
	unsigned greed = 50;

	for (unsigned long i = 0; i < n; i++) {
		if (i % 5000 == 0)
			greed = 35 + rnd(30);
		ops[i] = (struct op){ .order = (unsigned char)min(rnd(11), rnd(11)), .how = (unsigned char)rnd(64),
				      .pick = rnd(1u << 30) };
		ops[i].kind = rnd(100) < greed ? ALLOC : FREE;
		if (kinds > 2 && rnd(100) < 20)
			ops[i].kind = (unsigned char)rnd(kinds);
	}
	return ops;
}

static int test_number, failures;

static void random_test(const char *name, run_fn run, unsigned long n, unsigned kinds)
{
	struct op *ops = make_ops(n, kinds);
	bool ok = apart(run, ops, n);

	printf("%sok %d - B4_%s: %lu operations, %lu found nothing\n", ok ? "" : "not ", ++test_number, name, n,
	       shared->nulls);
	if (!ok)
		print_failure(run, ops, n);
	failures += !ok;
	free(ops);
}

static unsigned sequence_depth;

static bool eight(const struct op *ops, unsigned long n)
{
	(void)ops;
	(void)n;
	return all_sequences(sequence_depth, 0, 8);
}

static bool sixteen(const struct op *ops, unsigned long n)
{
	(void)ops;
	(void)n;
	return all_sequences(sequence_depth, 24, 16);	/* 24 ... 39: 8, 8 that cannot merge, as 16-frame blocks */
}

static bool four_page_blocks(const struct op *ops, unsigned long n)
{
	group_order = 2;
	return sixteen(ops, n);
}

static void sequence_test(const char *name, run_fn run)
{
	bool ok = apart(run, NULL, 0);

	printf("%sok %d - B4_%s: all %lu sequences of %u operations\n", ok ? "" : "not ", ++test_number, name,
	       shared->at, sequence_depth);
	if (!ok)
		printf("# sequence %lu (base %d, first operation lowest): %s\n", shared->at, LETTERS, shared->why);
	failures += !ok;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

int main(void)
{
	unsigned long seed = setting("SEED", 20260101), ops = setting("OPS", 1000000);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	random_state = (u64)seed * 2654435761u + 88172645463325252ull;
	sequence_depth = (unsigned)setting("DEPTH", 7);
	printf("1..6\n# SEED=%lu OPS=%lu DEPTH=%u\n", seed, ops, sequence_depth);
	random_test("zone_of_our_own", odd_zone_run, ops, 2);
	random_test("grouped_zone", grouped_zone_run, ops / 4, 2);
	sequence_test("eight_frames", eight);
	sequence_test("sixteen_frames", sixteen);
	sequence_test("four_page_blocks", four_page_blocks);
	random_test("whole_machine", system_run, ops, NR_KINDS);
	return failures != 0;
}
