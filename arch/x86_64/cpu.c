/* SPDX-License-Identifier: MIT */
/*
 * cpu.c: this processor: its segments.
 *
 * In long mode base and limit of code and data segments are ignored: the logical
 * address that a program names is the linear one that paging translates (row E1).
 * What is left of a descriptor is the privilege it gives, and whether code is 64-bit.
 * Only %fs and %gs still have bases, which are model-specific registers: the kernel's
 * %gs is this CPU's distance from CPU 0's things (<arch/cpu.h>); that is how "mine" is one
 * instruction.
 *
 * Each CPU has a GDT of its own, for one of its descriptors is its own: the task
 * state.  That names the stack for traps from user mode, and those of the interrupt
 * stack table, which a few exceptions take whatever stack there was before.
 */
#include "pc.h"

#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u	/* the one aside: in the kernel, user mode's */
#define IST_SIZE 4096UL

struct cpu_local cpu_locals[NR_CPUS];
struct tss cpu_tss[NR_CPUS];
static struct descriptor cpu_gdt[NR_CPUS][GDT_ENTRIES] __attribute__((aligned(8)));
static char boot_exception_stacks[EXCEPTION_STACKS * IST_SIZE] __attribute__((aligned(16)));
struct cpu_stacks cpu_stacks[NR_CPUS] = { { boot_stack_top, boot_exception_stacks } };

const char *const gdt_uses[GDT_ENTRIES] = { "", "kernel code", "kernel data", "user code",
	"user data", "task state" };

static void build_gdt(struct descriptor *gdt, unsigned cpu)
{
	u64 tss = (u64)&cpu_tss[cpu];

	gdt[KERNEL_CS >> 3] = gdt_descriptor(0, 0xfffff, CODE0, FLAT_LONG);
	gdt[KERNEL_DS >> 3] = gdt_descriptor(0, 0xfffff, DATA0, FLAT);
	gdt[USER_CS >> 3] = gdt_descriptor(0, 0xfffff, CODE3, FLAT_LONG);
	gdt[USER_DS >> 3] = gdt_descriptor(0, 0xfffff, DATA3, FLAT);
	gdt[CPU_TSS >> 3] = gdt_descriptor((u32)tss, sizeof(struct tss) - 1, TSS_FREE, 0);
	gdt[(CPU_TSS >> 3) + 1] = (struct descriptor){ .low = (u32)(tss >> 32) };
}

static void load_gdt(const struct descriptor *gdt)
{
	struct table_register r = { GDT_ENTRIES * sizeof(*gdt) - 1, (unsigned long)gdt };

	__asm__ volatile(
		"lgdt %0\n\t"
		"pushq %1\n\t"
		"leaq 1f(%%rip), %%rax\n\t"
		"pushq %%rax\n\t"
		"lretq\n"
		"1:\tmovl %2, %%ds\n\t"
		"movl %2, %%es\n\t"
		"movl %2, %%ss\n\t"
		"movl %3, %%fs\n\t"
		"movl %3, %%gs\n\t"
		"lldt %w3"
		: : "m"(r), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(0) : "rax", "memory");
}

static void build_tss(struct tss *tss, unsigned cpu)
{
	tss->rsp[0] = (u64)cpu_stacks[cpu].top;
	for (unsigned i = 0; i < NR_IST; i++)
		tss->ist[i] = (u64)cpu_stacks[cpu].exceptions + (i + 1) * IST_SIZE;
	tss->iomap = sizeof(struct tss);	/* beyond the limit: no port is user's */
}

void cpu_early_init(unsigned cpu)
{
	struct cpu_local *local = &cpu_locals[cpu];

	local->self = local;
	local->cpu = cpu;
	local->preempt_count = -CPU_CLAIMED;
	local->slot = cpu * (unsigned long)CPU_SLOT;
	build_tss(&cpu_tss[cpu], cpu);
	build_gdt(cpu_gdt[cpu], cpu);
	load_gdt(cpu_gdt[cpu]);
	wrmsr(MSR_GS_BASE, local->slot);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	__asm__ volatile("ltr %w0" : : "r"(CPU_TSS));
	/* No floating point: nobody saves its registers.  A program that tries is told so. */
	write_cr0((read_cr0() & ~(unsigned long)(CR0_MP | CR0_TS)) | CR0_EM);
}

const char *machine_arch(void)
{
	return "x86_64";
}

unsigned machine_elf(void)
{
	return ELF_X86_64;
}

void cpu_set_kernel_stack(void *top)
{
	cpu_tss[smp_processor_id()].rsp[0] = (u64)top;
}
