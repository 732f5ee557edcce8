/* SPDX-License-Identifier: MIT */
/*
 * test_shell.c: how lines become commands and words, numbers and flags; how the
 * kernel's command line is read.
 */
#include "unit.h"

#include <string.h>

#include "arch/hosted/hosted.h"
#include "kernel/cmd_args.c"
#include "kernel/console.c"
#include "kernel/line.h"
#include "kernel/shell.c"

/* The line editor is linked in by test_line.c. */

/* Commands of our own instead of kernel/cmd_*.c: each remembers what it was given. */
static char seen[512];
static int status;

static int note(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		mm_snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "[%s]", argv[i]);
	return status;
}

const struct command story_commands[] = {
	{ "tour", "", "none", NULL, NULL, note, 0, 0, NULL },
	{ .name = NULL },
};
const struct command report_commands[] = {
	{ "meminfo", "", "none", NULL, NULL, note, 0, 0, NULL },
	{ "buddyinfo", "", "none", NULL, NULL, note, 0, 0, NULL },
	{ .name = NULL },
};
const struct command memory_commands[] = {
	{ "alloc", "ORDER [FLAGS...]", "any", NULL, NULL, note, 1, 10, complete_gfp },
	{ .name = NULL },
};
const struct command translate_commands[] = { { .name = NULL } };
const struct command task_commands[] = { { .name = NULL } };
const struct command test_commands[] = { { .name = NULL } };

int tour(int argc, char **argv) { return note(argc, argv); }
void report_ended_tasks(void) { }

static void drop(struct seq *s, const char *text, size_t len)
{
	(void)s, (void)text, (void)len;
}

/* Run @line: the commands seen are @want, and so many failed. */
static void runs(const char *line, const char *want, int failed)
{
	char copy[256];

	strcpy(copy, line);
	seen[0] = '\0';
	failures = 0;
	run_line(copy, false);
	ck_assert_str_eq(seen, want);
	ck_assert_int_eq(failures, failed);
}

START_TEST(lines_become_commands_and_words)
{
	console.write = drop;
	status = 0;
	runs("", "", 0);
	runs("  ;; ;", "", 0);
	runs("meminfo", "[meminfo]", 0);
	runs("  meminfo  ;buddyinfo;", "[meminfo][buddyinfo]", 0);
	runs("alloc 3   GFP_KERNEL|__GFP_ZERO; meminfo", "[alloc][3][GFP_KERNEL|__GFP_ZERO][meminfo]", 0);
	runs("alloc \"a b;c\" x\"y z\"w \"\"", "[alloc][a b;c][xy zw][]", 0);
	runs("# alloc; meminfo", "[meminfo]", 0);
	runs("alloc \"a; meminfo", "", 1);
	runs("alloc 1 2 3 4 5 6 7 8 9 0", "[alloc][1][2][3][4][5][6][7][8][9][0]", 0);
	runs("alloc 1 2 3 4 5 6 7 8 9 0 11", "", 1);
	runs("alloc", "", 1);
	runs("nothing; alloc; meminfo x; meminfo", "[meminfo]", 3);
	status = 1;
	runs("meminfo; meminfo", "[meminfo][meminfo]", 2);
	status = CMD_INTERRUPTED;
	runs("meminfo; meminfo", "[meminfo]", 1);	/* Ctrl-C ends the whole line */
	status = 0;
}
END_TEST

static void offered(void *arg, const char *word)
{
	(void)arg;
	mm_snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "[%s]", word);
}

/* Is @word offered behind @before? */
static bool offers(const char *before, const char *word)
{
	char want[64];

	seen[0] = '\0';
	complete(before, offered, NULL);
	mm_snprintf(want, sizeof(want), "[%s]", word);
	return strstr(seen, want) != NULL;
}

START_TEST(tab_offers_what_fits_the_place)
{
	ck_assert(offers("", "meminfo") && offers("mem", "meminfo") && offers("meminfo;", "alloc"));
	ck_assert(!offers("meminfo ", "meminfo"));		/* it takes no argument */
	ck_assert(offers("help ", "meminfo") && !offers("help meminfo ", "meminfo"));
	ck_assert(!offers("alloc ", "GFP_KERNEL") && offers("alloc 3 ", "GFP_KERNEL"));
	ck_assert(offers("alloc 3 GFP_KERNEL ", "__GFP_ZERO") && offers("tour; alloc  0 GF", "GFP_DMA"));
	ck_assert(!offers("nothing ", "meminfo"));
	ck_assert(offers("alloc \"a;b\" ", "GFP_KERNEL"));	/* no command ends inside quotes */
}
END_TEST

static char written[512];

static void keep_written(struct seq *q, const char *text, size_t len)
{
	(void)q;
	mm_snprintf(written + strlen(written), sizeof(written) - strlen(written), "%.*s", (int)len, text);
}

START_TEST(long_errors_are_wrapped_at_blanks)
{
	unsigned columns = console_columns();

	console.write = keep_written;
	console_wrapped(4, "short");
	ck_assert_str_eq(written, "short\n");
	for (int i = 0; i < 40; i++)
		strcpy(seen + 9 * i, "a_word_x ");
	written[0] = '\0';
	console_wrapped(4, seen);
	for (const char *line = written; *line; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\n");

		ck_assert_uint_lt(n, columns);
		ck_assert(line == written || strncmp(line, "    a_word_x", 12) == 0);
		ck_assert(line[n - 1] == 'x' || line[n - 1] == ' ');
	}
	memset(seen, 'y', 200);		/* a word longer than a line is cut */
	seen[200] = '\0';
	written[0] = '\0';
	console_wrapped(0, seen);
	ck_assert_uint_gt(strlen(written), 202);
	console.write = drop;
}
END_TEST

START_TEST(a_wrong_name_finds_the_right_one)
{
	ck_assert_str_eq(nearest_command("meminf")->name, "meminfo");
	ck_assert_str_eq(nearest_command("meminof")->name, "meminfo");
	ck_assert_str_eq(nearest_command("tuor")->name, "tour");
	ck_assert_str_eq(nearest_command("budd")->name, "buddyinfo");
	ck_assert_ptr_null(nearest_command("xyzzy"));
}
END_TEST

START_TEST(numbers)
{
	unsigned long v;

	ck_assert(number("0", &v) && v == 0);
	ck_assert(number("4096", &v) && v == 4096);
	ck_assert(number("0x80495b0", &v) && v == 0x80495b0);
	ck_assert(number("0XfF", &v) && v == 255);
	ck_assert(number("4K", &v) && v == 4096);
	ck_assert(number("16m", &v) && v == 16 << 20);
	ck_assert(number(sizeof(long) == 8 ? "0xffffffffffffffff" : "0xffffffff", &v) && v == ~0UL);
	ck_assert(!number(sizeof(long) == 8 ? "0x10000000000000000" : "0x100000000", &v));
	ck_assert(!number(sizeof(long) == 8 ? "0xffffffffffffffffK" : "0xffffffffK", &v));
	ck_assert(!number("", &v) && !number("x", &v) && !number("0x", &v) && !number("12a", &v));
	ck_assert(!number("-1", &v) && !number("1 ", &v) && !number("K", &v) && !number("1KK", &v));
}
END_TEST

START_TEST(flags)
{
	char one[] = "GFP_KERNEL|__GFP_ZERO", two[] = "__GFP_HIGHMEM", raw[] = "0x3";
	char bad[] = "GFP_KERNEL|GFP_NOTHING";
	char *both[] = { one, two }, *wrong[] = { bad }, *bits[] = { raw };
	gfp_t gfp;

	console.write = drop;
	ck_assert(parse_gfp(2, both, 0, &gfp) && gfp == (GFP_KERNEL | __GFP_ZERO | __GFP_HIGHMEM));
	ck_assert(parse_gfp(0, NULL, GFP_ATOMIC, &gfp) && gfp == GFP_ATOMIC);
	ck_assert(parse_gfp(1, bits, 0, &gfp) && gfp == (__GFP_DMA | __GFP_HIGHMEM));
	ck_assert(!parse_gfp(1, wrong, 0, &gfp));
}
END_TEST

START_TEST(handles)
{
	int x, y, id = held_add(HELD_KMALLOC, &x, 0, 4), other = held_add(HELD_VMALLOC, &y, 0, 4);
	char text[16];

	console.write = drop;
	mm_snprintf(text, sizeof(text), "#%d", id);
	ck_assert_ptr_eq(held_by_id(text, HELD_KMALLOC)->ptr, &x);
	ck_assert_ptr_null(held_by_id(text, HELD_VMALLOC));
	ck_assert_ptr_null(held_by_id("#99", HELD_KMALLOC));
	ck_assert_ptr_null(held_by_id("#x", HELD_KMALLOC));
	held_drop(held_by_ptr(&x, HELD_KMALLOC));
	ck_assert_ptr_null(held_by_ptr(&x, HELD_KMALLOC));
	ck_assert_int_eq(held_next(NULL)->id, other);
	for (int i = 0; i < 63; i++)
		ck_assert_int_gt(held_add(HELD_PAGES, &x, 0, 0), other);
	ck_assert_int_eq(held_add(HELD_PAGES, &x, 0, 0), 0);
}
END_TEST

static void option(const char *cmdline, const char *name, const char *want)
{
	char buf[64];

	machine_set_cmdline(cmdline);
	ck_assert_msg(cmdline_option(name, buf, sizeof(buf)) == (want != NULL), "%s in: %s", name, cmdline);
	if (want)
		ck_assert_str_eq(buf, want);
}

START_TEST(the_kernels_command_line)
{
	option("", "cmd", NULL);
	option("quarry.elf term=1 cmd=\"a b; c\" x", "cmd", "a b; c");
	option("quarry.elf term=1 cmd=\"a b; c\" x", "x", "");
	option("quarry.elf term=1 cmd=\"a b; c\" x", "term", "1");
	option("quarry.elf \"cmd=a b; c\" x=2", "cmd", "a b; c");	/* as GRUB quotes */
	option("quarry.elf \"cmd=a b; c\" x=2", "x", "2");
	option("cmd=single", "cmd", "single");
	option("cmd=\"term=1\"", "term", NULL);
	option("xcmd=1 cmdx=2", "cmd", NULL);
	option("cmd=\"not closed", "cmd", "not closed");
}
END_TEST

UNIT_SUITE(shell,
	lines_become_commands_and_words,
	tab_offers_what_fits_the_place,
	long_errors_are_wrapped_at_blanks,
	a_wrong_name_finds_the_right_one,
	numbers,
	flags,
	handles,
	the_kernels_command_line)
