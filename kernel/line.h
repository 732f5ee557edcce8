/* SPDX-License-Identifier: MIT */
/*
 * line.h: one line of input, edited as people expect it.
 */
#ifndef KERNEL_LINE_H
#define KERNEL_LINE_H

#include <quarry/types.h>

#define LINE_MAX_LEN 256	/* bytes of a line, terminator included */

/*
 * What could stand where the cursor is: call offer(arg, word) for each; those that do not
 * fit are passed over.
 */
typedef void (*line_offer)(void *arg, const char *word);
typedef void (*line_complete)(const char *before, line_offer offer, void *arg);

/* From getchar(), instead of a byte: somebody wrote over the line, draw it again. */
#define LINE_REDRAW (-2)

/* The terminal, as the editor sees it; tests give another. */
struct line_io {
	int (*getchar)(void);				/* waits; -1 at the end, or LINE_REDRAW */
	void (*write)(const char *text, size_t len);
	unsigned (*columns)(void);
	bool terminal;					/* false: no echo, no keys, lines as they come */
};

/**
 * line_read() - read and edit one line
 * @io: the terminal
 * @prompt: plain ASCII
 * @complete: what Tab offers, or NULL
 * @buf: LINE_MAX_LEN bytes for the line, without its end
 *
 * Keys: Left Right Home End Delete Backspace Up Down Tab, Ctrl-A B C D E F H K L
 * N P T U W Y, Alt-B Alt-F Alt-D, Ctrl-Left Ctrl-Right.  Ctrl-C gives an empty
 * line.  Return: false at end of input (Ctrl-D on an empty line).
 */
bool line_read(const struct line_io *io, const char *prompt, line_complete complete, char *buf);

/**
 * line_history() - remember a line for Up and Down: the last 32, not the same one twice in a
 * row, no blank ones.
 */
void line_history(const char *line);
/** line_history_get() - the @i-th line back, 0 the latest; NULL when there is none. */
const char *line_history_get(unsigned i);

#endif
