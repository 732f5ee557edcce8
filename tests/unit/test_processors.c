/* SPDX-License-Identifier: MIT */
/*
 * The firmware's lists of processors, as they should be and as they should not.
 */
#include "unit.h"

#include <string.h>
#include <stdlib.h>

#include "arch/pc/firmware.h"

/* A table under construction, in a block of just its size at the end, so that a read beyond is seen. */
static u8 bytes[4096];
static size_t used;

static void begin(void)
{
	memset(bytes, 0, sizeof(bytes));
	used = 44;
}

static void put(const u8 *entry, size_t size)
{
	memcpy(bytes + used, entry, size);
	used += size;
}
#define ENTRY(...) put((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void madt_processor(int apic_id, int flags)
{
	ENTRY(0, 8, 0x55, apic_id, flags, 0, 0, 0);
}

static const char *read_madt_of(size_t length, u8 self, struct processors *p)
{
	struct acpi_header *h = malloc(length < sizeof(*h) ? sizeof(*h) : length);
	const char *wrong;

	memcpy(h, bytes, length < sizeof(*h) ? sizeof(*h) : length);
	h->length = (u32)length;
	memset(p, 0x5a, sizeof(*p));
	wrong = processors_from_madt(h, self, p);
	free(h);
	return wrong;
}

static const char *read_madt(u8 self, struct processors *p)
{
	return read_madt_of(used, self, p);
}

/* After a table that is not believed, one goes on: who asked. */
static void assert_only(const struct processors *p, u8 self)
{
	ck_assert_uint_eq(p->n, 1);
	ck_assert_uint_eq(p->left_out, 0);
	ck_assert_uint_eq(p->apic_id[0], self);
	ck_assert_str_eq(p->source, "one");
}

START_TEST(F4_the_madt_lists_processors)
{
	struct processors p;

	begin();
	madt_processor(0, 1);
	ENTRY(1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0);	/* an I/O APIC */
	madt_processor(2, 1);
	madt_processor(4, 0);		/* may not be used */
	madt_processor(6, 3);
	ck_assert_ptr_null(read_madt(2, &p));
	ck_assert_uint_eq(p.n, 3);
	ck_assert_uint_eq(p.apic_id[0], 2);	/* who asks is number 0, wherever it is listed */
	ck_assert_uint_eq(p.apic_id[1], 0);
	ck_assert_uint_eq(p.apic_id[2], 6);
	ck_assert_str_eq(p.source, "MADT");
}
END_TEST

START_TEST(F4_more_processors_than_there_is_room_for)
{
	struct processors p;

	begin();
	for (int i = 0; i < MAX_PROCESSORS + 3; i++)
		madt_processor(i, 1);
	ck_assert_ptr_null(read_madt(MAX_PROCESSORS + 1, &p));
	ck_assert_uint_eq(p.n, MAX_PROCESSORS);
	ck_assert_uint_eq(p.left_out, 3);
	ck_assert_uint_eq(p.apic_id[0], MAX_PROCESSORS + 1);
}
END_TEST

START_TEST(F4_a_processor_counts_once_and_the_broadcast_is_none)
{
	struct processors p;

	begin();
	madt_processor(1, 1);
	madt_processor(0, 1);
	madt_processor(1, 1);
	madt_processor(0, 1);
	madt_processor(0xff, 1);
	ck_assert_ptr_null(read_madt(0, &p));
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(p.left_out, 0);
}
END_TEST

START_TEST(F4_a_madt_that_lies_is_not_believed)
{
	struct processors p;
	size_t whole;

	begin();
	madt_processor(1, 1);
	ck_assert_ptr_nonnull(read_madt(0, &p));	/* not a word of us */
	assert_only(&p, 0);
	madt_processor(0, 1);
	whole = used;
	ENTRY(0, 0);				/* an entry of no length would be read for ever */
	ck_assert_ptr_nonnull(read_madt(0, &p));
	assert_only(&p, 0);
	used = whole;
	ENTRY(0, 4, 0, 7);			/* a processor without flags */
	ck_assert_ptr_nonnull(read_madt(0, &p));
	assert_only(&p, 0);
	used = whole;
	ENTRY(9, 255);
	ck_assert_ptr_nonnull(read_madt(0, &p));
	assert_only(&p, 0);
}
END_TEST

/* Wherever a good table is cut: it is read as far as its entries are whole, or not at all. */
START_TEST(F4_a_madt_cut_off_anywhere)
{
	struct processors p;

	begin();
	for (int i = 0; i < 5; i++)
		madt_processor(i, 1);
	for (size_t length = 0; length <= used; length++) {
		const char *wrong = read_madt_of(length, 0, &p);

		ck_assert_int_eq(!wrong, length > 44 && (length - 44) % 8 == 0);
		if (wrong)
			assert_only(&p, 0);
		else
			ck_assert_uint_eq(p.n, (length - 44) / 8);
	}
}
END_TEST

/* ---- the MP table --------------------------------------------------------------------- */

static void mp_processor(int apic_id, int flags)
{
	ENTRY(0, apic_id, 0x14, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

static const char *read_mp_of(size_t length, unsigned count, u8 self, struct processors *p)
{
	struct mp_table *t = malloc(length < sizeof(*t) ? sizeof(*t) : length);
	const char *wrong;

	memcpy(t, bytes, length < sizeof(*t) ? sizeof(*t) : length);
	t->length = (u16)length;
	t->entries = (u16)count;
	memset(p, 0x5a, sizeof(*p));
	wrong = processors_from_mp(t, self, p);
	free(t);
	return wrong;
}

START_TEST(F4_the_mp_table_lists_processors)
{
	struct processors p;

	begin();
	mp_processor(0, 3);
	mp_processor(1, 0);
	mp_processor(2, 1);
	ENTRY(1, 0, 'I', 'S', 'A', ' ', ' ', ' ');
	ck_assert_ptr_null(read_mp_of(used, 4, 0, &p));
	ck_assert_uint_eq(p.n, 2);
	ck_assert_uint_eq(p.apic_id[1], 2);
	ck_assert_str_eq(p.source, "MP table");
}
END_TEST

START_TEST(F4_an_mp_table_cut_off_anywhere)
{
	struct processors p;

	begin();
	mp_processor(0, 1);
	ENTRY(2, 0, 0, 0, 0, 0, 0, 0);
	mp_processor(1, 1);
	for (size_t length = 0; length <= used; length++) {
		const char *wrong = read_mp_of(length, 3, 0, &p);

		ck_assert_int_eq(!wrong, length == used);
		if (wrong)
			assert_only(&p, 0);
	}
	ck_assert_ptr_nonnull(read_mp_of(used, 4, 0, &p));	/* fewer than it says */
	ck_assert_ptr_nonnull(read_mp_of(used, 3, 5, &p));	/* and we are not among them */
	assert_only(&p, 5);
}
END_TEST

/* Any bytes at all: nothing beyond is read (the sanitizers look), and the answer is in order. */
START_TEST(F4_any_bytes_at_all)
{
	struct processors p;
	u32 x = 1;

	for (unsigned round = 0; round < 20000; round++) {
		begin();
		used += round % 90;
		for (size_t i = 44; i < used; i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = x >> 24 < 200 ? (u8)(x >> 16 & 15) : (u8)(x >> 8);
		}
		read_madt((u8)(round % 3), &p);
		ck_assert(p.n >= 1 && p.n <= MAX_PROCESSORS && p.apic_id[0] == round % 3);
		read_mp_of(used, round % 7, (u8)(round % 3), &p);
		ck_assert(p.n >= 1 && p.n <= MAX_PROCESSORS && p.apic_id[0] == round % 3);
	}
}
END_TEST

UNIT_SUITE(processors,
	F4_the_madt_lists_processors,
	F4_more_processors_than_there_is_room_for,
	F4_a_processor_counts_once_and_the_broadcast_is_none,
	F4_a_madt_that_lies_is_not_believed,
	F4_a_madt_cut_off_anywhere,
	F4_the_mp_table_lists_processors,
	F4_an_mp_table_cut_off_anywhere,
	F4_any_bytes_at_all)
