/* SPDX-License-Identifier: MIT */
/*
 * place.c: what a pointer is to the slab layer, and the refusal of those that
 * are not what they were said to be.
 *
 * The fast path of kfree() only sees that something is wrong.  What it is, is
 * worked out here, from the struct page of the pointer:
 *
 *	not in the direct map		a stack, an image, a vmalloc area ...
 *	PG_slab		reciprocal ->	an object (used, free, in a magazine), the middle of
 *					one, or the rest of the slab behind the last
 *	PG_large_kmalloc, or a tail of it	a kmalloc of whole pages, or its middle
 *	PG_reserved, free, else		nothing of ours
 *
 * Locking: none.  A page of ours stays what it is as long as its user does not
 * misuse it in two places at once; what is said of others' pages may be old by
 * the time it is read.
 *
 * Cost: O(1), but for a page of others': O(MAX_PAGE_ORDER).
 */
#include "slab_internal.h"

#include <quarry/port.h>


static bool in_vmalloc_window(const void *p)
{
	return (unsigned long)p >= vmalloc_window[0] && (unsigned long)p < vmalloc_window[1];
}

/* Is this frame in a free block?  Its first page has PG_buddy and the order. */
static bool page_is_free(struct page *page)
{
	pfn_t pfn = page_to_pfn(page);
	unsigned order;

	if (PagePcp(page))
		return true;
	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1UL << order));

		if (PageBuddy(head))
			return head->order >= order;
	}
	return false;
}

static void place_in_slab(struct place *pl, unsigned long off)
{
	struct kmem_cache *s = page_slab_cache(pl->page);
	bool begins = slab_index(s, off, &pl->idx);

	pl->s = s;
	pl->inside = (off & s->offset_mask) - (unsigned long)pl->idx * s->size;
	if (pl->idx >= s->num || pl->inside >= s->size) {
		pl->kind = PLACE_REST;
		return;
	}
	pl->kind = begins ? PLACE_OBJECT : PLACE_MIDDLE;
	off -= pl->inside;
	pl->state = pfn_to_page(off >> PAGE_SHIFT)->states[pl->idx];
}

void place_find(struct place *pl, const void *p)
{
	unsigned long off = (unsigned long)p - PAGE_OFFSET;
	struct page *head;

	*pl = (struct place){ .kind = in_vmalloc_window(p) ? PLACE_VMALLOC : PLACE_OUTSIDE };
	if (!slab_page_there(off))
		return;
	pl->page = pfn_to_page(off >> PAGE_SHIFT);
	head = compound_head(pl->page);
	if (PageSlab(pl->page)) {
		place_in_slab(pl, off);
	} else if (PageLargeKmalloc(head)) {
		pl->inside = off - ((unsigned long)page_to_pfn(head) << PAGE_SHIFT);
		pl->kind = pl->inside ? PLACE_LARGE_MIDDLE : PLACE_LARGE;
	} else if (PageReserved(pl->page)) {
		pl->kind = PLACE_RESERVED;
	} else {
		pl->kind = page_is_free(pl->page) ? PLACE_FREE_PAGE : PLACE_OTHER_PAGE;
	}
}

static const char *state_name(u8 state)
{
	return state == OBJ_USED ? "in use" : state == OBJ_CACHED ? "free, in a CPU's magazine" :
	       state == OBJ_FREE ? "free" : "in no known state";
}

/* What the port knows about the address: " (stack)", or "". */
static const char *port_word(char *buf, size_t len, const void *p)
{
	const char *word = port_describe_address(p);

	buf[0] = '\0';
	if (word)
		mm_snprintf(buf, len, " (%s)", word);
	return buf;
}

char *slab_describe(char *buf, size_t len, const void *p)
{
	struct place pl;
	char word[48];
	unsigned long pfn;

	place_find(&pl, p);
	pfn = pl.page ? page_to_pfn(pl.page) : 0;
	port_word(word, sizeof(word), p);
	switch (pl.kind) {
	case PLACE_OUTSIDE:
		mm_snprintf(buf, len, "not in the direct map%s", word);
		break;
	case PLACE_VMALLOC:
		mm_snprintf(buf, len, "a vmalloc address");
		break;
	case PLACE_FREE_PAGE:
		mm_snprintf(buf, len, "in page %lu, which is free", pfn);
		break;
	case PLACE_RESERVED:
		mm_snprintf(buf, len, "in page %lu, which is reserved%s", pfn, word);
		break;
	case PLACE_OTHER_PAGE:
		mm_snprintf(buf, len, "in page %lu, which is no slab's%s", pfn, word);
		break;
	case PLACE_LARGE:
		mm_snprintf(buf, len, "a kmalloc of %u pages", 1u << compound_order(pl.page));
		break;
	case PLACE_LARGE_MIDDLE:
		mm_snprintf(buf, len, "%lu bytes into a kmalloc of %u pages", pl.inside,
			    1u << compound_order(compound_head(pl.page)));
		break;
	case PLACE_OBJECT:
		mm_snprintf(buf, len, "object %lu of %s, %s", pl.idx, pl.s->name, state_name(pl.state));
		break;
	case PLACE_MIDDLE:
		mm_snprintf(buf, len, "%lu bytes into object %lu of %s, %s", pl.inside, pl.idx, pl.s->name,
			    state_name(pl.state));
		break;
	case PLACE_REST:
		mm_snprintf(buf, len, "behind the last object of a slab of %s", pl.s->name);
		break;
	}
	return buf;
}

static enum misuse place_misuse(const struct place *pl, const struct kmem_cache *expect, const char *word)
{
	switch (pl->kind) {
	case PLACE_VMALLOC:
		return MISUSE_WRONG_LAYER;
	case PLACE_FREE_PAGE:
		return MISUSE_DOUBLE_FREE;
	case PLACE_RESERVED:
		return *word ? MISUSE_FOREIGN : MISUSE_RESERVED;
	case PLACE_OTHER_PAGE:
		return *word ? MISUSE_FOREIGN : MISUSE_WRONG_LAYER;
	case PLACE_LARGE:	/* only kmem_cache_free refuses these, or a race of two kfrees */
		return expect ? MISUSE_WRONG_CACHE : MISUSE_DOUBLE_FREE;
	case PLACE_OBJECT:
		return expect && expect != pl->s ? MISUSE_WRONG_CACHE : MISUSE_DOUBLE_FREE;
	case PLACE_LARGE_MIDDLE:
	case PLACE_MIDDLE:
	case PLACE_REST:
		return MISUSE_MIDDLE;
	case PLACE_OUTSIDE:
		break;
	}
	return MISUSE_FOREIGN;
}

void place_refuse(const char *call, const struct kmem_cache *expect, const void *p, unsigned long caller)
{
	char what[128], word[48];
	struct place pl;
	enum misuse kind;

	if (!slab_direct_bytes) {
		slab_refuse_early(call, caller);
		return;
	}
	place_find(&pl, p);
	kind = place_misuse(&pl, expect, port_word(word, sizeof(word), p));
	slab_describe(what, sizeof(what), p);
	if (expect)
		misuse(kind, caller, "%s(%s, %p): %s%s", call, expect->name, p,
		       kind == MISUSE_DOUBLE_FREE ? "double free: " : "", what);
	else
		misuse(kind, caller, "%s(%p): %s%s", call, p,
		       kind == MISUSE_DOUBLE_FREE ? "double free: " : "", what);
}

bool slab_in_use(const struct kmem_cache *s, const void *p)
{
	struct place pl;

	place_find(&pl, p);
	if (pl.kind == PLACE_LARGE)
		return !s;
	return pl.kind == PLACE_OBJECT && pl.state == OBJ_USED && (!s || pl.s == s);
}

bool slab_expect(const char *call, const struct kmem_cache *s, const void *p, unsigned long caller)
{
	if (slab_in_use(s, p))
		return true;
	place_refuse(call, s, p, caller);
	return false;
}
