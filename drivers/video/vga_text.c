/* SPDX-License-Identifier: MIT */
/*
 * VGA text mode. vga_text.h tells how it is used.
 */
#include "drivers/video/vga_text.h"

#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"

#define VIDEO_MEMORY 0xb8000u
#define CRTC	     0x3d4

static void cell(unsigned column, unsigned row, u16 c)
{
	volatile u16 *video = direct_ptr(VIDEO_MEMORY);

	video[row * VGA_TEXT_COLUMNS + column] = c;
}

static void cursor(unsigned column, unsigned row)
{
	static unsigned at = UINT32_MAX;
	unsigned now = row * VGA_TEXT_COLUMNS + column;

	if (now == at)
		return;
	at = now;
	outw(CRTC, (u16)(0x0e | (now & 0xff00)));
	outw(CRTC, (u16)(0x0f | (now & 0xff) << 8));
}

const struct terminal_ops vga_text_ops = { .cell = cell, .cursor = cursor };
