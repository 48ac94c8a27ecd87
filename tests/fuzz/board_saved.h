/* SPDX-License-Identifier: MIT */
/*
 * A board at any moment can be saved, and loaded from what was saved.
 */
#pragma once

#include "emu/board/board.h"
#include "emu/snap/snap.h"
#include "kernel/base/log.h"
#include "tests/unit/quiet_host.h"
#include "tests/unit/tape.h"

static inline void fuzz_save_and_load(struct board *board)
{
	static struct snap snap;
	static struct tape tape;

	tape.used = tape.at = 0;
	snap_save_to(&snap, tape_put, &tape);
	snap.now = quiet_ns;
	board_state(board, &snap);
	if (!snap_finish(&snap))
		panic("not saved: %s", snap.error);
	snap_load_from(&snap, tape_get, &tape);
	snap.now = quiet_ns;
	board_state(board, &snap);
	if (!snap_finish(&snap))
		panic("not loaded: %s", snap.error);
}
