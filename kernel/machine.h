/* SPDX-License-Identifier: MIT */
/*
 * machine.h: what the reference kernel asks of the machine it runs on.
 *
 * arch/i386 and arch/x86_64 answer with a PC, arch/hosted with a process.  (What mm/ asks is
 * port.h; this is the rest: console, threads, user mode, power.)
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include <quarry/pgtable.h>
#include <quarry/port.h>
#include <quarry/report.h>

struct task;

/* ---- who we are ------------------------------------------------------------- */

/** machine_arch() - "i386", "x86_64", "hosted64", "hosted32": the `place` of a bench line. */
const char *machine_arch(void);
/** machine_elf() - the kind of ELF file that its programs are: ELF_386 (of 32 bits), ELF_X86_64 (of 64). */
unsigned machine_elf(void);
enum { ELF_386 = 3, ELF_X86_64 = 62 };	/* as e_machine says it */
/** machine_cmdline() - the kernel's command line ("" when none). */
const char *machine_cmdline(void);
/** machine_describe() - CPU, features in use (PSE, PGE), memory map: a few lines for the boot log. */
void machine_describe(struct seq *s);
/** machine_has_feature() - "pse", "pge", "pae", "apic", "ring3" (can run user programs). */
bool machine_has_feature(const char *name);

struct machine_module {		/* a file that came with the boot (multiboot module) */
	const char *name;	/* without folders */
	const void *start;
	size_t size;
};
/** machine_module() - the @i-th; false beyond the last. */
bool machine_module(unsigned i, struct machine_module *m);

/* ---- console ---------------------------------------------------------------- */

/** machine_putchars() - to the terminal (serial line, stdout). */
void machine_putchars(const char *text, size_t len);
/* Where port_log() puts text: machine_putchars() until kernel_main() knows better, and again in a panic. */
extern void (*machine_log)(const char *text, size_t len);
/** machine_getchar() - the next byte typed; -1 when none is there yet, -2 at end of input.  Does not wait. */
int machine_getchar(void);
/* The channel that threads sleep on for input: port_wakeup() when a byte arrives. */
extern const char machine_input_channel;

/* ---- time ------------------------------------------------------------------- */

/** machine_cycles() - the finest counter: TSC on a PC (instructions under -icount), else nanoseconds. */
u64 machine_cycles(void);
/** machine_cycles_unit() - "insn", "tsc" or "ns". */
const char *machine_cycles_unit(void);
/** machine_boot_cycles() - the counter's difference from the machine's start to the end of mm_init(). */
u64 machine_boot_cycles(void);
/** machine_ms() - milliseconds since boot. */
u64 machine_ms(void);

/* ---- processors ------------------------------------------------------------- */

/** machine_nr_cpus() - processors found, 1 ... nr_cpu_ids; number 0 is the one that booted. */
unsigned machine_nr_cpus(void);
/**
 * machine_start_cpus() - start the others, once; boot thread, after sched_init()
 * Each calls kernel_cpu_main() on a stack of its own, interrupts off; smp_processor_id() and
 * per-CPU data work.  Returns when all that came are online; who did not is told on the log.
 */
void machine_start_cpus(void);
/** kernel_cpu_main() - what another processor does from then on: it is that CPU's idle task. */
void kernel_cpu_main(void) __attribute__((noreturn));
/**
 * machine_kick_cpu() - interrupt another CPU: ends its machine_idle(); in user mode it passes kernel_exit_to_user()
 * On its way out it calls schedule() if kernel_need_resched().  Any context.
 */
void machine_kick_cpu(unsigned cpu);
/** kernel_need_resched() - should this CPU schedule()?  Interrupts off. */
bool kernel_need_resched(void);
/** machine_user_cpus() - a task's address space can be loaded on CPUs of a lower number only. */
unsigned machine_user_cpus(void);
/** machine_stop_others() - in a panic: the other CPUs stop for good.  Best effort, never waits for ever. */
void machine_stop_others(void);
/** machine_print_cpus() - each with its state and what interrupted it. */
void machine_print_cpus(struct seq *s);

/* ---- threads ---------------------------------------------------------------- */

#define KSTACK_SIZE 8192

/**
 * machine_thread_init() - make @t start in @fn(@arg) when first switched to; t->kstack is set.
 * @fn starts as machine_switch() left off: interrupts off.  If it returns, the thread ends: thread_exit(0).
 */
void machine_thread_init(struct task *t, void (*fn)(void *), void *arg);
/** machine_thread_free() - give back what machine_thread_init() took. */
void machine_thread_free(struct task *t);
/** machine_switch() - save @prev, go on with @next.  Interrupts off.  Returns when @prev is switched to again. */
void machine_switch(struct task *prev, struct task *next);
/** machine_load_mm() - load a task's directory; NULL: the kernel's own. */
void machine_load_mm(struct mm_struct *mm);
/** machine_mm_thread() - the calling thread's, where it is none that the kernel made; NULL: there are no such threads. */
struct mm_thread *machine_mm_thread(void);
/** machine_idle() - wait for the next interrupt or input; interrupts on. */
void machine_idle(void);
/** machine_run_in_interrupt() - raise a real interrupt whose handler calls @fn(@arg), in_interrupt() true. */
void machine_run_in_interrupt(void (*fn)(void *), void *arg);

/* ---- user mode -------------------------------------------------------------- */

/** machine_enter_user() - leave for user mode at @entry with stack @sp.  Does not return. */
void machine_enter_user(unsigned long entry, unsigned long sp) __attribute__((noreturn));

/* A system call: number and three arguments, as the trap handler read them. */
long kernel_syscall(unsigned long nr, unsigned long a, unsigned long b, unsigned long c);

/* What the trap handler knows about a fault. */
struct fault_info {
	unsigned long addr;	/* CR2 */
	unsigned long ip;
	bool write, user, present, exec;
};
/** kernel_page_fault() - the kernel's answer (kernel/fault.c).  Return: true to retry the instruction, false when the fault is the kernel's own bug. */
bool kernel_page_fault(const struct fault_info *f);
/** kernel_user_trap() - any other exception in user mode: ends the task with a report. */
void kernel_user_trap(const char *what, unsigned long ip, unsigned long addr) __attribute__((noreturn));
/**
 * kernel_exit_to_user() - just before a trap or interrupt goes back to user mode
 * The place where a killed task ends (kernel/task.c): thread context, interrupts
 * on, no lock held.  Returns when the task may go on.
 */
void kernel_exit_to_user(void);
/** kernel_timer_tick() - from the timer interrupt.  Return: true when the caller should schedule() on its way out. */
bool kernel_timer_tick(void);

/* ---- looking at the machine ------------------------------------------------- */

/** machine_print_gdt() - the segment descriptors, decoded (row E1). */
void machine_print_gdt(struct seq *s);
/** machine_segment_base() - base of the data segment that user (kernel) code uses: what turns logical into linear. */
unsigned long machine_segment_base(bool user);
/** machine_probe_read(), machine_probe_write() - touch an address; false when it faults. */
bool machine_probe_read(unsigned long addr, u32 *value);
bool machine_probe_write(unsigned long addr, u32 value);

/** machine_read_apic() - this CPU's local APIC through FIX_APIC_BASE (row F4); false when it has none. */
bool machine_read_apic(u32 *id, u32 *version);

/**
 * machine_image_part() - a part of the kernel's image that nobody need write
 * @i: from 0 on
 * @start, @end: out: page-aligned addresses
 * Return: may code be run from it?  -ENOENT: beyond the last (a process has none: its host sees to that).
 */
int machine_image_part(unsigned i, unsigned long *start, unsigned long *end);

/* ---- the end ---------------------------------------------------------------- */

/** machine_poweroff() - off, with an exit status for whoever started us. */
void machine_poweroff(int status) __attribute__((noreturn));

/** kernel_main() - where the machine's start-up code ends, after mm_init(); boot thread, interrupts off. */
void kernel_main(void) __attribute__((noreturn));

#endif
