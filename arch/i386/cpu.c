/* SPDX-License-Identifier: MIT */
/*
 * cpu.c: this processor: its segments.
 *
 * Segmentation cannot be switched off on i386, only made invisible: every
 * descriptor has base 0 and limit 4 GiB, so the logical address that a program
 * names is the linear address that paging translates (row E1).  The one exception
 * is %fs in the kernel, whose base is this CPU's struct cpu_local; that is how
 * "mine" is one instruction.
 *
 *	descriptor	 63      56 55   52 51     48 47    40 39        16 15         0
 *			| base high | flags | limit h | access | base 23..0 | limit 15..0 |
 *
 * Each CPU has a GDT of its own (cpu_gdt), for two of its descriptors are its own:
 * %fs and the task-state segment, which names the stack for traps from user mode.
 */
#include "pc.h"

struct descriptor {
	u32 low, high;
};

struct table_register {		/* what lgdt, sgdt read and write */
	u16 limit;
	u32 base;
} __attribute__((packed));

struct cpu_local cpu_locals[NR_CPUS];
struct tss cpu_tss[NR_CPUS];
static struct tss fault_tss;
static struct descriptor cpu_gdt[NR_CPUS][GDT_ENTRIES] __attribute__((aligned(8)));

/* Access bytes: present, privilege, code/data, and what may be done. */
#define CODE0 0x9b
#define DATA0 0x93
#define CODE3 0xfb
#define DATA3 0xf3
#define TSS_FREE 0x89
#define FLAT 0xc		/* limit counts pages; 32-bit */

static struct descriptor descriptor(u32 base, u32 limit, u32 access, u32 flags)
{
	return (struct descriptor){
		.low = (limit & 0xffff) | base << 16,
		.high = (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 |
			(base & 0xff000000),
	};
}

static void build_gdt(struct descriptor *gdt, unsigned cpu)
{
	u64 fs = cpu_local_descriptor(&cpu_locals[cpu]);

	gdt[KERNEL_CS >> 3] = descriptor(0, 0xfffff, CODE0, FLAT);
	gdt[KERNEL_DS >> 3] = descriptor(0, 0xfffff, DATA0, FLAT);
	gdt[USER_CS >> 3] = descriptor(0, 0xfffff, CODE3, FLAT);
	gdt[USER_DS >> 3] = descriptor(0, 0xfffff, DATA3, FLAT);
	gdt[CPU_FS >> 3] = (struct descriptor){ (u32)fs, (u32)(fs >> 32) };
	gdt[CPU_TSS >> 3] = descriptor((u32)&cpu_tss[cpu], sizeof(struct tss) - 1, TSS_FREE, 0);
	gdt[FAULT_TSS >> 3] = descriptor((u32)&fault_tss, sizeof(struct tss) - 1, TSS_FREE, 0);
}

static void load_gdt(const struct descriptor *gdt)
{
	struct table_register r = { GDT_ENTRIES * sizeof(*gdt) - 1, (u32)gdt };

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
static void build_fault_tss(void)
{
	fault_tss = (struct tss){
		.cr3 = (u32)__pa(swapper_pg_dir), .eip = (u32)trap_double_fault, .eflags = 2,
		.esp = (u32)double_fault_stack_top, .iomap = sizeof(struct tss),
		.cs = KERNEL_CS, .ss = KERNEL_DS, .ds = KERNEL_DS, .es = KERNEL_DS, .fs = CPU_FS,
	};
}

void cpu_early_init(unsigned cpu)
{
	struct cpu_local *local = &cpu_locals[cpu];

	local->self = local;
	local->cpu = cpu;
	cpu_tss[cpu].ss0 = KERNEL_DS;
	cpu_tss[cpu].esp0 = (u32)boot_stack_top;
	cpu_tss[cpu].iomap = sizeof(struct tss);	/* beyond the limit: no port is user's */
	build_fault_tss();
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

void cpu_set_kernel_stack(void *top)
{
	cpu_tss[smp_processor_id()].esp0 = (u32)top;
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

static const char *descriptor_use(unsigned index)
{
	static const char *const uses[GDT_ENTRIES] = { "", "kernel code", "kernel data", "user code",
		"user data", "per CPU (%fs)", "task state", "double fault" };

	return index < GDT_ENTRIES ? uses[index] : "";
}

void machine_print_gdt(struct seq *s)
{
	const struct descriptor *gdt;
	unsigned n = read_gdt(&gdt);

	seq_printf(s, "GDT at 0x%08lx, %u descriptors\n", (unsigned long)gdt, n);
	seq_puts(s, "sel   descriptor        base       limit      gran DPL type\n");
	for (unsigned i = 0; i < n; i++) {
		if (!(gdt[i].high >> 15 & 1)) {
			seq_printf(s, "0x%02x  %08x%08x  not present\n", i * 8, gdt[i].high, gdt[i].low);
			continue;
		}
		seq_printf(s, "0x%02x  %08x%08x  0x%08x 0x%08x %s  %u   %s: %s\n", i * 8,
			   gdt[i].high, gdt[i].low, descriptor_base(gdt[i]), descriptor_limit(gdt[i]),
			   gdt[i].high >> 23 & 1 ? "page" : "byte", gdt[i].high >> 13 & 3,
			   descriptor_type(gdt[i]), descriptor_use(i));
	}
}

unsigned long machine_segment_base(bool user)
{
	const struct descriptor *gdt;
	unsigned selector = USER_DS;

	read_gdt(&gdt);
	if (!user)
		__asm__("movl %%ds, %0" : "=r"(selector));
	return descriptor_base(gdt[(selector & 0xffff) >> 3]);
}
