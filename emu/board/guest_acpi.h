/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables that describe the board: RSDP, RSDT, XSDT, FADT (revision 3), FACS and a DSDT;
 * where there is an APIC, MADT and HPET too.
 */
#pragma once

#include "emu/board/guest_dsdt.h"

#define ACPI_RSDP_SIZE 36u
#define ACPI_ROOTS     3 /* tables that RSDT and XSDT name, at most */
#define ACPI_POINTERS  (6 + 2 * ACPI_ROOTS)
#define ACPI_SUMS      5

struct acpi_pointer {
	u32 at;
	u8 size;
};

struct acpi_sum {
	u32 at, start, size;
};

/* Where each table lies in what acpi_build() wrote, and how long it is. */
struct acpi_layout {
	u32 rsdp, rsdt, xsdt, fadt, facs;
	u32 madt, hpet; /* 0: there is none */
	u32 dsdt;
	u32 dsdt_size, end;
	u32 roots; /* tables that RSDT and XSDT name */
	/* What must be mended by who moves the tables: addresses, and then checksums. */
	struct acpi_pointer pointer[ACPI_POINTERS];
	unsigned pointers;
	struct acpi_sum sum[ACPI_SUMS];
};

/*
 * Writes all tables to buf, which the guest will see at base (below 4 GiB, multiple of 64); the
 * RSDP comes first. Returns 0 or E_NOMEM when size is too small.
 */
int acpi_build(u8 *buf, u32 size, u32 base, const struct acpi_machine *m, struct acpi_layout *out);
