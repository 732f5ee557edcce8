/* SPDX-License-Identifier: MIT */
/*
 * of_quarry.h: kmalloc and alloc_page, on a hosted machine of this process.  All checks
 * are on, as always.  The machine's memory is there from the beginning, as a PC's is;
 * what is kept in reserve depends on how much that is: a cache may hold a 512th.
 */
#include <sys/mman.h>

#include <arch/hosted/hosted.h>
#include <kernel/sched.h>
#include <quarry/init.h>
#include <quarry/slab.h>

#define MACHINE (2048ULL << 20)

static __always_inline void *take(size_t size) { return kmalloc(size, GFP_KERNEL); }
static __always_inline void give(void *p, size_t size) { (void)size; kfree(p); }
static __always_inline void *take_page(void) { return (void *)__get_free_page(GFP_KERNEL); }
static __always_inline void give_page(void *p) { free_page((unsigned long)p); }

static bool allocator_begin(void)
{
	static struct e820_entry map[8];
	const char *err;

	hosted_user_space = false;	/* no programs; valgrind needs those addresses */
	err = hosted_power_on(map, hosted_pc_map(map, MACHINE), MACHINE);
	if (err) {
		fprintf(stderr, "worker: %s\n", err);
		return false;
	}
	madvise((void *)PAGE_OFFSET, lowmem_size, MADV_POPULATE_WRITE);
	clock_start();
	mm_init();
	sched_init();
	arch_irq_enable();
	return true;
}

/* A thread is a CPU: this one's own magazines and frames are drained when it ends. */
static bool allocator_thread_begin(void) { return hosted_attach_cpu(); }
static void allocator_thread_end(void) { hosted_detach_cpu(); }
static int allocator_threads(void) { return 2; }
static const char *allocator_name(void) { return "quarry"; }
