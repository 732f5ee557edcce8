/* SPDX-License-Identifier: MIT */
/*
 * srat.c: which memory and which processor belong to which node, and how far nodes are from
 * each other, as ACPI's tables say it (ACPI 6.5, sections 5.2.16 and 5.2.17).
 *
 *	SRAT	header of 48 bytes, then entries: type, length, ...
 *		type 0	a processor: domain, APIC id, flags of 32 bits, 3 bytes more of the domain
 *		type 1	memory: domain of 32 bits, address and length of 64, flags
 *		type 2	a processor whose APIC id has 32 bits
 *	SLIT	header of 36 bytes, a number n of 64 bits, n rows of n bytes: distances
 *
 * Bit 0 of the flags: the entry counts.  Domains are any numbers; in order of size they
 * are nodes 0, 1, 2 ...  SLIT's rows and columns are domains.
 *
 * Firmware lies.  Nothing outside the tables is read, and a table that contradicts itself
 * is not believed at all: two domains that claim the same memory, more domains than there is
 * room for, a distance below that to oneself.  Without SRAT there is one node, without SLIT
 * all are at one distance.  Memory that no entry names is no contradiction (numa.c).
 */
#include "firmware.h"
#include <quarry/numa.h>
#include <quarry/string.h>

#define SRAT_ENTRIES 48
#define ENABLED 1u

enum { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

/* What the fields of an entry say, whatever its type. */
struct affinity {
	u32 domain;
	bool is_cpu;
	u32 apic_id;
	u64 base, size;
};

static u32 read32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u64 read64(const u8 *p)
{
	return read32(p) | (u64)read32(p + 4) << 32;
}

/* Entries of other types have no say, and so nothing to decode. */
static bool decode(const u8 *e, struct affinity *a)
{
	static const u8 size[] = { [SRAT_CPU] = 16, [SRAT_MEMORY] = 40, [SRAT_X2APIC] = 24 };
	static const u8 flags[] = { [SRAT_CPU] = 4, [SRAT_MEMORY] = 28, [SRAT_X2APIC] = 12 };

	if (e[0] > SRAT_X2APIC || e[1] < size[e[0]] || !(read32(e + flags[e[0]]) & ENABLED))
		return false;
	*a = (struct affinity){ .is_cpu = e[0] != SRAT_MEMORY };
	if (e[0] == SRAT_CPU) {
		a->domain = e[2] | (u32)e[9] << 8 | (u32)e[10] << 16 | (u32)e[11] << 24;
		a->apic_id = e[3];
	} else if (e[0] == SRAT_MEMORY) {
		a->domain = read32(e + 2);
		a->base = read64(e + 8);
		a->size = read64(e + 16);
	} else {
		a->domain = read32(e + 4);
		a->apic_id = read32(e + 8);
	}
	return true;
}

/* The node of @domain; srat->nodes: it is none. */
static unsigned node_of(const struct srat *srat, u32 domain)
{
	unsigned nid = 0;

	while (nid < srat->nodes && srat->domain[nid] != domain)
		nid++;
	return nid;
}

/* Each domain once, in order of size. */
static const char *add_domain(struct srat *srat, const struct affinity *a)
{
	unsigned at = srat->nodes;

	if (node_of(srat, a->domain) < srat->nodes)
		return NULL;
	if (srat->nodes == MAX_NUMNODES)
		return "more domains than this build has room for";
	for (; at && srat->domain[at - 1] > a->domain; at--)
		srat->domain[at] = srat->domain[at - 1];
	srat->domain[at] = a->domain;
	srat->nodes++;
	return NULL;
}

static const char *add_affinity(struct srat *srat, const struct affinity *a)
{
	int nid = (int)node_of(srat, a->domain), err;

	if (a->is_cpu) {
		if (a->apic_id < sizeof(srat->apic_node))
			srat->apic_node[a->apic_id] = (u8)nid;
		return NULL;
	}
	err = memblock_set_node(a->base, a->size, nid);
	return !err ? NULL : err == -EEXIST ? "two domains claim the same memory" :
	       err == -ENOSPC ? "more ranges than there is room for" : "a range wraps around";
}

/* @fn for each entry that counts, until one is wrong. */
static const char *walk(const struct acpi_header *table, struct srat *srat,
			const char *(*fn)(struct srat *, const struct affinity *))
{
	const u8 *e = (const u8 *)table + SRAT_ENTRIES, *end = (const u8 *)table + table->length;
	const char *wrong = NULL;
	struct affinity a;

	if (table->length < SRAT_ENTRIES)
		return "it is too short";
	for (; e < end && !wrong; e += e[1]) {
		if (end - e < 2 || e[1] < 2 || e[1] > end - e)
			return "an entry runs over its end";
		if (decode(e, &a))
			wrong = fn(srat, &a);
	}
	return wrong;
}

const char *srat_read(const struct acpi_header *table, struct srat *srat)
{
	const char *wrong;

	memset(srat, 0, sizeof(*srat));
	wrong = walk(table, srat, add_domain);
	if (!wrong && !srat->nodes)
		wrong = "no entry counts";
	if (!wrong) {
		numa_set_nodes(srat->nodes);
		wrong = walk(table, srat, add_affinity);
	}
	if (wrong) {
		memset(srat, 0, sizeof(*srat));
		numa_set_nodes(1);
	}
	return wrong;
}

#define SLIT_ROWS 44

/* Of the pairs that it has; the others keep the usual distance. */
static const char *set_distances(const u8 *rows, u64 n, const struct srat *srat)
{
	for (unsigned from = 0; from < srat->nodes; from++)
		for (unsigned to = 0; to < srat->nodes; to++) {
			u64 row = srat->domain[from], column = srat->domain[to];

			if (row < n && column < n && numa_set_distance((int)from, (int)to, rows[row * n + column]))
				return "distances must be 10 to oneself, and more to others";
		}
	return NULL;
}

const char *slit_read(const struct acpi_header *table, const struct srat *srat)
{
	const u8 *bytes = (const u8 *)table;
	const char *wrong;
	u64 n;

	if (table->length < SLIT_ROWS)
		return "it is too short";
	n = read64(bytes + 36);
	if (n > 1024 || table->length - SLIT_ROWS < n * n)
		return "it has not as many rows as it says";
	wrong = set_distances(bytes + SLIT_ROWS, n, srat);
	if (wrong)
		numa_forget_distances();
	return wrong;
}
