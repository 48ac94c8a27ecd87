/* SPDX-License-Identifier: MIT */
/*
 * Turning the machine off and on again; the interface is kernel/debug/power.h.
 */
#pragma once

/* Maps what the reset register needs; after acpi_init(). */
void machine_power_init(void);
