/* SPDX-License-Identifier: MIT */
/*
 * The line editor. The screen is kept right by small means: after each change the tail behind the
 * cursor is printed again, the rest of the terminal's line erased, and the cursor moved back.
 */
#include "kernel/lib/lineedit.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define CTRL(c) ((c)-64)

static void out(struct lineedit *e, const char *s, size_t n)
{
	e->ops->out(e->ops->ctx, s, n);
}

static void out_text(struct lineedit *e, const char *s)
{
	out(e, s, strlen(s));
}

static void cursor_back(struct lineedit *e, unsigned n)
{
	char seq[16];

	if (n)
		out(e, seq, (size_t)fmt_print(seq, sizeof(seq), "\x1b[%uD", n));
}

/* Prints from column `from` on, then puts the cursor where it belongs. */
static void show_tail(struct lineedit *e, unsigned from)
{
	out(e, e->line + from, e->len - from);
	out_text(e, "\x1b[K");
	cursor_back(e, e->len - e->cursor);
}

void lineedit_redraw(struct lineedit *e)
{
	out_text(e, "\r");
	out_text(e, e->prompt);
	show_tail(e, 0);
}

void lineedit_init(struct lineedit *e, const struct lineedit_ops *ops, const char *prompt)
{
	memset(e, 0, sizeof(*e));
	e->ops = ops;
	e->prompt = prompt;
}

static void move_to(struct lineedit *e, unsigned column)
{
	if (column < e->cursor)
		cursor_back(e, e->cursor - column);
	else
		out(e, e->line + e->cursor, column - e->cursor);
	e->cursor = column;
}

static void insert(struct lineedit *e, const char *s, size_t n)
{
	if (e->len + n >= LINEEDIT_LINE)
		return;
	memmove(e->line + e->cursor + n, e->line + e->cursor, e->len - e->cursor);
	memcpy(e->line + e->cursor, s, n);
	e->len += (unsigned)n;
	e->line[e->len] = '\0';

	unsigned from = e->cursor;

	e->cursor += (unsigned)n;
	show_tail(e, from);
}

/* Removes [from, to), leaves the cursor at from. */
static void erase(struct lineedit *e, unsigned from, unsigned to)
{
	if (from >= to)
		return;
	move_to(e, from);
	memmove(e->line + from, e->line + to, e->len - to);
	e->len -= to - from;
	e->line[e->len] = '\0';
	show_tail(e, from);
}

static unsigned word_before(const struct lineedit *e)
{
	unsigned at = e->cursor;

	while (at && e->line[at - 1] == ' ')
		at--;
	while (at && e->line[at - 1] != ' ')
		at--;
	return at;
}

/* --- History */

static char *history_at(struct lineedit *e, unsigned back)
{
	return e->history[(e->history_count - back) % LINEEDIT_HISTORY];
}

static void history_add(struct lineedit *e)
{
	if (!e->len || (e->history_count && !strcmp(history_at(e, 1), e->line)))
		return;
	e->history_count++;
	str_copy(history_at(e, 1), e->line, LINEEDIT_LINE);
}

static void history_go(struct lineedit *e, unsigned back)
{
	if (back > MIN(e->history_count, LINEEDIT_HISTORY))
		return;
	if (!e->history_back)
		str_copy(e->typed, e->line, LINEEDIT_LINE);
	e->history_back = back;
	move_to(e, 0);
	str_copy(e->line, back ? history_at(e, back) : e->typed, LINEEDIT_LINE);
	e->len = e->cursor = (unsigned)strlen(e->line);
	show_tail(e, 0);
}

/* --- Completion */

struct matches {
	unsigned count;
	size_t common; /* length that all share */
	const char *first;
};

static const char *candidate(struct lineedit *e, unsigned start, unsigned i)
{
	return e->ops->candidate(e->ops->ctx, e->line, start, i);
}

static bool fits(const struct lineedit *e, unsigned start, const char *c)
{
	return !strncmp(c, e->line + start, e->cursor - start);
}

static struct matches find_matches(struct lineedit *e, unsigned start)
{
	struct matches m = { 0 };
	const char *c;

	for (unsigned i = 0; (c = candidate(e, start, i)); i++) {
		if (!fits(e, start, c))
			continue;
		if (!m.count++) {
			m.first = c;
			m.common = strlen(c);
		}
		for (size_t k = 0; k < m.common; k++)
			if (c[k] != m.first[k])
				m.common = k;
	}
	return m;
}

static void list_matches(struct lineedit *e, unsigned start)
{
	const char *c;

	out_text(e, "\n");
	for (unsigned i = 0; (c = candidate(e, start, i)); i++) {
		if (fits(e, start, c)) {
			out_text(e, c);
			out_text(e, "  ");
		}
	}
	out_text(e, "\n");
	lineedit_redraw(e);
}

static void complete(struct lineedit *e)
{
	unsigned start = e->cursor;

	if (!e->ops->candidate)
		return;
	while (start && e->line[start - 1] != ' ')
		start--;

	struct matches m = find_matches(e, start);
	size_t have = e->cursor - start;

	if (!m.count)
		return;
	if (m.common > have)
		insert(e, m.first + have, m.common - have);
	else if (m.count > 1)
		list_matches(e, start);
	if (m.count == 1 && e->cursor == e->len)
		insert(e, " ", 1);
}

/* --- Keys */

static void submit(struct lineedit *e)
{
	char line[LINEEDIT_LINE];

	out_text(e, "\n");
	history_add(e);
	str_copy(line, e->line, sizeof(line));
	e->len = e->cursor = e->history_back = 0;
	e->line[0] = '\0';
	e->ops->submit(e->ops->ctx, line);
}

static void drop_line(struct lineedit *e)
{
	out_text(e, "^C\n");
	e->len = e->cursor = e->history_back = 0;
	e->line[0] = '\0';
	lineedit_redraw(e);
}

/* The last byte of ESC [ parameter final, or of ESC O final. */
static void escape_final(struct lineedit *e, u8 final)
{
	switch (final) {
	case 'A':
		history_go(e, e->history_back + 1);
		return;
	case 'B':
		if (e->history_back)
			history_go(e, e->history_back - 1);
		return;
	case 'C':
		if (e->cursor < e->len)
			move_to(e, e->cursor + 1);
		return;
	case 'D':
		if (e->cursor)
			move_to(e, e->cursor - 1);
		return;
	case 'H':
		move_to(e, 0);
		return;
	case 'F':
		move_to(e, e->len);
		return;
	case '~':
		if (e->parameter == 1 || e->parameter == 7)
			move_to(e, 0);
		else if (e->parameter == 4 || e->parameter == 8)
			move_to(e, e->len);
		else if (e->parameter == 3 && e->cursor < e->len)
			erase(e, e->cursor, e->cursor + 1);
		return;
	default:
		return;
	}
}

static bool escape_byte(struct lineedit *e, u8 byte)
{
	switch (e->state) {
	case LINEEDIT_TEXT:
		if (byte != 0x1b)
			return false;
		e->state = LINEEDIT_ESC;
		return true;
	case LINEEDIT_ESC:
		if (byte == 0x1b)
			return true;
		e->parameter = 0;
		e->state = byte == '[' ? LINEEDIT_CSI : byte == 'O' ? LINEEDIT_SS3 : LINEEDIT_TEXT;
		return true;
	case LINEEDIT_CSI:
		if (byte >= '0' && byte <= '9' && e->parameter < 100) {
			e->parameter = e->parameter * 10 + byte - '0';
			return true;
		}
		if (byte < 0x40)
			return true;
		break;
	case LINEEDIT_SS3:
		break;
	}
	e->state = LINEEDIT_TEXT;
	escape_final(e, byte);
	return true;
}

static void control(struct lineedit *e, u8 byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		submit(e);
		return;
	case '\t':
		complete(e);
		return;
	case 0x7f:
	case '\b':
		if (e->cursor)
			erase(e, e->cursor - 1, e->cursor);
		return;
	case CTRL('A'):
		move_to(e, 0);
		return;
	case CTRL('E'):
		move_to(e, e->len);
		return;
	case CTRL('B'):
		escape_final(e, 'D');
		return;
	case CTRL('F'):
		escape_final(e, 'C');
		return;
	case CTRL('P'):
		escape_final(e, 'A');
		return;
	case CTRL('N'):
		escape_final(e, 'B');
		return;
	case CTRL('D'):
		if (e->cursor < e->len)
			erase(e, e->cursor, e->cursor + 1);
		return;
	case CTRL('K'):
		erase(e, e->cursor, e->len);
		return;
	case CTRL('U'):
		erase(e, 0, e->cursor);
		return;
	case CTRL('W'):
		erase(e, word_before(e), e->cursor);
		return;
	case CTRL('L'):
		out_text(e, "\x1b[H\x1b[2J");
		lineedit_redraw(e);
		return;
	case CTRL('C'):
		drop_line(e);
		return;
	default:
		return;
	}
}

void lineedit_input(struct lineedit *e, u8 byte)
{
	char c = (char)byte;

	if (escape_byte(e, byte))
		return;
	if (byte >= ' ' && byte != 0x7f)
		insert(e, &c, 1);
	else
		control(e, byte);
}
