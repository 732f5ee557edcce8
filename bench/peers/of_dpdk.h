/* SPDX-License-Identifier: MIT */
/*
 * of_dpdk.h: DPDK's rte_mempool, one pool for each size, all its objects made beforehand;
 * each thread has the cache that the library gives it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#define DPDK_OBJECTS 32767	/* a power of two less one is what a pool's ring holds best */
#define DPDK_CACHE 512		/* the largest that there is */

static struct rte_mempool *pool_64, *pool_256, *pool_1024, *pool_4096, *pool_page;

static inline __attribute__((always_inline)) struct rte_mempool *pool_for(size_t size)
{
	return size == 64 ? pool_64 : size == 256 ? pool_256 : size == 1024 ? pool_1024 : pool_4096;
}

static inline __attribute__((always_inline)) void *take_from(struct rte_mempool *pool)
{
	void *p;

	return rte_mempool_get(pool, &p) ? NULL : p;
}

static inline __attribute__((always_inline)) void *take(size_t size) { return take_from(pool_for(size)); }
static inline __attribute__((always_inline)) void give(void *p, size_t size) { rte_mempool_put(pool_for(size), p); }
static inline void *take_page(void) { return take_from(pool_page); }
static inline void give_page(void *p) { rte_mempool_put(pool_page, p); }

static struct rte_mempool *make(const char *name, unsigned size)
{
	return rte_mempool_create(name, DPDK_OBJECTS, size, DPDK_CACHE, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
}

static bool allocator_begin(void)
{
	static char *argv[] = { "worker", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "640",
				"--log-level", "error", "-l", "0", NULL };

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0)
		return false;
	pool_64 = make("64", 64);
	pool_256 = make("256", 256);
	pool_1024 = make("1024", 1024);
	pool_4096 = make("4096", 4096);
	pool_page = make("page", 4096);
	return pool_64 && pool_256 && pool_1024 && pool_4096 && pool_page;
}

static bool allocator_thread_begin(void) { return rte_thread_register() == 0; }
static void allocator_thread_end(void) { rte_thread_unregister(); }
static int allocator_threads(void) { return 2; }
static const char *allocator_name(void) { return "rte_mempool"; }
