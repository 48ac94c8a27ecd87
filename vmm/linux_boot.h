/* SPDX-License-Identifier: MIT */
/*
 * Direct Linux boot: the 32-bit boot protocol (Linux, Documentation/arch/x86/boot.rst,
 * protocol 2.02 and later). Pure: works on gpmem and on the loaded images only.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/mem/gpmem.h"

struct e820_entry {
	u64 start, size;
	u32 type; /* 1 RAM, 2 reserved, 3 ACPI, 4 NVS */
} __attribute__((packed));

struct linux_image {
	const u8 *kernel;
	size_t kernel_size;
	const u8 *initrd;
	size_t initrd_size;
	const char *cmdline;
	gpa_t rsdp;
	const struct e820_entry *e820;
	unsigned e820_entries;
};

/* Builds the guest's memory map: RAM below 640K, hole, RAM above 1M, the ACPI tables reserved.
 * Returns the number of entries. */
unsigned linux_e820(u64 ram_size, struct e820_entry *out, unsigned max);

/*
 * Copies everything into guest memory and sets the CPU to the 32-bit entry point: protected mode,
 * flat segments 10h/18h, ESI at the zero page, interrupts off, paging off. Returns 0, or E_INVAL /
 * E_NOMEM with *why one clear clause.
 */
int linux_load(struct cpu *cpu, struct gpmem *mem, u64 ram_size, const struct linux_image *image,
	       const char **why);
