/* SPDX-License-Identifier: MIT */
/*
 * memalloc.h: what the memory manager remembers of each thread.
 *
 * A thread that frees memory for others must not wait for others to free it some; one
 * that holds a file system's lock must not be sent back into the file system.  A mask
 * says so for one call; these flags say so for everything that the thread calls.
 */
#ifndef QUARRY_MEMALLOC_H
#define QUARRY_MEMALLOC_H

#include <quarry/gfp.h>
#include <quarry/port.h>

#define PF_MEMALLOC 0x1		/* frees memory: may take the last page, never reclaims itself */
#define PF_MEMALLOC_NOFS 0x2	/* every mask loses __GFP_FS */
#define PF_MEMALLOC_NOIO 0x4	/* every mask loses __GFP_IO and __GFP_FS */
#define PF_OOM_VICTIM 0x8	/* is to end: may take from the reserve to get there */
#define PF_KSWAPD 0x10		/* a background reclaimer */

/**
 * current_gfp_context() - @gfp without what the calling thread's flags forbid
 * Context: any; in an interrupt @gfp itself.  O(1).
 */
static inline gfp_t current_gfp_context(gfp_t gfp)
{
	const struct mm_thread *t = port_mm_thread();
	unsigned flags = t ? READ_ONCE(t->flags) : 0;

	if (unlikely(flags & (PF_MEMALLOC_NOIO | PF_MEMALLOC_NOFS)))
		gfp &= flags & PF_MEMALLOC_NOIO ? ~(__GFP_IO | __GFP_FS) : ~__GFP_FS;
	return gfp;
}

/* Set @flag; what it was before goes to memalloc_flags_restore().  Others may set flags, too (PF_OOM_VICTIM). */
static inline unsigned memalloc_flags_save(unsigned flag)
{
	struct mm_thread *t = port_mm_thread();

	return t ? __atomic_fetch_or(&t->flags, flag, __ATOMIC_RELAXED) & flag : flag;
}

static inline void memalloc_flags_restore(unsigned flag, unsigned old)
{
	struct mm_thread *t = port_mm_thread();

	if (t)
		__atomic_fetch_and(&t->flags, ~flag | old, __ATOMIC_RELAXED);
}

/**
 * memalloc_noreclaim_save() - from here on this thread frees memory: PF_MEMALLOC
 * Nests.  Context: thread.  Return: for memalloc_noreclaim_restore(), which undoes it.  O(1).
 */
static inline unsigned memalloc_noreclaim_save(void) { return memalloc_flags_save(PF_MEMALLOC); }
static inline void memalloc_noreclaim_restore(unsigned old) { memalloc_flags_restore(PF_MEMALLOC, old); }
/** memalloc_nofs_save(), memalloc_noio_save() - the same for GFP_NOFS, GFP_NOIO. */
static inline unsigned memalloc_nofs_save(void) { return memalloc_flags_save(PF_MEMALLOC_NOFS); }
static inline void memalloc_nofs_restore(unsigned old) { memalloc_flags_restore(PF_MEMALLOC_NOFS, old); }
static inline unsigned memalloc_noio_save(void) { return memalloc_flags_save(PF_MEMALLOC_NOIO); }
static inline void memalloc_noio_restore(unsigned old) { memalloc_flags_restore(PF_MEMALLOC_NOIO, old); }

#endif
