/* SPDX-License-Identifier: MIT */
/*
 * Where the beam is, from the CRT controller's registers and virtual time. Games wait for the
 * retrace by reading input status 1, count pictures by it, and change the palette within it.
 */
#include "emu/chip/vga.h"

#define NS_PER_S 1000000000ull

struct timing {
	u64 char_ns1024; /* a character clock in 1/1024 ns */
	u32 chars, chars_shown;
	u32 lines, lines_shown, sync, sync_end;
};

/* Bits 8 and 9 of a vertical register lie in the overflow register. */
static u32 vertical(const struct vga *v, unsigned reg, unsigned bit8, unsigned bit9)
{
	u32 over = v->crtc[CRTC_OVERFLOW];

	return v->crtc[reg] | (over >> bit8 & 1) << 8 | (over >> bit9 & 1) << 9;
}

static struct timing timing(const struct vga *v)
{
	static const u32 clock[4] = { 25175000, 28322000, 25175000, 25175000 };
	u8 clocking = v->sequencer[SEQ_CLOCKING];
	u32 dots = (clocking & SEQ_8_DOTS ? 8 : 9) * (clocking & SEQ_HALF_CLOCK ? 2u : 1u);
	struct timing t = {
		.char_ns1024 = dots * NS_PER_S * 1024 / clock[v->misc >> 2 & 3],
		.chars = v->crtc[CRTC_H_TOTAL] + 5u,
		.chars_shown = v->crtc[CRTC_H_DISPLAY_END] + 1u,
		.lines = vertical(v, CRTC_V_TOTAL, 0, 5) + 2,
		.lines_shown = vertical(v, CRTC_V_DISPLAY_END, 1, 6) + 1,
		.sync = vertical(v, CRTC_V_SYNC_START, 2, 7),
	};

	/* Four bits are compared: the retrace lasts 1 to 16 lines. */
	t.sync_end = t.sync + 1 + ((v->crtc[CRTC_V_SYNC_END] - t.sync - 1) & 15);
	return t;
}

u64 vga_retrace_frame_ns(const struct vga *v)
{
	struct timing t = timing(v);

	return t.char_ns1024 * t.chars * t.lines / 1024;
}

u8 vga_retrace_status(const struct vga *v, u64 ns)
{
	struct timing t = timing(v);
	u64 frame = t.char_ns1024 * t.chars * t.lines / 1024;
	u64 at = ns % frame * 1024 / t.char_ns1024;
	u32 line = (u32)(at / t.chars), column = (u32)(at % t.chars);
	bool retrace = line >= t.sync && line < t.sync_end;
	bool shown = line < t.lines_shown && column < t.chars_shown;

	return (u8)((retrace ? STATUS_RETRACE | STATUS_DISABLED : 0) |
		    (shown ? 0 : STATUS_DISABLED));
}
