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

static void show_search(struct lineedit *e)
{
	out_text(e, "\r(search) ");
	out(e, e->search, e->search_len);
	out_text(e, ": ");
	out(e, e->line, e->len);
	out_text(e, "\x1b[K");
}

void lineedit_redraw(struct lineedit *e)
{
	if (e->searching) {
		show_search(e);
		return;
	}
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

/* Words as the shell takes them: Ctrl-W. */
static unsigned blank_word_before(const struct lineedit *e)
{
	unsigned at = e->cursor;

	while (at && e->line[at - 1] == ' ')
		at--;
	while (at && e->line[at - 1] != ' ')
		at--;
	return at;
}

static bool of_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

static unsigned word_before(const struct lineedit *e)
{
	unsigned at = e->cursor;

	while (at && !of_word(e->line[at - 1]))
		at--;
	while (at && of_word(e->line[at - 1]))
		at--;
	return at;
}

static unsigned word_behind(const struct lineedit *e)
{
	unsigned at = e->cursor;

	while (at < e->len && !of_word(e->line[at]))
		at++;
	while (at < e->len && of_word(e->line[at]))
		at++;
	return at;
}

/* --- What was deleted */

static char *kill_at(struct lineedit *e, unsigned back)
{
	return e->kill[(e->kills - back) % LINEEDIT_KILLS];
}

static void kill(struct lineedit *e, unsigned from, unsigned to)
{
	if (from >= to)
		return;
	e->kills++;
	memcpy(kill_at(e, 1), e->line + from, to - from);
	kill_at(e, 1)[to - from] = '\0';
	erase(e, from, to);
}

static void yank(struct lineedit *e, unsigned back)
{
	if (back > MIN(e->kills, LINEEDIT_KILLS))
		return;
	e->yank_start = e->cursor;
	e->yank_back = back;
	insert(e, kill_at(e, back), strlen(kill_at(e, back)));
	e->yanked = true;
}

/* The one before in place of the one that was just brought back; behind the oldest the newest. */
static void yank_other(struct lineedit *e)
{
	unsigned back = e->yank_back + 1;

	erase(e, e->yank_start, e->cursor);
	yank(e, back > MIN(e->kills, LINEEDIT_KILLS) ? 1 : back);
}

static void transpose(struct lineedit *e)
{
	unsigned at = e->cursor == e->len ? e->cursor : e->cursor + 1;
	char two[2];

	if (at < 2)
		return;
	two[0] = e->line[at - 1];
	two[1] = e->line[at - 2];
	erase(e, at - 2, at);
	insert(e, two, 2);
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

/* --- Search */

static void set_line(struct lineedit *e, const char *text)
{
	str_copy(e->line, text, LINEEDIT_LINE);
	e->len = e->cursor = (unsigned)strlen(e->line);
}

static bool contains(const char *text, const char *what, unsigned len)
{
	for (; *text; text++)
		if (!strncmp(text, what, len))
			return true;
	return !len;
}

/* From so far back on the first line that has it; the present one stays if there is none. */
static void search_from(struct lineedit *e, unsigned back)
{
	for (; back <= MIN(e->history_count, LINEEDIT_HISTORY); back++) {
		if (!contains(history_at(e, back), e->search, e->search_len))
			continue;
		e->search_back = back;
		set_line(e, history_at(e, back));
		return;
	}
}

static void search_begin(struct lineedit *e)
{
	str_copy(e->typed, e->line, LINEEDIT_LINE);
	e->searching = true;
	e->search_len = 0;
	e->search_back = 0;
	show_search(e);
}

/* keep: the line that was found; else the one that was typed. */
static void search_end(struct lineedit *e, bool keep)
{
	e->searching = false;
	e->history_back = keep ? e->search_back : 0;
	if (!keep)
		set_line(e, e->typed);
	lineedit_redraw(e);
}

/* True: the key was the search's own; else it has ended, and the key means what it always does. */
static bool search_key(struct lineedit *e, u8 byte)
{
	switch (byte) {
	case CTRL('R'):
		search_from(e, e->search_back + 1);
		break;
	case CTRL('G'):
	case CTRL('C'):
		search_end(e, false);
		return true;
	case 0x7f:
	case '\b':
		e->search_len -= e->search_len > 0;
		search_from(e, 1);
		break;
	default:
		if (byte < ' ') {
			search_end(e, true);
			return false;
		}
		if (e->search_len + 1 < LINEEDIT_SEARCH)
			e->search[e->search_len++] = (char)byte;
		search_from(e, MAX(e->search_back, 1u));
	}
	show_search(e);
	return true;
}

/* --- Completion */

#define LISTED 100u /* candidates, of more only that there are more */

struct matches {
	unsigned count;
	size_t common; /* length that all share */
	char first[LINEEDIT_LINE];
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
			str_copy(m.first, c, sizeof(m.first));
			m.common = strlen(m.first);
		}
		for (size_t k = 0; k < m.common; k++)
			if (c[k] != m.first[k])
				m.common = k;
	}
	return m;
}

static void list_matches(struct lineedit *e, unsigned start)
{
	unsigned listed = 0;
	const char *c;

	out_text(e, "\n");
	for (unsigned i = 0; listed < LISTED && (c = candidate(e, start, i)); i++) {
		if (fits(e, start, c)) {
			out_text(e, c);
			out_text(e, "  ");
			listed++;
		}
	}
	out_text(e, listed == LISTED ? "...\n" : "\n");
	lineedit_redraw(e);
}

/* Where the word begins that the cursor is behind: for the shell, and a name in an expression. */
static unsigned word_start(const struct lineedit *e, bool name)
{
	unsigned start = e->cursor;

	while (start && e->line[start - 1] != ' ' && e->line[start - 1] != ';' &&
	       (!name || of_word(e->line[start - 1])))
		start--;
	return start;
}

static void complete(struct lineedit *e)
{
	unsigned start = word_start(e, false);
	struct matches m;
	size_t have;

	if (!e->ops->candidate)
		return;
	m = find_matches(e, start);
	if (!m.count) {
		start = word_start(e, true);
		if (start == e->cursor)
			return;
		m = find_matches(e, start);
	}
	have = e->cursor - start;
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

/* 1;3 and 1;5: with Alt and Ctrl. The semicolon is passed over. */
static bool with_modifier(const struct lineedit *e)
{
	return e->parameter == 13 || e->parameter == 15;
}

/* ESC and a letter: what Alt sends. */
static void alt_key(struct lineedit *e, u8 byte, bool yanked)
{
	switch (byte | 0x20) {
	case 'b':
		move_to(e, word_before(e));
		return;
	case 'f':
		move_to(e, word_behind(e));
		return;
	case 'd':
		kill(e, e->cursor, word_behind(e));
		return;
	case 'y':
		if (yanked)
			yank_other(e);
		return;
	case 0x7f:
		kill(e, word_before(e), e->cursor);
		return;
	default:
		return;
	}
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
		if (with_modifier(e))
			move_to(e, word_behind(e));
		else if (e->cursor < e->len)
			move_to(e, e->cursor + 1);
		return;
	case 'D':
		if (with_modifier(e))
			move_to(e, word_before(e));
		else if (e->cursor)
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

static bool escape_byte(struct lineedit *e, u8 byte, bool yanked)
{
	switch (e->state) {
	case LINEEDIT_TEXT:
		if (byte != 0x1b)
			return false;
		e->state = LINEEDIT_ESC;
		e->yanked = yanked; /* Alt-Y may follow */
		return true;
	case LINEEDIT_ESC:
		if (byte == 0x1b)
			return true;
		e->parameter = 0;
		e->state = byte == '[' ? LINEEDIT_CSI : byte == 'O' ? LINEEDIT_SS3 : LINEEDIT_TEXT;
		if (e->state == LINEEDIT_TEXT)
			alt_key(e, byte, yanked);
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
		e->parameter = 0;
		escape_final(e, 'D');
		return;
	case CTRL('F'):
		e->parameter = 0;
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
		kill(e, e->cursor, e->len);
		return;
	case CTRL('U'):
		kill(e, 0, e->cursor);
		return;
	case CTRL('W'):
		kill(e, blank_word_before(e), e->cursor);
		return;
	case CTRL('Y'):
		yank(e, 1);
		return;
	case CTRL('T'):
		transpose(e);
		return;
	case CTRL('R'):
		search_begin(e);
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
	bool yanked = e->yanked;
	char c = (char)byte;

	e->yanked = false;
	if (e->searching && search_key(e, byte))
		return;
	if (escape_byte(e, byte, yanked))
		return;
	if (byte >= ' ' && byte != 0x7f)
		insert(e, &c, 1);
	else
		control(e, byte);
}
