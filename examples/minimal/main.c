/* SPDX-License-Identifier: MIT */
/*
 * main.c: the smallest kernel on Quarry.  It implements stage 1 of <quarry/port.h>, which
 * is four functions, hands the firmware's memory map over, and allocates.
 */
#include <quarry/init.h>
#include <quarry/report.h>
#include <quarry/slab.h>

static void outb(u16 port, u8 v) { __asm__ volatile("outb %0, %1" : : "a"(v), "d"(port)); }
static u8 inb(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port)); return v; }

static void __attribute__((noreturn)) leave(u8 status)
{
	for (;;)
		outb(0xf4, status);	/* QEMU's isa-debug-exit */
}

/* ---- the port: what Quarry asks of us ------------------------------------------------ */

void port_log(const char *text, size_t len)
{
	for (; len; len--) {
		while (!(inb(0x3fd) & 0x20))
			cpu_relax();	/* the serial line is busy */
		outb(0x3f8, (u8)*text++);
	}
}

void port_panic(const char *text)
{
	mm_log("panic: %s\n", text);
	leave(1);
}

/* Memory is mapped from PAGE_OFFSET on; the first 4 MiB, with us in it, also where it was loaded. */
void arch_paging_init(void)
{
	static u32 directory[1024] __attribute__((aligned(4096)));

	directory[0] = 0x83;		/* address 0; 4 MiB, writable, present */
	for (u32 i = 0; i < MAXMEM >> 22; i++)
		directory[(PAGE_OFFSET >> 22) + i] = i << 22 | 0x83;
	__asm__ volatile("movl %%cr4, %%eax; orl $0x10, %%eax; movl %%eax, %%cr4\n\t"	/* PSE */
			 "movl %0, %%cr3\n\t"
			 "movl %%cr0, %%eax; orl $0x80010000, %%eax; movl %%eax, %%cr0"	/* PG, WP */
			 : : "r"(directory) : "eax", "memory");
	max_low_pfn = (pfn_t)(memblock_end_of_DRAM() >> PAGE_SHIFT);
	high_memory = __va(memblock_end_of_DRAM());
}

/* ISA devices reach 16 MiB; above what is mapped there is nothing. */
void arch_zone_borders(pfn_t max_zone_pfn[MAX_NR_ZONES])
{
	for (int i = 0; i < MAX_NR_ZONES; i++)
		max_zone_pfn[i] = max_low_pfn;
	max_zone_pfn[ZONE_DMA] = max_zone_pfn[ZONE_DMA32] = min(max_low_pfn, 0x1000ul);
}

/* The archive finds "this CPU" (<arch/cpu.h>) through %fs. */
struct cpu_local cpu_locals[NR_CPUS] = { { .self = cpu_locals, .preempt_count = -CPU_CLAIMED } };

static void cpu_init(void)
{
	static u64 gdt[2];
	struct { u16 limit; u32 base; } __attribute__((packed)) gdtr = { sizeof(gdt) - 1, (u32)gdt };

	gdt[1] = cpu_local_descriptor(0);
	__asm__ volatile("lgdt %0; movl %1, %%fs" : : "m"(gdtr), "r"(8) : "memory");
}

/* ---- the firmware's memory map --------------------------------------------------------- */

struct multiboot { u32 flags, other[10], map_length, map; };
struct map_entry { u32 size; u64 addr, len; u32 type; } __attribute__((packed));

static void take_memory(const struct multiboot *boot)
{
	extern char _end[];
	const struct map_entry *e = (const struct map_entry *)boot->map;
	struct e820_entry map[32];
	unsigned n = 0;

	for (; (u32)e < boot->map + boot->map_length && n < ARRAY_SIZE(map);
	     e = (const void *)((u32)e + sizeof(e->size) + e->size))
		map[n++] = (struct e820_entry){ e->addr, e->len, e->type };
	e820_to_memblock(&memblock, map, n, MAXMEM);
	memblock_reserve(0, (u32)_end);			/* the firmware's first MiB, and us */
	memblock.current_limit = memblock_end_of_DRAM();
	mm_log("memory: %lu KiB in a map of %u\n", (unsigned long)(memblock_phys_mem_size() >> 10), n);
}

/* ---- and the use of it ------------------------------------------------------------------- */

static unsigned long free_pages_now(void)
{
	unsigned long n = 0;
	struct zone *zone;

	slab_drain(NULL);		/* what is kept at hand for speed */
	drain_all_pages(NULL);
	for_each_zone(zone)
		n += zone_free_pages(zone);
	return n;
}

static unsigned long exhaust(void)
{
	void **last = NULL, **p;
	unsigned long n = 0;

	for (; (p = kmalloc(4000, GFP_KERNEL | __GFP_NOWARN)); last = p, n++)
		*p = last;
	while ((p = last)) {
		last = *p;
		kfree(p);
	}
	return n;
}

void kernel_main(const struct multiboot *boot)
{
	unsigned long before, n;
	struct page *pages;
	char *name;

	cpu_init();
	take_memory(boot);
	mm_init_pages();
	before = free_pages_now();
	mm_log("free: %lu pages\n", before);
	pages = alloc_pages(GFP_KERNEL, 2);
	mm_log("alloc_pages: 4 from frame %lu, at %p\n", page_to_pfn(pages), page_address(pages));
	__free_pages(pages, 2);
	name = kmalloc(100, GFP_KERNEL);
	mm_log("kmalloc: %lu bytes at %p\n", (unsigned long)ksize(name), name);
	kfree(name);
	kfree(name);			/* refused, and told in a line; we go on */
	n = exhaust();
	mm_log("exhausted: %lu objects of 4000 bytes; free again: %lu pages\n", n, free_pages_now());
	leave(misuse_count(NR_MISUSE) == 1 && n > before / 2 && free_pages_now() == before ? 16 : 1);
}
