/* SPDX-License-Identifier: MIT */
/*
 * trap.c: exceptions, interrupts and system calls.
 *
 * The IDT has a gate for each vector below NR_VECTORS; beyond, an interrupt is a
 * general protection fault.  Gates for int3, into and int 0x80 may be used from
 * user mode (DPL 3), the others only by the CPU itself.  All are interrupt gates,
 * so a handler starts with interrupts off; page faults and system calls switch
 * them on again if the interrupted code had them on.
 *
 * A page fault that the kernel expects (machine_probe_read) is listed in the
 * section ex_table: address of the instruction, address to go on at.
 */
#include "pc.h"
#include <quarry/printf.h>

struct gate {
	u32 low, high;
};

static struct gate idt[NR_VECTORS] __attribute__((aligned(8)));
extern const char trap_stubs[];

static const char *const exception_names[32] = {
	"divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
	"invalid opcode", "device not available (floating point)", "double fault", "coprocessor overrun",
	"invalid TSS", "segment not present", "stack fault", "general protection fault", "page fault",
	"exception 15", "floating-point error", "alignment check", "machine check", "SIMD error",
	"exception 20", "control protection", "exception 22", "exception 23", "exception 24", "exception 25",
	"exception 26", "exception 27", "exception 28", "exception 29", "exception 30", "exception 31",
};

/* ---- the IDT ------------------------------------------------------------------------ */

#define GATE_INTERRUPT 0x8e00u
#define GATE_TASK 0x8500u
#define GATE_USER 0x6000u	/* DPL 3 */

static void set_gate(unsigned vector, u32 selector, u32 offset, u32 type)
{
	idt[vector] = (struct gate){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | type };
}

void trap_init(void)
{
	struct { u16 limit; u32 base; } __attribute__((packed)) r = { sizeof(idt) - 1, (u32)idt };

	for (unsigned i = 0; i < NR_VECTORS; i++)
		set_gate(i, KERNEL_CS, (u32)trap_stubs + 16 * i, GATE_INTERRUPT);
	set_gate(3, KERNEL_CS, (u32)trap_stubs + 16 * 3, GATE_INTERRUPT | GATE_USER);
	set_gate(4, KERNEL_CS, (u32)trap_stubs + 16 * 4, GATE_INTERRUPT | GATE_USER);
	set_gate(VECTOR_SYSCALL, KERNEL_CS, (u32)trap_stubs + 16 * VECTOR_SYSCALL,
		 GATE_INTERRUPT | GATE_USER);
	set_gate(8, FAULT_TSS, 0, GATE_TASK);
	__asm__ volatile("lidt %0" : : "m"(r));
}

/* ---- what cannot be answered ---------------------------------------------------------- */

static void print_registers(const struct trap_frame *f)
{
	bool user = f->cs & 3;

	mm_log("  eip %08x cs %04x eflags %08x  cr0 %08x cr2 %08x cr3 %08x\n", f->eip, f->cs, f->eflags,
	       (u32)read_cr0(), (u32)read_cr2(), (u32)arch_pt_root());
	mm_log("  eax %08x ebx %08x ecx %08x edx %08x\n", f->eax, f->ebx, f->ecx, f->edx);
	mm_log("  esi %08x edi %08x ebp %08x esp %08x\n", f->esi, f->edi, f->ebp,
	       user ? f->esp : (u32)&f->esp);
	mm_log("  ds %04x es %04x fs %04x gs %04x ss %04x  vector %u error %x  preempt_count %x\n",
	       f->ds & 0xffff, f->es & 0xffff, f->fs & 0xffff, f->gs & 0xffff, user ? f->ss : KERNEL_DS,
	       f->vector, f->error, preempt_count());
}

static void __attribute__((noreturn)) die(const struct trap_frame *f, const char *what)
{
	char where[64], line[160];

	mm_snprintf(line, sizeof(line), "%s in the kernel at %s", what,
		    port_symbol(where, sizeof(where), f->eip));
	panic_begin(line);
	print_registers(f);
	panic_end(f->eip, f->ebp);
}

/* The CPU saved the registers of whoever faulted in its own TSS. */
void trap_double_fault(void)
{
	const struct tss *t = &cpu_tss[smp_processor_id()];
	struct trap_frame f = { .edi = t->edi, .esi = t->esi, .ebp = t->ebp, .ebx = t->ebx, .edx = t->edx,
		.ecx = t->ecx, .eax = t->eax, .gs = t->gs, .fs = t->fs, .es = t->es, .ds = t->ds,
		.vector = 8, .eip = t->eip, .cs = t->cs, .eflags = t->eflags, .esp = t->esp, .ss = t->ss };

	panic_begin("double fault: the kernel's stack is not usable");
	mm_log("  esp was %08x\n", t->esp);
	print_registers(&f);
	panic_end(f.eip, f.ebp);
}

/* ---- faults that are expected ----------------------------------------------------------- */

struct ex_entry {
	u32 insn, go_on;
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

static bool fixup(struct trap_frame *f)
{
	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if (e->insn == f->eip) {
			f->eip = e->go_on;
			return true;
		}
	}
	return false;
}

/* The instruction at 1 either runs, and clears `failed`, or is skipped. */
#define MAY_FAULT(insn, ...)								\
	__asm__ volatile("1:\t" insn "\n\txorl %0, %0\n2:\n"				\
			 "\t.pushsection ex_table, \"a\"\n\t.long 1b, 2b\n\t.popsection" : __VA_ARGS__)

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

static bool answer_page_fault(const struct trap_frame *f, u32 addr)
{
	struct fault_info info = {
		.addr = addr, .ip = f->eip, .present = f->error & 1, .write = f->error & 2,
		.user = f->error & 4, .exec = f->error & 16,
	};
	bool retry;

	if (f->eflags & EFLAGS_IF)
		arch_irq_enable();
	retry = kernel_page_fault(&info);
	arch_irq_disable();
	return retry;
}

static void page_fault(struct trap_frame *f)
{
	u32 addr = (u32)read_cr2();
	bool user = f->cs & 3;
	char what[64];

	/* No task's area lies in the kernel's half: an expected fault there needs no answer. */
	if (!user && addr >= TASK_SIZE && fixup(f))
		return;
	if (answer_page_fault(f, addr) || (!user && fixup(f)))
		return;
	mm_snprintf(what, sizeof(what), "page fault: %s of 0x%08x (%s)",
		    f->error & 2 ? "write" : "read", addr, f->error & 1 ? "protected" : "not mapped");
	die(f, what);
}

static void exception(struct trap_frame *f)
{
	const char *what = exception_names[f->vector];

	if (f->vector == VECTOR_PAGE_FAULT) {
		page_fault(f);
	} else if (f->cs & 3) {
		arch_irq_enable();
		kernel_user_trap(what, f->eip, f->eip);
	} else {
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
	f->eax = (u32)kernel_syscall(f->eax, f->ebx, f->ecx, f->edx);
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

	if (f->cs & 3) {
		arch_irq_enable();
		kernel_exit_to_user();
		arch_irq_disable();
	}
}
