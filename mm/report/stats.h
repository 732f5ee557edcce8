/* SPDX-License-Identifier: MIT */
/*
 * stats.h: the counters that zoneinfo and vmstat both have.
 */
#ifndef MM_REPORT_STATS_H
#define MM_REPORT_STATS_H

#include <quarry/report.h>
#include <quarry/types.h>

/* A name and where its number comes from: a zone's counter, or nowhere (-1): 0.  The last name is NULL. */
struct stat_line {
	const char *name;
	int item;
};
extern const struct stat_line node_stat_lines[], zone_stat_lines[];

/** stat_lines() - @line for each, in order; @stat: the counters. */
void stat_lines(struct seq *s, const struct stat_line *l, const long *stat,
		void (*line)(struct seq *s, const char *name, unsigned long value));

#endif
