/* SPDX-License-Identifier: MIT */
/*
 * gdt.c: segment descriptors, made and read back (row E1).
 *
 *	descriptor	 63      56 55   52 51     48 47    40 39        16 15         0
 *			| base high | flags | limit h | access | base 23..0 | limit 15..0 |
 *
 * In long mode a task state's descriptor takes two places: the second holds bits 63
 * to 32 of its base.  Of code and data the processor then looks at the access byte
 * only, whatever base and limit say: logical is linear by construction.
 */
#include "pc.h"

#define LONG_MODE (sizeof(long) == 8)

struct descriptor gdt_descriptor(u32 base, u32 limit, u32 access, u32 flags)
{
	return (struct descriptor){
		.low = (limit & 0xffff) | base << 16,
		.high = (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 |
			(base & 0xff000000),
	};
}

/* ---- descriptors, read back (row E1) --------------------------------------------- */

static unsigned read_gdt(const struct descriptor **gdt)
{
	struct table_register r;

	__asm__ volatile("sgdt %0" : "=m"(r));
	*gdt = (const struct descriptor *)r.base;
	return (r.limit + 1u) / sizeof(struct descriptor);
}

static u32 descriptor_base(struct descriptor d)
{
	return d.low >> 16 | (d.high & 0xff) << 16 | (d.high & 0xff000000);
}

/* The last byte of the segment. */
static u32 descriptor_limit(struct descriptor d)
{
	u32 limit = (d.low & 0xffff) | (d.high & 0xf0000);

	return d.high >> 23 & 1 ? limit << PAGE_SHIFT | 0xfff : limit;
}

static const char *descriptor_type(struct descriptor d)
{
	static const char *const data[] = { "data r", "data rw", "data r, down", "data rw, down",
		"code x", "code rx", "code x, conforming", "code rx, conforming" };

	if (d.high >> 12 & 1)
		return data[d.high >> 9 & 7];
	switch (d.high >> 8 & 15) {
	case 2: return "LDT";
	case 9: return "TSS";
	case 11: return "TSS busy";
	default: return "system";
	}
}

static bool is_system(struct descriptor d)
{
	return !(d.high >> 12 & 1);
}

/* Return: how many places the descriptor at @d takes. */
static unsigned print_descriptor(struct seq *s, const struct descriptor *d, unsigned index)
{
	bool wide = LONG_MODE && is_system(*d);
	unsigned long base = descriptor_base(*d) | (wide ? (unsigned long)d[1].low << (LONG_MODE ? 32 : 0) : 0);

	if (!(d->high >> 15 & 1)) {
		seq_printf(s, "0x%02x  %08x%08x  not present\n", index * 8, d->high, d->low);
		return 1;
	}
	seq_printf(s, "0x%02x  %08x%08x  0x%08lx 0x%08x %s  %u   %s%s: %s\n", index * 8, d->high, d->low,
		   base, descriptor_limit(*d), d->high >> 23 & 1 ? "page" : "byte", d->high >> 13 & 3,
		   descriptor_type(*d), d->high >> 21 & 1 ? ", 64-bit" : "",
		   index < GDT_ENTRIES ? gdt_uses[index] : "");
	return wide ? 2 : 1;
}

void machine_print_gdt(struct seq *s)
{
	const struct descriptor *gdt;
	unsigned n = read_gdt(&gdt);

	seq_printf(s, "GDT at 0x%08lx, %u descriptors\n", (unsigned long)gdt, n);
	seq_puts(s, "sel   descriptor        base       limit      gran DPL type\n");
	for (unsigned i = 0; i < n; )
		i += print_descriptor(s, &gdt[i], i);
	if (LONG_MODE)
		seq_puts(s, "long mode: of code and data, base and limit are ignored\n");
}

unsigned long machine_segment_base(bool user)
{
	const struct descriptor *gdt;
	unsigned selector = USER_DS;

	if (LONG_MODE)
		return 0;
	read_gdt(&gdt);
	if (!user)
		__asm__("movl %%ds, %0" : "=r"(selector));
	return descriptor_base(gdt[(selector & 0xffff) >> 3]);
}
