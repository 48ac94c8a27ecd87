/* SPDX-License-Identifier: MIT */
/*
 * Finds the RSDP and reads the tables where they lie.
 */
#include "drivers/acpi/acpi.h"

#include "arch/mem/kmap.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/lib/cmdline.h"
#include "kernel/hw/pc_layout.h"

struct acpi_info acpi_info;

static const void *map(hpa_t hpa, u32 size)
{
	if (kmap_direct_mapped(hpa, size))
		return direct_ptr(hpa);
	return kmap_physical(hpa, size, KMAP_CACHED);
}

/* ACPI 5.2.5.1: first KiB of the EBDA, then E0000h..FFFFFh. */
static hpa_t search(void)
{
	u16 segment;
	int at;

	memcpy(&segment, direct_ptr(0x40e), sizeof(segment));

	hpa_t ebda = (hpa_t)segment << 4;

	if (ebda >= 0x80000 && ebda < PC_VIDEO) {
		at = acpi_find_rsdp(direct_ptr(ebda), 1024);
		if (at >= 0)
			return ebda + (hpa_t)at;
	}
	at = acpi_find_rsdp(direct_ptr(PC_BIOS), PC_BIOS_SIZE);
	return at >= 0 ? PC_BIOS + (hpa_t)at : 0;
}

void acpi_init(hpa_t rsdp)
{
	acpi_parse(&acpi_info, rsdp ? rsdp : search(), map);
	if (!acpi_info.found) {
		log_warn("no ACPI tables: 8259 interrupts, no power off");
		return;
	}
	log_info("ACPI: %u processors, %u I/O APICs%s%s%s", acpi_info.cpus, acpi_info.irq.ioapics,
		 acpi_info.hpet ? ", HPET" : "", acpi_info.pm_timer ? ", PM timer" : "",
		 acpi_info.have_s5 ? ", S5" : "");
}

const struct irq_topology *acpi_irq_topology(void)
{
	if (cmdline_get("noapic"))
		acpi_info.irq.lapic = 0;
	return &acpi_info.irq;
}
