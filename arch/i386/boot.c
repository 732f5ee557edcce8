/* SPDX-License-Identifier: MIT */
/*
 * boot.c: from start.S to kernel_main().
 *
 *	i386_start()
 *	  setup_arch()		what the loader says: memory map, modules, command line
 *	  mm_init()		zones, slabs, vmalloc; calls arch_paging_init()
 *	  late_init()		what needs a memory manager: fixmap, interrupts
 *	  kernel_main()
 *
 * What the loader left lies anywhere in memory, and only the first 8 MiB are mapped.
 * So until the end of setup_arch() one page table, early_table, is a window of
 * 4 MiB that looks wherever we want (early_map); all we need is copied out of the
 * loader's structures, which are then ordinary free memory.  The modules
 * themselves stay where they are and are reserved.
 *
 *	PAGE_OFFSET		pg0, pg1: the first 8 MiB
 *	PAGE_OFFSET + 8 MiB	early_table: the window (later: low memory, like the rest)
 *
 * Reserved before anything is allocated: frame 0 (the BIOS's vectors and data), the
 * extended BIOS data area, the kernel's image, the modules.
 */
#include "pc.h"
#include <quarry/init.h>
#include <quarry/printf.h>
#include <quarry/string.h>
#include <quarry/vmalloc.h>

#define MB_MAGIC 0x2BADB002u

struct mb_info {		/* Multiboot Specification 0.6.96, section 3.3 */
	u32 flags;
	u32 mem_lower, mem_upper;	/* KiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
};
enum { MB_MEMORY = 1 << 0, MB_CMDLINE = 1 << 2, MB_MODS = 1 << 3, MB_MMAP = 1 << 6, MB_LOADER = 1 << 9 };

struct mb_module {
	u32 start, end, string, reserved;
};

struct mb_map_entry {
	u32 size;			/* of what follows */
	u64 addr, len;
	u32 type;
} __attribute__((packed));

#define MAX_MAP 128
#define MAX_MODULES 32
#define MAX_CMDLINE 2048
#define MAX_NAME 64

static struct e820_entry map[MAX_MAP];
static unsigned map_entries;
static const char *map_source = "none";
static phys_addr_t beyond_4g;
static char cmdline[MAX_CMDLINE], loader[MAX_NAME];

static struct module {
	phys_addr_t start, size;
	const void *address;		/* once it can be read */
	char name[MAX_NAME];
} modules[MAX_MODULES];
static unsigned nr_modules;

/* ---- seeing physical memory before it is mapped ----------------------------------- */

#define EARLY_WINDOW (PAGE_OFFSET + (8ul << 20))

static pte_t early_table[PTRS_PER_PT] __attribute__((aligned(4096), section(".bss.page_aligned")));

const void *early_map(u32 phys, u32 len)
{
	u32 first = phys >> PAGE_SHIFT, pages;

	len = min(len, (4u << 20) - (phys & ~(u32)PAGE_MASK));
	pages = (u32)(((u64)(phys & ~(u32)PAGE_MASK) + len + PAGE_SIZE - 1) >> PAGE_SHIFT);
	for (u32 i = 0; i < PTRS_PER_PT; i++)
		set_pte(&early_table[i], i < pages ?
			mk_pte((first + i) & 0xfffff, PAGE_KERNEL_RO) : (pte_t){ 0 });
	set_pte(&swapper_pg_dir[pt_index(EARLY_WINDOW, 2)],
		mk_table((pfn_t)(__pa(early_table) >> PAGE_SHIFT)));
	flush_tlb_all();
	return (const char *)EARLY_WINDOW + (phys & ~PAGE_MASK);
}

static void early_unmap(void)
{
	set_pte(&swapper_pg_dir[pt_index(EARLY_WINDOW, 2)], (pte_t){ 0 });
	flush_tlb_all();
}

static void copy_string(char *to, size_t len, u32 phys)
{
	const char *from = early_map(phys, (u32)len);
	size_t i;

	for (i = 0; i + 1 < len && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

void boot_stop(const char *fmt, ...)
{
	char line[200];
	va_list ap;

	va_start(ap, fmt);
	mm_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	mm_log("Quarry cannot start: %s\n", line);
	machine_halt(1);
}

/* ---- the command line -------------------------------------------------------------- */

const char *machine_cmdline(void)
{
	return cmdline;
}

bool cmdline_has(const char *word)
{
	size_t len = strlen(word);
	bool quoted = false;

	for (const char *p = cmdline; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (!quoted && (p == cmdline || p[-1] == ' ') && strncmp(p, word, len) == 0 &&
		    (p[len] == ' ' || p[len] == 0))
			return true;
	}
	return false;
}

/* mem=SIZE: leave the memory beyond alone.  SIZE in bytes, or with K, M, G. */
static phys_addr_t cmdline_mem(void)
{
	const char *p = cmdline;
	phys_addr_t n = 0;

	while (p && strncmp(p, "mem=", 4) != 0) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	if (!p)
		return 0;
	for (p += 4; *p >= '0' && *p <= '9' && n < 1ull << 40; p++)
		n = n * 10 + (phys_addr_t)(*p - '0');
	switch (*p | 0x20) {
	case 'k': return n << 10;
	case 'm': return n << 20;
	case 'g': return n << 30;
	}
	return n;
}

/* QEMU, like the specification, puts the kernel's own file name first; GRUB 2 does not. */
static void drop_file_name(void)
{
	char *end = strchr(cmdline, ' '), *equals = strchr(cmdline, '='), *slash = strchr(cmdline, '/');

	if (!slash || (end && slash > end) || (equals && equals < slash))
		return;
	if (!end) {
		cmdline[0] = 0;
		return;
	}
	memmove(cmdline, end + 1, strlen(end + 1) + 1);
}

/* ---- modules ------------------------------------------------------------------------- */

/* "folder/file name" or "folder/file": the last word, without folders. */
static void module_name(char *name)
{
	char *start = name, *end = name + strlen(name);

	while (end > name && end[-1] == ' ')
		*--end = 0;
	for (char *p = name; *p; p++) {
		if (*p == '/' || *p == ' ')
			start = p + 1;
	}
	memmove(name, start, strlen(start) + 1);
}

static void read_modules(const struct mb_info *info)
{
	u32 n = info->mods_count;

	if (n > MAX_MODULES) {
		mm_log("boot: %u modules, only the first %u are used\n", n, MAX_MODULES);
		n = MAX_MODULES;
	}
	for (u32 i = 0; i < n; i++) {
		const struct mb_module *from = early_map(info->mods_addr + i * sizeof(*from), sizeof(*from));
		struct module *m = &modules[nr_modules];
		u32 string = from->string;

		if (from->end < from->start || (from->start < IMAGE_END && from->end > IMAGE_START)) {
			mm_log("boot: module %u (0x%x-0x%x) lies over the kernel or backwards: ignored\n", i,
			        from->start, from->end);
			continue;
		}
		m->start = from->start;
		m->size = from->end - from->start;
		if (string)
			copy_string(m->name, MAX_NAME, string);
		module_name(m->name);
		nr_modules++;
	}
}

bool machine_module(unsigned i, struct machine_module *m)
{
	if (i >= nr_modules)
		return false;
	*m = (struct machine_module){ modules[i].name, modules[i].address, (size_t)modules[i].size };
	return true;
}

/* A module may lie above the direct map: then it is mapped, page by page. */
static __noinline const void *map_high_module(const struct module *m)
{
	pfn_t first = (pfn_t)(m->start >> PAGE_SHIFT);
	unsigned n = (unsigned)(((m->start & ~PAGE_MASK) + m->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	struct page **pages = kvmalloc(n * sizeof(*pages), GFP_KERNEL);
	char *addr = NULL;

	if (!pages)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		pages[i] = pfn_to_page(first + i);
	addr = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return addr ? addr + (m->start & ~PAGE_MASK) : NULL;
}

static void map_modules(void)
{
	for (unsigned i = 0; i < nr_modules; i++) {
		struct module *m = &modules[i];
		phys_addr_t end = m->start + m->size;

		if (end <= (phys_addr_t)max_low_pfn << PAGE_SHIFT)
			m->address = __va(m->start);
		else if (end <= (phys_addr_t)max_pfn << PAGE_SHIFT)
			m->address = map_high_module(m);
		if (!m->address) {
			mm_log("boot: module %s at 0x%llx cannot be reached: empty\n", m->name,
			       (unsigned long long)m->start);
			m->address = "";
			m->size = 0;
		}
	}
}

/* ---- the memory map --------------------------------------------------------------------- */

static void add_map_entry(u64 addr, u64 size, u32 type)
{
	if (map_entries == MAX_MAP) {
		mm_log("boot: the memory map has more than %u entries; 0x%llx+0x%llx (%s) is left out\n",
		       MAX_MAP, (unsigned long long)addr, (unsigned long long)size, e820_type_name(type));
		return;
	}
	map[map_entries++] = (struct e820_entry){ addr, size, type };
}

static void read_map(const struct mb_info *info)
{
	u32 length = min(info->mmap_length, 1u << 20), at = 0;
	const char *from = early_map(info->mmap_addr, length);

	while (at + sizeof(struct mb_map_entry) <= length) {
		const struct mb_map_entry *e = (const struct mb_map_entry *)(from + at);

		if (e->size < sizeof(*e) - sizeof(e->size)) {
			mm_log("boot: memory map entry at offset %u has size %u: the rest is ignored\n",
			       at, e->size);
			break;
		}
		if (e->size > length - at - sizeof(e->size)) {
			mm_log("boot: memory map entry at offset %u runs over the end of the map\n", at);
			break;
		}
		add_map_entry(e->addr, e->len, e->type);
		at += e->size + sizeof(e->size);
	}
	map_source = "multiboot map";
}

/* Loaders too old to give a map say how much lies below 640 KiB and above 1 MiB. */
static void guess_map(const struct mb_info *info)
{
	map_entries = 0;
	add_map_entry(0, (u64)min(info->mem_lower, 640u) << 10, E820_RAM);
	add_map_entry(1 << 20, (u64)info->mem_upper << 10, E820_RAM);
	map_source = "multiboot mem_lower, mem_upper";
}

/* Wherever else it may be wrong: we run in this memory. */
static bool map_has_image(void)
{
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		if (r->base <= IMAGE_START && r->base + r->size >= IMAGE_END)
			return true;
	}
	return false;
}

static void forget_memory(void)
{
	while (memblock.memory.cnt && memblock.memory.regions[0].size)
		memblock_remove(memblock.memory.regions[0].base, memblock.memory.regions[0].size);
}

static void fill_memblock(const struct mb_info *info)
{
	beyond_4g = e820_to_memblock(&memblock, map, map_entries, 1ull << 32);
	if (map_has_image())
		return;
	if (map_entries)
		mm_log("boot: the memory map (%u entries) has no usable memory at 0x%lx-0x%lx, where we are\n",
		       map_entries, IMAGE_START, IMAGE_END - 1);
	if (!(info->flags & MB_MEMORY) || !info->mem_upper)
		boot_stop("the boot loader gave no usable memory map");
	forget_memory();
	guess_map(info);
	beyond_4g = e820_to_memblock(&memblock, map, map_entries, 1ull << 32);
	if (!map_has_image())
		boot_stop("%u KiB of memory above 1 MiB; the kernel alone needs %lu KiB", info->mem_upper,
			  (IMAGE_END - IMAGE_START) >> 10);
}

static void limit_memory(void)
{
	phys_addr_t end = cmdline_mem();

	if (!end || end >= memblock_end_of_DRAM())
		return;
	if (end < 8 << 20) {
		mm_log("boot: mem=%llu is less than 8 MiB: ignored\n", (unsigned long long)end);
		return;
	}
	end = ALIGN_DOWN(end, PAGE_SIZE);
	memblock_remove(end, memblock_end_of_DRAM() - end);
}

/* The word at 0x40e names the paragraph of the extended BIOS data area, which ends at 640 KiB. */
static void reserve_bios(void)
{
	u32 ebda = (u32)*(const u16 *)__va(0x40e) << 4;

	memblock_reserve(0, PAGE_SIZE);
	if (ebda >= 0x80000 && ebda < 0xa0000)
		memblock_reserve(ebda & PAGE_MASK, 0xa0000 - (ebda & PAGE_MASK));
}

static void reserve_modules(void)
{
	for (unsigned i = 0; i < nr_modules; i++) {
		phys_addr_t start = ALIGN_DOWN(modules[i].start, PAGE_SIZE);

		if (modules[i].size)
			memblock_reserve(start, ALIGN(modules[i].start + modules[i].size, PAGE_SIZE) - start);
	}
}

static void __noinline setup_arch(u32 magic, u32 info_phys)
{
	struct mb_info info;

	if (magic != MB_MAGIC)
		boot_stop("eax is 0x%08x, not 0x%08x: not started by a multiboot loader", magic, MB_MAGIC);
	info = *(const struct mb_info *)early_map(info_phys, sizeof(info));
	if (info.flags & MB_LOADER)
		copy_string(loader, sizeof(loader), info.boot_loader_name);
	if (info.flags & MB_CMDLINE)
		copy_string(cmdline, sizeof(cmdline), info.cmdline);
	drop_file_name();
	cpu_detect();
	if (info.flags & MB_MMAP)
		read_map(&info);
	if (info.flags & MB_MODS)
		read_modules(&info);

	memblock.current_limit = 8 << 20;
	fill_memblock(&info);
	limit_memory();
	reserve_bios();
	memblock_reserve(IMAGE_START, IMAGE_END - IMAGE_START);
	reserve_modules();
	power_init();
	early_unmap();
}

void machine_describe(struct seq *s)
{
	cpu_describe(s);
	seq_printf(s, "Loader: %s, command line: %s\n", loader[0] ? loader : "unknown", cmdline);
	seq_printf(s, "Memory map (%s):\n", map_source);
	for (unsigned i = 0; i < map_entries; i++)
		seq_printf(s, "  0x%012llx-0x%012llx %s\n", (unsigned long long)map[i].addr,
			   (unsigned long long)(map[i].addr + map[i].size - 1), e820_type_name(map[i].type));
	if (beyond_4g)
		seq_printf(s, "  %llu MiB beyond 4 GiB are out of reach of two-level paging\n",
			   (unsigned long long)(beyond_4g >> 20));
	seq_printf(s, "Kernel image: 0x%08lx-0x%08lx (%lu KiB)\n", IMAGE_START, IMAGE_END - 1,
		   (IMAGE_END - IMAGE_START) >> 10);
	for (unsigned i = 0; i < nr_modules; i++)
		seq_printf(s, "Module %s: 0x%08llx, %llu bytes\n", modules[i].name,
			   (unsigned long long)modules[i].start, (unsigned long long)modules[i].size);
}

static void __noinline late_init(void)
{
	map_modules();
	apic_map();
	pic_init();
	timer_init();
	console_late_init();
}

void i386_start(u32 magic, u32 info)
{
	console_init();
	trap_init();
	setup_arch(magic, info);
	mm_init();
	late_init();
	kernel_main();
}
