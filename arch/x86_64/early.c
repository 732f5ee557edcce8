/* SPDX-License-Identifier: MIT */
/*
 * early.c: seeing physical memory before it is mapped.
 *
 * start.S mapped the first 4 GiB from PAGE_OFFSET on, memory or not, in pages of
 * 2 MiB; what a 32-bit loader leaves lies there.  So nothing has to be mapped, and
 * what is seen stays until arch_paging_init() maps memory alone.
 */
#include "pc.h"
#include <quarry/page.h>

const void *early_map(u32 phys, u32 len)
{
	(void)len;
	return __va(phys);
}

void early_unmap(void)
{
}

void early_string(char *to, size_t len, u32 phys)
{
	const char *from = __va(phys);
	size_t i;

	for (i = 0; i + 1 < len && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}
