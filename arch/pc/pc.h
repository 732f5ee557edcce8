/* SPDX-License-Identifier: MIT */
/*
 * pc.h: what the files of arch/pc, which every PC shares, and those of one kind of PC
 * (arch/i386, arch/x86_64) tell each other.  frame.h and segment.h are the kind's own.
 */
#ifndef PC_H
#define PC_H

#include <kernel/machine.h>
#include <kernel/sched.h>
#include <quarry/memblock.h>
#include <quarry/spinlock.h>
#include "firmware.h"
#include "frame.h"
#include "segment.h"
#include "smp.h"
#include "vector.h"

/* ---- port input and output --------------------------------------------------- */

static inline void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u16 inw(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

/* ---- the image (kernel.lds) ---------------------------------------------------- */

extern const char _text[], _etext[], _rodata[], _erodata[], _data[], _edata[], _bss[], _ebss[], _end[];
#define IMAGE_START 0x00100000UL	/* physical */
#define IMAGE_END ((unsigned long)__pa_symbol(_end))
extern char boot_stack[], boot_stack_top[];

/* ---- boot.c --------------------------------------------------------------------- */

/** layout_init() - the layout of addresses, where it depends on the CPU.  First of all (start.S). */
void layout_init(void);
/** pc_start() - start.S jumps here, with what the boot loader left in eax and ebx. */
void pc_start(u32 magic, u32 info) __attribute__((noreturn));
/** cmdline_read() - copy it from physical address @phys.  While early_map() works. */
void cmdline_read(u32 phys);
/** cmdline_mem() - the SIZE of mem=SIZE in bytes; 0: not given. */
phys_addr_t cmdline_mem(void);
/** cmdline_memmap() - the @i-th memmap=SIZE$START, which is to be left alone; false: there are not so many. */
bool cmdline_memmap(unsigned i, phys_addr_t *start, phys_addr_t *size);
/** cmdline_maxcpus() - the N of maxcpus=N, at least 1; ~0: not given. */
unsigned cmdline_maxcpus(void);
/** cmdline_has() - is @word one of the words of the command line? */
bool cmdline_has(const char *word);
/** numa_find() - nodes, as ACPI's tables tell of them.  While early_map() works, after smp_find(). */
void numa_find(void);
/** early_map() - see up to 4 MiB of physical memory, until the next call or the end of setup_arch(). */
const void *early_map(u32 phys, u32 len);
/** early_string() - copy the string at @phys, cut to @len with its end. */
void early_string(char *to, size_t len, u32 phys);
/** bios_data_area() - the physical address of the extended BIOS data area; 0: there is none. */
u32 bios_data_area(void);
/** early_unmap() - close the window. */
void early_unmap(void);
/** boot_stop() - this machine cannot be booted, and why. */
void boot_stop(const char *fmt, ...) __printf_like(1, 2) __attribute__((noreturn));

/* ---- features.c, cpu.c ------------------------------------------------------------------------ */

/* A feature is a bit of a register that CPUID fills: 32 * word + bit. */
enum cpu_feature {
	X86_FPU = 0, X86_PSE = 3, X86_TSC = 4, X86_MSR = 5, X86_PAE = 6, X86_APIC = 9, X86_PGE = 13, /* leaf 1, edx */
	X86_NX = 32 + 20, X86_GBPAGES = 32 + 26, X86_LM = 32 + 29,	/* leaf 0x80000001, edx */
	X86_LA57 = 64 + 16,						/* leaf 7, ecx */
};
#define CPU_WORDS 3

/* What stands ready for a CPU before cpu_early_init(). */
struct cpu_stacks {
	char *top;		/* of the stack it comes up on */
	char *exceptions;	/* EXCEPTION_STACKS pages, for what may come when no other stack can be trusted */
};
extern struct cpu_stacks cpu_stacks[NR_CPUS];
/** cpu_early_init() - GDT, TSS and %fs of CPU @cpu, which calls it.  Nothing that reads %fs may run before. */
void cpu_early_init(unsigned cpu);
/** cpu_apic_id() - the id that this CPU's local APIC had from the start; 0 where there is no CPUID. */
u8 cpu_apic_id(void);
/** cpu_detect() - CPUID, less what the command line switches off: features.c has the words. */
void cpu_detect(void);
extern u32 cpu_features[CPU_WORDS];
static inline bool cpu_has(enum cpu_feature f) { return cpu_features[f / 32] >> f % 32 & 1; }
/** cpu_phys_limit() - the first physical address that this CPU, or its page tables as we use them, cannot name. */
phys_addr_t cpu_phys_limit(void);
void cpu_describe(struct seq *s);
/** paging_describe() - a line about levels and sizes of pages (paging.c). */
void paging_describe(struct seq *s);
/** cpu_set_kernel_stack() - where traps from user mode put their frame. */
void cpu_set_kernel_stack(void *top);

/* ---- gdt.c ---------------------------------------------------------------------------- */

struct descriptor {
	u32 low, high;
};

struct table_register {		/* what lgdt, sgdt, lidt read and write */
	u16 limit;
	unsigned long base;
} __attribute__((packed));

/* Access bytes: present, privilege, code/data, and what may be done.  Flags: FLAT ... */
#define CODE0 0x9b
#define DATA0 0x93
#define CODE3 0xfb
#define DATA3 0xf3
#define TSS_FREE 0x89
#define FLAT 0xc		/* limit counts pages; 32-bit */
#define FLAT_LONG 0xa		/* limit counts pages; 64-bit code */

struct descriptor gdt_descriptor(u32 base, u32 limit, u32 access, u32 flags);
/* What each descriptor is for (cpu.c). */
extern const char *const gdt_uses[GDT_ENTRIES];

static inline unsigned long read_cr0(void) { unsigned long v; __asm__ volatile("mov %%cr0, %0" : "=r"(v)); return v; }
static inline unsigned long read_cr2(void) { unsigned long v; __asm__ volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static inline unsigned long read_cr4(void) { unsigned long v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static inline void write_cr0(unsigned long v) { __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory"); }
static inline void write_cr3(unsigned long v) { __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory"); }
static inline void write_cr4(unsigned long v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory"); }

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 index, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(index), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

#define CR0_MP 0x2u
#define CR0_EM 0x4u
#define CR0_TS 0x8u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u
#define CR4_LA57 0x1000u
#define MSR_EFER 0xc0000080u
#define EFER_NXE 0x800u
#define EFER_LMA 0x400u		/* long mode is on: the processor's own to set */

/* ---- trap.c ------------------------------------------------------------------------- */

/** trap_init() - the IDT, for all CPUs, and trap_load(). */
void trap_init(void);
/** trap_load() - the calling CPU takes the IDT. */
void trap_load(void);
/** trap_dispatch() - every exception, interrupt and system call comes here from trap_entry.S. */
void trap_dispatch(struct trap_frame *f);
/** trap_print_registers() - all of @f, on the log. */
void trap_print_registers(const struct trap_frame *f);
/** trap_double_fault() - the double fault's task. */
void trap_double_fault(void) __attribute__((noreturn));

/* ---- tlb.c --------------------------------------------------------------------------- */

/** flush_tlb_user_range() - this CPU forgets [@start, @end) of @mm, if it has it loaded. */
void flush_tlb_user_range(struct mm_struct *mm, unsigned long start, unsigned long end);

/* ---- timer.c, console.c, switch.c, symbol.c, power.c ---------------------------------- */

#define HZ 100

void timer_init(void);
/** timer_wait_period() - until the 8254 begins the next 1/HZ s.  With interrupts off too. */
void timer_wait_period(void);
/** timer_wait_us() - at least so many microseconds, up to 3 s.  With interrupts off too. */
void timer_wait_us(unsigned us);
/** timer_tick() - count one; from the interrupt. */
void timer_tick(void);
void pic_init(void);
void pic_enable(unsigned irq);
/** pic_begin() - false: the interrupt was spurious, nobody asked for it. */
bool pic_begin(unsigned irq);
void pic_end(unsigned irq);

/** console_init() - serial line and screen, output only; before paging_init() too. */
void console_init(void);
/** console_late_init() - the screen moves to FIX_VGA, input arrives by interrupt. */
void console_late_init(void);
void console_write(const char *text, size_t len);
void console_interrupt(void);
/** console_seize() - a panic may have interrupted a writer: from now on no lock is taken. */
void console_seize(void);

/** panic_begin() - interrupts off, console ours, the first line; a panic within a panic stops at once. */
void panic_begin(const char *text);
/** panic_end() - the call chain from frame pointer @fp, and stop with failure. */
void panic_end(unsigned long ip, unsigned long fp) __attribute__((noreturn));
#define PANIC_STATUS 2

/** machine_halt() - as machine_poweroff(), but a real machine stays on, so that the screen can be read. */
void machine_halt(int status) __attribute__((noreturn));
/** power_init() - what ACPI's tables say about switching off.  While early_map() works. */
void power_init(void);

#endif
