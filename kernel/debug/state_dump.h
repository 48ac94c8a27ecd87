/* SPDX-License-Identifier: MIT */
/*
 * The monitor's state on BREAK, on five escape keys in a second, and on an NMI: printed at once, by
 * the interrupt itself, hence even when nobody reads the input, and by an NMI even when interrupts
 * are off.
 */
#pragma once

/* From now on. */
void state_dump_init(void);
/* Prints the rest of the state (the VMs'), from interrupt and NMI context: it may read only what
 * stays readable in the middle of any change. */
void state_dump_set_hook(void (*fn)(void));
