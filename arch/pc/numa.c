/* SPDX-License-Identifier: MIT */
/*
 * numa.c: a PC's nodes: SRAT and SLIT asked (srat.c), and each CPU told its node.
 *
 * With "nonuma" on the command line, or without a table that can be believed, all is node 0.
 */
#include "firmware.h"
#include "pc.h"
#include "smp.h"
#include <quarry/numa.h>

static void ask_slit(const struct srat *srat)
{
	const struct acpi_header *table = acpi_table("SLIT");
	const char *wrong = table ? slit_read(table, srat) : NULL;

	if (wrong)
		mm_log("ACPI: SLIT: %s: all nodes count as equally far\n", wrong);
}

void numa_find(void)
{
	const struct acpi_header *table = cmdline_has("nonuma") ? NULL : acpi_table("SRAT");
	const char *wrong;
	struct srat srat;

	if (!table)
		return;
	wrong = srat_read(table, &srat);
	if (wrong) {
		mm_log("ACPI: SRAT: %s: all memory counts as one node's\n", wrong);
		return;
	}
	ask_slit(&srat);
	for (unsigned cpu = 0; cpu < nr_cpu_ids; cpu++)
		set_cpu_node(cpu, srat.apic_node[smp_apic_id(cpu)]);
}
