/* SPDX-License-Identifier: MIT */
/*
 * The VGA.
 */
#include "emu/chip/vga_screen.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"

static void print_mode(const struct vga *v, const struct vga_screen *s, const struct dbg_out *out)
{
	static const char *const kind[] = { "blank",	  "text",	 "4 colours",
					    "16 colours", "256 colours", "direct colours" };

	if (s->kind == VGA_TEXT)
		dbg_print(out, "text, %u by %u characters of %u by %u dots", s->columns,
			  s->height / MAX(s->row_lines * s->scans, 1u), s->cell_width,
			  s->row_lines);
	else if (s->kind == VGA_DIRECT)
		dbg_print(out, "graphics, %u by %u dots of %u bits", s->width, s->height, s->bpp);
	else
		dbg_print(out, "%s%s, %u by %u dots", s->kind == VGA_BLANK ? "" : "graphics, ",
			  kind[s->kind], s->width, s->height);
	words_say(out, "by", "%s; a picture takes %llu us",
		  vga_dispi_on(&v->dispi) ? "DISPI" : "VGA",
		  (unsigned long long)vga_retrace_frame_ns(v) / 1000);
	words_say(out, "shown", "from byte %x of video memory, %u bytes a line", s->start * 4,
		  s->pitch * 4);
	if (s->kind == VGA_TEXT && s->cursor != UINT32_MAX)
		words_say(out, "cursor", "at byte %x, lines %u-%u", s->cursor * 4, s->cursor_first,
			  s->cursor_last);
	if (s->split < s->height)
		words_say(out, "split", "behind line %u", s->split);
}

static void print_window(const struct vga *v, const struct dbg_out *out)
{
	static const char *const chain[] = { "planar", "odd/even", "chain-4" };
	const struct vga_path *p = &v->path;

	words_say(out, "window", "%05x-%05x, %s, bank %x", 0xa0000 + p->first,
		  0xa0000 + p->first + p->size - 1, chain[p->chain], p->offset);
	words_say(out, "writes", "mode %u, map mask %x, bit mask %02x", p->write_mode,
		  v->sequencer[SEQ_MAP_MASK] & 15, v->graphics[GFX_BIT_MASK]);
	words_say(out, "reads", "mode %u, plane %u", p->read_compares, p->read_plane);
}

static void print_dispi(const struct vga_dispi *d, const struct dbg_out *out)
{
	static const char *const enable[] = { "on", "limits",	 NULL,		 NULL,
					      NULL, "8-bit-DAC", "frame-buffer", "keep-memory" };

	words_flags(out, "DISPI", d->enable, enable);
	words_say(out, "DISPI size", "%u by %u, %u bits; virtual %u by %u, from %u %u", d->xres,
		  d->yres, d->bpp, d->virt_width, d->virt_height, d->x, d->y);
}

void words_vga(const void *dev, const struct dbg_out *out)
{
	const struct vga *v = dev;
	struct vga_screen s;

	vga_screen_of(v, &s);
	print_mode(v, &s, out);
	print_window(v, out);
	words_say(out, "CRTC", "at port %x, registers 0-7 %s",
		  v->misc & MISC_COLOUR ? 0x3d4 : 0x3b4,
		  v->crtc[CRTC_V_SYNC_END] & CRTC_PROTECT ? "protected" : "writable");
	words_say(out, "palette", "%u bits a colour, mask %02x", v->dac.eight_bits ? 8 : 6,
		  v->dac.mask);
	print_dispi(&v->dispi, out);
	words_pci_function(out, &v->pci);
}
