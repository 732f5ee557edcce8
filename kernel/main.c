/* SPDX-License-Identifier: MIT */
/*
 * main.c: the reference kernel, from mm_init() to the shell.
 */
#include "machine.h"
#include "sched.h"
#include "shell.h"

#include <quarry/page.h>
#include <quarry/port.h>
#include <quarry/report.h>
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

	for_each_zone(z)
		seq_printf(s, "zone %-8s %6lu-%6lu MiB: %7lu pages managed, %7lu free\n", z->name,
			   z->zone_start_pfn / MB_PAGES, (z->zone_start_pfn + z->spanned_pages) / MB_PAGES,
			   z->managed_pages, zone_free_pages(z));
}

static void log_banner(void)
{
	struct seq log = { .write = write_log };
	unsigned programs = 0;

	while (program_name(programs))
		programs++;
	seq_printf(&log, "Quarry on %s: the memory manager is up\n", machine_arch());
	machine_describe(&log);
	report_layout(&log);
	log_zones(&log);
	seq_printf(&log, "%u programs to run\n", programs);
}

void kernel_main(void)
{
	sched_init();
	log_banner();
	if (thread_spawn("shell", shell_main, NULL) < 0)
		mm_panic("no memory for the first thread");
	sched_idle_loop();
}
