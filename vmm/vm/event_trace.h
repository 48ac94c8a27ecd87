/* SPDX-License-Identifier: MIT */
/*
 * A trace of chosen events of a VM, with the time of each: the last EVENT_TRACE_SIZE of them. Who
 * notes them are the places that stop for a debugger (emu/cpu/stop.h), which test a bit that is
 * there for both: a trace that is off costs nothing. Exits are in a ring of their own, which is
 * always on (vmm/state/exit_trace.h), and are put in between.
 */
#pragma once

#include "vmm/state/vm.h"

#define EVENT_TRACE_SIZE 4096u /* power of two */

/* The name of the i-th kind of events; NULL: no such. */
const char *event_trace_name(unsigned i);
/* Kinds by bit, of a name, or of all by "all". 0: no such. */
u32 event_trace_kinds(const char *name);
/* These kinds from now on, or no longer. E_NOMEM. */
int event_trace_set(struct vm *vm, u32 kinds, bool on);
u32 event_trace_on(const struct vm *vm);
/* The newest n, oldest first. */
void event_trace_print(struct vm *vm, u32 n);
void event_trace_destroy(struct vm *vm);
