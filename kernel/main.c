/* SPDX-License-Identifier: MIT */
/*
 * main.c: the reference kernel, from mm_init() to the shell.
 */
#include "console.h"
#include "machine.h"
#include "pagecache.h"
#include "sched.h"
#include "shell.h"

#include <quarry/page.h>
#include <quarry/port.h>
#include <quarry/pressure.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/set_memory.h>
#include <quarry/string.h>
#include <quarry/zone.h>

#define MB_PAGES (1UL << (20 - PAGE_SHIFT))

static void write_log(struct seq *s, const char *text, size_t len)
{
	(void)s;
	port_log(text, len);
}

static void log_zones(struct seq *s)
{
	struct zone *z;

	for_each_zone(z) {
		if (num_online_nodes() > 1)
			seq_printf(s, "node %d, ", z->node);
		seq_printf(s, "zone %-8s %6lu-%6lu MiB: %7lu pages managed, %7lu free\n", z->name,
			   z->zone_start_pfn / MB_PAGES, (z->zone_start_pfn + z->spanned_pages) / MB_PAGES,
			   z->managed_pages, zone_free_pages(z));
	}
	if (SPARSE_MEM_MAP)
		report_sections(s);
}

/* In lines of a screen's width. */
static void log_programs(struct seq *s)
{
	const char *name;
	size_t column;

	seq_puts(s, "Programs:");
	column = strlen("Programs:");
	for (unsigned i = 0; (name = program_name(i)); i++) {
		if (column + 1 + strlen(name) > 79) {
			seq_puts(s, "\n         ");
			column = strlen("Programs:");
		}
		seq_printf(s, " %s", name);
		column += 1 + strlen(name);
	}
	seq_puts(s, program_name(0) ? "\n" : " none\n");
}

static void log_banner(void)
{
	struct seq log = { .write = write_log };

	seq_printf(&log, "Quarry on %s: the memory manager is up\n", machine_arch());
	machine_describe(&log);
	seq_printf(&log, "From the boot loader to the first kmalloc: %llu %s\n",
		   (unsigned long long)machine_boot_cycles(), machine_cycles_unit());
	report_layout(&log);
	log_zones(&log);
	log_programs(&log);
}

/* From now on, who writes to the kernel's code or constants faults. */
static void protect_image(void)
{
	unsigned long start, end;
	int exec, err = 0;

	for (unsigned i = 0; !err && (exec = machine_image_part(i, &start, &end)) >= 0; i++) {
		int pages = (int)((end - start) >> PAGE_SHIFT);

		err = set_memory_ro(start, pages);
		if (!err && !exec)
			err = set_memory_nx(start, pages);
	}
	if (err)
		mm_panic("no memory for the page tables that protect the image (%d)", err);
}

/* A background reclaimer for each node. */
static void start_kswapds(void)
{
	char name[16];

	for (int nid = 0; nid < num_online_nodes(); nid++) {
		mm_snprintf(name, sizeof(name), "kswapd%d", nid);
		if (thread_spawn(name, kswapd, NODE_DATA(nid)) < 0)
			mm_panic("no memory for %s", name);
	}
}

void kernel_main(void)
{
	sched_init();
	machine_log = console_log;
	log_banner();
	protect_image();
	pagecache_init();
	machine_start_cpus();
	if (machine_nr_cpus() > 1)
		mm_log("%u CPUs are online\n", cpus_online());
	start_kswapds();
	if (thread_spawn("shell", shell_main, NULL) < 0)
		mm_panic("no memory for the first thread");
	sched_idle_loop();
}
