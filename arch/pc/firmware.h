/* SPDX-License-Identifier: MIT */
/*
 * firmware.h: what a PC's firmware tells in tables: ACPI's, and the older MP table.
 *
 * All of it is read once, at boot, while early_map() works.  Tables may lie: a length
 * or a sum that cannot be is one line on the log, and the table is as if it were not there.
 */
#ifndef PC_FIRMWARE_H
#define PC_FIRMWARE_H

#include <quarry/types.h>

/* ---- acpi.c -------------------------------------------------------------------------- */

struct acpi_header {		/* ACPI 6.5, table 5.4 */
	char signature[4];
	u32 length;		/* of the whole table, this header included */
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __attribute__((packed));

/** byte_sum() - the sum of @len bytes, which of a whole table is 0. */
static inline u8 byte_sum(const void *table, size_t len)
{
	u8 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + ((const u8 *)table)[i]);
	return sum;
}

/**
 * firmware_find() - a structure that the BIOS left for whoever looks for it
 * @signature: how it begins, on a border of 16 bytes, in the first KiB of the extended BIOS
 *	data area, the last KiB of base memory, or the BIOS's own area
 * @ok: says whether it is one
 * Return: where; NULL: nowhere.
 */
const void *firmware_find(const char *signature, bool (*ok)(const void *at));

/**
 * acpi_table() - the ACPI table with this @signature ("APIC", "SRAT"), the first if there are several
 *
 * Whole and with a good sum.  Seen until the next call of acpi_table(), acpi_table_at() or
 * early_map(): copy what is needed longer.  Return: NULL: there is none.
 */
const struct acpi_header *acpi_table(const char *signature);
/** acpi_table_at() - the same for a table that is at @phys, if it has the @signature. */
const struct acpi_header *acpi_table_at(u32 phys, const char *signature);

/* ---- processors.c -------------------------------------------------------------------- */

#define MAX_PROCESSORS (NR_CPUS < 240 ? NR_CPUS : 240)	/* an APIC's id has 8 bits */

struct processors {
	unsigned n;			/* 1 ... MAX_PROCESSORS; number 0 is the one that booted */
	unsigned left_out;		/* there are more, than we have room for */
	u8 apic_id[MAX_PROCESSORS];
	const char *source;		/* "MADT", "MP table", "one" */
};

/**
 * processors_from_madt(), processors_from_mp() - read the list of processors
 * @table: the whole MADT; MP configuration table
 * @self: the local APIC's id of the processor that asks
 * @p: out
 * Return: NULL; or what is wrong with the table, and @p holds the one that asks.
 */
const char *processors_from_madt(const struct acpi_header *table, u8 self, struct processors *p);

struct mp_table {		/* MultiProcessor Specification 1.4, table 4-2 */
	char signature[4];	/* "PCMP" */
	u16 length;		/* this header and the entries */
	u8 revision, checksum;
	char oem[8], product[12];
	u32 oem_table;
	u16 oem_table_size, entries;
	u32 apic;
	u16 extended_length;
	u8 extended_checksum, reserved;
} __attribute__((packed));

const char *processors_from_mp(const struct mp_table *table, u8 self, struct processors *p);

/* ---- srat.c -------------------------------------------------------------------------- */

struct srat {
	unsigned nodes;
	u32 domain[MAX_NUMNODES];	/* the firmware's number of each */
	u8 apic_node[256];		/* by APIC id; 0, too, of those that are not listed */
};

/**
 * srat_read() - tell the memory manager of the nodes and their memory
 * @table: the whole SRAT
 * @srat: out: what is left to do: CPUs, distances
 * Return: NULL; or what is wrong with it, and there is one node.
 */
const char *srat_read(const struct acpi_header *table, struct srat *srat);
/** slit_read() - and of their distances.  Return: NULL; or what is wrong with it, and no distance is set. */
const char *slit_read(const struct acpi_header *table, const struct srat *srat);

#endif
