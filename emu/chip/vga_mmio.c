/* SPDX-License-Identifier: MIT */
/*
 * The registers in memory, at base address 2, and where all base addresses put what they name.
 *
 *      0    the monitor's description          500h   DISPI, a word for each register
 *      400h ports 3C0h to 3DFh                 600h   length of this part, and byte order
 */
#include "emu/chip/vga.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

#define MMIO_PORTS	0x400u
#define MMIO_PORTS_END	0x420u
#define MMIO_DISPI	0x500u
#define MMIO_DISPI_END	(0x500u + 2 * DISPI_REGISTERS)
#define MMIO_EXTRA_SIZE 0x600u /* how long the block there is */
#define MMIO_ORDER	0x604u
#define ORDER_LITTLE	0x1e1e1e1eu

static u64 registers_read(void *ctx, u64 offset, unsigned size)
{
	struct vga *v = ctx;
	u64 value = 0;

	if (offset + size <= sizeof(v->edid)) {
		memcpy(&value, v->edid + offset, size);
		return value;
	}
	if (offset >= MMIO_PORTS && offset + size <= MMIO_PORTS_END && size <= 2) {
		for (unsigned i = 0; i < size; i++)
			value |= (u64)vga_regs_read(v, (unsigned)(offset - MMIO_PORTS) + 0x10 + i)
				 << 8 * i;
		return value;
	}
	if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END && !(offset & 1) && size == 2)
		return vga_dispi_read(v, (unsigned)(offset - MMIO_DISPI) / 2);
	if (offset == MMIO_EXTRA_SIZE && size == 4)
		return 8;
	return offset == MMIO_ORDER && size == 4 ? ORDER_LITTLE : 0;
}

static void registers_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	struct vga *v = ctx;

	if (offset >= MMIO_PORTS && offset + size <= MMIO_PORTS_END && size <= 2)
		for (unsigned i = 0; i < size; i++)
			vga_regs_write(v, (unsigned)(offset - MMIO_PORTS) + 0x10 + i,
				       (u8)(value >> 8 * i));
	else if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END && !(offset & 1) && size == 2)
		vga_dispi_write(v, (unsigned)(offset - MMIO_DISPI) / 2, (u16)value);
}

static const struct gpmem_mmio registers_ops = { registers_read, registers_write };

int vga_mmio_create(struct vga *v)
{
	v->mmio_at = GPMEM_PARKED(1);
	return gpmem_add_mmio(v->mem, v->mmio_at, VGA_MMIO_SIZE, &registers_ops, v,
			      "VGA registers");
}

/* Where something else is, nothing of it can be seen. */
static gpa_t move(struct vga *v, gpa_t from, gpa_t to, gpa_t parked)
{
	if (!gpmem_move(v->mem, from, to))
		return to;
	gpmem_move(v->mem, from, parked);
	return parked;
}

void vga_mmio_place(struct vga *v, gpa_t frame_buffer, gpa_t registers, gpa_t rom)
{
	v->frame_buffer.at = move(v, v->frame_buffer.at, frame_buffer, GPMEM_PARKED(0));
	v->mmio_at = move(v, v->mmio_at, registers, GPMEM_PARKED(1));
	if (v->rom)
		v->rom_at = move(v, v->rom_at, rom, GPMEM_PARKED(3));
}
