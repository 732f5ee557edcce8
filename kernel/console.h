/* SPDX-License-Identifier: MIT */
/*
 * console.h: the terminal that a person sits at, or the file that a script reads.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <quarry/report.h>

/* A seq that writes to the console: what reports are given. */
extern struct seq console;

/** kprintf() - formatted text to the console.  Context: thread. */
void kprintf(const char *fmt, ...) __printf_like(1, 2);

/**
 * console_log() - text of somebody else than the shell: the log, a program's output.  If a
 * line is being edited, it is drawn again below.  Context: any.
 */
void console_log(const char *text, size_t len);
/** console_wrapped() - @text and a line end; further lines begin with @hang blanks. */
void console_wrapped(unsigned hang, const char *text);

/** console_indent() - begin each line from now on with so many blanks (at most 16). */
void console_indent(unsigned blanks);

/**
 * console_is_terminal() - does a person's terminal hang on it (term=1)?  If not: no colours,
 * no progress, no prompt.
 */
bool console_is_terminal(void);
/** console_columns() - its width: cols=N, else 80. */
unsigned console_columns(void);

/**
 * console_getchar() - the next byte typed; sleeps until there is one.  Return: 0 ... 255, -1
 * at end of input, or LINE_REDRAW: the line being edited was wiped.
 */
int console_getchar(void);
/** console_edit() - text of the line editor: the line that it leaves open is a temporary one. */
void console_edit(const char *text, size_t len);
/** console_prompting() - a line is being edited from now on; no longer. */
void console_prompting(bool now);
/**
 * console_interrupted() - was Ctrl-C typed since the last call?  Other bytes are kept for
 * console_getchar().
 */
bool console_interrupted(void);

/**
 * console_progress() - "what [####......]  40%" on a line that whatever is written next
 * wipes.  Nothing without a terminal.
 */
void console_progress(const char *what, unsigned long done, unsigned long of);
/** console_busy() - the same, with no measure of how much is done. */
void console_busy(const char *what);
/** console_progress_end() - clear that line. */
void console_progress_end(void);

/**
 * cmdline_option() - the value of NAME=VALUE or NAME="VALUE" on the kernel's command line
 * @buf, @len: where to; cut when too short; "" when the option is a bare NAME
 * Return: is it there?
 */
bool cmdline_option(const char *name, char *buf, size_t len);

#endif
