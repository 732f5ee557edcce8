/* SPDX-License-Identifier: MIT */
/*
 * types.h: the words everything else is written in.
 *
 * Three kinds of address never mix: a pointer or `unsigned long` is virtual,
 * `phys_addr_t` is physical, `pfn_t` is a frame number (physical / PAGE_SIZE).
 */
#ifndef QUARRY_TYPES_H
#define QUARRY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quarry/config.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* A physical address, in bytes.  64 bits on every build: memory maps of 32-bit
 * machines name addresses above 4 GiB, and must not be cut when read. */
typedef u64 phys_addr_t;

/* A page frame number. */
typedef unsigned long pfn_t;

/* Allocation flags: see gfp.h. */
typedef unsigned int gfp_t;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" ::: "memory")
/*
 * READ_ONCE() says: others may write it meanwhile, old or new will do, torn it cannot be.  They
 * write a whole aligned word, which no compiler cuts.  To ThreadSanitizer that would be a race, so
 * there it is a load that it does not see; every other unlocked access is reported.
 */
#ifdef __SANITIZE_THREAD__
#define READ_ONCE(x) ({									\
	__typeof__(({ (x); })) v_;							\
	__asm__ volatile("mov %1, %0" : "=r"(v_) : "m"(x));				\
	v_; })
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#else
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif
/* From here on the compiler takes @p as it is, and does not work it out again from what it was made of. */
#define hide_origin(p) __asm__ volatile("" : "+r"(p))
/* The compiler loads what it has loaded before, and so kept no register for it meanwhile. */
#define load_again(v) ({ __asm__ volatile("" : "+m"(v)); (v); })
#ifdef __i386__
#define FEW_REGISTERS 1		/* then that is worth more than the load costs */
#else
#define FEW_REGISTERS 0
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#undef __always_inline		/* a hosted C library has its own */
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __cold_path __attribute__((cold, noinline))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))
#define __cacheline_aligned __attribute__((aligned(L1_CACHE_BYTES)))
#define __must_check __attribute__((warn_unused_result))

/* The caller of the function that says it, for reports. */
#define _RET_IP_ ((unsigned long)__builtin_return_address(0))

/* Round up or down to `a`, a power of two; works for every integer type. */
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN(x, a) ALIGN_DOWN((x) + ((__typeof__(x))(a) - 1), a)
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })

/* Error numbers: returned negative, with the meanings of errno(3). */
#ifndef ENOMEM
#define ENOENT 2
#define EINTR 4
#define ENOEXEC 8
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ENOSPC 28
#define ERANGE 34
#endif

#endif
