/* SPDX-License-Identifier: MIT */
/*
 * The MC146818 real-time clock (Motorola data sheet), and where a PC has it.
 */
#pragma once

#define RTC_INDEX_PORT 0x70 /* bit 7: NMIs are masked */
#define RTC_DATA_PORT  0x71
#define RTC_IRQ	       8u

/* Registers. */
enum {
	RTC_SECONDS,
	RTC_SECONDS_ALARM,
	RTC_MINUTES,
	RTC_MINUTES_ALARM,
	RTC_HOURS,
	RTC_HOURS_ALARM,
	RTC_DAY_OF_WEEK,
	RTC_DAY,
	RTC_MONTH,
	RTC_YEAR,
	RTC_A,
	RTC_B,
	RTC_C,
	RTC_D,
};
#define RTC_CENTURY 0x32 /* on PCs; ACPI's FADT says where */

/* Bits of registers A to D, and of the hours and alarms. */
#define RTC_A_UIP     0x80
#define RTC_A_DV      0x70
#define RTC_A_DV_RUN  0x20 /* 32.768 kHz */
#define RTC_A_DV_HALT 0x60 /* 11x: divider held in reset */
#define RTC_A_RS      0x0f
#define RTC_B_SET     0x80
#define RTC_B_PIE     0x40
#define RTC_B_AIE     0x20
#define RTC_B_UIE     0x10
#define RTC_B_SQWE    0x08
#define RTC_B_BINARY  0x04
#define RTC_B_24H     0x02
#define RTC_C_IRQF    0x80
#define RTC_C_PF      0x40
#define RTC_C_AF      0x20
#define RTC_C_UF      0x10
#define RTC_D_VRT     0x80
#define RTC_HOUR_PM   0x80
#define RTC_DONT_CARE 0xc0
