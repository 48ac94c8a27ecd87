/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC. An edge makes one message, unless its pin is masked: then it is lost (data sheet,
 * 3.2.4). A level makes one while no message of it is in service (remote IRR), and the next at the
 * EOI if the wire is still up. A pin in ExtINT mode hands its level on: the local APIC asks the
 * 8259 pair for the vector.
 *
 * Polarity is stored and has no other effect: the wires of this board say whether a device asks for
 * service, not how many volts that is. So a guest may program what its tables say, or what its
 * board had.
 */
#include "emu/chip/ioapic.h"

#include "emu/chip/lapic.h"
#include "emu/dev/strict.h"
#include "emu/snap/snap.h"

#define VERSION	  (0x20u | (IOAPIC_PINS - 1) << 16)
#define READ_ONLY (LVT_REMOTE | LVT_PENDING)
#define WRITABLE  (0xff0000000001ffffull & ~(u64)READ_ONLY)

static bool is_extint(const struct ioapic *io, unsigned pin)
{
	return !(io->entry[pin] & LVT_MASKED) && LVT_MODE(io->entry[pin]) == DELIVER_EXTINT;
}

static void drive_extint(struct ioapic *io)
{
	bool up = false;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		up |= is_extint(io, pin) && io->wires >> pin & 1;
	lapic_set_extint(io->lapic, up);
}

/* Sends what the pin has to say now. rises: its wire has just gone up. */
static void serve(struct ioapic *io, unsigned pin, bool rises)
{
	u64 *e = &io->entry[pin];
	bool level = *e & LVT_LEVEL;

	if (*e & LVT_MASKED || LVT_MODE(*e) == DELIVER_EXTINT || !(io->wires >> pin & 1))
		return;
	if (level ? *e & LVT_REMOTE : !rises)
		return;
	io->messages++;
	/* Remote IRR first: the EOI may come from within. */
	if (level)
		*e |= LVT_REMOTE;
	if (!lapic_message(io->lapic, (u8)(*e >> 56), *e & LVT_LOGICAL, (u8)LVT_MODE(*e), (u8)*e,
			   level))
		*e &= ~(u64)LVT_REMOTE; /* nobody took it, and nobody will end it */
}

void ioapic_set_pin(struct ioapic *io, unsigned pin, bool level)
{
	bool rises = level && !(io->wires >> pin & 1);

	io->wires &= ~BIT(pin);
	io->wires |= (u32)level << pin;
	if (is_extint(io, pin))
		drive_extint(io);
	else
		serve(io, pin, rises);
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		if ((u8)io->entry[pin] != vector || !(io->entry[pin] & LVT_REMOTE))
			continue;
		io->entry[pin] &= ~(u64)LVT_REMOTE;
		serve(io, pin, false);
	}
}

u32 ioapic_open(const struct ioapic *io)
{
	u32 open = 0;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		if (!(io->entry[pin] & LVT_MASKED))
			open |= BIT(pin);
	return open;
}

u8 ioapic_vector(const struct ioapic *io, unsigned pin)
{
	u64 e = io->entry[pin];

	return e & LVT_MASKED || LVT_MODE(e) > DELIVER_LOWEST ? 0 : (u8)e;
}

/* --- Registers */

static void write_entry(struct ioapic *io, u32 index, u32 value)
{
	u64 *e = &io->entry[index / 2];
	u64 half = index & 1 ? 0xffffffffull << 32 : 0xffffffffull;
	u64 new = index & 1 ? (u64)value << 32 : value;

	*e = (*e & (~half | READ_ONLY)) | (new &half &WRITABLE);
	/* Switching a pin to edge ends what is in service: guests mend a stuck pin so. */
	if (!(*e & LVT_LEVEL))
		*e &= ~(u64)LVT_REMOTE;
	drive_extint(io);
	serve(io, index / 2, false);
}

static void write_window(struct ioapic *io, u32 value)
{
	if (io->select == IOAPIC_ID)
		io->id = value & 0x0f000000;
	else if (io->select >= IOAPIC_REDIR && io->select < IOAPIC_REDIR + 2 * IOAPIC_PINS)
		write_entry(io, io->select - IOAPIC_REDIR, value);
	else if (io->select == IOAPIC_VERSION || io->select == IOAPIC_ARB)
		strict_broken_at(io->host, STRICT_ioapic_read_only, io->select);
}

static u32 read_window(const struct ioapic *io)
{
	switch (io->select) {
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return io->id;
	case IOAPIC_VERSION:
		return VERSION;
	default:
		break;
	}
	if (io->select < IOAPIC_REDIR || io->select >= IOAPIC_REDIR + 2 * IOAPIC_PINS)
		return 0;

	u64 e = io->entry[(io->select - IOAPIC_REDIR) / 2];

	return (u32)(io->select & 1 ? e >> 32 : e);
}

static u64 memory_read(void *dev, u64 offset, unsigned size)
{
	struct ioapic *io = dev;
	unsigned at = offset & 15;
	u32 value = 0;

	if (at >= 4)
		return 0;
	if ((offset & 0xf0) == IOAPIC_SELECT)
		value = io->select;
	else if ((offset & 0xf0) == IOAPIC_WINDOW)
		value = read_window(io);
	value >>= 8 * at;
	return size < 4 ? value & (BIT(8 * size) - 1) : value;
}

/* The select register takes bytes too, the others only whole words. */
static void memory_write(void *dev, u64 offset, unsigned size, u64 value)
{
	struct ioapic *io = dev;

	switch (offset & 0xff) {
	case IOAPIC_SELECT:
		io->select = value & 0xff;
		return;
	case IOAPIC_WINDOW:
		if (size >= 4)
			write_window(io, (u32)value);
		return;
	case IOAPIC_EOI:
		ioapic_eoi(io, (u8)value);
		return;
	}
}

static const struct gpmem_mmio memory = { memory_read, memory_write };

static void reset(void *dev)
{
	struct ioapic *io = dev;

	io->id = io->select = 0;
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->entry[pin] = LVT_MASKED;
	if (io->lapic)
		lapic_set_extint(io->lapic, false);
}

static int init(void *dev, const struct device_bay *bay)
{
	struct ioapic *io = dev;

	io->host = bay->host;
	reset(io);
	return 0;
}

/* What the wires are does not belong to the chip. */
static void state(void *dev, struct snap *s)
{
	struct ioapic *io = dev;

	snap_u32(s, io->id);
	snap_range(s, io->select, 0, 0xff);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		snap_u64(s, io->entry[pin]);
		if (s->loading)
			io->entry[pin] &= WRITABLE | READ_ONLY;
	}
	if (s->loading && snap_ok(s))
		drive_extint(io);
}

const struct device_class ioapic_class = {
	.name = "ioapic",
	.version = 1,
	.size = sizeof(struct ioapic),
	.memory = &memory,
	.init = init,
	.reset = reset,
	.state = state,
	.unsaved = DEVICE_PART(struct ioapic, messages, messages),
	.title = "I/O APIC",
	.file = "ioapic.c",
	.has = "24 pins, level and edge, remote IRR, all delivery modes, EOI register",
	.lacks = "polarity is stored only; SMI does nothing",
};
