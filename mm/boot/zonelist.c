/* SPDX-License-Identifier: MIT */
/*
 * zonelist.c: where a request of a node looks for memory, in which order.
 *
 * Two wishes contradict each other: the nearest memory first, and the dear zones last, since
 * some requests can go nowhere else.  So zones are in three tiers, and the order is tier
 * by tier; inside a tier node by node, the nearest first; inside a node from the highest
 * zone down.
 *
 *	tier 0	HIGHMEM		the cheapest: nobody else wants it
 *	tier 1	NORMAL, DMA32	what has an address
 *	tier 2	DMA		16 MiB of all there is
 *
 * Where all memory has an address (x86_64), tier 1 is nearly all, and the order is that of
 * the distances: with four nodes, the first below 4 GiB, a request of node 1 looks at
 *
 *	Normal of 1, Normal of 2, Normal of 3, DMA32 of 0; DMA of 0
 *
 * On i386 low memory is node 0's alone as a rule, for it is the lowest 896 MiB.  A user's page
 * for node 1 comes from its own HIGHMEM, then from the other nodes', and only then from
 * low memory, which the kernel needs for itself on every node:
 *
 *	HighMem of 1, HighMem of 0; Normal of 0; DMA of 0
 *
 * and kmalloc on node 1 has but the last two: far away, but there is no nearer memory that
 * has an address.
 *
 * Nodes at one distance are taken in a circle, from the asking node's next on, so that what
 * overflows from several nodes does not all fall on the same.  A node without memory is like
 * any other: its list begins with the nearest that has some.
 *
 * Invariants (zonelist_check):
 *   N.4  a list has each populated zone up to its highest, of all nodes, once; tiers do not
 *        fall, in a tier distances do not, and in a node zones do not rise;
 *   N.5  the list for __GFP_THISNODE has those of the node itself, highest first; and
 *        nearest[] has each node once, in the order of their distances.
 *
 * Unlike Linux, which goes through all zones of a node, ZONE_DMA too, before the next node's.
 */
#include <quarry/zone.h>

#define TIERS 3

static unsigned tier_of(int type)
{
	return type == ZONE_HIGHMEM ? 0 : type == ZONE_DMA ? 2 : 1;
}

/* Is @a a better neighbour of @nid than @b?  Further round the circle is worse, at one distance. */
static bool nearer(int nid, int a, int b)
{
	unsigned da = node_distance(nid, a), db = node_distance(nid, b);
	int n = num_online_nodes();

	return da < db || (da == db && (a - nid + n) % n < (b - nid + n) % n);
}

/* nearest[]: each node goes to its place among those before it. */
static void order_nodes(struct pglist_data *pgdat)
{
	for (int nid = 0, at; nid < num_online_nodes(); nid++) {
		for (at = nid; at && nearer(pgdat->node_id, nid, pgdat->nearest[at - 1]); at--)
			pgdat->nearest[at] = pgdat->nearest[at - 1];
		pgdat->nearest[at] = (u8)nid;
	}
}

/* Append the populated zones of @nid in @tier, up to @highest.  Return: where the list goes on. */
static struct zoneref *add_zones(struct zoneref *ref, int nid, int highest, unsigned tier)
{
	for (int type = highest; type >= 0; type--)
		if (tier_of(type) == tier && populated_zone(&NODE_DATA(nid)->node_zones[type]))
			(ref++)->zone = &NODE_DATA(nid)->node_zones[type];
	return ref;
}

static void build_zonelists(struct pglist_data *pgdat, int highest)
{
	struct zoneref *ref = pgdat->node_zonelists[highest].zonerefs, *own = pgdat->own_zonelists[highest].zonerefs;

	for (unsigned tier = 0; tier < TIERS; tier++) {
		for (int i = 0; i < num_online_nodes(); i++)
			ref = add_zones(ref, pgdat->nearest[i], highest, tier);
		own = add_zones(own, pgdat->node_id, highest, tier);
	}
	ref->zone = own->zone = NULL;
}

void build_all_zonelists(void)
{
	int nid;

	for_each_online_node(nid) {
		order_nodes(NODE_DATA(nid));
		for (int highest = 0; highest < MAX_NR_ZONES; highest++)
			build_zonelists(NODE_DATA(nid), highest);
	}
}

/* ---- checking ----------------------------------------------------------------------- */

/* May @b follow @a in a list of node @nid? */
static bool in_order(int nid, const struct zone *a, const struct zone *b)
{
	unsigned da = node_distance(nid, a->node), db = node_distance(nid, b->node);

	if (tier_of(a->type) != tier_of(b->type))
		return tier_of(a->type) < tier_of(b->type);
	return a->node == b->node ? a->type > b->type : da <= db;
}

/* Is @list in order, of populated zones up to @highest, each once, @want of them? */
static bool list_ok(const struct zonelist *list, int nid, int highest, unsigned want)
{
	u64 seen[MAX_NR_ZONES] = { 0 };
	const struct zoneref *ref;
	unsigned n = 0;

	for (ref = list->zonerefs; ref->zone; ref++, n++) {
		const struct zone *z = ref->zone;

		if (!populated_zone(z) || (int)z->type > highest || seen[z->type] >> z->node & 1 ||
		    (n && !in_order(nid, ref[-1].zone, z)))
			return false;
		seen[z->type] |= 1ULL << z->node;
	}
	return n == want;
}

static bool nearest_ok(const struct pglist_data *pgdat)
{
	u64 seen = 0;

	for (int i = 0; i < num_online_nodes(); i++) {
		if (seen >> pgdat->nearest[i] & 1 || (i && !nearer(pgdat->node_id, pgdat->nearest[i - 1], pgdat->nearest[i])))
			return false;
		seen |= 1ULL << pgdat->nearest[i];
	}
	return true;
}

int zonelist_check(const struct pglist_data *pgdat)
{
	unsigned all = 0, own = 0;
	struct zone *z;

	for (int highest = 0; highest < MAX_NR_ZONES; highest++) {
		for_each_zone(z) {
			all += (int)z->type == highest;
			own += (int)z->type == highest && z->node == pgdat->node_id;
		}
		if (!list_ok(&pgdat->node_zonelists[highest], pgdat->node_id, highest, all))
			return 4;
		if (!list_ok(&pgdat->own_zonelists[highest], pgdat->node_id, highest, own))
			return 5;
	}
	return nearest_ok(pgdat) ? 0 : 5;
}
