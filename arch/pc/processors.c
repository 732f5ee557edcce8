/* SPDX-License-Identifier: MIT */
/*
 * processors.c: which processors there are, as the firmware lists them: each with the
 * id of its local APIC.
 *
 *	MADT		header of 44 bytes, then entries: type, length, ...
 *			type 0: a processor: ACPI's id, APIC id, flags of 32 bits
 *	MP table	header of 44 bytes, then entries: type, ...
 *			type 0 has 20 bytes: a processor: APIC id, version, flags; others 8
 *
 * (ACPI 6.5, section 5.2.12; MultiProcessor Specification 1.4, section 4.3.)  Bit 0 of
 * the flags: the processor may be used.
 *
 * Nothing outside the table is read, whatever it holds.  A table that contradicts itself
 * is not believed at all: then there is one processor, the one that reads this.  An id
 * that is listed twice counts once.
 */
#include "firmware.h"
#include <quarry/string.h>

#define USABLE 1u
#define APIC_BROADCAST 0xff

static void only_self(struct processors *p, u8 self)
{
	memset(p, 0, sizeof(*p));
	p->n = 1;
	p->apic_id[0] = self;
	p->source = "one";
}

static bool is_listed(const struct processors *p, u8 id)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->apic_id[i] == id)
			return true;
	return false;
}

/* Return: was it the one who asks? */
static bool add(struct processors *p, u8 id)
{
	if (id == p->apic_id[0])
		return true;
	if (id == APIC_BROADCAST || is_listed(p, id))
		return false;
	if (p->n < MAX_PROCESSORS)
		p->apic_id[p->n++] = id;
	else
		p->left_out++;
	return false;
}

/* ---- MADT ------------------------------------------------------------------------------ */

#define MADT_ENTRIES 44
#define MADT_PROCESSOR 0

static const char *read_madt(const u8 *e, const u8 *end, struct processors *p)
{
	bool self_listed = false;

	for (; e < end; e += e[1]) {
		if (end - e < 2 || e[1] < 2 || e[1] > end - e)
			return "an entry runs over its end";
		if (e[0] != MADT_PROCESSOR)
			continue;
		if (e[1] < 8)
			return "a processor's entry is too short";
		if (e[4] & USABLE)
			self_listed |= add(p, e[3]);
	}
	return self_listed ? NULL : "it does not list the processor that runs";
}

const char *processors_from_madt(const struct acpi_header *table, u8 self, struct processors *p)
{
	const u8 *bytes = (const u8 *)table;
	const char *wrong = "it is too short";

	only_self(p, self);
	if (table->length >= MADT_ENTRIES)
		wrong = read_madt(bytes + MADT_ENTRIES, bytes + table->length, p);
	if (wrong)
		only_self(p, self);
	else
		p->source = "MADT";
	return wrong;
}

/* ---- MP table -------------------------------------------------------------------------- */

#define MP_PROCESSOR 0
#define MP_PROCESSOR_SIZE 20
#define MP_OTHER_SIZE 8

static const char *read_mp(const u8 *e, const u8 *end, unsigned count, struct processors *p)
{
	bool self_listed = false;

	for (unsigned i = 0; i < count; i++) {
		int size = end - e > 0 && e[0] == MP_PROCESSOR ? MP_PROCESSOR_SIZE : MP_OTHER_SIZE;

		if (end - e < size)
			return "an entry runs over its end";
		if (e[0] == MP_PROCESSOR && (e[3] & USABLE))
			self_listed |= add(p, e[1]);
		e += size;
	}
	return self_listed ? NULL : "it does not list the processor that runs";
}

const char *processors_from_mp(const struct mp_table *table, u8 self, struct processors *p)
{
	const u8 *bytes = (const u8 *)table;
	const char *wrong = "it is too short";

	only_self(p, self);
	if (table->length >= sizeof(*table))
		wrong = read_mp(bytes + sizeof(*table), bytes + table->length, table->entries, p);
	if (wrong)
		only_self(p, self);
	else
		p->source = "MP table";
	return wrong;
}
