/* SPDX-License-Identifier: MIT */
/*
 * PCI bus 0 behind configuration mechanism 1 (PCI Local Bus 2.1, 3.2.2.3.2), and the configuration
 * space of one function: 256 bytes, a mask of the bits that software can write, and one of those
 * that writing a 1 clears.
 */
#pragma once

#include "emu/dev/device.h"
#include "kernel/hw/pci_regs.h"

struct pci_function {
	u8 config[256], writable[256], clear[256];
	/* Registers [reg, reg + len) were written by the guest; may be NULL. */
	void (*written)(void *ctx, unsigned reg, unsigned len);
	/* They are about to be read; may be NULL. */
	void (*reading)(void *ctx, unsigned reg, unsigned len);
	void *ctx;
	const char *name;
};

struct pci_bus {
	u32 address; /* CF8h: E 0000000 bus(8) device(5) function(3) register(6) 00 */
	struct pci_function *function[32 * 8];
	/* Byte accesses at CF8h + 1..3 are not ours but the chipset's (CF9h). */
	u8 (*side_read)(void *ctx, unsigned offset);
	void (*side_write)(void *ctx, unsigned offset, u8 value);
	void *side_ctx;
	const struct board_host *host;
};

struct pci_identity {
	u16 vendor, device;
	u32 class_code; /* 24 bits */
	u8 revision;
	u8 header;  /* PCI_HEADER_MULTI or 0 */
	u8 irq_pin; /* 0 none, 1 INTA .. 4 INTD */
};

extern const struct device_class pci_class; /* ports: address, data */
/* Fills in the standard header: identity read-only, command and interrupt line writable. */
void pci_function_init(struct pci_function *f, const struct pci_identity *id, const char *name);
/* Base address register n: size a power of two (memory 16 and up, I/O 4 and up); flags are its
 * read-only low bits. */
void pci_function_set_bar(struct pci_function *f, unsigned n, u32 size, u8 flags);
/* The expansion ROM's base address; size a power of two, 4 KiB and up; 0: it has none. */
void pci_function_set_rom(struct pci_function *f, u32 size);
/* Where the ROM is decoded; UINT32_MAX: nowhere. */
u32 pci_function_rom(const struct pci_function *f);
/* Puts f where the slot of its bay says. */
void pci_plug(const struct device_bay *bay, struct pci_function *f);

/* Part of its device's field list. Loading: what software cannot write stays as reset left it. */
void pci_function_state(struct pci_function *f, struct snap *s);

static inline u16 pci_get16(const struct pci_function *f, unsigned reg)
{
	return (u16)(f->config[reg] | f->config[reg + 1] << 8);
}

static inline u32 pci_get32(const struct pci_function *f, unsigned reg)
{
	return pci_get16(f, reg) | (u32)pci_get16(f, reg + 2) << 16;
}

static inline void pci_set16(u8 *space, unsigned reg, u16 v)
{
	space[reg] = (u8)v;
	space[reg + 1] = (u8)(v >> 8);
}

static inline void pci_set32(u8 *space, unsigned reg, u32 v)
{
	pci_set16(space, reg, (u16)v);
	pci_set16(space, reg + 2, (u16)(v >> 16));
}
