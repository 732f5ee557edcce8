/* SPDX-License-Identifier: MIT */
/*
 * console.c: standard input and output as the machine's terminal.
 *
 * A terminal is switched to raw mode, so that the kernel's own line editing sees
 * every key; it is given back as it was at every way out, and while the process is
 * stopped (^Z).  ^C is a byte like others, for the kernel's shell, and no signal: it
 * would also end the make that runs us.  A kernel that hangs can be left by ^\.
 *
 * Input waits in a ring that console_poll() fills, in idle times and at each tick of the
 * first CPU.  Output is collected up to the end of a line.
 *
 * Lock: `lock`, the host's, for both rings; interrupts are off, nothing waits under it but
 * for standard output.
 */
#include "hosted.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <kernel/machine.h>

#define RING 4096

const char machine_input_channel;
void (*machine_log)(const char *text, size_t len) = machine_putchars;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static char in[RING];
static unsigned in_head, in_tail;	/* head - tail bytes wait */
static bool in_ended;

static char out[RING];
static size_t out_used;

static struct termios saved;
static volatile sig_atomic_t is_raw;

/* ---- output ------------------------------------------------------------------------ */

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void flush(void)
{
	write_all(out, out_used);
	out_used = 0;
}

static unsigned long take_lock(void)
{
	unsigned long flags = arch_irq_save();

	pthread_mutex_lock(&lock);
	return flags;
}

static void release_lock(unsigned long flags)
{
	pthread_mutex_unlock(&lock);
	arch_irq_restore(flags);
}

void console_flush(void)
{
	unsigned long flags = take_lock();

	flush();
	release_lock(flags);
}

/* Whoever has the lock may have stopped for good, or be the caller. */
void console_seize(void)
{
	for (int tries = 0; pthread_mutex_trylock(&lock) && tries < 100; tries++)
		usleep(1000);
	flush();
}

void machine_putchars(const char *text, size_t len)
{
	unsigned long flags = take_lock();
	bool line_ends = false;

	for (size_t i = 0; i < len; i++) {
		if (out_used == RING)
			flush();
		out[out_used++] = text[i];
		line_ends |= text[i] == '\n' || text[i] == '\r';
	}
	if (line_ends)
		flush();
	release_lock(flags);
}

void port_log(const char *text, size_t len)
{
	machine_log(text, len);
}

/* ---- input ------------------------------------------------------------------------- */

static bool room(void)
{
	return in_head - in_tail < RING && !in_ended;
}

/* Move what is typed into the ring.  Under the lock. */
static void fill_ring(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char buf[RING];
	ssize_t n;

	if (poll(&fd, room(), 0) <= 0 || !fd.revents)
		return;
	n = read(STDIN_FILENO, buf, RING - (in_head - in_tail));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	in_ended = n <= 0;
	for (ssize_t i = 0; i < n; i++)
		in[in_head++ % RING] = buf[i];
}

void console_poll(void)
{
	unsigned long flags = take_lock();
	unsigned before = in_head;
	bool ended = in_ended, news;

	flush();
	fill_ring();
	news = in_head != before || in_ended != ended;
	release_lock(flags);
	if (news)
		port_wakeup(&machine_input_channel);
}

void console_wait(bool input, int fd, int ms)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

	if (input)
		console_flush();
	poll(fds, 1 + (input && room()), ms);
	if (fds[1].revents)
		console_poll();
}

int machine_getchar(void)
{
	unsigned long flags = take_lock();
	int c;

	if (in_head == in_tail) {
		flush();
		fill_ring();
	}
	if (in_head != in_tail)
		c = (unsigned char)in[in_tail++ % RING];
	else
		c = in_ended ? -2 : -1;
	release_lock(flags);
	return c;
}

/* ---- the terminal -------------------------------------------------------------------- */

static void make_raw(void)
{
	struct termios raw = saved;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	raw.c_cc[VINTR] = _POSIX_VDISABLE;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

void console_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	is_raw = 0;
}

static void on_end(int sig)
{
	console_restore();
	_exit(128 + sig);
}

static void on_stop(int sig)
{
	int saved_errno = errno;

	(void)sig;
	console_restore();
	raise(SIGSTOP);
	make_raw();
	errno = saved_errno;
}

static void handle(int sig, void (*fn)(int))
{
	struct sigaction act = { .sa_handler = fn, .sa_flags = SA_RESTART | SA_ONSTACK };

	sigaction(sig, &act, NULL);
}

void console_init(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved))
		return;
	handle(SIGINT, on_end);
	handle(SIGTERM, on_end);
	handle(SIGHUP, on_end);
	handle(SIGQUIT, on_end);
	handle(SIGTSTP, on_stop);
	atexit(console_restore);
	make_raw();
}
