/* SPDX-License-Identifier: MIT */
/*
 * command.h: what a command is, and what the code of commands shares.
 *
 * Each layer calls only those above it in this list:
 *
 *	console, line			text out, keys in
 *	cmd_args			errors, numbers, flags, handles
 *	translate, cmd_*, stress	the commands
 *	tour				a story told by means of them
 *	shell				reads lines, finds commands
 */
#ifndef KERNEL_COMMAND_H
#define KERNEL_COMMAND_H

#include "console.h"
#include "line.h"
#include <quarry/page.h>

struct mm_struct;

/* A command's status when Ctrl-C ended it: the rest of its line is not run. */
#define CMD_INTERRUPTED 130

/*
 * What Tab offers for the @nth word after a command's name (1: the first): call offer(arg, word)
 * for each; those that do not fit what was typed are passed over.
 */
typedef void (*completer)(unsigned nth, line_offer offer, void *arg);

/* One command.  Each kernel/cmd_*.c has an array of them that ends with a NULL name. */
struct command {
	const char *name;
	const char *args;	/* "ORDER [FLAGS...]", "" when none */
	const char *summary;	/* for the list: with name and args it fits in 80 columns */
	const char *detail;	/* what `help NAME` adds: what it shows, in whole sentences */
	const char *example;	/* a line to type */
	int (*run)(int argc, char **argv);	/* 0: it succeeded */
	int min_args, max_args;	/* without the name */
	completer complete;	/* NULL: there is nothing to offer */
};

extern const struct command story_commands[], report_commands[], memory_commands[], task_commands[],
	translate_commands[], test_commands[];

/** cmd_error() - "error: ..." and a newline.  Return: 1, a failed command's status. */
int cmd_error(const char *fmt, ...) __printf_like(1, 2);

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
/** complete_gfp() - what parse_gfp() knows, from the second word on. */
void complete_gfp(unsigned nth, line_offer offer, void *arg);

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
/** offer_held() - the handles of this kind, to a completer's @offer. */
void offer_held(enum held_kind kind, line_offer offer, void *arg);
/** complete_pages() - the handles of pages, as first word. */
void complete_pages(unsigned nth, line_offer offer, void *arg);
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

/** no_such_program() - say why task_run(@name) gave @err, and which programs there are.  Return: 1. */
int no_such_program(const char *name, int err);
/** complete_programs(), complete_tasks() - programs there are; tasks that run, by name and pid. */
void complete_programs(unsigned nth, line_offer offer, void *arg);
void complete_tasks(unsigned nth, line_offer offer, void *arg);
/** report_ended_tasks() - a line for each `run PROGRAM &` that ended since the last call. */
void report_ended_tasks(void);

/**
 * programs_run() - does any program run, whose pages would come and go while somebody
 * counts?  Prints an error if so.
 */
bool programs_run(const char *command);

int tour(int argc, char **argv);
int stress(int argc, char **argv);
int squeeze(int argc, char **argv);
/** complete_squeeze() - the names of the squeezes. */
void complete_squeeze(unsigned nth, line_offer offer, void *arg);

#endif
