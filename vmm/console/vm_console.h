/* SPDX-License-Identifier: MIT */
/*
 * The console of one VM, which one VM at a time has, and the lines that its other ports write to
 * the log. docs/console.md tells the whole way of a byte.
 *
 * Output. A port whose line does not keep up tells the guest by its UART (THR stays full); a guest
 * that writes on is not run until it does (vm_console.blocked), so that nothing is lost and nobody
 * else waits. What a VM without the console says is kept, the last VM_CONSOLE_KEPT bytes of it;
 * for VM_CONSOLE_HOLD_NS after the console turned away the VM waits instead of losing any.
 *
 * Input waits in the VM's own ring until the guest takes it, and when that is full, in the
 * machine's (kernel/console/console.h) and at its sender's.
 *
 * Contexts: the run loop, the prompt's commands, and device handlers of the VM that runs, which the
 * recompiler calls with interrupts on. An interrupt only wakes the task that takes input.
 */
#pragma once

#include "vmm/state/vm.h"

void vm_console_init(struct vm *vm);
/* board_host.serial_tx and debug_tx */
bool vm_console_tx(struct vm *vm, unsigned port, u8 byte);
void vm_console_debug(struct vm *vm, u8 byte);
/* The monitor printed something that this VM caused: the line's time is the VM's. */
void vm_console_charge(struct vm *vm);
/* Hands typed bytes to the guest's UART as far as its FIFO takes them, and tells it that its lines
 * are free again. Returns when to call at the latest, in ns of the clock, or UINT64_MAX. */
u64 vm_console_feed(struct vm *vm);
/* Lines that have no end yet go to the log: the guest ends or starts anew. */
void vm_console_end_lines(struct vm *vm);

/* Begins to read the machine's console, by a task of the scheduler, and to give each byte to the
 * shell or to the focused VM. after: called when the bytes, and the commands in them, are done. */
void vm_console_start(void (*after)(void));
/* Turns the console to vm; NULL: to the shell. */
void vm_console_focus(struct vm *vm);
/* Says whose console it is and how to leave it. */
void vm_console_announce(struct vm *vm);
struct vm *vm_console_focused(void);

/* Somebody who draws on the terminal and takes what is typed, until the escape key. */
struct vm_console_view {
	struct vm *vm;		/* when it goes away, so does the view */
	bool (*input)(u8 byte); /* false: later, it is asked again soon */
	void (*leave)(void);	/* the prompt comes next */
};
/* From a command of the prompt: v is the view from now on. */
void vm_console_set_view(const struct vm_console_view *v);
void vm_console_set_escape(u8 key);
/* vm is going away. */
void vm_console_forget(struct vm *vm);
/* Passes one byte to the VM as if typed (sendkey); false: its ring is full. */
bool vm_console_type(struct vm *vm, u8 byte);

/* One line about this VM on the monitor's console and in the log. */
void vm_report(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
