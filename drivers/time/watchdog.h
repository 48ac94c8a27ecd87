/* SPDX-License-Identifier: MIT */
/*
 * An NMI a few times a second, which also interrupts what runs with interrupts off.
 */
#pragma once

/* After machine_clock_init() and irq_init(). Does nothing on a machine without an I/O APIC. */
void watchdog_init(void);
