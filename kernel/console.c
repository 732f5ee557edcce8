/* SPDX-License-Identifier: MIT */
/*
 * console.c: text out, bytes in.
 *
 * Output goes straight to the machine.  Input is pulled from the machine byte by
 * byte; a thread that wants one sleeps on machine_input_channel.  Long work asks
 * console_interrupted() now and then: it drains what was typed into a small ring,
 * so that a Ctrl-C is seen at once and words typed ahead are not lost.
 */
#include "console.h"
#include "machine.h"
#include <quarry/port.h>
#include <quarry/printf.h>
#include <quarry/spinlock.h>
#include <quarry/string.h>

#define CTRL_C 3

static unsigned indent;
static bool inside_line;

/* Text up to the end of its line, indented if it begins one.  Return: how much that was. */
static size_t write_piece(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '\n')
		n++;
	if (n && !inside_line)
		machine_putchars("                ", indent);
	n += n < len;
	machine_putchars(text, n);
	inside_line = text[n - 1] != '\n';
	return n;
}

static void console_write(struct seq *s, const char *text, size_t len)
{
	size_t n;

	(void)s;
	if (!indent) {
		machine_putchars(text, len);
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

struct seq console = { .write = console_write };

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(&console, fmt, ap);
	va_end(ap);
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
static unsigned char ahead[128];	/* typed while something ran */
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

	while ((c = next_byte()) == -1)
		flags = port_sleep_on(&machine_input_channel, &input_lock, flags);
	spin_unlock_irqrestore(&input_lock, flags);
	return c < 0 ? -1 : c;
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

void console_progress(const char *what, unsigned long done, unsigned long of)
{
	static u64 last;
	u64 now = machine_ms();
	char bar[BAR + 1];
	unsigned percent;

	if (!console_is_terminal() || !of || (now - last < 100 && done < of))
		return;
	last = now;
	percent = (unsigned)((u64)min(done, of) * 100 / of);
	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i * 100 < percent * BAR ? '#' : '.';
	bar[BAR] = '\0';
	kprintf("\r\033[K%s [%s] %3u%%", what, bar, percent);
}

void console_progress_end(void)
{
	if (console_is_terminal())
		kprintf("\r\033[K");
}
