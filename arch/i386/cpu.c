/* SPDX-License-Identifier: MIT */
/*
 * cpu.c: this processor: its segments.
 *
 * Segmentation cannot be switched off on i386, only made invisible: every
 * descriptor has base 0 and limit 4 GiB, so the logical address that a program
 * names is the linear address that paging translates (row E1).  The one exception
 * is %fs in the kernel, whose base is this CPU's distance from CPU 0's things (<arch/cpu.h>);
 * that is how "mine" is one instruction.
 *
 * Each CPU has a GDT of its own (cpu_gdt), for three of its descriptors are its own:
 * %fs, the task-state segment, which names the stack for traps from user mode, and the
 * double fault's task.
 */
#include "pc.h"

struct cpu_local cpu_locals[NR_CPUS];
struct tss cpu_tss[NR_CPUS];
static struct tss fault_tss[NR_CPUS];
static char boot_exception_stacks[EXCEPTION_STACKS * 4096] __attribute__((aligned(16)));
struct cpu_stacks cpu_stacks[NR_CPUS] = { { boot_stack_top, boot_exception_stacks } };
static struct descriptor cpu_gdt[NR_CPUS][GDT_ENTRIES] __attribute__((aligned(8)));

static void build_gdt(struct descriptor *gdt, unsigned cpu)
{
	u64 fs = cpu_local_descriptor(cpu);

	gdt[KERNEL_CS >> 3] = gdt_descriptor(0, 0xfffff, CODE0, FLAT);
	gdt[KERNEL_DS >> 3] = gdt_descriptor(0, 0xfffff, DATA0, FLAT);
	gdt[USER_CS >> 3] = gdt_descriptor(0, 0xfffff, CODE3, FLAT);
	gdt[USER_DS >> 3] = gdt_descriptor(0, 0xfffff, DATA3, FLAT);
	gdt[CPU_FS >> 3] = (struct descriptor){ (u32)fs, (u32)(fs >> 32) };
	gdt[CPU_TSS >> 3] = gdt_descriptor((u32)&cpu_tss[cpu], sizeof(struct tss) - 1, TSS_FREE, 0);
	gdt[FAULT_TSS >> 3] = gdt_descriptor((u32)&fault_tss[cpu], sizeof(struct tss) - 1, TSS_FREE, 0);
}

const char *const gdt_uses[GDT_ENTRIES] = { "", "kernel code", "kernel data", "user code",
	"user data", "per CPU (%fs)", "task state", "double fault" };

static void load_gdt(const struct descriptor *gdt)
{
	struct table_register r = { GDT_ENTRIES * sizeof(*gdt) - 1, (unsigned long)gdt };

	__asm__ volatile(
		"lgdt %0\n\t"
		"ljmp %1, $1f\n"
		"1:\tmovl %2, %%ds\n\t"
		"movl %2, %%es\n\t"
		"movl %2, %%ss\n\t"
		"movl %3, %%fs\n\t"
		"movl %4, %%gs\n\t"
		"lldt %w4"
		: : "m"(r), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(CPU_FS), "r"(0) : "memory");
}

/* A double fault comes when the stack itself is gone, so it has its own: a task of its own. */
static void build_fault_tss(unsigned cpu)
{
	fault_tss[cpu] = (struct tss){
		.cr3 = (u32)__pa(swapper_pg_dir), .eip = (u32)trap_double_fault, .eflags = 2,
		.esp = (u32)cpu_stacks[cpu].exceptions + EXCEPTION_STACKS * 4096, .iomap = sizeof(struct tss),
		.cs = KERNEL_CS, .ss = KERNEL_DS, .ds = KERNEL_DS, .es = KERNEL_DS, .fs = CPU_FS,
	};
}

void cpu_early_init(unsigned cpu)
{
	struct cpu_local *local = &cpu_locals[cpu];

	local->self = local;
	local->cpu = cpu;
	local->preempt_count = -CPU_CLAIMED;
	local->slot = cpu * (unsigned long)CPU_SLOT;
	cpu_tss[cpu].ss0 = KERNEL_DS;
	cpu_tss[cpu].esp0 = (u32)cpu_stacks[cpu].top;
	cpu_tss[cpu].iomap = sizeof(struct tss);	/* beyond the limit: no port is user's */
	build_fault_tss(cpu);
	build_gdt(cpu_gdt[cpu], cpu);
	load_gdt(cpu_gdt[cpu]);
	__asm__ volatile("ltr %w0" : : "r"(CPU_TSS));
	/* No floating point: nobody saves its registers.  A program that tries is told so. */
	write_cr0((read_cr0() & ~(CR0_MP | CR0_TS)) | CR0_EM);
}

const char *machine_arch(void)
{
	return PGTABLE_LEVELS == 2 ? "i386" : "i386-pae";
}

unsigned machine_elf(void)
{
	return ELF_386;
}

void cpu_set_kernel_stack(void *top)
{
	cpu_tss[smp_processor_id()].esp0 = (u32)top;
}
