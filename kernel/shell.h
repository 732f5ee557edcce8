/* SPDX-License-Identifier: MIT */
/*
 * shell.h: commands, and what their code shares.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "console.h"
#include <quarry/page.h>

struct mm_struct;

/* What Tab offers after a command's name. */
enum completes { COMPLETE_NOTHING, COMPLETE_COMMAND, COMPLETE_PROGRAM, COMPLETE_SELFTEST, COMPLETE_GFP,
		 COMPLETE_TASK };

/* One command.  Each kernel/cmd_*.c has an array of them that ends with a NULL name. */
struct command {
	const char *name;
	const char *args;	/* "ORDER [FLAGS...]", "" when none */
	const char *summary;	/* one line for the list */
	const char *detail;	/* what `help NAME` adds: whole sentences, or NULL */
	const char *example;	/* a line to type */
	int (*run)(int argc, char **argv);	/* 0: it succeeded */
	int min_args, max_args;	/* without the name */
	enum completes completes;
};

extern const struct command story_commands[], report_commands[], memory_commands[], task_commands[],
	test_commands[];

/** shell_main() - the shell's thread: runs cmd="..." or asks a person, then powers off. */
void shell_main(void *arg);

/** shell_error() - "error: ..." and a newline.  Return: 1, a failed command's status. */
int shell_error(const char *fmt, ...) __printf_like(1, 2);

/**
 * parse_number() - decimal, or 0x and hexadecimal; K, M, G multiply.  Return: false (and
 * an error is printed) for anything else.
 */
bool parse_number(const char *what, const char *text, unsigned long *value);
/**
 * parse_gfp() - flags by name, in one word with '|' or several; none: @fallback.  Return:
 * false, with an error.
 */
bool parse_gfp(int argc, char **argv, gfp_t fallback, gfp_t *gfp);
/** gfp_word() - the @i-th name that parse_gfp() knows; NULL beyond the last. */
const char *gfp_word(unsigned i);

/* The shell remembers what its user allocated, by a handle: #1, #2 ... */
enum held_kind { HELD_NONE, HELD_PAGES, HELD_KMALLOC, HELD_VMALLOC, HELD_KMAP };
struct held {
	int id;
	enum held_kind kind;
	void *ptr;		/* the address; pages and kmap: the struct page */
	unsigned order;
	unsigned long size;
};
/** held_add() - remember.  Return: the new handle; 0 when the table is full. */
int held_add(enum held_kind kind, void *ptr, unsigned order, unsigned long size);
/** held_by_id() - "#3", of this kind; NULL, with an error, when there is none. */
struct held *held_by_id(const char *text, enum held_kind kind);
/** held_by_ptr() - the one that holds @ptr; NULL: none. */
struct held *held_by_ptr(const void *ptr, enum held_kind kind);
/** held_drop() - forget; NULL is ignored. */
void held_drop(struct held *h);
/** held_next() - one after the other: start with NULL; NULL at the end. */
struct held *held_next(struct held *h);

/**
 * refused_since() - did the memory manager refuse something since misuse_count(NR_MISUSE)
 * gave @before?  Return: a status.
 */
int refused_since(unsigned long before);

/**
 * frame_argument() - a frame by "#3", frame number, kernel address or physical address.
 * false: an error was printed.
 */
bool frame_argument(const char *text, pfn_t *pfn);

/**
 * translate_mm() - show how @addr becomes physical in @mm (NULL: the kernel), step by step.
 * Return: 0, or 1: it does not.
 */
int translate_mm(const char *who, struct mm_struct *mm, unsigned long addr);

/**
 * programs_run() - does any program run, whose pages would come and go while somebody
 * counts?  Prints an error if so.
 */
bool programs_run(const char *command);

int tour(int argc, char **argv);
int stress(int argc, char **argv);

#endif
