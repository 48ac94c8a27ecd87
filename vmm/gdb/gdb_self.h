/* SPDX-License-Identifier: MIT */
/*
 * gdb on the monitor itself, at a serial line: `gdb = com2` in [ringleader], `gdb=com2` on the
 * command line. docs/gdb.md tells what its user sees.
 *
 * When gdb says its first word the monitor stops where the line's interrupt met it, if that was the
 * monitor's own code. Else it stops in a task of its own, gdb_self_turn(). From then on gdb is
 * heard by polling, with interrupts off: no VM runs, and no other part of the monitor is used. A
 * panic stands at the place of the mistake, beside the crash prompt.
 *
 * Breakpoints are bytes CCh in the monitor's text, which are there while the monitor runs.
 */
#pragma once

/* Listens there from now on; says so, or what is wrong. Once: later calls say that it listens. */
void gdb_self_open(const char *line);
