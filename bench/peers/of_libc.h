/* SPDX-License-Identifier: MIT */
/*
 * of_libc.h: malloc and free: the C library's, or of a library that was loaded before it
 * (LD_PRELOAD).
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static inline void *take(size_t size) { return malloc(size); }
static inline void give(void *p, size_t size) { (void)size; free(p); }
static inline void *take_page(void) { return aligned_alloc(4096, 4096); }
static inline void give_page(void *p) { free(p); }

static bool allocator_begin(void) { return true; }
static bool allocator_thread_begin(void) { return true; }
static void allocator_thread_end(void) { }
static int allocator_threads(void) { return 2; }

/* The file that malloc is really from. */
static const char *allocator_name(void)
{
	Dl_info info;
	const char *slash;

	if (!dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) || !info.dli_fname)
		return "?";
	slash = strrchr(info.dli_fname, '/');
	return slash ? slash + 1 : info.dli_fname;
}
