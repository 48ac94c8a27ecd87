/* SPDX-License-Identifier: MIT */
/*
 * The 8042. The output buffer holds one byte and knows where it came from; when it is empty it is
 * filled from the keyboard, then from the mouse, unless that one's clock is held (command byte bits
 * 4 and 5). IRQ 1 and IRQ 12 stand for "buffer full from there", so each byte that is read makes a
 * new edge if another follows.
 */
#include "emu/chip/i8042.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"
#include "kernel/hw/i8042_regs.h"

#define CCB_IRQ1   0x01
#define CCB_IRQ12  0x02
#define CCB_SYSTEM 0x04
#define CCB_NO_KBD 0x10
#define CCB_NO_AUX 0x20
#define CCB_XLATE  0x40

#define OUT_NO_RESET 0x01
#define OUT_A20	     0x02
#define OUT_KBD_OBF  0x10
#define OUT_AUX_OBF  0x20
#define OUT_LINES    0xcc /* clocks and data lines, as they rest */

enum {
	READ_RAM = 0x20,
	WRITE_RAM = 0x60,
	TEST_PASSWORD = 0xa4,
	AUX_OFF = 0xa7,
	AUX_ON,
	AUX_TEST,
	SELF_TEST,
	KBD_TEST,
	KBD_OFF = 0xad,
	KBD_ON,
	READ_INPUT = 0xc0,
	READ_OUTPUT = 0xd0,
	WRITE_OUTPUT,
	WRITE_KBD_BUFFER,
	WRITE_AUX_BUFFER,
	WRITE_AUX,
	A20_OFF = 0xdd,
	A20_ON = 0xdf,
	READ_TEST = 0xe0,
	PULSE = 0xf0,
};

static void update_irqs(struct i8042 *c)
{
	bool kbd = (c->source == I8042_FROM_KEYBOARD || c->source == I8042_FROM_CONTROLLER) &&
		   (c->ram[0] & CCB_IRQ1);
	bool aux = c->source == I8042_FROM_MOUSE && (c->ram[0] & CCB_IRQ12);

	if (kbd != c->level1) {
		c->level1 = kbd;
		irq_set(&c->irq1, kbd);
	}
	if (aux != c->level12) {
		c->level12 = aux;
		irq_set(&c->irq12, aux);
	}
}

static void put(struct i8042 *c, u8 source, u8 byte)
{
	if (c->source > I8042_FROM_CONTROLLER && c->held_source == I8042_EMPTY) {
		c->held_source = c->source;
		c->held = c->data;
	}
	c->source = source;
	c->data = byte;
	update_irqs(c);
}

/* Set 2 to set 1 on the way through: F0h vanishes and sets bit 7 of what follows. False: nothing to
 * show yet. */
static bool translate(struct i8042 *c, u8 *byte)
{
	if (!(c->ram[0] & CCB_XLATE))
		return true;
	if (*byte == 0xf0) {
		c->translate_release = true;
		return false;
	}
	*byte = ps2_set2_to_set1(*byte);
	if (c->translate_release && *byte < 0x80)
		*byte |= 0x80;
	c->translate_release = false;
	return true;
}

static void refill(void *dev)
{
	struct i8042 *c = dev;

	if (c->source == I8042_EMPTY && c->held_source != I8042_EMPTY) {
		u8 source = c->held_source;

		c->held_source = I8042_EMPTY;
		put(c, source, c->held);
	}
	while (c->source == I8042_EMPTY && c->keyboard.out.used && !(c->ram[0] & CCB_NO_KBD)) {
		u8 byte = ps2_pop(&c->keyboard.out);

		if (translate(c, &byte))
			put(c, I8042_FROM_KEYBOARD, byte);
	}
	if (c->source == I8042_EMPTY && c->mouse.out.used && !(c->ram[0] & CCB_NO_AUX)) {
		put(c, I8042_FROM_MOUSE, ps2_pop(&c->mouse.out));
		pc_mouse_ready(&c->mouse);
	}
}

/* The line leads to the INIT pin of the CPU. */
static void pulse_reset(struct i8042 *c)
{
	c->host->cpu_init(c->host->ctx, "INIT (keyboard controller)");
}

static u8 output_port(const struct i8042 *c)
{
	return OUT_NO_RESET | (c->a20->held & A20_KBC ? OUT_A20 : 0);
}

static void write_output_port(struct i8042 *c, u8 v)
{
	if (!(v & OUT_NO_RESET)) {
		pulse_reset(c);
		return;
	}
	a20_set(c->a20, v & OUT_A20);
}

static u8 read_output_port(const struct i8042 *c)
{
	u8 full = c->source == I8042_FROM_MOUSE ? OUT_AUX_OBF
		  : c->source != I8042_EMPTY	? OUT_KBD_OBF
						: 0;

	return (u8)(output_port(c) | OUT_LINES | full);
}

static void self_test(struct i8042 *c)
{
	c->ram[0] = (u8)((c->ram[0] & CCB_XLATE) | CCB_SYSTEM | CCB_NO_KBD | CCB_NO_AUX);
	put(c, I8042_FROM_CONTROLLER, 0x55);
}

static void set_ccb(struct i8042 *c, u8 v)
{
	c->ram[0] = v;
	update_irqs(c);
}

static void command(struct i8042 *c, u8 v)
{
	c->command = 0;
	if (v >= PULSE) { /* bits 0..3: which output lines to pulse low; line 0 is reset */
		if (!(v & 1))
			pulse_reset(c);
		return;
	}
	switch (v) {
	case READ_RAM ... READ_RAM + 0x1f:
		put(c, I8042_FROM_CONTROLLER, c->ram[v & 0x1f]);
		return;
	case WRITE_RAM ... WRITE_RAM + 0x1f:
	case WRITE_OUTPUT:
	case WRITE_KBD_BUFFER:
	case WRITE_AUX_BUFFER:
	case WRITE_AUX:
		c->command = v;
		return;
	case TEST_PASSWORD:
		put(c, I8042_FROM_CONTROLLER, 0xf1); /* none installed */
		return;
	case AUX_OFF:
		set_ccb(c, c->ram[0] | CCB_NO_AUX);
		return;
	case AUX_ON:
		set_ccb(c, c->ram[0] & (u8)~CCB_NO_AUX);
		return;
	case AUX_TEST:
	case KBD_TEST:
		put(c, I8042_FROM_CONTROLLER, 0x00);
		return;
	case SELF_TEST:
		self_test(c);
		return;
	case KBD_OFF:
		set_ccb(c, c->ram[0] | CCB_NO_KBD);
		return;
	case KBD_ON:
		set_ccb(c, c->ram[0] & (u8)~CCB_NO_KBD);
		return;
	case READ_INPUT:
		put(c, I8042_FROM_CONTROLLER, 0x80); /* keyboard not locked */
		return;
	case READ_OUTPUT:
		put(c, I8042_FROM_CONTROLLER, read_output_port(c));
		return;
	case A20_OFF:
		a20_set(c->a20, false);
		return;
	case A20_ON:
		a20_set(c->a20, true);
		return;
	case READ_TEST:
		put(c, I8042_FROM_CONTROLLER, 0x00);
		return;
	default: /* undefined commands are ignored, as the chip's firmware does */
		return;
	}
}

static void data(struct i8042 *c, u8 v)
{
	u8 to = c->command;

	c->command = 0;
	switch (to) {
	case WRITE_RAM:
		set_ccb(c, v);
		return;
	case WRITE_RAM + 1 ... WRITE_RAM + 0x1f:
		c->ram[to & 0x1f] = v;
		return;
	case WRITE_OUTPUT:
		write_output_port(c, v);
		return;
	case WRITE_KBD_BUFFER:
		put(c, I8042_FROM_KEYBOARD, v);
		return;
	case WRITE_AUX_BUFFER:
		put(c, I8042_FROM_MOUSE, v);
		return;
	case WRITE_AUX:
		set_ccb(c, c->ram[0] & (u8)~CCB_NO_AUX);
		pc_mouse_command(&c->mouse, v);
		return;
	default: /* to the keyboard, whose clock is released for it */
		set_ccb(c, c->ram[0] & (u8)~CCB_NO_KBD);
		c->translate_release = false;
		pc_keyboard_command(&c->keyboard, v);
	}
}

static u32 data_read(void *dev, u16 offset, unsigned size)
{
	struct i8042 *c = dev;
	u8 v = c->data;

	(void)offset;
	(void)size;
	if (c->source != I8042_EMPTY) {
		c->source = I8042_EMPTY;
		update_irqs(c);
		refill(c);
	}
	return v;
}

static void data_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8042 *c = dev;

	(void)offset;
	(void)size;
	c->last_was_command = false;
	data(c, (u8)value);
	refill(c);
}

static u32 status_read(void *dev, u16 offset, unsigned size)
{
	const struct i8042 *c = dev;

	(void)offset;
	(void)size;
	return I8042_UNLOCK | (c->source != I8042_EMPTY ? I8042_OBF : 0u) |
	       (c->source == I8042_FROM_MOUSE ? I8042_AUX : 0u) |
	       (c->ram[0] & CCB_SYSTEM ? I8042_SYSTEM : 0u) |
	       (c->last_was_command ? I8042_COMMAND : 0u);
}

static void command_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8042 *c = dev;

	(void)offset;
	(void)size;
	c->last_was_command = true;
	command(c, (u8)value);
	refill(c);
}

bool i8042_key(struct i8042 *c, u8 key, bool pressed)
{
	bool taken = pc_keyboard_key(&c->keyboard, key, pressed);

	refill(c);
	return taken;
}

bool i8042_keys_read(const struct i8042 *c)
{
	return !c->keyboard.out.used && c->source != I8042_FROM_KEYBOARD &&
	       c->held_source != I8042_FROM_KEYBOARD;
}

void i8042_mouse(struct i8042 *c, s32 dx, s32 dy, s32 dz, u8 buttons)
{
	pc_mouse_move(&c->mouse, dx, dy, dz, buttons);
	refill(c);
}

static const struct bus_ports data_ports = { data_read, data_write, 1 };
static const struct bus_ports command_ports = { status_read, command_write, 1 };

static void i8042_reset(void *dev)
{
	struct i8042 *c = dev;

	pc_keyboard_reset(&c->keyboard);
	pc_mouse_reset(&c->mouse);
	memset(c->ram, 0, sizeof(c->ram));
	c->ram[0] = CCB_XLATE | CCB_SYSTEM | CCB_NO_AUX;
	c->source = c->held_source = I8042_EMPTY;
	c->command = 0;
	c->last_was_command = c->translate_release = false;
	a20_set(c->a20, true);
	update_irqs(c);
}

static int i8042_init(void *dev, const struct device_bay *bay)
{
	struct i8042 *c = dev;

	c->irq1 = bay->irq[0];
	c->irq12 = bay->irq[1];
	c->a20 = bay->a20;
	c->host = bay->host;
	pc_keyboard_init(&c->keyboard, bay->timers, refill, c);
	pc_mouse_init(&c->mouse, bay->timers, refill, c);
	i8042_reset(c);
	return 0;
}

/* A key, a movement. */
static bool i8042_can_wake(const void *dev)
{
	(void)dev;
	return true;
}

/* A key that repeats, a movement that waited for its sample. */
static u64 i8042_wakes_at(const void *dev)
{
	const struct i8042 *c = dev;

	return MIN(vtimer_due(&c->keyboard.timer), vtimer_due(&c->mouse.timer));
}

static void i8042_state(void *dev, struct snap *s)
{
	struct i8042 *c = dev;
	u8 port = output_port(c);

	pc_keyboard_state(&c->keyboard, s);
	pc_mouse_state(&c->mouse, s);
	snap_bytes(s, c->ram, sizeof(c->ram));
	snap_range(s, port, 0, OUT_NO_RESET | OUT_A20);
	snap_u8(s, c->data);
	snap_range(s, c->source, I8042_EMPTY, I8042_FROM_MOUSE);
	snap_u8(s, c->held);
	snap_range(s, c->held_source, I8042_EMPTY, I8042_FROM_MOUSE);
	snap_u8(s, c->command);
	snap_bool(s, c->last_was_command);
	snap_bool(s, c->translate_release);
	if (s->loading && snap_ok(s)) {
		a20_load(c->a20, A20_KBC, port & OUT_A20);
		update_irqs(c);
	}
}

const struct device_class i8042_class = {
	.name = "i8042",
	.version = 2,
	.size = sizeof(struct i8042),
	.ports = { &data_ports, &command_ports },
	.init = i8042_init,
	.reset = i8042_reset,
	.state = i8042_state,
	.can_wake = i8042_can_wake,
	.wakes_at = i8042_wakes_at,
	.title = "8042, keyboard, mouse",
	.file = "i8042.c, pc_keyboard.c, pc_scancodes.c, pc_mouse.c",
	.has = "controller commands, translation, test, loop-back buffers, A20, reset; keyboard "
	       "commands, scan code sets 1 to 3 with kinds of keys, repetition, LEDs; standard and "
	       "wheel packets, stream, remote and wrap modes, sample rate, scaling",
	.lacks = "password, output lines other than A20 and reset; overrun codes (a key that finds "
		 "no room waits outside); five-button mode; movement is in counts, whatever the "
		 "resolution",
};
