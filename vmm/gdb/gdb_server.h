/* SPDX-License-Identifier: MIT */
/*
 * gdb at a serial line of the machine, for the VMs that name it: `gdb = com2`.
 */
#pragma once

struct vm;

/* Listens on the line of its configuration, if that names one; reports what is wrong. */
void gdb_server_begin(struct vm *vm);
/* The VM is about to end. */
void gdb_server_end(struct vm *vm);
/* Who runs `monitor` commands. They are about vm where they name none; NULL: about no VM. */
void gdb_server_set_prompt(void (*run)(struct vm *vm, const char *line));
