/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8259 pair, at vectors 20h..2Fh. With an I/O APIC in use it stays masked.
 */
#pragma once

#include "kernel/base/types.h"

void intc_pic_init(void);
void intc_pic_unmask(unsigned irq);
void intc_pic_eoi(unsigned irq);
/* True if IRQ 7 or 15 was raised with nothing in service: no handler, and no EOI to the chip that
 * was not asked. */
bool intc_pic_spurious(unsigned irq);
