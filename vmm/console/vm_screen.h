/* SPDX-License-Identifier: MIT */
/*
 * A guest's screen on the serial line: drawn by escape sequences as it changes, and what is typed
 * goes to the guest's keyboard (docs/screen.md). One at a time.
 *
 * A task of its own draws, about 30 times a second at most and only while the line keeps up; its
 * time is on its own account. Between two pieces the guest goes on, and the next piece is of what
 * it shows then.
 */
#pragma once

#include "vmm/state/vm.h"

void vm_screen_init(void);
/* Turns the console to vm's screen until the escape key. sixel: graphics are shown as pictures.
 * E_NOENT: it has no screen; E_NOSYS: the console is no serial line; E_NOMEM. */
int vm_screen_show(struct vm *vm, bool sixel);
