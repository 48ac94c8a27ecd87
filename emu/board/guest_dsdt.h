/* SPDX-License-Identifier: MIT */
/*
 * The DSDT: the board's devices, their resources, interrupt routing and power states, in AML.
 */
#pragma once

#include "emu/dev/device.h"

struct acpi_machine {
	u64 ram_size;
	bool apic;			 /* local APIC, I/O APIC and HPET */
	const struct device_slot *slots; /* whose acpi entries become Device objects */
	unsigned slot_count;
	u32 options; /* of the board: which slots it has */
};

/* The DSDT's definition block after its header: number of bytes, 0 when cap is too small. */
u32 acpi_dsdt_body(u8 *buf, u32 cap, const struct acpi_machine *m);
