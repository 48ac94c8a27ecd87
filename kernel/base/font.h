/* SPDX-License-Identifier: MIT */
/*
 * An 8 by 8 font for printable ASCII, drawn for this project.
 */
#pragma once

#include "kernel/base/types.h"

/* Eight rows, top first, bit 7 leftmost; a box for what has no glyph. */
const u8 *font_glyph(u8 c);
