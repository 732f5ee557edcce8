/* SPDX-License-Identifier: MIT */
/*
 * loader.c: from an ELF file to the areas of an address space.
 *
 * An executable lists segments: so many bytes of the file at such an address, then
 * zeros up to a size, with these rights.  Areas are made of whole pages, and two
 * segments may meet in one page, so areas are planned page by page:
 *
 *	segments	|--- text R X ---|  |-- data R W --|... zeros ...|
 *	pages		|        |        |        |        |        |
 *	areas		[ text            ][ data          ][ bss    ]
 *
 * A page that two segments share gets the rights of both.  Pages that no byte of
 * the file falls into are anonymous: cleared when touched.  All others come from the
 * page cache (pagecache.c) at the first touch: nothing is read before.  Those that nobody
 * may write are the cache's own frames, shared by all tasks of that program; others are copied.
 *
 * Arithmetic: the borders where the plan may change are, for each segment, the
 * first page, the page after its last file byte and the page after its last byte.
 * Between two neighbouring borders each segment covers all pages or none.
 * Worked example: text 0x08048000 + 0x5a0, data 0x080495b0 + 0x10 of file, 0x2000 in
 * memory: borders 8048, 8049, 804a, 804c (in pages): text, data, bss.
 *
 * Format: System V ABI, Intel386 and AMD64 supplements, chapter 4 (object files) and 5
 * (program loading).  Files of 32 and of 64 bits differ in the width of fields only, and
 * are read into one form.  The file is hostile until proven good: every field is read by
 * copy from a checked place, and none is added to another before both are known to fit.
 */
#include "machine.h"
#include "pagecache.h"
#include "task.h"

#include <quarry/highmem.h>
#include <quarry/page.h>
#include <quarry/string.h>
#include <quarry/vm.h>

struct elf32_header {
	u8 ident[16];
	u16 type, machine;
	u32 version, entry, phoff, shoff, flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf32_header) == 52, "ELF32 header");

struct elf64_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf64_header) == 64, "ELF64 header");

struct elf32_phdr {
	u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
_Static_assert(sizeof(struct elf32_phdr) == 32, "ELF32 program header");

struct elf64_phdr {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf64_phdr) == 56, "ELF64 program header");

enum { ELFCLASS32 = 1, ELFCLASS64 = 2, ELFDATA2LSB = 1, ET_EXEC = 2, EV_CURRENT = 1 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

/* ---- reading: either class into one form --------------------------------------- */

struct elf_header {
	u8 ident[16];
	u16 type, machine, ehsize, phentsize, phnum;
	u32 version;
	u64 entry, phoff;
	size_t header_size, phdr_size;	/* of its class */
};

struct elf_phdr {
	u32 type, flags;
	u64 offset, vaddr, filesz, memsz;
};

#define SAME_HEADER(h)									\
	.type = (h).type, .machine = (h).machine, .version = (h).version, .ehsize = (h).ehsize,	\
	.phentsize = (h).phentsize, .phnum = (h).phnum, .entry = (h).entry, .phoff = (h).phoff,	\
	.header_size = sizeof(h)

#define SAME_PHDR(ph)									\
	.type = (ph).type, .flags = (ph).flags, .offset = (ph).offset, .vaddr = (ph).vaddr,	\
	.filesz = (ph).filesz, .memsz = (ph).memsz

/* Return: false when the file is shorter than a header. */
static bool read_header(struct elf_header *h, const void *file, size_t size, bool wide)
{
	struct elf32_header h32;
	struct elf64_header h64;

	if (size < (wide ? sizeof(h64) : sizeof(h32)))
		return false;
	if (wide) {
		memcpy(&h64, file, sizeof(h64));
		*h = (struct elf_header){ SAME_HEADER(h64), .phdr_size = sizeof(struct elf64_phdr) };
	} else {
		memcpy(&h32, file, sizeof(h32));
		*h = (struct elf_header){ SAME_HEADER(h32), .phdr_size = sizeof(struct elf32_phdr) };
	}
	memcpy(h->ident, file, sizeof(h->ident));
	return true;
}

static struct elf_phdr read_phdr(const void *from, bool wide)
{
	struct elf32_phdr p32;
	struct elf64_phdr p64;

	if (wide) {
		memcpy(&p64, from, sizeof(p64));
		return (struct elf_phdr){ SAME_PHDR(p64) };
	}
	memcpy(&p32, from, sizeof(p32));
	return (struct elf_phdr){ SAME_PHDR(p32) };
}

/* Is [@start, @start + @len) within @size?  No sum, so nothing overflows. */
static bool within(u64 start, u64 len, u64 size)
{
	return len <= size && start <= size - len;
}

static const char *check_header(const struct elf_header *h, size_t size, unsigned machine)
{
	static const u8 magic[4] = { 0x7f, 'E', 'L', 'F' };
	bool wide = machine == ELF_X86_64;

	if (memcmp(h->ident, magic, sizeof(magic)))
		return "not an ELF file";
	if (h->ident[4] != (wide ? ELFCLASS64 : ELFCLASS32) || h->ident[5] != ELFDATA2LSB ||
	    h->machine != machine)
		return wide ? "not for a 64-bit little-endian x86-64" : "not for a 32-bit little-endian i386";
	if (h->ident[6] != EV_CURRENT || h->version != EV_CURRENT)
		return "of an unknown ELF version";
	if (h->type != ET_EXEC)
		return "not an executable at fixed addresses";
	if (h->ehsize < h->header_size || h->phentsize != h->phdr_size)
		return "with headers of an unknown size";
	if (h->phnum == 0)
		return "without program headers";
	if (!within(h->phoff, (u64)h->phnum * h->phdr_size, size))
		return "cut short in its program headers";
	return NULL;
}

static const char *check_segment(const struct elf_phdr *ph, size_t size, unsigned long limit)
{
	if (ph->filesz > ph->memsz)
		return "with a segment larger in the file than in memory";
	if (!within(ph->offset, ph->filesz, size))
		return "with a segment beyond the end of the file";
	if (ph->vaddr < PAGE_SIZE)
		return "with a segment in the page of NULL";
	if (!within(ph->vaddr, ph->memsz, limit))
		return "with a segment outside user space";
	return NULL;
}

static const char *check_overlap(const struct program *p, const struct program_segment *new)
{
	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];

		if (new->vaddr < s->vaddr + s->memsz && s->vaddr < new->vaddr + new->memsz)
			return "with segments that overlap";
	}
	return NULL;
}

static const char *add_segment(struct program *p, const struct elf_phdr *ph, unsigned long limit)
{
	struct program_segment s = {
		.vaddr = (unsigned long)ph->vaddr, .memsz = (unsigned long)ph->memsz,
		.offset = (unsigned long)ph->offset, .filesz = (unsigned long)ph->filesz,
		.flags = (ph->flags & PF_R ? VM_READ : 0) | (ph->flags & PF_W ? VM_WRITE : 0) |
			 (ph->flags & PF_X ? VM_EXEC : 0),
	};
	const char *wrong = check_segment(ph, p->size, limit);

	if (!wrong)
		wrong = check_overlap(p, &s);
	if (!wrong && p->nr_segments == PROGRAM_SEGMENTS)
		wrong = "with too many segments";
	if (!wrong)
		p->segment[p->nr_segments++] = s;
	return wrong;
}

static const char *read_segments(struct program *p, const struct elf_header *h,
				 unsigned long limit)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < h->phnum && !wrong; i++) {
		struct elf_phdr ph = read_phdr(p->file + h->phoff + i * h->phdr_size, p->word == 8);

		if (ph.type == PT_INTERP || ph.type == PT_DYNAMIC)
			wrong = "dynamically linked";
		else if (ph.type == PT_LOAD && ph.memsz)
			wrong = add_segment(p, &ph, limit);
	}
	return wrong;
}

static bool entry_is_code(const struct program *p)
{
	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];

		if ((s->flags & VM_EXEC) && p->entry >= s->vaddr && p->entry - s->vaddr < s->memsz)
			return true;
	}
	return false;
}

/* ---- planning ------------------------------------------------------------------- */

static unsigned long page_down(unsigned long a)
{
	return a & PAGE_MASK;
}

/* Segments end below the limit, which is page-aligned: no wrap. */
static unsigned long page_up(unsigned long a)
{
	return page_down(a + PAGE_SIZE - 1);
}

static unsigned add_border(unsigned long *border, unsigned n, unsigned long addr)
{
	unsigned at = n;

	while (at > 0 && border[at - 1] > addr)
		at--;
	if (at > 0 && border[at - 1] == addr)
		return n;
	memmove(&border[at + 1], &border[at], (n - at) * sizeof(*border));
	border[at] = addr;
	return n + 1;
}

static const char *area_name(u32 flags, bool from_file)
{
	if (flags & VM_EXEC)
		return flags & VM_WRITE ? "text+data" : "text";
	if (!(flags & VM_WRITE))
		return "rodata";
	return from_file ? "data" : "bss";
}

/* What the pages [@start, @end) are, where no border falls inside; flags 0 for nothing. */
static struct program_area describe(struct program *p, unsigned long start, unsigned long end)
{
	struct program_area a = { .start = start, .end = end, .program = p };
	bool any = false;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];

		if (page_down(s->vaddr) > start || page_up(s->vaddr + s->memsz) <= start)
			continue;
		any = true;
		a.flags |= s->flags | VM_READ;
		if (s->filesz && page_up(s->vaddr + s->filesz) > start)
			a.from_file = true;
	}
	a.name = any ? area_name(a.flags, a.from_file) : NULL;
	return a;
}

static void plan_areas(struct program *p)
{
	unsigned long border[PROGRAM_AREAS + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];

		n = add_border(border, n, page_down(s->vaddr));
		n = add_border(border, n, page_up(s->vaddr + s->filesz));
		n = add_border(border, n, page_up(s->vaddr + s->memsz));
	}
	for (unsigned i = 0; i + 1 < n; i++) {
		struct program_area a = describe(p, border[i], border[i + 1]);
		struct program_area *last = p->nr_areas ? &p->area[p->nr_areas - 1] : NULL;

		if (!a.name)
			continue;
		if (last && last->end == a.start && last->flags == a.flags && last->from_file == a.from_file)
			last->end = a.end;
		else
			p->area[p->nr_areas++] = a;
	}
	p->brk = border[n - 1];
	for (unsigned i = 0; i < p->nr_areas; i++) {
		p->area[i].index = p->nr_file_pages;
		p->nr_file_pages += p->area[i].from_file ? (p->area[i].end - p->area[i].start) >> PAGE_SHIFT : 0;
	}
}

const char *program_parse(struct program *p, const void *file, size_t size, unsigned long limit,
			  unsigned machine)
{
	bool wide = machine == ELF_X86_64;
	struct elf_header h;
	const char *wrong;

	*p = (struct program){ .file = file, .size = size, .word = wide ? 8 : 4 };
	if (!read_header(&h, file, size, wide))
		return "too short for an ELF file";
	p->entry = (unsigned long)h.entry;
	wrong = check_header(&h, size, machine);
	if (!wrong)
		wrong = read_segments(p, &h, page_down(limit));
	if (!wrong && p->nr_segments == 0)
		wrong = "without anything to load";
	if (!wrong && !entry_is_code(p))
		wrong = "with an entry point outside its code";
	if (!wrong)
		plan_areas(p);
	return wrong;
}

/* ---- mapping ---------------------------------------------------------------------- */

void program_fill_page(const struct program *p, unsigned long page_addr, void *to)
{
	memset(to, 0, PAGE_SIZE);
	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];
		unsigned long from = max(page_addr, s->vaddr);
		unsigned long end = min(page_addr + PAGE_SIZE, s->vaddr + s->filesz);

		if (from < end)
			memcpy((u8 *)to + (from - page_addr), p->file + s->offset + (from - s->vaddr),
			       end - from);
	}
}

/* A page of the program's own, which may be written: a copy. */
static int fill_from_program(void *private, unsigned long offset, void *to)
{
	struct page *page;
	int err = pagecache_get(private, offset, &page);
	void *from;

	if (err)
		return err;
	from = kmap_local_page(page);
	copy_page(to, from);
	kunmap_local(from);
	put_page(page);
	return 0;
}

static int share_of_program(void *private, unsigned long offset, struct page **page)
{
	return pagecache_get(private, offset, page);
}

static const struct vm_operations program_vm_ops = { .fill = fill_from_program, .fault = share_of_program };

int program_map(struct program *p, struct mm_struct *mm)
{
	int err = 0;

	for (unsigned i = 0; i < p->nr_areas && !err; i++) {
		struct program_area *a = &p->area[i];

		err = mm_map(mm, a->start, a->end - a->start, a->flags, a->name,
			     a->from_file ? &program_vm_ops : NULL, a);
	}
	if (!err)
		err = mm_map(mm, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE,
			     VM_READ | VM_WRITE | VM_GROWSDOWN, "stack", NULL, NULL);
	mm->start_brk = mm->brk = p->brk;
	return err;
}
