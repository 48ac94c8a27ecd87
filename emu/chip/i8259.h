/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC, the second one cascaded at input 2 of the first,
 * with the edge/level control registers of the PIIX (4D0h, 4D1h). Intel 8259A data sheet
 * (231468-003); PIIX3 data sheet (290550), 2.5.
 */
#pragma once

#include "emu/dev/device.h"

struct i8259 {
	u8 line;  /* the wires */
	u8 latch; /* edge inputs: a rising edge was seen and not yet acknowledged */
	u8 isr, imr;
	u8 elcr, elcr_mask; /* 1: level-triggered; which of them can be */
	u8 base;	    /* vector of input 0 */
	u8 icw3;   /* as written; first: inputs with a controller behind; second: its identity */
	u8 slaves; /* as wired: inputs with a controller behind */
	u8 lowest; /* input of lowest priority; 7 unless rotated */
	u8 expect; /* 0, or the ICW that the next write to the data port is */
	bool single, want_icw4;
	bool aeoi, rotate_aeoi, special_mask, special_nested;
	bool read_isr, poll;
};

struct i8259_pair {
	struct i8259 chip[2]; /* master, slave */
	bool pin;	      /* INTR to the CPU */
	struct irq_line out;  /* INTR: the CPU's, or what the board wires */
	const struct board_host *host;
	void (*eoi)(void *ctx, unsigned irq); /* input 0..15 left service; may be NULL */
	void *eoi_ctx;
	u64 acks, spurious;
};

/* Ports: master, slave, edge/level. Reset is as firmware leaves it: vectors 08h and 70h, everything
 * masked. */
extern const struct device_class i8259_class;
/* Drives input irq (0..15 but 2); a struct irq_line's set. */
void i8259_set_irq(void *pair, unsigned irq, bool level);
/* The INTA cycle: the vector; 7 of the controller asked when the request is gone (spurious). */
u8 i8259_ack(struct i8259_pair *p);

static inline bool i8259_pending(const struct i8259_pair *p)
{
	return p->pin;
}

/* Is input irq requesting and not yet acknowledged? */
bool i8259_requests(const struct i8259_pair *p, unsigned irq);
/* The inputs in service that hold back an unmasked request, perhaps their own next one. */
u16 i8259_holding_back(const struct i8259_pair *p);
/* The inputs that are masked neither themselves nor by their cascade. */
u16 i8259_open(const struct i8259_pair *p);
/* What the INTA cycle gives for input irq, masked or not. */
static inline u8 i8259_vector(const struct i8259_pair *p, unsigned irq)
{
	return (u8)(p->chip[irq >> 3].base + (irq & 7));
}
