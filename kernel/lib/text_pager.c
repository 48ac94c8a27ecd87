/* SPDX-License-Identifier: MIT */
/*
 * The pager. A row of the screen is a line of the text, or a piece of one that is wider than the
 * terminal. Positions are offsets in the text, at the beginning of a row.
 */
#include "kernel/lib/text_pager.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define TAB 8u

/* Where the row that begins there ends, its newline included. */
static u32 row_end(const struct pager *p, u32 at)
{
	u32 column = 0;

	for (; at < p->size; at++) {
		if (p->text[at] == '\n')
			return at + 1;
		if (column >= p->columns)
			return at;
		column += p->text[at] == '\t' ? TAB - column % TAB : 1;
	}
	return at;
}

static u32 rows_on(const struct pager *p, u32 at, u32 rows)
{
	while (rows-- && at < p->size)
		at = row_end(p, at);
	return at;
}

static u32 line_start(const struct pager *p, u32 at)
{
	while (at && p->text[at - 1] != '\n')
		at--;
	return at;
}

/* So many rows back, counted from the beginning of lines. */
static u32 rows_back(const struct pager *p, u32 at, u32 rows)
{
	while (rows && at) {
		u32 start = line_start(p, at - 1), n = 0;

		for (u32 row = start; row < at; row = row_end(p, row))
			n++;
		if (n > rows)
			return rows_on(p, start, n - rows);
		rows -= n;
		at = start;
	}
	return at;
}

static void show_to(struct pager *p, u32 to)
{
	if (to > p->shown)
		p->out(p->text + p->shown, to - p->shown);
	p->shown = MAX(p->shown, to);
}

void pager_begin(struct pager *p, bool passes)
{
	p->rows = PAGER_ROWS;
	p->columns = PAGER_WIDTH;
	p->size = p->shown = p->page = 0;
	p->passes = passes;
	p->typing = p->prompt = false;
	p->search_len = 0;
}

void pager_print(struct pager *p, const char *s, size_t n)
{
	if (!p->passes && n > PAGER_ROOM - p->size)
		pager_flush(p);
	if (p->passes) {
		p->out(s, n);
		return;
	}
	memcpy(p->text + p->size, s, n);
	p->size += (u32)n;
	/* What certainly stands on the first page needs no waiting. */
	show_to(p, rows_on(p, 0, PAGER_ROWS - 2));
}

void pager_flush(struct pager *p)
{
	pager_hide(p);
	show_to(p, p->size);
	p->passes = true;
}

/* --- Keys */

void pager_hide(struct pager *p)
{
	if (p->prompt)
		p->out("\r\x1b[K", 4);
	p->prompt = false;
}

void pager_show(struct pager *p)
{
	char text[PAGER_SEARCH + 64];
	int n;

	if (p->typing)
		n = fmt_print(text, sizeof(text), "/%.*s", (int)p->search_len, p->search);
	else
		n = fmt_print(text, sizeof(text), "--more-- %u %% (space Enter b / n G q)",
			      (u32)(100ull * p->shown / p->size));
	p->out(text, MIN((size_t)n, p->columns - 1));
	p->prompt = true;
}

static bool ask(struct pager *p)
{
	if (!pager_has_more(p))
		return false;
	pager_show(p);
	return true;
}

/* What is shown begins anew at that row, with a page. */
static void jump(struct pager *p, u32 at)
{
	p->page = p->shown = at;
	show_to(p, rows_on(p, at, p->rows - 1));
}

static void forward(struct pager *p, u32 rows)
{
	u32 to = rows_on(p, p->shown, rows);

	p->page = rows_back(p, to, p->rows - 1);
	show_to(p, to);
}

static void back(struct pager *p)
{
	jump(p, rows_back(p, p->page, p->rows - 1));
}

/* The first line behind the first one on the screen that has what is looked for. */
static void find(struct pager *p)
{
	u32 from = row_end(p, p->page), last = p->size - MIN(p->size, p->search_len);

	while (from < p->size && from && p->text[from - 1] != '\n')
		from = row_end(p, from);
	for (u32 at = from; p->search_len && at <= last; at++) {
		if (strncmp(p->text + at, p->search, p->search_len))
			continue;
		p->out("...\n", 4);
		jump(p, line_start(p, at));
		return;
	}
	p->out("not found\n", 10);
}

/* A byte of what is looked for. */
static void type(struct pager *p, u8 byte)
{
	if (byte == '\r' || byte == '\n') {
		p->typing = false;
		find(p);
	} else if (byte == 0x7f || byte == '\b') {
		p->typing = p->search_len;
		p->search_len -= p->search_len > 0;
	} else if (byte >= ' ' && p->search_len < PAGER_SEARCH) {
		p->search[p->search_len++] = (char)byte;
	}
}

static bool command(struct pager *p, u8 byte)
{
	switch (byte) {
	case 'q':
	case 'Q':
		return false;
	case '\r':
	case '\n':
	case 'j':
		forward(p, 1);
		return true;
	case ' ':
	case 'f':
		forward(p, p->rows - 1);
		return true;
	case 'b':
		back(p);
		return true;
	case '/':
		p->typing = true;
		p->search_len = 0;
		return true;
	case 'n':
		find(p);
		return true;
	case 'G':
		show_to(p, p->size);
		return true;
	default:
		return true;
	}
}

bool pager_start(struct pager *p, u32 rows, u32 columns)
{
	p->rows = rows >= 2 ? rows : PAGER_ROWS;
	p->columns = columns ? columns : PAGER_WIDTH;
	show_to(p, rows_on(p, 0, p->rows - 1));
	return ask(p);
}

bool pager_key(struct pager *p, u8 byte)
{
	pager_hide(p);
	if (p->typing)
		type(p, byte);
	else if (!command(p, byte))
		return false;
	return ask(p);
}
