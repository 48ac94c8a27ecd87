/* SPDX-License-Identifier: MIT */
/*
 * The 82441FX host bridge (Intel 290549): its registers, and what its PAM registers say of the
 * upper first megabyte, part by part:
 *
 *      59h   7 6 5 4 3 2 1 0     5 4: F0000h, 64 KiB; its low half says nothing
 *      5Ah    -  W R  -  W R     low half C0000h, high half C4000h, 16 KiB each
 *      5Bh to 5Fh: likewise, up to E8000h and EC000h
 *
 * R: reads find RAM; W: writes reach RAM; 0: they go to PCI and ISA, where ROM may be.
 */
#pragma once

#include "emu/chip/pci.h"

#define I440FX_PARTS	  13
#define I440FX_SMRAM	  0x72 /* register: who reaches the memory of SMM */
#define I440FX_SMRAM_LOCK BIT(4)

struct i440fx_part {
	u8 reg, shift;
	u32 start, size;
};

extern const struct i440fx_part i440fx_parts[I440FX_PARTS]; /* by address */

/* Do reads and writes of the part reach RAM? */
typedef void (*i440fx_part_fn)(void *ctx, const struct i440fx_part *part, bool reads, bool writes);

/* SMRAM lies at A0000h to BFFFFh, in front of what else is there, or is out of reach. */
typedef void (*i440fx_smram_fn)(void *ctx, bool open);

struct i440fx {
	struct pci_function pci;
	i440fx_smram_fn smram_set;
	void *smram_ctx;
	i440fx_part_fn part_set; /* NULL: nobody listens */
	void *part_ctx;
};

extern const struct device_class i440fx_class;

/* set is told of each part now, and whenever its register is written. */
void i440fx_listen(struct i440fx *h, i440fx_part_fn set, void *ctx);
bool i440fx_smram_is_open(const struct i440fx *h);
void i440fx_listen_smram(struct i440fx *h, i440fx_smram_fn set, void *ctx);
/* As firmware leaves it: E0000h to FFFFFh is RAM. For a board that starts without one. */
void i440fx_open_bios(struct i440fx *h);
