/* SPDX-License-Identifier: MIT */
/*
 * What a PS/2 keyboard sends for a key (kernel/hw/pc_keys.h) in scan code sets 1, 2 and 3. Pure.
 */
#pragma once

#include "kernel/base/types.h"

#define SCANCODES_MOST 8u /* bytes of one event */

/* Keys held and lights that change what a key sends. */
#define SCANCODES_SHIFT	   BIT(0)
#define SCANCODES_SHIFT_R  BIT(1)
#define SCANCODES_CTRL	   BIT(2)
#define SCANCODES_ALT	   BIT(3)
#define SCANCODES_NUM_LOCK BIT(4)

enum scancodes_event { SCANCODES_PRESS, SCANCODES_REPEAT, SCANCODES_RELEASE };

/* Returns how many bytes it made; 0: no keyboard has this key, or the event sends nothing. */
unsigned scancodes_of(u8 key, enum scancodes_event event, unsigned set, unsigned state, u8 *out);
/* Set 2 code to set 1 code; what has no twin (codes from 85h on, responses) stays itself. */
u8 ps2_set2_to_set1(u8 code);
/* The code of set 3, which no prefix belongs to; 0: it has none. */
u8 scancodes_set3(u8 key);

/* What a key does in set 3. */
enum key_kind { KEY_TYPEMATIC, KEY_MAKE_BREAK, KEY_MAKE, KEY_TYPEMATIC_BREAK, KEY_KINDS };

#define SET3_CODES 0x90u

/* At power-on. */
enum key_kind scancodes_set3_kind(u8 code);
