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
 * Other lines may stand between. A few lines at a time, for half of the time at most, by a task
 * that no VM pays for.
 */
#pragma once

#include "kernel/base/types.h"

/* Begins to send the snapshot of that name; E_NOENT, E_BUSY, E_NOMEM. */
int snapshot_send(const char *name);
struct snapshot;

/* The same for a stream without a name, which ends with that: "=== KIND VM n bytes ===". E_BUSY:
 * it is still the caller's. */
int snapshot_send_once(struct snapshot *p, const char *kind);
/* Before it: begins the task that sends. */
void snapshot_send_start(void);
