/* SPDX-License-Identifier: MIT */
/*
 * The console of one VM: what its first serial port says and hears. One VM has the monitor's
 * console at a time; what the others say meanwhile is kept, the last VM_CONSOLE_RING bytes of it,
 * and shown when the console turns to them.
 */
#pragma once

#include "kernel/base/types.h"

struct vm;

#define VM_CONSOLE_RING 16384u
#define VM_CONSOLE_LINE 256u

struct vm_console {
	u8 ring[VM_CONSOLE_RING];
	u32 head, kept; /* next write position; bytes not yet shown */
	u8 input[1024]; /* typed, not yet taken by the guest's FIFO */
	u32 in_head, in_tail;
	char line[VM_CONSOLE_LINE]; /* serial = log: the line so far */
	u32 line_len;
};

/* board_host.serial_tx */
void vm_console_tx(struct vm *vm, unsigned port, u8 byte);
/* Hands typed bytes to the guest's UART as far as its FIFO takes them. */
void vm_console_feed(struct vm *vm);

/* Reads the machine's console and gives each byte to the shell or to the focused VM. Called from
 * the main loop. */
void vm_console_poll(void);
bool vm_console_pending(void);
/* Turns the console to vm; NULL: to the shell. */
void vm_console_focus(struct vm *vm);
struct vm *vm_console_focused(void);
void vm_console_set_escape(u8 key);
/* vm is going away. */
void vm_console_forget(struct vm *vm);
/* Passes one byte to the VM as if typed (sendkey). */
void vm_console_type(struct vm *vm, u8 byte);
