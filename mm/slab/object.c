/* SPDX-License-Identifier: MIT */
/*
 * object.c: the calls that take objects of a kmem_cache and give them back (row D2).
 *
 * Their fast path is that of magazine.c; what is added is the look at the mask: one
 * test sends every mask that is out of the ordinary to slab_alloc_odd(), another
 * refuses to sleep where that is forbidden; and, on the way back, the look at whose
 * object it is.
 *
 *	kmem_cache_alloc	mask plain, thread at rest --> magazine
 *				else slab_alloc_slow() --> slab_alloc_odd(), if the mask is odd
 *	kmem_cache_free		page -> cache -> the one that was passed? --> magazine
 *				else cache_free_or_refuse(), which names what is wrong
 *
 * Debugging (poison, red zones, owners) has its seam in slab_alloc_odd() and
 * cache_free_slow(): a cache without magazines goes there every time.
 *
 * Failure: NULL, with everything as it was.  Cost: as in magazine.c.
 */
#include "slab_internal.h"

#include <quarry/inject.h>
#include <quarry/string.h>

bool slab_is_cache(const struct kmem_cache *s, const char *call, const void *obj, unsigned long caller)
{
	struct place pl;

	place_find(&pl, s);
	if (s == &cache_cache || (pl.kind == PLACE_OBJECT && pl.s == &cache_cache && pl.state == OBJ_USED))
		return true;
	if (obj)
		misuse(MISUSE_ARGUMENT, caller, "%s(%p, %p): no cache, or one that was destroyed", call,
		       (const void *)s, obj);
	else
		misuse(MISUSE_ARGUMENT, caller, "%s(%p): no cache, or one that was destroyed", call,
		       (const void *)s);
	return false;
}

/* ---- taking ------------------------------------------------------------------------------ */

/* What is wrong with a mask; NULL: nothing.  @s: NULL for a large kmalloc. */
static const char *mask_error(const struct kmem_cache *s, gfp_t gfp)
{
	if (gfp & __GFP_HIGHMEM)
		return "high memory has no address to return";
	if (gfp & __GFP_DMA32)
		return "there are no slabs of ZONE_DMA32";
	if (s && gfp & __GFP_DMA && !(s->flags & SLAB_CACHE_DMA))
		return "the cache is not one of ZONE_DMA (SLAB_CACHE_DMA)";
	if (s && gfp & __GFP_ZERO && s->ctor)
		return "__GFP_ZERO would undo the constructor's work";
	return gfp_contradiction(gfp);
}

bool slab_mask_refused(const struct kmem_cache *s, size_t size, gfp_t gfp, unsigned long caller)
{
	const char *error = mask_error(s, gfp);
	bool sleeps = gfp & __GFP_WAIT && preempt_count();
	char what[64], mask[96];

	if (likely(!error && !sleeps))
		return s && cpu_armed() && fail_nth_now(gfp, caller);
	if (!s)
		mm_snprintf(what, sizeof(what), "kmalloc(%lu", (unsigned long)size);
	else if (s->flags & SLAB_KMALLOC)
		mm_snprintf(what, sizeof(what), "kmalloc(from %s", s->name);
	else
		mm_snprintf(what, sizeof(what), "kmem_cache_alloc(%s", s->name);
	gfp_format(mask, sizeof(mask), gfp);
	if (error)
		misuse(MISUSE_GFP, caller, "%s, %s): %s", what, mask, error);
	else
		misuse(MISUSE_CONTEXT, caller, "%s, %s): may sleep, but %s", what, mask,
		       in_interrupt() ? "this is an interrupt" : "preemption is off");
	return true;
}

void *slab_alloc_odd(struct kmem_cache *s, gfp_t gfp, int node, unsigned long caller)
{
	void *obj;

	if (s->num && slab_mask_refused(s, s->size, gfp, caller))
		return NULL;
	if (node < -1 || node >= num_online_nodes()) {
		misuse(MISUSE_ARGUMENT, caller, "kmem_cache_alloc_node(%s): there is no node %d", s->name, node);
		return NULL;
	}
	if (node < 0 && gfp & __GFP_THISNODE)
		node = numa_node_id();
	if (node < 0 || num_online_nodes() == 1)
		obj = __cache_alloc(s, gfp, caller);
	else
		obj = slab_alloc_direct(s, gfp, node);
	if (obj && gfp & __GFP_ZERO)
		memset(obj, 0, s->size);
	return obj;
}

static __cold_path void *alloc_from_nothing(const struct kmem_cache *s, unsigned long caller)
{
	slab_is_cache(s, "kmem_cache_alloc", NULL, caller);
	return NULL;
}

/* A plain mask where something is held: in order, if it may not sleep and none is to fail. */
static inline bool plain_though_busy(gfp_t gfp)
{
	return !(gfp & __GFP_WAIT) && !cpu_armed();
}

__noinline void *slab_alloc_slow(struct kmem_cache *s, gfp_t gfp, unsigned long caller)
{
	if (unlikely(!s))
		return alloc_from_nothing(s, caller);
	if (likely(!(gfp & ~GFP_PLAIN)) && (likely(cpu_at_rest()) || plain_though_busy(gfp)))
		return __cache_alloc(s, gfp, caller);
	return slab_alloc_odd(s, gfp, -1, caller);
}

void *__kmem_cache_alloc_plain(struct kmem_cache *s, gfp_t gfp)
{
	return likely(s) ? slab_alloc(s, gfp, 0) : slab_alloc_slow(s, gfp, _RET_IP_);
}

void *__kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	if (unlikely(!s) || unlikely(gfp & ~GFP_PLAIN))
		return slab_alloc_slow(s, gfp, _RET_IP_);
	return slab_alloc(s, gfp, 0);
}

/* Not all of @nr: give the @got back. */
static __cold_path int bulk_undo(struct kmem_cache *s, size_t got, void **p)
{
	kmem_cache_free_bulk(s, got, p);
	return 0;
}

int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr, void **p)
{
	size_t got;

	if (!s) {
		slab_is_cache(s, "kmem_cache_alloc_bulk", NULL, _RET_IP_);
		return 0;
	}
	if (s->num && slab_mask_refused(s, s->size, gfp, _RET_IP_))
		return 0;
	got = cache_alloc_many(s, gfp, nr, p);
	for (size_t i = 0; gfp & __GFP_ZERO && i < got; i++)
		memset(p[i], 0, s->size);
	return got == nr ? (int)nr : bulk_undo(s, got, p);
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	return s ? slab_alloc_odd(s, gfp, node, _RET_IP_) : alloc_from_nothing(s, _RET_IP_);
}

/* ---- giving back -------------------------------------------------------------------------- */

static __noinline void cache_free_or_refuse(struct kmem_cache *s, void *obj, unsigned long caller)
{
	struct page *page = slab_page_of(obj);

	if (page && page_slab_cache(page) == s && cache_free_slow(s, page, obj))
		return;
	if (obj && (!slab_is_available() || slab_is_cache(s, "kmem_cache_free", obj, caller)))
		place_refuse("kmem_cache_free", s, obj, caller);
}

/* The same for an @obj in a slab of its cache: so the hot way need not keep that at hand. */
static __noinline void cache_free_again(void *obj, unsigned long caller)
{
	cache_free_or_refuse(page_slab_cache(virt_to_page(obj)), obj, caller);
}

void kmem_cache_free(struct kmem_cache *s, void *obj)
{
	unsigned long off = (unsigned long)obj - PAGE_OFFSET, word;
	struct page *page;

	if (likely(slab_word_there(off))) {
		page = slab_word_page(off);
		word = load_or_zero(page->slab_word);
		if (likely(cache_at(word)->self == s)) {	/* @s may be anything: it is not looked at */
			if (likely(magazine_free(word, page, obj)))
				return;
			if (FEW_REGISTERS) {
				cache_free_again(obj, _RET_IP_);
				return;
			}
		}
	}
	cache_free_or_refuse(s, obj, _RET_IP_);
}

void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **p)
{
	for (size_t i = 0; i < nr; i++) {
		if (s)
			i += cache_free_many(s, nr - i, p + i);
		if (i == nr)
			break;
		if (s)
			cache_free_or_refuse(s, p[i], _RET_IP_);
		else
			kfree(p[i]);
	}
}
