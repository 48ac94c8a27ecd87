/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes between a VM's UARTs and the console, the log, or the ring of kept output.
 */
#include "vmm/console/vm_console.h"

#include <stdarg.h>

#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/base/print.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"

/* So much of guests' output may wait for the line. More would delay the prompt behind the escape
 * key: these are 0.36 s at 115200 baud. */
#define AHEAD 4096u
/* What a guest may still send when its UART says busy: the FIFO that it was about to fill. */
#define BURST	      16u
#define VIEW_RETRY_NS 20000000u
#define KEPT_ROOM     64u   /* of the kept ring, for that */
#define INPUT_MARGIN  1024u /* of the input ring, for what stands before an escape key */

static struct vm *focus; /* NULL: the shell has the console */
static struct vm *last;	 /* had it before the shell */
static u8 escape_key = 0x1d;
static struct waitq input; /* of the machine: for the task */
static void (*after_input)(void);
static bool stuck; /* the next byte of input has to wait for the focused VM, or the view */
static const struct vm_console_view *view; /* NULL: none; else focus is NULL */

void vm_console_set_escape(u8 key)
{
	escape_key = key;
	console_set_escape(key);
}

struct vm *vm_console_focused(void)
{
	return focus;
}

void vm_console_init(struct vm *vm)
{
	vm->console.input =
		(struct byte_ring){ .data = vm->console.input_data, .size = VM_CONSOLE_INPUT };
}

/* --- What a VM without the console says */

static void keep(struct vm_console *c, u8 byte)
{
	c->kept_data[c->head] = byte;
	c->head = (c->head + 1) % VM_CONSOLE_KEPT;
	if (c->kept < VM_CONSOLE_KEPT)
		c->kept++;
	else
		c->missed++;
}

static void show_kept(struct vm_console *c)
{
	u32 from = (c->head + VM_CONSOLE_KEPT - c->kept) % VM_CONSOLE_KEPT;

	if (c->missed)
		console_print("[%llu bytes before these were not kept]\n",
			      (unsigned long long)c->missed);
	c->missed = 0;
	if (from + c->kept > VM_CONSOLE_KEPT) {
		console_write_raw((const char *)c->kept_data + from, VM_CONSOLE_KEPT - from);
		c->kept -= VM_CONSOLE_KEPT - from;
		from = 0;
	}
	console_write_raw((const char *)c->kept_data + from, c->kept);
	c->kept = 0;
}

/* --- The log */

static void end_line(struct vm *vm, unsigned n)
{
	struct vm_console *c = &vm->console;

	if (!c->line[n].len)
		return;
	c->line[n].text[c->line[n].len] = '\0';
	c->line[n].len = 0;
	log_info("%s: %s%s", vm->config.name, n == VM_LINE_DEBUG ? "debug port: " : "",
		 c->line[n].text);
}

static void log_byte(struct vm *vm, unsigned n, u8 byte)
{
	struct vm_console *c = &vm->console;

	if (byte == '\n' || byte == '\r') {
		end_line(vm, n);
		return;
	}
	if (!byte) /* ends no text, and is none */
		return;
	if (c->line[n].len + 1 == VM_CONSOLE_LINE)
		end_line(vm, n);
	c->line[n].text[c->line[n].len++] = (char)byte;
}

void vm_console_end_lines(struct vm *vm)
{
	for (unsigned n = 0; n < VM_LINES; n++)
		end_line(vm, n);
}

/* --- Output */

static bool line_free(const struct vm *vm, unsigned port)
{
	const struct vm_console *c = &vm->console;

	switch (vm->config.serial[port]) {
	case SERIAL_NONE:
		return true;
	case SERIAL_CONSOLE:
		if (vm != focus)
			return c->kept + KEPT_ROOM < VM_CONSOLE_KEPT ||
			       clock_now() >= c->hold_until;
		break;
	case SERIAL_LOG:
		break;
	}
	return console_queued() < AHEAD;
}

static void block(struct vm *vm)
{
	vm->console.blocked = true;
	recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}

void vm_console_charge(struct vm *vm)
{
	if (vm->vcpu && console_queued() >= AHEAD)
		block(vm);
}

bool vm_console_tx(struct vm *vm, unsigned port, u8 byte)
{
	struct vm_console *c = &vm->console;

	switch (vm->config.serial[port]) {
	case SERIAL_NONE:
		return true;
	case SERIAL_LOG:
		log_byte(vm, port, byte);
		break;
	case SERIAL_CONSOLE:
		if (vm == focus)
			console_write_raw((const char *)&byte, 1);
		else
			keep(c, byte);
	}
	if (line_free(vm, port))
		return true;
	c->waiting = true;
	if (++c->ahead > BURST)
		block(vm);
	return false;
}

/* These ports have no way to say that they are busy. */
void vm_console_debug(struct vm *vm, u8 byte)
{
	log_byte(vm, VM_LINE_DEBUG, byte);
	vm_console_charge(vm);
}

/* --- Input */

/* The virtio console as soon as the guest has a driver for it; a boot loader has none. */
static unsigned console_port(const struct vm *vm)
{
	if (vm->config.serial[VM_LINE_VIRTIO] == SERIAL_CONSOLE && board_console_listens(vm->board))
		return VM_LINE_VIRTIO;
	for (unsigned p = 0; p < ARRAY_SIZE(vm->config.serial); p++)
		if (vm->config.serial[p] == SERIAL_CONSOLE)
			return p;
	return 0;
}

static u32 input_room(const struct vm *vm)
{
	u32 room = ring_room(&vm->console.input);

	return room > INPUT_MARGIN ? room - INPUT_MARGIN : 0;
}

static void feed_input(struct vm *vm)
{
	struct byte_ring *in = &vm->console.input;
	unsigned port = console_port(vm);
	int byte;

	while ((byte = ring_peek(in)) >= 0 && board_serial_rx(vm->board, port, (u8)byte))
		ring_get(in);
	if (stuck && vm == focus && input_room(vm) >= INPUT_MARGIN)
		waitq_wake(&input);
}

u64 vm_console_feed(struct vm *vm)
{
	struct vm_console *c = &vm->console;
	unsigned ports = ARRAY_SIZE(vm->config.serial);

	feed_input(vm);
	if (!c->waiting && !c->blocked)
		return UINT64_MAX;
	if (console_queued() >= AHEAD)
		return UINT64_MAX; /* the line's own interrupt wakes */
	for (unsigned p = 0; p < ports; p++)
		if (!line_free(vm, p))
			return c->hold_until;
	c->waiting = c->blocked = false;
	c->ahead = 0;
	for (unsigned p = 0; p < ports; p++)
		board_serial_ready(vm->board, p);
	return UINT64_MAX;
}

bool vm_console_type(struct vm *vm, u8 byte)
{
	return ring_put(&vm->console.input, byte);
}

/* --- The switch */

void vm_console_announce(struct vm *vm)
{
	console_print("console: %s. Ctrl-%c for the monitor\n", vm->config.name, escape_key | 0x40);
}

void vm_console_focus(struct vm *vm)
{
	if (focus && focus != vm) {
		last = focus;
		focus->console.hold_until = clock_now() + VM_CONSOLE_HOLD_NS;
	}
	focus = vm;
	if (vm) {
		shell_leave();
		last = vm;
		show_kept(&vm->console);
	} else {
		shell_enter();
	}
}

void vm_console_set_view(const struct vm_console_view *v)
{
	shell_leave();
	view = v;
}

static void leave_view(void)
{
	view->leave();
	view = NULL;
	shell_enter();
}

void vm_console_forget(struct vm *vm)
{
	if (view && view->vm == vm)
		leave_view();
	if (last == vm)
		last = NULL;
	if (focus == vm) {
		focus = NULL;
		shell_enter();
	}
}

static void escape(void)
{
	if (view)
		leave_view();
	else if (focus)
		vm_console_focus(NULL);
	else if (last)
		vm_console_focus(last);
}

/* What was typed before an escape key goes to its VM, beyond the margin if need be, so that the key
 * works. Only when the margin is used up too something has to go. */
static void type_up_to_escape(struct vm *vm, int bytes)
{
	unsigned lost = 0;

	while (bytes--)
		lost += !vm_console_type(vm, (u8)console_read());
	if (lost)
		log_warn("%s does not read its console: %u bytes typed were thrown away",
			 vm->config.name, lost);
}

/* What a view has no room for waits, unless an escape key stands behind it. */
static bool give_to_view(u8 byte)
{
	bool taken = view->input(byte) || console_input_escape() >= 0;

	if (taken)
		console_read();
	return taken;
}

/* What is typed behind a job of the prompt waits, unless an escape key stands behind it. */
static bool give_to_shell(void)
{
	if (shell_take_input())
		return true;
	if (console_input_escape() < 0)
		return false;
	shell_interrupt();
	return true;
}

/* One byte of input to where it belongs; false: it has to wait. */
static bool take_input(u8 byte)
{
	int bytes;

	if (byte == escape_key) {
		console_read();
		escape();
		return true;
	}
	if (view)
		return give_to_view(byte);
	if (!focus)
		return give_to_shell();
	if (input_room(focus)) {
		console_read();
		return vm_console_type(focus, byte);
	}
	bytes = console_input_escape();
	if (bytes < 0)
		return false;
	type_up_to_escape(focus, bytes);
	return true;
}

/* Input that is stuck goes on when more is typed, which may be an escape key, or when the focused
 * VM has taken some. */
static void take_all_input(struct task *t, u64 until)
{
	int c;

	(void)until;
	task_sleep(t, &input, UINT64_MAX);
	irq_enable();
	stuck = false;
	shell_go_on();
	while ((c = console_peek()) >= 0 && !stuck)
		stuck = !take_input((u8)c);
	console_set_stuck(stuck);
	if (after_input)
		after_input();
	irq_disable();
	if (stuck && view)
		task_sleep(t, &input, clock_now() + VIEW_RETRY_NS);
}

static void input_came(void)
{
	waitq_wake(&input);
}

void vm_console_start(void (*after)(void))
{
	static const struct task_ops ops = { .run = take_all_input };
	static struct task task;

	after_input = after;
	waitq_init(&input);
	task_init(sched_runq(), &task, &ops, true);
	console_set_input_hook(input_came);
}

/* --- Lines of ours about a VM */

static void report(struct vm *vm, const char *fmt, va_list ap)
{
	char text[208];

	fmt_vprint(text, sizeof(text), fmt, ap);
	log_info("%s: %s", vm->config.name, text);
	vm_console_charge(vm);
}

void vm_report(struct vm *vm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(vm, fmt, ap);
	va_end(ap);
}
