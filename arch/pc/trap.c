/* SPDX-License-Identifier: MIT */
/*
 * trap.c: exceptions, interrupts and system calls: what every PC does about them.
 *
 * (How they come in, and what is saved on the way, differs: arch/i386, arch/x86_64.)
 *
 * Every gate is an interrupt gate, so a handler starts with interrupts off; page
 * faults and system calls switch them on again if the interrupted code had them on.
 *
 * A fault that the kernel expects (machine_probe_read) is listed in the section
 * ex_table: where the instruction is, where to go on; both as distances from the
 * entry's own words, which are 32 bits wherever the image lies.
 *
 * The processor's three cries of distress (NMI, double fault, machine check) may come
 * at any instruction, the first of another trap included, so nobody goes on after one.
 */
#include "pc.h"
#include <quarry/printf.h>

static const char *const exception_names[32] = {
	"divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
	"invalid opcode", "device not available (floating point)", "double fault", "coprocessor overrun",
	"invalid TSS", "segment not present", "stack fault", "general protection fault", "page fault",
	"exception 15", "floating-point error", "alignment check", "machine check", "SIMD error",
	"exception 20", "control protection", "exception 22", "exception 23", "exception 24", "exception 25",
	"exception 26", "exception 27", "exception 28", "exception 29", "exception 30", "exception 31",
};

/* ---- what cannot be answered ---------------------------------------------------------- */

static void __attribute__((noreturn)) die(const struct trap_frame *f, const char *what)
{
	char where[64], line[160];

	mm_snprintf(line, sizeof(line), "%s in %s at %s", what, f->cs & 3 ? "user mode" : "the kernel",
		    port_symbol(where, sizeof(where), f->ip));
	panic_begin(line);
	trap_print_registers(f);
	panic_end(f->ip, f->bp);
}

/* ---- faults that are expected ----------------------------------------------------------- */

struct ex_entry {
	int32_t insn, go_on;		/* from here to there */
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

static bool fixup(struct trap_frame *f)
{
	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if ((unsigned long)&e->insn + (unsigned long)e->insn == f->ip) {
			f->ip = (unsigned long)&e->go_on + (unsigned long)e->go_on;
			return true;
		}
	}
	return false;
}

/* The instruction at 1 either runs, and clears `failed`, or is skipped. */
#define MAY_FAULT(insn, ...)								\
	__asm__ volatile("1:\t" insn "\n\txorl %0, %0\n2:\n"				\
			 "\t.pushsection ex_table, \"a\"\n\t.long 1b - ., 2b - .\n\t.popsection" : __VA_ARGS__)

bool machine_probe_read(unsigned long addr, u32 *value)
{
	u32 failed = 1, v = 0;

	MAY_FAULT("movl (%2), %1", "+&r"(failed), "+&r"(v) : "r"(addr) : "memory", "cc");
	if (!failed)
		*value = v;
	return !failed;
}

bool machine_probe_write(unsigned long addr, u32 value)
{
	u32 failed = 1;

	MAY_FAULT("movl %2, (%1)", "+&r"(failed) : "r"(addr), "r"(value) : "memory", "cc");
	return !failed;
}

/* ---- exceptions ---------------------------------------------------------------------------- */

static bool answer_page_fault(const struct trap_frame *f, unsigned long addr)
{
	struct fault_info info = {
		.addr = addr, .ip = f->ip, .present = f->error & 1, .write = f->error & 2,
		.user = f->error & 4, .exec = f->error & 16,
	};
	bool retry;

	if (f->flags & EFLAGS_IF)
		arch_irq_enable();
	retry = kernel_page_fault(&info);
	arch_irq_disable();
	return retry;
}

static void page_fault(struct trap_frame *f)
{
	unsigned long addr = read_cr2();
	bool user = f->cs & 3;
	char what[80];

	/* No task's area lies in the kernel's half: an expected fault there needs no answer. */
	if (!user && addr >= TASK_SIZE && fixup(f))
		return;
	if (answer_page_fault(f, addr) || (!user && fixup(f)))
		return;
	mm_snprintf(what, sizeof(what), "page fault: %s of 0x%08lx (%s)",
		    f->error & 2 ? "write" : "read", addr, f->error & 1 ? "protected" : "not mapped");
	die(f, what);
}

static bool is_fatal(unsigned long vector)
{
	return vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK;
}

static void exception(struct trap_frame *f)
{
	const char *what = exception_names[f->vector];

	if (f->vector == VECTOR_PAGE_FAULT) {
		page_fault(f);
	} else if (is_fatal(f->vector)) {
		if (f->vector == VECTOR_NMI)
			smp_nmi();
		die(f, what);
	} else if (f->cs & 3) {
		arch_irq_enable();
		kernel_user_trap(what, f->ip, f->ip);
	} else if (f->vector != VECTOR_PROTECTION || !fixup(f)) {	/* a non-canonical address */
		die(f, what);
	}
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* Return: true when the running thread's time is over. */
static bool device_interrupt(unsigned irq)
{
	switch (irq) {
	case 0:
		timer_tick();
		return kernel_timer_tick();
	case 1:
	case 4:
		console_interrupt();
		return true;	/* whoever waits for input should run soon */
	default:
		mm_log("irq %u: nobody asked for it\n", irq);
		return false;
	}
}

/* From an APIC: this CPU's timer, or another CPU. */
static void apic_interrupt(unsigned long vector)
{
	bool switch_wanted;

	cpu_local_add(preempt_count, IRQ_ONE);
	switch_wanted = smp_interrupt(vector);
	cpu_local_add(preempt_count, -IRQ_ONE);
	if (switch_wanted && preempt_count() == 0)
		schedule();
}

static void interrupt(unsigned irq)
{
	bool switch_wanted;

	if (!pic_begin(irq))
		return;
	cpu_local_add(preempt_count, IRQ_ONE);
	switch_wanted = device_interrupt(irq);
	pic_end(irq);
	cpu_local_add(preempt_count, -IRQ_ONE);
	if (switch_wanted && preempt_count() == 0)
		schedule();
}

/* What each CPU's next soft interrupt calls. */
static struct {
	void (*fn)(void *);
	void *arg;
} soft[NR_CPUS];

static void soft_interrupt(void)
{
	unsigned cpu = smp_processor_id();

	cpu_local_add(preempt_count, IRQ_ONE);
	soft[cpu].fn(soft[cpu].arg);
	cpu_local_add(preempt_count, -IRQ_ONE);
}

void machine_run_in_interrupt(void (*fn)(void *), void *arg)
{
	unsigned long flags = arch_irq_save();
	unsigned cpu = smp_processor_id();

	soft[cpu].fn = fn;
	soft[cpu].arg = arg;
	__asm__ volatile("int %0" : : "i"(VECTOR_SOFT) : "memory");
	arch_irq_restore(flags);
}

/* ---- the one way in --------------------------------------------------------------------------- */

static void system_call(struct trap_frame *f)
{
	arch_irq_enable();
	f->ax = (unsigned long)kernel_syscall(f->ax, f->bx, f->cx, f->dx);
	arch_irq_disable();
}

void trap_dispatch(struct trap_frame *f)
{
	if (f->vector < 32)
		exception(f);
	else if (f->vector < VECTOR_IRQ0 + 16)
		interrupt(f->vector - VECTOR_IRQ0);
	else if (f->vector == VECTOR_SYSCALL)
		system_call(f);
	else if (f->vector == VECTOR_SOFT)
		soft_interrupt();
	else if (f->vector >= VECTOR_TIMER)
		apic_interrupt(f->vector);

	if (f->cs & 3) {
		arch_irq_enable();
		kernel_exit_to_user();
		arch_irq_disable();
	}
}
