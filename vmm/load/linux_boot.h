/* SPDX-License-Identifier: MIT */
/*
 * Direct Linux boot by the 32-bit entry (Linux, Documentation/arch/x86/boot.rst), protocols 2.00 to
 * 2.15. Pure: works on gpmem and on the loaded images only.
 *
 * In three parts, so that large images can be copied a slice at a time while others run:
 *     linux_boot_begin()  checks everything; nothing can fail afterwards
 *     linux_boot_copy()   copies the next bytes of kernel and initrd, until all is there
 *     linux_boot_start()  writes what the kernel reads first, and sets the processor
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/mem/gpmem.h"
#include "vmm/load/linux_header.h"

struct e820_entry {
	u64 start, size;
	u32 type; /* 1 RAM, 2 reserved, 3 ACPI, 4 NVS */
} __attribute__((packed));

/* The files and the text must stay where they are until linux_boot_start(). */
struct linux_image {
	const u8 *kernel;
	size_t kernel_size;
	const u8 *initrd;
	size_t initrd_size;
	const char *cmdline;
	gpa_t rsdp;
	bool no_screen; /* there is no VGA in text mode */
};

struct linux_boot {
	struct linux_image image;
	struct linux_header header;
	u64 ram_size;
	u32 initrd_at;	   /* 0: none */
	u64 copied, total; /* bytes of kernel and initrd together */
	char why[200];	   /* why linux_boot_begin() refused: one clause */
};

/* Builds the guest's memory map: RAM below 640K, hole, RAM above 1M, the ACPI tables reserved.
 * Returns the number of entries. */
unsigned linux_e820(u64 ram_size, struct e820_entry *out, unsigned max);

/* Returns 0, or E_INVAL (the images) or E_NOMEM (the memory is too small) with b->why. */
int linux_boot_begin(struct linux_boot *b, const struct linux_image *image, u64 ram_size);

/* Copies at most most bytes into guest memory; returns false when nothing is left to copy. */
bool linux_boot_copy(struct linux_boot *b, struct gpmem *mem, u32 most);

/* Protected mode, flat segments 10h and 18h, ESI at the zero page, interrupts off, paging off. */
void linux_boot_start(const struct linux_boot *b, struct cpu *cpu, struct gpmem *mem);
