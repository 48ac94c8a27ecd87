/* SPDX-License-Identifier: MIT */
/*
 * Bytes of RAM that nobody has written since power-on: hardware has anything there, emulators have
 * zeros. A page with some of them is watched (GPMEM_WATCH_FRESH), so that every write comes through
 * gpmem_write() or gpmem_written(), and whoever caches addresses keeps none of it to read. It is
 * let go with its last byte.
 */
#include "emu/mem/gpmem.h"

#include "kernel/base/error.h"

int gpmem_follow_fresh(struct gpmem *m, u64 uses)
{
	m->fresh_uses = uses;
	for (unsigned i = 0; i < m->regions; i++) {
		struct gpmem_region *r = &m->region[i];

		if (!gpmem_is_saved(r))
			continue;
		r->fresh = gpmem_bytes_create(r->size);
		if (!r->fresh)
			return E_NOMEM; /* gpmem_destroy() frees the others */
		gpmem_bytes_begin(r->fresh, 0, r->size);
	}
	return 0;
}

void gpmem_fresh_begin(struct gpmem *m, gpa_t gpa, u64 size)
{
	struct gpmem_region *r = gpmem_find(m, gpa);

	if (r && r->fresh)
		gpmem_bytes_begin(r->fresh, gpa - r->start, size);
}

void gpmem_fresh_end(struct gpmem *m)
{
	for (unsigned i = 0; i < m->regions; i++)
		if (m->region[i].fresh)
			gpmem_bytes_end(m->region[i].fresh);
}

u32 gpmem_unwritten(struct gpmem *m, gpa_t gpa, u32 len)
{
	const struct gpmem_region *r = gpmem_find(m, gpa);

	return r && gpmem_has_fresh(r, gpa - r->start)
		       ? gpmem_bytes_left(r->fresh, gpa - r->start, len)
		       : 0;
}

u32 gpmem_unwritten_read(struct gpmem *m, gpa_t gpa, u32 len)
{
	struct gpmem_region *r = gpmem_find(m, gpa);
	u32 n = gpmem_unwritten(m, gpa, len);

	if (r && gpmem_has_fresh(r, gpa - r->start) &&
	    gpmem_bytes_used(r->fresh, gpa - r->start, m->fresh_uses))
		gpmem_let_go(m, gpa);
	return n;
}
