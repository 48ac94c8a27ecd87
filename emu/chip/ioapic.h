/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC (Intel 82093AA data sheet, 290566; version 20h: with an EOI register): 24 pins, each
 * with an entry that makes messages to the local APIC of what its wire does.
 */
#pragma once

#include "emu/dev/device.h"
#include "kernel/hw/apic_regs.h"

#define IOAPIC_PINS 24u

struct lapic;

struct ioapic {
	struct lapic *lapic; /* where messages go; the board wires it */
	const struct board_host *host;
	u32 id, select;
	u64 entry[IOAPIC_PINS];
	u32 wires; /* bit n: pin n is asserted */
	u64 messages;
};

extern const struct device_class ioapic_class;

/* The wire of a pin: asserted or not, whatever its polarity. */
void ioapic_set_pin(struct ioapic *io, unsigned pin, bool level);
/* The local APIC has ended a level-triggered interrupt. */
void ioapic_eoi(struct ioapic *io, u8 vector);
/* The pins that are not masked. */
u32 ioapic_open(const struct ioapic *io);
/* The vector of an open pin in fixed or lowest priority mode; 0: it has none. */
u8 ioapic_vector(const struct ioapic *io, unsigned pin);
