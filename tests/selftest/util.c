/* SPDX-License-Identifier: MIT */
/*
 * util.c: what several selftests share.
 */
#include "util.h"

#include <quarry/highmem.h>
#include <quarry/memblock.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

#include "kernel/machine.h"
#include "kernel/pagecache.h"
#include "kernel/sched.h"
#include "lib/xorshift.h"

bool st_begins(const char *text, const char *start)
{
	while (*start)
		if (*text++ != *start++)
			return false;
	return true;
}

bool st_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool st_contains(const char *text, const char *part)
{
	for (; *text; text++)
		if (st_begins(text, part))
			return true;
	return *part == '\0';
}

bool st_on_machine(void)
{
	return !st_begins(machine_arch(), "hosted");
}

bool st_on_pc(void)
{
	return st_begins(machine_arch(), "i386");
}

/* ---- text --------------------------------------------------------------------- */

static char captured[8192];
static size_t captured_len;

static void capture_write(struct seq *s, const char *text, size_t len)
{
	(void)s;
	while (len-- && captured_len < sizeof(captured) - 1)
		captured[captured_len++] = *text++;
	captured[captured_len] = '\0';
}

const char *st_capture(void (*print)(struct seq *s))
{
	struct seq s = { .write = capture_write };

	captured_len = 0;
	captured[0] = '\0';
	print(&s);
	return captured;
}

/* ---- memory ------------------------------------------------------------------- */

struct zone *st_zone(enum zone_type type)
{
	struct zone *z;

	for_each_zone(z)
		if (z->type == type)
			return z;
	return &NODE_DATA(0)->node_zones[type];
}

unsigned st_best_zone(unsigned highest)
{
	const u8 *nearest = NODE_DATA(numa_node_id())->nearest;

	if (highest == ZONE_HIGHMEM && populated_zone(st_zone(ZONE_HIGHMEM)))
		return ZONE_HIGHMEM;
	for (int i = 0; i < num_online_nodes(); i++)
		for (unsigned type = highest; type > ZONE_DMA; type--)
			if (populated_zone(&NODE_DATA(nearest[i])->node_zones[type]))
				return type;
	return ZONE_DMA;
}

static bool shrink_one(struct kmem_cache *s, void *arg)
{
	(void)arg;
	kmem_cache_shrink(s);
	return true;
}

void st_settle(void)
{
	pagecache_drop();
	kmap_flush_unused();
	vmalloc_purge();
	slab_drain(NULL);
	slab_for_each(shrink_one, NULL);
	drain_all_pages(NULL);
}

int st_run(const char *cmdline)
{
	int pid = task_run(cmdline);

	return pid < 0 ? pid : thread_wait(pid);
}

unsigned long st_free_high(void)
{
	struct zone *z;
	unsigned long n = 0;

	for_each_zone(z)
		if (z->type == ZONE_HIGHMEM)
			n += zone_free_pages(z);
	return n;
}

unsigned long st_free_low(void)
{
	struct zone *z;
	unsigned long n = 0;

	for_each_zone(z)
		if (z->type != ZONE_HIGHMEM)
			n += zone_free_pages(z);
	return n;
}

#define USE_UP_MOST (16ULL << 30 >> PAGE_SHIFT)

static unsigned long hidden[ST_ZONES];
static struct { unsigned long low, high; } marks[ST_ZONES];	/* a giant's own; 0: as they are */

/* Those of a small machine: a thousandth of a giant is more than can be used up. */
static void lower_marks(struct zone *z)
{
	unsigned i = st_zone_nr(z);

	if (!marks[i].low) {
		marks[i].low = z->watermark[WMARK_LOW];
		marks[i].high = z->watermark[WMARK_HIGH];
	}
	z->watermark[WMARK_LOW] = z->watermark[WMARK_MIN] * 5 / 4;
	z->watermark[WMARK_HIGH] = z->watermark[WMARK_MIN] * 3 / 2;
}

static void restore_marks(struct zone *z)
{
	unsigned i = st_zone_nr(z);

	if (marks[i].low) {
		z->watermark[WMARK_LOW] = marks[i].low;
		z->watermark[WMARK_HIGH] = marks[i].high;
		marks[i].low = 0;
	}
}

/* On a giant: enough to be beyond all watermarks twice. */
static void bring_online(struct zone *z, bool giant)
{
	if (giant)
		lower_marks(z);
	while ((!giant || z->nr_free < 2 * z->watermark[WMARK_HIGH]) && zone_grow(z))
		;
	hidden[st_zone_nr(z)] += z->deferred_pages;
	z->deferred_pages = 0;
}

void st_all_online(void)
{
	unsigned long deferred = 0;
	struct zone *z;

	if (!SPARSE_MEM_MAP)
		return;
	for_each_zone(z)
		deferred += z->deferred_pages;
	for_each_zone(z)
		if (z->deferred_pages)
			bring_online(z, deferred > USE_UP_MOST);
}

void st_end_all_online(void)
{
	struct zone *z;

	for_each_zone(z) {
		z->deferred_pages += hidden[st_zone_nr(z)];
		hidden[st_zone_nr(z)] = 0;
		restore_marks(z);
	}
}

unsigned long st_take(struct list_head *list, gfp_t gfp, unsigned order, unsigned long max)
{
	unsigned long n = 0;
	struct page *page;

	if (max == ~0UL)
		st_all_online();
	while (n < max && (page = alloc_pages(gfp, order))) {
		list_add_tail(&page->lru, list);
		n++;
	}
	return n;
}

void st_give_some(struct list_head *list, unsigned order, unsigned long n)
{
	while (n-- && !list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);

		list_del(&page->lru);
		__free_pages(page, order);
	}
}

void st_give(struct list_head *list, unsigned order)
{
	st_give_some(list, order, ~0UL);
}

void st_zone_order(struct st_order *o, gfp_t gfp)
{
	unsigned last = MAX_NR_ZONES, nid = 0;
	LIST_HEAD(taken);
	struct page *page;

	*o = (struct st_order){ .first = MAX_NR_ZONES };
	st_settle();	/* what is on the CPUs' own lists would mix the order */
	st_take(&taken, gfp, 0, ~0UL);
	list_for_each_entry(page, &taken, lru) {
		unsigned zone = page_zonenum(page);

		if (last == MAX_NR_ZONES)
			o->first = zone;
		o->rises += zone > last && page_to_nid(page) == nid;
		o->zones |= 1u << zone;
		last = zone;
		nid = page_to_nid(page);
	}
	st_give(&taken, 0);
}

unsigned long st_blocks(const struct zone *z, unsigned order)
{
	unsigned long n = 0;
	unsigned o;

	for (o = order; o <= MAX_PAGE_ORDER; o++)
		n += z->free_area[o].nr_free << (o - order);
	return n;
}

u32 st_random(void)
{
	static u32 state = 2463534242u;

	return xorshift32(&state);
}

static bool in_regions(const struct memblock_type *t, phys_addr_t start, phys_addr_t end, bool whole)
{
	unsigned i;

	for (i = 0; i < t->cnt; i++) {
		phys_addr_t b = t->regions[i].base, e = b + t->regions[i].size;

		if (whole ? b <= start && end <= e : b < end && start < e)
			return true;
	}
	return false;
}

struct page *st_reserved_page(void)
{
	pfn_t pfn;

	for_each_valid_pfn(pfn, 0, max_pfn)
		if (PageReserved(pfn_to_page(pfn)))
			return pfn_to_page(pfn);
	return NULL;
}

bool st_frame_free_at_boot(pfn_t pfn)
{
	phys_addr_t start = (phys_addr_t)pfn << PAGE_SHIFT;

	/* frame 0 is never handed out: 0 means "none" */
	return pfn && in_regions(&memblock.memory, start, start + PAGE_SIZE, true) &&
	       !in_regions(&memblock.reserved, start, start + PAGE_SIZE, false) && !pfn_holds_mem_map(pfn);
}

/* ---- misuse ------------------------------------------------------------------- */

void st_misuse_begin(struct st_misuse *m, enum misuse kind, const char *file, int line)
{
	m->kind = kind;
	m->file = file;
	m->line = line;
	m->of_kind = misuse_count(kind);
	m->all = misuse_count(NR_MISUSE);
	m->here = _RET_IP_;
	misuse_quiet(true);
}

static const char *find(const char *text, const char *part)
{
	for (; *text; text++)
		if (st_begins(text, part))
			return text;
	return NULL;
}

static unsigned long parse_hex(const char *p)
{
	unsigned long v = 0;

	for (;; p++) {
		if (*p >= '0' && *p <= '9')
			v = v * 16 + (unsigned long)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			v = v * 16 + (unsigned long)(*p - 'a' + 10);
		else
			return v;
	}
}

/* Does @text, "name+0x12" or "0x1234", name the function that @here lies in? */
static bool names_function(const char *text, unsigned long here)
{
	char buf[128];
	const char *mine = port_symbol(buf, sizeof(buf), here);
	unsigned long there;

	if (st_begins(text, "0x")) {
		there = parse_hex(text + 2);
		return there > here ? there - here < 8192 : here - there < 8192;
	}
	while (*mine && *mine != '+' && *mine == *text)
		mine++, text++;
	return (*mine == '+' || *mine == '\0') && (*text == '+' || *text == '\0' || *text == '\n');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does @line hold @value as a number, hexadecimal behind 0x or decimal? */
static bool names_value(const char *line, unsigned long value)
{
	for (; *line; line++) {
		unsigned long v = 0;

		if (st_begins(line, "0x")) {
			line += 2;
			if (parse_hex(line) == value)
				return true;
		} else if (is_digit(*line)) {
			for (; is_digit(*line); line++)
				v = v * 10 + (unsigned long)(*line - '0');
			if (v == value)
				return true;
			line--;
		}
	}
	return false;
}

static bool one_line(const char *text)
{
	while (*text && *text != '\n')
		text++;
	return text[0] == '\0' || text[1] == '\0';
}

bool st_misuse_end(struct st_misuse *m, const char *call, unsigned long value)
{
	const char *line = misuse_last(), *caller = find(line, "called from ");

	misuse_quiet(false);
	if (misuse_count(NR_MISUSE) != m->all + 1)
		selftest_fail(m->file, m->line, "%s: %lu misuses reported, want one", call,
			      misuse_count(NR_MISUSE) - m->all);
	else if (misuse_count(m->kind) != m->of_kind + 1)
		selftest_fail(m->file, m->line, "not reported as \"%s\": %s", misuse_name(m->kind), line);
	else if (!st_contains(line, call))
		selftest_fail(m->file, m->line, "the report does not name %s: %s", call, line);
	else if (value && !names_value(line, value))
		selftest_fail(m->file, m->line, "the report does not name the value 0x%lx: %s", value, line);
	else if (!caller || !names_function(caller + 12, m->here))
		selftest_fail(m->file, m->line, "the report does not name the caller: %s", line);
	else if (!one_line(line))
		selftest_fail(m->file, m->line, "the report is more than a line: %s", line);
	else
		return true;
	return false;
}
