/* SPDX-License-Identifier: MIT */
/*
 * trap.c: the doors by which exceptions, interrupts and system calls come in.
 *
 * The IDT has a gate for each vector below NR_VECTORS; beyond, an interrupt is a
 * general protection fault.  Gates for int3 and int 0x80 may be used from user mode
 * (DPL 3), the others only by the CPU itself.
 *
 *	gate	127    96 95           64 63           48 47    40 39   35 34 32 31    16 15       0
 *		|   0    | offset 63..32 | offset 31..16 | access | 0     | IST | selector| offset  |
 *
 * System calls come by int 0x80, the door that any 64-bit CPU has; the processor
 * itself then checks the address to return to and switches to the kernel's stack, so
 * that neither a wild instruction pointer nor a moment without a stack needs care.
 */
#include "pc.h"

struct gate {
	u64 low, high;
};

static struct gate idt[NR_VECTORS] __attribute__((aligned(16)));
extern const char trap_stubs[];

#define GATE_INTERRUPT 0x8eull
#define GATE_USER 0x60ull	/* DPL 3 */

static void set_gate(unsigned vector, u64 type, u64 ist)
{
	u64 offset = (u64)trap_stubs + 16 * vector;

	idt[vector] = (struct gate){
		.low = (offset & 0xffff) | (u64)KERNEL_CS << 16 | ist << 32 | type << 40 |
		       (offset >> 16 & 0xffff) << 48,
		.high = offset >> 32,
	};
}

void trap_load(void)
{
	struct table_register r = { sizeof(idt) - 1, (unsigned long)idt };

	__asm__ volatile("lidt %0" : : "m"(r));
}

void trap_init(void)
{
	for (unsigned i = 0; i < NR_VECTORS; i++)
		set_gate(i, GATE_INTERRUPT, 0);
	set_gate(3, GATE_INTERRUPT | GATE_USER, 0);
	set_gate(VECTOR_SYSCALL, GATE_INTERRUPT | GATE_USER, 0);
	set_gate(VECTOR_NMI, GATE_INTERRUPT, IST_NMI);
	set_gate(VECTOR_DOUBLE_FAULT, GATE_INTERRUPT, IST_DOUBLE_FAULT);
	set_gate(VECTOR_MACHINE_CHECK, GATE_INTERRUPT, IST_MACHINE_CHECK);
	trap_load();
}

void trap_print_registers(const struct trap_frame *f)
{
	mm_log("  rip %016lx cs %04lx rflags %08lx  cr0 %08lx cr2 %016lx cr3 %08llx\n", f->ip, f->cs, f->flags,
	       read_cr0(), read_cr2(), (unsigned long long)arch_pt_root());
	mm_log("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->ax, f->bx, f->cx, f->dx);
	mm_log("  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->si, f->di, f->bp, f->sp);
	mm_log("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
	mm_log("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
	mm_log("  ss %04lx  vector %lu error %lx  preempt_count %x\n", f->ss, f->vector, f->error,
	       (unsigned)preempt_count());
}
