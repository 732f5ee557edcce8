/* SPDX-License-Identifier: MIT */
/*
 * shell.c: a person's or a script's way in.
 *
 *	cmd="a; b" on the command line	run these, power off, status 0 only if each succeeded
 *	a terminal (term=1)		a prompt, until `poweroff` or the end of input
 *	neither				the tour, then power off
 *
 * A line is commands separated by ';', a command is words separated by blanks;
 * "double quotes" hold blanks and semicolons together; '#' at the start of a
 * command makes it a comment.
 */
#include "shell.h"
#include "command.h"
#include "line.h"
#include "machine.h"

#include <quarry/inject.h>
#include <quarry/printf.h>
#include <quarry/report.h>
#include <quarry/string.h>

#define MAX_WORDS 20
#define CMD_LEN 1024

static const struct command shell_commands[];

static const struct {
	const char *title;
	const struct command *commands;
} groups[] = {
	{ "to begin with", story_commands },
	{ "reports", report_commands },
	{ "memory", memory_commands },
	{ "addresses", translate_commands },
	{ "tasks", task_commands },
	{ "tests and measurements", test_commands },
	{ "the shell", shell_commands },
};

static int failures;	/* commands that failed so far */

#define for_each_command(g, c)								\
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)				\
		for (const struct command *c = groups[g].commands; c->name; c++)

/* ---- finding a command ---------------------------------------------------------- */

static const struct command *find_command(const char *name)
{
	for_each_command(g, c)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/*
 * How many letters must change to turn @a into @b (insert, delete, replace); words beyond 23
 * letters count as far.
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[24], la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	if (la >= 24 || lb >= 24)
		return 99;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
			unsigned other = min(row[j], row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = min(replace, other);
		}
	}
	return row[lb];
}

static const struct command *nearest_command(const char *name)
{
	const struct command *best = NULL;
	unsigned least = 3;

	for_each_command(g, c) {
		unsigned d = distance(name, c->name);

		if (strlen(name) >= 3 && strncmp(c->name, name, strlen(name)) == 0)
			d = 1;
		if (d < least) {
			least = d;
			best = c;
		}
	}
	return best;
}

static int unknown_command(const char *name)
{
	const struct command *c = nearest_command(name);

	if (c)
		return cmd_error("there is no command '%s'.  Did you mean '%s'?", name, c->name);
	return cmd_error("there is no command '%s'.  'help' lists them.", name);
}

/* ---- running ---------------------------------------------------------------------- */

static int run_words(int argc, char **argv)
{
	const struct command *c = find_command(argv[0]);

	if (!c)
		return unknown_command(argv[0]);
	if (argc - 1 < c->min_args)
		return cmd_error("%s: %s missing.  Usage: %s %s  ('help %s' tells more)", c->name,
				   argc == 1 ? "what to work on is" : "an argument is",
				   c->name, c->args, c->name);
	if (argc - 1 > c->max_args)
		return cmd_error("%s: '%s' is an argument too many.  Usage: %s%s%s  ('help %s' tells more)",
				   c->name, argv[c->max_args + 1], c->name, *c->args ? " " : "", c->args,
				   c->name);
	return c->run(argc, argv);
}

/*
 * Cut the first command off *@rest, at a ';' that no quotes hold.  Return: it, without
 * leading blanks; NULL at the end.
 */
static char *next_command(char **rest)
{
	bool quoted = false;
	char *start, *c;

	for (start = *rest; *start == ' ' || *start == '\t' || *start == ';'; start++)
		;
	if (!*start)
		return NULL;
	for (c = start; *c && (quoted || *c != ';'); c++)
		if (*c == '"')
			quoted = !quoted;
	*rest = *c ? c + 1 : c;
	*c = '\0';
	while (c > start && c[-1] == ' ')
		*--c = '\0';
	return start;
}

/* Cut @text into words, in place.  Return: how many, or -1: a quote is not closed; -2: too many. */
static int split_words(char *text, char **argv)
{
	bool quoted = false, word = false;
	char *to = text;
	int n = 0;

	for (; *text; text++) {
		if (!quoted && (*text == ' ' || *text == '\t')) {
			if (word)
				*to++ = '\0';
			word = false;
			continue;
		}
		if (!word && n == MAX_WORDS)
			return -2;
		if (!word)
			argv[n++] = to;
		word = true;
		if (*text == '"')
			quoted = !quoted;
		else
			*to++ = *text;
	}
	*to = '\0';
	argv[n] = NULL;
	return quoted ? -1 : n;
}

/* Return: its status. */
static int run_command(char *text)
{
	char *argv[MAX_WORDS + 1];
	int argc;

	if (*text == '#')
		return 0;
	argc = split_words(text, argv);
	if (argc == -1)
		return cmd_error("a quote is opened and not closed");
	if (argc == -2)
		return cmd_error("more than %d words in one command", MAX_WORDS);
	return run_words(argc, argv);
}

/* Ctrl-C ends the command that runs, and what stands behind it on the line. */
static void run_line(char *line, bool echo)
{
	bool interrupted = false;
	char *command;

	while (!interrupted && (command = next_command(&line))) {
		int status;

		if (echo)
			kprintf("quarry> %s\n", command);
		status = run_command(command);
		failures += status != 0;
		interrupted = console_interrupted() || status == CMD_INTERRUPTED;
	}
	if (interrupted)
		kprintf("^C\n");
}

/* ---- completion -------------------------------------------------------------------- */

static void complete_commands(unsigned nth, line_offer offer, void *arg)
{
	if (nth > 1)
		return;
	for_each_command(g, c)
		offer(arg, c->name);
}

/* Where the command begins that the end of @text lies in. */
static const char *last_command(const char *text)
{
	const char *start = text;
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (*text == ';' && !quoted)
			start = text + 1;
	}
	while (*start == ' ')
		start++;
	return start;
}

/* What may stand behind @before: it ends with the word that the cursor is in. */
static void complete(const char *before, line_offer offer, void *arg)
{
	const char *start = last_command(before);
	const struct command *c;
	unsigned nth = 0;
	char name[24];
	size_t n = 0;

	while (start[n] && start[n] != ' ')
		n++;
	if (!start[n]) {
		complete_commands(1, offer, arg);
		return;
	}
	for (const char *p = start; *p; p++)
		nth += *p == ' ' && p[-1] != ' ';
	mm_snprintf(name, sizeof(name), "%.*s", (int)n, start);
	c = find_command(name);
	if (c && c->complete)
		c->complete(nth, offer, arg);
}

/* ---- the shell's own commands ------------------------------------------------------- */

static void help_one(const struct command *c)
{
	kprintf("%s%s%s - %s\n", c->name, *c->args ? " " : "", c->args, c->summary);
	if (c->detail) {
		char text[512];

		mm_snprintf(text, sizeof(text), "%s", c->detail);
		for (char *p = text; *p; p++)
			if (*p == '\n')
				*p = ' ';
		kprintf("\n");
		console_wrapped(0, text);
	}
	if (c->example)
		kprintf("\nExample: %s\n", c->example);
}

static int cmd_help(int argc, char **argv)
{
	if (argc > 1) {
		const struct command *c = find_command(argv[1]);

		if (!c)
			return unknown_command(argv[1]);
		help_one(c);
		return 0;
	}
	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++) {
		kprintf("%s%s\n", g ? "\n" : "", groups[g].title);
		for (const struct command *c = groups[g].commands; c->name; c++) {
			char usage[40];

			mm_snprintf(usage, sizeof(usage), "%s %s", c->name, c->args);
			kprintf("  %-26s %s\n", usage, c->summary);
		}
	}
	kprintf("\n'help COMMAND' tells more.  Several commands on a line: a; b; c\n");
	return 0;
}

static int cmd_history(int argc, char **argv)
{
	unsigned n = 0;

	(void)argc;
	(void)argv;
	while (line_history_get(n))
		n++;
	while (n--)
		kprintf("  %s\n", line_history_get(n));
	return 0;
}

/* What became of the failure that was to come: @left allocations were still missing. */
static void print_fail_nth(unsigned long n, unsigned left, int status)
{
	char where[64];

	if (left)
		kprintf("none failed: it asked for %lu only; status %d\n", n - left, status);
	else
		kprintf("allocation %lu failed, asked for by %s; status %d\n", n,
			port_symbol(where, sizeof(where), fail_nth_caller()), status);
}

static int cmd_fail_nth(int argc, char **argv)
{
	unsigned long before = misuse_count(NR_MISUSE), n;
	unsigned left;
	int status;

	if (!parse_number("which allocation", argv[1], &n))
		return 1;
	if (!n || n > ~0u)
		return cmd_error("which allocation: 1 is the first");
	if (fail_nth_get())
		return cmd_error("a failure is to come already: fail_nth does not nest");
	fail_nth_set((unsigned)n);
	status = run_words(argc - 2, argv + 2);
	left = fail_nth_set(0);
	print_fail_nth(n, left, status);
	return mm_check_all(&console) || refused_since(before);
}

static void complete_fail_nth(unsigned nth, line_offer offer, void *arg)
{
	if (nth == 2)
		complete_commands(1, offer, arg);
}

static int cmd_poweroff(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	machine_poweroff(failures ? 1 : 0);
}

static const struct command shell_commands[] = {
	{ "help", "[COMMAND]", "this list, or more about one command",
	  "For each command: what to type behind it (in brackets: may be left out; A|B: either;\n"
	  "...: more of them), what it does and shows, and an example.",
	  "help translate", cmd_help, 0, 1, complete_commands },
	{ "history", "", "the lines typed so far",
	  "The last 32, the oldest first.  Up and Down bring them back.", "history", cmd_history, 0, 0, NULL },
	{ "fail_nth", "N COMMAND...", "run a command whose N-th allocation fails",
	  "Pages and objects that the shell's own thread asks for are counted while COMMAND runs, and the N-th\n"
	  "is refused.  Tells who asked for it, and the status of COMMAND; its own is 0 if every invariant holds\n"
	  "then, and nothing was misused.",
	  "fail_nth 3 run hello", cmd_fail_nth, 2, MAX_WORDS, complete_fail_nth },
	{ "poweroff", "", "switch the machine off",
	  "The status that the machine leaves with is 0 only if every command before succeeded.",
	  "meminfo; poweroff", cmd_poweroff, 0, 0, NULL },
	{ .name = NULL },
};

/* ---- the thread ---------------------------------------------------------------------- */

static bool read_line(char *line)
{
	static const struct line_io io = {
		.getchar = console_getchar, .write = console_edit, .columns = console_columns,
		.terminal = true,
	};
	bool more;

	console_prompting(true);
	more = line_read(&io, "quarry> ", complete, line);
	console_prompting(false);
	return more;
}

static void interactive(void)
{
	static char line[LINE_MAX_LEN];

	kprintf("\nType 'tour' to be shown around, 'help' for all commands, Tab to complete.\n\n");
	while (report_ended_tasks(), read_line(line)) {
		line_history(line);
		console_interrupted();	/* a Ctrl-C from before is of no concern to what comes */
		failures = 0;		/* at a prompt, only the last line counts */
		run_line(line, false);
	}
}

void shell_main(void *arg)
{
	static char cmd[CMD_LEN];

	(void)arg;
	if (cmdline_option("cmd", cmd, sizeof(cmd)))
		run_line(cmd, true);
	else if (console_is_terminal())
		interactive();
	else
		failures = tour(1, NULL);
	machine_poweroff(failures ? 1 : 0);
}
