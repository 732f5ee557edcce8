/* SPDX-License-Identifier: MIT */
/*
 * test_loader.c: programs, good and hostile (kernel/loader.c).
 *
 * Each image lies in a block of exactly its size, so that under AddressSanitizer a
 * look beyond its end is a failure.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/pagecache.h"
#include "kernel/task.h"

#include <quarry/page.h>
#include <quarry/vm.h>

#define LIMIT 0x1f000000u
#define FILE_SIZE 0x800u
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct segment { u64 type, offset, vaddr, paddr, filesz, memsz, flags, align; };

/* The two kinds of file, told apart by `wide`. */
#define MACHINE(wide) ((wide) ? ELF_X86_64 : ELF_386)
#define HEADER(wide) ((wide) ? 64u : 52u)
#define PHDR(wide) ((wide) ? 56u : 32u)

static void put16(u8 *at, u32 v) { at[0] = (u8)v; at[1] = (u8)(v >> 8); }
static void put32(u8 *at, u32 v) { put16(at, v); put16(at + 2, v >> 16); }
static void put64(u8 *at, u64 v) { put32(at, (u32)v); put32(at + 4, (u32)(v >> 32)); }

static void put_sizes(u8 *at, unsigned n, bool wide)
{
	put16(at, HEADER(wide));
	put16(at + 2, PHDR(wide));
	put16(at + 4, n);
}

static void put_phdr(u8 *at, const struct segment *s, bool wide)
{
	const u64 narrow[] = { s->type, s->offset, s->vaddr, s->paddr, s->filesz, s->memsz, s->flags, s->align };
	const u64 words[] = { s->offset, s->vaddr, s->paddr, s->filesz, s->memsz, s->align };

	if (wide) {
		put32(at, (u32)s->type);
		put32(at + 4, (u32)s->flags);
		for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
			put64(at + 8 + 8 * k, words[k]);
	} else {
		for (unsigned k = 0; k < ARRAY_SIZE(narrow); k++)
			put32(at + 4 * k, (u32)narrow[k]);
	}
}

/* An executable of FILE_SIZE bytes whose content is (u8)(offset * 7). */
static u8 *make_image(const struct segment *segment, unsigned n, u32 entry, bool wide)
{
	static const u8 ident[16] = { 0x7f, 'E', 'L', 'F', 1, 1, 1 };
	u8 *file = malloc(FILE_SIZE);

	for (unsigned i = 0; i < FILE_SIZE; i++)
		file[i] = (u8)(i * 7);
	memset(file, 0, HEADER(wide));
	memcpy(file, ident, sizeof(ident));
	file[4] = wide ? 2 : 1;
	put16(file + 16, 2);		/* executable */
	put16(file + 18, MACHINE(wide));
	put32(file + 20, 1);
	put_sizes(file + (wide ? 52 : 40), n, wide);
	if (wide) {
		put64(file + 24, entry);
		put64(file + 32, HEADER(wide));	/* where the program headers are */
	} else {
		put32(file + 24, entry);
		put32(file + 28, HEADER(wide));
	}
	for (unsigned i = 0; i < n; i++)
		put_phdr(file + HEADER(wide) + PHDR(wide) * i, &segment[i], wide);
	return file;
}

/* The worked example of loader.c, but for one page more of text. */
static const struct segment plain[] = {
	{ 1, 0, 0x08048000, 0, 0x5a0, 0x5a0, PF_R | PF_X, 0x1000 },
	{ 1, 0x5b0, 0x080495b0, 0, 0x10, 0x2000, PF_R | PF_W, 0x1000 },
};

#define PLAIN(wide) make_image(plain, 2, 0x08048100, wide)

/* What must hold for any plan, of whatever file. */
static void check_plan(const struct program *p)
{
	static u8 page[4096];

	for (unsigned i = 0; i < p->nr_areas; i++) {
		const struct program_area *a = &p->area[i];

		ck_assert(a->start < a->end && a->end <= LIMIT && ((a->start | a->end) & 4095) == 0);
		ck_assert(i == 0 || p->area[i - 1].end <= a->start);
		ck_assert_ptr_nonnull(a->name);
		program_fill_page(p, a->start, page);
		program_fill_page(p, a->end - 4096, page);
	}
	for (unsigned i = 0; i < p->nr_segments; i++) {
		const struct program_segment *s = &p->segment[i];
		u32 end = s->vaddr + s->memsz, covered = 0;

		for (unsigned k = 0; k < p->nr_areas; k++)
			if (s->vaddr < p->area[k].end && end > p->area[k].start) {
				ck_assert_uint_eq(p->area[k].flags & s->flags, s->flags);
				covered += min(end, p->area[k].end) - max(s->vaddr, p->area[k].start);
			}
		ck_assert_uint_eq(covered, s->memsz);
		if (s->filesz) {
			u32 last = s->vaddr + s->filesz - 1;

			program_fill_page(p, last & ~4095u, page);
			ck_assert_uint_eq(page[last & 4095], p->file[s->offset + s->filesz - 1]);
		}
	}
}

START_TEST(E7_plan_of_a_plain_program)
{
	u8 *file = PLAIN(_i);
	struct program p;

	ck_assert_ptr_nonnull(program_parse(&p, file, FILE_SIZE, LIMIT, MACHINE(!_i)));
	ck_assert_ptr_null(program_parse(&p, file, FILE_SIZE, LIMIT, MACHINE(_i)));
	check_plan(&p);
	ck_assert_uint_eq(p.word, _i ? 8 : 4);
	ck_assert_uint_eq(p.nr_areas, 3);
	ck_assert_str_eq(p.area[0].name, "text");
	ck_assert_uint_eq(p.area[0].start, 0x08048000);
	ck_assert_uint_eq(p.area[1].start, 0x08049000);
	ck_assert_str_eq(p.area[1].name, "data");
	ck_assert_uint_eq(p.area[2].start, 0x0804a000);
	ck_assert_str_eq(p.area[2].name, "bss");
	ck_assert_uint_eq(p.area[2].end, 0x0804c000);
	ck_assert_uint_eq(p.brk, 0x0804c000);
	free(file);
}
END_TEST

START_TEST(E7_segments_may_share_a_page)
{
	static const struct segment shared[] = {
		{ 1, 0, 0x08048000, 0, 0x300, 0x300, PF_R | PF_X, 0x1000 },
		{ 1, 0x400, 0x08048400, 0, 0x100, 0x200, PF_R | PF_W, 0x1000 },
	};
	u8 *file = make_image(shared, 2, 0x08048000, false), page[4096];
	struct program p;

	ck_assert_ptr_null(program_parse(&p, file, FILE_SIZE, LIMIT, ELF_386));
	check_plan(&p);
	ck_assert_uint_eq(p.nr_areas, 1);
	ck_assert_uint_eq(p.area[0].flags, VM_READ | VM_WRITE | VM_EXEC);
	program_fill_page(&p, 0x08048000, page);
	ck_assert_mem_eq(page, file, 0x300);
	ck_assert_mem_eq(page + 0x400, file + 0x400, 0x100);
	for (unsigned i = 0x300; i < 0x400; i++)
		ck_assert_uint_eq(page[i], 0);
	for (unsigned i = 0x500; i < 4096; i++)
		ck_assert_uint_eq(page[i], 0);
	free(file);
}
END_TEST

START_TEST(E7_a_cut_file_is_refused_at_every_length)
{
	u8 *file = PLAIN(_i);
	struct program p;

	for (unsigned size = 0; size < 0x5c0; size++) {
		u8 *cut = malloc(size + !size);

		memcpy(cut, file, size);
		ck_assert_msg(program_parse(&p, cut, size, LIMIT, MACHINE(_i)), "%u bytes were accepted", size);
		free(cut);
	}
	ck_assert_ptr_null(program_parse(&p, file, 0x5c0, LIMIT, MACHINE(_i)));
	free(file);
}
END_TEST

/* One field changed: where, how wide, to what, and what must be said. */
static const struct hostile { unsigned at, bytes; u64 value; const char *says; } hostile[] = {
	{ 1, 1, 'e', "not an ELF file" },
	{ 4, 1, 2, "32-bit" },
	{ 5, 1, 2, "little-endian" },
	{ 16, 2, 3, "fixed addresses" },
	{ 18, 2, 62, "i386" },
	{ 20, 4, 0, "version" },
	{ 24, 4, 0x080495b0, "entry" },
	{ 24, 4, 0, "entry" },
	{ 28, 4, 0xfffffff0, "cut short" },
	{ 28, 4, FILE_SIZE - 63, "cut short" },
	{ 42, 2, 33, "headers of an unknown size" },
	{ 44, 2, 0, "without program headers" },
	{ 44, 2, 0xffff, "cut short" },
	{ 52, 4, 3, "dynamically" },
	{ 52 + 4, 4, 0xffffff00, "beyond the end" },
	{ 52 + 4, 4, FILE_SIZE - 0x59f, "beyond the end" },
	{ 52 + 8, 4, 0, "NULL" },
	{ 52 + 8, 4, LIMIT - 0x59f, "outside user space" },
	{ 52 + 8, 4, 0xfffffff0, "outside user space" },
	{ 52 + 8, 4, 0xc0100000, "outside user space" },
	{ 52 + 16, 4, 0x5a1, "larger in the file" },
	{ 52 + 20, 4, 0xffffffff, "outside user space" },
	{ 84 + 8, 4, 0x0804859f, "overlap" },
};

/* The same of 64 bits: sums of these fields do not fit any integer. */
static const struct hostile hostile64[] = {
	{ 4, 1, 1, "64-bit" },
	{ 18, 2, 3, "x86-64" },
	{ 24, 8, 0x080495b0, "entry" },
	{ 24, 8, 1ull << 32 | 0x08048100, "entry" },
	{ 32, 8, ~0ull - 15, "cut short" },
	{ 32, 8, ~0ull, "cut short" },
	{ 32, 8, FILE_SIZE - 111, "cut short" },
	{ 52, 2, 52, "headers of an unknown size" },
	{ 54, 2, 32, "headers of an unknown size" },
	{ 56, 2, 0xffff, "cut short" },
	{ 64, 4, 2, "dynamically" },
	{ 64 + 8, 8, ~0ull, "beyond the end" },
	{ 64 + 8, 8, 0ull - 0x5a0, "beyond the end" },
	{ 64 + 8, 8, FILE_SIZE - 0x59f, "beyond the end" },
	{ 64 + 16, 8, 0xfff, "NULL" },
	{ 64 + 16, 8, LIMIT - 0x59f, "outside user space" },
	{ 64 + 16, 8, 1ull << 63, "outside user space" },	/* not canonical */
	{ 64 + 16, 8, 0xffffffff80100000, "outside user space" },
	{ 64 + 16, 8, ~0ull - 4095, "outside user space" },
	{ 64 + 32, 8, ~0ull, "larger in the file" },
	{ 64 + 40, 8, ~0ull, "outside user space" },
	{ 64 + 40, 8, 0ull - 0x08048000, "outside user space" },
	{ 64 + 40, 8, 1ull << 32, "outside user space" },
	{ 64 + 56 + 16, 8, 0x0804859f, "overlap" },
};

static void refused_with_reason(const struct hostile *h, bool wide)
{
	u8 *file = PLAIN(wide);
	struct program p;
	const char *says;

	for (unsigned i = 0; i < h->bytes; i++)
		file[h->at + i] = (u8)(h->value >> (8 * i));
	says = program_parse(&p, file, FILE_SIZE, LIMIT, MACHINE(wide));
	ck_assert_msg(says && strstr(says, h->says), "0x%llx at %u: said '%s', not '%s'",
		      (unsigned long long)h->value, h->at, says ? says : "(accepted)", h->says);
	free(file);
}

START_TEST(E7_hostile_headers_are_refused_with_a_reason)
{
	refused_with_reason(&hostile[_i], false);
}
END_TEST

START_TEST(E7_hostile_headers_of_64_bits_are_refused_with_a_reason)
{
	refused_with_reason(&hostile64[_i], true);
}
END_TEST

START_TEST(E7_random_damage_never_breaks_the_loader)
{
	static const u32 nasty[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000, 0x08048000, LIMIT,
				     FILE_SIZE };
	unsigned accepted = 0, refused = 0, seed = 20260101, words = (HEADER(_i) + 2 * PHDR(_i)) / 4;
	struct program p;
	u8 *plain_file = PLAIN(_i);

	for (unsigned round = 0; round < 100000; round++) {
		unsigned size = rand_r(&seed) % 4 ? FILE_SIZE : (unsigned)rand_r(&seed) % FILE_SIZE;
		u8 *file = malloc(size + !size);

		memcpy(file, plain_file, size);
		for (int n = rand_r(&seed) % 5; n && size >= 4 * words; n--) {
			unsigned at = 4 * ((unsigned)rand_r(&seed) % words);

			if (rand_r(&seed) % 2)
				put32(file + at, nasty[(unsigned)rand_r(&seed) % ARRAY_SIZE(nasty)]);
			else
				file[at + (unsigned)rand_r(&seed) % 4] = (u8)rand_r(&seed);
		}
		if (program_parse(&p, file, size, LIMIT, MACHINE(_i)))
			refused++;
		else
			accepted++, check_plan(&p);
		free(file);
	}
	ck_assert(accepted > 1000 && refused > 1000);
	free(plain_file);
}
END_TEST

START_TEST(E7_pages_of_a_program_come_by_demand)
{
	u8 *file = PLAIN(false), seen[0x2000], want[0x2000] = { 0 };
	struct mm_struct *mm;
	struct program p;

	unit_boot(64 << 20, 16 << 20);
	ck_assert_ptr_null(program_parse(&p, file, FILE_SIZE, LIMIT, ELF_386));
	mm = mm_alloc();
	ck_assert_int_eq(program_map(&p, mm), 0);
	ck_assert_uint_eq(mm->rss, 0);
	ck_assert_uint_eq(mm->map_count, 4);
	ck_assert_uint_eq(copy_from_mm(mm, seen, 0x080495b0, 0x2000), 0);
	memcpy(want, file + 0x5b0, 0x10);
	ck_assert_mem_eq(seen, want, 0x2000);
	ck_assert_uint_eq(mm->rss, 3);
	ck_assert_uint_eq(copy_to_mm(mm, 0x08048000, want, 1), 1);	/* text */
	ck_assert_uint_eq(mm_brk(mm, p.brk + 5), p.brk + 5);
	ck_assert_uint_eq(copy_to_mm(mm, p.brk, want, 0x1000), 0);
	ck_assert_uint_eq(copy_to_mm(mm, USER_STACK_TOP - 16, want, 16), 0);
	ck_assert_uint_ne(copy_to_mm(mm, USER_STACK_TOP, want, 1), 0);
	ck_assert_int_eq(mm_check(mm), 0);
	mm_free(mm);
	pagecache_drop();
	unit_teardown();
	free(file);
}
END_TEST

UNIT_SUITE(loader)
{
	Suite *suite = suite_create("loader");
	TCase *fields = tcase_create("hostile fields"), *widths = tcase_create("32 and 64 bits");

	unit_case(suite, "loader", E7_segments_may_share_a_page, E7_pages_of_a_program_come_by_demand);
	tcase_add_loop_test(fields, E7_hostile_headers_are_refused_with_a_reason, 0, ARRAY_SIZE(hostile));
	tcase_add_loop_test(fields, E7_hostile_headers_of_64_bits_are_refused_with_a_reason, 0,
			    ARRAY_SIZE(hostile64));
	suite_add_tcase(suite, fields);
	tcase_add_loop_test(widths, E7_plan_of_a_plain_program, 0, 2);
	tcase_add_loop_test(widths, E7_a_cut_file_is_refused_at_every_length, 0, 2);
	tcase_add_loop_test(widths, E7_random_damage_never_breaks_the_loader, 0, 2);
	tcase_set_timeout(widths, 60);
	suite_add_tcase(suite, widths);
	return suite;
}
