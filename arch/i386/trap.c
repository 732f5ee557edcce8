/* SPDX-License-Identifier: MIT */
/*
 * trap.c: the doors by which exceptions, interrupts and system calls come in.
 *
 * The IDT has a gate for each vector below NR_VECTORS; beyond, an interrupt is a
 * general protection fault.  Gates for int3, into and int 0x80 may be used from
 * user mode (DPL 3), the others only by the CPU itself.
 */
#include "pc.h"

struct gate {
	u32 low, high;
};

static struct gate idt[NR_VECTORS] __attribute__((aligned(8)));
extern const char trap_stubs[];

/* ---- the IDT ------------------------------------------------------------------------ */

#define GATE_INTERRUPT 0x8e00u
#define GATE_TASK 0x8500u
#define GATE_USER 0x6000u	/* DPL 3 */

static void set_gate(unsigned vector, u32 selector, u32 offset, u32 type)
{
	idt[vector] = (struct gate){ selector << 16 | (offset & 0xffff), (offset & 0xffff0000) | type };
}

void trap_load(void)
{
	struct table_register r = { sizeof(idt) - 1, (unsigned long)idt };

	__asm__ volatile("lidt %0" : : "m"(r));
}

void trap_init(void)
{
	for (unsigned i = 0; i < NR_VECTORS; i++)
		set_gate(i, KERNEL_CS, (u32)trap_stubs + 16 * i, GATE_INTERRUPT);
	set_gate(3, KERNEL_CS, (u32)trap_stubs + 16 * 3, GATE_INTERRUPT | GATE_USER);
	set_gate(4, KERNEL_CS, (u32)trap_stubs + 16 * 4, GATE_INTERRUPT | GATE_USER);
	set_gate(VECTOR_SYSCALL, KERNEL_CS, (u32)trap_stubs + 16 * VECTOR_SYSCALL,
		 GATE_INTERRUPT | GATE_USER);
	set_gate(8, FAULT_TSS, 0, GATE_TASK);
	trap_load();
}

/* ---- what cannot be answered ---------------------------------------------------------- */

void trap_print_registers(const struct trap_frame *f)
{
	bool user = f->cs & 3;

	mm_log("  eip %08x cs %04x eflags %08x  cr0 %08x cr2 %08x cr3 %08x\n", f->ip, f->cs, f->flags,
	       (u32)read_cr0(), (u32)read_cr2(), (u32)arch_pt_root());
	mm_log("  eax %08x ebx %08x ecx %08x edx %08x\n", f->ax, f->bx, f->cx, f->dx);
	mm_log("  esi %08x edi %08x ebp %08x esp %08x\n", f->si, f->di, f->bp,
	       user ? f->sp : (u32)&f->sp);
	mm_log("  ds %04x es %04x fs %04x gs %04x ss %04x  vector %u error %x  preempt_count %x\n",
	       f->ds & 0xffff, f->es & 0xffff, f->fs & 0xffff, f->gs & 0xffff, user ? f->ss : KERNEL_DS,
	       f->vector, f->error, preempt_count());
}

/* The CPU saved the registers of whoever faulted in its own TSS. */
void trap_double_fault(void)
{
	const struct tss *t = &cpu_tss[smp_processor_id()];
	struct trap_frame f = { .di = t->edi, .si = t->esi, .bp = t->ebp, .bx = t->ebx, .dx = t->edx,
		.cx = t->ecx, .ax = t->eax, .gs = t->gs, .fs = t->fs, .es = t->es, .ds = t->ds,
		.vector = 8, .ip = t->eip, .cs = t->cs, .flags = t->eflags, .sp = t->esp, .ss = t->ss };

	panic_begin("double fault: the kernel's stack is not usable");
	mm_log("  esp was %08x\n", t->esp);
	trap_print_registers(&f);
	panic_end(f.ip, f.bp);
}
