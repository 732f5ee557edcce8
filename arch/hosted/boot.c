/* SPDX-License-Identifier: MIT */
/*
 * boot.c: main(): the command line, read as a firmware and a boot loader would
 * tell it, then the same kernel as on a PC.
 */
#include "hosted.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kernel/machine.h>
#include <kernel/sched.h>
#include <quarry/init.h>

#define DEFAULT_MEM (256ULL << 20)
#define MAX_MODULES 16

static const char usage[] =
	"usage: quarry [OPTION]...\n"
	"A kernel's memory manager and its shell, in a process.\n"
	"\n"
	"  --mem SIZE       memory of the machine: 64M, 4G, 64T (default 256M; a plain number is MiB)\n"
	"  --map FILE       its memory map instead: an e820 listing from a boot log,\n"
	"                   /proc/iomem, or lines \"ADDRESS SIZE TYPE\"; - is standard input\n"
	"  --lowmem SIZE    how much of it the kernel maps once and for all\n"
	"                   (default: a quarter, at least 64M, at most 896M)\n"
	"  --cpus N         its CPUs (default 1)\n"
	"  --room N         CPU numbers that there is room for; as many as CPUs, unless given\n"
	"  --nodes N        memory in N nodes of their own distance, CPU numbers dealt out (default 1)\n"
	"  --cmd COMMANDS   run \"meminfo; selftest\" and leave: 0 only if each succeeded\n"
	"  --module FILE    hand a file over, as a boot loader does (may be repeated)\n"
	"  --help           this text\n"
	"\n"
	"Without --cmd: a prompt on a terminal, else the tour.\n";

struct options {
	phys_addr_t mem, lowmem;
	const char *map, *cmd;
	const char *module[MAX_MODULES];
	unsigned modules, cpus, room;
};

static void __attribute__((noreturn)) __printf_like(1, 2) fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("quarry: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static phys_addr_t size_option(const char *name, const char *value)
{
	phys_addr_t size = size_parse(value);

	if (!size)
		fail("--%s %s: not a size; say 64M or 4G", name, value);
	return size;
}

static unsigned number_option(const char *name, const char *value, unsigned most)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || n < 1 || n > most)
		fail("--%s %s: not a number from 1 to %u", name, value, most);
	return (unsigned)n;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "mem", required_argument, NULL, 'm' }, { "map", required_argument, NULL, 'e' },
		{ "lowmem", required_argument, NULL, 'l' }, { "cmd", required_argument, NULL, 'c' },
		{ "module", required_argument, NULL, 'f' }, { "help", no_argument, NULL, 'h' },
		{ "cpus", required_argument, NULL, 'n' }, { "room", required_argument, NULL, 'r' },
		{ "nodes", required_argument, NULL, 'k' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'm')
			o->mem = size_option("mem", optarg);
		else if (c == 'l')
			o->lowmem = size_option("lowmem", optarg);
		else if (c == 'k')
			hosted_nodes = number_option("nodes", optarg, MAX_NUMNODES);
		else if (c == 'r')
			o->room = number_option("room", optarg, NR_CPUS);
		else if (c == 'e')
			o->map = optarg;
		else if (c == 'c')
			o->cmd = optarg;
		else if (c == 'n')
			o->cpus = number_option("cpus", optarg, NR_CPUS);
		else if (c == 'f' && o->modules < MAX_MODULES)
			o->module[o->modules++] = optarg;
		else if (c == 'f')
			fail("more than %d modules", MAX_MODULES);
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			exit((fputs("Try 'quarry --help'.\n", stderr), 2));
	}
	if (optind < argc)
		fail("what is \"%s\"? Try --help", argv[optind]);
}

/* The whole of a file that may be a pipe; terminated. */
static char *read_text(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "r") : stdin;
	size_t used = 0, n, size = 65536;
	char *text = malloc(size + 1);

	if (!f)
		fail("--map %s: %s", path, strerror(errno));
	while (text && (n = fread(text + used, 1, size - used, f)) != 0) {
		used += n;
		if (used == size)
			text = realloc(text, (size *= 2) + 1);
	}
	if (!text || ferror(f))
		fail("--map %s: %s", path, strerror(errno));
	if (f != stdin)
		fclose(f);
	text[used] = '\0';
	return text;
}

static void read_map(const struct options *o, struct e820_entry **map, unsigned *n)
{
	char *text = read_text(o->map);
	const char *err = map_parse(text, map, n);

	if (err)
		fail("--map %s: %s", o->map, err);
	free(text);
}

/* What the kernel reads as its command line: kernel/console.c. */
static void hand_over_cmdline(const struct options *o)
{
	struct winsize size = { 0 };
	char line[4096];
	int n;
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size.ws_col = 80;
	if (o->cmd && strchr(o->cmd, '"'))
		fail("--cmd: no double quotes in it, please");
	n = snprintf(line, sizeof(line), "term=%d cols=%u", terminal, size.ws_col);
	if (o->cmd && n + snprintf(line + n, sizeof(line) - n, " cmd=\"%s\"", o->cmd) >= (int)sizeof(line))
		fail("--cmd: longer than %zu bytes", sizeof(line));
	machine_set_cmdline(line);
}

static u64 boot_cycles;

u64 machine_boot_cycles(void)
{
	return boot_cycles;
}

int main(int argc, char **argv)
{
	static struct e820_entry pc[8];
	struct options o = { .mem = DEFAULT_MEM, .cpus = 1 };
	struct e820_entry *map = pc;
	const char *err;
	unsigned n;

	parse_options(argc, argv, &o);
	if (o.map)
		read_map(&o, &map, &n);
	else
		n = hosted_pc_map(pc, o.mem);
	hosted_cpus = max(o.cpus, o.room);
	cpus_init(o.cpus);
	clock_start();
	boot_cycles = machine_cycles();
	err = hosted_power_on(map, n, o.lowmem);
	if (err)
		fail("%s", err);
	for (unsigned i = 0; i < o.modules; i++)
		if ((err = machine_add_module(o.module[i])))
			fail("--module %s: %s", o.module[i], err);
	hand_over_cmdline(&o);
	console_init();
	user_hooks = (struct user_hooks){ kernel_user_trap, kernel_exit_to_user };
	user_init();
	hosted_fault_handler = kernel_page_fault;
	hosted_tick_handler = kernel_timer_tick;
	hosted_kick_handler = kernel_need_resched;
	hosted_reschedule = schedule;
	mm_init();
	boot_cycles = machine_cycles() - boot_cycles;
	timer_start();
	kernel_main();
}
