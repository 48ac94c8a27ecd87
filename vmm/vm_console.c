/* SPDX-License-Identifier: MIT */
/*
 * Consoles of the VMs, and the switch between them and the shell.
 *
 * Input: the escape key (Ctrl-]) turns the console from a VM to the shell; typed at the shell it
 * turns back to the VM that had it last. Everything runs in the main loop with interrupts off.
 */
#include "vmm/vm_console.h"

#include "kernel/base/log.h"
#include "kernel/console.h"
#include "kernel/shell.h"
#include "vmm/vm.h"

static struct vm *focus; /* NULL: the shell has the console */
static struct vm *last;	 /* had it before the shell */
static u8 escape_key = 0x1d;

void vm_console_set_escape(u8 key)
{
	escape_key = key;
	console_set_escape(key);
}

struct vm *vm_console_focused(void)
{
	return focus;
}

static void keep(struct vm_console *c, u8 byte)
{
	c->ring[c->head] = byte;
	c->head = (c->head + 1) % VM_CONSOLE_RING;
	if (c->kept < VM_CONSOLE_RING)
		c->kept++;
}

static void show_kept(struct vm_console *c)
{
	u32 from = (c->head + VM_CONSOLE_RING - c->kept) % VM_CONSOLE_RING;

	if (from + c->kept > VM_CONSOLE_RING) {
		console_write_raw((const char *)c->ring + from, VM_CONSOLE_RING - from);
		c->kept -= VM_CONSOLE_RING - from;
		from = 0;
	}
	console_write_raw((const char *)c->ring + from, c->kept);
	c->kept = 0;
}

static void log_byte(struct vm *vm, u8 byte)
{
	struct vm_console *c = &vm->console;

	if (byte != '\n' && byte != '\r' && c->line_len + 1 < VM_CONSOLE_LINE) {
		c->line[c->line_len++] = (char)byte;
		return;
	}
	if (!c->line_len)
		return;
	c->line[c->line_len] = '\0';
	c->line_len = 0;
	log_info("%s: %s", vm->config.name, c->line);
}

void vm_console_tx(struct vm *vm, unsigned port, u8 byte)
{
	switch (vm->config.serial[port]) {
	case SERIAL_NONE:
		return;
	case SERIAL_LOG:
		log_byte(vm, byte);
		return;
	case SERIAL_CONSOLE:
		if (vm == focus)
			console_write_raw((const char *)&byte, 1);
		else
			keep(&vm->console, byte);
	}
}

static unsigned console_port(const struct vm *vm)
{
	for (unsigned p = 0; p < ARRAY_SIZE(vm->config.serial); p++)
		if (vm->config.serial[p] == SERIAL_CONSOLE)
			return p;
	return 0;
}

void vm_console_feed(struct vm *vm)
{
	struct vm_console *c = &vm->console;

	while (c->in_tail != c->in_head) {
		if (!board_serial_rx(vm->board, console_port(vm), c->input[c->in_tail]))
			return;
		c->in_tail = (c->in_tail + 1) % sizeof(c->input);
	}
}

void vm_console_type(struct vm *vm, u8 byte)
{
	struct vm_console *c = &vm->console;
	u32 next = (c->in_head + 1) % sizeof(c->input);

	if (next == c->in_tail)
		return; /* the guest does not read: as on a line without flow control */
	c->input[c->in_head] = byte;
	c->in_head = next;
}

void vm_console_focus(struct vm *vm)
{
	if (focus)
		last = focus;
	focus = vm;
	if (vm) {
		shell_leave();
		last = vm;
		show_kept(&vm->console);
	} else {
		shell_enter();
	}
}

void vm_console_forget(struct vm *vm)
{
	if (last == vm)
		last = NULL;
	if (focus == vm) {
		focus = NULL;
		shell_enter();
	}
}

static void escape(void)
{
	if (focus)
		vm_console_focus(NULL);
	else if (last)
		vm_console_focus(last);
}

bool vm_console_pending(void)
{
	return console_input_pending();
}

void vm_console_poll(void)
{
	int c;

	while ((c = console_read()) >= 0) {
		if ((u8)c == escape_key)
			escape();
		else if (focus)
			vm_console_type(focus, (u8)c);
		else
			shell_input((u8)c);
	}
}
