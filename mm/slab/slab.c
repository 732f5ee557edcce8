/* SPDX-License-Identifier: MIT */
/*
 * slab.c: one slab, a block of pages cut into objects of one size, and the
 * three lists of slabs that a cache has on each node (row D2).
 *
 * The idea
 *
 * What a slab must know of itself is in the struct pages of its pages, and one
 * byte for each object, its state.  Nothing is ever written into an object that
 * is free: a constructor's work survives, whoever writes to freed memory harms
 * no list of ours, and a second free is seen at once, because the state says
 * so.  And there is no descriptor to allocate: growing the heap needs pages,
 * never the heap.
 *
 *	a slab of kmalloc-64, one page		mem_map, the same page
 *	+--------+--------+--   --+---------+	flags		PG_slab
 *	| obj 0  | obj 1  |  ...  | obj 62  |	slab_word	-> kmalloc-64
 *	+--------+--------+--   --+---------+	states		-> state 0
 *	| states 0 ... 63, one byte each    |	inuse, objects	17, 63
 *	+-----------------------------------+	lru		slabs_partial
 *
 * There are as many states as an address in the slab can be multiples of the size; those
 * behind the last object's are NONE.  So an address is an object in use if, and only if,
 * it is a multiple and its state is USED.
 *
 * slab_word, PG_slab and states are set in every page of the slab, so that kfree()
 * looks at one struct page, that of the pointer: the state is states[index].  The word is
 * how far the cache is from no_cache, a cache without objects: in every other page of low
 * memory it is 0, and so each page leads to a cache that may be asked what is at a pointer.  The others
 * are in the first page, which aligned arithmetic finds: the page allocator's blocks are
 * aligned to their size.
 *
 * An object of half a page would lose a whole neighbour to a few states on the
 * slab.  So objects of at least PAGE_SIZE / sizeof(long) bytes (1024; 512 with
 * 64 bits) have theirs in the struct page of the page that they begin in: at most
 * sizeof(long) of them can, and own_states has a byte for each.  So that states[index]
 * is right there too, it points that much before own_states as objects begin before
 * this page.  kmalloc-3072, 4 of them on 3 pages, second page: object 2 is the first
 * to begin in it, states is own_states - 2.
 *
 * From pointer to object without dividing
 *
 * With reciprocal = 2^32 / size, rounded up, the high half of
 * offset * reciprocal is the index; the low half is the remainder's share, and
 * below the reciprocal only for whole multiples.  Size 192, reciprocal 22369622:
 *
 *	offset 384: 384 * 22369622 = 2 * 2^32 + 256	index 2, 256 < 22369622: begins there
 *	offset 385: 385 * 22369622 = 2 * 2^32 + 22369878	index 2, not below: inside object 2
 *
 * Exact while offset and size stay below 2^16.  A slab of one object is larger
 * perhaps; its reciprocal is 1, so that offset 0 alone is a whole multiple.
 *
 * Invariants (slab_check returns the number)
 *
 *  S.1	Every page of a slab has PG_slab and slab_word; the first has a count of 1, and
 *	more while somebody holds a reference.
 *  S.2	A slab is aligned to its size; objects is the cache's num; every page's states
 *	is right.
 *  S.3	Each object's state is FREE, CACHED or USED; each byte that is no object's
 *	is NONE.
 *  S.4	inuse is the number of objects that are not FREE.
 *  S.5	inuse == objects: on slabs_full; 0: on slabs_free; else on slabs_partial.
 *  S.6	nr_slabs[] is the length of each list.
 *  S.7	out is the sum of inuse.
 *
 * Locking: the node's lock for its lists, the counters, inuse, and for every
 * change of a state from or to FREE.  From CACHED to USED and back a state is
 * changed without a lock, by the CPU whose magazine it is in.  Nothing is
 * allocated and no constructor runs under the lock; the zone's lock is taken
 * after it has been released.
 *
 * Failure: cache_grow() is the only thing that can fail, before it changed anything.
 *
 * Cost: slabs_take reads the states of at most one slab in full for each object,
 * in words; slabs_put is O(1) an object.
 *
 * Where it differs from Linux: no free list, neither in the objects (SLUB) nor
 * as an array of indices (SLAB); no colouring of slabs: the first object begins
 * where the slab does, so that powers of two are aligned by nature.  Races of
 * two CPUs that free the same object in the same instant are found when the
 * object comes back to its slab for the second time, not before.
 */
#include "slab_internal.h"

#include <quarry/string.h>

#define STATES_FREE ((unsigned long)-1 / 0xff * OBJ_FREE)	/* the FREE bit of each byte of a word */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lowest bits of a word are its first byte");

void slab_refuse_early(const char *call, unsigned long caller)
{
	misuse(MISUSE_CONTEXT, caller, "%s: called before the slab layer is up: use memblock_alloc before mm_init",
	       call);
}

/* ---- the states of one slab ------------------------------------------------------ */

static inline unsigned long page_offset(const struct page *page)
{
	return (unsigned long)page_to_pfn(page) << PAGE_SHIFT;
}

static inline char *slab_address(const struct page *head)
{
	return __va((phys_addr_t)page_offset(head));
}

/* State of object @idx of the slab @head. */
static u8 *state_of(const struct kmem_cache *s, struct page *head, unsigned idx)
{
	return head[(unsigned long)idx * s->size >> PAGE_SHIFT].states + idx;
}

u8 *slab_states_of_page(const struct kmem_cache *s, struct page *head, unsigned i)
{
	if (!s->states_in_page)
		return (u8 *)slab_address(head) + s->map_offset;
	return (u8 *)((unsigned long)head[i].own_states - DIV_ROUND_UP(i * PAGE_SIZE, s->size));
}

/* All objects of a new slab are free. */
static void states_init(struct kmem_cache *s, struct page *head)
{
	u8 *map = head->states;
	unsigned i;

	for (i = 0; s->states_in_page && i < 1u << s->order; i++)
		memset(head[i].own_states, OBJ_NONE, sizeof(head[i].own_states));
	for (i = 0; s->states_in_page && i < s->num; i++)
		*state_of(s, head, i) = OBJ_FREE;
	if (!s->states_in_page) {
		memset(map, OBJ_FREE, s->num);
		memset(map + s->num, OBJ_NONE, (PAGE_SIZE << s->order) - s->map_offset - s->num);
	}
}

/* Move up to @want free objects to @top[-1], @top[-2] ...; states in the struct pages. */
static unsigned take_in_page(struct kmem_cache *s, struct page *head, struct round *top, unsigned want)
{
	char *obj = slab_address(head);
	unsigned i, got = 0;

	for (i = 0; i < s->num && got < want; i++, obj += s->size) {
		u8 *state = state_of(s, head, i);

		if (READ_ONCE(*state) != OBJ_FREE)
			continue;
		*state = OBJ_CACHED;
		got++;
		*--top = (struct round){ obj, state };
	}
	return got;
}

/* The same, states on the slab: a word of them at a time. */
static unsigned take_on_slab(struct kmem_cache *s, struct page *head, struct round *top, unsigned want)
{
	char *first = slab_address(head);
	u8 *map = head->states;
	unsigned i, got = 0;

	for (i = 0; i < s->num && got < want; i += sizeof(long)) {
		unsigned long bits = READ_ONCE(*(unsigned long *)(map + i)) & STATES_FREE;

		for (; bits && got < want; bits &= bits - 1, got++) {
			unsigned idx = i + ((unsigned)__builtin_ctzl(bits) >> 3);

			map[idx] = OBJ_CACHED;
			*--top = (struct round){ first + (unsigned long)idx * s->size, map + idx };
		}
	}
	return got;
}

static inline unsigned slab_take(struct kmem_cache *s, struct page *head, struct round *top, unsigned want)
{
	return s->states_in_page ? take_in_page(s, head, top, want) : take_on_slab(s, head, top, want);
}

/* ---- the three lists: these own them, and nr_slabs ----------------- */

static inline enum slab_list slab_list_for(const struct page *head)
{
	return head->inuse == 0 ? SLABS_FREE : head->inuse == head->objects ? SLABS_FULL : SLABS_PARTIAL;
}

static void slab_link(struct kmem_cache_node *n, struct page *head, enum slab_list to)
{
	list_add(&head->lru, &n->slabs[to]);
	n->nr_slabs[to]++;
}

static void slab_unlink(struct kmem_cache_node *n, struct page *head, enum slab_list from)
{
	list_del(&head->lru);
	n->nr_slabs[from]--;
}

/* @delta more objects are out of this slab: put it on the list that this calls for. */
static __always_inline void slab_count(struct kmem_cache_node *n, struct page *head, int delta)
{
	enum slab_list from = slab_list_for(head), to;

	n->out += (unsigned long)(long)delta;
	head->inuse = (u16)(head->inuse + delta);
	to = slab_list_for(head);
	if (from != to) {
		list_move(&head->lru, &n->slabs[to]);
		n->nr_slabs[from]--;
		n->nr_slabs[to]++;
	}
}

void slab_node_init(struct kmem_cache_node *n)
{
	int i;

	spin_lock_init(&n->lock);
	for (i = 0; i < NR_SLAB_LISTS; i++) {
		INIT_LIST_HEAD(&n->slabs[i]);
		n->nr_slabs[i] = 0;
	}
	n->out = 0;
}

/* Hold @to's lock instead of @held's (NULL: of none).  Interrupts off.  Return: @to. */
static inline struct kmem_cache_node *node_lock_instead(struct kmem_cache_node *held, struct kmem_cache_node *to)
{
	if (held == to)
		return to;
	if (held)
		spin_unlock(&held->lock);
	spin_lock(&to->lock);
	return to;
}

/* ---- slabs from pages, and back ------------------------------------------------------- */

/* Blocks of pages for up to @nr slabs, onto @fresh.  Return: false: none. */
static bool kmem_getpages(struct kmem_cache *s, gfp_t gfp, int node, unsigned nr, struct list_head *fresh)
{
	struct page *head;

	gfp = (gfp & ~(__GFP_ZERO | __GFP_COMP | GFP_MOVABLE_MASK)) | s->gfp;
	if (nr > 1 && node < 0)
		return alloc_blocks_bulk_list(gfp, s->order, nr, fresh) != 0;
	head = alloc_pages_node(node, gfp, s->order);
	if (head)
		list_add(&head->lru, fresh);
	return head != NULL;
}

/* Make a slab of a block of pages; counted when it is linked. */
static void slab_init(struct kmem_cache *s, struct page *head)
{
	unsigned i, pages = 1u << s->order;

	for (i = 0; i < pages; i++) {
		__SetPageSlab(head + i);
		head[i].slab_word = slab_word(s);
		head[i].states = slab_states_of_page(s, head, i);
	}
	head->inuse = 0;
	head->objects = (u16)s->num;
	states_init(s, head);
	for (i = 0; s->ctor && i < s->num; i++)
		s->ctor(slab_address(head) + (unsigned long)i * s->size);
}

/* Its pages are no slab any more. */
static void slab_fini(struct kmem_cache *s, struct page *head)
{
	unsigned i, pages = 1u << s->order;

	for (i = 0; i < pages; i++) {
		__ClearPageSlab(head + i);
		head[i].slab_word = 0;
		head[i].states = NULL;
		memset(head[i].own_states, 0, sizeof(head[i].own_states));
	}
	head->private = 0;
	head->order = (u8)s->order;
}

/* Account a slab's pages to (+1) or from (-1) its zone, when it is linked or unlinked for good. */
static void slab_account(struct kmem_cache *s, struct page *head, long sign)
{
	zone_stat_add(page_zone(head), NR_SLAB_UNRECLAIMABLE, sign * (1L << s->order));
}

bool cache_grow(struct kmem_cache *s, gfp_t gfp, int node, unsigned want)
{
	struct kmem_cache_node *n = NULL;
	unsigned long flags;
	struct page *head;
	LIST_HEAD(fresh);

	if (!kmem_getpages(s, gfp, node, DIV_ROUND_UP(want, s->num), &fresh))
		return false;
	list_for_each_entry(head, &fresh, lru)
		slab_init(s, head);
	flags = arch_irq_save();
	while (!list_empty(&fresh)) {
		head = list_last_entry(&fresh, struct page, lru);	/* so the first is used first */
		list_del(&head->lru);
		n = node_lock_instead(n, &s->node[page_to_nid(head)]);
		slab_link(n, head, SLABS_FREE);
		slab_account(s, head, 1);
	}
	spin_unlock(&n->lock);
	arch_irq_restore(flags);
	return true;
}

/* Move empty slabs of @n to @doomed until @keep are left.  Under the node's lock. */
static void collect_empty(struct kmem_cache *s, struct kmem_cache_node *n, unsigned long keep,
			  struct list_head *doomed)
{
	while (n->nr_slabs[SLABS_FREE] > keep) {
		struct page *head = list_last_entry(&n->slabs[SLABS_FREE], struct page, lru);

		slab_unlink(n, head, SLABS_FREE);
		slab_account(s, head, -1);
		list_add_tail(&head->lru, doomed);
	}
}

/* No lock held.  Return: pages given back. */
static unsigned long free_doomed(struct kmem_cache *s, struct list_head *doomed)
{
	unsigned long pages = 0;
	struct page *head;

	list_for_each_entry(head, doomed, lru) {
		slab_fini(s, head);
		pages += 1UL << s->order;
	}
	put_pages_list(doomed);
	return pages;
}

unsigned long slabs_release(struct kmem_cache *s, unsigned long keep)
{
	unsigned long flags, pages = 0;
	int nid;

	for (nid = 0; nid < num_online_nodes(); nid++) {
		struct kmem_cache_node *n = &s->node[nid];
		LIST_HEAD(doomed);

		flags = spin_lock_irqsave(&n->lock);
		collect_empty(s, n, keep, &doomed);
		spin_unlock_irqrestore(&n->lock, flags);
		pages += free_doomed(s, &doomed);
	}
	return pages;
}

/* ---- objects out of the slabs, and back --------------------------------------------- */

/* From partial slabs, then from free ones; as slabs_take(), from one node. */
static unsigned node_take(struct kmem_cache *s, struct kmem_cache_node *n, struct round *top, unsigned want)
{
	unsigned long flags = spin_lock_irqsave(&n->lock);
	unsigned got = 0;

	while (got < want) {
		struct list_head *from = &n->slabs[SLABS_PARTIAL];
		struct page *head;
		unsigned more;

		if (list_empty(from))
			from = &n->slabs[SLABS_FREE];
		if (list_empty(from))
			break;
		head = list_first_entry(from, struct page, lru);
		more = slab_take(s, head, top - got, want - got);
		if (unlikely(!more))
			mm_panic("slab %p of %s: %u of %u objects in use, but none is free", (void *)slab_address(head),
				 s->name, head->inuse, head->objects);
		slab_count(n, head, (int)more);
		got += more;
	}
	spin_unlock_irqrestore(&n->lock, flags);
	return got;
}

unsigned slabs_take(struct kmem_cache *s, int node, struct round *round, unsigned want)
{
	const u8 *nearest = NODE_DATA(numa_node_id())->nearest;
	unsigned got = 0;
	int i;

	if (node >= 0)
		got = node_take(s, &s->node[node], round + want, want);
	for (i = 0; node < 0 && i < num_online_nodes() && !got; i++)
		got = node_take(s, &s->node[nearest[i]], round + want, want);
	if (got && got < want)
		memmove(round, round + want - got, got * sizeof(*round));
	return got;
}

unsigned slab_take_rest(struct kmem_cache *s, const void *obj, struct round *round, unsigned want)
{
	struct page *head = slab_head(s, virt_to_page(obj));
	struct kmem_cache_node *n = &s->node[page_to_nid(head)];
	unsigned long flags = spin_lock_irqsave(&n->lock);

	want = min((unsigned)(head->objects - head->inuse), want);
	slab_take(s, head, round + want, want);
	slab_count(n, head, (int)want);
	spin_unlock_irqrestore(&n->lock, flags);
	return want;
}

static void slab_put(struct kmem_cache *s, struct kmem_cache_node *n, struct page *head,
		     const struct round *r)
{
	if (unlikely(*r->state != OBJ_CACHED))
		mm_panic("slab %p of %s: object %p comes back in state %u; freed on two CPUs at once?",
			 (void *)slab_address(head), s->name, r->obj, *r->state);
	*r->state = OBJ_FREE;
	slab_count(n, head, -1);
}

void slabs_put(struct kmem_cache *s, const struct round *round, unsigned n)
{
	unsigned i = 0;

	while (i < n) {
		struct page *head = slab_head(s, virt_to_page(round[i].obj));
		unsigned nid = page_to_nid(head);
		struct kmem_cache_node *node = &s->node[nid];
		unsigned long flags = spin_lock_irqsave(&node->lock);
		LIST_HEAD(doomed);

		do {
			slab_put(s, node, head, &round[i]);
			if (++i == n)
				break;
			head = slab_head(s, virt_to_page(round[i].obj));
		} while (page_to_nid(head) == nid);
		if (!(s->flags & SLAB_TYPESAFE_BY_RCU))
			collect_empty(s, node, s->free_limit, &doomed);
		spin_unlock_irqrestore(&node->lock, flags);
		free_doomed(s, &doomed);
	}
}

void *slab_alloc_direct(struct kmem_cache *s, gfp_t gfp, int node)
{
	unsigned long flags;
	struct round r;
	unsigned got;
	bool grown = false;

	do {
		flags = arch_irq_save();	/* so that nobody sees it CACHED, yet in no magazine */
		got = slabs_take(s, node, &r, 1);
		if (!got && grown && !(gfp & __GFP_THISNODE))	/* the new slab is another node's: this one is full */
			got = slabs_take(s, -1, &r, 1);
		if (got)
			*r.state = OBJ_USED;
		arch_irq_restore(flags);
		if (got)
			return r.obj;
		grown = cache_grow(s, gfp, node, 1);
	} while (grown);
	return NULL;
}

/* An object of @n that is in use; NULL: none. */
static void *node_first_used(struct kmem_cache *s, struct kmem_cache_node *n)
{
	struct page *head;
	unsigned idx;
	int i;

	for (i = SLABS_FULL; i <= SLABS_PARTIAL; i++)
		list_for_each_entry(head, &n->slabs[i], lru)
			for (idx = 0; idx < s->num; idx++)
				if (*state_of(s, head, idx) == OBJ_USED)
					return slab_address(head) + (unsigned long)idx * s->size;
	return NULL;
}

void *slab_first_used(struct kmem_cache *s)
{
	void *obj = NULL;
	int nid;

	for (nid = 0; nid < num_online_nodes() && !obj; nid++) {
		unsigned long flags = spin_lock_irqsave(&s->node[nid].lock);

		obj = node_first_used(s, &s->node[nid]);
		spin_unlock_irqrestore(&s->node[nid].lock, flags);
	}
	return obj;
}

/* ---- checking ---------------------------------------------------------------------- */

/* S.3, S.4 of one slab. */
static int check_states(struct kmem_cache *s, struct page *head, unsigned long *cached)
{
	unsigned i, out = 0, bytes = 0;

	for (i = 0; i < s->num; i++) {
		u8 state = *state_of(s, head, i);

		if (state != OBJ_FREE && state != OBJ_CACHED && state != OBJ_USED)
			return 3;
		out += state != OBJ_FREE;
		*cached += state == OBJ_CACHED;
	}
	/* As many bytes that are not NONE as there are objects: so the others are. */
	for (i = 0; s->states_in_page && i < sizeof(long) << s->order; i++)
		bytes += head[i / sizeof(long)].own_states[i % sizeof(long)] != OBJ_NONE;
	for (i = 0; !s->states_in_page && i < (PAGE_SIZE << s->order) - s->map_offset; i++)
		bytes += head->states[i] != OBJ_NONE;
	if (bytes != s->num)
		return 3;
	return out == head->inuse ? 0 : 4;
}

/* S.1 ... S.5 of one slab that is on @list. */
static int check_slab(struct kmem_cache *s, struct page *head, enum slab_list list, unsigned long *cached)
{
	unsigned i;

	if (page_count(head) < 1)
		return 1;
	for (i = 0; i < 1u << s->order; i++)
		if (!PageSlab(head + i) || page_slab_cache(head + i) != s)
			return 1;
	if (head != slab_head(s, head) || head->objects != s->num)
		return 2;
	for (i = 0; i < 1u << s->order; i++)
		if (head[i].states != slab_states_of_page(s, head, i))
			return 2;
	if (list != slab_list_for(head))
		return 5;
	return check_states(s, head, cached);
}

static int check_node(struct kmem_cache *s, struct kmem_cache_node *n, unsigned long *cached)
{
	unsigned long length, out = 0;
	struct page *head;
	int i, broken;

	for (i = 0; i < NR_SLAB_LISTS; i++) {
		length = 0;
		list_for_each_entry(head, &n->slabs[i], lru) {
			broken = check_slab(s, head, (enum slab_list)i, cached);
			if (broken)
				return broken;
			out += head->inuse;
			length++;
		}
		if (length != n->nr_slabs[i])
			return 6;
	}
	return out == n->out ? 0 : 7;
}

int slab_check_slabs(struct kmem_cache *s, unsigned long *cached)
{
	int nid, broken = 0;

	*cached = 0;
	for (nid = 0; nid < num_online_nodes() && !broken; nid++) {
		unsigned long flags = spin_lock_irqsave(&s->node[nid].lock);

		broken = check_node(s, &s->node[nid], cached);
		spin_unlock_irqrestore(&s->node[nid].lock, flags);
	}
	return broken;
}
