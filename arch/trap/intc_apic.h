/* SPDX-License-Identifier: MIT */
/*
 * The machine's own local APIC (xAPIC mode) and I/O APICs.
 */
#pragma once

#include "arch/trap/irq_map.h"

/* Returns 0 or a negative error; then nothing was switched over. */
int intc_apic_init(const struct irq_topology *t);
void intc_apic_eoi(void);
u32 intc_apic_id(void);
/* Routes a global interrupt to this CPU; returns 0 or E_NOENT. */
int intc_ioapic_route(u32 gsi, u8 vector, bool level, bool active_low);
/* The same as NMI, by edge. */
int intc_ioapic_route_nmi(u32 gsi, bool active_low);

/* One-shot timer: divide by 16; 0 stops it. */
void intc_timer_start(u32 count);
u32 intc_timer_left(void);
