/* SPDX-License-Identifier: MIT */
/*
 * console.c: text out on the serial line and the screen, bytes in from the serial
 * line and the keyboard.
 *
 * Output is polled: it works with interrupts off, before paging_init() and in a
 * panic.  A machine without a serial port (its status register reads 0xff) has the
 * screen only.  On the serial line '\n' becomes "\r\n" as terminals want it, unless
 * the command line says `notty`: then a file at the other end gets plain lines.
 *
 * The screen is the VGA's text page, 80 x 25 cells of character and colour.  It is
 * written in a shadow in ordinary memory, since reading the real one is slow, and
 * copied a line at a time; a scroll copies all.  Of the terminal's escape
 * sequences it knows what line editing uses: ESC [ n C, n D (right, left), K
 * (erase to the end of the line), J (erase all, with H before it); others are
 * swallowed.
 *
 * Input comes by interrupt (IRQ 4, IRQ 1) into a ring of RING bytes; when nobody
 * reads, the newest are dropped.
 *
 * Locking.  console_lock for output and the screen's state, input_lock for the
 * ring; neither is held while the other is taken.
 */
#include "pc.h"
#include <quarry/highmem.h>
#include <quarry/string.h>

static spinlock_t console_lock = SPINLOCK_INIT, input_lock = SPINLOCK_INIT;
static bool seized;

/* ---- serial line: a 16550 at COM1 ------------------------------------------------- */

#define COM1 0x3f8
enum { UART_DATA, UART_IER, UART_FCR, UART_LCR, UART_MCR, UART_LSR, UART_MSR, UART_SCRATCH };
#define LSR_DATA 0x01
#define LSR_THR_EMPTY 0x20

static bool have_serial, plain_lines;

static void serial_init(void)
{
	outb(COM1 + UART_SCRATCH, 0x5a);
	have_serial = inb(COM1 + UART_SCRATCH) == 0x5a && inb(COM1 + UART_LSR) != 0xff;
	if (!have_serial)
		return;
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, 0x80);	/* the next two are the divisor: 115200 / 1 */
	outb(COM1 + UART_DATA, 1);
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, 0x03);	/* 8 bits, no parity, 1 stop bit */
	outb(COM1 + UART_FCR, 0x07);	/* FIFOs on and empty */
	outb(COM1 + UART_MCR, 0x0b);	/* DTR, RTS, and OUT2: interrupts reach the PIC */
}

static void serial_put(u8 byte)
{
	/* A bound, for a line whose other end holds us up for ever. */
	for (unsigned i = 0; i < 1000000 && !(inb(COM1 + UART_LSR) & LSR_THR_EMPTY); i++)
		cpu_relax();
	outb(COM1 + UART_DATA, byte);
}

static void serial_write(const char *text, size_t len)
{
	if (!have_serial)
		return;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' && !plain_lines)
			serial_put('\r');
		serial_put((u8)text[i]);
	}
}

/* ---- screen ---------------------------------------------------------------------------- */

#define VGA_TEXT 0xb8000
#define COLS 80u
#define ROWS 25u
#define BLANK 0x0720		/* a space, light grey on black */

static u16 shadow[ROWS * COLS] __attribute__((aligned(4)));
static volatile u32 *screen;	/* two cells at a time */
static unsigned row, col;
static enum { PLAIN, ESCAPE, SEQUENCE } escape;
static unsigned escape_n;

static void paint(unsigned first, unsigned rows)
{
	for (unsigned i = first * COLS; i < (first + rows) * COLS; i += 2)
		screen[i / 2] = shadow[i] | (u32)shadow[i + 1] << 16;
}

static void blank(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		shadow[i] = BLANK;
}

static void new_line(void)
{
	paint(row, 1);
	col = 0;
	if (++row < ROWS)
		return;
	row = ROWS - 1;
	memmove(shadow, shadow + COLS, (ROWS - 1) * COLS * sizeof(*shadow));
	blank(row * COLS, ROWS * COLS);
	paint(0, ROWS);
}

static void escape_end(u8 c)
{
	unsigned n = escape_n ? escape_n : 1;

	escape = PLAIN;
	switch (c) {
	case 'C':
		col = min(col + n, COLS - 1);
		break;
	case 'D':
		col = col > n ? col - n : 0;
		break;
	case 'H':
		row = col = 0;
		break;
	case 'J':
		blank(row * COLS + col, ROWS * COLS);
		paint(row, ROWS - row);
		break;
	case 'K':
		blank(row * COLS + col, (row + 1) * COLS);
		break;
	}
}

static void escape_byte(u8 c)
{
	if (escape == ESCAPE) {
		escape = c == '[' ? SEQUENCE : PLAIN;
		escape_n = 0;
	} else if (c >= '0' && c <= '9') {
		escape_n = escape_n * 10 + c - '0';
	} else if (c >= '@') {
		escape_end(c);
	}
}

static void screen_put(u8 c)
{
	if (escape != PLAIN) {
		escape_byte(c);
	} else if (c == '\n') {
		new_line();
	} else if (c == '\r') {
		col = 0;
	} else if (c == '\b') {
		col -= col > 0;
	} else if (c == '\t') {
		col = min((col + 8) & ~7u, COLS - 1);
	} else if (c == 0x1b) {
		escape = ESCAPE;
	} else if (c >= ' ') {
		if (col == COLS)
			new_line();
		shadow[row * COLS + col++] = (u16)(0x0700 | c);
	}
}

static void screen_cursor(void)
{
	unsigned at = row * COLS + min(col, COLS - 1);

	outb(0x3d4, 14);
	outb(0x3d5, (u8)(at >> 8));
	outb(0x3d4, 15);
	outb(0x3d5, (u8)at);
}

static void screen_write(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		screen_put((u8)text[i]);
	paint(row, 1);
	screen_cursor();
}

/* ---- output ------------------------------------------------------------------------------ */

void console_init(void)
{
	screen = __va(VGA_TEXT);
	blank(0, ROWS * COLS);
	paint(0, ROWS);
	serial_init();
}

void console_write(const char *text, size_t len)
{
	unsigned long flags;

	if (seized) {
		serial_write(text, len);
		screen_write(text, len);
		return;
	}
	flags = spin_lock_irqsave(&console_lock);
	serial_write(text, len);
	screen_write(text, len);
	spin_unlock_irqrestore(&console_lock, flags);
}

void machine_putchars(const char *text, size_t len)
{
	console_write(text, len);
}

void (*machine_log)(const char *text, size_t len) = machine_putchars;

void port_log(const char *text, size_t len)
{
	machine_log(text, len);
}

void console_seize(void)
{
	seized = true;
	machine_log = machine_putchars;
}

/* ---- input --------------------------------------------------------------------------------- */

#define RING 4096

const char machine_input_channel = 0;
static u8 ring[RING];
static unsigned ring_in, ring_out;	/* counted on without end; modulo RING when used */

static void input(u8 byte)
{
	unsigned long flags = spin_lock_irqsave(&input_lock);

	if (ring_in - ring_out < RING)
		ring[ring_in++ % RING] = byte;
	spin_unlock_irqrestore(&input_lock, flags);
}

static void input_text(const char *text)
{
	while (*text)
		input((u8)*text++);
}

int machine_getchar(void)
{
	unsigned long flags = spin_lock_irqsave(&input_lock);
	int c = -1;

	if (ring_in != ring_out)
		c = ring[ring_out++ % RING];
	spin_unlock_irqrestore(&input_lock, flags);
	return c;
}

/* ---- keyboard: what the 8042 says of each key, as "scan code set 1" ----------------------- */

#define KEYBOARD_DATA 0x60
#define KEYBOARD_STATUS 0x64

static const char keys[2][58] = {
	"\0\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ",
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ",
};

enum { KEY_CTRL = 0x1d, KEY_SHIFT_LEFT = 0x2a, KEY_SHIFT_RIGHT = 0x36, KEY_EXTENDED = 0xe0, KEY_UP = 0x80 };

/* The keys with a code of two bytes that line editing knows, as a terminal sends them. */
static const char *extended_key(u8 code)
{
	switch (code) {
	case 0x47: return "\033[H";
	case 0x48: return "\033[A";
	case 0x4b: return "\033[D";
	case 0x4d: return "\033[C";
	case 0x4f: return "\033[F";
	case 0x50: return "\033[B";
	case 0x53: return "\033[3~";
	default: return "";
	}
}

static void key(u8 code)
{
	static bool shift, ctrl, extended;
	bool down = !(code & KEY_UP), was_extended = extended;
	u8 base = code & 0x7f;

	extended = code == KEY_EXTENDED;
	if (extended)
		return;
	if (base == KEY_CTRL)
		ctrl = down;
	else if (base == KEY_SHIFT_LEFT || base == KEY_SHIFT_RIGHT)
		shift = was_extended ? shift : down;
	else if (was_extended && down && base != 0x1c && base != 0x35)
		input_text(extended_key(base));
	else if (down && base < sizeof(keys[0]) && keys[shift][base])
		input((u8)(ctrl ? keys[shift][base] & 0x1f : keys[shift][base]));
}

void console_interrupt(void)
{
	while (have_serial && (inb(COM1 + UART_LSR) & LSR_DATA))
		input(inb(COM1 + UART_DATA));
	/* Status 0xff: no keyboard controller.  Bit 5: a mouse's byte. */
	for (u8 s = inb(KEYBOARD_STATUS); s != 0xff && (s & 1); s = inb(KEYBOARD_STATUS)) {
		u8 code = inb(KEYBOARD_DATA);

		if (!(s & 0x20))
			key(code);
	}
	port_wakeup(&machine_input_channel);
}

void console_late_init(void)
{
	set_fixmap_nocache(FIX_VGA, VGA_TEXT);
	screen = (volatile u32 *)fix_to_virt(FIX_VGA);
	plain_lines = cmdline_has("notty");
	if (have_serial)
		outb(COM1 + UART_IER, 0x01);
	pic_enable(4);
	pic_enable(1);
}
