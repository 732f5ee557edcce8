/* SPDX-License-Identifier: MIT */
/*
 * symbol.c: names for code addresses, from the symbol table of our own file.
 *
 * The host's dladdr() knows exported functions only.  The file's .symtab has them
 * all; it is mapped once and searched from end to end for each report.
 */
#include "hosted.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quarry/printf.h>

extern const char __ehdr_start[], end[];

static const ElfW(Sym) *symbols;
static unsigned long symbol_count;
static const char *names;

static const ElfW(Ehdr) *map_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st))
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

void symbol_init(void)
{
	const ElfW(Ehdr) *e = map_program();
	const ElfW(Shdr) *s;

	if (!e)
		return;
	s = (const void *)((const char *)e + e->e_shoff);
	for (unsigned i = 0; i < e->e_shnum; i++)
		if (s[i].sh_type == SHT_SYMTAB) {
			symbols = (const void *)((const char *)e + s[i].sh_offset);
			symbol_count = s[i].sh_size / sizeof(*symbols);
			names = (const char *)e + s[s[i].sh_link].sh_offset;
		}
}

const char *symbol_find(unsigned long addr, unsigned long *offset)
{
	unsigned long at = addr - (unsigned long)__ehdr_start;

	for (unsigned long i = 0; i < symbol_count; i++) {
		const ElfW(Sym) *s = &symbols[i];

		if ((s->st_info & 0xf) == STT_FUNC && at >= s->st_value && at < s->st_value + s->st_size) {
			*offset = at - s->st_value;
			return names + s->st_name;
		}
	}
	return NULL;
}

char *port_symbol(char *buf, size_t len, unsigned long addr)
{
	unsigned long offset;
	const char *name = symbol_find(addr, &offset);

	if (name)
		mm_snprintf(buf, len, "%s+0x%lx", name, offset);
	else
		mm_snprintf(buf, len, "0x%lx", addr);
	return buf;
}

const char *port_describe_address(const void *p)
{
	unsigned long addr = (unsigned long)p, low, high;

	thread_stack_bounds(&low, &high);
	if (addr >= low && addr < high)
		return "stack";
	if (addr >= (unsigned long)__ehdr_start && addr < (unsigned long)end)
		return "kernel image";
	return NULL;
}
