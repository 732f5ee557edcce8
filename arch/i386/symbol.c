/* SPDX-License-Identifier: MIT */
/*
 * symbol.c: names for code addresses, the call chain, and panic.
 *
 * The build writes the table (symbols.awk): address and offset of the name, by
 * address; a look-up is a binary search.  Every function keeps its caller's frame
 * in ebp, so the frames are a list: [ebp] is the next frame, [ebp + 4] the return
 * address.  The list ends with 0, and is followed only while it stays in the direct
 * map, on word borders, and climbs: a broken chain ends the trace, not the report.
 */
#include "pc.h"
#include <quarry/printf.h>

struct symbol {
	u32 address, name;
};
extern const struct symbol symbols_start[], symbols_stop[];

/* The function that contains @addr, and how far into it; NULL for none. */
static const char *symbol_find(unsigned long addr, unsigned long *offset)
{
	const struct symbol *low = symbols_start, *high = symbols_stop;

	if (addr < (unsigned long)_text || addr >= (unsigned long)_etext || low == high)
		return NULL;
	while (high - low > 1) {
		const struct symbol *middle = low + (high - low) / 2;

		if (middle->address <= addr)
			low = middle;
		else
			high = middle;
	}
	*offset = addr - low->address;
	return (const char *)symbols_stop + low->name;
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
	unsigned long addr = (unsigned long)p;
	const struct task *t = current_task();

	if (t && t->kstack && addr - (unsigned long)t->kstack < KSTACK_SIZE)
		return "stack";
	if ((const char *)p >= boot_stack && (const char *)p < boot_stack_top)
		return "stack";
	if (addr >= (unsigned long)__va(IMAGE_START) && (const char *)p < _end)
		return "kernel image";
	return addr < TASK_SIZE ? "user space" : NULL;
}

/* ---- panic ------------------------------------------------------------------------------ */

static bool frame_ok(u32 ebp, u32 before)
{
	return ebp > before && ebp % 4 == 0 && ebp >= PAGE_OFFSET &&
	       (high_memory == (void *)PAGE_OFFSET || ebp < (u32)high_memory - 8);
}

static void print_chain(u32 eip, u32 ebp)
{
	char where[64];
	u32 before = 0;

	mm_log("  call chain:\n");
	for (unsigned i = 0; i < 24; i++) {
		mm_log("    %08x %s\n", eip, port_symbol(where, sizeof(where), eip));
		if (!frame_ok(ebp, before))
			break;
		before = ebp;
		eip = ((const u32 *)ebp)[1];
		ebp = ((const u32 *)ebp)[0];
		if (!eip)
			break;
	}
}

void panic_begin(const char *text)
{
	static bool again;
	const struct task *t;

	arch_irq_disable();
	console_seize();
	if (again) {
		mm_log("\npanic within a panic: %s\n", text);
		machine_halt(PANIC_STATUS);
	}
	again = true;
	t = current_task();
	mm_log("\npanic: %s\n", text);
	if (t)
		mm_log("  CPU%u, thread %d (%s)\n", smp_processor_id(), t->pid, t->name);
}

void panic_end(u32 eip, u32 ebp)
{
	print_chain(eip, ebp);
	machine_halt(PANIC_STATUS);
}

void port_panic(const char *text)
{
	const u32 *frame = __builtin_frame_address(0);

	panic_begin(text);
	panic_end(frame[1], frame[0]);
}
