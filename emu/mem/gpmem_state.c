/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading RAM. A page is looked at once: saving costs a comparison with zero of all
 * pages that were ever touched, and a copy of those that hold something.
 */
#include "emu/mem/gpmem_state.h"

#include "kernel/base/string.h"

#define RAM_VERSION    1
#define PACKED_VERSION 1

/* The first page of RAM at or behind *at; NULL: there is none. */
static struct gpmem_region *next_page(struct gpmem *m, gpa_t *at)
{
	for (unsigned i = 0; i < m->regions; i++) {
		struct gpmem_region *r = &m->region[i];

		if (!gpmem_is_saved(r) || r->start + r->size <= *at)
			continue;
		*at = MAX(*at, r->start);
		return r;
	}
	return NULL;
}

/* The contents of a page, NULL if they are zeros; a page that nobody has touched is not touched. */
static u8 *contents(struct gpmem *m, struct gpmem_region *r, gpa_t at)
{
	const u64 *word;

	if (!(r->page[(at - r->start) >> PAGE_SHIFT] & GPMEM_ZEROED))
		return NULL;
	word = (const u64 *)(const void *)gpmem_ram(m, at);
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i])
			return (u8 *)(hva_t)word;
	return NULL;
}

/* --- Saving */

static u32 run_length(struct gpmem *m, struct gpmem_region *r, gpa_t at, u32 most)
{
	u32 n = 0;

	while (n < most && at + n * PAGE_SIZE < r->start + r->size &&
	       contents(m, r, at + n * PAGE_SIZE))
		n++;
	return n;
}

static void save_run(struct gpmem *m, struct snap *s, gpa_t at, u32 pages)
{
	if (!snap_begin(s, "ram", RAM_VERSION))
		return;
	snap_u64(s, at);
	snap_u32(s, pages);
	for (u32 i = 0; i < pages; i++)
		snap_bytes(s, gpmem_ram(m, at + i * PAGE_SIZE), PAGE_SIZE);
	snap_end(s);
}

static void pack_run(struct gpmem *m, struct snap *s, struct gpmem_packer *p, gpa_t at, u32 pages)
{
	u32 bytes = pages * (u32)PAGE_SIZE;

	if (!snap_begin(s, "packed", PACKED_VERSION))
		return;
	for (u32 i = 0; i < pages; i++)
		memcpy(p->in + i * PAGE_SIZE, gpmem_ram(m, at + i * PAGE_SIZE), PAGE_SIZE);
	bytes = lz_pack(&p->lz, p->in, bytes, p->out);
	snap_u64(s, at);
	snap_u32(s, pages);
	snap_bytes(s, p->out, bytes);
	snap_end(s);
}

static bool put_pages(struct gpmem *m, struct snap *s, struct gpmem_packer *p,
		      struct gpmem_cursor *c, u32 budget)
{
	while (budget && snap_ok(s)) {
		struct gpmem_region *r = next_page(m, &c->at);
		u32 run;

		if (!r || (p && c->at >= GPMEM_REACH))
			return false;
		run = run_length(m, r, c->at, GPMEM_STATE_RUN);
		if (run && p)
			pack_run(m, s, p, c->at, run);
		else if (run)
			save_run(m, s, c->at, run);
		run = MAX(run, 1u);
		c->at += (u64)run * PAGE_SIZE;
		budget -= MIN(budget, run);
	}
	return snap_ok(s);
}

bool gpmem_save_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget)
{
	return put_pages(m, s, NULL, c, budget);
}

bool gpmem_pack_pages(struct gpmem *m, struct snap *s, struct gpmem_packer *p,
		      struct gpmem_cursor *c, u32 budget)
{
	return put_pages(m, s, p, c, budget);
}

/* --- Loading */

/* One page becomes zero: watchers hear of it if it was not. */
static void clear_page(struct gpmem *m, struct gpmem_region *r, gpa_t at)
{
	u8 *page = contents(m, r, at);

	if (!page)
		return;
	memset(page, 0, PAGE_SIZE);
	gpmem_written(m, at, PAGE_SIZE);
}

/* All pages before end, as far as the budget goes. True: none is left. */
static bool clear_until(struct gpmem *m, struct gpmem_cursor *c, gpa_t end, u32 *budget)
{
	struct gpmem_region *r;

	for (; (r = next_page(m, &c->at)) && c->at < end; c->at += PAGE_SIZE) {
		if (!*budget)
			return false;
		(*budget)--;
		clear_page(m, r, c->at);
	}
	return true;
}

/* A run may go on in the next region: RAM is not always divided where it was when it was saved. */
static bool run_is_ram(struct gpmem *m, const struct gpmem_cursor *c)
{
	for (u32 i = 0; i < c->pages; i++) {
		const struct gpmem_region *r = gpmem_find(m, c->run + i * PAGE_SIZE);

		if (!r || r->kind != GPMEM_RAM)
			return false;
	}
	return c->run % PAGE_SIZE == 0;
}

/* Opens the section that comes next, if it lies where it may. */
static void open_run(struct gpmem *m, struct snap *s, struct gpmem_cursor *c)
{
	if (!snap_begin(s, "ram", RAM_VERSION))
		return;
	snap_u64(s, c->run);
	snap_range(s, c->pages, 1, GPMEM_STATE_RUN);
	if (!run_is_ram(m, c))
		snap_fail(s, "%u pages at %llx are not in this machine's RAM", c->pages,
			  (unsigned long long)c->run);
	else if (c->run < c->at)
		snap_fail(s, "the pages at %llx come after those up to %llx",
			  (unsigned long long)c->run, (unsigned long long)c->at);
	c->open = snap_ok(s);
}

static void close_run(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, bool apply)
{
	for (u32 i = 0; i < c->pages; i++) {
		const u8 *page = snap_view(s, PAGE_SIZE, "page");

		if (apply && page)
			gpmem_restore(m, c->run + i * PAGE_SIZE, page);
	}
	snap_end(s);
	c->open = false;
	c->at = c->run + (u64)c->pages * PAGE_SIZE;
}

static bool load_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget,
		       bool apply)
{
	while (budget && snap_ok(s)) {
		bool more = c->open || !strcmp(snap_next(s), "ram");

		if (more && !c->open)
			open_run(m, s, c);
		if (!snap_ok(s))
			return false;
		if (apply && !clear_until(m, c, more ? c->run : UINT64_MAX, &budget))
			return true;
		if (!more)
			return false;
		close_run(m, s, c, apply);
		budget -= MIN(budget, c->pages);
	}
	return snap_ok(s);
}

bool gpmem_load_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget)
{
	return load_pages(m, s, c, budget, true);
}

bool gpmem_check_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget)
{
	return load_pages(m, s, c, budget, false);
}
