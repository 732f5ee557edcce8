/* SPDX-License-Identifier: MIT */
/*
 * no_names.c: for ports that have no table of symbols.
 *
 * Like all in this folder a weak definition: what a port that leaves a hook of
 * port.h out gets, and what gives way to a port's own.
 */
#include <quarry/port.h>
#include <quarry/printf.h>

__weak char *port_symbol(char *buf, size_t len, unsigned long addr)
{
	mm_snprintf(buf, len, "0x%lx", addr);
	return buf;
}

__weak const char *port_describe_address(const void *p)
{
	(void)p;
	return NULL;
}
