/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: their handlers. Lines are numbered as in arch/trap/irq_map.h, and masked until
 * a handler is registered.
 */
#pragma once

#include "arch/trap/irq_map.h"

void irq_init(const struct irq_topology *t);
/* Returns 0 or E_BUSY / E_NOENT. fn runs with interrupts off, after which EOI is sent. */
int irq_register(unsigned isa_irq, void (*fn)(void *ctx), void *ctx);
/* An edge of this line becomes an NMI. 0, or E_NOENT without an I/O APIC, E_BUSY if it has a
 * handler. */
int irq_route_nmi(unsigned isa_irq);
/* The local APIC's timer vector. */
void irq_set_timer(void (*fn)(void));
bool irq_have_lapic(void);
/* From trap_dispatch(). */
void irq_dispatch(unsigned vector);
/* For the state dump: lines with a handler and how often they came. */
u64 irq_count(unsigned line);
