/* SPDX-License-Identifier: MIT */
/*
 * machine.c: the rest of what the kernel asks of its machine: name, clock, boot
 * modules, segments, power.
 */
#include "hosted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <kernel/machine.h>

#define MAX_MODULES 16
#define CMDLINE_LEN 4096

static char cmdline[CMDLINE_LEN];
static struct machine_module modules[MAX_MODULES];
static unsigned module_count;
static u64 started_ns;

/* ---- who we are ---------------------------------------------------------------------- */

/* The programs are there to be looked at and touched; they are i386's in both widths. */
unsigned machine_elf(void)
{
	return ELF_386;
}

const char *machine_arch(void)
{
	return sizeof(long) == 8 ? "hosted64" : "hosted32";
}

const char *machine_cmdline(void)
{
	return cmdline;
}

void machine_set_cmdline(const char *text)
{
	snprintf(cmdline, sizeof(cmdline), "%s", text);
}

void machine_describe(struct seq *s)
{
	seq_printf(s, "Linux process %d, of %d bits: memory is a file, a page fault is SIGSEGV\n",
		   (int)getpid(), (int)sizeof(long) * 8);
	seq_printf(s, "Paging: %d levels, %lu KiB pages for the direct map, a TLB of %d entries\n",
		   PGTABLE_LEVELS, 1UL << (pt_shift(2) - 10), TLB_ENTRIES);
	seq_puts(s, "Memory map:\n");
	for (unsigned i = 0; i < hosted_map_entries; i++) {
		const struct e820_entry *e = &hosted_map[i];

		seq_printf(s, "  0x%012llx-0x%012llx %s\n", (unsigned long long)e->addr,
			   (unsigned long long)(e->addr + e->size - 1), e820_type_name(e->type));
	}
	if (hosted_beyond)
		seq_printf(s, "%llu MiB of memory beyond %llu GiB are left out\n",
			   (unsigned long long)(hosted_beyond >> 20), PHYS_LIMIT >> 30);
}

bool machine_has_feature(const char *name)
{
	static const char *const have[] = { "pse", "pge" };

	for (unsigned i = 0; i < ARRAY_SIZE(have); i++)
		if (!strcmp(name, have[i]))
			return true;
	return !strcmp(name, "ring3") && user_mode_works;
}

/* ---- modules --------------------------------------------------------------------------- */

/* @f, @size bytes, into physical memory, as a boot loader does it. */
static const char *load_module(FILE *f, size_t size, struct machine_module *m)
{
	void *start = size ? memblock_alloc(size, PAGE_SIZE) : NULL;

	if (!start)
		return size ? "low memory has no room for it" : "it is empty";
	if (fread(start, 1, size, f) != size)
		return "it cannot be read to its end";
	m->start = start;
	m->size = size;
	return NULL;
}

const char *machine_add_module(const char *path)
{
	struct machine_module *m = &modules[module_count];
	const char *slash = strrchr(path, '/'), *err;
	struct stat st;
	FILE *f;

	if (module_count == MAX_MODULES)
		return "too many modules";
	f = fopen(path, "rb");
	if (!f)
		return strerror(errno);
	err = fstat(fileno(f), &st) ? strerror(errno) :
	      !S_ISREG(st.st_mode) ? "not a regular file" : load_module(f, (size_t)st.st_size, m);
	fclose(f);
	m->name = slash ? slash + 1 : path;
	module_count += !err;
	return err;
}

bool machine_module(unsigned i, struct machine_module *m)
{
	if (i >= module_count)
		return false;
	*m = modules[i];
	return true;
}

/* ---- time -------------------------------------------------------------------------------- */

u64 machine_cycles(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

const char *machine_cycles_unit(void)
{
	return "ns";
}

u64 machine_ms(void)
{
	return (machine_cycles() - started_ns) / 1000000;
}

void clock_start(void)
{
	started_ns = machine_cycles();
}

/* ---- what a process has not ----------------------------------------------------------------- */

void machine_print_gdt(struct seq *s)
{
	seq_puts(s, "no descriptor table: the host has set the segments of this process up, flat, "
		 "and keeps them; logical = linear\n");
}

unsigned long machine_segment_base(bool user)
{
	(void)user;
	return 0;
}

bool machine_read_apic(u32 *id, u32 *version)
{
	*id = *version = 0;
	return false;
}

int machine_image_part(unsigned i, unsigned long *start, unsigned long *end)
{
	(void)i;
	*start = *end = 0;
	return -ENOENT;
}

/* ---- the end ----------------------------------------------------------------------------------- */

void machine_poweroff(int status)
{
	console_flush();
	console_restore();
	_exit(status);
}
