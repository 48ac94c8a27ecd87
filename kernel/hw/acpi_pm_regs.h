/* SPDX-License-Identifier: MIT */
/*
 * Fixed hardware of ACPI (specification 6.4, 4.8.3): PM1 status and enable, PM1 control, the timer.
 */
#pragma once

#define PM_TIMER_HZ 3579545u

#define PM1_TMROF  0x0001
#define PM1_GBL	   0x0020
#define PM1_PWRBTN 0x0100
#define PM1_RTC	   0x0400

#define PM1_SCI_EN     0x0001
#define PM1_SLP_TYP(v) ((v) >> 10 & 7u)
#define PM1_SLP_EN     0x2000
