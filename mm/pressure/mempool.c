/* SPDX-License-Identifier: MIT */
/*
 * mempool.c: a reserve of elements, so that who may wait always gets one.
 *
 * Idea.  To free memory a kernel must do things that need memory: to write a page out it takes a
 * request.  If that may fail, or waits for memory to be freed, nothing goes on.  So some elements are set
 * aside beforehand.  No matter how short memory is, so many can be under way, and each that is done
 * serves the next.
 *
 *	mempool_alloc	1. the allocator, without its reserves and without reclaim
 *			2. the reserve
 *			3. the allocator, with reclaim		__GFP_WAIT only, here and below
 *			4. sleep until one comes back to the reserve
 *	mempool_free	reserve not full: there, and wake who sleeps; else to the allocator
 *
 * The allocator comes first so that the reserve is full when it is needed; without its
 * reserves, because this is one, and what lies in those is for who has none.
 *
 * Why nobody waits for ever.  R.2: what is in the reserve and what is out is never less than min_nr.
 * Who sleeps has found it empty, so at least min_nr >= 1 elements are out; the first that is freed
 * finds room in the reserve.  No time limit is needed, only that users free what they took without
 * waiting for a second element of the same pool.  Example, min_nr 2, no memory:
 *
 *	A, B take both	reserve 0, out 2	C sleeps
 *	A frees		reserve 1, out 1	C wakes, takes it: reserve 0, out 2
 *
 * To look whether one is there and to fall asleep is one step, under the pool's lock, which port_sleep_on()
 * gives away; a free puts its element there under the same lock before it wakes.  All who sleep are
 * woken, one finds it, the others sleep again.
 *
 * Invariants (mempool_check)
 *
 *  R.1	1 <= min_nr, 0 <= curr_nr <= min_nr
 *  R.2	curr_nr + out >= min_nr
 *  R.3	The elements in reserve are not NULL, and no two the same; those of a pool of objects, of
 *	kmalloc, of pages are in use, to their allocator.
 *
 * Locking: pool->lock for the reserve and the counts; neither function of the pool is called
 * under it.  pools_lock, outside it, for the list of all.
 * Failure: creating and growing: everything as it was.  Cost: O(1); a free looks through the reserve, O(min_nr).
 *
 * Where it differs from Linux: what was taken and not freed is counted, so a destroyed pool with
 * elements out is found, and kept; a second free is refused; a pool of none is refused; growing gets all
 * of its new elements or none; nobody looks again every five seconds.
 */
#include <quarry/mempool.h>
#include <quarry/numa.h>
#include <quarry/port.h>
#include <quarry/report.h>
#include <quarry/string.h>

static LIST_HEAD(pools);
static spinlock_t pools_lock = SPINLOCK_INIT;

/* ---- pools of what there is ------------------------------------------------------ */

void *mempool_alloc_slab(gfp_t gfp, void *pool_data)
{
	return kmem_cache_alloc(pool_data, gfp);
}

void mempool_free_slab(void *element, void *pool_data)
{
	kmem_cache_free(pool_data, element);
}

void *mempool_kmalloc(gfp_t gfp, void *pool_data)
{
	return kmalloc((size_t)pool_data, gfp);
}

void mempool_kfree(void *element, void *pool_data)
{
	(void)pool_data;
	kfree(element);
}

void *mempool_alloc_pages(gfp_t gfp, void *pool_data)
{
	return alloc_pages(gfp, (unsigned)(unsigned long)pool_data);
}

void mempool_free_pages(void *element, void *pool_data)
{
	__free_pages(element, (unsigned)(unsigned long)pool_data);
}

/* ---- what may be wrong ------------------------------------------------------------- */

/* Is @page a block in use of @order?  If not, why: *@kind. */
static bool block_in_use(const struct page *page, unsigned order, enum misuse *kind)
{
	*kind = !page_valid(page) ? MISUSE_FOREIGN : PageReserved(page) ? MISUSE_RESERVED :
		PageTail(page) ? MISUSE_TAIL : PageSlab(page) ? MISUSE_WRONG_LAYER :
		!page_count(page) ? MISUSE_DOUBLE_FREE : page->order != order ? MISUSE_WRONG_ORDER : NR_MISUSE;
	return *kind == NR_MISUSE;
}

static bool expect_block(const struct page *page, unsigned order, unsigned long caller)
{
	enum misuse kind;

	if (block_in_use(page, order, &kind))
		return true;
	misuse(kind, caller, "mempool_free(%p): not a block of order %u in use, as this pool's elements are",
	       (const void *)page, order);
	return false;
}

static bool expect_kmalloc(const void *p, size_t size, unsigned long caller)
{
	if (!slab_expect("mempool_free", NULL, p, caller))
		return false;
	if (ksize(p) >= size)
		return true;
	misuse(MISUSE_WRONG_CACHE, caller, "mempool_free(%p): has room for %lu bytes, this pool's elements for %lu", p,
	       (unsigned long)ksize(p), (unsigned long)size);
	return false;
}

/* Can it be an element of this pool?  If not, it was said.  We do not know what others' functions make. */
static bool expect_element(const mempool_t *pool, const void *element, unsigned long caller)
{
	if (pool->free == mempool_free_slab)
		return slab_expect("mempool_free", pool->pool_data, element, caller);
	if (pool->free == mempool_kfree)
		return expect_kmalloc(element, (size_t)pool->pool_data, caller);
	if (pool->free == mempool_free_pages)
		return expect_block(element, (unsigned)(unsigned long)pool->pool_data, caller);
	return true;
}

static bool refuse(const char *call, enum misuse kind, const mempool_t *pool, unsigned long caller, const char *why)
{
	misuse(kind, caller, "%s(pool %p): %s", call, (const void *)pool, why);
	return true;
}

/* Is @pool none that @call may work on? */
static bool no_pool(const char *call, const mempool_t *pool, unsigned long caller)
{
	return !pool || !READ_ONCE(pool->elements) ?
	       refuse(call, MISUSE_ARGUMENT, pool, caller, "no pool, or one that was destroyed") : false;
}

static bool may_not_sleep(const char *call, const mempool_t *pool, unsigned long caller)
{
	return preempt_count() ? refuse(call, MISUSE_CONTEXT, pool, caller, "may sleep, but this is an interrupt, or "
					"preemption is off") : false;
}

/* ---- the reserve: under the pool's lock ----------------------------------------------- */

static void *reserve_take(mempool_t *pool)
{
	if (!pool->curr_nr)
		return NULL;
	pool->out++;
	return pool->elements[--pool->curr_nr];
}

static bool reserve_has(const mempool_t *pool, const void *element)
{
	for (int i = 0; i < pool->curr_nr; i++)
		if (pool->elements[i] == element)
			return true;
	return false;
}

/* What becomes of an element that is given back. */
enum came_back { TO_RESERVE, TO_ALLOCATOR, TWICE, TOO_MANY };

static enum came_back take_back(mempool_t *pool, void *element)
{
	if (reserve_has(pool, element))
		return TWICE;
	if (!pool->out)
		return TOO_MANY;
	pool->out--;
	if (pool->curr_nr == pool->min_nr)
		return TO_ALLOCATOR;
	pool->elements[pool->curr_nr++] = element;
	return TO_RESERVE;
}

/* ---- elements ------------------------------------------------------------------------ */

static void *from_allocator(mempool_t *pool, gfp_t gfp)
{
	void *element = pool->alloc(gfp, pool->pool_data);
	unsigned long flags;

	if (element) {
		flags = spin_lock_irqsave(&pool->lock);
		pool->out++;
		spin_unlock_irqrestore(&pool->lock, flags);
	}
	return element;
}

static void *from_reserve(mempool_t *pool)
{
	unsigned long flags = spin_lock_irqsave(&pool->lock);
	void *element = reserve_take(pool);

	spin_unlock_irqrestore(&pool->lock, flags);
	return element;
}

/* The next that comes back.  NULL: here nobody can sleep. */
static void *wait_for_one(mempool_t *pool)
{
	unsigned long flags;
	void *element;

	if (!port_can_sleep())
		return NULL;
	flags = spin_lock_irqsave(&pool->lock);
	while (!(element = reserve_take(pool)))
		flags = port_sleep_on(pool, &pool->lock, flags);
	spin_unlock_irqrestore(&pool->lock, flags);
	return element;
}

void *mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	gfp_t patient = (gfp & ~(__GFP_NOFAIL | __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC)) |
			__GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
	void *element;

	if (no_pool("mempool_alloc", pool, _RET_IP_) ||
	    (gfp & __GFP_WAIT && may_not_sleep("mempool_alloc", pool, _RET_IP_)) ||
	    (gfp & __GFP_ZERO && refuse("mempool_alloc", MISUSE_GFP, pool, _RET_IP_,
					"__GFP_ZERO: an element of the reserve is as it was left")))
		return NULL;
	element = from_allocator(pool, patient & ~__GFP_WAIT);
	if (!element)
		element = from_reserve(pool);
	if (element || !(gfp & __GFP_WAIT))
		return element;
	element = from_allocator(pool, patient);
	if (!element)
		element = wait_for_one(pool);
	if (!element)
		report_alloc_failure("mempool_alloc where nobody can sleep", gfp, 0, 0, _RET_IP_);
	return element;
}

void *mempool_alloc_preallocated(mempool_t *pool)
{
	return no_pool("mempool_alloc_preallocated", pool, _RET_IP_) ? NULL : from_reserve(pool);
}

void mempool_free(void *element, mempool_t *pool)
{
	enum came_back what;
	unsigned long flags;

	if (!element || no_pool("mempool_free", pool, _RET_IP_) || !expect_element(pool, element, _RET_IP_))
		return;
	flags = spin_lock_irqsave(&pool->lock);
	what = take_back(pool, element);
	spin_unlock_irqrestore(&pool->lock, flags);
	if (what == TO_RESERVE)
		port_wakeup(pool);
	else if (what == TO_ALLOCATOR)
		pool->free(element, pool->pool_data);
	else
		misuse(what == TWICE ? MISUSE_DOUBLE_FREE : MISUSE_UNBALANCED, _RET_IP_, "mempool_free(%p, pool %p): %s",
		       element, (void *)pool, what == TWICE ? "double free: it is in the reserve already" :
		       "all that were taken from this pool were freed already");
}

/* ---- pools ------------------------------------------------------------------------------ */

/* Free the first @nr of @elements, the array not. */
static void free_elements(const mempool_t *pool, void **elements, int nr)
{
	while (nr)
		pool->free(elements[--nr], pool->pool_data);
}

/* Make @nr of them, or none. */
static bool make_elements(const mempool_t *pool, void **elements, int nr, gfp_t gfp)
{
	for (int i = 0; i < nr; i++) {
		elements[i] = pool->alloc(gfp, pool->pool_data);
		if (!elements[i]) {
			free_elements(pool, elements, i);
			return false;
		}
	}
	return true;
}

/* An array for @room elements that holds @nr new ones; NULL: no memory. */
static void **make_array(const mempool_t *pool, int room, int nr, gfp_t gfp, int nid)
{
	size_t bytes;
	void **array = __builtin_mul_overflow((size_t)room, sizeof(void *), &bytes) ? NULL : kmalloc_node(bytes, gfp, nid);

	if (array && !make_elements(pool, array, nr, gfp)) {
		kfree(array);
		array = NULL;
	}
	return array;
}

static bool init_refused(const char *call, const mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn,
			 mempool_free_t *free_fn, const void *pool_data, unsigned long caller)
{
	if (min_nr < 1)
		return refuse(call, MISUSE_ARGUMENT, pool, caller, "a reserve of less than one element");
	if (!alloc_fn || !free_fn)
		return refuse(call, MISUSE_ARGUMENT, pool, caller, "without both functions");
	if (alloc_fn == mempool_kmalloc && !pool_data)
		return refuse(call, MISUSE_SIZE, pool, caller, "elements of no bytes: no two are told apart");
	return false;
}

static int init_pool(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
		     void *pool_data, gfp_t gfp, int nid)
{
	unsigned long flags;

	*pool = (mempool_t){ .min_nr = min_nr, .curr_nr = min_nr, .pool_data = pool_data,
			     .alloc = alloc_fn, .free = free_fn };
	pool->elements = make_array(pool, min_nr, min_nr, gfp, nid);
	if (!pool->elements)
		return -ENOMEM;
	flags = spin_lock_irqsave(&pools_lock);
	list_add_tail(&pool->link, &pools);
	spin_unlock_irqrestore(&pools_lock, flags);
	return 0;
}

int mempool_init_node(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn,
		      void *pool_data, gfp_t gfp, int nid)
{
	if (init_refused("mempool_init_node", pool, min_nr, alloc_fn, free_fn, pool_data, _RET_IP_))
		return -EINVAL;
	return init_pool(pool, min_nr, alloc_fn, free_fn, pool_data, gfp, nid);
}

int mempool_init(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data)
{
	if (init_refused("mempool_init", pool, min_nr, alloc_fn, free_fn, pool_data, _RET_IP_))
		return -EINVAL;
	return init_pool(pool, min_nr, alloc_fn, free_fn, pool_data, GFP_KERNEL, NUMA_NO_NODE);
}

static mempool_t *create_pool(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data,
			      gfp_t gfp, int nid)
{
	mempool_t *pool = kmalloc_node(sizeof(*pool), gfp, nid);

	if (pool && init_pool(pool, min_nr, alloc_fn, free_fn, pool_data, gfp, nid)) {
		kfree(pool);
		pool = NULL;
	}
	return pool;
}

mempool_t *mempool_create_node(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data,
			       gfp_t gfp, int nid)
{
	if (init_refused("mempool_create_node", NULL, min_nr, alloc_fn, free_fn, pool_data, _RET_IP_))
		return NULL;
	return create_pool(min_nr, alloc_fn, free_fn, pool_data, gfp, nid);
}

mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn, mempool_free_t *free_fn, void *pool_data)
{
	if (init_refused("mempool_create", NULL, min_nr, alloc_fn, free_fn, pool_data, _RET_IP_))
		return NULL;
	return create_pool(min_nr, alloc_fn, free_fn, pool_data, GFP_KERNEL, NUMA_NO_NODE);
}

/* The reserve and the array are freed, and @pool is none any more.  False: refused, as elements are out. */
static bool exit_pool(const char *call, mempool_t *pool, unsigned long caller)
{
	unsigned long flags = spin_lock_irqsave(&pool->lock), out = pool->out;
	void **elements = pool->elements;
	int nr = pool->curr_nr;

	if (!out)
		WRITE_ONCE(pool->elements, NULL);
	spin_unlock_irqrestore(&pool->lock, flags);
	if (out) {
		misuse(MISUSE_BUSY, caller, "%s(pool %p): %lu elements are in use", call, (void *)pool, out);
		return false;
	}
	flags = spin_lock_irqsave(&pools_lock);
	list_del(&pool->link);
	spin_unlock_irqrestore(&pools_lock, flags);
	free_elements(pool, elements, nr);
	kfree(elements);
	return true;
}

void mempool_exit(mempool_t *pool)
{
	if (pool->elements)
		exit_pool("mempool_exit", pool, _RET_IP_);
}

void mempool_destroy(mempool_t *pool)
{
	if (pool && !no_pool("mempool_destroy", pool, _RET_IP_) && exit_pool("mempool_destroy", pool, _RET_IP_))
		kfree(pool);
}

/* ---- another size -------------------------------------------------------------------------- */

/* Everything that can fail comes first. */
static int grow(mempool_t *pool, int nr)
{
	int more = nr - pool->min_nr;
	void **larger = make_array(pool, nr, more, GFP_KERNEL, NUMA_NO_NODE), **old;
	unsigned long flags;

	if (!larger)
		return -ENOMEM;
	flags = spin_lock_irqsave(&pool->lock);
	old = pool->elements;
	memcpy(larger + more, old, (size_t)pool->curr_nr * sizeof(*old));
	WRITE_ONCE(pool->elements, larger);
	pool->curr_nr += more;
	pool->min_nr = nr;
	spin_unlock_irqrestore(&pool->lock, flags);
	port_wakeup(pool);
	kfree(old);
	return 0;
}

/* The surplus goes; from here on none comes back beyond @nr. */
static void shrink(mempool_t *pool, int nr)
{
	unsigned long flags = spin_lock_irqsave(&pool->lock);
	void *element;

	while (pool->curr_nr > nr) {
		element = pool->elements[--pool->curr_nr];
		pool->min_nr = pool->curr_nr;
		spin_unlock_irqrestore(&pool->lock, flags);
		pool->free(element, pool->pool_data);
		flags = spin_lock_irqsave(&pool->lock);
	}
	pool->min_nr = nr;
	spin_unlock_irqrestore(&pool->lock, flags);
}

int mempool_resize(mempool_t *pool, int new_min_nr)
{
	int error = 0;

	if (no_pool("mempool_resize", pool, _RET_IP_) || may_not_sleep("mempool_resize", pool, _RET_IP_) ||
	    (new_min_nr < 1 && refuse("mempool_resize", MISUSE_ARGUMENT, pool, _RET_IP_,
				      "to a reserve of less than one element")))
		return -EINVAL;
	if (__atomic_exchange_n(&pool->resizing, true, __ATOMIC_ACQUIRE)) {
		refuse("mempool_resize", MISUSE_BUSY, pool, _RET_IP_, "is being resized by another");
		return -EBUSY;
	}
	if (new_min_nr > pool->min_nr)
		error = grow(pool, new_min_nr);
	else
		shrink(pool, new_min_nr);
	__atomic_store_n(&pool->resizing, false, __ATOMIC_RELEASE);
	return error;
}

/* ---- checking ---------------------------------------------------------------------------------- */

static bool element_sound(const mempool_t *pool, const void *element)
{
	enum misuse kind;

	if (pool->free == mempool_free_slab)
		return slab_in_use(pool->pool_data, element);
	if (pool->free == mempool_kfree)
		return slab_in_use(NULL, element);
	if (pool->free == mempool_free_pages)
		return block_in_use(element, (unsigned)(unsigned long)pool->pool_data, &kind);
	return element != NULL;
}

/* Under its lock. */
static int check_pool(const mempool_t *pool)
{
	if (pool->min_nr < 1 || pool->curr_nr < 0 || pool->curr_nr > pool->min_nr)
		return 1;
	if ((unsigned long)pool->curr_nr + pool->out < (unsigned long)pool->min_nr)
		return 2;
	for (int i = 0; i < pool->curr_nr; i++) {
		if (!element_sound(pool, pool->elements[i]))
			return 3;
		for (int j = 0; j < i; j++)
			if (pool->elements[j] == pool->elements[i])
				return 3;
	}
	return 0;
}

int mempool_check(mempool_t *pool)
{
	unsigned long flags = spin_lock_irqsave(&pools_lock);
	mempool_t *each;
	int broken = 0;

	list_for_each_entry(each, &pools, link) {
		if (pool && each != pool)
			continue;
		spin_lock(&each->lock);
		if (each->elements)		/* it may be on its way out */
			broken = check_pool(each);
		spin_unlock(&each->lock);
		if (broken)
			break;
	}
	spin_unlock_irqrestore(&pools_lock, flags);
	return broken;
}
