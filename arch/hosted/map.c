/* SPDX-License-Identifier: MIT */
/*
 * map.c: memory maps from text, as people find them in their boot logs.
 *
 *	BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable	last byte
 *	BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)		end (old logs)
 *	00001000-0009fbff : System RAM					/proc/iomem
 *	0x100000 0x3ff00000 usable					address, size, type
 *
 * Time stamps and other words before the range do not matter.  In a whole boot
 * log, one that has "BIOS-e820" in it, all other lines are passed over.  `#` begins
 * a comment.  Types are the words that logs print, or e820 numbers.
 */
#include "hosted.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *word; u32 type; } types[] = {
	{ "usable", E820_RAM }, { "system ram", E820_RAM }, { "ram", E820_RAM },
	{ "reserved", E820_RESERVED }, { "soft reserved", E820_RESERVED }, { "device", E820_RESERVED },
	{ "acpi data", E820_ACPI }, { "acpi tables", E820_ACPI },
	{ "acpi nvs", E820_NVS }, { "acpi non-volatile storage", E820_NVS },
	{ "unusable memory", E820_UNUSABLE }, { "unusable", E820_UNUSABLE },
	{ "persistent memory", 7 }, { "persistent", 7 },
};

static const char *blanks(const char *s) { return s + strspn(s, " \t"); }

/* The type at @s, or 0. */
static u32 parse_type(const char *s)
{
	char *rest;
	unsigned long n;

	s = blanks(s);
	if (*s == '(')
		s++;
	if (!strncasecmp(s, "type ", 5))
		s = blanks(s + 5);
	n = strtoul(s, &rest, 0);
	if (rest != s)
		return n <= UINT32_MAX ? (u32)n : 0;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = strlen(types[i].word);

		if (!strncasecmp(s, types[i].word, len) && !isalpha((unsigned char)s[len]))
			return types[i].type;
	}
	return 0;
}

/* A number at *@s, hexadecimal unless @base says otherwise; moves *@s behind it. */
static bool parse_number(const char **s, int base, u64 *value)
{
	char *rest;

	*s = blanks(*s);
	if (!isxdigit((unsigned char)**s))
		return false;
	errno = 0;
	*value = strtoull(*s, &rest, base);
	if (rest == *s || errno)
		return false;
	*s = rest;
	return true;
}

/* From the first and the last byte; an entry that ends just before it begins is empty. */
static const char *set_inclusive(struct e820_entry *e, u64 first, u64 last)
{
	if (last + 1 < first && last != ~0ULL)
		return "the range ends before it begins";
	e->addr = first;
	e->size = last - first + (first == 0 && last == ~0ULL ? 0 : 1);
	return NULL;
}

/* "0x0-0x9fbff] usable", "0 - 9fc00 (usable)", "0-9fbff : System RAM", "0x0 0x9fc00 usable" */
static const char *parse_range(const char *s, bool is_bracket, struct e820_entry *e)
{
	const char *first = s;
	bool is_end;
	u64 a, b;

	if (!parse_number(&s, 16, &a))
		return "no address where one should be";
	is_end = *s == ' ';
	s = blanks(s);
	if (*s != '-') {
		s = first;
		if (!parse_number(&s, 0, &e->addr) || !parse_number(&s, 0, &e->size))
			return "neither a range \"START-END\" nor \"ADDRESS SIZE TYPE\"";
		e->type = parse_type(s);
		return e->type ? NULL : "unknown type of memory";
	}
	s++;
	if (!parse_number(&s, 16, &b))
		return "no end address behind the '-'";
	if (is_end && !is_bracket && b < a)
		return "the range ends before it begins";
	s += strspn(s, " \t]:");
	e->type = parse_type(s);
	if (!e->type)
		return "unknown type of memory";
	if (is_end && !is_bracket) {
		e->addr = a;
		e->size = b - a;
		return NULL;
	}
	return set_inclusive(e, a, b);
}

static const char *parse_line(const char *line, struct e820_entry *e)
{
	const char *mem = strstr(line, "[mem "), *bios = strstr(line, "BIOS-e820:");

	if (mem)
		return parse_range(mem + 5, true, e);
	return parse_range(bios ? bios + 10 : line, false, e);
}

/* Is there an entry on this line, or should there be? */
static bool wanted(const char *line, bool is_log)
{
	if (is_log)
		return strstr(line, "BIOS-e820:") != NULL;
	/* /proc/iomem indents what lies inside another range */
	if (isspace((unsigned char)*line) && strstr(line, " : "))
		return false;
	line = blanks(line);
	return *line && *line != '#' && *line != '\r';
}

static void add_entry(struct e820_entry **map, unsigned *n, struct e820_entry e)
{
	if ((*n & (*n - 1)) == 0)
		*map = realloc(*map, (*n ? 2 * *n : 1) * sizeof(e));
	if (!*map)
		crash("no memory for the memory map");
	(*map)[(*n)++] = e;
}

const char *map_parse(const char *text, struct e820_entry **map, unsigned *n)
{
	static char why[256];
	bool is_log = strstr(text, "BIOS-e820:") != NULL;
	char line[512];
	unsigned number = 0;

	*map = NULL;
	*n = 0;
	for (const char *next; *text; text = next) {
		size_t len = strcspn(text, "\n");
		struct e820_entry e = { 0 };
		const char *err;

		next = text + len + (text[len] == '\n');
		number++;
		snprintf(line, sizeof(line), "%.*s", (int)min(len, sizeof(line) - 1), text);
		if (!wanted(line, is_log))
			continue;
		err = parse_line(line, &e);
		if (err) {
			snprintf(why, sizeof(why), "line %u: %s: \"%.100s\"", number, err, line);
			return why;
		}
		add_entry(map, n, e);
	}
	return *n ? NULL : "there is no entry in it";
}

phys_addr_t size_parse(const char *text)
{
	static const char units[] = "KMGT";
	char *rest;
	const char *unit;
	unsigned long long n;
	unsigned shift = 20;

	if (!isdigit((unsigned char)*text))
		return 0;
	errno = 0;
	n = strtoull(text, &rest, 0);
	if (*rest) {
		unit = strchr(units, toupper((unsigned char)*rest));
		if (!unit || (rest[1] && strcasecmp(rest + 1, "B") && strcasecmp(rest + 1, "iB")))
			return 0;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	return errno || n > ~0ULL >> shift ? 0 : (phys_addr_t)n << shift;
}
