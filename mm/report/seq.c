/* SPDX-License-Identifier: MIT */
/*
 * seq.c: where a report's text goes, and the table of all reports.
 *
 * A `struct seq` is one function that takes text.  seq_printf() gathers a line's
 * pieces in a small buffer on the stack first, so that a console that is costly
 * to call is called once for each line and not once for each number.
 *
 * Reports are made from snapshots: numbers are copied under their lock, the lock
 * is released, and only then is anything written.  A slow console never holds up
 * an allocation, and a report needs no memory.
 */
#include <quarry/report.h>
#include <quarry/printf.h>
#include <quarry/string.h>

struct gather {
	struct seq *s;
	size_t used;
	char buf[128];
};

static void flush(struct gather *g)
{
	if (g->used)
		g->s->write(g->s, g->buf, g->used);
	g->used = 0;
}

static void gather(void *arg, const char *text, size_t len)
{
	struct gather *g = arg;

	if (len > sizeof(g->buf) - g->used)
		flush(g);
	if (len > sizeof(g->buf)) {
		g->s->write(g->s, text, len);
		return;
	}
	memcpy(g->buf + g->used, text, len);
	g->used += len;
}

void seq_vprintf(struct seq *s, const char *fmt, va_list ap)
{
	struct gather g = { .s = s, .used = 0 };

	mm_vformat(gather, &g, fmt, ap);
	flush(&g);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(s, fmt, ap);
	va_end(ap);
}

void seq_puts(struct seq *s, const char *text)
{
	s->write(s, text, strlen(text));
}

const struct report mm_reports[] = {
	{ "meminfo", report_meminfo },
	{ "buddyinfo", report_buddyinfo },
	{ "zoneinfo", report_zoneinfo },
	{ "vmstat", report_vmstat },
	{ "pagetypeinfo", report_pagetypeinfo },
	{ "slabinfo", report_slabinfo },
	{ "vmallocinfo", report_vmallocinfo },
	{ "layout", report_layout },
	{ NULL, NULL },
};
