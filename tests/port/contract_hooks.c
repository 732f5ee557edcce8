/* SPDX-License-Identifier: MIT */
/*
 * contract_hooks.c: the functions of port.h.
 */
#include <quarry/highmem.h>
#include <quarry/slab.h>
#include <quarry/string.h>
#include <quarry/vm.h>

#include "contract.h"
#include "kernel/sched.h"

/* ---- stage 1: names, and the log ------------------------------------------------------- */

void contract_a_function(void);
__noinline void contract_a_function(void)
{
	static volatile unsigned long called;

	called++;
}

SELFTEST(port, a_symbol_is_a_name_and_an_offset)
{
	unsigned long addr = (unsigned long)contract_a_function;
	char buf[64], small[8];

	CHECK(port_symbol(buf, sizeof(buf), addr) == buf);
	CHECK(st_equal(buf, "contract_a_function+0x0"));
	CHECK(st_equal(port_symbol(buf, sizeof(buf), addr + 1), "contract_a_function+0x1"));
	CHECK(st_equal(port_symbol(buf, sizeof(buf), 0x10), "0x10"));
	memset(small, 'x', sizeof(small));
	port_symbol(small, 4, addr);
	CHECK(strlen(small) < 4 && small[4] == 'x');
}

SELFTEST(port, foreign_addresses_are_described)
{
	static int variable;
	char local;
	void *p = kmalloc(100, GFP_KERNEL);
	const char *object = port_describe_address(p), *nowhere = port_describe_address((void *)FIXADDR_TOP);

	kfree(p);
	CHECK(p && !object && !nowhere);
	CHECK(port_describe_address(&local) && st_equal(port_describe_address(&local), "stack"));
	CHECK(port_describe_address(&variable) && st_equal(port_describe_address(&variable), "kernel image"));
	CHECK(port_describe_address((void *)contract_a_function));
}

static char logged[64];
static size_t logged_len;

static void catch(const char *text, size_t len)
{
	len = min(len, sizeof(logged) - logged_len);
	memcpy(logged + logged_len, text, len);
	logged_len += len;
}

static void log_something(void *arg)
{
	port_log("from an interrupt\nnot this", 18);
	port_log(arg, 5);
}

SELFTEST(port, the_log_takes_text_in_an_interrupt)
{
	void (*log)(const char *, size_t) = machine_log;

	logged_len = 0;
	machine_log = catch;
	machine_run_in_interrupt(log_something, (void *)"again");
	machine_log = log;
	CHECK_EQ(logged_len, 23);
	CHECK(memcmp(logged, "from an interrupt\nagain", 23) == 0);
}

/* ---- stage 4: threads ------------------------------------------------------------------ */

#define ROUNDS 500

static struct {
	spinlock_t lock;
	unsigned ball;		/* whose turn: 0 or 1 */
	unsigned long played[2], irqs_wrong;
} game;

static void play(void *arg)
{
	unsigned me = arg != NULL;
	unsigned long flags = spin_lock_irqsave(&game.lock);

	for (unsigned i = 0; i < ROUNDS; i++) {
		while (game.ball != me) {
			flags = port_sleep_on(&game.ball, &game.lock, flags);
			game.irqs_wrong += !arch_irqs_disabled() || !spin_is_locked(&game.lock);
		}
		game.played[me]++;
		game.ball = !me;
		port_wakeup(&game.ball);
	}
	spin_unlock_irqrestore(&game.lock, flags);
	game.irqs_wrong += arch_irqs_disabled();
}

/* A wake-up that comes between the look at the ball and the sleep must not be lost. */
SELFTEST(port, no_wakeup_is_lost)
{
	int pid[2];

	memset(&game, 0, sizeof(game));
	for (unsigned i = 0; i < 2; i++) {
		pid[i] = thread_spawn("player", play, i ? &game : NULL);
		CHECK(pid[i] > 0);
	}
	CHECK_EQ(thread_wait(pid[0]), 0);
	CHECK_EQ(thread_wait(pid[1]), 0);
	CHECK_EQ(game.played[0], ROUNDS);
	CHECK_EQ(game.played[1], ROUNDS);
	CHECK_EQ(game.irqs_wrong, 0);
}

#define SLEEPERS 5

static struct {
	spinlock_t lock;
	unsigned asleep, awake;
	bool go;
} crowd;

static void sleep_in_crowd(void *arg)
{
	unsigned long flags = spin_lock_irqsave(&crowd.lock);

	(void)arg;
	crowd.asleep++;
	while (!crowd.go)
		flags = port_sleep_on(&crowd, &crowd.lock, flags);
	crowd.awake++;
	spin_unlock_irqrestore(&crowd.lock, flags);
}

static void wake_crowd(void *arg)
{
	unsigned long flags = spin_lock_irqsave(&crowd.lock);

	crowd.go = true;
	spin_unlock_irqrestore(&crowd.lock, flags);
	port_wakeup(arg);
}

/* One call wakes all, from an interrupt too; port_yield() lets them run until then. */
SELFTEST(port, a_wakeup_reaches_every_sleeper)
{
	int pid[SLEEPERS];

	memset(&crowd, 0, sizeof(crowd));
	for (unsigned i = 0; i < SLEEPERS; i++)
		pid[i] = thread_spawn("sleeper", sleep_in_crowd, NULL);
	while (READ_ONCE(crowd.asleep) < SLEEPERS)
		port_yield();
	CHECK_EQ(crowd.awake, 0);
	machine_run_in_interrupt(wake_crowd, &crowd);
	for (unsigned i = 0; i < SLEEPERS; i++)
		CHECK_EQ(thread_wait(pid[i]), 0);
	CHECK_EQ(crowd.awake, SLEEPERS);
}

/* ---- stage 5: tasks -------------------------------------------------------------------- */

/* Read through @mm's own entry for @addr, first naming one frame, then the other. */
static void read_twice(struct mm_struct *mm, unsigned long addr, struct page *page[2], u32 seen[2])
{
	pte_t *entry = pt_walk_alloc(mm->pgd, addr, &pt_ops_kernel);

	if (!entry)
		return;
	preempt_disable();
	machine_load_mm(mm);
	for (unsigned i = 0; i < 2; i++) {
		set_pte(entry, mk_pte(page_to_pfn(page[i]), PAGE_SHARED));
		port_flush_tlb_user(mm, addr, addr + PAGE_SIZE);
		seen[i] = *(volatile u32 *)addr;
	}
	set_pte(entry, (pte_t){ 0 });
	port_flush_tlb_user(mm, addr, addr + PAGE_SIZE);
	machine_load_mm(NULL);
	preempt_enable();
}

SELFTEST(port, a_flush_of_user_space_makes_a_changed_entry_seen)
{
	unsigned long addr = ALIGN_DOWN(TASK_SIZE / 2, PAGE_SIZE);
	struct page *page[2] = { alloc_page(GFP_KERNEL), alloc_page(GFP_KERNEL) };
	struct mm_struct *mm = mm_alloc();
	u32 seen[2] = { 0 };

	CHECK(page[0] && page[1] && mm);
	CHECK(!port_current_mm());		/* a kernel thread's */
	*(u32 *)page_address(page[0]) = 0x1111;
	*(u32 *)page_address(page[1]) = 0x2222;
	read_twice(mm, addr, page, seen);
	pt_free_tables(mm->pgd, 0, TASK_SIZE, &pt_ops_kernel);
	mm_free(mm);
	__free_page(page[0]);
	__free_page(page[1]);
	CHECK_EQ(seen[0], 0x1111);
	CHECK_EQ(seen[1], 0x2222);
}
