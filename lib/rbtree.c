/* SPDX-License-Identifier: MIT */
/*
 * rbtree.c: rank-balanced binary trees.
 *
 * A node's rank is the height of its subtree.  After a node came or went, ranks
 * (and summaries) change only on the way from there to the root, so one loop goes
 * up that way and puts each node right, as long as anything changes: mostly, that is
 * a few steps.  Where one side has become two higher than the other, a rotation lifts
 * the higher child c into its parent's place:
 *
 *	      n                c              The middle subtree b changes sides.  If b is
 *	     / \              / \             the higher one of c's two, lifting c would
 *	    c   z    --->    a   n            not help: then b's root is lifted over c
 *	   / \                  / \           first, and over n afterwards.
 *	  a   b                b   z
 *
 * Worked example: 1, 2, 3 entered in order.  After 3 the node 1 has nothing on the
 * left (rank 0) and a subtree of rank 2 on the right; 2 is lifted over it, and the
 * tree is 2 with the children 1 and 3, rank 2.
 *
 * Invariants:
 *	R.1  a child's parent link names its parent; the root's is NULL
 *	R.2  rank = 1 + the larger rank of the children (0 for none)
 *	R.3  the ranks of two siblings differ by at most one
 *
 * Cost: a walk down and a walk up, at most 1.44 log2(n) steps each.  No recursion,
 * no allocation.  Locking: the user's.
 */
#include <quarry/rbtree.h>

static inline int rank(const struct rb_node *n)
{
	return n ? n->rank : 0;
}

static inline int side_of(const struct rb_node *n)
{
	return n->parent->child[1] == n;
}

/* Hang @new where @old hangs.  @new may be NULL. */
static void replace(struct rb_root *root, struct rb_node *old, struct rb_node *new)
{
	if (!old->parent)
		root->node = new;
	else
		old->parent->child[side_of(old)] = new;
	if (new)
		new->parent = old->parent;
}

static void adopt(struct rb_node *parent, int side, struct rb_node *child)
{
	parent->child[side] = child;
	if (child)
		child->parent = parent;
}

/* Compute rank and summary of @n from its children.  Return: has either changed? */
static bool refresh(struct rb_root *root, struct rb_node *n)
{
	int old = n->rank;

	n->rank = 1 + max(rank(n->child[0]), rank(n->child[1]));
	return (root->update && root->update(n)) || n->rank != old;
}

/* Lift @n's child on @side into its place.  Return: that child. */
static struct rb_node *rotate(struct rb_root *root, struct rb_node *n, int side)
{
	struct rb_node *c = n->child[side];

	replace(root, n, c);
	adopt(n, side, c->child[!side]);
	adopt(c, !side, n);
	refresh(root, n);
	refresh(root, c);
	return c;
}

/* Put the subtree of *@n right, whose children are right.  *@n becomes its top.  Return: is it another than before? */
static bool put_right(struct rb_root *root, struct rb_node **n)
{
	int lean = rank((*n)->child[1]) - rank((*n)->child[0]);
	int side = lean > 0;
	struct rb_node *c;

	if (likely(lean >= -1 && lean <= 1))
		return refresh(root, *n);
	c = (*n)->child[side];
	if (rank(c->child[!side]) > rank(c->child[side]))
		rotate(root, c, !side);
	*n = rotate(root, *n, side);
	return true;
}

/* Put all right from @n up to @new, whose rank and summary mean nothing yet, and further while anything changes. */
static void climb(struct rb_root *root, struct rb_node *n, struct rb_node *new)
{
	bool changed = true;

	for (; n && (changed || new); n = n->parent) {
		bool was_new = n == new;

		changed = put_right(root, &n) || was_new;
		if (was_new)
			new = NULL;
	}
}

void rb_update(struct rb_root *root, struct rb_node *n)
{
	climb(root, n, NULL);
}

static struct rb_node *furthest(struct rb_node *n, int side)
{
	while (n && n->child[side])
		n = n->child[side];
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, int side)
{
	if (n->child[side])
		return furthest(n->child[side], !side);
	while (n->parent && side_of(n) == side)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_root *root) { return furthest(root->node, 0); }
struct rb_node *rb_last(const struct rb_root *root) { return furthest(root->node, 1); }
struct rb_node *rb_next(const struct rb_node *n) { return neighbour(n, 1); }
struct rb_node *rb_prev(const struct rb_node *n) { return neighbour(n, 0); }

void rb_insert_before(struct rb_root *root, struct rb_node *pos, struct rb_node *n)
{
	struct rb_node *parent = pos;
	int side = 0;

	if (!pos || pos->child[0]) {
		parent = furthest(pos ? pos->child[0] : root->node, 1);
		side = 1;
	}
	n->parent = parent;
	n->child[0] = n->child[1] = NULL;
	n->rank = 1;
	if (parent)
		parent->child[side] = n;
	else
		root->node = n;
	climb(root, n, pos ? pos : n);
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *next = NULL, *from;

	if (!n->child[0] || !n->child[1]) {
		from = n->parent;
		replace(root, n, n->child[0] ? n->child[0] : n->child[1]);
	} else {
		/* The one that follows n has no left child: it leaves its place and takes n's. */
		next = furthest(n->child[1], 0);
		from = next->parent == n ? next : next->parent;
		replace(root, next, next->child[1]);
		replace(root, n, next);
		adopt(next, 0, n->child[0]);
		adopt(next, 1, n->child[1]);
	}
	climb(root, from, next);
	n->parent = n->child[0] = n->child[1] = NULL;
}

static int check_node(const struct rb_root *root, const struct rb_node *n)
{
	int left = rank(n->child[0]), right = rank(n->child[1]);

	if (n->parent ? n->parent->child[0] != n && n->parent->child[1] != n : root->node != n)
		return 1;
	if ((n->child[0] && n->child[0]->parent != n) || (n->child[1] && n->child[1]->parent != n))
		return 1;
	if (n->rank != 1 + max(left, right))
		return 2;
	return left - right > 1 || right - left > 1 ? 3 : 0;
}

int rb_check(const struct rb_root *root)
{
	const struct rb_node *n;
	int broken = 0;

	for (n = rb_first(root); n && !broken; n = rb_next(n))
		broken = check_node(root, n);
	return broken;
}
