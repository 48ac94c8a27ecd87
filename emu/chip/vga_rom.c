/* SPDX-License-Identifier: MIT */
/*
 * The ROM on the adapter, behind the expansion ROM's base address (PCI Local Bus 2.1, 6.2.5.2 and
 * 6.3): where firmware finds the VGA BIOS. It is read by calls: whoever wants it copies it once.
 */
#include "emu/chip/vga.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

static u64 rom_read(void *ctx, u64 offset, unsigned size)
{
	const struct vga *v = ctx;
	u64 value = 0;

	memcpy(&value, v->rom + offset, size);
	return value;
}

static void rom_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)ctx;
	(void)offset;
	(void)size;
	(void)value;
}

static const struct gpmem_mmio rom_ops = { rom_read, rom_write };

int vga_rom_create(struct vga *v, const u8 *bytes, u32 size)
{
	u32 decoded = PAGE_SIZE; /* a power of two; 0 behind the bytes */

	if (!bytes)
		return 0;
	while (decoded < size)
		decoded *= 2;
	v->rom = mem_alloc(decoded);
	if (!v->rom)
		return E_NOMEM;
	memcpy(v->rom, bytes, size);
	v->rom_size = decoded;
	v->rom_at = GPMEM_PARKED(3);
	return gpmem_add_mmio(v->mem, v->rom_at, decoded, &rom_ops, v, "VGA ROM");
}
