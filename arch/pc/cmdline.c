/* SPDX-License-Identifier: MIT */
/*
 * cmdline.c: the kernel's command line.  Words that the machine itself knows: mem=SIZE,
 * icount, notty, nocpuid, nosmp, nonuma, and those of features.c, which switch a feature off.
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

/* mem=SIZE: leave the memory beyond alone.  SIZE in bytes, or with K, M, G. */
phys_addr_t cmdline_mem(void)
{
	const char *p = cmdline;
	phys_addr_t n = 0;

	while (p && strncmp(p, "mem=", 4) != 0) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	if (!p)
		return 0;
	for (p += 4; *p >= '0' && *p <= '9' && n < 1ull << 40; p++)
		n = n * 10 + (phys_addr_t)(*p - '0');
	switch (*p | 0x20) {
	case 'k': return n << 10;
	case 'm': return n << 20;
	case 'g': return n << 30;
	}
	return n;
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
