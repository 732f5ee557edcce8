/* SPDX-License-Identifier: MIT */
/*
 * list.h: circular doubly linked lists with the links inside the members.
 *
 * The head is a link like any other; an empty list is a head that points to
 * itself.  Every operation is O(1).  list_del leaves both links NULL, so that a
 * second removal faults at once instead of corrupting a neighbour.
 */
#ifndef QUARRY_LIST_H
#define QUARRY_LIST_H

#include <quarry/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_link(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	prev->next = n;
}

static inline void list_add(struct list_head *n, struct list_head *head)
{
	list_link(n, head, head->next);
}

static inline void list_add_tail(struct list_head *n, struct list_head *head)
{
	list_link(n, head->prev, head);
}

static inline void list_del(struct list_head *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = n->prev = NULL;
}

static inline void list_move(struct list_head *n, struct list_head *head)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_add(n, head);
}

/* Append all of @from to the end of @to; @from becomes empty. */
static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	INIT_LIST_HEAD(from);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member) list_entry((h)->prev, type, member)
#define list_for_each(p, h) for (p = (h)->next; p != (h); p = p->next)
#define list_for_each_entry(e, h, member)						\
	for (e = list_entry((h)->next, __typeof__(*e), member); &e->member != (h);	\
	     e = list_entry(e->member.next, __typeof__(*e), member))
#define list_for_each_entry_safe(e, n, h, member)					\
	for (e = list_entry((h)->next, __typeof__(*e), member),				\
	     n = list_entry(e->member.next, __typeof__(*e), member);			\
	     &e->member != (h);								\
	     e = n, n = list_entry(n->member.next, __typeof__(*n), member))

#endif
