/* SPDX-License-Identifier: MIT */
/*
 * What a device of a board holds, for who looks at a guest: in plain words
 * (emu/words/device_words.h), and each field of the list that saves it, under the name that it has
 * in the source. So every device can be looked at, nothing is left out, and nothing changes by it.
 */
#pragma once

#include "emu/dbg/dbg_text.h"

struct board;

/* The device of that name in the table of slots. E_NOENT: there is none; E_NOSYS: it holds nothing
 * that a guest can change; E_NOMEM. */
int board_show_device(struct board *b, const char *name, const struct dbg_out *out);
/* The sixteen ISA interrupts: who drives each, how often it rose, and what the controllers say. */
void board_show_irqs(struct board *b, const struct dbg_out *out);
