/* SPDX-License-Identifier: MIT */
/*
 * A picture of the screen as a stream.
 */
#include "emu/chip/vga_dump.h"

#include "emu/snap/crc32.h"
#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

#define SLOTS	   64u
#define BUFFER	   256u
#define OP_BEFORE  0x40
#define OP_ABOVE   0x80
#define OP_COLOUR  0xc0
#define LONG_FIRST 64u /* what six bits do not count */
#define LONG_MOST  0x10000u

struct dump {
	vga_dump_put put;
	void *ctx;
	u32 crc;
	bool failed;
	u32 used;
	u8 buffer[BUFFER];
	u32 slot[SLOTS];
	u32 before;
	u32 line[2][VGA_WIDTH_MAX];
};

static void flush(struct dump *d)
{
	d->crc = crc32_update(d->crc, d->buffer, d->used);
	if (d->used && !d->failed)
		d->failed = !d->put(d->ctx, d->buffer, d->used);
	d->used = 0;
}

static void put8(struct dump *d, u32 value)
{
	if (d->used == BUFFER)
		flush(d);
	d->buffer[d->used++] = (u8)value;
}

static void put16(struct dump *d, u32 value)
{
	put8(d, value);
	put8(d, value >> 8);
}

static void put_run(struct dump *d, u32 op, u32 n)
{
	if (n <= LONG_FIRST) {
		put8(d, op | (n - 1));
		return;
	}
	put8(d, OP_COLOUR + op / OP_BEFORE);
	put16(d, n - 1);
}

static void put_colour(struct dump *d, u32 rgb)
{
	u32 slot = ((rgb >> 16 & 0xff) * 3 + (rgb >> 8 & 0xff) * 5 + (rgb & 0xff) * 7) % SLOTS;

	if (d->slot[slot] == rgb) {
		put8(d, slot);
		return;
	}
	d->slot[slot] = rgb;
	put8(d, OP_COLOUR);
	put8(d, rgb >> 16);
	put8(d, rgb >> 8);
	put8(d, rgb);
}

static void put_line(struct dump *d, const u32 *now, const u32 *above, u32 width)
{
	for (u32 x = 0; x < width;) {
		u32 same = 0, copied = 0;

		while (x + same < width && now[x + same] == d->before)
			same++;
		while (x + copied < width && now[x + copied] == above[x + copied])
			copied++;
		if (copied > same)
			put_run(d, OP_ABOVE, copied);
		else if (same)
			put_run(d, OP_BEFORE, same);
		else
			put_colour(d, now[x]);
		x += MAX(MAX(same, copied), 1u);
		d->before = now[x - 1];
	}
}

_Static_assert(VGA_WIDTH_MAX <= LONG_MOST, "a line is one run at most");

static bool dump_screen(struct dump *d, const struct vga_screen *s, const u8 *memory, u8 show)
{
	static const u8 magic[] = "RLscreen";
	u32 crc;

	for (u32 i = 0; i < sizeof(magic) - 1; i++)
		put8(d, magic[i]);
	put16(d, s->width);
	put16(d, s->height);
	for (u32 y = 0; y < s->height && !d->failed; y++) {
		vga_draw_line(s, memory, y, show, d->line[y & 1]);
		put_line(d, d->line[y & 1], d->line[~y & 1], s->width);
	}
	flush(d);
	crc = d->crc;
	put16(d, crc);
	put16(d, crc >> 16);
	flush(d);
	return !d->failed;
}

bool vga_dump_sum(struct vga *v, u8 show, u32 *width, u32 *height, u32 *sum)
{
	struct {
		u32 rgb[VGA_WIDTH_MAX];
		u8 bytes[VGA_WIDTH_MAX * 3];
	} *line = mem_alloc(sizeof(*line));
	struct vga_screen s;

	if (!line)
		return false;
	vga_window_sync(v);
	vga_screen_of(v, &s);
	*width = s.width;
	*height = s.height;
	*sum = 0;
	for (u32 y = 0; y < s.height; y++) {
		u8 *to = line->bytes;

		vga_draw_line(&s, v->memory, y, show, line->rgb);
		for (u32 x = 0; x < s.width; x++)
			for (u32 bits = 24; bits; to++)
				*to = (u8)(line->rgb[x] >> (bits -= 8));
		*sum = crc32_update(*sum, line->bytes, 3 * s.width);
	}
	mem_free(line);
	return true;
}

bool vga_dump(struct vga *v, u8 show, vga_dump_put put, void *ctx)
{
	struct dump *d = mem_alloc(sizeof(*d));
	struct vga_screen s;
	bool good;

	if (!d)
		return false;
	d->put = put;
	d->ctx = ctx;
	vga_window_sync(v);
	vga_screen_of(v, &s);
	good = dump_screen(d, &s, v->memory, show);
	mem_free(d);
	return good;
}
