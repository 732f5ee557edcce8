/* SPDX-License-Identifier: MIT */
/*
 * hosted.h: what the files of arch/hosted tell each other.
 */
#ifndef HOSTED_H
#define HOSTED_H

#include <ucontext.h>

#include <kernel/machine.h>
#include <quarry/memblock.h>
#include <quarry/pgtable.h>
#include <arch/cpu.h>

struct task;

/* ---- paging.c: physical memory --------------------------------------------- */

/**
 * hosted_power_on() - stand the machine up, as far as firmware and boot loader do
 * @map, @n: its memory map
 * @lowmem: bytes of it that the kernel maps once and for all; 0: choose
 *
 * Afterwards memblock is filled, the direct map is there, faults are handled,
 * interrupts are off: mm_init() can run.  Once in a process.
 * Return: NULL, or one line that says why not.
 */
const char *hosted_power_on(const struct e820_entry *map, unsigned n, phys_addr_t lowmem);

/** hosted_pc_map() - the memory map of a PC with @mem bytes.  Return: entries written to @map, at most 8. */
unsigned hosted_pc_map(struct e820_entry *map, phys_addr_t mem);

extern int phys_fd;			/* the memfd: offset = physical address */
extern phys_addr_t phys_end;		/* its size */
extern unsigned long lowmem_size;	/* bytes of the direct map */
extern phys_addr_t swapper_frame;	/* where swapper_pg_dir is */

/* numa.c: before hosted_power_on(), how many nodes there are, and CPU numbers; 1 and 16 unless somebody says otherwise. */
extern unsigned hosted_nodes, hosted_cpus;
/* mmu.c: before hosted_power_on(): false where those addresses are another's (valgrind's): no programs then. */
extern bool hosted_user_space;
/** hosted_numa_init() - tell the memory manager of them.  @end: of memory.  Return: NULL, or why it cannot be. */
const char *hosted_numa_init(phys_addr_t end);

/* The map that it was powered on with, for machine_describe(). */
extern const struct e820_entry *hosted_map;
extern unsigned hosted_map_entries;
extern phys_addr_t hosted_beyond;	/* bytes of memory beyond PHYS_LIMIT, left out */

/* ---- mmu.c: the memory management unit --------------------------------------- */

#define TLB_ENTRIES 8192

enum mmu_result {
	MMU_FILLED,	/* the translation is there now: run the instruction again */
	MMU_ABSENT,	/* page fault: an entry on the way is not present */
	MMU_FORBIDDEN,	/* page fault: present, but not writable */
	MMU_NOWHERE,	/* the entry names a frame beyond the machine's memory */
};

/** mmu_init() - reserve the windows.  Return: NULL, or what is in the way. */
const char *mmu_init(void);
/** mmu_access() - what the MMU does when the TLB has no answer: walk the tables. */
enum mmu_result mmu_access(unsigned long addr, bool write);
/** mmu_load_root() - CR3: forget all that is not global. */
void mmu_load_root(phys_addr_t root);
/** mmu_is_window() - may a mapping ever appear at @addr? */
bool mmu_is_window(unsigned long addr);
/** mmu_tlb_used() - entries in the TLB; mmu_tlb_has() - is there one for @addr? */
unsigned mmu_tlb_used(void);
bool mmu_tlb_has(unsigned long addr);
extern u64 mmu_fills, mmu_overflows;

/* ---- trap.c: faults ------------------------------------------------------------ */

void trap_init(void);
/** trap_stack_alloc() - a stack for this host thread's signal handlers.  NULL: none to be had. */
void *trap_stack_alloc(void);
void trap_stack_free(void *stack);
/** crash() - the end, with a readable last word: "kernel: " and the text. */
void crash(const char *fmt, ...) __printf_like(1, 2) __attribute__((noreturn));

/* What unresolved page faults go to: kernel_page_fault(), or a test's own. */
struct fault_info;
extern bool (*hosted_fault_handler)(const struct fault_info *f);

/* ---- user.c: user mode ------------------------------------------------------------ */

/* What the kernel does about programs; the unit tests have none. */
struct user_hooks {
	void (*trap)(const char *what, unsigned long ip, unsigned long addr);	/* ends the task */
	void (*leave)(void);							/* before user mode goes on */
};
extern struct user_hooks user_hooks;

/** user_stop() - the program is interrupted; user_go_on() - back to it, if @was. */
static inline bool user_stop(void)
{
	bool was = cpu_local_read(in_user);

	cpu_local_write(in_user, 0);
	return was;
}

/* Who sends an interrupt looks at in_user; who comes in between is found in `pending`. */
static inline void user_go_on(bool was)
{
	while (was) {
		user_hooks.leave();
		__atomic_store_n(&hosted_cpu->in_user, 1, __ATOMIC_SEQ_CST);
		if (likely(!__atomic_load_n(&hosted_cpu->pending, __ATOMIC_SEQ_CST)))
			return;
		cpu_local_write(in_user, 0);
		hosted_deliver_interrupts();
	}
}

/** user_init() - can this host run programs?  Then machine_has_feature("ring3") is true. */
void user_init(void);
extern bool user_mode_works;

/* ---- timer.c: interrupts ----------------------------------------------------------- */

#define IRQ_TIMER 1u
#define IRQ_RAISED 2u
#define IRQ_CALL 4u		/* another CPU waits in port_call_others() */
#define IRQ_KICK 8u		/* machine_kick_cpu() */

/* What a timer interrupt and a kick call, and what follows when one returns true. */
extern bool (*hosted_tick_handler)(void);
extern bool (*hosted_kick_handler)(void);
extern void (*hosted_reschedule)(void);
/** timer_start() - from now on, a tick every TICK_MS. */
void timer_start(void);
#define TICK_MS 10

/** hosted_answer_call() - serve port_call_others() of another CPU, if one waits.  Interrupts are on. */
void hosted_answer_call(void);

/* ---- smp.c ------------------------------------------------------------------------ */

/** cpus_init() - this machine has @n CPUs.  Before mm_init(). */
void cpus_init(unsigned n);
/** cpu_interrupt() - an IRQ_* for @cpu.  Any context. */
void cpu_interrupt(unsigned cpu, unsigned bit);
/** cpu_wait() - up to @ms until an interrupt is pending on this CPU, or there is input.  Interrupts off. */
void cpu_wait(int ms);
/** cpu_serve_call() - IRQ_CALL's handler. */
void cpu_serve_call(void);

/** calls_hold(), calls_release() - no port_call_others() runs in between; who waits serves others'. */
void calls_hold(void);
void calls_release(void);

/* ---- threads.c -------------------------------------------------------------------- */

/**
 * hosted_attach_cpu() - make the calling host thread a CPU of the machine, if it is none
 *
 * Any thread of the process becomes one at its first call of anything else, too; this one tells
 * whether it can be.  It is the lowest CPU below nr_cpu_ids that nobody holds.  From then on SIGURG
 * reaches the thread, even if it was blocked, and must: who drains waits for its answer.
 * Return: false: all are held.  Undo: hosted_detach_cpu(), or the end of the thread.
 */
bool hosted_attach_cpu(void);
/**
 * hosted_detach_cpu() - hand the CPU back, its pages and objects drained
 * Context: as between calls: nothing held, interrupts on.  Threads of the kernel's own, and
 * those that are none, are left alone.
 */
void hosted_detach_cpu(void);

/** threads_init() - the caller is CPU 0, others are strangers. */
void threads_init(void);
/** threads_trap() - was this trap a stranger's call?  Then it is a CPU now, and @context says so. */
bool threads_trap(ucontext_t *context, unsigned long addr);
/** thread_is_attached() - is @cpu held by a thread that is not the kernel's? */
bool thread_is_attached(unsigned cpu);
/** thread_interrupt() - let its thread look at `pending`. */
void thread_interrupt(const struct cpu_local *c);

/* ---- switch.c -------------------------------------------------------------------- */

/** thread_stack_bounds() - the stack of the host thread that runs. */
void thread_stack_bounds(unsigned long *low, unsigned long *high);
/** thread_adopt_idle() - this CPU's idle task is to live on the host thread that calls. */
void thread_adopt_idle(void);

/* ---- console.c ------------------------------------------------------------------- */

void console_init(void);
void console_flush(void);
/** console_seize() - in a panic: what is left goes out, and nobody else writes from now on. */
void console_seize(void);
/** console_restore() - give the terminal back as it was.  From signal handlers too. */
void console_restore(void);
/** console_poll() - take in what was typed; wake the readers.  Interrupts off. */
void console_poll(void);
/** console_wait() - up to @ms for @fd to be readable, or for @input.  Interrupts off. */
void console_wait(bool input, int fd, int ms);

/* ---- symbol.c -------------------------------------------------------------------- */

/** symbol_init() - read the names of the program's functions from its own file. */
void symbol_init(void);
/** symbol_find() - the function that @addr lies in, and how far; NULL: unknown. */
const char *symbol_find(unsigned long addr, unsigned long *offset);

/* ---- map.c ----------------------------------------------------------------------- */

/**
 * map_parse() - read an e820 listing
 * @text: terminated
 * @map, @n: out: the entries, from malloc()
 * Return: NULL, or "line 7: what is wrong with it".
 */
const char *map_parse(const char *text, struct e820_entry **map, unsigned *n);
/** size_parse() - "256M", "4G", "1024K"; a plain number is MiB.  Return: bytes, or 0 for nonsense. */
phys_addr_t size_parse(const char *text);

/* ---- machine.c ------------------------------------------------------------------- */

/** machine_set_cmdline(), machine_add_module() - what the boot loader hands over.  Module: NULL, or why not. */
void machine_set_cmdline(const char *text);
const char *machine_add_module(const char *path);
/** clock_start() - machine_ms() counts from now. */
void clock_start(void);

#endif
