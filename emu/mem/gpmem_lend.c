/* SPDX-License-Identifier: MIT */
/*
 * Pages that a guest gives back (a balloon). A region's chunks stay where they are; single pages of
 * them go to whoever m->frames is, and are this guest's no more. When such a page is touched again,
 * it gets another frame, which reads as zero.
 *
 *      there      GPMEM_ELSEWHERE clear: in its chunk
 *      away       set, its place in the chunk's table NULL
 *      elsewhere  set, at the address in the table
 *
 * A table is a frame too. It is taken when the first page of its chunk goes, and stays.
 *
 * Who may have an address of the page is told by the hook `switched`, as when a chipset switches
 * memory. Who knows what the page holds sees it become zero first; if somebody still watches it
 * then (a descriptor table, a page table that is in use), it stays.
 */
#include "emu/mem/gpmem.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define CHUNK_PAGES (GPMEM_CHUNK_SIZE / PAGE_SIZE)
#define WATCHED	    ((u8)(BIT(GPMEM_WATCHES) - 1))

_Static_assert(CHUNK_PAGES * sizeof(u8 *) == PAGE_SIZE, "the table of a chunk is a page");

int gpmem_lend(struct gpmem *m, gpa_t start)
{
	struct gpmem_region *r = gpmem_find_at(m, start);

	r->elsewhere = mem_alloc(gpmem_chunks(r) * sizeof(*r->elsewhere));
	return r->elsewhere ? 0 : E_NOMEM;
}

static bool has_table(struct gpmem *m, struct gpmem_region *r, u64 offset)
{
	u8 ***table = &r->elsewhere[offset >> GPMEM_CHUNK_SHIFT];

	if (*table)
		return true;
	*table = m->frames->take(m->frames->ctx, false);
	if (!*table)
		return false;
	memset(*table, 0, PAGE_SIZE);
	m->lend_tables++;
	return true;
}

/* Its region if it may go. */
static struct gpmem_region *lender(struct gpmem *m, gpa_t page)
{
	struct gpmem_region *r = page < GPMEM_REACH ? gpmem_find(m, page) : NULL;

	return r && r->elsewhere && gpmem_is_writable(r) ? r : NULL;
}

/* Everybody forgets what it held. False: somebody goes on watching it. */
static bool forget_contents(struct gpmem *m, gpa_t page, const u8 *state)
{
	if (*state & WATCHED) {
		memset(gpmem_ram(m, page), 0, PAGE_SIZE);
		gpmem_tell(m, *state & WATCHED, page, PAGE_SIZE);
	}
	return !(*state & WATCHED);
}

bool gpmem_give_back(struct gpmem *m, gpa_t page)
{
	struct gpmem_region *r = lender(m, page &= PAGE_MASK);
	u64 offset;
	u8 *state, **place, *frame;

	if (!r)
		return false;
	offset = page - r->start;
	state = &r->page[offset >> PAGE_SHIFT];
	if ((*state & GPMEM_ELSEWHERE) && !*gpmem_lend_place(r, offset))
		return false;
	if (!has_table(m, r, offset) || !forget_contents(m, page, state))
		return false;
	if (m->switched)
		m->switched(m->protect_ctx, page, PAGE_SIZE);
	r = lender(m, page);
	place = gpmem_lend_place(r, offset);
	frame = *state & GPMEM_ELSEWHERE
			? *place
			: r->chunk[offset >> GPMEM_CHUNK_SHIFT] + (offset & (GPMEM_CHUNK_SIZE - 1));
	*state = GPMEM_ELSEWHERE;
	*place = NULL;
	m->given_back++;
	m->frames->give(m->frames->ctx, frame);
	return true;
}

bool gpmem_take_back(struct gpmem *m, gpa_t page)
{
	void *now;

	if (!gpmem_is_elsewhere(m, page, &now) || now)
		return true;

	struct gpmem_region *r = gpmem_find(m, page);
	u8 *frame = m->frames->take(m->frames->ctx, false);

	if (!frame)
		return false;
	*gpmem_lend_place(r, page - r->start) = frame;
	m->given_back--;
	return true;
}

bool gpmem_is_elsewhere(struct gpmem *m, gpa_t page, void **now)
{
	const struct gpmem_region *r = gpmem_find(m, page);

	if (!r || !r->elsewhere || !(r->page[(page - r->start) >> PAGE_SHIFT] & GPMEM_ELSEWHERE))
		return false;
	*now = *gpmem_lend_place(r, page - r->start);
	return true;
}
