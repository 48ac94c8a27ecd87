/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (SDM 3A chapter 10) and the I/O APIC (Intel 82093AA data sheet, 290566).
 */
#pragma once

#include "kernel/base/types.h"

/* --- Local APIC: offsets of registers, 16 bytes apart, 32 bits each */

#define LAPIC_BASE	0xfee00000u
#define LAPIC_ID	0x20 /* 31..24 */
#define LAPIC_VERSION	0x30
#define LAPIC_TPR	0x80
#define LAPIC_APR	0x90
#define LAPIC_PPR	0xa0
#define LAPIC_EOI	0xb0
#define LAPIC_LDR	0xd0
#define LAPIC_DFR	0xe0
#define LAPIC_SPURIOUS	0xf0
#define LAPIC_ISR	0x100 /* eight registers, vector 0 is bit 0 of the first */
#define LAPIC_TMR	0x180
#define LAPIC_IRR	0x200
#define LAPIC_ESR	0x280
#define LAPIC_ICR	0x300
#define LAPIC_ICR_HIGH	0x310
#define LAPIC_LVT_TIMER 0x320 /* and on to LAPIC_LVT_ERROR */
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_INITIAL	0x380
#define LAPIC_CURRENT	0x390
#define LAPIC_DIVIDE	0x3e0

#define SPURIOUS_ENABLE BIT(8)

/*
 * A local vector table entry, the low half of the interrupt command, and the low half of an I/O
 * APIC's redirection entry have the same layout:
 *
 *   18..17   timer: mode; command: with 19, the shorthand
 *   16       masked
 *   15       level-triggered
 *   14       remote IRR; command: assert
 *   13       active low
 *   12       not delivered yet
 *   11       logical destination
 *   10..8    delivery mode
 *   7..0     vector
 */
#define LVT_MASKED   BIT(16)
#define LVT_LEVEL    BIT(15)
#define LVT_REMOTE   BIT(14)
#define LVT_LOW	     BIT(13)
#define LVT_PENDING  BIT(12)
#define LVT_LOGICAL  BIT(11)
#define LVT_MODE(v)  ((v) >> 8 & 7)
#define LVT_NMI	     (4u << 8)
#define LVT_EXTINT   (7u << 8)
#define LVT_PERIODIC BIT(17)
#define LVT_DEADLINE BIT(18)
#define ICR_ASSERT   BIT(14)

enum apic_delivery {
	DELIVER_FIXED,
	DELIVER_LOWEST,
	DELIVER_SMI,
	DELIVER_NMI = 4,
	DELIVER_INIT,
	DELIVER_STARTUP,
	DELIVER_EXTINT,
};

#define ESR_SEND_ILLEGAL    BIT(5) /* vector */
#define ESR_RECEIVE_ILLEGAL BIT(6) /* vector */
#define ESR_ILLEGAL_ADDRESS BIT(7) /* of a register */

/* Model-specific registers. */
#define APIC_BASE_BSP	 BIT64(8)
#define APIC_BASE_X2APIC BIT64(10)
#define APIC_BASE_ENABLE BIT64(11)

/* --- I/O APIC */

#define IOAPIC_BASE    0xfec00000u
#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define IOAPIC_EOI     0x40 /* version 20h and later */
#define IOAPIC_ID      0u
#define IOAPIC_VERSION 1u
#define IOAPIC_ARB     2u
#define IOAPIC_REDIR   0x10u /* two a pin, low half first */
