/* SPDX-License-Identifier: MIT */
/*
 * trap.c: the host's signals, read as a processor's exceptions.
 *
 *	SIGSEGV		mmu_access(): a TLB fill       -> run the instruction again
 *			else a page fault: the kernel  -> again, or
 *			a fixup: machine_probe_*()     -> go on behind the probe, or
 *			a crash with a readable reason
 *	SIGBUS, SIGILL, SIGFPE, SIGTRAP		a crash, or the end of a user program
 *
 * A processor knows whether it was in user mode; here cpu_local.in_user does, set by
 * user.c when it goes there and cleared by every handler while it runs.
 *
 * Each host thread has a stack of its own for its handlers, since the ordinary one
 * may be a user program's.  Faults nest (SA_NODEFER): the kernel, while it answers
 * a fault, touches pages that are not in the TLB.  It may even sleep in there: then
 * the host thread waits inside its handler.
 *
 * Probes.  machine_probe_read() is one instruction that may fault; the table
 * `probe_fixups` names it and where to go on instead.
 */
#include "hosted.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <kernel/machine.h>
#include <quarry/printf.h>

#define TRAP_STACK_SIZE (256 << 10)

/* Bits of the error code that the processor pushes at a page fault. */
#define PF_WRITE 2
#define PF_EXEC 16
#define TRAP_PAGE_FAULT 14

#ifdef __LP64__
#define CONTEXT_IP REG_RIP
#define WORD ".quad"
#else
#define CONTEXT_IP REG_EIP
#define WORD ".long"
#endif

bool (*hosted_fault_handler)(const struct fault_info *f);
struct user_hooks user_hooks;
bool user_mode_works;

/* ---- the last word ------------------------------------------------------------------ */

void crash(const char *fmt, ...)
{
	char line[320];
	va_list ap;

	va_start(ap, fmt);
	mm_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	port_panic(line);
}

void port_panic(const char *text)
{
	static pid_t panics;
	pid_t me = gettid(), first = 0;

	if (!__atomic_compare_exchange_n(&panics, &first, me, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		while (first != me)
			pause();	/* another CPU was faster */
	console_seize();
	machine_stop_others();
	console_restore();
	for (const char *part[] = { "\nkernel panic: ", text, "\n" }, **p = part; p < part + 3; p++)
		if (write(STDERR_FILENO, *p, strlen(*p)) < 0)
			break;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void crash_at(const char *what, const struct fault_info *f, const char *why)
{
	char where[80];

	crash("%s: %s of 0x%lx at %s: %s", what, f->exec ? "execution" : f->write ? "write" : "read", f->addr,
	      port_symbol(where, sizeof(where), f->ip), why);
}

/* ---- probes --------------------------------------------------------------------------- */

struct probe_fixup {
	unsigned long fault, resume;
};
/* Weak: a program linked as one (VARIANT=lto) that probes nothing has none. */
extern const struct probe_fixup __start_probe_fixups[] __attribute__((weak));
extern const struct probe_fixup __stop_probe_fixups[] __attribute__((weak));

#define PROBE(instruction)								\
	"1: " instruction "\n"								\
	"	movl $1, %0\n"								\
	"2:\n"										\
	".pushsection probe_fixups, \"aw\"\n"						\
	WORD " 1b, 2b\n"								\
	".popsection"

bool machine_probe_read(unsigned long addr, u32 *value)
{
	int ok = 0;
	u32 v = 0;

	__asm__ volatile(PROBE("movl (%2), %1") : "+r"(ok), "+r"(v) : "r"(addr) : "memory");
	*value = v;
	return ok;
}

bool machine_probe_write(unsigned long addr, u32 value)
{
	int ok = 0;

	__asm__ volatile(PROBE("movl %1, (%2)") : "+r"(ok) : "r"(value), "r"(addr) : "memory");
	return ok;
}

static bool fixup(greg_t *ip)
{
	for (const struct probe_fixup *p = __start_probe_fixups; p < __stop_probe_fixups; p++)
		if (p->fault == (unsigned long)*ip) {
			*ip = (greg_t)p->resume;
			return true;
		}
	return false;
}

/* ---- the handler ------------------------------------------------------------------------ */

static const char *result_text(enum mmu_result r, unsigned long addr)
{
	switch (r) {
	case MMU_FORBIDDEN:
		return "the page is read-only";
	case MMU_NOWHERE:
		return "its entry names a frame beyond the machine's memory";
	default:
		return mmu_is_window(addr) ? "no page is mapped there" : "no page can be mapped there";
	}
}

static void page_fault(greg_t *regs, unsigned long addr, bool user)
{
	unsigned long error = (unsigned long)regs[REG_ERR];
	struct fault_info f = {
		.addr = addr,
		.ip = (unsigned long)regs[CONTEXT_IP],
		.write = error & PF_WRITE,
		.exec = error & PF_EXEC,
		.user = user,
	};
	enum mmu_result r = mmu_access(addr, f.write);

	if (r == MMU_FILLED) {
		user_go_on(user);
		return;
	}
	f.present = r == MMU_FORBIDDEN;
	if (r != MMU_NOWHERE && hosted_fault_handler && hosted_fault_handler(&f)) {
		user_go_on(user);
		return;
	}
	if (!fixup(&regs[CONTEXT_IP]))
		crash_at("page fault", &f, result_text(r, addr));
}

/* The processor's names for what is no page fault. */
static const char *trap_name(greg_t number)
{
	static const char *const names[] = {
		[0] = "divide error", [1] = "debug", [3] = "breakpoint", [4] = "overflow",
		[5] = "bound range exceeded", [6] = "invalid opcode", [12] = "stack fault",
		[13] = "general protection fault", [16] = "floating-point error", [17] = "alignment check",
	};

	return (size_t)number < ARRAY_SIZE(names) && names[number] ? names[number] : "exception";
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct fault_info f = { .addr = (unsigned long)info->si_addr, .ip = (unsigned long)regs[CONTEXT_IP] };
	int saved_errno = errno;
	bool user;

	if (threads_trap(context, f.addr))
		return;
	user = user_stop();
	if (sig == SIGSEGV && regs[REG_TRAPNO] == TRAP_PAGE_FAULT)
		page_fault(regs, f.addr, user);
	else if (user)
		user_hooks.trap(trap_name(regs[REG_TRAPNO]), f.ip, f.ip);
	else if (!fixup(&regs[CONTEXT_IP]))
		crash_at(trap_name(regs[REG_TRAPNO]), &f, strsignal(sig));
	errno = saved_errno;
}

/* ---- stacks, start ------------------------------------------------------------------------ */

void *trap_stack_alloc(void)
{
	stack_t ss = { .ss_size = TRAP_STACK_SIZE };

	ss.ss_sp = mmap(NULL, TRAP_STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ss.ss_sp == MAP_FAILED)
		return NULL;
	/* its lowest page guards it */
	if (mprotect(ss.ss_sp, PAGE_SIZE, PROT_NONE) || sigaltstack(&ss, NULL)) {
		munmap(ss.ss_sp, TRAP_STACK_SIZE);
		return NULL;
	}
	return ss.ss_sp;
}

void trap_stack_free(void *stack)
{
	stack_t ss = { .ss_flags = SS_DISABLE };

	sigaltstack(&ss, NULL);
	munmap(stack, TRAP_STACK_SIZE);
}

void trap_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction act = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (!trap_stack_alloc())
		crash("no stack for signal handlers: %s", strerror(errno));
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &act, NULL);
}

/* The sanitizers must leave these signals to us; a leak on the way out is no news. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:allow_user_segv_handler=1:"
	       "use_sigaltstack=0:detect_leaks=0:detect_stack_use_after_return=0:"
	       "quarantine_size_mb=16";	/* 32 bits: its heap must stay clear of our windows */
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1:handle_segv=0";
}
