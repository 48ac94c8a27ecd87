/* SPDX-License-Identifier: MIT */
/*
 * What the machine offers to calibrate and set the clock: HPET, ACPI's PM timer, the RTC.
 */
#pragma once

/* Runs clock_init() and sets the wall clock; after acpi_init(). `clock=hpet|pm|pit` on the command
 * line chooses. */
void machine_clock_init(void);
