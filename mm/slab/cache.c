/* SPDX-License-Identifier: MIT */
/*
 * cache.c: kmem_cache, a cache of objects of one size (row D1).
 *
 * The idea
 *
 *	slab_caches --> kmem_cache --> magazine --> kmalloc-8 --> ... --> yours
 *
 * A cache is itself an object, of the cache of caches, "kmem_cache".  That one is
 * a static variable: it is where the circle opens.  kmem_cache_init() makes it
 * from nothing, asks it for the cache of magazines, then for the row of kmalloc
 * (row D5).  From then on everybody's caches come from it.
 *
 * The public calls live here.  Their fast path is that of magazine.c; what is
 * added is the look at the mask: one test sends every mask that is out of the
 * ordinary to slab_alloc_odd(), another refuses to sleep where that is forbidden.
 *
 * What is kept in reserve (magazines, a few empty slabs in each cache) goes back
 * when the page allocator runs short: it calls slab_drain(NULL).
 *
 * Invariants (slab_check returns 20 + the number)
 *
 *  C.1	The objects of a slab and their states fit it, and slab_index() finds the
 *	first and the last object.
 *  C.2	kmem_cache is the first of slab_caches; each of the others is an object
 *	of it, in use; and no two have the same name.
 *  C.3	The zones count as many slab pages as the caches and the large kmallocs have.
 *
 * Locking: slab_caches_lock for the list and for `visitors`.  Who works on a cache beyond
 * the lock is counted there meanwhile, so that kmem_cache_destroy() does not take it away:
 * draining asks other CPUs, which must not be done under a lock.
 *
 * Failure: NULL, with everything as it was.
 *
 * Cost: kmem_cache_alloc and kmem_cache_free as in magazine.c; create and destroy O(caches).
 *
 * Where it differs from Linux: caches of like objects are never merged, so a
 * report names the cache that you made; a cache with objects in use survives
 * kmem_cache_destroy(); there is no RCU, and a cache that is
 * SLAB_TYPESAFE_BY_RCU keeps its slabs until it is destroyed.
 *
 * Debugging (poison, red zones, owners) has its seam in slab_alloc_odd() and
 * cache_free_slow(): a cache without magazines goes there every time.
 */
#include "slab_internal.h"

#include <quarry/inject.h>
#include <quarry/port.h>
#include <quarry/string.h>

LIST_HEAD(slab_caches);
static spinlock_t slab_caches_lock = SPINLOCK_INIT;
static struct kmem_cache cache_cache;	/* "kmem_cache"; room for every CPU there could be */
static struct kmem_cache_node cache_nodes[MAX_NUMNODES];	/* its nodes */
unsigned long slab_direct_bytes;

/* The cache behind @at on the list; NULL: there is none. */
static inline struct kmem_cache *cache_after(const struct list_head *at)
{
	return at->next == &slab_caches ? NULL : container_of(at->next, struct kmem_cache, list);
}

#define for_each_cache(s) for (s = cache_after(&slab_caches); s; s = cache_after(&s->list))

#define SLAB_FLAGS_KNOWN (SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_PANIC | SLAB_RECLAIM_ACCOUNT |	\
			  SLAB_NO_MERGE | SLAB_TYPESAFE_BY_RCU)

bool slab_is_available(void)
{
	return slab_direct_bytes != 0;
}

/* ---- making a cache ---------------------------------------------------------------- */

static unsigned cache_align(unsigned size, unsigned align, slab_flags_t flags)
{
	unsigned line = L1_CACHE_BYTES;

	if (flags & SLAB_HWCACHE_ALIGN) {
		while (size <= line / 2)	/* several small ones share a line, none straddles two */
			line /= 2;
		align = max(align, line);
	}
	return max(align, (unsigned)ARCH_KMALLOC_MINALIGN);
}

static void cache_setup(struct kmem_cache *s, const char *name, unsigned size, unsigned align,
			slab_flags_t flags, void (*ctor)(void *))
{
	int nid;

	memset(s, 0, offsetof(struct kmem_cache, cpu));	/* what is behind it, the CPUs and nodes, is set below */
	s->node = s == &cache_cache ? cache_nodes : (struct kmem_cache_node *)&s->cpu[nr_cpu_ids];
	s->self = s;
	s->name = name;
	s->object_size = size;
	s->align = cache_align(size, align, flags);
	s->size = ALIGN(size, s->align);
	s->flags = flags;
	s->gfp = (flags & SLAB_CACHE_DMA ? __GFP_DMA : 0) |
		 (flags & SLAB_RECLAIM_ACCOUNT ? __GFP_RECLAIMABLE : 0);
	s->ctor = ctor;
	slab_geometry(s);
	magazine_limits(s);
	for (nid = 0; nid < num_online_nodes(); nid++)
		slab_node_init(&s->node[nid]);
}

/* Under slab_caches_lock. */
static bool name_taken(const char *name)
{
	struct kmem_cache *s;

	for_each_cache(s)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

static void cache_release(struct kmem_cache *s)
{
	s->num = 0;		/* whoever goes on using it is told so */
	if (!cache_free_slow(&cache_cache, virt_to_page(s), s))
		mm_panic("cache %p is no object in use of kmem_cache", (void *)s);
}

struct kmem_cache *cache_make(const char *name, unsigned size, unsigned align, slab_flags_t flags,
			      void (*ctor)(void *))
{
	struct kmem_cache *s = slab_alloc_slow(&cache_cache, GFP_KERNEL, _RET_IP_);
	unsigned long irq;
	bool taken;

	if (!s)
		return NULL;
	cache_setup(s, name, size, align, flags, ctor);
	irq = spin_lock_irqsave(&slab_caches_lock);
	taken = name_taken(name);
	if (!taken)
		list_add_tail(&s->list, &slab_caches);
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	if (!taken)
		return s;
	cache_release(s);
	return NULL;
}

/* What is wrong with the arguments; NULL: nothing. */
static const char *create_error(const char *name, unsigned size, unsigned align, slab_flags_t flags)
{
	unsigned long irq;
	bool taken;

	if (!name || !*name)
		return "a cache needs a name";
	if (strchr(name, ' ') || strchr(name, '\t') || strchr(name, '\n'))
		return "blanks in the name";
	if (size == 0 || size > KMALLOC_MAX_SIZE / 2)
		return "size out of range";
	if ((align & (align - 1)) || align > PAGE_SIZE)
		return "alignment is not a power of two, or beyond a page";
	if (flags & ~SLAB_FLAGS_KNOWN)
		return "unknown flags";
	irq = spin_lock_irqsave(&slab_caches_lock);
	taken = name_taken(name);
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return taken ? "the name is taken" : NULL;
}

static struct kmem_cache *create_checked(const char *name, unsigned size, unsigned align,
					 slab_flags_t flags, void (*ctor)(void *), unsigned long caller)
{
	const char *error;

	if (!slab_is_available()) {
		slab_refuse_early("kmem_cache_create", caller);
		return NULL;
	}
	if (preempt_count()) {
		misuse(MISUSE_CONTEXT, caller, "kmem_cache_create(%s): may sleep, but preemption is off",
		       name ? name : "NULL");
		return NULL;
	}
	error = create_error(name, size, align, flags);
	if (error) {
		misuse(MISUSE_ARGUMENT, caller, "kmem_cache_create(%s, size %u, align %u, flags 0x%x): %s",
		       name ? name : "NULL", size, align, flags, error);
		return NULL;
	}
	return cache_make(name, size, align, flags, ctor);
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align,
				     slab_flags_t flags, void (*ctor)(void *))
{
	struct kmem_cache *s = create_checked(name, size, align, flags, ctor, _RET_IP_);

	if (!s && flags & SLAB_PANIC)
		mm_panic("kmem_cache_create(%s, size %u, align %u, flags 0x%x) failed", name ? name : "NULL",
			 size, align, flags);
	return s;
}

/* ---- giving back ---------------------------------------------------------------------- */

static unsigned long drain_one(struct kmem_cache *s)
{
	magazines_drain(s);
	return s->flags & SLAB_TYPESAFE_BY_RCU ? 0 : slabs_release(s, 0);
}

static struct kmem_cache *nth_cache(unsigned n)
{
	struct kmem_cache *s;

	for_each_cache(s)
		if (n-- == 0)
			return s;
	return NULL;
}

/* Leave @s (NULL: none) and go to the @i-th cache, which stays until it is left.  NULL: there is none. */
static struct kmem_cache *visit_next(struct kmem_cache *s, unsigned i)
{
	unsigned long irq = spin_lock_irqsave(&slab_caches_lock);

	if (s)
		s->visitors--;
	s = nth_cache(i);
	if (s)
		s->visitors++;
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return s;
}

static void leave(struct kmem_cache *s)
{
	unsigned long irq = spin_lock_irqsave(&slab_caches_lock);

	s->visitors--;
	spin_unlock_irqrestore(&slab_caches_lock, irq);
}

unsigned long slab_drain(struct kmem_cache *s)
{
	unsigned long pages = 0;
	unsigned i = 0;

	if (s)
		return drain_one(s);
	while ((s = visit_next(s, i++)))
		pages += drain_one(s);
	return pages + drain_one(magazine_cache);
}

void slab_drain_local(void)
{
	struct kmem_cache *s = NULL;

	for (unsigned i = 0; (s = visit_next(s, i)); i++)
		magazines_drain_local(s);
}

static unsigned long cache_nr_slabs(const struct kmem_cache *s, enum slab_list list)
{
	unsigned long n = 0;
	int nid;

	for (nid = 0; nid < num_online_nodes(); nid++)
		n += READ_ONCE(s->node[nid].nr_slabs[list]);
	return n;
}

static unsigned long cache_out(const struct kmem_cache *s)
{
	unsigned long n = 0;
	int nid;

	for (nid = 0; nid < num_online_nodes(); nid++)
		n += READ_ONCE(s->node[nid].out);
	return n;
}

/* Is @s a cache?  If not, say so; @obj: what @call is about, or NULL. */
static bool is_cache(const struct kmem_cache *s, const char *call, const void *obj, unsigned long caller)
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

int kmem_cache_shrink(struct kmem_cache *s)
{
	if (!is_cache(s, "kmem_cache_shrink", NULL, _RET_IP_))
		return -EINVAL;
	drain_one(s);
	return cache_nr_slabs(s, SLABS_FREE) != 0;
}

/* Under slab_caches_lock. */
static bool is_listed(const struct kmem_cache *s)
{
	const struct kmem_cache *it;

	for_each_cache(it)
		if (it == s)
			return true;
	return false;
}

static const char not_a_cache[] = "not a cache";

/* Visit @s in order to destroy it.  Return: what is against it; NULL: nothing. */
static const char *visit_to_destroy(struct kmem_cache *s)
{
	unsigned long irq = spin_lock_irqsave(&slab_caches_lock);
	const char *error = !is_listed(s) ? not_a_cache :
			    s->flags & SLAB_PERMANENT ? "a cache of the slab layer's own" : NULL;

	if (!error)
		s->visitors++;
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return error;
}

/* Leave @s, drained, and take it off the list.  False: objects are out, or another did it first (*@error). */
static bool unlist(struct kmem_cache *s, const char **error)
{
	unsigned long irq = spin_lock_irqsave(&slab_caches_lock);
	bool gone;

	s->visitors--;
	*error = is_listed(s) ? NULL : not_a_cache;
	gone = !*error && !cache_out(s);
	if (gone)
		list_del(&s->list);
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return gone;
}

static void destroy_refuse(struct kmem_cache *s, const char *error, unsigned long caller)
{
	if (error)
		misuse(error == not_a_cache ? MISUSE_FOREIGN : MISUSE_ARGUMENT, caller, "kmem_cache_destroy(%p): %s",
		       (void *)s, error);
	else
		misuse(MISUSE_BUSY, caller, "kmem_cache_destroy(%s): %lu objects in use, %p is one of them", s->name,
		       cache_out(s), slab_first_used(s));
}

void kmem_cache_destroy(struct kmem_cache *s)
{
	unsigned long caller = _RET_IP_;
	const char *error;

	if (!s)
		return;
	if (preempt_count()) {
		misuse(MISUSE_CONTEXT, caller, "kmem_cache_destroy(%p): may sleep, but preemption is off", (void *)s);
		return;
	}
	error = visit_to_destroy(s);
	if (!error)
		drain_one(s);
	if (error || !unlist(s, &error)) {
		destroy_refuse(s, error, caller);
		return;
	}
	while (READ_ONCE(s->visitors))
		port_yield();
	slabs_release(s, 0);
	cache_release(s);
}

/* ---- objects ----------------------------------------------------------------------------- */

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
	is_cache(s, "kmem_cache_alloc", NULL, caller);
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
		is_cache(s, "kmem_cache_alloc_bulk", NULL, _RET_IP_);
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

static __noinline void cache_free_or_refuse(struct kmem_cache *s, void *obj, unsigned long caller)
{
	struct page *page = slab_page_of(obj);

	if (page && page_slab_cache(page) == s && cache_free_slow(s, page, obj))
		return;
	if (obj && (!slab_is_available() || is_cache(s, "kmem_cache_free", obj, caller)))
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

unsigned kmem_cache_size(const struct kmem_cache *s)
{
	return is_cache(s, "kmem_cache_size", NULL, _RET_IP_) ? s->object_size : 0;
}

const char *kmem_cache_name(const struct kmem_cache *s)
{
	return is_cache(s, "kmem_cache_name", NULL, _RET_IP_) ? s->name : "(no cache)";
}

/* ---- bootstrap ------------------------------------------------------------------------------ */

void kmem_cache_init(void)
{
	/* These two do without magazines: there are none before they work. */
	cache_setup(&cache_cache, "kmem_cache", kmem_cache_bytes(), CPU_SLOT, SLAB_PERMANENT | SLAB_NO_MAGAZINE, NULL);
	list_add(&cache_cache.list, &slab_caches);
	magazine_cache = cache_make("magazine", sizeof(struct magazine), 0, SLAB_PERMANENT | SLAB_NO_MAGAZINE, NULL);
	if (!magazine_cache)
		mm_panic("kmem_cache_init: no memory for the first %u bytes", kmem_cache_bytes());
	kmalloc_init();
	slab_direct_bytes = (unsigned long)high_memory - PAGE_OFFSET;
	drain_slabs = slab_drain;
}

/* ---- looking ---------------------------------------------------------------------------------- */

void slab_for_each(bool (*fn)(struct kmem_cache *s, void *arg), void *arg)
{
	struct kmem_cache *s = NULL;

	for (unsigned i = 0; (s = visit_next(s, i)); i++)
		if (!fn(s, arg)) {
			leave(s);
			return;
		}
}

void slab_get_info(struct kmem_cache *s, struct slabinfo *info)
{
	unsigned long cached = magazines_count(s), out = cache_out(s);

	*info = (struct slabinfo){
		.name = s->name,
		.active_objs = out > cached ? out - cached : 0,
		.objsize = s->size,
		.objects_per_slab = s->num,
		.pages_per_slab = 1u << s->order,
		.limit = 2 * s->magazine_rounds,
		.batchcount = s->magazine_rounds,
		.slabs_full = cache_nr_slabs(s, SLABS_FULL),
		.slabs_partial = cache_nr_slabs(s, SLABS_PARTIAL),
		.slabs_free = cache_nr_slabs(s, SLABS_FREE),
	};
	info->active_slabs = info->slabs_full + info->slabs_partial;
	info->num_slabs = info->active_slabs + info->slabs_free;
	info->num_objs = info->num_slabs * s->num;
}

static int check_geometry(const struct kmem_cache *s)
{
	unsigned long bytes = PAGE_SIZE << s->order, end = s->states_in_page ? bytes : s->map_offset;
	unsigned long idx;

	if (s->self != s || s->offset_mask != bytes - 1 || (unsigned long)s->num * s->size > end ||
	    (!s->states_in_page && s->map_offset + DIV_ROUND_UP(bytes, s->size) > bytes))
		return 21;
	if (!slab_index(s, 0, &idx) || idx != 0 || slab_index(s, 1, &idx))
		return 21;
	if (!slab_index(s, (unsigned long)(s->num - 1) * s->size, &idx) || idx != s->num - 1)
		return 21;
	return 0;
}

/* C.2 of one cache that is on the list. */
static int check_listed(const struct kmem_cache *s)
{
	const struct kmem_cache *it;
	struct place pl;

	for_each_cache(it)
		if (it != s && strcmp(it->name, s->name) == 0)
			return 22;
	if (s == &cache_cache)
		return slab_caches.next == &s->list ? 0 : 22;
	place_find(&pl, s);
	return pl.kind == PLACE_OBJECT && pl.s == &cache_cache && pl.state == OBJ_USED ? 0 : 22;
}

static int check_cache(struct kmem_cache *s)
{
	unsigned long irq = arch_irq_save(), cached;
	int broken = check_geometry(s), magazine;

	if (!broken)
		broken = slab_check_slabs(s, &cached);
	if (!broken) {
		magazine = magazine_check(s, cached);
		broken = magazine ? 10 + magazine : 0;
	}
	arch_irq_restore(irq);
	return broken;
}

/* Under slab_caches_lock. */
static int check_pages(void)
{
	unsigned long pages = READ_ONCE(kmalloc_large_pages);
	struct kmem_cache *s;
	struct zone *z;
	long counted = 0;
	int list;

	for_each_cache(s)
		for (list = 0; list < NR_SLAB_LISTS; list++)
			pages += cache_nr_slabs(s, (enum slab_list)list) << s->order;
	for_each_zone(z)
		counted += READ_ONCE(z->vm_stat[NR_SLAB_UNRECLAIMABLE]);
	return counted == (long)pages ? 0 : 23;
}

int slab_check(struct kmem_cache *s)
{
	unsigned long irq;
	int broken = 0;

	if (s)
		return check_cache(s);
	irq = spin_lock_irqsave(&slab_caches_lock);
	for_each_cache(s) {
		broken = check_cache(s);
		if (!broken)
			broken = check_listed(s);
		if (broken)
			break;
	}
	if (!broken)
		broken = check_pages();
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return broken;
}
