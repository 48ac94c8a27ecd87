/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts. Lines are ISA IRQ 0..15 or ACPI global interrupts; masked until a handler is registered.
 */
#pragma once

#include "kernel/base/types.h"

void irq_init(void);
/* Returns 0 or E_BUSY / E_NOENT. fn runs with interrupts off, after which EOI is sent. */
int irq_register(unsigned isa_irq, void (*fn)(void *ctx), void *ctx);
