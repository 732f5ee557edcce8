/* SPDX-License-Identifier: MIT */
/*
 * symbol.c: names for code addresses, the call chain, and panic.
 *
 * The build writes the table (symbols.awk): address and offset of the name, by
 * address; a look-up is a binary search.  Every function keeps its caller's frame
 * in a register (ebp, rbp), so the frames are a list of two words each: the next
 * frame, the return address.  The list ends with 0, and is followed only while it stays in the direct
 * map or the image, on word borders, and climbs: a broken chain ends the trace, not the report.
 */
#include "pc.h"
#include <quarry/printf.h>

struct symbol {
	u32 address, name;		/* of the address, its lower half: the image is smaller */
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

		if (middle->address <= (u32)addr)
			low = middle;
		else
			high = middle;
	}
	*offset = (u32)addr - low->address;
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
	if (addr >= (unsigned long)_text - PAGE_SIZE && (const char *)p < _end)
		return "kernel image";
	return addr < TASK_SIZE ? "user space" : NULL;
}

/* ---- panic ------------------------------------------------------------------------------ */

static bool frame_ok(unsigned long fp, unsigned long before)
{
	if (fp <= before || fp % sizeof(long))
		return false;
	return virt_addr_valid((void *)fp) ||
	       (fp >= (unsigned long)_text && fp < (unsigned long)_end - 2 * sizeof(long));
}

static void print_chain(unsigned long ip, unsigned long fp)
{
	unsigned long before = 0;
	char where[64];

	mm_log("  call chain:\n");
	for (unsigned i = 0; i < 24 && ip; i++) {
		mm_log("    %0*lx %s\n", (int)(2 * sizeof(long)), ip, port_symbol(where, sizeof(where), ip));
		if (!frame_ok(fp, before))
			break;
		before = fp;
		ip = ((const unsigned long *)fp)[1];
		fp = ((const unsigned long *)fp)[0];
	}
}

/* The first to panic stops the others; who panics meanwhile waits for that. */
static void claim_panic(const char *text)
{
	static int owner = -1;
	int self = (int)smp_processor_id(), before = -1;

	if (__atomic_compare_exchange_n(&owner, &before, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		machine_stop_others();
		console_seize();
	} else if (before == self) {
		mm_log("\npanic within a panic: %s\n", text);
		machine_halt(PANIC_STATUS);
	} else {
		for (;;)
			cpu_relax();
	}
}

void panic_begin(const char *text)
{
	const struct task *t;

	arch_irq_disable();
	claim_panic(text);
	t = current_task();
	mm_log("\npanic: %s\n", text);
	if (t)
		mm_log("  CPU%u, thread %d (%s)\n", smp_processor_id(), t->pid, t->name);
}

void panic_end(unsigned long ip, unsigned long fp)
{
	print_chain(ip, fp);
	machine_halt(PANIC_STATUS);
}

void port_panic(const char *text)
{
	const unsigned long *frame = __builtin_frame_address(0);

	panic_begin(text);
	panic_end(frame[1], frame[0]);
}
