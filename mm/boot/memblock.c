/* SPDX-License-Identifier: MIT */
/*
 * memblock.c: sorted ranges of physical memory, and the first allocator.
 *
 * Idea.  Two lists of ranges: what memory there is, and what of it is taken.
 *
 *	memory    [----------]      [-------------------------]
 *	reserved      [==]              [===]            [==]
 *	free      [--]    [--]      [--]     [----------]    [-]
 *
 * Adding a range melts together all that it touches; cutting one out shortens,
 * splits or removes what it meets.  Both replace the run of ranges they meet by
 * at most one more than there were, so room is checked before anything is moved.
 *
 * An allocation is a reservation of the highest free place below current_limit:
 * low addresses are dear (ZONE_DMA), and beyond the limit nothing is mapped yet.
 *
 * Invariants (memblock_check), for each list:
 *   M.1  no range is empty, and none wraps around;
 *   M.2  ranges are in order and neither overlap nor touch;
 *   M.3  0 <= cnt <= MEMBLOCK_MAX_REGIONS.
 *
 * Locking: none: one CPU, before there is anything else.  Cost: O(ranges).
 */
#include <quarry/init.h>
#include <quarry/memblock.h>
#include <quarry/report.h>

struct memblock memblock = {
	.current_limit = ~(phys_addr_t)0,
	.memory = { .name = "memory" },
	.reserved = { .name = "reserved" },
};

static phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* Index of the first range that ends after (@touching: at or after) @addr. */
static unsigned first_ending_after(const struct memblock_type *t, phys_addr_t addr, bool touching)
{
	unsigned i = 0;

	while (i < t->cnt && (region_end(&t->regions[i]) < addr ||
			      (!touching && region_end(&t->regions[i]) == addr)))
		i++;
	return i;
}

/* Index of the first range that starts at or after (@touching: after) @addr. */
static unsigned first_starting_after(const struct memblock_type *t, phys_addr_t addr, bool touching)
{
	unsigned i = 0;

	while (i < t->cnt && (t->regions[i].base < addr || (touching && t->regions[i].base == addr)))
		i++;
	return i;
}

/* Put @n new ranges in the place of [from, to).  The one place that changes a list. */
static int replace(struct memblock_type *t, unsigned from, unsigned to, const struct memblock_region *new,
		   unsigned n)
{
	unsigned cnt = t->cnt - (to - from) + n;

	if (cnt > MEMBLOCK_MAX_REGIONS)
		return -ENOSPC;
	__builtin_memmove(&t->regions[from + n], &t->regions[to], (t->cnt - to) * sizeof(*new));
	__builtin_memcpy(&t->regions[from], new, n * sizeof(*new));
	t->cnt = cnt;
	return 0;
}

static int add_range(struct memblock_type *t, phys_addr_t base, phys_addr_t size)
{
	struct memblock_region new = { base, size };
	phys_addr_t end = base + size;
	unsigned from, to;

	if (!size)
		return 0;
	if (end < base)
		return -EINVAL;
	from = first_ending_after(t, base, true);
	to = first_starting_after(t, end, true);
	if (from < to) {
		new.base = min(base, t->regions[from].base);
		new.size = max(end, region_end(&t->regions[to - 1])) - new.base;
	}
	return replace(t, from, to, &new, 1);
}

static int cut_range(struct memblock_type *t, phys_addr_t base, phys_addr_t size)
{
	struct memblock_region rest[2];
	phys_addr_t end = base + size;
	unsigned from, to, n = 0;

	if (!size)
		return 0;
	if (end < base)
		return -EINVAL;
	from = first_ending_after(t, base, false);
	to = first_starting_after(t, end, false);
	if (from >= to)
		return 0;
	if (t->regions[from].base < base)
		rest[n++] = (struct memblock_region){ t->regions[from].base, base - t->regions[from].base };
	if (region_end(&t->regions[to - 1]) > end)
		rest[n++] = (struct memblock_region){ end, region_end(&t->regions[to - 1]) - end };
	return replace(t, from, to, rest, n);
}

int memblock_add_to(struct memblock *mb, phys_addr_t base, phys_addr_t size)
{
	return add_range(&mb->memory, base, size);
}

int memblock_remove_from(struct memblock *mb, phys_addr_t base, phys_addr_t size)
{
	return cut_range(&mb->memory, base, size);
}

int memblock_reserve_in(struct memblock *mb, phys_addr_t base, phys_addr_t size)
{
	return add_range(&mb->reserved, base, size);
}

int memblock_unreserve_in(struct memblock *mb, phys_addr_t base, phys_addr_t size)
{
	return cut_range(&mb->reserved, base, size);
}

/* The lowest free range that ends after @addr. */
static bool free_range_after(const struct memblock *mb, phys_addr_t addr, phys_addr_t *start,
			     phys_addr_t *end)
{
	const struct memblock_type *taken = &mb->reserved;

	for (unsigned i = first_ending_after(&mb->memory, addr, false); i < mb->memory.cnt; i++) {
		phys_addr_t at = max(addr, mb->memory.regions[i].base), stop = region_end(&mb->memory.regions[i]);
		unsigned r = first_ending_after(taken, at, false);

		while (r < taken->cnt && taken->regions[r].base <= at)
			at = region_end(&taken->regions[r++]);
		if (at >= stop)
			continue;
		*start = at;
		*end = r < taken->cnt ? min(stop, taken->regions[r].base) : stop;
		return true;
	}
	return false;
}

bool memblock_next_free(const struct memblock *mb, phys_addr_t *start, phys_addr_t *end)
{
	return free_range_after(mb, *start, start, end);
}

phys_addr_t memblock_find_in(const struct memblock *mb, phys_addr_t size, phys_addr_t align,
			     phys_addr_t start, phys_addr_t end)
{
	phys_addr_t from = max(start, (phys_addr_t)PAGE_SIZE), to, at, best = 0;

	while (from < end && free_range_after(mb, from, &from, &to)) {
		to = min(to, end);
		if (to > from && to - from >= size) {
			at = ALIGN_DOWN(to - size, align);
			if (at >= from)
				best = at;
		}
		from = max(to, from + 1);
	}
	return best;
}

static int check_list(const struct memblock_type *t)
{
	if (t->cnt > MEMBLOCK_MAX_REGIONS)
		return 3;
	for (unsigned i = 0; i < t->cnt; i++) {
		const struct memblock_region *r = &t->regions[i];

		if (!r->size || region_end(r) < r->base)
			return 1;
		if (i && region_end(r - 1) >= r->base)
			return 2;
	}
	return 0;
}

int memblock_check(const struct memblock *mb)
{
	int broken = check_list(&mb->memory);

	return broken ? broken : check_list(&mb->reserved);
}

/* ---- the system's own -------------------------------------------------------- */

/* The zones were made of what the lists say: a change comes too late.  Return: -EINVAL then, else 0. */
static int closed_to(const char *call, phys_addr_t base, phys_addr_t size, unsigned long caller)
{
	if (!memblock.closed)
		return 0;
	misuse(MISUSE_CONTEXT, caller, "%s(0x%llx, 0x%llx): called too late: the page allocator has taken over",
	       call, (unsigned long long)base, (unsigned long long)size);
	return -EINVAL;
}

int memblock_add(phys_addr_t base, phys_addr_t size)
{
	if (closed_to("memblock_add", base, size, _RET_IP_))
		return -EINVAL;
	return memblock_add_to(&memblock, base, size);
}

int memblock_remove(phys_addr_t base, phys_addr_t size)
{
	if (closed_to("memblock_remove", base, size, _RET_IP_))
		return -EINVAL;
	return memblock_remove_from(&memblock, base, size);
}

int memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	if (closed_to("memblock_reserve", base, size, _RET_IP_))
		return -EINVAL;
	return memblock_reserve_in(&memblock, base, size);
}

static phys_addr_t phys_alloc(phys_addr_t size, phys_addr_t align, const char *call, unsigned long caller)
{
	phys_addr_t base;

	if (memblock.closed) {
		misuse(MISUSE_CONTEXT, caller, "%s(%llu): called too late: the page allocator has taken over; "
		       "use kmalloc() or alloc_pages()", call, (unsigned long long)size);
		return 0;
	}
	if (!size || align & (align - 1)) {
		misuse(MISUSE_ARGUMENT, caller, "%s(size %llu, align %llu): size must be > 0, align a power of two",
		       call, (unsigned long long)size, (unsigned long long)align);
		return 0;
	}
	base = memblock_find_in(&memblock, size, align ? align : L1_CACHE_BYTES, 0, memblock.current_limit);
	if (!base || memblock_reserve(base, size)) {
		mm_log("quarry: %s(%llu): no free range so large below 0x%llx\n", call,
		       (unsigned long long)size, (unsigned long long)memblock.current_limit);
		return 0;
	}
	return base;
}

phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align)
{
	return phys_alloc(size, align, "memblock_phys_alloc", _RET_IP_);
}

void *memblock_alloc(size_t size, size_t align)
{
	phys_addr_t base = phys_alloc(size, align, "memblock_alloc", _RET_IP_);

	return base ? __builtin_memset(__va(base), 0, size) : NULL;
}

/* Is all of [@base, @base + @size) taken? */
static bool is_reserved(phys_addr_t base, phys_addr_t size)
{
	const struct memblock_type *t = &memblock.reserved;
	unsigned i = first_ending_after(t, base, false);

	return i < t->cnt && base >= t->regions[i].base && size <= region_end(&t->regions[i]) - base;
}

void memblock_free(void *ptr, size_t size)
{
	if (!ptr)
		return;
	if (memblock.closed) {
		misuse(MISUSE_CONTEXT, _RET_IP_, "memblock_free(%p): called too late: memblock is closed", ptr);
		return;
	}
	if (!size || !is_reserved(__pa(ptr), size)) {
		misuse(MISUSE_FOREIGN, _RET_IP_, "memblock_free(%p, %lu): not reserved, or not all of it: freed already?",
		       ptr, (unsigned long)size);
		return;
	}
	memblock_unreserve_in(&memblock, __pa(ptr), size);
}

phys_addr_t memblock_phys_mem_size(void)
{
	phys_addr_t sum = 0;

	for (unsigned i = 0; i < memblock.memory.cnt; i++)
		sum += memblock.memory.regions[i].size;
	return sum;
}

phys_addr_t memblock_start_of_DRAM(void)
{
	return memblock.memory.cnt ? memblock.memory.regions[0].base : 0;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	return memblock.memory.cnt ? region_end(&memblock.memory.regions[memblock.memory.cnt - 1]) : 0;
}
