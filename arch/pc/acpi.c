/* SPDX-License-Identifier: MIT */
/*
 * acpi.c: finding the firmware's tables (ACPI 6.5, sections 5.2.5 to 5.2.8).
 *
 *	"RSD PTR "	the root pointer, in the BIOS's area
 *	  -> RSDT	physical addresses of tables, of 32 bits
 *	  -> XSDT	the same of 64 bits, from revision 2 on
 *	       -> FACP, APIC, SRAT ...	tables, each with its signature, length and sum
 *
 * Tables may lie anywhere below 4 GiB: they are looked at through early_map(), one at
 * a time.  So the root table has to be mapped again for each of its entries.
 */
#include "pc.h"
#include <quarry/string.h>

#define MAX_TABLE (2u << 20)

/* ---- what the BIOS left in its own area ------------------------------------------------- */

static const void *find_in(u32 start, u32 end, const char *signature, bool (*ok)(const void *))
{
	size_t len = strlen(signature);

	for (u32 at = start; at < end; at += 16)
		if (memcmp(__va(at), signature, len) == 0 && ok(__va(at)))
			return __va(at);
	return NULL;
}

const void *firmware_find(const char *signature, bool (*ok)(const void *))
{
	u32 ebda = bios_data_area();
	const void *at = ebda ? find_in(ebda, ebda + 1024, signature, ok) : NULL;

	if (!at)
		at = find_in(0x9fc00, 0xa0000, signature, ok);
	return at ? at : find_in(0xe0000, 0x100000, signature, ok);
}

/* ---- tables ------------------------------------------------------------------------------ */

struct root_pointer {
	char signature[8];
	u8 sum;			/* of the first 20 bytes */
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;		/* from here on: revision 2 */
	u64 xsdt;
	u8 extended_sum, reserved[3];
} __attribute__((packed));
_Static_assert(offsetof(struct root_pointer, xsdt) == 24, "ACPI 6.5, table 5.3");

static bool root_pointer_ok(const void *at)
{
	return byte_sum(at, offsetof(struct root_pointer, length)) == 0;
}

const struct acpi_header *acpi_table_at(u32 phys, const char *signature)
{
	const struct acpi_header *h = early_map(phys, sizeof(*h));
	u32 length = h->length;

	if (memcmp(h->signature, signature, sizeof(h->signature)) != 0)
		return NULL;
	if (length < sizeof(*h) || length > MAX_TABLE) {
		mm_log("ACPI: table %.4s at 0x%x says that it has %u bytes: ignored\n", signature, phys, length);
		return NULL;
	}
	h = early_map(phys, length);
	if (byte_sum(h, length) == 0)
		return h;
	mm_log("ACPI: table %.4s at 0x%x has a wrong sum: ignored\n", signature, phys);
	return NULL;
}

/* Where the root table is, and how wide its entries are. */
static struct {
	bool looked;
	u32 phys;		/* 0: there is none */
	u32 width;
} root;

static void find_root(void)
{
	const struct root_pointer *p = firmware_find("RSD PTR ", root_pointer_ok);
	bool wide = p && p->revision >= 2 && p->length >= sizeof(*p) && p->length <= 256 &&
		    byte_sum(p, p->length) == 0 && p->xsdt && p->xsdt <= ~0u;

	root.looked = true;
	if (wide && acpi_table_at((u32)p->xsdt, "XSDT")) {
		root.phys = (u32)p->xsdt;
		root.width = 8;
	} else if (p && p->rsdt && acpi_table_at(p->rsdt, "RSDT")) {
		root.phys = p->rsdt;
		root.width = 4;
	}
}

/* The address in the @i-th entry of the root table; 0: there is none that we could reach. */
static u32 root_entry(u32 i, u32 *count)
{
	const struct acpi_header *h = early_map(root.phys, sizeof(*h));
	u32 length = h->length;
	u64 entry = 0;

	h = early_map(root.phys, length);
	*count = (length - (u32)sizeof(*h)) / root.width;
	if (i < *count)
		memcpy(&entry, (const char *)(h + 1) + i * root.width, root.width);
	return entry <= ~0u ? (u32)entry : 0;
}

const struct acpi_header *acpi_table(const char *signature)
{
	const struct acpi_header *h = NULL;
	u32 count = 1;

	if (!root.looked)
		find_root();
	for (u32 i = 0; root.phys && !h && i < count; i++) {
		u32 phys = root_entry(i, &count);

		h = phys ? acpi_table_at(phys, signature) : NULL;
	}
	return h;
}
