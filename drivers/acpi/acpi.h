/* SPDX-License-Identifier: MIT */
/*
 * The machine's ACPI tables, read once at start-up.
 */
#pragma once

#include "drivers/lib/acpi_tables.h"

extern struct acpi_info acpi_info;

/* rsdp 0: search the BIOS's areas. */
void acpi_init(hpa_t rsdp);
/* For irq_init(); without an APIC if the command line says `noapic`. */
const struct irq_topology *acpi_irq_topology(void);
