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
 * one kind of code here; or tell CPUs apart: they share the one TLB, so what one forgets
 * all forget, and only one at a time may have a task's tables loaded (smp.c).  A second
 * that loads some is the end: it would see the first's memory.
 *
 * Data.  tlb[] holds the addresses that are filled, in no order; tlb_slot[] tells
 * for each page of the windows where in tlb[] it is (0: nowhere, else index + 1).
 *
 * Invariants:
 *	T.1  a page of the windows is mapped in the host if and only if it is in tlb[]
 *	T.2  tlb_slot[page of tlb[i]] == i + 1, for every i < tlb_used
 *	T.3  it is writable in the host only if the entry was writable and dirty when filled
 *
 * Lock: `lock`, the host's, for all of it, from the first look at a table to the fill: a
 * flush that follows the change of an entry waits for fills that saw the old one.  Who
 * has it waits for nothing.
 *
 * Cost: a fill is one signal and one mmap, about 5 µs; a flush of what is filled
 * one mmap; a flush of what is not, nothing.
 *
 * Under gdb: "handle SIGSEGV nostop noprint pass".
 */
#include "hosted.h"

#include <errno.h>
#include <pthread.h>
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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tlb_entry tlb[TLB_ENTRIES];
static unsigned tlb_used;
static u16 tlb_slot[USER_PAGES + KERNEL_PAGES];
static phys_addr_t user_root;	/* the task's tables that a CPU has loaded; 0: none has */
u64 mmu_fills, mmu_overflows;
bool hosted_user_space = true;

/* Behind low memory, where that is in the same gigabyte. */
static unsigned long kernel_start(void) { return WINDOWS_BASE + (WINDOWS_BASE == PAGE_OFFSET ? lowmem_size : 0); }

/* The page's index in tlb_slot[]. */
static unsigned long window_page(unsigned long addr)
{
	if (hosted_user_space && addr >= USER_BASE && addr < TASK_SIZE)
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
	const char *err = hosted_user_space ? reserve(USER_BASE, TASK_SIZE) : NULL;

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

static void flush_page(unsigned long addr)
{
	struct tlb_entry *e = tlb_find(addr);

	if (!e)
		return;
	addr = e->addr;
	tlb_forget(e);
	hide(addr, addr + PAGE_SIZE);
}

void flush_tlb_page(unsigned long addr)
{
	pthread_mutex_lock(&lock);
	flush_page(addr);
	pthread_mutex_unlock(&lock);
}

/* Forget all filled pages of [@start, @end), which lies in one window. */
static void flush_range(unsigned long start, unsigned long end)
{
	bool any = false;

	if (end - start == PAGE_SIZE) {
		flush_page(start);
		return;
	}
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
	pthread_mutex_lock(&lock);
	if (start < end)
		flush_range(start, end);
	pthread_mutex_unlock(&lock);
}

static void flush_everything(void)
{
	flush_range(USER_BASE, TASK_SIZE);
	flush_range(kernel_start(), WINDOWS_END);
}

void flush_tlb_all(void)
{
	pthread_mutex_lock(&lock);
	flush_everything();
	pthread_mutex_unlock(&lock);
}

/* The others share this TLB. */
void port_flush_tlb_others(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

void port_flush_tlb_user(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	start = max(start, USER_BASE);
	end = min(end, TASK_SIZE);
	pthread_mutex_lock(&lock);
	if (user_root == __pa(mm->pgd) && start < end)
		flush_range(start, end);
	pthread_mutex_unlock(&lock);
}

phys_addr_t arch_pt_root(void)
{
	return cpu_local_read(pt_root);
}

/* Under the lock: which of its tables are in the TLB changes hands. */
static void take_user_window(phys_addr_t old, phys_addr_t root)
{
	if (user_root && old != user_root && root != swapper_frame)
		crash("mmu: CPU %u loads tables at 0x%llx while another has those at 0x%llx", smp_processor_id(),
		      (unsigned long long)root, (unsigned long long)user_root);
	if (old == user_root || root != swapper_frame)
		user_root = root != swapper_frame ? root : 0;
}

void mmu_load_root(phys_addr_t root)
{
	pthread_mutex_lock(&lock);
	take_user_window(arch_pt_root(), root);
	cpu_local_write(pt_root, root);
	flush_range(USER_BASE, TASK_SIZE);
	for (unsigned i = tlb_used; i-- > 0;)
		if (!tlb[i].global)
			flush_page(tlb[i].addr);
	pthread_mutex_unlock(&lock);
}

static void tlb_fill(unsigned long addr, pfn_t pfn, bool writable, bool global)
{
	struct tlb_entry *e = tlb_find(addr);

	if (!e) {
		if (tlb_used == TLB_ENTRIES) {
			mmu_overflows++;
			flush_everything();
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
	pte_t seen;		/* what it held */
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
		if (w.outside)
			return w;
		w.seen = get_pte(e);
		if (!pte_present(w.seen))
			return w;
		w.writable = w.writable && pte_write(w.seen);
		if (level == 1 || pte_huge(w.seen)) {
			w.leaf = e;
			w.pfn = pte_pfn(w.seen) + ((addr & ((1UL << pt_shift(level)) - 1)) >> PAGE_SHIFT);
			return w;
		}
		table = (phys_addr_t)pte_pfn(w.seen) << PAGE_SHIFT;
	}
}

/* Set its bits, unless the entry has changed since. */
static bool mark_leaf(pte_t *leaf, pte_t seen, bool write)
{
	pteval_t marked = seen.val | _PAGE_ACCESSED | (write ? _PAGE_DIRTY : 0);

	return __atomic_compare_exchange_n(&leaf->val, &seen.val, marked, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Under the lock. */
static enum mmu_result access_window(unsigned long addr, bool write)
{
	struct walk w;

	do {
		w = walk(addr);
		if (w.outside)
			return MMU_NOWHERE;
		if (!w.leaf)
			return MMU_ABSENT;
		if (write && !w.writable)
			return MMU_FORBIDDEN;
		if (((phys_addr_t)w.pfn << PAGE_SHIFT) >= phys_end)
			return MMU_NOWHERE;
	} while (!mark_leaf(w.leaf, w.seen, write));
	tlb_fill(ALIGN_DOWN(addr, PAGE_SIZE), w.pfn, w.writable && (write || pte_dirty(w.seen)), pte_global(w.seen));
	return MMU_FILLED;
}

enum mmu_result mmu_access(unsigned long addr, bool write)
{
	enum mmu_result result = MMU_ABSENT;

	if (mmu_is_window(addr)) {
		pthread_mutex_lock(&lock);
		result = access_window(addr, write);
		pthread_mutex_unlock(&lock);
	}
	return result;
}
