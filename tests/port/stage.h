/* SPDX-License-Identifier: MIT */
/*
 * stage.h: what the ports that stop early have in common: two hooks, and TAP.
 */
#ifndef TESTS_PORT_STAGE_H
#define TESTS_PORT_STAGE_H

#include <stdio.h>
#include <stdlib.h>

#include <quarry/init.h>
#include <quarry/slab.h>

void port_log(const char *text, size_t len)
{
	fwrite("# ", 1, 2, stdout);
	fwrite(text, 1, len, stdout);
}

void port_panic(const char *text)
{
	printf("Bail out! %s\n", text);
	exit(1);
}

static int number, failed;

static void check(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failed += !good;
}

static int plan(void)
{
	printf("1..%d\n", number);
	return failed != 0;
}

static unsigned long free_pages_now(void)
{
	struct zone *zone;
	unsigned long n = 0;

	slab_drain(NULL);
	drain_all_pages(NULL);
	for_each_zone(zone)
		n += zone_free_pages(zone);
	return n;
}

#endif
