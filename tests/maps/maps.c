/* SPDX-License-Identifier: MIT */
/*
 * maps.c: real-looking memory maps against a dumb oracle.
 *
 *	maps FILE...		TAP, one test for each e820 listing
 *
 * For each listing, in a process of its own: the machine is switched on with that
 * map, the memory manager comes up, and then every page is taken until there is
 * none.  The oracle knows no ranges, no sorting and no rounding: it marks, entry by
 * entry and frame by frame, what the listing says, and then asks of each frame:
 *
 *	touched by anything but RAM, or not wholly RAM	never handed out, not in use
 *	wholly inside one RAM entry			exactly once: handed out to us, or
 *							in use by the kernel, or reserved
 *							by it (memblock) for its own tables
 *	wholly RAM, but of several entries		at most once
 *
 * What the kernel reserved for itself must be little: its mem_map and a fixed sum.
 *
 * The listing may say, in a comment, what else is to be expected:
 *	# expect: too little memory	a clear error instead of a machine
 *	# expect: some is left out	more ranges than memblock has room for
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/init.h>
#include <quarry/page.h>
#include <quarry/zone.h>

#include "arch/hosted/hosted.h"
#include "kernel/machine.h"

#define OWN_BYTES (6u << 20)	/* beside mem_map: page tables, early allocations, the first MiB */

/* What the oracle knows of a frame. */
#define WHOLE 1		/* wholly inside one RAM entry */
#define PART 2		/* some of it in a RAM entry */
#define TAKEN 4		/* some of it in another entry */
#define GIVEN 8		/* handed out to us */
#define FULL 16		/* PARTs that make a whole (counted in bytes) */

static unsigned char *frame;
static unsigned short *part_bytes;
static u64 frames;		/* up to the last of RAM: behind it nothing can be handed out */
static u64 ram_bytes;

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!f || !text || fread(text, 1, (1 << 20) - 1, f) == 0)
		return NULL;
	fclose(f);
	return text;
}

/* ---- the oracle ----------------------------------------------------------------------- */

static void measure(const struct e820_entry *map, unsigned n)
{
	for (; n--; map++) {
		u64 end = map->addr + map->size < map->addr ? ~0ull : map->addr + map->size;

		if (map->type != E820_RAM || map->addr >= PHYS_LIMIT)
			continue;
		end = end < PHYS_LIMIT ? end : PHYS_LIMIT;
		ram_bytes += end - map->addr;
		frames = end >> PAGE_SHIFT > frames ? end >> PAGE_SHIFT : frames;
	}
}

/* As many as there are frames, most of which are never looked at. */
static void *zeroes(u64 bytes)
{
	return mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void mark_frame(u64 f, u64 first, u64 last, bool ram)
{
	u64 start = f << PAGE_SHIFT, end = start + PAGE_SIZE - 1;
	bool whole = first <= start && last >= end;

	if (!ram) {
		frame[f] |= TAKEN;
		return;
	}
	frame[f] |= whole ? WHOLE : PART;
	if (!whole)	/* parts that overlap count twice: then the frame may, not must, be used */
		part_bytes[f] += (unsigned short)((last < end ? last : end) - (first > start ? first : start) + 1);
	if (part_bytes[f] >= PAGE_SIZE)
		frame[f] |= FULL;
}

static void mark_entry(const struct e820_entry *e)
{
	u64 first = e->addr, last = e->addr + e->size - 1;

	if (!e->size)
		return;
	if (last < first)	/* wraps around: to the end of all addresses */
		last = ~0ull;
	for (u64 f = first >> PAGE_SHIFT; f <= last >> PAGE_SHIFT && f < frames; f++)
		mark_frame(f, first, last, e->type == E820_RAM);
}

static bool never(u64 f)
{
	/* frame 0 is never handed out: 0 means "none" */
	return f == 0 || frame[f] & TAKEN || !(frame[f] & (WHOLE | FULL));
}

/* ---- the machine ------------------------------------------------------------------------ */

static const char *take_all(void)
{
	static char why[128];
	struct page *page;

	while ((page = alloc_page(GFP_HIGHUSER | __GFP_MEMALLOC | __GFP_NOWARN))) {
		pfn_t pfn = page_to_pfn(page);

		snprintf(why, sizeof(why), "frame 0x%lx is handed out", pfn);
		if (pfn >= frames || never(pfn))
			return strcat(why, ", which is not RAM");
		if (frame[pfn] & GIVEN)
			return strcat(why, " twice");
		frame[pfn] |= GIVEN;
	}
	return NULL;
}

static bool reserved_by_kernel(u64 f)
{
	u64 start = f << PAGE_SHIFT;

	for (unsigned i = 0; i < memblock.reserved.cnt; i++) {
		const struct memblock_region *r = &memblock.reserved.regions[i];

		if (r->base < start + PAGE_SIZE && start < r->base + r->size)
			return true;
	}
	return false;
}

/* Is there nothing in the whole section that begins with frame @f, neither RAM nor struct pages? */
static bool is_hole(u64 f, const struct e820_entry *map, unsigned n)
{
	u64 start = f << PAGE_SHIFT, end = start + (1ull << SECTION_SHIFT);

	if (!SPARSE_MEM_MAP || f % PAGES_PER_SECTION || pfn_valid((pfn_t)f))
		return false;
	while (n--)
		if (map[n].type == E820_RAM && map[n].addr < end && start < map[n].addr + map[n].size)
			return false;
	return true;
}

/* What the kernel may keep for mem_map, and for a fixed sum. */
static u64 own_limit(unsigned n)
{
	u64 part = PAGES_PER_SECTION * sizeof(struct page);	/* of mem_map, for a piece of memory's end */
	u64 sparse = ram_bytes / PAGE_SIZE * sizeof(struct page) + 2 * n * part, flat = max_pfn * sizeof(struct page);

	/* and a byte for each page block */
	return (SPARSE_MEM_MAP && sparse < flat ? sparse : flat) + (max_pfn >> PAGEBLOCK_ORDER) + OWN_BYTES;
}

/* Each frame that must be had is had, once; what is not ours is accounted for. */
static const char *account(bool some_left_out, const struct e820_entry *map, unsigned n)
{
	static char why[160];
	u64 own = 0, lost = 0;

	for (u64 f = 0; f < frames; f++) {
		struct page *page = pfn_valid((pfn_t)f) ? pfn_to_page((pfn_t)f) : NULL;
		bool in_use = page && !PageReserved(page) && (page_count(page) > 0 || PageSlab(page));

		if (is_hole(f, map, n)) {
			f += PAGES_PER_SECTION - 1;
			continue;
		}
		if (never(f) && (frame[f] & GIVEN || in_use)) {
			snprintf(why, sizeof(why), "frame 0x%llx is in use and not RAM", (unsigned long long)f);
			return why;
		}
		if (never(f) || frame[f] & GIVEN || in_use || !(frame[f] & WHOLE))
			continue;
		if (reserved_by_kernel(f) || pfn_holds_mem_map((pfn_t)f))
			own++;
		else if (lost++ == 0)
			snprintf(why, sizeof(why), "frame 0x%llx is RAM, and nobody has it", (unsigned long long)f);
	}
	if (lost && !some_left_out)
		return why;
	if (own << PAGE_SHIFT > own_limit(n)) {
		snprintf(why, sizeof(why), "%llu frames are kept by the kernel for itself", (unsigned long long)own);
		return why;
	}
	return NULL;
}

static void quiet_log(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

/* In a child: the last word goes to @out. */
static void run(const char *path, int out)
{
	char *text = read_file(path);
	const char *why = "cannot be read";
	struct e820_entry *map;
	bool some_left_out, too_little;
	unsigned n;

	machine_log = quiet_log;
	if (!text || (why = map_parse(text, &map, &n)))
		goto end;
	measure(map, n);
	frame = zeroes(frames);
	part_bytes = zeroes(frames * sizeof(*part_bytes));
	why = "no memory for the oracle";
	if (frame == MAP_FAILED || part_bytes == MAP_FAILED)
		goto end;
	some_left_out = strstr(text, "# expect: some is left out");
	too_little = strstr(text, "# expect: too little memory");
	for (unsigned i = 0; i < n; i++)
		mark_entry(&map[i]);
	clock_start();
	why = hosted_power_on(map, n, 0);
	if (too_little) {
		why = why && *why ? NULL : "a machine without memory was switched on";
		goto end;
	}
	if (why)
		goto end;
	mm_init();
	why = take_all();
	if (!why)
		why = account(some_left_out, map, n);
end:
	if (why && write(out, why, strlen(why)) < 0)
		_exit(3);
	_exit(why ? 1 : 0);
}

static const char *run_apart(const char *path)
{
	static char why[256];
	int fd[2], status, n;
	pid_t pid;

	if (pipe(fd))
		return "pipe() failed";
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run(path, fd[1]);
	close(fd[1]);
	n = (int)read(fd[0], why, sizeof(why) - 1);
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "fork() failed";
	why[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "it crashed: signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) && n <= 0)
		snprintf(why, sizeof(why), "it panicked: status %d", WEXITSTATUS(status));
	return WIFSIGNALED(status) || WEXITSTATUS(status) ? why : NULL;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		const char *name = strrchr(argv[i], '/'), *why = run_apart(argv[i]);

		printf("%sok %d - A2_map_%s\n", why ? "not " : "", i, name ? name + 1 : argv[i]);
		if (why)
			printf("# %s\n", why);
		failed += why != NULL;
	}
	return failed != 0;
}
