/* SPDX-License-Identifier: MIT */
/*
 * Keys on their way to a guest's keyboard. The keyboard refuses a key that it has no room for, and
 * many a guest drops keys that come faster than it works on them (a BIOS keeps 15). So strokes wait
 * here, and each is given when the guest has read the one before and has run a little since.
 */
#pragma once

#include "vmm/state/vm.h"

/* How long a stroke of several keys is held, if nobody says otherwise. */
#define VM_KEYS_HOLD_MS 100u

/* The keys go down one after the other, are held, and come up in reverse order; up to
 * VM_KEYS_AT_ONCE of them. False: there is no room; nothing is queued. */
bool vm_keys_stroke(struct vm *vm, const u8 *keys, unsigned n, unsigned hold_ms);
/* The same for a character, by the US layout, without being held. */
bool vm_keys_char(struct vm *vm, char c);
/* A key goes down or up as soon as may be: the fingers set the pace. False: no room. */
bool vm_keys_event(struct vm *vm, u8 key, bool pressed);
/* Hands on what may be; returns when to call at the latest, in ns of the clock. */
u64 vm_keys_feed(struct vm *vm);
