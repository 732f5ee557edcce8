/* SPDX-License-Identifier: MIT */
/*
 * line.c: a line editor for a serial terminal.
 *
 * The line is a byte array with a cursor between two bytes.  After each change
 * the whole visible part is drawn anew:
 *
 *	CR  prompt  text from `left` on, as much as fits  ESC[K  CR  ESC[nC
 *
 * A long line scrolls sideways: `left` is the first byte shown, chosen so that
 * the cursor stays in view.  Characters beyond ASCII are UTF-8: the cursor steps
 * over whole characters, each counted as one column wide.
 *
 * Invariants, between keys:
 *  L.1  pos <= len < LINE_MAX_LEN and buf[len] == 0.
 *  L.2  neither pos nor left stands inside a character.
 */
#include "line.h"
#include <quarry/printf.h>
#include <quarry/string.h>

#define HISTORY 32
#define CTRL(c) ((c) & 0x1f)

enum key {	/* beyond the bytes */
	KEY_LEFT = 256, KEY_RIGHT, KEY_UP, KEY_DOWN, KEY_HOME, KEY_END, KEY_DELETE,
	KEY_WORD_LEFT, KEY_WORD_RIGHT, KEY_WORD_DELETE, KEY_NONE,
};

struct line {
	const struct line_io *io;
	const char *prompt;
	char *buf;
	size_t len, pos, left;
	unsigned back;			/* lines back in the history; 0: the new one */
	bool after_cr;			/* a '\n' now belongs to the '\r' before */
	char fresh[LINE_MAX_LEN];	/* the new line, while looking at old ones */
};

static char history[HISTORY][LINE_MAX_LEN];
static unsigned history_n;		/* lines ever remembered */
static char killed[LINE_MAX_LEN];	/* what Ctrl-Y brings back */

/* ---- history -------------------------------------------------------------------- */

const char *line_history_get(unsigned i)
{
	if (i >= history_n || i >= HISTORY)
		return NULL;
	return history[(history_n - 1 - i) % HISTORY];
}

void line_history(const char *text)
{
	const char *last = line_history_get(0), *c = text;

	while (*c == ' ')
		c++;
	if (!*c || (last && strcmp(last, text) == 0))
		return;
	mm_snprintf(history[history_n++ % HISTORY], LINE_MAX_LEN, "%s", text);
}

/* ---- characters ------------------------------------------------------------------ */

/* Is this byte a later byte of a character? */
static bool inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t prev_char(const struct line *l, size_t i)
{
	while (i && inside(l->buf[--i]))
		;
	return i;
}

static size_t next_char(const struct line *l, size_t i)
{
	if (i < l->len)
		i++;
	while (i < l->len && inside(l->buf[i]))
		i++;
	return i;
}

/* Columns that bytes [from, to) take. */
static size_t width(const struct line *l, size_t from, size_t to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += !inside(l->buf[from]);
	return n;
}

static size_t word_left(const struct line *l)
{
	size_t i = l->pos;

	while (i && l->buf[i - 1] == ' ')
		i--;
	while (i && l->buf[i - 1] != ' ')
		i--;
	return i;
}

static size_t word_right(const struct line *l)
{
	size_t i = l->pos;

	while (i < l->len && l->buf[i] == ' ')
		i++;
	while (i < l->len && l->buf[i] != ' ')
		i++;
	return i;
}

/* ---- drawing --------------------------------------------------------------------- */

static void out(const struct line *l, const char *text)
{
	l->io->write(text, strlen(text));
}

/* Choose `left` so that the cursor is in view, with some text before it. */
static void scroll(struct line *l, size_t room)
{
	if (l->pos < l->left)
		l->left = l->pos;
	for (size_t shown = width(l, l->left, l->pos); shown > room; shown--)
		l->left = next_char(l, l->left);
	/* Shown from the start again as soon as all of it fits. */
	if (width(l, 0, l->len) <= room)
		l->left = 0;
}

static void draw(struct line *l)
{
	size_t prompt = strlen(l->prompt);
	size_t columns = l->io->columns(), room, stop;
	char move[16];

	room = columns > prompt + 8 ? columns - prompt - 1 : 8;
	scroll(l, room);
	for (stop = l->left; stop < l->len && room; room--)
		stop = next_char(l, stop);
	out(l, "\r");
	out(l, l->prompt);
	l->io->write(l->buf + l->left, stop - l->left);
	mm_snprintf(move, sizeof(move), "\033[K\r\033[%uC", (unsigned)(prompt + width(l, l->left, l->pos)));
	out(l, move);
}

/* ---- changing the text ------------------------------------------------------------ */

static void insert(struct line *l, const char *text, size_t n)
{
	if (n > LINE_MAX_LEN - 1 - l->len) {
		out(l, "\a");
		return;
	}
	memmove(l->buf + l->pos + n, l->buf + l->pos, l->len - l->pos + 1);
	memcpy(l->buf + l->pos, text, n);
	l->len += n;
	l->pos += n;
}

static void delete(struct line *l, size_t from, size_t to, bool keep)
{
	if (from >= to)
		return;
	if (keep) {
		memcpy(killed, l->buf + from, to - from);
		killed[to - from] = '\0';
	}
	memmove(l->buf + from, l->buf + to, l->len - to + 1);
	l->len -= to - from;
	l->pos = from;
}

static void transpose(struct line *l)
{
	size_t a, b;
	char c;

	b = l->pos == l->len ? prev_char(l, l->len) : l->pos;
	a = prev_char(l, b);
	if (b == 0 || next_char(l, a) != a + 1 || next_char(l, b) != b + 1)
		return;		/* ASCII only */
	c = l->buf[a];
	l->buf[a] = l->buf[b];
	l->buf[b] = c;
	l->pos = b + 1;
}

static void set_text(struct line *l, const char *text)
{
	mm_snprintf(l->buf, LINE_MAX_LEN, "%s", text);
	l->len = l->pos = strlen(l->buf);
	l->left = 0;
}

static void go_history(struct line *l, int step)
{
	unsigned want = l->back + (unsigned)step;
	const char *text = want ? line_history_get(want - 1) : l->fresh;

	if ((step < 0 && l->back == 0) || !text)
		return;
	if (l->back == 0)
		memcpy(l->fresh, l->buf, LINE_MAX_LEN);
	l->back = want;
	set_text(l, text);
}

/* ---- completion ------------------------------------------------------------------- */

struct candidates {
	const struct line *l;
	char prefix[LINE_MAX_LEN];	/* what stands before the cursor of the word */
	size_t prefix_len;
	unsigned n;
	size_t common;			/* bytes that all candidates share */
	size_t longest;
	char first[LINE_MAX_LEN];
	char next[LINE_MAX_LEN];	/* the smallest one that is not shown yet */
	char shown[LINE_MAX_LEN];	/* the last one that is */
};

static void take_candidate(void *arg, const char *word)
{
	struct candidates *c = arg;
	size_t i = 0;

	if (strncmp(word, c->prefix, c->prefix_len) != 0)
		return;
	if (c->n++ == 0) {
		mm_snprintf(c->first, sizeof(c->first), "%s", word);
		c->common = strlen(c->first);
	}
	while (i < c->common && word[i] == c->first[i])
		i++;
	c->common = i;
	c->longest = max(c->longest, strlen(word));
}

static void find_next(void *arg, const char *word)
{
	struct candidates *c = arg;

	if (strncmp(word, c->prefix, c->prefix_len) != 0 || strcmp(word, c->shown) <= 0)
		return;
	if (!*c->next || strcmp(word, c->next) < 0)
		mm_snprintf(c->next, sizeof(c->next), "%s", word);
}

/*
 * All candidates, sorted, in columns.  They come in any order and are too many to keep, so
 * each is looked for anew.
 */
static void list_candidates(struct candidates *c, const char *before, line_complete complete)
{
	unsigned per_row = (unsigned)((c->l->io->columns() - 1) / (c->longest + 2));
	char cell[LINE_MAX_LEN];

	per_row = max(per_row, 1u);
	for (unsigned n = 0; ; n++) {
		*c->next = '\0';
		complete(before, find_next, c);
		if (!*c->next)
			break;
		mm_snprintf(cell, sizeof(cell), "%s%-*s", n % per_row ? "" : "\n", (int)c->longest + 2,
			    c->next);
		out(c->l, cell);
		memcpy(c->shown, c->next, sizeof(c->shown));
	}
	out(c->l, "\n");
}

static void complete_word(struct line *l, line_complete complete)
{
	static struct candidates c;	/* the editor has one user: the shell */
	char before[LINE_MAX_LEN];
	size_t start = l->pos;

	while (start && l->buf[start - 1] != ' ' && l->buf[start - 1] != ';' && l->buf[start - 1] != '|')
		start--;
	memcpy(before, l->buf, l->pos);
	before[l->pos] = '\0';
	c = (struct candidates){ .l = l, .prefix_len = l->pos - start };
	memcpy(c.prefix, l->buf + start, c.prefix_len);
	complete(before, take_candidate, &c);
	if (c.n == 0) {
		out(l, "\a");
		return;
	}
	if (c.common > c.prefix_len)
		insert(l, c.first + c.prefix_len, c.common - c.prefix_len);
	else if (c.n > 1)
		list_candidates(&c, before, complete);
	if (c.n == 1 && (l->pos == l->len || l->buf[l->pos] != ' '))
		insert(l, " ", 1);
}

/* ---- keys ------------------------------------------------------------------------- */

/* The next byte; on the way there, the line is drawn again as often as others write over it. */
static int next_byte(struct line *l)
{
	int c;

	while ((c = l->io->getchar()) == LINE_REDRAW)
		draw(l);
	return c;
}

/* ESC [ digits ; digits X, as xterm, screen, vt100 and linux send it. */
static int csi_key(struct line *l)
{
	int first = 0, last = 0, c;
	bool semicolon = false;

	while ((c = next_byte(l)) == ';' || (c >= '0' && c <= '9')) {
		semicolon |= c == ';';
		last = c == ';' ? 0 : last * 10 + (c - '0');
		if (!semicolon)
			first = last;
	}
	bool ctrl = semicolon && last == 5;

	switch (c) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return ctrl ? KEY_WORD_RIGHT : KEY_RIGHT;
	case 'D': return ctrl ? KEY_WORD_LEFT : KEY_LEFT;
	case 'H': return KEY_HOME;
	case 'F': return KEY_END;
	case '~': break;
	default: return c < 0 ? c : KEY_NONE;
	}
	return first == 1 || first == 7 ? KEY_HOME : first == 4 || first == 8 ? KEY_END :
		first == 3 ? KEY_DELETE : KEY_NONE;
}

static int read_key(struct line *l)
{
	int c = next_byte(l);

	if (c != '\033')
		return c;
	c = next_byte(l);
	switch (c) {
	case '[':
	case 'O': return csi_key(l);
	case 'b': return KEY_WORD_LEFT;
	case 'f': return KEY_WORD_RIGHT;
	case 'd': return KEY_WORD_DELETE;
	default: return c < 0 ? c : KEY_NONE;
	}
}

static void move_key(struct line *l, int key)
{
	switch (key) {
	case KEY_LEFT:
	case CTRL('B'): l->pos = prev_char(l, l->pos); break;
	case KEY_RIGHT:
	case CTRL('F'): l->pos = next_char(l, l->pos); break;
	case KEY_HOME:
	case CTRL('A'): l->pos = 0; break;
	case KEY_END:
	case CTRL('E'): l->pos = l->len; break;
	case KEY_WORD_LEFT: l->pos = word_left(l); break;
	case KEY_WORD_RIGHT: l->pos = word_right(l); break;
	case KEY_UP:
	case CTRL('P'): go_history(l, 1); break;
	case KEY_DOWN:
	case CTRL('N'): go_history(l, -1); break;
	case CTRL('L'): out(l, "\033[H\033[2J"); break;
	}
}

static void edit_key(struct line *l, int key)
{
	switch (key) {
	case 127:
	case CTRL('H'): delete(l, prev_char(l, l->pos), l->pos, false); break;
	case KEY_DELETE:
	case CTRL('D'): delete(l, l->pos, next_char(l, l->pos), false); break;
	case CTRL('K'): delete(l, l->pos, l->len, true); break;
	case CTRL('U'): delete(l, 0, l->pos, true); break;
	case CTRL('W'): delete(l, word_left(l), l->pos, true); break;
	case KEY_WORD_DELETE: delete(l, l->pos, word_right(l), true); break;
	case CTRL('Y'): insert(l, killed, strlen(killed)); break;
	case CTRL('T'): transpose(l); break;
	default: move_key(l, key);
	}
}

/* A character may come as several bytes; they are drawn together. */
static void type_char(struct line *l, int first)
{
	char c[4] = { (char)first };
	size_t n = 1, want = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	int b;

	while (n < want && (b = next_byte(l)) >= 0x80)
		c[n++] = (char)b;
	if (n == want && (first < 0x80 || first >= 0xc0))
		insert(l, c, n);
}

/* Keys until the line is finished.  Return: false at end of input. */
static bool edit(struct line *l, line_complete complete)
{
	for (;;) {
		int key = read_key(l);
		bool cr = l->after_cr;

		l->after_cr = false;
		if (key == '\n' && cr)
			continue;
		if (key < 0 || (key == CTRL('D') && l->len == 0))
			return false;
		if (key == '\r' || key == '\n')
			return true;
		if (key == CTRL('C')) {
			l->pos = l->len;
			draw(l);
			out(l, "^C");
			set_text(l, "");
			return true;
		}
		if (key == '\t' && complete)
			complete_word(l, complete);
		else if (key >= ' ' && key < 256 && key != 127)
			type_char(l, key);
		else
			edit_key(l, key);
		draw(l);
	}
}

/* Without a terminal: bytes up to the end of the line; what is too long is cut. */
static bool read_plain(const struct line_io *io, char *buf)
{
	size_t n = 0;
	int c;

	while ((c = io->getchar()) >= 0 && c != '\n')
		if (n < LINE_MAX_LEN - 1 && c != '\r')
			buf[n++] = (char)c;
	buf[n] = '\0';
	return c >= 0 || n;
}

bool line_read(const struct line_io *io, const char *prompt, line_complete complete, char *buf)
{
	static struct line l;	/* too large for a kernel stack; one user */
	bool more;

	if (!io->terminal)
		return read_plain(io, buf);
	l = (struct line){ .io = io, .prompt = prompt, .buf = buf, .after_cr = l.after_cr };
	set_text(&l, "");
	draw(&l);
	more = edit(&l, complete);
	l.after_cr = true;
	if (more && l.pos != l.len) {
		l.pos = l.len;
		draw(&l);
	}
	out(&l, "\n");
	return more;
}
