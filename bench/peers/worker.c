/* SPDX-License-Identifier: MIT */
/*
 * worker.c: one allocator in a process of its own, which measures what it is asked for.
 *
 * bench/peers/run starts one worker for each allocator and asks them in turn, so that what
 * else the machine does meets all of them alike.  It is one source for all: an allocator is
 * a header (ALLOCATOR) that says how its user takes and gives, with sizes that the compiler
 * knows, as most callers' are.
 *
 * A question is a line "WORK SIZE THREADS ROUNDS", the answer a line: nanoseconds for each
 * object taken and given back, the least of the rounds; of a round of two threads the slower one's
 * time counts.  "-" when this allocator cannot do that.  SIZE 1 means a page.
 *
 *	pair	take one, give it back: a thousand times
 *	fifo	take a thousand, give them back in the same order
 *	lifo	... in the opposite order
 *	rand	... in random order
 *	replace	of ten thousand, give a random one back and take another: a thousand times
 *	remote	one thread takes a thousand, then the other gives them back
 *
 * What was taken is written to once: one word.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include ALLOCATOR

#define OPS 1000
#define LIVE 10000
#define PAGE 1u			/* as a size */
#define WARM_UP 2
#define ENOUGH 30000000		/* nanoseconds of rounds to one question: a slow allocator gets fewer */
#define MAX_THREADS 2

enum work { PAIR, FIFO, LIFO, RAND, REPLACE, REMOTE, WORKS };
static const char *const work_names[WORKS] = { "pair", "fifo", "lifo", "rand", "replace", "remote" };

struct side {
	int id;
	void *held[LIVE];
	uint16_t victims[OPS];		/* of REPLACE, of this round */
	uint32_t random;
	uint64_t start, end;		/* of this round */
};

struct question {
	enum work work;
	unsigned size, rounds;
	int threads;
};

static struct side sides[MAX_THREADS];
static struct question asked;
static uint16_t fifo[OPS], lifo[OPS], shuffled[OPS];

/* ---- the work ---------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void *taken(unsigned size)
{
	void *volatile *p = size == PAGE ? take_page() : take(size);

	if (!p)
		abort();
	*p = NULL;
	return (void *)p;
}

static inline __attribute__((always_inline)) void given(void *p, unsigned size)
{
	if (size == PAGE)
		give_page(p);
	else
		give(p, size);
}

static inline __attribute__((always_inline)) void take_all(struct side *s, unsigned size, int n)
{
	for (int i = 0; i < n; i++)
		s->held[i] = taken(size);
}

static inline __attribute__((always_inline)) void give_all(struct side *s, unsigned size, const uint16_t *order)
{
	for (int i = 0; i < OPS; i++)
		given(s->held[order[i]], size);
}

static inline __attribute__((always_inline)) void replace(struct side *s, unsigned size)
{
	for (int i = 0; i < OPS; i++) {
		void **p = &s->held[s->victims[i]];

		given(*p, size);
		*p = taken(size);
	}
}

static inline __attribute__((always_inline)) void work_of_size(struct side *s, unsigned size)
{
	switch (asked.work) {
	case PAIR:
		for (int i = 0; i < OPS; i++)
			given(taken(size), size);
		break;
	case FIFO:
		take_all(s, size, OPS);
		give_all(s, size, fifo);
		break;
	case LIFO:
		take_all(s, size, OPS);
		give_all(s, size, lifo);
		break;
	case RAND:
		take_all(s, size, OPS);
		give_all(s, size, shuffled);
		break;
	case REPLACE:
		replace(s, size);
		break;
	default:
		if (s->id == 0)
			take_all(s, size, OPS);
		else
			give_all(&sides[0], size, fifo);
	}
}

/* One copy for each size, with the size in its code. */
#define SIZES(X) X(64) X(256) X(1024) X(4096) X(PAGE)
#define OF_SIZE(n) static __attribute__((noinline)) void work_##n(struct side *s) { work_of_size(s, n); }
SIZES(OF_SIZE)

static void (*work_for(unsigned size))(struct side *s)
{
#define IF_SIZE(n) if (size == n) return work_##n;
	SIZES(IF_SIZE)
	return NULL;
}

/* The ten thousand that REPLACE has; not timed. */
static void populate(struct side *s, bool begin)
{
	if (asked.work != REPLACE)
		return;
	for (int i = 0; i < LIVE; i++)
		if (begin)
			s->held[i] = taken(asked.size);
		else
			given(s->held[i], asked.size);
}

/* ---- rounds --------------------------------------------------------------------------------- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint32_t random_number(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

/* Both threads here, before either goes on; they spin, so as to begin at once. */
static unsigned arrived;

static void meet(unsigned *phase)
{
	++*phase;
	__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < *phase * (unsigned)asked.threads)
		sched_yield();
}

static void one_round(struct side *s, unsigned *phase)
{
	for (int i = 0; asked.work == REPLACE && i < OPS; i++)
		s->victims[i] = (uint16_t)(random_number(&s->random) % LIVE);
	meet(phase);
	s->start = now();
	if (asked.work != REMOTE || s->id == 0)
		work_for(asked.size)(s);
	if (asked.work == REMOTE) {
		meet(phase);
		if (s->id == 1)
			work_for(asked.size)(s);
	}
	s->end = now();
	meet(phase);
}

static uint64_t slowest(void)
{
	uint64_t longest = 0;

	for (int i = 0; i < asked.threads; i++)
		if (sides[i].end - sides[i].start > longest)
			longest = sides[i].end - sides[i].start;
	return longest;
}

static uint64_t best, spent;

/* By one thread, while the other waits. */
static void judge(void)
{
	uint64_t took = slowest();

	spent += took;
	if (took < best)
		best = took;
}

static void rounds(struct side *s)
{
	unsigned phase = 0;

	populate(s, true);
	for (unsigned round = 0; round < WARM_UP + asked.rounds && spent <= ENOUGH; round++) {
		one_round(s, &phase);
		if (s->id == 0 && round >= WARM_UP)
			judge();
		meet(&phase);
	}
	populate(s, false);
}

static void *other_thread(void *arg)
{
	if (!allocator_thread_begin())
		abort();
	rounds(arg);
	allocator_thread_end();
	return NULL;
}

static void measure(void)
{
	pthread_t other = 0;

	best = UINT64_MAX;
	spent = 0;
	arrived = 0;
	if (asked.threads == 2 && pthread_create(&other, NULL, other_thread, &sides[1]))
		abort();
	rounds(&sides[0]);
	if (asked.threads == 2)
		pthread_join(other, NULL);
}

/* ---- questions ------------------------------------------------------------------------------ */

static void make_orders(void)
{
	uint32_t state = 20260101;

	for (int i = 0; i < OPS; i++) {
		fifo[i] = shuffled[i] = (uint16_t)i;
		lifo[i] = (uint16_t)(OPS - 1 - i);
	}
	for (uint32_t i = OPS; i > 1; i--) {
		uint32_t other = random_number(&state) % i;
		uint16_t swap = shuffled[i - 1];

		shuffled[i - 1] = shuffled[other];
		shuffled[other] = swap;
	}
}

static bool understood(const char *line)
{
	char work[16];

	if (sscanf(line, "%15s %u %d %u", work, &asked.size, &asked.threads, &asked.rounds) != 4)
		return false;
	for (asked.work = 0; asked.work < WORKS && strcmp(work_names[asked.work], work); asked.work++)
		;
	return asked.work < WORKS && work_for(asked.size) && asked.threads >= 1 && asked.threads <= MAX_THREADS &&
	       (asked.work != REMOTE || asked.threads == 2);
}

int main(void)
{
	char line[80];

	if (!allocator_begin())
		return 1;
	make_orders();
	for (int i = 0; i < MAX_THREADS; i++)
		sides[i] = (struct side){ .id = i, .random = 20260101u + (unsigned)i };
	printf("%s\n", allocator_name());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!understood(line)) {
			fprintf(stderr, "worker: what is %s", line);
			return 1;
		}
		if (asked.threads > allocator_threads()) {
			puts("-");
		} else {
			measure();
			printf("%.2f\n", (double)best / OPS);
		}
		fflush(stdout);
	}
	return 0;
}
