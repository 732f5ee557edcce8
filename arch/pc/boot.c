/* SPDX-License-Identifier: MIT */
/*
 * boot.c: from start.S to kernel_main().
 *
 *	pc_start()
 *	  setup_arch()		what the loader says: memory map, modules, command line
 *	  mm_init()		zones, slabs, vmalloc; calls arch_paging_init()
 *	  late_init()		what needs a memory manager: fixmap, interrupts
 *	  kernel_main()
 *
 * What the loader left lies anywhere in memory, and only the first 8 MiB are mapped.
 * So until the end of setup_arch() it is read through a window (early.c), and all we
 * need is copied out of the loader's structures, which are then ordinary free
 * memory.  The modules themselves stay where they are and are reserved.
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
#define MAX_NAME 64

static struct e820_entry map[MAX_MAP];
static unsigned map_entries;
static const char *map_source = "none";
static phys_addr_t beyond_limit;
static char loader[MAX_NAME];
static u64 boot_cycles;

static struct module {
	phys_addr_t start, size;
	const void *address;		/* once it can be read */
	char name[MAX_NAME];
} modules[MAX_MODULES];
static unsigned nr_modules;

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
			early_string(m->name, MAX_NAME, string);
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

/*
 * The map is full: memory is left out, never a hole, for then we would hand it out.
 * Return: an entry to write @new over, once it has been told.
 */
static struct e820_entry *make_room(struct e820_entry *new)
{
	struct e820_entry *out = new;

	for (unsigned i = MAX_MAP; new->type != E820_RAM && out == new && i-- > 0; )
		if (map[i].type == E820_RAM)
			out = &map[i];
	mm_log("boot: the memory map has more than %u entries; 0x%llx+0x%llx (%s) is left out\n",
	       MAX_MAP, (unsigned long long)out->addr, (unsigned long long)out->size, e820_type_name(out->type));
	return out;
}

static void add_map_entry(u64 addr, u64 size, u32 type)
{
	struct e820_entry new = { addr, size, type };

	*(map_entries < MAX_MAP ? &map[map_entries++] : make_room(&new)) = new;
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
	beyond_limit = e820_to_memblock(&memblock, map, map_entries, cpu_phys_limit());
	if (map_has_image())
		return;
	if (map_entries)
		mm_log("boot: the memory map (%u entries) has no usable memory at 0x%lx-0x%lx, where we are\n",
		       map_entries, IMAGE_START, IMAGE_END - 1);
	if (!(info->flags & MB_MEMORY) || !info->mem_upper)
		boot_stop("the boot loader gave no usable memory map");
	forget_memory();
	guess_map(info);
	beyond_limit = e820_to_memblock(&memblock, map, map_entries, cpu_phys_limit());
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

/* As if the firmware had reserved it. */
static void cut_memory(void)
{
	phys_addr_t start, size;

	for (unsigned i = 0; cmdline_memmap(i, &start, &size); i++) {
		phys_addr_t base = ALIGN_DOWN(start, PAGE_SIZE), end = ALIGN(start + size, PAGE_SIZE);

		if (base < 8 << 20 || base >= end)
			mm_log("boot: memmap=%llu$%llu is empty, or below 8 MiB: ignored\n", (unsigned long long)size,
			       (unsigned long long)start);
		else
			memblock_remove(base, end - base);
	}
}

/* The word at 0x40e names its paragraph; it ends at 640 KiB. */
u32 bios_data_area(void)
{
	u32 ebda = (u32)*(const u16 *)__va(0x40e) << 4;

	return ebda >= 0x80000 && ebda < 0xa0000 ? ebda : 0;
}

static void reserve_bios(void)
{
	u32 ebda = bios_data_area();

	memblock_reserve(0, PAGE_SIZE);
	if (ebda)
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
		early_string(loader, sizeof(loader), info.boot_loader_name);
	if (info.flags & MB_CMDLINE)
		cmdline_read(info.cmdline);
	cpu_detect();
	boot_cycles = machine_cycles();		/* not before the CPU is known */
	if (info.flags & MB_MMAP)
		read_map(&info);
	if (info.flags & MB_MODS)
		read_modules(&info);

	memblock.current_limit = 8 << 20;
	fill_memblock(&info);
	limit_memory();
	cut_memory();
	reserve_bios();
	memblock_reserve(IMAGE_START, IMAGE_END - IMAGE_START);
	reserve_modules();
	power_init();
	smp_find();
	numa_find();
	early_unmap();
}

int machine_image_part(unsigned i, unsigned long *start, unsigned long *end)
{
	const char *const border[] = { _text, _rodata, _data };

	if (i >= ARRAY_SIZE(border) - 1)
		return -ENOENT;
	*start = (unsigned long)border[i];
	*end = (unsigned long)border[i + 1];
	return i == 0;
}

void machine_describe(struct seq *s)
{
	cpu_describe(s);
	smp_describe(s);
	seq_printf(s, "Loader: %s, command line: %s\n", loader[0] ? loader : "unknown",
		   machine_cmdline());
	seq_printf(s, "Memory map (%s):\n", map_source);
	for (unsigned i = 0; i < map_entries; i++)
		seq_printf(s, "  0x%012llx-0x%012llx %s\n", (unsigned long long)map[i].addr,
			   (unsigned long long)(map[i].addr + map[i].size - 1), e820_type_name(map[i].type));
	if (beyond_limit)
		seq_printf(s, "  %llu MiB beyond %llu GiB are out of reach of these page tables\n",
			   (unsigned long long)(beyond_limit >> 20), (unsigned long long)cpu_phys_limit() >> 30);
	seq_printf(s, "Kernel image: 0x%08lx-0x%08lx (%lu KiB)\n", IMAGE_START, IMAGE_END - 1,
		   (IMAGE_END - IMAGE_START) >> 10);
	for (unsigned i = 0; i < nr_modules; i++)
		seq_printf(s, "Module %s: 0x%08llx, %llu bytes\n", modules[i].name,
			   (unsigned long long)modules[i].start, (unsigned long long)modules[i].size);
}

u64 machine_boot_cycles(void)
{
	return boot_cycles;
}

static void __noinline late_init(void)
{
	map_modules();
	apic_map();
	pic_init();
	timer_init();
	console_late_init();
}

void pc_start(u32 magic, u32 info)
{
	console_init();
	trap_init();
	setup_arch(magic, info);
	mm_init();
	boot_cycles = machine_cycles() - boot_cycles;
	late_init();
	kernel_main();
}
