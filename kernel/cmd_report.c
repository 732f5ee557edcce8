/* SPDX-License-Identifier: MIT */
/*
 * cmd_report.c: looking at memory without changing it.
 */
#include "command.h"
#include "machine.h"
#include "sched.h"

#include <quarry/memblock.h>
#include <quarry/numa.h>
#include <quarry/report.h>
#include <quarry/string.h>

/* Run the report that has the command's own name. */
static int cmd_report(int argc, char **argv)
{
	(void)argc;
	for (const struct report *r = mm_reports; r->name; r++)
		if (strcmp(r->name, argv[0]) == 0)
			r->print(&console);
	return 0;
}

static int cmd_gdt(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	machine_print_gdt(&console);
	return 0;
}

static int cmd_cpus(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	machine_print_cpus(&console);
	return 0;
}

static int cmd_machine(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	machine_describe(&console);
	return 0;
}

static void print_ranges(const struct memblock_type *t)
{
	unsigned long long sum = 0;

	for (unsigned i = 0; i < t->cnt; i++) {
		const struct memblock_region *r = &t->regions[i];

		kprintf("  0x%09llx - 0x%09llx  %9llu kB\n", (unsigned long long)r->base,
			(unsigned long long)(r->base + r->size - 1), (unsigned long long)r->size >> 10);
		sum += r->size;
	}
	kprintf("  %u ranges, %llu kB\n", t->cnt, sum >> 10);
}

static int cmd_numa(int argc, char **argv)
{
	unsigned long nid;

	if (argc < 2) {
		report_numa(&console);
		return 0;
	}
	if (!parse_number("node", argv[1], &nid))
		return 1;
	if (nid >= (unsigned long)num_online_nodes())
		return cmd_error("nodes are 0 ... %d", num_online_nodes() - 1);
	report_node_meminfo(&console, (int)nid);
	return 0;
}

static int cmd_memmap(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	kprintf("memory:\n");
	print_ranges(&memblock.memory);
	kprintf("reserved before the zones were built:\n");
	print_ranges(&memblock.reserved);
	return 0;
}

static int cmd_page(int argc, char **argv)
{
	pfn_t pfn;

	(void)argc;
	if (!frame_argument(argv[1], &pfn))
		return 1;
	report_page(&console, pfn);
	return 0;
}

static int cmd_misuse(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (enum misuse k = 0; k < NR_MISUSE; k++)
		if (misuse_count(k))
			kprintf("%6lu %s\n", misuse_count(k), misuse_name(k));
	kprintf("%6lu in all\n", misuse_count(NR_MISUSE));
	if (*misuse_last())
		kprintf("the last: %s\n", misuse_last());
	return 0;
}

static bool check_task(struct task *t, void *arg)
{
	int broken = t->mm ? mm_check(t->mm) : 0;

	if (broken) {
		kprintf("check: vm.c: invariant %d does not hold in %s[%d]\n", broken, t->name, t->pid);
		++*(int *)arg;
	}
	return true;
}

static int cmd_check(int argc, char **argv)
{
	int broken = mm_check_all(&console), sched = sched_check();

	(void)argc;
	(void)argv;
	task_for_each(check_task, &broken);
	if (sched)
		kprintf("check: sched.c: invariant %d does not hold\n", sched);
	broken += sched != 0;
	if (broken)
		return cmd_error("%d checks failed", broken);
	kprintf("every invariant holds\n");
	return 0;
}

#define REPORT(name, what, detail) { name, "", what, detail, name, cmd_report, 0, 0, NULL }

const struct command report_commands[] = {
	REPORT("layout", "the kernel's part of the address space",
	       "From the top down: the fixed slots, the kmap window, the vmalloc window, low memory,\n"
	       "and in it the kernel's own image."),
	REPORT("meminfo", "all of memory, as /proc/meminfo",
	       "In kB.  MemTotal is what the page allocator was given.  What this system has not shows 0."),
	REPORT("buddyinfo", "free blocks by order, as /proc/buddyinfo",
	       "One line for each zone: how many free blocks there are of 1, 2, 4 ... 1024 pages.\n"
	       "'alloc' and 'free' show how they split and merge."),
	REPORT("zoneinfo", "zones and watermarks, as /proc/zoneinfo",
	       "In pages.  min, low and high are the watermarks; protection is what a zone keeps from\n"
	       "requests that could also use a higher zone; pagesets are the CPUs' own lists."),
	REPORT("vmstat", "counters and events since boot, as /proc/vmstat",
	       "In pages; nr_kernel_stack in kB.  alloc_... at the end are the rungs that allocations climbed\n"
	       "when memory was short.  What does not exist here shows 0."),
	REPORT("pagetypeinfo", "free blocks by type, as /proc/pagetypeinfo",
	       "Blocks are not grouped by mobility here: all are Unmovable."),
	REPORT("slabinfo", "caches of objects, as /proc/slabinfo",
	       "active_objs are in their users' hands; num_objs have memory; limit and batchcount are of\n"
	       "the CPUs' own arrays."),
	REPORT("vmallocinfo", "areas of the vmalloc window, as /proc/vmallocinfo",
	       "Address, bytes with the guard page, who asked for it, how many frames."),
	{ "gdt", "", "the segment descriptors, decoded",
	  "Base 0 and limit 4 GiB in each: so a logical address is the linear one.",
	  "gdt", cmd_gdt, 0, 0, NULL },
	{ "cpus", "", "the processors, and what interrupted each",
	  "ticks: of its timer.  kicks, calls: by others, to look for another thread, to call a function;\n"
	  "flushes: calls after which it had forgotten translations.  APIC: what others address it by.",
	  "cpus", cmd_cpus, 0, 0, NULL },
	{ "numa", "[NODE]", "nodes: memory and CPUs that are near each other",
	  "Distances: 10 is the way to a node's own memory.  order: where a request of a CPU of that node\n"
	  "looks, best zone first.  NODE: its part of meminfo.",
	  "numa; numa 0", cmd_numa, 0, 1, NULL },
	{ "memmap", "", "the machine's memory, and what was reserved at boot",
	  "As memblock holds it.  'machine' shows the firmware's own list.",
	  "memmap", cmd_memmap, 0, 0, NULL },
	{ "machine", "", "CPU, features, the firmware's memory map",
	  "As the boot log shows it: which features are there and used, what the firmware or the boot\n"
	  "loader said about memory, where the kernel's image and its modules lie.", "machine", cmd_machine, 0, 0,
	  NULL },
	{ "page", "FRAME|ADDRESS", "everything known about one frame",
	  "A number below the last frame is a frame number; from PAGE_OFFSET on it is a kernel address;\n"
	  "in between, a physical address.  #N is a block that 'alloc' gave.",
	  "page 0x100; page 0xc0100000", cmd_page, 1, 1, complete_pages },
	{ "misuse", "", "what the memory manager refused so far",
	  "Counts by kind, and the last report.  Try 'kfree 0x1234'.",
	  "misuse", cmd_misuse, 0, 0, NULL },
	{ "check", "", "test every invariant of the memory manager",
	  "Each broken one is named by its file and number.  Exact while nothing else runs.",
	  "check", cmd_check, 0, 0, NULL },
	{ .name = NULL },
};
