/* SPDX-License-Identifier: MIT */
/*
 * Counted stacks.
 */
#include "emu/dbg/dbg_profile.h"

#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"

#define PROBES	   32u /* of the table, for one stack */
#define COUNT_ROOM 16u /* of a line */
#define NAME_SHOWN 100u

int profile_create(struct profile *p, u32 size)
{
	*p = (struct profile){ .stack = mem_alloc(size * sizeof(*p->stack)), .size = size };
	return p->stack ? 0 : E_NOMEM;
}

void profile_destroy(struct profile *p)
{
	mem_free(p->stack);
	p->stack = NULL;
}

static u32 hash_of(u8 mark, const u32 *at, unsigned depth)
{
	u32 h = mark;

	for (unsigned i = 0; i < depth; i++)
		h = (h ^ at[i]) * 0x9e3779b1u;
	return h ^ h >> 15;
}

static bool same(const struct profile_stack *s, u8 mark, const u32 *at, unsigned depth)
{
	return s->depth == depth && s->mark == mark && !memcmp(s->at, at, depth * sizeof(*at));
}

void profile_add(struct profile *p, u8 mark, const u32 *at, unsigned depth)
{
	u32 h = hash_of(mark, at, depth);

	p->samples++;
	for (unsigned i = 0; i < PROBES; i++) {
		struct profile_stack *s = &p->stack[(h + i) & (p->size - 1)];

		if (!s->count) {
			s->depth = (u8)depth;
			s->mark = mark;
			memcpy(s->at, at, depth * sizeof(*at));
		} else if (!same(s, mark, at, depth)) {
			continue;
		}
		s->count++;
		return;
	}
	p->lost++;
}

unsigned profile_walk(struct cpu *cpu, u32 eip, u32 ebp, u32 *at, unsigned n)
{
	u32 code = cpu->seg[SEG_CS].base, stack = cpu->seg[SEG_SS].base, below = 0;
	unsigned size = cpu->seg[SEG_CS].attr & SEG_ATTR_DB ? 4 : 2, depth = 1;
	u32 frame = size == 4 ? ebp : (u16)ebp;

	at[0] = code + eip;
	/* Stacks grow downwards: a caller's frame lies above. */
	for (; depth < n && frame > below; depth++) {
		u32 next = 0, ret = 0;

		if (dbg_read(cpu, stack + frame, &next, size) < size ||
		    dbg_read(cpu, stack + frame + size, &ret, size) < size || !ret)
			break;
		at[depth] = code + ret;
		below = frame;
		frame = next;
	}
	return depth;
}

/* --- Summing up */

unsigned profile_collect(const struct profile *p, struct profile_row *row,
			 bool (*key_of)(const void *ctx, const struct profile_stack *s, u32 key[2]),
			 const void *ctx)
{
	unsigned rows = 0;

	for (u32 i = 0; i < p->size; i++) {
		const struct profile_stack *s = &p->stack[i];
		u32 key[2] = { 0 };
		unsigned k = 0;

		if (!s->count || !key_of(ctx, s, key))
			continue;
		while (k < rows && (row[k].key[0] != key[0] || row[k].key[1] != key[1]))
			k++;
		if (k == rows)
			row[rows++] = (struct profile_row){ .key = { key[0], key[1] } };
		row[k].count += s->count;
		row[k].marks[s->mark % PROFILE_MARKS] += s->count;
	}
	return rows;
}

struct profile_row *profile_hottest(struct profile_row *row, unsigned rows)
{
	struct profile_row *best = row;

	for (unsigned k = 1; k < rows; k++)
		if (row[k].count > best->count)
			best = &row[k];
	return best;
}

/* The function that holds the innermost address, or the address. */
static bool function_of(const void *symbols, const struct profile_stack *s, u32 key[2])
{
	const struct dbg_symbol *near = dbg_symbols_near(symbols, s->at[0]);

	key[0] = near ? near->value : s->at[0];
	return true;
}

/* --- Printing */

static void print_row(const struct profile *p, const struct profile_row *r,
		      const struct dbg_symbols *symbols, const char *const *mark,
		      const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "%7u %6s", r->count, figure_share(r->count, p->samples).text);
	for (unsigned m = 0; mark[m]; m++)
		dbg_add(&l, " %*s", (int)MAX(strlen(mark[m]), 5u),
			figure_share(r->marks[m], r->count).text);
	dbg_add(&l, "  %08x", r->key[0]);
	dbg_add_symbol(&l, symbols, r->key[0]);
	dbg_end(&l, out);
}

int profile_print(const struct profile *p, const struct dbg_symbols *symbols, unsigned n,
		  const char *const *mark, const struct dbg_out *out)
{
	struct profile_row *row = mem_alloc(p->size * sizeof(*row));
	struct dbg_line l = { .len = 0 };
	unsigned rows;

	if (!row)
		return E_NOMEM;
	rows = profile_collect(p, row, function_of, symbols);
	dbg_add(&l, "%7s %6s", "samples", "%");
	for (unsigned m = 0; mark[m]; m++)
		dbg_add(&l, " %5s", mark[m]);
	dbg_add(&l, "  address");
	dbg_end(&l, out);
	for (n = MIN(n, rows); n; n--) {
		struct profile_row *best = profile_hottest(row, rows);

		print_row(p, best, symbols, mark, out);
		best->count = 0;
	}
	mem_free(row);
	return 0;
}

static void add_name(struct dbg_line *l, const struct dbg_symbols *symbols, u32 at)
{
	const struct dbg_symbol *s = dbg_symbols_near(symbols, at);

	if (s)
		dbg_add(l, "%.*s", (int)MIN(s->len, NAME_SHOWN), symbols->text + s->name);
	else
		dbg_add(l, "%08x", at);
}

/* How many of the innermost names go into a line, with the count; at least one. */
static unsigned outermost(const struct profile_stack *s, const struct dbg_symbols *symbols)
{
	size_t len = COUNT_ROOM;
	unsigned d = 0;

	for (; d < s->depth; d++) {
		struct dbg_line name = { .len = 0 };

		add_name(&name, symbols, s->at[d]);
		len += name.len + 1;
		if (d && len >= DBG_LINE)
			break;
	}
	return d;
}

void profile_print_folded(const struct profile *p, const struct dbg_symbols *symbols,
			  const struct dbg_out *out)
{
	for (u32 i = 0; i < p->size; i++) {
		const struct profile_stack *s = &p->stack[i];
		struct dbg_line l = { .len = 0 };

		if (!s->count)
			continue;
		for (unsigned d = outermost(s, symbols); d-- > 0;) {
			add_name(&l, symbols, s->at[d]);
			dbg_add(&l, "%s", d ? ";" : "");
		}
		dbg_add(&l, " %u", s->count);
		dbg_end(&l, out);
	}
}
