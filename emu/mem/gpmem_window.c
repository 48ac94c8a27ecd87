/* SPDX-License-Identifier: MIT */
/*
 * Windows: memory of a device, which is shown to the guest as plain memory or is a call for each
 * access. What a window's pages are watched for stays while it is hidden: when it is shown again,
 * the watchers hear that its bytes are others.
 */
#include "emu/mem/gpmem.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

int gpmem_add_window(struct gpmem *m, gpa_t start, u64 size, const struct gpmem_mmio *ops,
		     void *ctx, const char *name)
{
	size_t pages = (size_t)(size >> PAGE_SHIFT);
	size_t chunks = (size_t)((size + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT);
	u8 **chunk = mem_alloc(chunks * sizeof(*chunk));
	u8 *page = mem_alloc(pages);
	struct gpmem_region *r;
	int err = E_NOMEM;

	if (!chunk || !page)
		goto free;
	r = gpmem_insert(m, start, size, &err);
	if (!r)
		goto free;
	memset(page, GPMEM_ZEROED, pages);
	*r = (struct gpmem_region){ .start = start,
				    .size = size,
				    .kind = GPMEM_MMIO,
				    .chunk = chunk,
				    .page = page,
				    .mmio = ops,
				    .ctx = ctx,
				    .name = name,
				    .window = true,
				    .number = m->window_pages };
	m->window_pages += (u32)pages;
	return 0;
free:
	mem_free(chunk);
	mem_free(page);
	return err;
}

static void tell_switched(struct gpmem *m, gpa_t start, u64 size)
{
	if (m->switched)
		m->switched(m->protect_ctx, start, size);
}

/* Those who know what the bytes were: they are others. (Whom the screen tells is the device.) */
static void tell_changed(struct gpmem *m, const struct gpmem_region *region)
{
	const struct gpmem_region r = *region; /* watchers may move the array */

	if (r.kind != GPMEM_RAM)
		return;
	for (u64 i = 0; i < r.size >> PAGE_SHIFT; i++)
		if (r.page[i] & (u8) ~(GPMEM_ZEROED | GPMEM_WATCH_SCREEN))
			gpmem_tell(m, r.page[i] & (u8) ~(GPMEM_ZEROED | GPMEM_WATCH_SCREEN),
				   r.start + (i << PAGE_SHIFT), PAGE_SIZE);
}

void gpmem_show(struct gpmem *m, gpa_t start, u8 *bytes)
{
	struct gpmem_region *r = gpmem_find_at(m, start);

	tell_changed(m, r);
	for (u64 at = 0; at < r->size; at += GPMEM_CHUNK_SIZE)
		r->chunk[at >> GPMEM_CHUNK_SHIFT] = bytes ? bytes + at : NULL;
	r->kind = bytes ? GPMEM_RAM : GPMEM_MMIO;
	tell_switched(m, start, r->size);
	tell_changed(m, r);
}

int gpmem_move(struct gpmem *m, gpa_t from, gpa_t to)
{
	struct gpmem_region *r = gpmem_find_at(m, from), moved = *r, *at;
	int err = 0;

	if (from == to)
		return 0;
	tell_changed(m, r);
	/* Nobody maps it any more when it goes: the number of its pages is found by its place. */
	tell_switched(m, from, moved.size);
	m->regions--;
	m->found = NULL;
	memmove(r, r + 1, (size_t)(&m->region[m->regions] - r) * sizeof(*r));
	at = gpmem_insert(m, to, moved.size, &err);
	if (!at) {
		int none;

		to = from;
		at = gpmem_insert(m, from, moved.size, &none);
	} else {
		err = 0;
	}
	*at = moved;
	at->start = to;
	tell_switched(m, to, moved.size);
	tell_changed(m, at);
	return err;
}

bool gpmem_is_window(struct gpmem *m, gpa_t gpa)
{
	const struct gpmem_region *r = gpmem_find(m, gpa);

	return r && r->window;
}

void gpmem_first_write(struct gpmem *m, gpa_t gpa)
{
	if (gpmem_watches(m, gpa) == GPMEM_WATCH_SCREEN)
		gpmem_tell(m, GPMEM_WATCH_SCREEN, gpa & PAGE_MASK, PAGE_SIZE);
}
