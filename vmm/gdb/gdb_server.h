/* SPDX-License-Identifier: MIT */
/*
 * gdb at a serial line of the machine, for one VM: `gdb = com2`.
 */
#pragma once

struct vm;

/* Listens on the line of its configuration, if that names one; reports what is wrong. */
void gdb_server_begin(struct vm *vm);
/* The VM is about to end. */
void gdb_server_end(struct vm *vm);
