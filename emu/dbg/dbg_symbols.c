/* SPDX-License-Identifier: MIT */
/*
 * Symbols are counted first and then taken, by the same reader. Whatever is in the file, nothing
 * outside of it is read.
 */
#include "emu/dbg/dbg_symbols.h"

#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

#define NEAR (1u << 20)

/* Takes one; while there is no table, counts it. */
struct taker {
	struct dbg_symbols *s;
	u32 room;
};

static void take(struct taker *t, u64 value, size_t name, size_t len)
{
	if (value > 0xffffffff || !len)
		return;
	if (t->s->count < t->room)
		t->s->at[t->s->count] = (struct dbg_symbol){ (u32)value, (u32)name, (u32)len };
	t->s->count++;
}

/* --- Lines: "c1000000 T _text", "7c00 start", # and the rest are passed over */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The word at *at, in front of end; its length. */
static size_t word(const char *text, size_t *at, size_t end)
{
	size_t n = 0;

	while (*at < end && blank(text[*at]))
		(*at)++;
	while (*at + n < end && !blank(text[*at + n]))
		n++;
	return n;
}

static void take_line(struct taker *t, const char *text, size_t at, size_t end)
{
	size_t n = word(text, &at, end);
	u64 value = 0;

	if (n > 2 && text[at] == '0' && (text[at + 1] | 0x20) == 'x') {
		at += 2;
		n -= 2;
	}
	if (!n || n > 16)
		return;
	for (size_t i = 0; i < n; i++, at++) {
		if (hex_digit(text[at]) < 0)
			return;
		value = value << 4 | (u64)hex_digit(text[at]);
	}
	n = word(text, &at, end);
	if (n == 1) { /* a letter that says its kind, if more follows */
		size_t behind = at + 1, len = word(text, &behind, end);

		if (len) {
			at = behind;
			n = len;
		}
	}
	take(t, value, at, n);
}

static void take_lines(struct taker *t, const char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t end = at;

		while (end < size && text[end] != '\n')
			end++;
		take_line(t, text, at, end);
		at = end + 1;
	}
}

/* --- ELF, of 32 or 64 bits, little-endian */

struct elf {
	const u8 *file;
	size_t size;
	bool wide;
};

/* n bytes as a number; what is not there is 0. */
static u64 field(const struct elf *e, u64 at, unsigned n)
{
	u64 v = 0;

	if (at < e->size && n <= e->size - at)
		memcpy(&v, e->file + at, n);
	return v;
}

struct section {
	u64 type, offset, size, link;
};

static struct section section_at(const struct elf *e, u64 n)
{
	u64 table = e->wide ? field(e, 0x28, 8) : field(e, 0x20, 4);
	u64 at = table + n * (e->wide ? 64u : 40u);

	if (e->wide)
		return (struct section){ field(e, at + 4, 4), field(e, at + 0x18, 8),
					 field(e, at + 0x20, 8), field(e, at + 0x28, 4) };
	return (struct section){ field(e, at + 4, 4), field(e, at + 0x10, 4),
				 field(e, at + 0x14, 4), field(e, at + 0x18, 4) };
}

#define SECTION_SYMBOLS 2u
#define KIND_FUNCTION	2u /* none, object, function */

static void take_elf_symbol(struct taker *t, const struct elf *e, u64 at,
			    const struct section *names)
{
	u64 name = field(e, at, 4), kind = field(e, at + (e->wide ? 4 : 12), 1) & 15;
	u64 where = field(e, at + (e->wide ? 6 : 14), 2);
	u64 value = e->wide ? field(e, at + 8, 8) : field(e, at + 4, 4);
	size_t len = 0;

	if (!where || kind > KIND_FUNCTION || name >= names->size)
		return;
	name += names->offset;
	while (name + len < e->size && e->file[name + len])
		len++;
	take(t, value, name, len);
}

static void take_elf(struct taker *t, const u8 *file, size_t size)
{
	const struct elf e = { file, size, file[4] == 2 };
	u64 sections = field(&e, e.wide ? 0x3c : 0x30, 2), entry = e.wide ? 24 : 16;

	for (u64 n = 0; n < sections; n++) {
		struct section s = section_at(&e, n), names;

		if (s.type != SECTION_SYMBOLS || s.offset > size || s.size > size - s.offset)
			continue;
		names = section_at(&e, s.link);
		if (names.offset > size || names.size > size - names.offset)
			continue;
		for (u64 at = 0; at + entry <= s.size; at += entry)
			take_elf_symbol(t, &e, s.offset + at, &names);
	}
}

/* --- Both */

static void take_all(struct taker *t, const void *file, size_t size)
{
	t->s->count = 0;
	if (size > 64 && !memcmp(file,
				 "\x7f"
				 "ELF",
				 4))
		take_elf(t, file, size);
	else
		take_lines(t, file, size);
}

/* A heap whose root is the largest: it is sorted in its place. */
static void sink(struct dbg_symbol *at, u32 root, u32 count)
{
	for (u32 child; (child = 2 * root + 1) < count; root = child) {
		const struct dbg_symbol s = at[root];

		if (child + 1 < count && at[child + 1].value > at[child].value)
			child++;
		if (s.value >= at[child].value)
			return;
		at[root] = at[child];
		at[child] = s;
	}
}

static void sort(struct dbg_symbol *at, u32 count)
{
	for (u32 i = count / 2; i-- > 0;)
		sink(at, i, count);
	for (u32 n = count; n-- > 1;) {
		const struct dbg_symbol last = at[n];

		at[n] = at[0];
		at[0] = last;
		sink(at, 0, n);
	}
}

const char *dbg_symbols_load(struct dbg_symbols *s, const void *file, size_t size)
{
	struct taker t = { .s = s };

	*s = (struct dbg_symbols){ .text = file };
	if (size > UINT32_MAX)
		return "larger than 4 GiB";
	take_all(&t, file, size);
	if (!s->count)
		return "no symbols: neither an ELF file with a symbol table, nor lines of "
		       "addresses "
		       "and names";
	s->at = mem_alloc(s->count * sizeof(*s->at));
	if (!s->at) {
		s->count = 0;
		return "no memory for its symbols";
	}
	t.room = s->count;
	take_all(&t, file, size);
	sort(s->at, s->count);
	return NULL;
}

void dbg_symbols_free(struct dbg_symbols *s)
{
	mem_free(s->at);
	mem_free(s->own_text);
	*s = (struct dbg_symbols){ 0 };
}

static bool is_called(const struct dbg_symbols *s, const struct dbg_symbol *a, const char *name,
		      size_t len)
{
	return a->len == len && !memcmp(s->text + a->name, name, len);
}

bool dbg_symbols_value(const struct dbg_symbols *s, const char *name, u32 *value)
{
	size_t len = strlen(name);

	for (u32 i = 0; s && i < s->count; i++) {
		if (!is_called(s, &s->at[i], name, len))
			continue;
		*value = s->at[i].value;
		return true;
	}
	return false;
}

const struct dbg_symbol *dbg_symbols_near(const struct dbg_symbols *s, u32 address)
{
	u32 low = 0, high = s ? s->count : 0;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (s->at[middle].value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address - s->at[low - 1].value < NEAR ? &s->at[low - 1] : NULL;
}

void dbg_add_symbol(struct dbg_line *l, const struct dbg_symbols *s, u32 address)
{
	const struct dbg_symbol *a = dbg_symbols_near(s, address);

	if (!a)
		return;
	dbg_add(l, " <%.*s", (int)a->len, s->text + a->name);
	if (address != a->value)
		dbg_add(l, "+%x", address - a->value);
	dbg_add(l, ">");
}

static bool contains(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!memcmp(text + i, word, n))
			return true;
	return false;
}

u32 dbg_print_symbols(const struct dbg_symbols *s, const char *word, u32 n,
		      const struct dbg_out *out)
{
	u32 found = 0;

	for (u32 i = 0; s && i < s->count; i++) {
		const struct dbg_symbol *a = &s->at[i];

		if (contains(s->text + a->name, a->len, word) && found++ < n)
			dbg_print(out, "%08x  %.*s", a->value, (int)a->len, s->text + a->name);
	}
	return found;
}
