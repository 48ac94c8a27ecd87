/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the table of lines: the nearest row of the index, and from there row by row.
 */
#include "kernel/debug/lines.h"

#include "arch/mem/image.h"

extern const u8 line_rows[];
extern const u32 line_index_count;
extern const u32 line_index_at[];  /* the lower halves of addresses */
extern const u32 line_index_row[]; /* offsets */
extern const u32 line_file_at[];
extern const char line_files[];

/* Seven bits a byte, lowest first; bit 7 says that more follow (ULEB128). */
static u32 number(const u8 **p)
{
	u32 v = 0, shift = 0;

	do
		v |= (u32)(**p & 0x7f) << shift;
	while (*(*p)++ & 0x80 && (shift += 7) < 32);
	return v;
}

static s32 distance(u32 zigzag)
{
	return (s32)(zigzag >> 1) ^ -(s32)(zigzag & 1);
}

/* The last of the index at address or before; there is one. */
static u32 index_of(u32 address)
{
	u32 low = 0, high = line_index_count;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (line_index_at[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const char *line_find(hva_t address, u32 *line)
{
	u32 low = (u32)address, i, at, file;
	const u8 *p, *end;

	if (address < (hva_t)image_text_start || address >= (hva_t)image_text_end ||
	    !line_index_count || low < line_index_at[0])
		return NULL;
	i = index_of(low);
	p = line_rows + line_index_row[i];
	end = line_rows + line_index_row[i + 1];
	at = line_index_at[i];
	file = number(&p);
	*line = number(&p);
	while (p < end) {
		u32 how;

		at += number(&p);
		if (at > low)
			break;
		how = number(&p);
		*line += (u32)distance(how >> 1);
		if (how & 1)
			file = number(&p);
	}
	return line_files + line_file_at[file];
}
