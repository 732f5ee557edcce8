/* SPDX-License-Identifier: MIT */
/*
 * rbtree.h: rank-balanced binary trees with the links inside the members.
 *
 * The rank of a node is its height (the AVL rule: the heights of two siblings
 * differ by one at the most), so a tree of n nodes is at most 1.44 log2(n) high:
 * 29 levels for a million.  The tree knows no keys: its user finds the place and
 * says "before this one", so that the order is the user's alone.
 *
 * Augmentation: each node may keep a summary of the subtree below it (the largest
 * gap, say).  @update computes a node's summary from the node itself and its two
 * children, and tells whether it is another than before; the tree calls it wherever a
 * subtree changes, children first, until nothing changes any more.
 *
 * Source: Adelson-Velsky and Landis 1962; ranks: Haeupler, Sen, Tarjan, "Rank-
 * balanced trees", ACM Transactions on Algorithms 11(4), 2015.
 */
#ifndef QUARRY_RBTREE_H
#define QUARRY_RBTREE_H

#include <quarry/types.h>

struct rb_node {
	struct rb_node *parent;
	struct rb_node *child[2];	/* what comes before, what comes after */
	int rank;			/* height: 1 for a leaf */
};

struct rb_root {
	struct rb_node *node;
	bool (*update)(struct rb_node *n);	/* NULL: no summaries */
};

#define RB_ROOT_INIT(update_fn) { NULL, (update_fn) }
#define rb_entry(p, type, member) container_of(p, type, member)

/**
 * rb_insert_before() - enter a node
 * @root: the tree
 * @pos: the node that will follow it; NULL: it becomes the last
 * @n: not in any tree
 *
 * Context: the caller's lock.  The summary of @pos is computed anew too, so its own part
 * may have changed.  O(log n).  Undo: rb_erase().
 */
void rb_insert_before(struct rb_root *root, struct rb_node *pos, struct rb_node *n);

/** rb_erase() - take @n out; its links become NULL.  O(log n). */
void rb_erase(struct rb_root *root, struct rb_node *n);

/** rb_update() - @n's own part of the summary changed: compute it anew, and those above.  O(log n). */
void rb_update(struct rb_root *root, struct rb_node *n);

/** rb_first(), rb_last() - the ends; NULL when empty.  O(log n). */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
/** rb_next(), rb_prev() - the neighbours in order; NULL at an end.  O(log n), O(1) on average over a walk. */
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/** rb_check() - test the numbered invariants of rbtree.c.  Return: the number broken, or 0.  O(n). */
int rb_check(const struct rb_root *root);

#endif
