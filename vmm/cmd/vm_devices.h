/* SPDX-License-Identifier: MIT */
/*
 * The prompt's list of a VM's devices.
 */
#pragma once

struct vm;

/* Prints each device: where it is, and how often its ports were read and written. */
void vm_list_devices(const struct vm *vm);
