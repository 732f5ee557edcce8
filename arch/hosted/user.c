/* SPDX-License-Identifier: MIT */
/*
 * user.c: programs run natively, in the user window, at their own addresses.
 *
 * They are 32-bit i386 code.  A 32-bit process jumps to them; a 64-bit one lowers
 * itself into compatibility mode first (code segment 0x23, which Linux has in every
 * descriptor table, unless it was built without 32-bit programs).  Everything that
 * ends such a stretch arrives as a signal:
 *
 *	page fault, exception	SIGSEGV ...	trap.c
 *	timer			SIGALRM		timer.c
 *	int $0x80		SIGSYS		here
 *
 * The last is Linux's "syscall user dispatch" (since 5.11): system calls from outside
 * a range of code become signals.  The range is all that lies above TASK_SIZE, so the
 * host serves our own calls and never a program's.  Where the host refuses that, there
 * is no user mode, and machine_has_feature("ring3") says so.
 *
 * No protection: a program that guesses an address of the kernel can write there.
 * That needs a second ring, which a process has not.
 */
#include "hosted.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <kernel/machine.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

/* With AddressSanitizer in 32 bits, its shadow is where a program's wild accesses should fault. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if (defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)) && !defined(__LP64__)
#define SHADOW_IN_THE_WAY true
#else
#define SHADOW_IN_THE_WAY false
#endif

#define FLAGS_IF 0x202
#define USER32_CS 0x23
#define USER_DS 0x2b

/* This thread's system calls: from below TASK_SIZE they come to us. */
static bool dispatch(unsigned long how)
{
	unsigned long from = how == PR_SYS_DISPATCH_ON ? TASK_SIZE : 0;

	return prctl(PR_SET_SYSCALL_USER_DISPATCH, how, from, from ? ~0UL - from : 0, 0UL) == 0;
}

#ifdef __LP64__
#define NR REG_RAX
#define ARG_A REG_RBX
#define ARG_B REG_RCX
#define ARG_C REG_RDX

/* A host may do without 32-bit programs: then its table has no such segment. */
static bool host_runs_32_bits(void)
{
	unsigned long rights;
	bool ok;

	__asm__ volatile("larq %2, %0" : "=r"(rights), "=@ccz"(ok) : "r"((unsigned long)USER32_CS));
	return ok;
}

static void __attribute__((noreturn)) go(unsigned long entry, unsigned long sp)
{
	__asm__ volatile("movl %k0, %%ds\n\tmovl %k0, %%es\n\t"
			 "pushq %0\n\tpushq %1\n\tpushq %2\n\tpushq %3\n\tpushq %4\n\t"
			 "xorl %%eax, %%eax\n\txorl %%ebx, %%ebx\n\txorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t"
			 "xorl %%esi, %%esi\n\txorl %%edi, %%edi\n\txorl %%ebp, %%ebp\n\tiretq"
			 : : "r"((unsigned long)USER_DS), "r"(sp), "i"(FLAGS_IF), "i"(USER32_CS), "r"(entry)
			 : "memory");
	__builtin_unreachable();
}
#else
#define NR REG_EAX
#define ARG_A REG_EBX
#define ARG_B REG_ECX
#define ARG_C REG_EDX

static bool host_runs_32_bits(void) { return true; }

static void __attribute__((noreturn)) go(unsigned long entry, unsigned long sp)
{
	__asm__ volatile("movl %1, %%esp\n\t"
			 "xorl %%ebx, %%ebx\n\txorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\t"
			 "xorl %%esi, %%esi\n\txorl %%edi, %%edi\n\txorl %%ebp, %%ebp\n\tjmp *%%eax"
			 : : "a"(entry), "d"(sp) : "memory");
	__builtin_unreachable();
}
#endif

static void on_system_call(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int saved_errno = errno;
	bool user = user_stop();
	long answer;

	(void)info;
	if (!user)
		crash("%s: a system call of the kernel itself was caught", strsignal(sig));
	answer = kernel_syscall((u32)regs[NR], (u32)regs[ARG_A], (u32)regs[ARG_B], (u32)regs[ARG_C]);
	regs[NR] = (greg_t)(u32)answer;
	user_go_on(user);
	errno = saved_errno;
}

void user_init(void)
{
	struct sigaction act = {
		.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	user_mode_works = !SHADOW_IN_THE_WAY && host_runs_32_bits() && !sigaction(SIGSYS, &act, NULL) &&
			  dispatch(PR_SYS_DISPATCH_ON) && dispatch(PR_SYS_DISPATCH_OFF);
}

void machine_enter_user(unsigned long entry, unsigned long sp)
{
	if (!user_mode_works || !dispatch(PR_SYS_DISPATCH_ON))
		kernel_user_trap("no user mode on this machine", entry, entry);
	arch_irq_enable();
	user_go_on(true);
	go(entry, sp);
}
