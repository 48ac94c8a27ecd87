/* SPDX-License-Identifier: MIT */
/*
 * A table of breakpoints. It is never sorted: a row that is in the text keeps its place.
 */
#include "vmm/gdb/gdb_self_points.h"

#include "arch/mem/image.h"
#include "arch/mem/kmap.h"

struct gdb_self_point gdb_self_points[GDB_SELF_POINTS] NO_WATCH = { 0 };

static struct gdb_self_point *find(hva_t at)
{
	for (unsigned i = 0; i < GDB_SELF_POINTS; i++)
		if (gdb_self_points[i].at == at)
			return &gdb_self_points[i];
	return NULL;
}

static bool may_be(hva_t at)
{
	bool text = at >= (hva_t)image_text_start && at < (hva_t)image_text_end;
	bool way = at >= (hva_t)image_nobreak_start && at < (hva_t)image_nobreak_end;

	return text && !way;
}

bool gdb_self_point_at(hva_t at)
{
	return at && find(at);
}

/* gdb may ask twice for the same. */
bool gdb_self_point_change(hva_t at, bool set)
{
	struct gdb_self_point *p;

	if (!may_be(at))
		return false;
	p = find(at);
	if (!set && p)
		p->at = 0;
	if (!set || p)
		return p;
	p = find(0);
	if (!p)
		return false;
	p->alias = direct_ptr(kmap_hpa((const void *)at));
	p->was = *p->alias;
	p->at = at;
	return true;
}

void gdb_self_points_forget(void)
{
	for (unsigned i = 0; i < GDB_SELF_POINTS; i++)
		gdb_self_points[i].at = 0;
}
