/* SPDX-License-Identifier: MIT */
/*
 * The high precision event timer (IA-PC HPET Specification 1.0a): registers of 64 bits.
 */
#pragma once

#include "kernel/base/types.h"

#define HPET_BASE	 0xfed00000u
#define HPET_CAPS	 0x00
#define HPET_CONFIG	 0x10
#define HPET_STATUS	 0x20
#define HPET_COUNTER	 0xf0
#define HPET_TIMER(n)	 (0x100u + 0x20u * (n)) /* configuration; comparator and FSB route behind */
#define HPET_COMPARATOR	 0x08
#define HPET_ROUTE	 0x10
#define HPET_TIMER_BYTES 0x20

/* Capabilities: 63..32 period in fs, 31..16 vendor, 12..8 number of the last timer, 7..0
 * revision. */
#define HPET_CAPS_LEGACY BIT(15)
#define HPET_CAPS_64	 BIT(13)

#define HPET_ENABLE BIT(0)
#define HPET_LEGACY BIT(1) /* timers 0 and 1 take IRQ 0's and IRQ 8's place */

/* A timer's configuration: 63..32 pins that it may have, 13..9 its pin. */
#define HPET_TN_LEVEL	     BIT(1)
#define HPET_TN_ENABLE	     BIT(2)
#define HPET_TN_PERIODIC     BIT(3)
#define HPET_TN_CAN_PERIODIC BIT(4)
#define HPET_TN_64	     BIT(5)
#define HPET_TN_SET	     BIT(6) /* the next write to the comparator is one, not a period */
#define HPET_TN_32	     BIT(8)
#define HPET_TN_PIN(v)	     ((v) >> 9 & 31)
