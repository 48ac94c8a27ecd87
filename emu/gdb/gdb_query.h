/* SPDX-License-Identifier: MIT */
/*
 * gdb's general questions: packets q and Q.
 */
#pragma once

#include "emu/gdb/gdb_guests.h"

void gdb_query(struct gdb_stub *g, const char *s);
