/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: their numbers. Lines are ISA IRQ 0..15 or ACPI global interrupts.
 *
 *     vector 20h + n   line n (ISA IRQ, or with an I/O APIC global interrupt 16..63)
 *     vector E0h       the local APIC's timer
 *     vector FFh       spurious
 */
#pragma once

#include "kernel/base/types.h"

#define IRQ_LINES	    64u
#define IRQ_VECTOR_FIRST    0x20u
#define IRQ_VECTOR_TIMER    0xe0u
#define IRQ_VECTOR_SPURIOUS 0xffu
#define IRQ_MAX_IOAPICS	    8u
#define IRQ_ISA_LINES	    16u

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
