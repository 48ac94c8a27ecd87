/* SPDX-License-Identifier: MIT */
/*
 * The tables are found from the last to the first, since each tells where the one before it ends.
 */
#include "emu/dbg/dbg_kallsyms.h"

#include "emu/dbg/dbg_mem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define SCANNED	     0x3000000u /* of a kernel's image, from its page-fault handler on */
#define COUNT_MAX    (1u << 19) /* symbols: Debian's 6.1 has 100,000 */
#define TEXT_MAX     (24u * MiB)
#define NAME_MAX     511u /* of Linux, KSYM_NAME_LEN less 1 */
#define TOKENS	     256u
#define TOKEN_BYTES  8192u /* of the table at most; Linux's has 1,000 */
#define IN_FRONT     4096u /* bytes of the table in front of the digits, at most */
#define PER_MARKER   256u
#define MARKERS_AWAY (3 * COUNT_MAX + 4 * (COUNT_MAX / PER_MARKER)) /* from the tokens, at most */
#define DIGITS_SIZE  20u
#define FIRST_TOKEN  32u /* bytes of the first token, at most */

/* What is looked at costs so much of what may be spent in all: a guest that lays out half-right
 * tables everywhere keeps nobody waiting. Linux takes a tenth of it. */
#define SPENT_MAX  (8u << 20)
#define COST_PAGE  64u
#define COST_TABLE 1024u

struct window {
	gla_t at;
	unsigned len;
	u8 b[2 * PAGE_SIZE];
};

struct tables {
	struct cpu *cpu;
	u32 spent;
	struct window words, bytes; /* as last looked at */
	gla_t offsets, names, markers, tokens, index;
	u32 base, count, marker_count;
	u8 token[TOKEN_BYTES];
	u16 token_at[TOKENS];
};

static bool spend(struct tables *t, u32 cost)
{
	t->spent += cost;
	return t->spent < SPENT_MAX;
}

/* n bytes, a page at most; NULL: they are not there, or too much has been looked at. */
static const u8 *see(struct tables *t, struct window *w, gla_t gla, unsigned n)
{
	if (!spend(t, 1))
		return NULL;
	if (gla - w->at >= w->len || w->len - (gla - w->at) < n) {
		if (!spend(t, COST_PAGE))
			return NULL;
		w->at = gla & ~(PAGE_SIZE - 1);
		w->len = dbg_read(t->cpu, w->at, w->b, sizeof(w->b));
		if (w->len < gla - w->at + n)
			return NULL;
	}
	return w->b + (gla - w->at);
}

static bool word_at(struct tables *t, gla_t gla, u32 *value)
{
	const u8 *b = see(t, &t->words, gla, 4);

	if (b)
		*value = get_le32(b);
	return b;
}

/* --- Tokens */

/* Eight bytes of "0\0" "1\0" .. "9\0", which may begin with a digit or with a NUL. */
static bool may_be_digits(const u8 *b)
{
	unsigned first = b[0] ? 0 : 1;

	for (unsigned i = 0; i < 8; i++)
		if (i % 2 != first ? b[i] : b[i] != b[first] + i / 2)
			return false;
	return b[first] >= '0' && b[first] + 3 <= '9';
}

/* Where '0' lies, if the digits are around these eight bytes. */
static bool digits_around(struct cpu *cpu, gla_t gla, const u8 *seen, gla_t *zero)
{
	unsigned first = seen[0] ? 0 : 1;
	u8 b[DIGITS_SIZE];

	*zero = gla + first - 2u * (seen[first] - '0');
	if (dbg_read(cpu, *zero, b, sizeof(b)) < sizeof(b))
		return false;
	for (unsigned i = 0; i < DIGITS_SIZE; i++)
		if (b[i] != (i % 2 ? 0 : '0' + i / 2))
			return false;
	return true;
}

/* The table begins '0' texts in front of the text of '0': behind another's NUL, or, at a multiple
 * of 4, behind other bytes. It may begin from *first on, and its first text ends at *end. */
static bool table_start(struct cpu *cpu, gla_t zero, gla_t *first, gla_t *end)
{
	u8 b[IN_FRONT];
	unsigned at = IN_FRONT, nuls = 0;

	*end = zero;
	if (zero < IN_FRONT || dbg_read(cpu, zero - IN_FRONT, b, IN_FRONT) < IN_FRONT)
		return false;
	while (at > 0 && nuls <= '0') {
		nuls += !b[--at];
		if (nuls == '0' && !b[at])
			*end = zero - IN_FRONT + at;
	}
	*first = MAX(zero - IN_FRONT + at + 1, *end - MIN(*end, FIRST_TOKEN));
	return nuls >= '0';
}

/* Reads the table and proves it by its index. */
static bool read_tokens(struct tables *t, gla_t start)
{
	unsigned n = 0, at = 0, have = dbg_read(t->cpu, start, t->token, TOKEN_BYTES);
	u8 index[2 * TOKENS];

	while (n < TOKENS && at < have) {
		t->token_at[n++] = (u16)at;
		while (at < have && t->token[at])
			at++;
		at++;
	}
	if (n < TOKENS || at > have)
		return false;
	t->tokens = start;
	t->index = (start + at + 3) & ~3u;
	if (dbg_read(t->cpu, t->index, index, sizeof(index)) < sizeof(index))
		return false;
	for (n = 0; n < TOKENS; n++)
		if (get_le16(index + 2 * n) != t->token_at[n])
			return false;
	return true;
}

/* Is the table around the digits that these bytes may be of? */
static bool tokens_around(struct tables *t, gla_t gla, const u8 *seen)
{
	gla_t zero, first, end;

	if (!digits_around(t->cpu, gla, seen, &zero) || !table_start(t->cpu, zero, &first, &end))
		return false;
	for (gla_t start = (first + 3) & ~3u; start < end && spend(t, COST_TABLE); start += 4)
		if (read_tokens(t, start))
			return true;
	return false;
}

static bool tokens_on_page(struct tables *t, gla_t page)
{
	u8 b[PAGE_SIZE];

	if (dbg_read(t->cpu, page, b, sizeof(b)) < sizeof(b))
		return false;
	for (unsigned i = 0; i < PAGE_SIZE; i += 8)
		if (may_be_digits(b + i) && spend(t, COST_TABLE) &&
		    tokens_around(t, page + i, b + i))
			return true;
	return false;
}

/* --- Markers and names */

/* Do n markers that begin at `at` end where the tokens begin, or the sequence numbers of a number
 * of names that so many markers have? */
static bool markers_fit(const struct tables *t, gla_t at, u32 n)
{
	u32 left = t->tokens - at - 4 * n;

	for (u32 count = left / 3; count + 1 >= left / 3 && count > PER_MARKER * (n - 1); count--)
		if (((3 * count + 3) & ~3u) == left && count <= PER_MARKER * n)
			return true;
	return !left;
}

/* How many words from here on ascend as markers do, from 0. */
static u32 ascending(struct tables *t, gla_t at)
{
	u32 value, before = 0, n = 0;

	while (at + 4 * n < t->tokens && word_at(t, at + 4 * n, &value)) {
		u32 step = value - before;

		if (n ? step < 2 * PER_MARKER || step > PER_MARKER * (NAME_MAX + 2) : value)
			break;
		before = value;
		n++;
	}
	return n;
}

/* Backwards from the tokens. What lies between may ascend by chance, too. */
static bool find_markers(struct tables *t)
{
	u32 value;

	for (gla_t at = (t->tokens & ~3u) - 4; t->tokens - at < MARKERS_AWAY && at >= 4; at -= 4) {
		if (!word_at(t, at, &value))
			return false;
		if (value)
			continue;
		for (u32 n = ascending(t, at), tries = 0; n > 1 && tries < 4; n--, tries++) {
			if (!markers_fit(t, at, n))
				continue;
			t->markers = at;
			t->marker_count = n;
			return true;
		}
	}
	return false;
}

/* The length of a name's tokens at *at, which goes behind it; 0: there is none. */
static unsigned name_length(struct tables *t, gla_t *at)
{
	const u8 *b = see(t, &t->bytes, *at, 2);
	unsigned n;

	if (!b)
		return 0;
	n = b[0] & 0x7f;
	*at += 1;
	if (b[0] & 0x80) {
		n |= (unsigned)b[1] << 7;
		*at += 1;
	}
	return n;
}

/* Passes over n names from *at on. */
static bool skip_names(struct tables *t, gla_t *at, u32 n, gla_t end)
{
	while (n--) {
		unsigned len = name_length(t, at);

		if (!len || len > NAME_MAX || end - *at < len || *at > end)
			return false;
		*at += len;
	}
	return true;
}

/* Do so many names from here on end at the markers, and lie where these say? */
static bool names_are_at(struct tables *t, gla_t names, u32 count)
{
	u32 marker, next;
	gla_t at;

	if (!word_at(t, t->markers + 4 * (t->marker_count - 1), &marker))
		return false;
	/* The last ones first: there most candidates fail. */
	at = names + marker;
	if (marker > t->markers - names ||
	    !skip_names(t, &at, count - PER_MARKER * (t->marker_count - 1), t->markers) ||
	    ((at + 3) & ~3u) != t->markers)
		return false;
	for (u32 i = 0; i + 1 < t->marker_count; i++) {
		if (!word_at(t, t->markers + 4 * i, &marker) ||
		    !word_at(t, t->markers + 4 * (i + 1), &next))
			return false;
		at = names + marker;
		if (!skip_names(t, &at, PER_MARKER, t->markers) || at != names + next)
			return false;
	}
	return true;
}

static bool find_names(struct tables *t)
{
	u32 last, least = PER_MARKER * (t->marker_count - 1) + 1;
	gla_t high, low;

	if (!word_at(t, t->markers + 4 * (t->marker_count - 1), &last) ||
	    last >= t->markers - PAGE_SIZE)
		return false;
	high = (t->markers - last) & ~3u;
	low = high - MIN(high - PAGE_SIZE, PER_MARKER * (NAME_MAX + 2) + 4);
	for (gla_t at = high; at > low; at -= 4) {
		u32 count;

		if (!word_at(t, at - 4, &count))
			return false;
		if (count - least >= PER_MARKER || !names_are_at(t, at, count))
			continue;
		t->names = at;
		t->count = count;
		return true;
	}
	return false;
}

/* --- Addresses */

static bool find_offsets(struct tables *t)
{
	u32 value, before = 0;

	if (t->count > COUNT_MAX || t->names < 12 + 4 * t->count ||
	    !word_at(t, t->names - 8, &t->base))
		return false;
	t->offsets = t->names - 8 - 4 * t->count;
	for (u32 i = 0; i < t->count; i++) {
		if (!word_at(t, t->offsets + 4 * i, &value) || value < before ||
		    value > UINT32_MAX - t->base)
			return false;
		before = value;
	}
	return true;
}

/* --- All names in words */

struct writer {
	char *text; /* NULL: it is counted only */
	u32 len;
};

static bool add_text(struct writer *w, const u8 *text)
{
	size_t n = strlen((const char *)text);

	if (n > TEXT_MAX - w->len)
		return false;
	if (w->text)
		memcpy(w->text + w->len, text, n);
	w->len += (u32)n;
	return true;
}

/* One name at *at, its kind in front. */
static bool add_name(struct tables *t, gla_t *at, struct writer *w)
{
	unsigned len = name_length(t, at);
	const u8 *b = len && len <= NAME_MAX ? see(t, &t->bytes, *at, len) : NULL;

	if (!b)
		return false;
	*at += len;
	for (unsigned i = 0; i < len; i++)
		if (!add_text(w, t->token + t->token_at[b[i]]))
			return false;
	return true;
}

/* The guest may write meanwhile only if the VM runs between the two passes, which it does not. */
static bool each_name(struct tables *t, struct writer *w, struct dbg_symbols *s)
{
	gla_t at = t->names;

	for (u32 i = 0; i < t->count; i++) {
		u32 from = w->len, offset;

		if (!add_name(t, &at, w) || w->len - from < 2)
			return false;
		if (!s)
			continue;
		if (!word_at(t, t->offsets + 4 * i, &offset))
			return false;
		s->at[i] = (struct dbg_symbol){ t->base + offset, from + 1, w->len - from - 1 };
	}
	return true;
}

static const char *write_all(struct tables *t, struct dbg_symbols *s)
{
	struct writer w = { 0 };

	if (!each_name(t, &w, NULL))
		return "its names are damaged";
	w.text = mem_alloc(w.len + 1);
	s->at = mem_alloc(t->count * sizeof(*s->at));
	s->own_text = w.text;
	s->text = w.text;
	if (!w.text || !s->at) {
		dbg_symbols_free(s);
		return "no memory for its names";
	}
	w.len = 0;
	if (!each_name(t, &w, s)) {
		dbg_symbols_free(s);
		return "its names are damaged";
	}
	s->count = t->count;
	return NULL;
}

/* --- Where */

/* The handler of page faults: in the kernel's image, in front of its read-only data. */
static bool handler(struct cpu *cpu, gla_t *gla)
{
	u8 gate[8];

	if (!cpu_protected(cpu) || dbg_read(cpu, cpu->idtr.base + 8 * VEC_PF, gate, 8) < 8)
		return false;
	*gla = (get_le16(gate) | (u32)get_le16(gate + 6) << 16);
	return true;
}

static bool find_tokens(struct tables *t, gla_t from)
{
	u32 pages = MIN(SCANNED, UINT32_MAX - from) >> PAGE_SHIFT;

	for (u32 i = 0; i < pages; i++)
		if (tokens_on_page(t, from + (i << PAGE_SHIFT)))
			return true;
	return false;
}

const char *dbg_kallsyms_load(struct cpu *cpu, struct dbg_symbols *s)
{
	struct tables *t = mem_alloc(sizeof(*t));
	const char *why;
	gla_t from;

	*s = (struct dbg_symbols){ 0 };
	if (!t)
		return "no memory";
	t->cpu = cpu;
	if (!handler(cpu, &from) || !find_tokens(t, from & ~(PAGE_SIZE - 1)))
		why = "no Linux with names of its own is there";
	else if (!find_markers(t) || !find_names(t) || !find_offsets(t))
		why = "its names are of another layout than Linux 4.6 to 6.3 has";
	else
		why = write_all(t, s);
	mem_free(t);
	return why;
}
