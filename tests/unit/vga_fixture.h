/* SPDX-License-Identifier: MIT */
/*
 * A VGA without a board: its registers by index, its memory, and random settings of both.
 */
#pragma once

#include <stdlib.h>

#include "emu/chip/vga.h"
#include "tests/unit/pc_fixture.h"
#include "tests/unit/random.h"

static inline u64 vga_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static inline struct vga *vga_new(void)
{
	static struct vtimers timers;
	struct vga *v = calloc(1, sizeof(*v));

	timers.now = vga_time;
	v->timers = &timers;
	v->memory = calloc(1, VGA_MEMORY);
	vga_regs_reset(v);
	vga_dispi_reset(v);
	vga_planes_update(v);
	return v;
}

static inline void vga_free(struct vga *v)
{
	free(v->memory);
	free(v);
}

static inline void vga_port(struct vga *v, u16 port, u8 value)
{
	vga_regs_write(v, port - VGA_PORT, value);
}

static inline void vga_indexed(struct vga *v, u16 port, u8 index, u8 value)
{
	vga_port(v, port, index);
	vga_port(v, (u16)(port + 1), value);
}

static inline void vga_sequencer(struct vga *v, u8 index, u8 value)
{
	vga_indexed(v, 0x3c4, index, value);
}

static inline void vga_graphics(struct vga *v, u8 index, u8 value)
{
	vga_indexed(v, 0x3ce, index, value);
}

static inline void vga_crtc(struct vga *v, u8 index, u8 value)
{
	vga_indexed(v, 0x3d4, index, value);
}

static inline void vga_attribute(struct vga *v, u8 index, u8 value)
{
	(void)vga_regs_read(v, 0x3da - VGA_PORT);
	vga_port(v, 0x3c0, index);
	vga_port(v, 0x3c0, value);
	vga_port(v, 0x3c0, ATTR_SCREEN_ON);
}
