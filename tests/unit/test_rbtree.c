/* SPDX-License-Identifier: MIT */
/*
 * test_rbtree.c: balanced trees against a sorted array, and all small ones.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <quarry/rbtree.h>

/* A member with a key, a value, and a summary: the largest value below. */
struct item {
	struct rb_node node;
	int key, value, largest;
};

static int largest(const struct rb_node *n)
{
	return n ? container_of(n, const struct item, node)->largest : -1;
}

static bool update(struct rb_node *n)
{
	struct item *i = rb_entry(n, struct item, node);
	int below = max(largest(n->child[0]), largest(n->child[1])), old = i->largest;

	i->largest = max(i->value, below);
	return i->largest != old;
}

/* The first with a key above @key: what a new item of that key goes before. */
static struct rb_node *above(struct rb_root *root, int key)
{
	struct rb_node *n = root->node, *best = NULL;

	while (n) {
		bool left = rb_entry(n, struct item, node)->key > key;

		if (left)
			best = n;
		n = n->child[!left];
	}
	return best;
}

static void insert(struct rb_root *root, struct item *i, int key)
{
	struct rb_node *pos = above(root, key);

	i->key = key;
	i->value = key * 37 % 101;
	if (pos)	/* its own part may change with the insertion */
		rb_entry(pos, struct item, node)->value += key % 3 - 1;
	rb_insert_before(root, pos, &i->node);
}

/* Every summary, and the order both ways.  Return: how many there are. */
static int check_all(const struct rb_root *root)
{
	const struct rb_node *n;
	int count = 0, last = -1;

	ck_assert_int_eq(rb_check(root), 0);
	for (n = rb_first(root); n; n = rb_next(n), count++) {
		const struct item *i = container_of(n, const struct item, node);
		int below = max(largest(n->child[0]), largest(n->child[1]));

		ck_assert_int_gt(i->key, last);
		last = i->key;
		ck_assert_int_eq(i->largest, max(i->value, below));
		ck_assert_ptr_eq(rb_next(n) ? rb_prev(rb_next(n)) : rb_last(root), n);
	}
	return count;
}

/* ---- all small trees -------------------------------------------------------------- */

#define SMALL 6		/* one more than the largest tree */

static void swap(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

/* The next permutation of @p in order; false after the last. */
static bool next_permutation(int *p, int n)
{
	int i = n - 2, j = n - 1;

	while (i >= 0 && p[i] > p[i + 1])
		i--;
	if (i < 0)
		return false;
	while (p[j] < p[i])
		j--;
	swap(&p[i], &p[j]);
	for (i++, j = n - 1; i < j; i++, j--)
		swap(&p[i], &p[j]);
	return true;
}

static void build_and_erase(const int *in, const int *out, int n)
{
	struct rb_root root = RB_ROOT_INIT(update);
	struct item item[SMALL];

	for (int i = 0; i < n; i++) {
		insert(&root, &item[in[i]], in[i]);
		ck_assert_int_eq(check_all(&root), i + 1);
	}
	for (int i = 0; i < n; i++) {
		rb_erase(&root, &item[out[i]].node);
		ck_assert_ptr_null(item[out[i]].node.parent);
		ck_assert_int_eq(check_all(&root), n - i - 1);
	}
	ck_assert_ptr_null(root.node);
}

/* Every order of entering with every order of leaving, up to 5 nodes. */
START_TEST(every_small_tree)
{
	int in[SMALL], out[SMALL], trees = 0;

	for (int n = 1; n < SMALL; n++) {
		for (int i = 0; i < n; i++)
			in[i] = i;
		do {
			for (int i = 0; i < n; i++)
				out[i] = i;
			do {
				build_and_erase(in, out, n);
				trees++;
			} while (next_permutation(out, n));
		} while (next_permutation(in, n));
	}
	ck_assert_int_eq(trees, 1 + 2 * 2 + 6 * 6 + 24 * 24 + 120 * 120);
}
END_TEST

/* ---- large trees ---------------------------------------------------------------------- */

#define KEYS 2000

START_TEST(random_operations_against_a_sorted_set)
{
	static struct item item[KEYS];
	static bool in[KEYS];
	struct rb_root root = RB_ROOT_INIT(update);
	unsigned seed = 20240229;
	int count = 0;

	for (int step = 0; step < 200000; step++) {
		int key = (int)((seed = seed * 1664525u + 1013904223u) >> 8) % KEYS;

		if (in[key])
			rb_erase(&root, &item[key].node);
		else
			insert(&root, &item[key], key);
		in[key] = !in[key];
		count += in[key] ? 1 : -1;
		if (in[key * 7 % KEYS]) {
			item[key * 7 % KEYS].value = step % 1013;
			rb_update(&root, &item[key * 7 % KEYS].node);
		}
		if (step % 1000 == 0)
			ck_assert_int_eq(check_all(&root), count);
	}
	for (int key = 0; key < KEYS; key++) {
		struct rb_node *n = above(&root, key);
		int next = key + 1;

		while (next < KEYS && !in[next])
			next++;
		ck_assert_int_eq(n ? rb_entry(n, struct item, node)->key : KEYS, next);
	}
}
END_TEST

START_TEST(height_stays_below_1_44_log_n)
{
	struct item *item = calloc(1 << 17, sizeof(*item));
	struct rb_root root = RB_ROOT_INIT(NULL);

	for (int i = 0; i < 1 << 17; i++) {
		item[i].key = i;
		rb_insert_before(&root, NULL, &item[i].node);
	}
	ck_assert_int_eq(rb_check(&root), 0);
	ck_assert_int_le(root.node->rank, 25);		/* 1.44 * 17 = 24.5 */
	for (int i = 0; i < 1 << 17; i += 2)
		rb_erase(&root, &item[i].node);
	ck_assert_int_eq(rb_check(&root), 0);
	ck_assert_int_le(root.node->rank, 24);
	free(item);
}
END_TEST

START_TEST(a_changed_summary_reaches_the_root)
{
	static struct item item[100];
	struct rb_root root = RB_ROOT_INIT(update);

	for (int i = 0; i < 100; i++)
		insert(&root, &item[i], i);
	item[42].value = 1000;
	rb_update(&root, &item[42].node);
	ck_assert_int_eq(largest(root.node), 1000);
	item[42].value = 0;
	rb_update(&root, &item[42].node);
	ck_assert_int_eq(check_all(&root), 100);
}
END_TEST

START_TEST(check_finds_what_is_broken)
{
	static struct item item[10];
	struct rb_root root = RB_ROOT_INIT(update);
	struct rb_node *top;

	for (int i = 0; i < 10; i++)
		insert(&root, &item[i], i);
	top = root.node;
	top->child[0]->rank++;
	ck_assert_int_ne(rb_check(&root), 0);
	top->child[0]->rank--;
	top->child[1]->parent = top->child[0];
	ck_assert_int_eq(rb_check(&root), 1);
	top->child[1]->parent = top;
	ck_assert_int_eq(rb_check(&root), 0);
}
END_TEST

UNIT_SUITE(rbtree,
	every_small_tree,
	random_operations_against_a_sorted_set,
	height_stays_below_1_44_log_n,
	a_changed_summary_reaches_the_root,
	check_finds_what_is_broken)
