/* SPDX-License-Identifier: MIT */
/*
 * smp.c: the other processors: who they are, how they come up, how they stop.
 *
 * Found: while the boot reads what the firmware left (smp_find), by ACPI's MADT, else by
 * the MP table.  Number 0 is the one that booted; the others follow in the table's order,
 * and so far are only an APIC id each.
 *
 * Started: one after another, by the kernel, when it can give them something to do
 * (machine_start_cpus).  Intel's recipe: an INIT interrupt, 10 ms, then up to two start-up
 * interrupts that name the page of trampoline.S:
 *
 *	who boots				who starts
 *	stacks; startup_cpu, startup_stack
 *	start-up interrupt		->	trampoline, startup_entry()
 *						takes startup_stack, leaves NULL
 *						GDT, TSS, tables, IDT, APIC, timer
 *	waits for `online`		<-	online; kernel_cpu_main()
 *
 * The stack is the ticket: who finds none came too late, when nobody counted on it any
 * more, and halts.
 *
 * Stopped: by an NMI, which no processor can be deaf to (machine_stop_others).
 */
#include "pc.h"
#include "trampoline.h"
#include <quarry/gfp.h>
#include <quarry/string.h>

struct cpu_state cpu_states[NR_CPUS] = { { .online = true } };
unsigned nr_online = 1;
static struct processors processors = { .n = 1, .source = "one" };

/* ---- finding them ----------------------------------------------------------------------- */

struct mp_pointer {		/* MultiProcessor Specification 1.4, table 4-1 */
	char signature[4];	/* "_MP_" */
	u32 table;		/* 0: the default of two processors, 0 and 1 */
	u8 paragraphs, revision, sum, features[5];
};
_Static_assert(sizeof(struct mp_pointer) == 16, "of one paragraph");

static bool mp_pointer_ok(const void *at)
{
	const struct mp_pointer *p = at;

	return p->paragraphs == 1 && byte_sum(p, sizeof(*p)) == 0;
}

static const char *read_mp_table(u32 phys, u8 self)
{
	const struct mp_table *t = early_map(phys, sizeof(*t));
	u32 length = t->length;

	if (memcmp(t->signature, "PCMP", 4) != 0)
		return "it is not where its pointer says";
	t = early_map(phys, length);
	if (byte_sum(t, length) != 0)
		return "its sum is wrong";
	return processors_from_mp(t, self, &processors);
}

static void ask_mp_table(u8 self)
{
	const struct mp_pointer *p = firmware_find("_MP_", mp_pointer_ok);
	const char *wrong = NULL;

	if (p && p->table)
		wrong = read_mp_table(p->table, self);
	else if (p && p->features[0] && self < 2)
		processors = (struct processors){ .n = 2, .apic_id = { self, !self }, .source = "MP table" };
	if (wrong)
		mm_log("MP table: %s: ignored\n", wrong);
}

static void ask_firmware(u8 self)
{
	const struct acpi_header *madt = acpi_table("APIC");
	const char *wrong = madt ? processors_from_madt(madt, self, &processors) : NULL;

	if (wrong)
		mm_log("ACPI: MADT: %s: ignored\n", wrong);
	if (!madt || wrong)
		ask_mp_table(self);
	if (processors.left_out)
		mm_log("%u more processors are left out: this build has room for %u\n", processors.left_out, MAX_PROCESSORS);
}

/* As many as the command line allows, the first of them. */
static void keep_wanted(void)
{
	unsigned max = cmdline_maxcpus();

	if (processors.n <= max)
		return;
	mm_log("maxcpus: %u of %u processors are left out\n", processors.n - max, processors.n);
	processors.n = max;
}

static phys_addr_t startup_page;

/* A page that a start-up interrupt can name. */
static bool reserve_startup_page(void)
{
	startup_page = memblock_find_in(&memblock, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0xa0000);
	return startup_page && memblock_reserve(startup_page, PAGE_SIZE) == 0;
}

void smp_find(void)
{
	processors.apic_id[0] = cpu_apic_id();
	if (cpu_has(X86_APIC) && !cmdline_has("nosmp"))
		ask_firmware(processors.apic_id[0]);
	keep_wanted();
	if (processors.n > 1 && !reserve_startup_page()) {
		mm_log("no free page below 1 MiB, where processors start: one goes on alone\n");
		processors.n = 1;
	}
	nr_cpu_ids = processors.n;
}

void smp_describe(struct seq *s)
{
	seq_printf(s, "%u processor%s (%s)\n", processors.n, processors.n == 1 ? "" : "s", processors.source);
}

u8 smp_apic_id(unsigned cpu)
{
	return processors.apic_id[cpu];
}

unsigned machine_nr_cpus(void)
{
	return processors.n;
}

/* ---- starting them ------------------------------------------------------------------------ */

#define PATIENCE_US 3000000	/* more than any processor takes, were its emulator ever so busy */
#define STEP_US 50

extern const char trampoline[], trampoline_protected[], trampoline_end[];
void *startup_stack;		/* taken by who starts */
unsigned startup_cpu;
static unsigned long startup_cr4;
static bool ticks_by_apic;

/* Read back by the processor that starts, before it has a segment or a page table. */
static void fill_startup_page(u32 root)
{
	char *page = __va(startup_page);
	struct startup_data *d = (struct startup_data *)(page + STARTUP_DATA);
	u32 base = (u32)startup_page;

	startup_cr4 = read_cr4();
	memcpy(page, trampoline, (size_t)(trampoline_end - trampoline));
	*d = (struct startup_data){
		.gdt = { { 0, 0 }, gdt_descriptor(0, 0xfffff, CODE0, FLAT_CODE), gdt_descriptor(0, 0xfffff, DATA0, FLAT),
			 gdt_descriptor(0, 0xfffff, CODE0, FLAT) },
		.gdt_limit = sizeof(d->gdt) - 1, .gdt_base = base + STARTUP_DATA,
		.protected = { base + (u32)(trampoline_protected - trampoline), STARTUP_CS, 0 },
		.entry = { startup_entry(), KERNEL_CS, 0 },
		/* global pages only once the last tables are loaded */
		.cr0 = (u32)read_cr0(), .cr3 = root, .cr4 = (u32)startup_cr4 & ~CR4_PGE,
		.efer = cpu_has(X86_NX) || cpu_has(X86_LM) ? (u32)rdmsr(MSR_EFER) & ~EFER_LMA : 0,
	};
}

static bool give_stacks(unsigned cpu)
{
	struct cpu_stacks *s = &cpu_stacks[cpu];
	unsigned order = get_order(KSTACK_SIZE), exceptions = get_order(EXCEPTION_STACKS * PAGE_SIZE);

	s->top = (char *)__get_free_pages(GFP_KERNEL, order);
	s->exceptions = (char *)__get_free_pages(GFP_KERNEL, exceptions);
	if (s->top && s->exceptions) {
		s->top += KSTACK_SIZE;
		return true;
	}
	free_pages((unsigned long)s->top, order);
	free_pages((unsigned long)s->exceptions, exceptions);
	return false;
}

static void take_stacks_back(unsigned cpu)
{
	struct cpu_stacks *s = &cpu_stacks[cpu];

	free_pages((unsigned long)s->top - KSTACK_SIZE, get_order(KSTACK_SIZE));
	free_pages((unsigned long)s->exceptions, get_order(EXCEPTION_STACKS * PAGE_SIZE));
	*s = (struct cpu_stacks){ NULL, NULL };
}

/* Wait until it has taken its stack. */
static bool is_taken(unsigned us)
{
	for (unsigned i = 0; i < us && __atomic_load_n(&startup_stack, __ATOMIC_ACQUIRE); i += STEP_US)
		timer_wait_us(STEP_US);
	return !__atomic_load_n(&startup_stack, __ATOMIC_ACQUIRE);
}

static void wait_until_online(unsigned cpu)
{
	for (unsigned i = 0; i < PATIENCE_US && !cpu_is_online(cpu); i += STEP_US)
		timer_wait_us(STEP_US);
}

static void start(unsigned cpu)
{
	u32 command = APIC_STARTUP | (u32)(startup_page >> PAGE_SHIFT);

	startup_cpu = cpu;
	__atomic_store_n(&startup_stack, cpu_stacks[cpu].top, __ATOMIC_RELEASE);
	smp_send(cpu, command);
	if (!is_taken(200))
		smp_send(cpu, command);
	if (is_taken(PATIENCE_US) || !__atomic_exchange_n(&startup_stack, NULL, __ATOMIC_ACQ_REL)) {
		wait_until_online(cpu);
	} else {
		smp_send(cpu, APIC_INIT);
		take_stacks_back(cpu);
	}
}

static void start_all(void)
{
	for (unsigned cpu = 1; cpu < processors.n; cpu++) {
		smp_send(cpu, APIC_INIT);
		smp_send(cpu, APIC_INIT_END);
	}
	timer_wait_us(10000);
	for (unsigned cpu = 1; cpu < processors.n; cpu++) {
		if (give_stacks(cpu))
			start(cpu);
		if (!cpu_is_online(cpu))
			mm_log("CPU%u (APIC %u) does not start\n", cpu, processors.apic_id[cpu]);
	}
}

void machine_start_cpus(void)
{
	u32 id, version, root;

	if (processors.n == 1)
		return;
	if (!machine_read_apic(&id, &version)) {
		mm_log("the local APIC cannot be reached: one processor goes on alone\n");
		return;
	}
	apic_enable();
	root = apic_calibrate() ? startup_tables(startup_page) : 0;
	if (!root) {
		mm_log("no memory to start processors, or no timer for them: one goes on alone\n");
		return;
	}
	fill_startup_page(root);
	start_all();
	apic_start_timer();
	ticks_by_apic = true;
	startup_tables_free();
}

void startup_main(unsigned cpu)
{
	cpu_early_init(cpu);
	write_cr3(__pa_symbol(swapper_pg_dir));
	write_cr4(startup_cr4);
	trap_load();
	apic_enable();
	apic_start_timer();
	__atomic_fetch_add(&nr_online, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu_states[cpu].online, true, __ATOMIC_SEQ_CST);
	flush_tlb_all();	/* what changed before anybody could tell us */
	kernel_cpu_main();
}

/* ---- interrupts between them ------------------------------------------------------------------ */

void smp_send(unsigned cpu, u32 command)
{
	apic_send(processors.apic_id[cpu], command);
}

void machine_kick_cpu(unsigned cpu)
{
	if (cpu != smp_processor_id() && cpu_is_online(cpu))
		smp_send(cpu, VECTOR_RESCHEDULE);
}

bool smp_ticks_by_apic(void)
{
	return ticks_by_apic;
}

/*
 * An emulator that runs processors in turn, as QEMU does when it counts instructions, may change
 * to the next only where one halts or pauses: computing alone would keep the others from ever
 * running.  So each second tick pauses, and lets another compute until somebody's next tick.
 */
bool smp_tick(void)
{
	if (cpu_states[smp_processor_id()].ticks++ % 2)
		cpu_relax();
	return kernel_timer_tick();
}

bool smp_interrupt(unsigned long vector)
{
	struct cpu_state *me = &cpu_states[smp_processor_id()];
	bool resched;

	if (vector == VECTOR_SPURIOUS)
		return false;
	apic_end();
	switch (vector) {
	case VECTOR_TIMER:
		resched = smp_tick();
		apic_start_timer();
		return resched;
	case VECTOR_RESCHEDULE:
		me->kicks++;
		return kernel_need_resched();
	default:
		me->calls++;
		call_serve();
		return false;
	}
}

/* ---- stopping them ---------------------------------------------------------------------------- */

static bool stopping;

void machine_stop_others(void)
{
	unsigned self = smp_processor_id(), cpu;

	if (nr_online == 1)
		return;
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	for_each_other_cpu(cpu, self)
		smp_send(cpu, APIC_NMI);
	for_each_other_cpu(cpu, self)
		for (unsigned i = 0; i < 100000 && !READ_ONCE(cpu_states[cpu].stopped); i++)
			cpu_relax();
}

void smp_nmi(void)
{
	if (!__atomic_load_n(&stopping, __ATOMIC_SEQ_CST))
		return;
	cpu_states[smp_processor_id()].stopped = true;
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

/* ---- looking at them ---------------------------------------------------------------------------- */

void machine_print_cpus(struct seq *s)
{
	seq_puts(s, "CPU  APIC  state         ticks      kicks      calls    flushes\n");
	for (unsigned cpu = 0; cpu < processors.n; cpu++) {
		const struct cpu_state *c = &cpu_states[cpu];

		seq_printf(s, "%3u  %4u  %-8s %10lu %10lu %10lu %10lu\n", cpu, processors.apic_id[cpu],
			   cpu_is_online(cpu) ? "online" : "absent", c->ticks, c->kicks, c->calls, c->flushes);
	}
}
