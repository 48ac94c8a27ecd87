/* SPDX-License-Identifier: MIT */
/*
 * ACPI's static tables, parsed without an AML interpreter. Pure: tables are reached through a
 * callback. ACPI 6.4, chapter 5.
 */
#pragma once

#include "arch/trap/irq_map.h"
#include "kernel/base/types.h"

#define ACPI_MAX_CPUS 64u

struct acpi_info {
	bool found;
	struct irq_topology irq;	/* isa[] has sensible defaults even without tables */
	u32 cpu_apic_id[ACPI_MAX_CPUS]; /* enabled ones */
	unsigned cpus;
	hpa_t hpet;			/* 0: none */
	u16 pm_timer;			/* port, 0: none */
	bool pm_timer_32;		/* else 24 bits */
	u16 pm1a_control, pm1b_control; /* ports, 0: none */
	u16 smi_command;
	u8 acpi_enable;
	bool have_s5;
	u8 s5_type_a, s5_type_b;
	bool have_reset;
	bool reset_is_memory; /* else a port */
	u64 reset_address;
	u8 reset_value;
	u8 century; /* CMOS index, 0: none */
};

/* Returns at least size bytes at hpa, or NULL. */
typedef const void *(*acpi_map_fn)(hpa_t hpa, u32 size);

/* Offset of a valid RSDP in an area (16-byte steps), or -1. */
int acpi_find_rsdp(const u8 *area, u32 size);
/* rsdp 0: no tables, defaults only. Tables with a bad checksum or length are passed over. */
void acpi_parse(struct acpi_info *out, hpa_t rsdp, acpi_map_fn map);
/* The two SLP_TYP values of \_S5 in a block of AML; false if it is not there in the usual form. */
bool acpi_find_s5(const u8 *aml, u32 size, u8 *type_a, u8 *type_b);
