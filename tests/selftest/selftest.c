/* SPDX-License-Identifier: MIT */
/*
 * selftest.c: runs the selftests and writes TAP.
 *
 * A test registers by standing in the linker section "selftests".  Before each
 * one the runner counts: free frames by zone, objects in use by cache, areas of
 * the vmalloc window.  After it, when everything that is only kept for speed
 * has been given back, the same count must come out, and every invariant of the
 * memory manager must hold (mm_check_all).  So no test needs to look for leaks.
 */
#include "selftest.h"

#include <quarry/printf.h>
#include <quarry/string.h>

#include "kernel/console.h"
#include "kernel/pagecache.h"
#include "kernel/sched.h"
#include "util.h"

extern const struct selftest __start_selftests[], __stop_selftests[];

static struct st_counts before, after;

/* What the test that runs has said so far. */
static struct {
	const struct selftest *test;
	bool failed;
	const char *skipped;
	char text[2048];
	size_t len;
} now;

/* ---- what a test may say ------------------------------------------------------- */

static void say_write(struct seq *s, const char *text, size_t len)
{
	(void)s;
	for (; len-- && now.len < sizeof(now.text) - 2; text++) {
		if (now.len == 0 || now.text[now.len - 1] == '\n') {
			now.text[now.len++] = '#';
			if (*text != '#' && now.len < sizeof(now.text) - 2)
				now.text[now.len++] = ' ';
		}
		if (now.len < sizeof(now.text) - 1)
			now.text[now.len++] = *text;
	}
}

static struct seq say = { .write = say_write };

/* The seq of report.h has no va_list form, so format into a line of our own. */
void selftest_fail(const char *file, int line, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	now.failed = true;
	va_start(ap, fmt);
	mm_vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	seq_printf(&say, "%s:%d: %s", file, line, buf);
	if (now.len && now.text[now.len - 1] != '\n')
		seq_puts(&say, "\n");
}

void selftest_skip(const char *why)
{
	now.skipped = why;
}

static bool stopped;	/* Ctrl-C: no further test */

static bool ask_stopped(void)
{
	stopped = stopped || console_interrupted();
	return stopped;
}

void selftest_progress(unsigned long done, unsigned long of)
{
	char what[64];

	if (!now.test || !console_is_terminal())
		return;
	mm_snprintf(what, sizeof(what), "# %s%s", ask_stopped() ? "^C after this test: " : "", now.test->name);
	console_progress(what, done, of);
}

/* ---- counting before and after ---------------------------------------------------- */

bool selftest_as_before(void)
{
	if (st_counts_come_back(&before, &after))
		return true;
	now.failed = true;
	st_counts_differ(&say, &before, &after);
	return false;
}

static int broken_check(const char *file, int broken)
{
	if (broken)
		seq_printf(&say, "check: %s: invariant %d does not hold\n", file, broken);
	return broken != 0;
}

bool selftest_checks_hold(void)
{
	int broken = mm_check_all(&say) + broken_check("sched.c", sched_check()) +
		     broken_check("pagecache.c", pagecache_check());

	if (broken)
		now.failed = true;
	return !broken;
}

/* ---- the runner ------------------------------------------------------------------- */

static bool run_one(struct seq *s, const struct selftest *t, unsigned number)
{
	memset(&now, 0, sizeof(now));
	now.test = t;
	st_count(&before);
	t->run();
	misuse_quiet(false);
	st_end_all_online();
	selftest_as_before();
	selftest_checks_hold();
	now.text[now.len] = '\0';
	now.test = NULL;

	seq_printf(s, "%sok %u - %s%s%s\n", now.failed ? "not " : "", number, t->name,
		   now.skipped && !now.failed ? " # SKIP " : "",
		   now.skipped && !now.failed ? now.skipped : "");
	if (now.failed)
		seq_printf(s, "%s%s", now.text, now.len && now.text[now.len - 1] != '\n' ? "\n" : "");
	return !now.failed;
}

static bool selected(const struct selftest *t, const char *prefix)
{
	return !prefix || st_begins(t->name, prefix);
}

#define MAX_TESTS 512
static const struct selftest *chosen[MAX_TESTS];

/* Those that @prefix selects, by name: by row, that is.  Return: how many. */
static unsigned choose(const char *prefix)
{
	const struct selftest *t;
	unsigned n = 0, i;

	for (t = __start_selftests; t < __stop_selftests && n < MAX_TESTS; t++) {
		if (!selected(t, prefix))
			continue;
		for (i = n++; i > 0 && strcmp(chosen[i - 1]->name, t->name) > 0; i--)
			chosen[i] = chosen[i - 1];
		chosen[i] = t;
	}
	return n;
}

int selftest_run(struct seq *s, const char *prefix)
{
	unsigned i, planned = choose(prefix);
	int failed = 0;

	if (!planned)
		return -ENOENT;
	stopped = false;
	seq_printf(s, "1..%u\n", planned);
	for (i = 0; i < planned && !ask_stopped(); i++)
		failed += !run_one(s, chosen[i], i + 1);
	if (failed)
		seq_printf(s, "# %d of %u failed\n", failed, i);
	if (i < planned)
		seq_printf(s, "# stopped by Ctrl-C: %u of %u tests have run\n", i, planned);
	return i < planned ? -EINTR : failed;
}

void selftest_each(void (*fn)(void *arg, const char *name), void *arg)
{
	const struct selftest *t;

	for (t = __start_selftests; t < __stop_selftests; t++)
		fn(arg, t->name);
}

void selftest_list(struct seq *s)
{
	unsigned i, n = choose(NULL);

	for (i = 0; i < n; i++)
		seq_printf(s, "%s\n", chosen[i]->name);
}
