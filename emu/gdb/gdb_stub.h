/* SPDX-License-Identifier: MIT */
/*
 * gdb's remote protocol for the guests at a line: bytes in, bytes out. Whoever carries the bytes,
 * runs the guests and stops them gives struct gdb_ops; gdb_guest_add() brings the guests.
 *
 * Whatever comes, nothing but the guests can be harmed: lengths are bounded, and what is not
 * understood is answered by an empty packet. gdb_packet.c has the frames, gdb_guests.c who is
 * meant and who goes, gdb_query.c the questions, gdb_regs.c registers.
 */
#pragma once

#include "emu/gdb/gdb_guests.h"

void gdb_stub_init(struct gdb_stub *g, const struct gdb_ops *ops, void *ctx);
void gdb_stub_input(struct gdb_stub *g, u8 byte);
