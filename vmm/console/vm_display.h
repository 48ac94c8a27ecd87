/* SPDX-License-Identifier: MIT */
/*
 * The machine's own screen, keyboard and mouse, for one guest at a time (docs/screen.md). The hot
 * key goes from the console to the first VM, on to the next, and back to the console.
 *
 * Interrupts only note keys and movements and look for the hot key. A task hands them to the guest,
 * another one draws; its time is on its own account.
 */
#pragma once

#include "vmm/state/vm.h"

void vm_display_start(void);
/* 0 behind the last key; none: Ctrl-Alt-F12. */
void vm_display_set_hotkey(const u8 *keys);
/* As the hot key does, if vm has a screen. */
void vm_display_turn_to(struct vm *vm);
/* vm is going away. */
void vm_display_forget(struct vm *vm);
