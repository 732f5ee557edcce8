/* SPDX-License-Identifier: MIT */
/*
 * model_slab.c: the slab layer against a dumb oracle.
 *
 *	SEED=n OPS=n DEPTH=n model_slab		each of them may be left out
 *
 * 1. Random operations: allocate and free over several caches and all sizes of
 *    kmalloc, cleared, constructed, from an interrupt, resized, in a machine so
 *    small that memory runs out; shrink, drain, and misuse that must be refused.
 * 2. All sequences of operations, up to a depth, on caches so tiny that every
 *    corner is near: two objects in a slab, one or two in a magazine.
 *
 * The oracle knows which 8 bytes of low memory are whose, what was written into
 * each object, and how many objects of each cache are out.  After each operation
 * its cache's count must agree; after some, slab_check() must find nothing.
 *
 * Each run is in a process of its own, with a machine of its own.  When one fails
 * (or dies), its operations are cut down to few that still fail, and printed.
 * Output is TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"
#include "lib/xorshift.h"
#include "mm/slab/slab_internal.h"

#include <quarry/init.h>

#define MEM (24UL << 20)
#define LOWMEM (20UL << 20)
#define LEFT_DMA (1UL << 20)	/* of ZONE_DMA; ZONE_NORMAL has 4 MiB */
#define SLOTS 2000
#define GRAIN 8UL		/* the oracle's map of low memory is this fine */

/* ---- operations ---------------------------------------------------------------------- */

enum kind { ALLOC, FREE, RESIZE, DRAIN, SHRINK, TWICE, MIDDLE, WRONG_CACHE, NR_KINDS };
static const char *const kind_name[] = {
	"alloc", "free", "resize", "drain", "shrink", "free twice", "free the middle of", "free to the wrong cache",
};

struct op {
	enum kind kind;
	unsigned cache;		/* index of caches[]; NR_CACHES: kmalloc */
	unsigned slot;
	unsigned size;
	gfp_t gfp;
	bool irq;		/* in an interrupt */
};

/* What a run tells its parent, in shared memory. */
static struct shared {
	unsigned long at;	/* operations begun */
	unsigned long nulls;	/* allocations that found no memory */
	unsigned long most;	/* most bytes live at a time */
	char error[400];
} *shared;

static __printf_like(1, 2) __attribute__((noreturn)) void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mm_vsnprintf(shared->error, sizeof(shared->error), fmt, ap);
	va_end(ap);
	_exit(1);
}

static u64 rnd_state;

static u32 rnd(void)
{
	return (u32)(xorshift64(&rnd_state) >> 16);
}

static u32 below(u32 n) { return rnd() % n; }

/* ---- the caches ------------------------------------------------------------------------ */

static void construct(void *obj) { *(u32 *)obj = 0xc0157; }

static struct {
	const char *name;
	unsigned size, align;
	slab_flags_t flags;
	void (*ctor)(void *);
	struct kmem_cache *s;
} caches[] = {
	{ "model-8", 8, 0, 0, NULL, NULL },
	{ "model-24", 24, 0, 0, NULL, NULL },
	{ "model-104-ctor", 104, 0, SLAB_HWCACHE_ALIGN, construct, NULL },
	{ "model-700", 700, 64, 0, NULL, NULL },
	{ "model-1500-dma", 1500, 0, SLAB_CACHE_DMA, NULL, NULL },
	{ "model-5000", 5000, 0, SLAB_RECLAIM_ACCOUNT, NULL, NULL },
	{ "model-40000", 40000, 0, 0, NULL, NULL },
	{ "model-page", 4096, 4096, SLAB_TYPESAFE_BY_RCU, NULL, NULL },
};
#define NR_CACHES ARRAY_SIZE(caches)

static void generate(struct op *op)
{
	static const unsigned odds[NR_KINDS] = { 430, 400, 90, 3, 5, 24, 24, 24 };
	unsigned pick = below(1000), k = 0;

	while (pick >= odds[k])
		pick -= odds[k++];
	op->kind = (enum kind)k;
	op->cache = below(3) ? (unsigned)NR_CACHES : below(NR_CACHES);
	op->slot = below(SLOTS);
	op->size = below(4) ? 1 + below(1u << (3 + below(8))) : below(1u << below(18));
	op->gfp = below(2) ? GFP_KERNEL : GFP_ATOMIC;
	op->gfp |= below(4) ? 0 : __GFP_ZERO;
	op->gfp |= below(16) ? 0 : __GFP_DMA;
	op->irq = below(8) == 0;
	if (op->irq)
		op->gfp &= ~GFP_KERNEL | __GFP_KSWAPD_RECLAIM;
	if (op->cache < NR_CACHES && caches[op->cache].ctor)
		op->gfp &= ~__GFP_ZERO;
	if (op->cache < NR_CACHES && !(caches[op->cache].flags & SLAB_CACHE_DMA))
		op->gfp &= ~__GFP_DMA;
	op->gfp |= __GFP_NOWARN;
}

static void print_op(const struct op *op)
{
	char mask[96];

	printf("#   %s%s slot %u", op->irq ? "irq: " : "", kind_name[op->kind], op->slot);
	if (op->kind == ALLOC || op->kind == DRAIN || op->kind == SHRINK || op->kind == WRONG_CACHE)
		printf(" %s", op->cache < NR_CACHES ? caches[op->cache].name : "kmalloc");
	if (op->kind == ALLOC || op->kind == RESIZE)
		printf(" size %u %s", op->size, gfp_format(mask, sizeof(mask), op->gfp));
	printf("\n");
}

/* ---- the oracle --------------------------------------------------------------------------- */

static struct slot {
	unsigned char *p;	/* NULL: empty */
	unsigned cache;
	size_t size;		/* bytes that are ours to write */
	unsigned char fill;
} slots[SLOTS];

static u16 owner[LOWMEM / GRAIN];	/* slot + 1 of each grain */
static unsigned long live[NR_CACHES], live_bytes;

static void own(const struct slot *slot, const void *p, size_t size, u16 was, u16 is)
{
	unsigned long at = ((unsigned long)p - PAGE_OFFSET) / GRAIN, n;

	if ((unsigned long)p - PAGE_OFFSET >= LOWMEM)
		fail("slot %u: %p is not in low memory", (unsigned)(slot - slots), p);
	for (n = 0; n < DIV_ROUND_UP(size, GRAIN); n++) {
		if (owner[at + n] != was)
			fail("slot %u: %p + %lu is slot %u's", (unsigned)(slot - slots), p, n * GRAIN,
			     owner[at + n] - 1u);
		owner[at + n] = is;
	}
}

static void verify(const struct slot *slot, const unsigned char *p, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (p[i] != slot->fill)
			fail("slot %u: byte %lu of %p is 0x%x, was written 0x%x", (unsigned)(slot - slots),
			     (unsigned long)i, (const void *)p, p[i], slot->fill);
}

static void settle_in(struct slot *slot, void *p, unsigned cache, size_t size)
{
	static unsigned char next;

	slot->p = p;
	slot->cache = cache;
	slot->size = size;
	slot->fill = ++next;
	own(slot, p, size, 0, (u16)(slot - slots + 1));
	memset(p, slot->fill, size);
	live_bytes += size;
	shared->most = max(shared->most, live_bytes);
	if (cache < NR_CACHES)
		live[cache]++;
}

static void move_out(struct slot *slot)
{
	own(slot, slot->p, slot->size, (u16)(slot - slots + 1), 0);
	live_bytes -= slot->size;
	if (slot->cache < NR_CACHES)
		live[slot->cache]--;
	slot->p = NULL;
}

static void check_cache_count(unsigned cache)
{
	struct slabinfo info;

	if (cache >= NR_CACHES)
		return;
	slab_get_info(caches[cache].s, &info);
	if (info.active_objs != live[cache])
		fail("%s: %lu objects active, the oracle has %lu", info.name, info.active_objs, live[cache]);
}

/* ---- doing them ----------------------------------------------------------------------------- */

static void do_alloc(const struct op *op, struct slot *slot)
{
	bool ours = op->cache < NR_CACHES;
	size_t size = ours ? caches[op->cache].size : op->size, i;
	unsigned char *p;

	if (slot->p)
		return;
	p = ours ? kmem_cache_alloc(caches[op->cache].s, op->gfp) : kmalloc(op->size, op->gfp);
	if (!ours && !size) {
		if (p != ZERO_SIZE_PTR)
			fail("kmalloc(0) is %p", p);
		return;
	}
	if (!p) {
		/* Small ones fail only when memory is gone: ZONE_DMA and atomic ones may before. */
		if (size <= PAGE_SIZE && live_bytes < LEFT_DMA / 2)
			fail("NULL with %lu bytes live", live_bytes);
		shared->nulls++;
		return;
	}
	if (ours && caches[op->cache].ctor && *(u32 *)p != 0xc0157)
		fail("%p is not as its constructor made it: 0x%x", p, *(u32 *)p);
	for (i = 0; op->gfp & __GFP_ZERO && i < size; i++)
		if (p[i])
			fail("__GFP_ZERO: byte %lu of %p is 0x%x", (unsigned long)i, p, p[i]);
	if (op->gfp & __GFP_DMA && page_zonenum(virt_to_page(p)) != ZONE_DMA)
		fail("__GFP_DMA: %p is in zone %u", p, page_zonenum(virt_to_page(p)));
	if (!ours && !(size & (size - 1)) && !IS_ALIGNED((unsigned long)p, min(size, (size_t)PAGE_SIZE)))
		fail("kmalloc(%lu): %p is not aligned", (unsigned long)size, p);
	settle_in(slot, p, op->cache, size);
}

static void do_free(struct slot *slot)
{
	unsigned char *p = slot->p;
	unsigned cache = slot->cache;

	if (!p)
		return;
	verify(slot, p, slot->size);
	if (cache < NR_CACHES && caches[cache].ctor)
		construct(p);
	move_out(slot);
	if (cache < NR_CACHES)
		kmem_cache_free(caches[cache].s, p);
	else
		kfree(p);
}

static void do_resize(const struct op *op, struct slot *slot)
{
	struct slot old = *slot;
	unsigned char *p;

	if (!old.p || old.cache < NR_CACHES || !op->size)
		return;
	p = krealloc(old.p, op->size, op->gfp & ~(__GFP_DMA | __GFP_ZERO));
	if (!p) {
		verify(slot, old.p, old.size);
		return;
	}
	verify(slot, p, min(old.size, (size_t)op->size));
	move_out(slot);
	settle_in(slot, p, old.cache, op->size);
}

static void do_misuse(const struct op *op, struct slot *slot)
{
	static const enum misuse want[NR_KINDS] = {
		[TWICE] = MISUSE_DOUBLE_FREE, [MIDDLE] = MISUSE_MIDDLE, [WRONG_CACHE] = MISUSE_WRONG_CACHE,
	};
	unsigned long before = misuse_count(want[op->kind]), all = misuse_count(NR_MISUSE);
	unsigned char *p = slot->p;

	if (!p || (op->kind == WRONG_CACHE && (op->cache == slot->cache || op->cache >= NR_CACHES)))
		return;
	if (op->kind == TWICE) {
		do_free(slot);
		kfree(p);
	} else if (op->kind == MIDDLE) {
		kfree(p + 1 + op->size % (slot->size > 1 ? slot->size - 1 : 1));	/* no object is below 8 bytes */
	} else {
		kmem_cache_free(caches[op->cache].s, p);
	}
	if (misuse_count(want[op->kind]) != before + 1 || misuse_count(NR_MISUSE) != all + 1)
		fail("%s: not refused, or wrongly: \"%s\"", kind_name[op->kind], misuse_last());
}

static void do_op(void *arg)
{
	const struct op *op = arg;
	struct slot *slot = &slots[op->slot];
	struct kmem_cache *s = op->cache < NR_CACHES ? caches[op->cache].s : NULL;

	switch (op->kind) {
	case ALLOC:
		do_alloc(op, slot);
		break;
	case FREE:
		do_free(slot);
		break;
	case RESIZE:
		do_resize(op, slot);
		break;
	case DRAIN:
		slab_drain(s);
		break;
	case SHRINK:
		if (s && kmem_cache_shrink(s) && !(caches[op->cache].flags & SLAB_TYPESAFE_BY_RCU))
			fail("%s: empty slabs are left", caches[op->cache].name);
		break;
	default:
		do_misuse(op, slot);
	}
	check_cache_count(op->cache);
	check_cache_count(slot->cache);
}

/* ---- a machine, and a run ---------------------------------------------------------------------- */

static void swallow(const char *text, size_t len)
{
	if (len > 7 && !memcmp(text, "kernel:", 7) && !shared->error[0])
		mm_snprintf(shared->error, sizeof(shared->error), "%.*s", (int)len, text);
}

static unsigned long free_frames(void)
{
	unsigned long n = 0;
	struct zone *z;

	slab_drain(NULL);
	drain_all_pages(NULL);
	for_each_zone(z)
		n += zone_free_pages(z);
	return n;
}

static void boot(void)
{
	static struct e820_entry map[8];
	const char *error = hosted_power_on(map, hosted_pc_map(map, MEM), LOWMEM);

	if (error)
		fail("no machine: %s", error);
	machine_log = swallow;
	mm_init();
	arch_irq_enable();
	misuse_quiet(true);
	/* Memory must run out now and then: most of ZONE_DMA is somebody else's. */
	while (zone_free_pages(&NODE_DATA(0)->node_zones[ZONE_DMA]) > LEFT_DMA >> PAGE_SHIFT)
		if (!alloc_pages(GFP_DMA | __GFP_NOWARN, 4))
			fail("no ballast");
}

static void must_hold(void)
{
	int broken = slab_check(NULL);

	if (broken)
		fail("slab_check: invariant %d", broken);
}

static void make_caches(void)
{
	unsigned i;

	for (i = 0; i < NR_CACHES; i++) {
		caches[i].s = kmem_cache_create(caches[i].name, caches[i].size, caches[i].align, caches[i].flags,
						caches[i].ctor);
		if (!caches[i].s)
			fail("no cache %s", caches[i].name);
	}
}

static void clean_up(unsigned long frames)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		do_free(&slots[i]);
	for (i = 0; i < NR_CACHES; i++)
		kmem_cache_destroy(caches[i].s);
	must_hold();
	if (kmalloc_large_pages)
		fail("%lu pages of large kmallocs at the end", kmalloc_large_pages);
	if (free_frames() != frames)
		fail("%lu frames free at the end, %lu at the start", free_frames(), frames);
}

static void run(struct op *ops, unsigned long n)
{
	unsigned long frames;

	boot();
	frames = free_frames();
	make_caches();
	for (shared->at = 0; shared->at < n; shared->at++) {
		struct op *op = &ops[shared->at];

		if (op->irq)
			machine_run_in_interrupt(do_op, op);
		else
			do_op(op);
		if (shared->at % 256 == 0 || n < 2000)
			must_hold();
	}
	clean_up(frames);
	_exit(0);
}

/* Go on in a child: true there.  The parent comes back with false when the child has ended, its error in shared. */
static bool in_child(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid)
		return true;
	waitpid(pid, &status, 0);
	if (!shared->error[0] && (!WIFEXITED(status) || WEXITSTATUS(status)))
		mm_snprintf(shared->error, sizeof(shared->error), "died: wait status 0x%x", (unsigned)status);
	return false;
}

/* Run in a child.  Return: did all go well? */
static bool passes(struct op *ops, unsigned long n)
{
	if (in_child())
		run(ops, n);
	return !shared->error[0];
}

/* Cut pieces out of @ops as long as it still fails.  Return: what is left. */
static unsigned long shrink(struct op *ops, unsigned long n)
{
	struct op *try = malloc(n * sizeof(*try));
	unsigned long piece, at;

	for (piece = n / 2; piece; piece /= 2)
		for (at = 0; at + piece <= n;) {
			memcpy(try, ops, at * sizeof(*ops));
			memcpy(try + at, ops + at + piece, (n - at - piece) * sizeof(*ops));
			if (passes(try, n - piece)) {
				at += piece;
			} else {
				n -= piece;
				memcpy(ops, try, n * sizeof(*ops));
			}
		}
	free(try);
	return n;
}

static bool random_operations(u64 seed, unsigned long n)
{
	struct op *ops = calloc(n, sizeof(*ops));
	unsigned long i;

	rnd_state = seed * 0x9e3779b97f4a7c15 + 1;
	for (i = 0; i < n; i++)
		generate(&ops[i]);
	if (passes(ops, n)) {
		printf("# %lu operations, at most %lu KiB live, %lu found no memory\n", n, shared->most >> 10,
		       shared->nulls);
		free(ops);
		return n < 100000 || shared->nulls;	/* it must have met the end of memory */
	}
	printf("# seed %llu, operation %lu: %s\n", (unsigned long long)seed, shared->at, shared->error);
	n = min(n, shared->at + 1);
	n = shrink(ops, n);
	(void)passes(ops, n);
	printf("# as few as these fail, with: %s\n", shared->error);
	for (i = 0; i < n && i < 100; i++)
		print_op(&ops[i]);
	free(ops);
	return false;
}

/* ---- all sequences ------------------------------------------------------------------------------- */

/*
 * Letters of the alphabet: 0 ... 3 free that slot, 4 ... 7 free it twice, then
 * allocate into the first empty slot, drain, shrink.
 */
enum { TINY_SLOTS = 4, LETTERS = 2 * TINY_SLOTS + 3 };

static struct tiny {
	const char *name;
	unsigned size, num, capacity, free_limit;
} tiny[] = {
	{ "states in struct page, magazines of 1", 2048, 2, 1, 1 },
	{ "states on the slab, magazines of 1", 64, 2, 1, 0 },
	{ "states on the slab, magazines of 2", 64, 2, 2, 1 },
	{ "one object in a slab, no magazines", 4096, 1, 0, 1 },
};

static void *tiny_slot[TINY_SLOTS];
static unsigned char word[32];

static const char *word_text(unsigned len)
{
	static char text[32 * 8];
	unsigned i, at = 0;

	for (i = 0; i < len; i++)
		at += (unsigned)snprintf(text + at, sizeof(text) - at, "%s%u ",
					 word[i] < TINY_SLOTS ? "free" : word[i] < 2 * TINY_SLOTS ? "twice" :
					 word[i] == 2 * TINY_SLOTS ? "alloc" : word[i] == 2 * TINY_SLOTS + 1 ?
					 "drain" : "shrink", word[i] % TINY_SLOTS);
	return text;
}

/* One letter.  Return: false if it means nothing here (frees an empty slot, allocates with all full). */
static bool tiny_step(struct kmem_cache *s, unsigned letter, unsigned *out)
{
	unsigned i = letter % TINY_SLOTS;

	if (letter < 2 * TINY_SLOTS) {
		if (!tiny_slot[i])
			return false;
		memset(tiny_slot[i], 0xff, s->object_size);
		kmem_cache_free(s, tiny_slot[i]);
		if (letter >= TINY_SLOTS)
			kmem_cache_free(s, tiny_slot[i]);
		tiny_slot[i] = NULL;
		--*out;
	} else if (letter == 2 * TINY_SLOTS) {
		for (i = 0; i < TINY_SLOTS && tiny_slot[i]; i++)
			;
		if (i == TINY_SLOTS)
			return false;
		tiny_slot[i] = kmem_cache_alloc(s, GFP_KERNEL);
		for (unsigned j = 0; j < TINY_SLOTS; j++)
			if (!tiny_slot[i] || (j != i && tiny_slot[j] == tiny_slot[i]))
				fail("alloc: %p is slot %u's", tiny_slot[i], j);
		++*out;
	} else if (letter == 2 * TINY_SLOTS + 1) {
		magazines_drain(s);
	} else if (kmem_cache_shrink(s)) {
		fail("shrink: empty slabs are left");
	}
	return true;
}

/* Play word[0 ... len).  Return: letters that made sense, or len. */
static unsigned tiny_play(struct kmem_cache *s, unsigned len)
{
	unsigned long before = misuse_count(NR_MISUSE), twice = 0;
	unsigned i, out = 0, broken;
	struct slabinfo info;

	for (i = 0; i < len; i++) {
		if (!tiny_step(s, word[i], &out))
			break;
		twice += word[i] >= TINY_SLOTS && word[i] < 2 * TINY_SLOTS;
		slab_get_info(s, &info);
		broken = (unsigned)slab_check(s);
		if (broken || info.active_objs != out || misuse_count(NR_MISUSE) != before + twice ||
		    info.slabs_free > max(s->free_limit, 1u))
			fail("after %s: invariant %u, %lu objects for %u, %lu refusals for %lu, %lu empty slabs",
			     word_text(i + 1), broken, info.active_objs, out, misuse_count(NR_MISUSE) - before,
			     twice, info.slabs_free);
	}
	for (unsigned j = 0; j < TINY_SLOTS; j++) {
		kmem_cache_free(s, tiny_slot[j]);
		tiny_slot[j] = NULL;
	}
	slab_drain(s);
	slab_get_info(s, &info);
	if (info.num_slabs)
		fail("after %sand the end: %lu slabs are left", word_text(i), info.num_slabs);
	return i;
}

static void tiny_all(const struct tiny *t, unsigned depth)
{
	struct kmem_cache *s;
	unsigned long played = 0;
	unsigned stop;
	int i;

	boot();
	s = kmem_cache_create("tiny", t->size, 0, 0, NULL);
	if (!s)
		fail("no cache");
	s->num = t->num;
	s->magazine_rounds = t->capacity;
	s->free_limit = t->free_limit;
	memset(word, 0, sizeof(word));
	do {
		stop = tiny_play(s, depth);
		played++;
		/* the next word; one that stopped making sense is not continued */
		for (i = (int)depth - 1; i > (int)stop; i--)
			word[i] = 0;
		for (i = (int)min(stop, depth - 1); i >= 0 && ++word[i] == LETTERS; i--)
			word[i] = 0;
	} while (i >= 0);
	kmem_cache_destroy(s);
	must_hold();
	shared->at = played;
	_exit(0);
}

static bool all_sequences(const struct tiny *t, unsigned depth)
{
	if (in_child())
		tiny_all(t, depth);
	if (shared->error[0])
		printf("# %s\n", shared->error);
	else
		printf("# %lu sequences\n", shared->at);
	return !shared->error[0];
}

/* ---- the program ------------------------------------------------------------------------------------ */

static unsigned failed, tests;

static void result(bool ok, const char *name, const char *detail)
{
	printf("%sok %u - %s %s\n", ok ? "" : "not ", ++tests, name, detail);
	failed += !ok;
}

static unsigned long number(const char *name, unsigned long value)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : value;
}

int main(void)
{
	unsigned long seed = number("SEED", 20260101), ops = number("OPS", 1000000);
	unsigned depth = (unsigned)number("DEPTH", 8);
	char detail[100];
	unsigned i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	printf("1..%u\n", 1 + (unsigned)ARRAY_SIZE(tiny));
	snprintf(detail, sizeof(detail), "(seed %lu)", seed);
	result(random_operations(seed, ops), "D1_D4_model_random_operations", detail);
	for (i = 0; i < ARRAY_SIZE(tiny); i++) {
		snprintf(detail, sizeof(detail), "depth %u: %s", depth, tiny[i].name);
		result(all_sequences(&tiny[i], depth), "D2_D3_model_all_sequences", detail);
	}
	return failed ? 1 : 0;
}
