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
 * console_getchar() - the next byte typed; sleeps until there is one.  Return: 0 ... 255, or
 * -1 at end of input.
 */
int console_getchar(void);
/**
 * console_interrupted() - was Ctrl-C typed since the last call?  Other bytes are kept for
 * console_getchar().
 */
bool console_interrupted(void);

/**
 * console_progress() - "what [####......]  40%" on one line that the next call writes over.
 * Nothing without a terminal.
 */
void console_progress(const char *what, unsigned long done, unsigned long of);
/** console_progress_end() - clear that line. */
void console_progress_end(void);

/**
 * cmdline_option() - the value of NAME=VALUE or NAME="VALUE" on the kernel's command line
 * @buf, @len: where to; cut when too short; "" when the option is a bare NAME
 * Return: is it there?
 */
bool cmdline_option(const char *name, char *buf, size_t len);

#endif
