/* SPDX-License-Identifier: MIT */
/*
 * console.c: text out, bytes in.
 *
 * Output goes straight to the machine.  Input is pulled from the machine byte by
 * byte; a thread that wants one sleeps on machine_input_channel.  Long work asks
 * console_interrupted() now and then: it drains what was typed into a ring, so
 * that a Ctrl-C is seen at once and words typed ahead are not lost.
 *
 * On a terminal the last line may be a *temporary* one, which its writer will draw
 * anew: the prompt with what is typed so far, or a bar of progress.  Whoever else
 * writes wipes it first.  If it was the prompt, its editor is woken and told to
 * draw it again below (LINE_REDRAW): so the log never runs into what is typed.
 *
 * Many CPUs.  What is given in one call comes out in one piece, under out_lock.  A line
 * has one writer: who comes while another's is not at its end begins a new one, so that
 * nobody's words stand in the middle of somebody else's.
 *
 * Lock: out_lock, interrupts off; nothing is called under it but the machine's console.  A
 * panic goes past it (machine_log).
 */
#include "console.h"
#include "line.h"
#include "machine.h"
#include "sched.h"
#include <quarry/port.h>
#include <quarry/printf.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>

#define CTRL_C 3

static unsigned indent;
static bool inside_line;
static bool temporary;		/* the line that the cursor is in will be drawn anew */
static bool prompting;		/* somebody edits a line */
static bool redraw;		/* its line was wiped */
static bool open_line;		/* what was written last does not end with a line end */
static const struct task *writer;	/* whose line it is; only compared */
static spinlock_t out_lock = SPINLOCK_INIT;

/* Under out_lock, this and the next. */
static void wipe_temporary(void)
{
	if (temporary)
		machine_putchars("\r\033[K", 4);
	temporary = false;
}

static void end_open_line(void)
{
	if (open_line)
		machine_putchars("\n", 1);
	open_line = false;
}

/* To the machine, on a line of its own. */
static void put(const char *text, size_t len)
{
	unsigned long flags;

	if (!len)
		return;
	flags = spin_lock_irqsave(&out_lock);
	wipe_temporary();
	if (writer != current_task())
		end_open_line();
	machine_putchars(text, len);
	open_line = text[len - 1] != '\n';
	writer = current_task();
	spin_unlock_irqrestore(&out_lock, flags);
}

/* On a line that is there only until somebody writes. */
static void put_temporary(const char *text, size_t len)
{
	unsigned long flags = spin_lock_irqsave(&out_lock);

	end_open_line();
	machine_putchars(text, len);
	temporary = text[len - 1] != '\n';
	spin_unlock_irqrestore(&out_lock, flags);
}

void console_log(const char *text, size_t len)
{
	put(text, len);
	if (READ_ONCE(prompting) && !__atomic_exchange_n(&redraw, true, __ATOMIC_RELAXED))
		port_wakeup(&machine_input_channel);
}

/* Text up to the end of its line, indented if it begins one.  Return: how much that was. */
static size_t write_piece(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '\n')
		n++;
	if (n && !inside_line)
		put("                ", indent);
	n += n < len;
	put(text, n);
	inside_line = text[n - 1] != '\n';
	return n;
}

static void write_seq(struct seq *s, const char *text, size_t len)
{
	size_t n;

	(void)s;
	if (!indent) {
		put(text, len);
		return;
	}
	for (; len; text += n, len -= n)
		n = write_piece(text, len);
}

void console_indent(unsigned blanks)
{
	indent = min(blanks, 16u);
	inside_line = false;
}

struct seq console = { .write = write_seq };

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(&console, fmt, ap);
	va_end(ap);
}

/* How much of @text goes on a line of @room columns: up to a blank, if there is one. */
static size_t line_length(const char *text, size_t room)
{
	size_t n = strlen(text), at = room;

	if (n <= room)
		return n;
	while (at && text[at] != ' ')
		at--;
	return at ? at : room;
}

void console_wrapped(unsigned hang, const char *text)
{
	size_t columns = console_columns() - 1 - indent;

	for (size_t room = columns, n; *text; room = columns - hang) {
		n = line_length(text, room);
		kprintf("%.*s\n", (int)n, text);
		for (text += n; *text == ' '; text++)
			;
		if (*text)
			kprintf("%*s", (int)hang, "");
	}
}

/* ---- the kernel's command line ------------------------------------------------ */

/* Copy a value up to a blank, or up to the closing quote when it begins with one. */
static void copy_value(const char *from, char stop, char *buf, size_t len)
{
	size_t n = 0;

	while (from[n] && from[n] != stop && n + 1 < len) {
		buf[n] = from[n];
		n++;
	}
	buf[n] = '\0';
}

/* @word stands at the start of a word, perhaps behind the quote that GRUB puts around NAME=two words. */
static bool option_at(const char *word, const char *name, char *buf, size_t len)
{
	size_t n = strlen(name);
	char stop = *word == '"' ? '"' : ' ';

	word += stop == '"';
	if (strncmp(word, name, n) != 0)
		return false;
	word += n;
	if (*word == '\0' || *word == ' ')
		copy_value("", ' ', buf, len);
	else if (*word != '=')
		return false;
	else if (word[1] == '"')
		copy_value(word + 2, '"', buf, len);
	else
		copy_value(word + 1, stop, buf, len);
	return true;
}

/* Behind the word that begins at @c: quotes hold blanks together. */
static const char *skip_word(const char *c)
{
	bool quoted = false;

	for (; *c && (quoted || *c != ' '); c++)
		if (*c == '"')
			quoted = !quoted;
	while (*c == ' ')
		c++;
	return c;
}

bool cmdline_option(const char *name, char *buf, size_t len)
{
	for (const char *c = machine_cmdline(); *c; c = skip_word(c))
		if (option_at(c, name, buf, len))
			return true;
	return false;
}

bool console_is_terminal(void)
{
	static int known = -1;
	char v[8];

	if (known < 0)
		known = cmdline_option("term", v, sizeof(v)) && strcmp(v, "0") != 0;
	return known;
}

unsigned console_columns(void)
{
	static unsigned columns;
	char v[8];

	if (!columns) {
		if (cmdline_option("cols", v, sizeof(v)))
			for (const char *c = v; *c >= '0' && *c <= '9'; c++)
				columns = columns * 10 + (unsigned)(*c - '0');
		if (columns < 20 || columns > 500)
			columns = 80;
	}
	return columns;
}

/* ---- input -------------------------------------------------------------------- */

static spinlock_t input_lock = SPINLOCK_INIT;
static unsigned char ahead[4096];	/* typed while something ran */
static unsigned ahead_first, ahead_n;
static bool ctrl_c;

/* Under input_lock. */
static int next_byte(void)
{
	if (!ahead_n)
		return machine_getchar();
	int c = ahead[ahead_first];

	ahead_first = (ahead_first + 1) % sizeof(ahead);
	ahead_n--;
	return c;
}

int console_getchar(void)
{
	unsigned long flags = spin_lock_irqsave(&input_lock);
	int c;

	while ((c = next_byte()) == -1 && !READ_ONCE(redraw))
		flags = port_sleep_on(&machine_input_channel, &input_lock, flags);
	spin_unlock_irqrestore(&input_lock, flags);
	if (c == -1) {
		WRITE_ONCE(redraw, false);
		return LINE_REDRAW;
	}
	return c < 0 ? -1 : c;
}

void console_edit(const char *text, size_t len)
{
	put_temporary(text, len);
}

void console_prompting(bool now)
{
	WRITE_ONCE(redraw, false);
	WRITE_ONCE(prompting, now);
	if (!now)
		WRITE_ONCE(temporary, false);
}

/* Under input_lock. */
static void read_ahead(void)
{
	int c;

	while (ahead_n < sizeof(ahead) && (c = machine_getchar()) >= 0) {
		if (c == CTRL_C) {
			ctrl_c = true;
			ahead_n = 0;
			continue;
		}
		ahead[(ahead_first + ahead_n++) % sizeof(ahead)] = (unsigned char)c;
	}
}

bool console_interrupted(void)
{
	unsigned long flags;
	bool was;

	if (!console_is_terminal())
		return false;
	flags = spin_lock_irqsave(&input_lock);
	read_ahead();
	was = ctrl_c;
	ctrl_c = false;
	spin_unlock_irqrestore(&input_lock, flags);
	return was;
}

/* ---- progress ----------------------------------------------------------------- */

#define BAR 40
#define TENTH_MS 100	/* a bar is drawn ten times a second */

/* Is it time for another bar? */
static bool bar_due(void)
{
	static u64 drawn;
	u64 now = machine_ms();

	if (!console_is_terminal() || now - drawn < TENTH_MS)
		return false;
	drawn = now;
	return true;
}

static void draw_temporary(const char *text)
{
	char line[BAR + 160];

	put_temporary(line, (size_t)mm_snprintf(line, sizeof(line), "\r\033[K%s", text));
}

void console_progress(const char *what, unsigned long done, unsigned long of)
{
	unsigned percent, room = console_columns() - 9;
	char bar[BAR + 1], text[BAR + 128];
	unsigned name = min((unsigned)strlen(what), room - 12), width = min(room - name, (unsigned)BAR);

	if (!of || !bar_due())
		return;
	percent = (unsigned)((u64)min(done, of) * 100 / of);
	for (unsigned i = 0; i < width; i++)
		bar[i] = i * 100 < percent * width ? '#' : '.';
	bar[width] = '\0';
	mm_snprintf(text, sizeof(text), "%.*s [%s] %3u%%", (int)name, what, bar, percent);
	draw_temporary(text);
}

void console_busy(const char *what)
{
	if (console_is_terminal())
		draw_temporary(what);
}

void console_progress_end(void)
{
	unsigned long flags = spin_lock_irqsave(&out_lock);

	wipe_temporary();
	spin_unlock_irqrestore(&out_lock, flags);
}
