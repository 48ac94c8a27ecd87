/* SPDX-License-Identifier: MIT */
/*
 * Signals of translated code: installed once, active between begin and end.
 */
#pragma once

#include "tests/host/machine.h"

/* Installs the handlers, for tests that take signals of their own before a machine has run. */
void machine_trap_install(void);
void machine_trap_begin(struct machine *m);
void machine_trap_end(void);
