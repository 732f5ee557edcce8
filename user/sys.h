/* SPDX-License-Identifier: MIT */
/*
 * sys.h: all that the programs of this folder know: the system calls, and a few
 * words to print with.
 */
#ifndef USER_SYS_H
#define USER_SYS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../kernel/syscall.h"

typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE 4096u
#define MIB (1024u * 1024u)

/* An address of the kernel's image. */
#ifdef __LP64__
#define KERNEL_IMAGE 0xffffffff80100000ul
#else
#define KERNEL_IMAGE 0xc0100000ul
#endif

static inline long syscall3(long nr, long a, long b, long c)
{
	long answer;

	__asm__ volatile("int $0x80" : "=a"(answer) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return answer;
}

/* An answer of the kernel that is an error number. */
static inline bool is_error(long answer)
{
	return (unsigned long)answer >= -4095ul;
}

void exit(int status) __attribute__((noreturn));
int getpid(void);
long write(int fd, const void *text, size_t len);
void yield(void);
void sleep_ms(unsigned ms);
void *sbrk(long bytes);			/* the old end of the heap; (void *)-1: no */
void *map(size_t len);			/* cleared memory; NULL: no */
long unmap(void *p, size_t len);
long madvise(void *p, size_t len, int advice);	/* MADV_HUGEPAGE, MADV_NOHUGEPAGE */
long pageinfo(struct pageinfo *info);
/* The frames that are the task's own: they stay until it gives them back. */
static inline unsigned own_pages(const struct pageinfo *info) { return info->pages - info->file_pages; }
void machineinfo(struct machineinfo *info);

/* %s %c %d %u %x %p %%, and a width or 0 before them.  One write() a call, up to 255 bytes. */
void printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned number(const char *text, unsigned otherwise);	/* decimal; NULL or "": the other */
bool same(const char *a, const char *b);

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

int main(int argc, char **argv);

#endif
