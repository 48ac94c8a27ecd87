/* SPDX-License-Identifier: MIT */
/*
 * What gdb's servers share: why a serial line cannot be gdb's.
 */
#pragma once

/* In words, from what line_open() said. */
const char *gdb_line_why(const char *name, int err);
