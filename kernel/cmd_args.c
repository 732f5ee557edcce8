/* SPDX-License-Identifier: MIT */
/*
 * cmd_args.c: what commands make of their words, and what they remember.
 */
#include "command.h"

#include <quarry/highmem.h>
#include <quarry/printf.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

int cmd_error(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n = mm_snprintf(text, sizeof(text), "error: ");

	va_start(ap, fmt);
	mm_vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (console_is_terminal())
		console_wrapped((unsigned)n, text);
	else
		kprintf("%s\n", text);
	return 1;
}

/* ---- numbers ----------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static unsigned suffix_shift(const char **text)
{
	static const char letters[] = "kmg";

	for (unsigned i = 0; i < 3; i++) {
		if ((**text | 0x20) == letters[i]) {
			(*text)++;
			return 10 * (i + 1);
		}
	}
	return 0;
}

/* Return: false for anything but a number that fits. */
static bool number(const char *t, unsigned long *value)
{
	unsigned long base = 10, v = 0;
	unsigned shift;
	int n = 0;

	if (t[0] == '0' && (t[1] | 0x20) == 'x') {
		base = 16;
		t += 2;
	}
	for (; (unsigned long)digit(*t) < base; t++, n++) {
		if (v > (~0UL - (unsigned)digit(*t)) / base)
			return false;
		v = v * base + (unsigned)digit(*t);
	}
	shift = n ? suffix_shift(&t) : 0;
	*value = v << shift;
	return n && !*t && *value >> shift == v;
}

bool parse_number(const char *what, const char *text, unsigned long *value)
{
	if (number(text, value))
		return true;
	cmd_error("%s: '%s' is not a number that fits in %u bits (examples: 4096, 0x1000, 4K, 16M)",
		    what, text, (unsigned)(8 * sizeof(long)));
	return false;
}

/* ---- flags ------------------------------------------------------------------- */

static const struct {
	const char *name;
	gfp_t mask;
} words[] = {
	{ "GFP_KERNEL", GFP_KERNEL }, { "GFP_ATOMIC", GFP_ATOMIC }, { "GFP_NOWAIT", GFP_NOWAIT },
	{ "GFP_NOIO", GFP_NOIO }, { "GFP_NOFS", GFP_NOFS }, { "GFP_USER", GFP_USER },
	{ "GFP_HIGHUSER", GFP_HIGHUSER }, { "GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE },
	{ "GFP_DMA", GFP_DMA }, { "GFP_DMA32", GFP_DMA32 }, { "__GFP_DMA", __GFP_DMA },
	{ "__GFP_DMA32", __GFP_DMA32 }, { "__GFP_HIGHMEM", __GFP_HIGHMEM },
	{ "__GFP_MOVABLE", __GFP_MOVABLE },
	{ "__GFP_WAIT", __GFP_WAIT }, { "__GFP_IO", __GFP_IO }, { "__GFP_FS", __GFP_FS },
	{ "__GFP_HIGH", __GFP_HIGH }, { "__GFP_ZERO", __GFP_ZERO }, { "__GFP_NOWARN", __GFP_NOWARN },
	{ "__GFP_NORETRY", __GFP_NORETRY }, { "__GFP_NOFAIL", __GFP_NOFAIL }, { "__GFP_COMP", __GFP_COMP },
	{ "__GFP_MEMALLOC", __GFP_MEMALLOC }, { "__GFP_NOMEMALLOC", __GFP_NOMEMALLOC },
};

void complete_gfp(unsigned nth, line_offer offer, void *arg)
{
	for (unsigned i = 0; nth > 1 && i < ARRAY_SIZE(words); i++)
		offer(arg, words[i].name);
}

static bool add_flag(const char *name, size_t len, gfp_t *gfp)
{
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) == len && strncmp(words[i].name, name, len) == 0) {
			*gfp |= words[i].mask;
			return true;
		}
	}
	cmd_error("'%.*s' is no allocation flag (examples: GFP_KERNEL, __GFP_ZERO; Tab lists them)",
		    (int)len, name);
	return false;
}

bool parse_gfp(int argc, char **argv, gfp_t fallback, gfp_t *gfp)
{
	unsigned long raw;

	*gfp = argc ? 0 : fallback;
	for (int i = 0; i < argc; i++) {
		const char *w = argv[i];

		if (number(w, &raw)) {	/* any bits at all, on purpose: the memory manager judges */
			*gfp |= (gfp_t)raw;
			continue;
		}
		while (*w) {
			size_t n = 0;

			while (w[n] && w[n] != '|')
				n++;
			if (n && !add_flag(w, n, gfp))
				return false;
			w += n + (w[n] == '|');
		}
	}
	return true;
}

/* ---- what the user holds ------------------------------------------------------- */

static struct held held[64];
static int last_id;

int held_add(enum held_kind kind, void *ptr, unsigned order, unsigned long size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i].kind == HELD_NONE) {
			held[i] = (struct held){ ++last_id, kind, ptr, order, size };
			return last_id;
		}
	}
	return 0;
}

static const char *kind_name(enum held_kind kind)
{
	static const char *const names[] = { "nothing", "pages", "kmalloc", "vmalloc", "kmap" };

	return names[kind];
}

struct held *held_by_id(const char *text, enum held_kind kind)
{
	unsigned long id;

	if (!number(text + 1, &id)) {
		cmd_error("'%s' is no handle (example: #1)", text);
		return NULL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i].kind == HELD_NONE || held[i].id != (int)id)
			continue;
		if (held[i].kind == kind)
			return &held[i];
		cmd_error("%s is of %s, not of %s", text, kind_name(held[i].kind), kind_name(kind));
		return NULL;
	}
	cmd_error("nothing is held as %s ('held' lists what is)", text);
	return NULL;
}

void offer_held(enum held_kind kind, line_offer offer, void *arg)
{
	char text[16];

	for (unsigned i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i].kind != kind)
			continue;
		mm_snprintf(text, sizeof(text), "#%d", held[i].id);
		offer(arg, text);
	}
}

void complete_pages(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 1)
		offer_held(HELD_PAGES, offer, arg);
}

struct held *held_by_ptr(const void *ptr, enum held_kind kind)
{
	for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].kind == kind && held[i].ptr == ptr)
			return &held[i];
	return NULL;
}

void held_drop(struct held *h)
{
	if (h)
		h->kind = HELD_NONE;
}

struct held *held_next(struct held *h)
{
	for (h = h ? h + 1 : held; h < held + ARRAY_SIZE(held); h++)
		if (h->kind != HELD_NONE)
			return h;
	return NULL;
}

int refused_since(unsigned long before)
{
	return misuse_count(NR_MISUSE) != before;
}

/* ---- frames -------------------------------------------------------------------- */

/* The frame behind a kernel address: direct map, vmalloc, or one of the windows. */
static bool frame_of_address(unsigned long addr, pfn_t *pfn)
{
	void *p = (void *)addr;
	struct page *page = virt_addr_valid(p) ? virt_to_page(p) :
		is_vmalloc_addr(p) ? vmalloc_to_page(p) : kmap_to_page(p);

	if (!page) {
		cmd_error("kernel address 0x%lx: no frame is mapped there", addr);
		return false;
	}
	*pfn = page_to_pfn(page);
	return true;
}

bool frame_argument(const char *text, pfn_t *pfn)
{
	unsigned long v;
	struct held *h;

	if (*text == '#') {
		h = held_by_id(text, HELD_PAGES);
		if (h)
			*pfn = page_to_pfn(h->ptr);
		return h != NULL;
	}
	if (!parse_number("frame", text, &v))
		return false;
	*pfn = v;
	if (pfn_valid(v) || pfn_is_deferred(v))
		return true;
	if (v >= PAGE_OFFSET)
		return frame_of_address(v, pfn);
	*pfn = v >> PAGE_SHIFT;
	if (pfn_valid(*pfn) || pfn_is_deferred(*pfn))
		return true;
	cmd_error("0x%lx is neither a frame (the last is 0x%lx), a physical nor a kernel address", v,
		    max_pfn - 1);
	return false;
}
