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
 * Cost: create and destroy O(caches).  Their objects: object.c.
 *
 * Where it differs from Linux: caches of like objects are never merged, so a
 * report names the cache that you made; a cache with objects in use survives
 * kmem_cache_destroy(); there is no RCU, and a cache that is
 * SLAB_TYPESAFE_BY_RCU keeps its slabs until it is destroyed.
 */
#include "slab_internal.h"

#include <quarry/port.h>
#include <quarry/string.h>

LIST_HEAD(slab_caches);
static spinlock_t slab_caches_lock = SPINLOCK_INIT;
struct kmem_cache cache_cache;	/* room for every CPU there could be */
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
			      void (*ctor)(void *), const char **error)
{
	struct kmem_cache *s = slab_alloc_slow(&cache_cache, GFP_KERNEL, _RET_IP_);
	unsigned long irq;
	bool taken;

	*error = NULL;
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
	*error = "the name is taken";
	cache_release(s);
	return NULL;
}

/* What is wrong with the arguments; NULL: nothing. */
static const char *create_error(const char *name, unsigned size, unsigned align, slab_flags_t flags)
{
	if (!name || !*name)
		return "a cache needs a name";
	if (strchr(name, ' ') || strchr(name, '\t') || strchr(name, '\n'))
		return "blanks in the name";
	if (size == 0 || size > KMALLOC_MAX_SIZE / 2)
		return "size out of range";
	if ((align & (align - 1)) || align > PAGE_SIZE)
		return "alignment is not a power of two, or beyond a page";
	return flags & ~SLAB_FLAGS_KNOWN ? "unknown flags" : NULL;
}

static struct kmem_cache *create_checked(const char *name, unsigned size, unsigned align,
					 slab_flags_t flags, void (*ctor)(void *), unsigned long caller)
{
	struct kmem_cache *s = NULL;
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
	if (!error)
		s = cache_make(name, size, align, flags, ctor, &error);
	if (error)
		misuse(MISUSE_ARGUMENT, caller, "kmem_cache_create(%s, size %u, align %u, flags 0x%x): %s",
		       name ? name : "NULL", size, align, flags, error);
	return s;
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

int kmem_cache_shrink(struct kmem_cache *s)
{
	if (!slab_is_cache(s, "kmem_cache_shrink", NULL, _RET_IP_))
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

enum unlisted { UNLISTED, OBJECTS_OUT, WAS_ANOTHER, ASK_AGAIN };

/*
 * Leave @s, drained, and take it off the list.  ASK_AGAIN: objects are out, but others visit it, too,
 * and what a drain has in its hands just now counts as out: the visit goes on.
 */
static enum unlisted unlist(struct kmem_cache *s)
{
	unsigned long irq = spin_lock_irqsave(&slab_caches_lock);
	enum unlisted what = !is_listed(s) ? WAS_ANOTHER : !cache_out(s) ? UNLISTED :
			     s->visitors > 1 ? ASK_AGAIN : OBJECTS_OUT;

	if (what != ASK_AGAIN)
		s->visitors--;
	if (what == UNLISTED)
		list_del(&s->list);
	spin_unlock_irqrestore(&slab_caches_lock, irq);
	return what;
}

/* The visit to its end. */
static enum unlisted drain_and_unlist(struct kmem_cache *s)
{
	enum unlisted what;

	for (;;) {
		drain_one(s);
		what = unlist(s);
		if (what != ASK_AGAIN)
			return what;
		port_yield();
	}
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
	enum unlisted what;
	const char *error;

	if (!s)
		return;
	if (preempt_count()) {
		misuse(MISUSE_CONTEXT, caller, "kmem_cache_destroy(%p): may sleep, but preemption is off", (void *)s);
		return;
	}
	error = visit_to_destroy(s);
	what = error ? WAS_ANOTHER : drain_and_unlist(s);
	if (what != UNLISTED) {
		destroy_refuse(s, error ? error : what == WAS_ANOTHER ? not_a_cache : NULL, caller);
		return;
	}
	while (READ_ONCE(s->visitors))
		port_yield();
	slabs_release(s, 0);
	cache_release(s);
}

/* ---- bootstrap ------------------------------------------------------------------------------ */

void kmem_cache_init(void)
{
	const char *error;

	/* These two do without magazines: there are none before they work. */
	cache_setup(&cache_cache, "kmem_cache", kmem_cache_bytes(), CPU_SLOT, SLAB_PERMANENT | SLAB_NO_MAGAZINE, NULL);
	list_add(&cache_cache.list, &slab_caches);
	magazine_cache = cache_make("magazine", sizeof(struct magazine), 0, SLAB_PERMANENT | SLAB_NO_MAGAZINE, NULL,
				    &error);
	if (!magazine_cache)
		mm_panic("kmem_cache_init: no memory for the first %u bytes", kmem_cache_bytes());
	kmalloc_init();
	slab_direct_bytes = (unsigned long)high_memory - PAGE_OFFSET;
	drain_slabs = slab_drain;
}

/* ---- looking ---------------------------------------------------------------------------------- */

unsigned kmem_cache_size(const struct kmem_cache *s)
{
	return slab_is_cache(s, "kmem_cache_size", NULL, _RET_IP_) ? s->object_size : 0;
}

const char *kmem_cache_name(const struct kmem_cache *s)
{
	return slab_is_cache(s, "kmem_cache_name", NULL, _RET_IP_) ? s->name : "(no cache)";
}

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
