/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of the VM's processor, xAPIC mode (SDM 3A chapter 10): priorities, local vector
 * table, commands to itself, the timer. It owns the INTR pin of the CPU; the 8259 pair is behind
 * its pin LINT0, or, while IA32_APIC_BASE switches the APIC off, wired through to INTR.
 *
 * Who sends interrupts to it: the I/O APIC and devices with MSI by lapic_message(), the pins by
 * lapic_set_pin(), the guest by the command register, the timer (lapic_timer.c).
 */
#pragma once

#include "emu/chip/lapic_timer.h"
#include "emu/dev/device.h"

#define LAPIC_VECTORS 256u

enum lapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_COUNTERS, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS };

struct lapic {
	const struct board_host *host;
	u64 base; /* IA32_APIC_BASE */
	u32 id, tpr, ldr, dfr, spurious, esr, errors;
	u32 command, command_high;
	u32 lvt[LVTS];
	u32 irr[LAPIC_VECTORS / 32], isr[LAPIC_VECTORS / 32], tmr[LAPIC_VECTORS / 32];
	struct lapic_timer count;
	bool pin[2];	  /* LINT0, LINT1 */
	bool extint_wire; /* an I/O APIC's pin in ExtINT mode is up */
	bool intr;	  /* to the CPU */
	/* vector has left service; level: it was level-triggered. May be NULL. */
	void (*eoi)(void *ctx, u8 vector, bool level);
	void *eoi_ctx;
	u64 accepted, acks;
};

/* Reset is as firmware leaves it: enabled, the 8259 pair by LINT0 as ExtINT, LINT1 as NMI. */
extern const struct device_class lapic_class;

/* 0 is LINT0. */
void lapic_set_pin(struct lapic *l, unsigned pin, bool level);
/* An I/O APIC's pin that asks for the 8259's vector. */
void lapic_set_extint(struct lapic *l, bool level);
/* A message of the system bus: mode is an enum apic_delivery, dest the 8 bits of the destination.
 * False: it is for nobody. */
bool lapic_message(struct lapic *l, u8 dest, bool logical, u8 mode, u8 vector, bool level);
/* The INTA cycle: the vector; -1: it is the 8259 pair's to give, if lapic_wants_pic(). */
int lapic_ack(struct lapic *l);
bool lapic_wants_pic(const struct lapic *l);
/* Is the vector requested and not yet acknowledged? */
bool lapic_requests(const struct lapic *l, u8 vector);
/* Is the vector in service, and holds back a requested one, perhaps its own next one? And which is
 * the lowest of those that do; -1: none does. */
bool lapic_holds_back(const struct lapic *l, int vector);
int lapic_holding_back(const struct lapic *l);
static inline bool lapic_pending(const struct lapic *l)
{
	return l->intr;
}
static inline bool lapic_enabled(const struct lapic *l)
{
	return l->base & APIC_BASE_ENABLE;
}

/* The CPU gets INIT. */
void lapic_cpu_init(struct lapic *l);
/* IA32_APIC_BASE. Returns 0, or E_INVAL for #GP: another base than FEE00000h, x2APIC mode, reserved
 * bits. */
int lapic_write_base(struct lapic *l, u64 value);
