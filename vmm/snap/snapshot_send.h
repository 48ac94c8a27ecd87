/* SPDX-License-Identifier: MIT */
/*
 * Sends a saved machine over the console as text, so that any terminal's log holds it
 * (iso/state-file takes it out):
 *
 *      === state debian 41504768 bytes ===
 *      :00000000 UkxzdGF0ZRoB...            offset in bytes, and 57 bytes in base64
 *      :00000039 ...
 *      === end ===
 *
 * Other lines may stand between. A few lines at a time, for half of the time at most, from the
 * scheduler's loop.
 */
#pragma once

#include "kernel/base/types.h"

/* Begins to send the snapshot of that name; E_NOENT, E_BUSY, E_NOMEM. */
int snapshot_send(const char *name);
/* When the next lines may be sent, in ns of the clock; UINT64_MAX: nothing is being sent. */
u64 snapshot_send_at(void);
/* Sends them. Interrupts on. */
void snapshot_send_piece(void);
