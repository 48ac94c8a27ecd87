/* SPDX-License-Identifier: MIT */
/*
 * How the guest reaches video memory (emu/mem/gpmem_window.c):
 *
 *     linear   chain-4 or a DISPI mode, and nothing that changes what is written: mapped straight.
 *              The latches are not filled, which nobody can see before another mode looks.
 *     text     odd/even addressing of planes 0 and 1: a buffer of characters and attributes is
 *              mapped, filled from the planes when it is shown and written back to them.
 *     planar   all other: each access is a call, and so it does what vga_planes.c says.
 *
 * A window is shown at the first access that finds it hidden, and hidden as soon as the registers
 * say otherwise: setting a mode, a row of register writes, costs no mapping.
 */
#include "emu/chip/vga.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/pc_layout.h"

#define NAME "video memory"

/* --- Where a window leads */

struct view {
	u8 *shown;
	bool text;
};

static struct view view_of(const struct vga *v, const struct vga_window *w)
{
	const struct vga_path *p = &v->path;
	u32 from = (u32)(w->at - PC_VIDEO), size = w->pages * (u32)PAGE_SIZE;
	u32 at = from - p->first;

	if (!p->mappable || from < p->first || at + size > p->size)
		return (struct view){ NULL, false };
	if (p->chain == VGA_CHAIN4)
		return (struct view){ v->memory + at + p->offset, false };
	return (struct view){ at ? NULL : v->text, !at };
}

static void note_written(struct vga *v, struct vga_window *w, u32 page)
{
	w->written[page / 64] |= BIT64(page % 64);
	gpmem_unwatch(v->mem, w->at + (gpa_t)page * PAGE_SIZE, GPMEM_WATCH_SCREEN);
}

static struct vga_window *window_at(struct vga *v, gpa_t gpa)
{
	for (unsigned i = 0; i < VGA_WINDOWS; i++)
		if (gpa - v->window[i].at < (gpa_t)v->window[i].pages * PAGE_SIZE)
			return &v->window[i];
	return &v->frame_buffer;
}

/* GPMEM_WATCH_SCREEN: bytes of a page are written, or are about to be. */
static void written(void *ctx, gpa_t gpa, u32 len)
{
	struct vga *v = ctx;
	struct vga_window *w = window_at(v, gpa);

	(void)len;
	note_written(v, w, (u32)((gpa - w->at) >> PAGE_SHIFT));
}

/* --- Text */

static u32 *cell_of(struct vga *v, u32 n)
{
	return (u32 *)(void *)v->memory + n;
}

static void text_fill(struct vga *v, u32 size)
{
	u16 *text = (u16 *)(void *)v->text;

	for (u32 n = 0; n < size / 2; n++)
		text[n] = (u16)*cell_of(v, n);
}

static void text_write_back(struct vga *v, u32 page)
{
	const u16 *text = (const u16 *)(const void *)v->text;
	u32 first = page * (u32)PAGE_SIZE / 2;

	for (u32 n = first; n < first + PAGE_SIZE / 2; n++)
		*cell_of(v, n) = (*cell_of(v, n) & 0xffff0000) | text[n];
	vga_dirty(v, first * 4);
	vga_dirty(v, first * 4 + PAGE_SIZE);
}

/* --- Shown and hidden */

/* What was written there goes to the planes, or is noted as dirty; again: until the next time. */
static void collect(struct vga *v, struct vga_window *w, bool again)
{
	for (u32 word = 0; word * 64 < w->pages; word++) {
		for (u64 left = w->written[word]; left; left &= left - 1) {
			u32 page = word * 64 + (u32)__builtin_ctzll(left);

			/* First watched, then looked at: no write is missed. */
			if (again)
				gpmem_watch(v->mem, w->at + (gpa_t)page * PAGE_SIZE,
					    GPMEM_WATCH_SCREEN);
			if (w->text)
				text_write_back(v, page);
			else
				vga_dirty(v, (u32)(w->shown - v->memory) + page * PAGE_SIZE);
			if (!w->text && w->shown < v->memory + VGA_PLANES)
				v->font_dirty = true;
		}
		w->written[word] = 0;
	}
}

static void watch(struct vga *v, const struct vga_window *w, bool on)
{
	for (u32 page = 0; page < w->pages; page++) {
		gpa_t gpa = w->at + (gpa_t)page * PAGE_SIZE;

		if (on)
			gpmem_watch(v->mem, gpa, GPMEM_WATCH_SCREEN);
		else
			gpmem_unwatch(v->mem, gpa, GPMEM_WATCH_SCREEN);
	}
}

static void hide(struct vga *v, struct vga_window *w)
{
	if (!w->shown)
		return;
	collect(v, w, false);
	watch(v, w, false);
	gpmem_show(v->mem, w->at, NULL);
	w->shown = NULL;
	w->text = false;
}

static void show(struct vga *v, struct vga_window *w, struct view view)
{
	if (view.text)
		text_fill(v, w->pages * (u32)PAGE_SIZE);
	w->shown = view.shown;
	w->text = view.text;
	gpmem_show(v->mem, w->at, w->shown);
	watch(v, w, true);
}

void vga_window_check(struct vga *v)
{
	for (unsigned i = 0; i < VGA_WINDOWS; i++) {
		struct vga_window *w = &v->window[i];
		struct view view;

		if (!w->shown)
			continue;
		view = view_of(v, w);
		if (view.shown == w->shown)
			continue;
		hide(v, w);
		/* Another bank: it is about to be used. */
		if (view.shown && !view.text)
			show(v, w, view);
	}
}

void vga_window_hide(struct vga *v)
{
	for (unsigned i = 0; i < VGA_WINDOWS; i++)
		hide(v, &v->window[i]);
}

void vga_window_sync(struct vga *v)
{
	for (unsigned i = 0; i < VGA_WINDOWS; i++)
		if (v->window[i].shown)
			collect(v, &v->window[i], true);
	if (v->frame_buffer.shown)
		collect(v, &v->frame_buffer, true);
}

/* --- Calls */

static void show_if_plain(struct vga *v, struct vga_window *w)
{
	struct view view = view_of(v, w);

	if (view.shown)
		show(v, w, view);
}

static u32 window_from(const struct vga_window *w, u64 offset)
{
	return (u32)(w->at - PC_VIDEO + offset);
}

static __attribute__((noinline)) u64 read_any(struct vga_window *w, u64 offset, unsigned size)
{
	struct vga *v = w->vga;
	u64 value = 0;

	if (!w->shown)
		show_if_plain(v, w);
	if (w->shown) {
		memcpy(&value, w->shown + offset, size);
		return value;
	}
	for (unsigned i = 0; i < size; i++)
		value |= (u64)vga_planes_read(v, window_from(w, offset + i)) << 8 * i;
	return value;
}

/* A byte that cannot be shown as memory is the usual one. */
static u64 window_read(void *ctx, u64 offset, unsigned size)
{
	struct vga_window *w = ctx;

	if (size > 1 || w->shown || w->vga->path.mappable)
		return read_any(w, offset, size);
	return vga_planes_read(w->vga, window_from(w, offset));
}

static __attribute__((noinline)) void write_any(struct vga_window *w, u64 offset, unsigned size,
						u64 value)
{
	struct vga *v = w->vga;

	if (!w->shown)
		show_if_plain(v, w);
	if (w->shown) {
		memcpy(w->shown + offset, &value, size);
		note_written(v, w, (u32)(offset >> PAGE_SHIFT));
		return;
	}
	for (unsigned i = 0; i < size; i++)
		vga_planes_write(v, window_from(w, offset + i), (u8)(value >> 8 * i));
}

static void window_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	struct vga_window *w = ctx;

	if (size > 1 || w->shown || w->vga->path.mappable)
		write_any(w, offset, size, value);
	else
		vga_planes_write(w->vga, window_from(w, offset), (u8)value);
}

static const struct gpmem_mmio window_ops = { window_read, window_write };

/* --- Places */

#define COVERED GPMEM_PARKED(10) /* from here on, as from PC_VIDEO on */

void vga_window_cover(struct vga *v, bool covered)
{
	for (unsigned i = 0; i < VGA_WINDOWS; i++) {
		struct vga_window *w = &v->window[i];
		bool was = w->at >= COVERED;
		gpa_t to = covered ? w->at - PC_VIDEO + COVERED : w->at - COVERED + PC_VIDEO;

		if (covered == was)
			continue;
		hide(v, w);
		if (!gpmem_move(v->mem, w->at, to))
			w->at = to;
	}
}

/* --- Creation */

static int add(struct vga *v, struct vga_window *w, gpa_t at, u32 size, u64 *noted)
{
	*w = (struct vga_window){
		.vga = v, .at = at, .pages = size / (u32)PAGE_SIZE, .written = noted
	};
	return gpmem_add_window(v->mem, at, size, &window_ops, w, NAME);
}

int vga_window_create(struct vga *v)
{
	static const u32 at[VGA_WINDOWS] = { 0xa0000, 0xb0000, 0xb8000 };
	static const u32 size[VGA_WINDOWS] = { 0x10000, 0x8000, 0x8000 };
	int err = 0;

	gpmem_set_watcher(v->mem, GPMEM_WATCH_SCREEN, written, v);
	for (unsigned i = 0; i < VGA_WINDOWS && !err; i++)
		err = add(v, &v->window[i], at[i], size[i], &v->window_written[i]);
	if (!err)
		err = add(v, &v->frame_buffer, GPMEM_PARKED(0), VGA_MEMORY,
			  v->frame_buffer_written);
	if (!err)
		show(v, &v->frame_buffer, (struct view){ v->memory, false });
	return err;
}
