/* SPDX-License-Identifier: MIT */
/*
 * The PC's characters (code page 437) as Unicode. Control codes are the glyphs that a PC shows for
 * them, so that none of them reaches a terminal.
 */
#pragma once

#include "kernel/base/types.h"

u16 cp437_unicode(u8 code);
/* UTF-8 of a character of the basic plane; returns how many bytes, 1 to 3. */
unsigned utf8_put(char *out, u16 c);
