/* SPDX-License-Identifier: MIT */
/*
 * The US keyboard: which key (kernel/hw/pc_keys.h) stands for which character, and what the keys
 * are called. Pure.
 */
#pragma once

#include "kernel/base/types.h"

/* What a key prints; '\0': nothing. */
char us_char_of_key(u8 key, bool shift);
/* The key of a character, and whether Shift is held with it. 0: it has none. \n is Enter, \b and
 * 7Fh Backspace. */
u8 us_key_of_char(char c, bool *shift);

/* By its name as QEMU's sendkey has it ("ctrl", "kp_enter", "a"), or 0x and its number; n: length
 * of the name. 0: there is no such key. */
u8 key_by_name(const char *name, size_t n);
/* Names with - between: up to most keys, and 0 behind them, to keys[most + 1]. Returns how many; 0:
 * there is no such key, or they are more. */
unsigned keys_parse(const char *text, u8 *keys, unsigned most);
/* The i-th name, or NULL at the end. */
const char *key_name(unsigned i);
