/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables that describe the board: RSDP, RSDT, XSDT, FADT (revision 3), FACS and a DSDT. No
 * MADT: the machine offers the 8259 pair only.
 */
#pragma once

#include "emu/board/guest_dsdt.h"

/* Where each table lies in what acpi_build() wrote, and how long it is. */
struct acpi_layout {
	u32 rsdp, rsdt, xsdt, fadt, facs, dsdt;
	u32 dsdt_size, end;
};

/*
 * Writes all tables to buf, which the guest will see at base (below 4 GiB, multiple of 64); the
 * RSDP comes first. Returns 0 or E_NOMEM when size is too small.
 */
int acpi_build(u8 *buf, u32 size, u32 base, const struct acpi_machine *m, struct acpi_layout *out);
