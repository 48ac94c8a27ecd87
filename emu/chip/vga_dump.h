/* SPDX-License-Identifier: MIT */
/*
 * A picture of the screen as a compact stream (docs/screen.md), little-endian:
 *
 *      "RLscreen"   width u16   height u16   operations   CRC-32 of all before u32
 *
 * The operations make the pixels in reading order. "Above" is the pixel of the line before; the
 * line before the first is black, and so is the pixel before the first. Each colour goes into a
 * slot, (3 red + 5 green + 7 blue) modulo 64.
 *
 *      00nnnnnn                       the colour in slot n
 *      01nnnnnn                       n + 1 pixels as the one before
 *      10nnnnnn                       n + 1 pixels, each as the one above it
 *      C0 red green blue              a colour
 *      C1 n u16                       n + 1 pixels as the one before
 *      C2 n u16                       n + 1 pixels, each as the one above it
 */
#pragma once

#include "emu/chip/vga_screen.h"

/* Takes n bytes; false: no more. */
typedef bool (*vga_dump_put)(void *ctx, void *bytes, u32 n);

/* What is on the screen now; show: VGA_SHOW_*. False: put said so, or no memory. */
bool vga_dump(struct vga *v, u8 show, vga_dump_put put, void *ctx);

/* Its size, and the CRC-32 of red, green and blue of each pixel in reading order. False: no memory.
 */
bool vga_dump_sum(struct vga *v, u8 show, u32 *width, u32 *height, u32 *sum);
