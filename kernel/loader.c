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
 * the file falls into are anonymous: cleared when touched.  All others are filled
 * from the file at the first touch (program_fill_page): nothing is read before.
 *
 * Arithmetic: the borders where the plan may change are, for each segment, the
 * first page, the page after its last file byte and the page after its last byte.
 * Between two neighbouring borders each segment covers all pages or none.
 * Worked example: text 0x08048000 + 0x5a0, data 0x080495b0 + 0x10 of file, 0x2000 in
 * memory: borders 8048, 8049, 804a, 804c (in pages): text, data, bss.
 *
 * Format: System V ABI, Intel386 supplement, chapter 4 (object files) and 5
 * (program loading).  The file is hostile until proven good: every field is read
 * by copy from a checked place, sums are done in 64 bits.
 */
#include "task.h"

#include <quarry/page.h>
#include <quarry/string.h>
#include <quarry/vm.h>

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version, entry, phoff, shoff, flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 52, "ELF32 header");

struct elf_phdr {
	u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
_Static_assert(sizeof(struct elf_phdr) == 32, "ELF32 program header");

enum { ELFCLASS32 = 1, ELFDATA2LSB = 1, ET_EXEC = 2, EM_386 = 3, EV_CURRENT = 1 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

/* ---- reading ------------------------------------------------------------------ */

static const char *check_header(const struct elf_header *h, size_t size)
{
	static const u8 magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (memcmp(h->ident, magic, sizeof(magic)))
		return "not an ELF file";
	if (h->ident[4] != ELFCLASS32 || h->ident[5] != ELFDATA2LSB || h->machine != EM_386)
		return "not for a 32-bit little-endian i386";
	if (h->ident[6] != EV_CURRENT || h->version != EV_CURRENT)
		return "of an unknown ELF version";
	if (h->type != ET_EXEC)
		return "not an executable at fixed addresses";
	if (h->ehsize < sizeof(*h) || h->phentsize != sizeof(struct elf_phdr))
		return "with headers of an unknown size";
	if (h->phnum == 0)
		return "without program headers";
	if ((u64)h->phoff + (u64)h->phnum * sizeof(struct elf_phdr) > size)
		return "cut short in its program headers";
	return NULL;
}

static const char *check_segment(const struct elf_phdr *ph, size_t size, u32 limit)
{
	if (ph->filesz > ph->memsz)
		return "with a segment larger in the file than in memory";
	if ((u64)ph->offset + ph->filesz > size)
		return "with a segment beyond the end of the file";
	if (ph->vaddr < PAGE_SIZE)
		return "with a segment in the page of NULL";
	if ((u64)ph->vaddr + ph->memsz > limit)
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

static const char *add_segment(struct program *p, const struct elf_phdr *ph, u32 limit)
{
	struct program_segment s = {
		.vaddr = ph->vaddr, .memsz = ph->memsz, .offset = ph->offset, .filesz = ph->filesz,
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

static const char *read_segments(struct program *p, const struct elf_header *h, u32 limit)
{
	const char *wrong = NULL;
	struct elf_phdr ph;

	for (unsigned i = 0; i < h->phnum && !wrong; i++) {
		memcpy(&ph, p->file + h->phoff + i * sizeof(ph), sizeof(ph));
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

static u32 page_down(u32 a)
{
	return a & ~(u32)(PAGE_SIZE - 1);
}

/* Segments end below the limit, which is page-aligned: no wrap. */
static u32 page_up(u32 a)
{
	return page_down(a + (u32)PAGE_SIZE - 1);
}

static unsigned add_border(u32 *border, unsigned n, u32 addr)
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
static struct program_area describe(struct program *p, u32 start, u32 end)
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
	u32 border[PROGRAM_AREAS + 1];
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
}

const char *program_parse(struct program *p, const void *file, size_t size, u32 limit)
{
	struct elf_header h;
	const char *wrong;

	*p = (struct program){ .file = file, .size = size };
	if (size < sizeof(h))
		return "too short for an ELF file";
	memcpy(&h, file, sizeof(h));
	p->entry = h.entry;
	wrong = check_header(&h, size);
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

void program_fill_page(const struct program *p, u32 page_addr, void *to)
{
	memset(to, 0, PAGE_SIZE);
	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];
		u32 from = max(page_addr, s->vaddr);
		u64 end = min((u64)page_addr + PAGE_SIZE, (u64)s->vaddr + s->filesz);

		if (from < end)
			memcpy((u8 *)to + (from - page_addr), p->file + s->offset + (from - s->vaddr),
			       (size_t)(end - from));
	}
}

static int fill_from_program(void *private, unsigned long offset, void *to)
{
	const struct program_area *a = private;

	program_fill_page(a->program, a->start + (u32)offset, to);
	return 0;
}

static const struct vm_operations program_vm_ops = { .fill = fill_from_program };

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
