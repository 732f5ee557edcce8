/* SPDX-License-Identifier: MIT */
/*
 * cmdline.c: the kernel's command line.  Words that the machine itself knows: mem=SIZE,
 * memmap=SIZE$START, maxcpus=N, icount, notty, nocpuid, nosmp, nonuma, and those of features.c, which switch a feature off.
 */
#include "pc.h"
#include <quarry/string.h>

#define MAX_CMDLINE 2048

static char cmdline[MAX_CMDLINE];

const char *machine_cmdline(void)
{
	return cmdline;
}

bool cmdline_has(const char *word)
{
	size_t len = strlen(word);
	bool quoted = false;

	for (const char *p = cmdline; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (!quoted && (p == cmdline || p[-1] == ' ') && strncmp(p, word, len) == 0 &&
		    (p[len] == ' ' || p[len] == 0))
			return true;
	}
	return false;
}

/* Behind the @nth word that begins with @name; NULL: there are not so many. */
static const char *value_of(const char *name, unsigned nth)
{
	const char *p = cmdline;
	size_t len = strlen(name);

	while (p && (strncmp(p, name, len) != 0 || nth-- > 0)) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	return p ? p + len : NULL;
}

/* In bytes, or with K, M, G; *@p: behind it. */
static phys_addr_t read_size(const char **p)
{
	phys_addr_t n = 0;

	for (; **p >= '0' && **p <= '9' && n < 1ull << 40; ++*p)
		n = n * 10 + (phys_addr_t)(**p - '0');
	switch (**p | 0x20) {
	case 'k': ++*p; return n << 10;
	case 'm': ++*p; return n << 20;
	case 'g': ++*p; return n << 30;
	}
	return n;
}

/* mem=SIZE: leave the memory beyond alone. */
phys_addr_t cmdline_mem(void)
{
	const char *p = value_of("mem=", 0);

	return p ? read_size(&p) : 0;
}

/* memmap=SIZE$START: leave that memory alone. */
bool cmdline_memmap(unsigned i, phys_addr_t *start, phys_addr_t *size)
{
	const char *p = value_of("memmap=", i);

	if (!p)
		return false;
	*start = 0;
	*size = read_size(&p);
	if (*p == '$') {
		p++;
		*start = read_size(&p);
	}
	return true;
}

unsigned cmdline_maxcpus(void)
{
	const char *p = value_of("maxcpus=", 0);

	return p ? (unsigned)max(read_size(&p), (phys_addr_t)1) : ~0u;
}

/* QEMU, like the specification, puts the kernel's own file name first; GRUB 2 does not. */
static void drop_file_name(void)
{
	char *end = strchr(cmdline, ' '), *equals = strchr(cmdline, '='), *slash = strchr(cmdline, '/');

	if (!slash || (end && slash > end) || (equals && equals < slash))
		return;
	if (!end) {
		cmdline[0] = 0;
		return;
	}
	memmove(cmdline, end + 1, strlen(end + 1) + 1);
}

void cmdline_read(u32 phys)
{
	early_string(cmdline, sizeof(cmdline), phys);
	drop_file_name();
}
