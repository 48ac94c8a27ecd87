/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts. Lines are ISA IRQ 0..15 or ACPI global interrupts; masked until a handler is
 * registered.
 *
 *     vector 20h + n   line n (ISA IRQ, or with an I/O APIC global interrupt 16..63)
 *     vector E0h       the local APIC's timer
 *     vector FFh       spurious
 */
#pragma once

#include "kernel/base/types.h"

#define IRQ_LINES	 64u
#define IRQ_VECTOR_TIMER 0xe0u
#define IRQ_MAX_IOAPICS	 8u
#define IRQ_ISA_LINES	 16u

/* What the firmware's tables say (drivers/acpi/acpi.h fills it in). */
struct irq_topology {
	hpa_t lapic; /* 0: none, use the 8259 pair */
	struct irq_ioapic {
		hpa_t base;
		u32 gsi_base;
	} ioapic[IRQ_MAX_IOAPICS];
	unsigned ioapics;
	/* Where each ISA interrupt arrives, and its polarity. */
	struct irq_isa {
		u32 gsi;
		bool level, active_low;
	} isa[IRQ_ISA_LINES];
};

void irq_init(const struct irq_topology *t);
/* Returns 0 or E_BUSY / E_NOENT. fn runs with interrupts off, after which EOI is sent. */
int irq_register(unsigned isa_irq, void (*fn)(void *ctx), void *ctx);
/* An edge of this line becomes an NMI. 0, or E_NOENT without an I/O APIC, E_BUSY if it has a handler. */
int irq_route_nmi(unsigned isa_irq);
/* The local APIC's timer vector. */
void irq_set_timer(void (*fn)(void));
bool irq_have_lapic(void);
/* From trap_dispatch(). */
void irq_dispatch(unsigned vector);
/* For the state dump: lines with a handler and how often they came. */
u64 irq_count(unsigned line);
