/* SPDX-License-Identifier: MIT */
/*
 * The commands of the 82077AA.
 */
#pragma once

#include "emu/chip/i82077_state.h"

/* How many bytes the command has that begins with this one. */
unsigned i82077_command_length(u8 first);
/* All its bytes are in the FIFO. */
void i82077_execute(struct i82077 *f);
/* The heads of all units that seek have arrived. */
void i82077_seeks_end(struct i82077 *f);
