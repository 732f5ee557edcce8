/* SPDX-License-Identifier: MIT */
/*
 * mmu.c: a memory management unit made of mmap() and SIGSEGV.
 *
 * Idea.  The host's page tables serve as our TLB.  Above low memory, and in user
 * space, the process has nothing mapped: the first access raises SIGSEGV, which
 * trap.c hands to mmu_access().  That walks *our* page tables in software, as an
 * MMU does on a TLB miss, and if the entry allows the access it maps that one
 * frame of the memfd at that one address: a TLB fill.  The instruction runs again.
 *
 *	access --SIGSEGV--> walk from the loaded root
 *		present, allowed:  mmap(frame at address), A and D bits set   -> again
 *		else:              a page fault                               -> kernel
 *
 * So a page that nobody mapped cannot be reached, two mappings of one frame
 * really are one, and a translation stays until it is flushed: code that
 * changes an entry and forgets to flush reads stale data here as on a PC.
 *
 * What hardware does, and this does too:
 *  - the accessed bit is set by a fill, the dirty bit by the first write: until
 *    then the frame is mapped read-only, and the write comes here again;
 *  - a kernel write to a read-only page faults (CR0.WP);
 *  - loading a root forgets all entries but the global ones;
 *  - the TLB is small (TLB_ENTRIES).  When full, it forgets everything.  That also
 *    keeps the process far below the host's limit of 65530 mappings.
 * What it does not: keep user code out of kernel pages, for the host knows only
 * one kind of code here; or tell CPUs apart: they share the one TLB.
 *
 * Data.  tlb[] holds the addresses that are filled, in no order; tlb_slot[] tells
 * for each page of the windows where in tlb[] it is (0: nowhere, else index + 1).
 *
 * Invariants:
 *	T.1  a page of the windows is mapped in the host if and only if it is in tlb[]
 *	T.2  tlb_slot[page of tlb[i]] == i + 1, for every i < tlb_used
 *	T.3  it is writable in the host only if the entry was writable and dirty when filled
 *
 * Cost: a fill is one signal and one mmap, about 5 µs; a flush of what is filled
 * one mmap; a flush of what is not, nothing.
 *
 * Under gdb: "handle SIGSEGV nostop noprint pass".
 */
#include "hosted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <quarry/vm.h>

#define USER_PAGES (TASK_SIZE >> PAGE_SHIFT)
#define KERNEL_PAGES (WINDOWS_SIZE >> PAGE_SHIFT)
#define WINDOWS_END (WINDOWS_BASE + WINDOWS_SIZE)
#define NOT_A_WINDOW (~0UL)

struct tlb_entry {
	unsigned long addr;
	bool writable, global;
};

static struct tlb_entry tlb[TLB_ENTRIES];
static unsigned tlb_used;
static u16 tlb_slot[USER_PAGES + KERNEL_PAGES];
u64 mmu_fills, mmu_overflows;

/* Behind low memory, where that is in the same gigabyte. */
static unsigned long kernel_start(void) { return max(WINDOWS_BASE, PAGE_OFFSET + lowmem_size); }

/* The page's index in tlb_slot[]. */
static unsigned long window_page(unsigned long addr)
{
	if (addr >= USER_BASE && addr < TASK_SIZE)
		return addr >> PAGE_SHIFT;
	if (addr >= kernel_start() && addr < WINDOWS_END)
		return USER_PAGES + ((addr - WINDOWS_BASE) >> PAGE_SHIFT);
	return NOT_A_WINDOW;
}

bool mmu_is_window(unsigned long addr) { return window_page(addr) != NOT_A_WINDOW; }
unsigned mmu_tlb_used(void) { return tlb_used; }

static struct tlb_entry *tlb_find(unsigned long addr)
{
	unsigned long page = window_page(addr);

	return page != NOT_A_WINDOW && tlb_slot[page] ? &tlb[tlb_slot[page] - 1] : NULL;
}

bool mmu_tlb_has(unsigned long addr) { return tlb_find(addr) != NULL; }

/* ---- the host's side ------------------------------------------------------------- */

/* Nothing may be reached in [@start, @end). */
static void hide(unsigned long start, unsigned long end)
{
	if (start < end && mmap((void *)start, end - start, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		crash("mmu: cannot hide 0x%lx-0x%lx: %s", start, end, strerror(errno));
}

/* As on a PC without NX, what a program may read it may execute. */
static bool show(unsigned long addr, pfn_t pfn, bool writable)
{
	return mmap((void *)addr, PAGE_SIZE,
		    PROT_READ | (writable ? PROT_WRITE : 0) | (addr < TASK_SIZE ? PROT_EXEC : 0),
		    MAP_SHARED | MAP_FIXED | MAP_POPULATE, phys_fd, (off_t)pfn << PAGE_SHIFT) != MAP_FAILED;
}

static const char *reserve(unsigned long start, unsigned long end)
{
	static char why[128];
	void *p = mmap((void *)start, end - start, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	if (p == (void *)start)
		return NULL;
	snprintf(why, sizeof(why), "the addresses 0x%lx-0x%lx are not free in this process: %s", start, end,
		 p == MAP_FAILED ? strerror(errno) : "the host put them elsewhere");
	return why;
}

/* What mem_map could become, in whole pages. */
static unsigned long mem_map_bytes(void)
{
	return PAGE_ALIGN((unsigned long)(memblock_end_of_DRAM() >> PAGE_SHIFT) * sizeof(struct page));
}

const char *mmu_init(void)
{
	const char *err = reserve(USER_BASE, TASK_SIZE);

	if (!err && SPARSE_MEM_MAP) {
		err = reserve(PAGE_OFFSET, PAGE_OFFSET + lowmem_size);
		err = err ? err : reserve(VMEMMAP_START, VMEMMAP_START + mem_map_bytes());
	}
	return err ? err : reserve(WINDOWS_BASE, WINDOWS_END);
}

/* ---- the TLB ----------------------------------------------------------------------- */

static void tlb_forget(struct tlb_entry *e)
{
	struct tlb_entry *last = &tlb[--tlb_used];

	tlb_slot[window_page(e->addr)] = 0;
	if (e != last) {
		*e = *last;
		tlb_slot[window_page(e->addr)] = (u16)(e - tlb + 1);
	}
}

void flush_tlb_page(unsigned long addr)
{
	struct tlb_entry *e = tlb_find(addr);

	if (!e)
		return;
	addr = e->addr;
	tlb_forget(e);
	hide(addr, addr + PAGE_SIZE);
}

/* Forget all filled pages of [@start, @end), which lies in one window. */
static void flush_range(unsigned long start, unsigned long end)
{
	bool any = false;

	for (unsigned i = tlb_used; i-- > 0;)
		if (tlb[i].addr >= start && tlb[i].addr < end) {
			tlb_forget(&tlb[i]);
			any = true;
		}
	if (any)
		hide(start, end);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	start = max(ALIGN_DOWN(start, PAGE_SIZE), kernel_start());
	end = end - WINDOWS_BASE > WINDOWS_SIZE ? WINDOWS_END : PAGE_ALIGN(end);
	if (end - start == PAGE_SIZE)
		flush_tlb_page(start);
	else if (start < end)
		flush_range(start, end);
}

void flush_tlb_all(void)
{
	flush_range(USER_BASE, TASK_SIZE);
	flush_range(kernel_start(), WINDOWS_END);
}

/* Other CPUs, when there are any, share this TLB. */
void port_flush_tlb_others(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (arch_pt_root() != __pa(mm->pgd))
		return;
	start = max(start, USER_BASE);
	end = min(end, TASK_SIZE);
	if (end - start == PAGE_SIZE)
		flush_tlb_page(start);
	else if (start < end)
		flush_range(start, end);
}

phys_addr_t arch_pt_root(void)
{
	return cpu_local_read(pt_root);
}

void mmu_load_root(phys_addr_t root)
{
	cpu_local_write(pt_root, root);
	flush_range(USER_BASE, TASK_SIZE);
	for (unsigned i = tlb_used; i-- > 0;)
		if (!tlb[i].global)
			flush_tlb_page(tlb[i].addr);
}

static void tlb_fill(unsigned long addr, pfn_t pfn, bool writable, bool global)
{
	struct tlb_entry *e = tlb_find(addr);

	if (!e) {
		if (tlb_used == TLB_ENTRIES) {
			mmu_overflows++;
			flush_tlb_all();
		}
		e = &tlb[tlb_used++];
		tlb_slot[window_page(addr)] = (u16)tlb_used;
	}
	*e = (struct tlb_entry){ addr, writable, global };
	mmu_fills++;
	if (!show(addr, pfn, writable))
		crash("mmu: cannot map frame 0x%lx at 0x%lx: %s", pfn, addr, strerror(errno));
}

/* ---- the walk ------------------------------------------------------------------------ */

/* What a walk through all levels ended with. */
struct walk {
	pte_t *leaf;		/* NULL: not present */
	pfn_t pfn;		/* of the 4 KiB page that holds the address */
	bool writable;		/* every level allows it */
	bool outside;		/* a table is not in low memory */
};

static struct walk walk(unsigned long addr)
{
	struct walk w = { .writable = true };
	phys_addr_t table = arch_pt_root();

	for (int level = PGTABLE_LEVELS;; level--) {
		pte_t *e = (pte_t *)__va(table) + pt_index(addr, level);

		w.outside = table >= lowmem_size;
		if (w.outside || !pte_present(*e))
			return w;
		w.writable = w.writable && pte_write(*e);
		if (level == 1 || pte_huge(*e)) {
			w.leaf = e;
			w.pfn = pte_pfn(*e) + ((addr & ((1UL << pt_shift(level)) - 1)) >> PAGE_SHIFT);
			return w;
		}
		table = (phys_addr_t)pte_pfn(*e) << PAGE_SHIFT;
	}
}

enum mmu_result mmu_access(unsigned long addr, bool write)
{
	struct walk w;

	if (!mmu_is_window(addr))
		return MMU_ABSENT;
	w = walk(addr);
	if (w.outside)
		return MMU_NOWHERE;
	if (!w.leaf)
		return MMU_ABSENT;
	if (write && !w.writable)
		return MMU_FORBIDDEN;
	if (((phys_addr_t)w.pfn << PAGE_SHIFT) >= phys_end)
		return MMU_NOWHERE;
	__atomic_fetch_or(&w.leaf->val, _PAGE_ACCESSED | (write ? _PAGE_DIRTY : 0), __ATOMIC_RELAXED);
	tlb_fill(ALIGN_DOWN(addr, PAGE_SIZE), w.pfn, w.writable && pte_dirty(*w.leaf), pte_global(*w.leaf));
	return MMU_FILLED;
}
