/* SPDX-License-Identifier: MIT */
/*
 * test_line.c: the line editor, with keys from an array and a terminal that is
 * drawn into an array.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/line.c"

static const char *keys;
static unsigned columns = 40;

/* One row of a terminal: enough to see what the person sees. */
static char screen[512];
static size_t at;
static unsigned bells;
static bool too_wide;	/* text ran into the last column */

static char redrawn[512];	/* what the person saw after the line was wiped and drawn again */
static size_t redrawn_at;

/* '\1' followed by '!' stands for text of somebody else, which wiped the line. */
static int next_key(void)
{
	memcpy(redrawn, screen, sizeof(screen));
	redrawn_at = at;
	if (keys[0] == '\1' && keys[1] == '!') {
		keys += 2;
		memset(screen, 0, sizeof(screen));
		at = 0;
		return LINE_REDRAW;
	}
	return *keys ? (unsigned char)*keys++ : -1;
}

/* CSI [n] C: right; CSI K: clear to the end. */
static const char *escape(const char *p)
{
	unsigned n = 0;

	for (p += 2; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (*p == 'C')
		at += n ? n : 1;
	else if (*p == 'K')
		memset(screen + at, 0, sizeof(screen) - at);
	return p;
}

static void terminal(const char *text, size_t len)
{
	static char copy[1024];

	if (len >= sizeof(copy))
		abort();
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (const char *p = copy; *p; p++) {
		if (*p == '\033')
			p = escape(p);
		else if (*p == '\r')
			at = 0;
		else if (*p == '\a')
			bells++;
		else if (*p == '\n') {
			at = 0;
			memset(screen, 0, sizeof(screen));
		} else if (!inside(*p)) {
			screen[at++] = *p;
			too_wide |= at >= columns;
		}
	}
}

static unsigned get_columns(void)
{
	return columns;
}

static const struct line_io io = { next_key, terminal, get_columns, true };

static void words(const char *before, line_offer offer, void *arg)
{
	static const char *const all[] = { "meminfo", "memmap", "misuse", "tour" };

	(void)before;
	for (unsigned i = 0; i < 4; i++)
		offer(arg, all[i]);
}

static char line[LINE_MAX_LEN];

/* @typed gives @want. */
static void gives(const char *typed, const char *want)
{
	keys = typed;
	ck_assert(line_read(&io, "> ", words, line));
	ck_assert_str_eq(line, want);
	ck_assert(!too_wide);
}

START_TEST(typing_and_moving)
{
	gives("hello\r", "hello");
	gives("hello\n", "hello");
	gives("ello\033[Hh\r", "hello");
	gives("hllo\001\033[Ce\r", "hello");
	gives("hell\033[D\033[Dx\033[Fo\r", "hexllo");
	gives("hexllo\033[D\033[D\033[D\177\r", "hello");
	gives("xhello\033[1~\033[3~\r", "hello");
	gives("one two three\027\027x\r", "one x");
	gives("one two\033b\013x\r", "one x");
	gives("one two\025x\r", "x");
	gives("one two\025x \031\r", "x one two");
	gives("one two\033[1;5D\033[1;5D\033dx\r", "x two");
	gives("ab\024\r", "ba");
	gives("a\b\b\b\002b\r", "b");
	gives("ab\003", "");
}
END_TEST

START_TEST(characters_of_several_bytes)
{
	gives("w\303\266rld\033[D\033[D\033[D\177o\r", "world");
	gives("\342\202\254\303\244\033[D\033[D\033[3~\r", "\303\244");
	gives("a\200b\r", "ab");
}
END_TEST

START_TEST(end_of_input)
{
	keys = "\004";
	ck_assert(!line_read(&io, "> ", words, line));
	keys = "";
	ck_assert(!line_read(&io, "> ", words, line));
	gives("ab\001\004\r", "b");
}
END_TEST

START_TEST(a_line_end_of_two_bytes_is_one)
{
	keys = "ab\r\ncd\r";
	ck_assert(line_read(&io, "> ", words, line));
	ck_assert_str_eq(line, "ab");
	ck_assert(line_read(&io, "> ", words, line));
	ck_assert_str_eq(line, "cd");
}
END_TEST

START_TEST(history_goes_back_and_forth)
{
	line_history("first");
	line_history("second");
	line_history("second");
	line_history("  ");
	gives("\033[A\r", "second");
	gives("\033[A\033[A\r", "first");
	gives("\033[A\033[A\033[A\r", "first");
	gives("new\033[A\033[A\033[B\033[B\r", "new");
	gives("\020\020\016!\r", "second!");
	ck_assert_str_eq(line_history_get(1), "first");
	ck_assert_ptr_null(line_history_get(2));
	for (int i = 0; i < 100; i++)
		line_history(i % 2 ? "odd" : "even");
	ck_assert_ptr_nonnull(line_history_get(HISTORY - 1));
	ck_assert_ptr_null(line_history_get(HISTORY));
}
END_TEST

START_TEST(tab_completes)
{
	gives("to\t\r", "tour ");
	gives("m\t\r", "m");
	gives("me\tm\t\r", "memmap ");
	gives("help mi\t\r", "help misuse ");
	gives("a;mi\t\r", "a;misuse ");
	bells = 0;
	gives("xyz\t\r", "xyz");
	ck_assert_uint_eq(bells, 1);
}
END_TEST

START_TEST(a_long_line_scrolls)
{
	char typed[LINE_MAX_LEN + 64], want[LINE_MAX_LEN];

	for (int i = 0; i < 200; i++)
		typed[i] = want[i] = (char)('a' + i % 26);
	want[200] = '\0';
	strcpy(typed + 200, "\001\005\001");
	keys = typed;
	ck_assert(!line_read(&io, "> ", words, line));	/* no Enter: the input ends */
	ck_assert_str_eq(line, want);
	strcpy(typed + 200, "\001\r");
	gives(typed, want);
	memset(typed, 'x', LINE_MAX_LEN + 40);		/* more than a line holds: a bell, and cut */
	strcpy(typed + LINE_MAX_LEN + 40, "\r");
	keys = typed;
	bells = 0;
	ck_assert(line_read(&io, "> ", words, line));
	ck_assert_uint_eq(strlen(line), LINE_MAX_LEN - 1);
	ck_assert_uint_gt(bells, 0);
}
END_TEST

/* Whatever is typed, the line stays within its buffer and the text within the terminal. */
START_TEST(random_keys_stay_within_bounds)
{
	static const char *const some[] = {
		"a", "b", " ", "\303\266", "\033[D", "\033[C", "\033[A", "\033[B", "\033[H", "\033[F",
		"\177", "\033[3~",
		"\013", "\027", "\031", "\t", "\033b", "\033f", "\024", "\033d", "\014", "\033",
		"\033[", "\303",
	};
	char typed[400];

	srandom(3);
	for (int i = 0; i < 300; i++) {
		size_t n = 0;

		while (n < sizeof(typed) - 16) {
			const char *k = some[(size_t)random() % (sizeof(some) / sizeof(some[0]))];

			strcpy(typed + n, k);
			n += strlen(k);
		}
		strcpy(typed + n, "\r");
		keys = typed;
		columns = 16 + (unsigned)random() % 100;
		line_read(&io, "> ", words, line);
		ck_assert_uint_lt(strlen(line), LINE_MAX_LEN);
		ck_assert(!too_wide);
		line_history(line);
	}
	columns = 40;
}
END_TEST

/* After each of others' lines the prompt and the text stand there again, the cursor where it was. */
START_TEST(a_wiped_line_is_drawn_again)
{
	keys = "hello\033[D\1!";
	ck_assert(!line_read(&io, "> ", words, line));	/* the input ends there */
	ck_assert_str_eq(redrawn, "> hello");
	ck_assert_uint_eq(redrawn_at, 6);
	gives("hel\1!lo\r", "hello");
	gives("hello\033\1![\1!D\1!x\r", "hellxo");	/* in the middle of a key, too */
	gives("\1!\1!\r", "");
}
END_TEST

START_TEST(without_a_terminal)
{
	static const struct line_io plain = { next_key, terminal, get_columns, false };

	keys = "one\r\ntwo\nlast";
	ck_assert(line_read(&plain, "> ", words, line));
	ck_assert_str_eq(line, "one");
	ck_assert(line_read(&plain, "> ", words, line));
	ck_assert_str_eq(line, "two");
	ck_assert(line_read(&plain, "> ", words, line));
	ck_assert_str_eq(line, "last");
	ck_assert(!line_read(&plain, "> ", words, line));
}
END_TEST

UNIT_SUITE(line,
	typing_and_moving,
	characters_of_several_bytes,
	end_of_input,
	a_line_end_of_two_bytes_is_one,
	history_goes_back_and_forth,
	tab_completes,
	a_long_line_scrolls,
	random_keys_stay_within_bounds,
	a_wiped_line_is_drawn_again,
	without_a_terminal)
