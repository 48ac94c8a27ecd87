/* SPDX-License-Identifier: MIT */
/*
 * The VGA as a device: PCI function, memory, reset, field list.
 */
#include "emu/chip/vga.h"

#include "emu/mem/gpmem.h"
#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/font.h"
#include "kernel/base/string.h"

/* Where firmware puts it on a PC with all its memory below. */
#define FRAME_BUFFER_AT 0xfd000000u
#define REGISTERS_AT	0xfebf0000u

#define BAR_FRAME_BUFFER 0
#define BAR_REGISTERS	 2
#define BAR_PREFETCHABLE 8

#define GLYPH_SIZE 32u
#define BLANK	   0x0720u /* a space, light grey on black */

/* --- The PCI function */

static void place(struct vga *v)
{
	bool decodes = v->pci.config[PCI_COMMAND] & PCI_COMMAND_MEMORY;
	gpa_t frame_buffer = pci_get32(&v->pci, PCI_BAR(BAR_FRAME_BUFFER)) & ~15u;
	gpa_t registers = pci_get32(&v->pci, PCI_BAR(BAR_REGISTERS)) & ~15u;
	u32 rom = pci_function_rom(&v->pci);

	vga_mmio_place(v, decodes ? frame_buffer : GPMEM_PARKED(0),
		       decodes ? registers : GPMEM_PARKED(1),
		       rom == UINT32_MAX ? GPMEM_PARKED(3) : rom);
}

static void pci_written(void *ctx, unsigned reg, unsigned len)
{
	(void)reg;
	(void)len;
	place(ctx);
}

static void pci_reset_function(struct vga *v)
{
	static const struct pci_identity id = {
		.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2
	};
	struct pci_function *f = &v->pci;

	pci_function_init(f, &id, "VGA");
	pci_function_set_bar(f, BAR_FRAME_BUFFER, VGA_MEMORY, BAR_PREFETCHABLE);
	pci_function_set_bar(f, BAR_REGISTERS, VGA_MMIO_SIZE, 0);
	pci_function_set_rom(f, v->rom_size);
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	pci_set32(f->config, PCI_BAR(BAR_FRAME_BUFFER), FRAME_BUFFER_AT | BAR_PREFETCHABLE);
	pci_set32(f->config, PCI_BAR(BAR_REGISTERS), REGISTERS_AT);
	f->written = pci_written;
	f->ctx = v;
}

/* --- Memory */

/* As it is after the VGA BIOS: blanks, and a font of 16 lines. */
static void clear_planes(struct vga *v)
{
	u32 *cell = (u32 *)(void *)v->memory;

	for (u32 n = 0; n < VGA_PLANES / 4; n++)
		cell[n] = BLANK;
	for (u32 c = 0; c < 256; c++)
		for (u32 line = 0; line < 16; line++)
			cell[c * GLYPH_SIZE + line] |= (u32)font_glyph((u8)c)[line / 2] << 16;
	for (u32 at = 0; at < VGA_PLANES; at += PAGE_SIZE)
		vga_dirty(v, at);
	v->font_dirty = true;
}

static int take_memory(struct vga *v)
{
	u32 chunks = VGA_MEMORY / GPMEM_CHUNK_SIZE;
	u8 **chunk;
	int err;

	v->taken = mem_alloc(VGA_MEMORY + VGA_TEXT_SIZE + PAGE_SIZE);
	if (!v->taken)
		return E_NOMEM;
	v->memory = (u8 *)ALIGN_UP((hva_t)v->taken, (hva_t)PAGE_SIZE);
	v->text = v->memory + VGA_MEMORY;
	/* Out of the processor's reach: so it is saved as RAM is. */
	chunk = mem_alloc(chunks * sizeof(*chunk));
	if (!chunk)
		return E_NOMEM;
	for (u32 i = 0; i < chunks; i++)
		chunk[i] = v->memory + i * GPMEM_CHUNK_SIZE;
	err = gpmem_add_ram(v->mem, GPMEM_PARKED(2), VGA_MEMORY, chunk, true, "video memory");
	if (err)
		mem_free(chunk);
	return err;
}

/* --- The device */

static void vga_reset(void *dev)
{
	struct vga *v = dev;

	vga_window_hide(v);
	vga_regs_reset(v);
	vga_dispi_reset(v);
	vga_planes_update(v);
	clear_planes(v);
	pci_reset_function(v);
	place(v);
}

static int vga_init(void *dev, const struct device_bay *bay)
{
	struct vga *v = dev;
	int err;

	v->timers = bay->timers;
	v->mem = bay->mem;
	vga_edid_fill(v->edid);
	err = take_memory(v);
	if (!err)
		err = vga_window_create(v);
	if (!err)
		err = vga_mmio_create(v);
	if (!err)
		err = vga_rom_create(v, bay->vga_rom, bay->vga_rom_size);
	if (err)
		return err;
	vga_reset(v);
	pci_plug(bay, &v->pci);
	return 0;
}

/* The regions stay in gpmem, which must not be used any more. */
static void vga_destroy(void *dev)
{
	struct vga *v = dev;

	mem_free(v->taken);
	mem_free(v->rom);
}

static void dac_state(struct vga_dac *d, struct snap *s)
{
	snap_bytes(s, d->written, sizeof(d->written));
	snap_range(s, d->part, 0, 2);
	snap_u8(s, d->read);
	snap_u8(s, d->write);
	snap_bool(s, d->reading);
	snap_bool(s, d->eight_bits);
}

static void dispi_state(struct vga_dispi *d, struct snap *s)
{
	snap_u16(s, d->index);
	snap_u16(s, d->id);
	snap_u16(s, d->xres);
	snap_u16(s, d->yres);
	snap_u16(s, d->bpp);
	snap_u16(s, d->enable);
	snap_u16(s, d->bank);
	snap_u16(s, d->virt_width);
	snap_u16(s, d->virt_height);
	snap_u16(s, d->x);
	snap_u16(s, d->y);
	snap_require(s, vga_dispi_valid(d));
}

/* In version 1 the palette's indices were one number each: entry * 3 + part. */
static void old_dac_state(struct vga_dac *d, struct snap *s)
{
	u16 read = 0, write = 0;

	snap_range(s, read, 0, 767);
	snap_range(s, write, 0, 767);
	snap_bool(s, d->reading);
	d->read = (u8)(read / 3);
	d->write = (u8)(write / 3);
	d->part = (u8)((d->reading ? read : write) % 3);
}

static void vga_state(void *dev, struct snap *s)
{
	struct vga *v = dev;

	/* What is saved after this is the memory: text goes to the planes. A loaded one is behind
	 * this in the stream. */
	vga_window_hide(v);
	snap_bytes(s, v->crtc, sizeof(v->crtc));
	snap_bytes(s, v->sequencer, sizeof(v->sequencer));
	snap_bytes(s, v->graphics, sizeof(v->graphics));
	snap_bytes(s, v->attribute, sizeof(v->attribute));
	snap_bytes(s, v->dac.colour, sizeof(v->dac.colour));
	snap_range(s, v->crtc_index, 0, 0x3f);
	snap_range(s, v->sequencer_index, 0, 7);
	snap_range(s, v->graphics_index, 0, 15);
	snap_range(s, v->attribute_index, 0, 0x3f);
	snap_bool(s, v->attribute_data);
	snap_u8(s, v->misc);
	snap_u8(s, v->feature);
	snap_u8(s, v->dac.mask);
	if (s->version < 2) {
		old_dac_state(&v->dac, s);
	} else {
		snap_u32(s, v->latch);
		dac_state(&v->dac, s);
		dispi_state(&v->dispi, s);
	}
	if (s->version >= 3) /* before it was no PCI function */
		pci_function_state(&v->pci, s);
	if (!s->loading || !snap_ok(s))
		return;
	vga_regs_trim(v);
	v->settings++;
	vga_planes_update(v);
	memset(v->dirty, 0xff, sizeof(v->dirty));
	v->font_dirty = true;
	place(v);
}

const struct device_class vga_class = {
	.name = "vga",
	.version = 3,
	.size = sizeof(struct vga),
	.ports = { &vga_ports, &vga_dispi_ports },
	.init = vga_init,
	.reset = vga_reset,
	.destroy = vga_destroy,
	.state = vga_state,
	.unsaved = DEVICE_PART(struct vga, dirty, settings),
	.title = "VGA",
	.file = "vga_device.c",
	.has = "registers, DAC of 6 and 8 bits, retrace timing, planes with all read and write "
	       "modes, text, chain-4, DISPI B0C5h with 16 MiB, registers in memory, EDID, "
	       "an expansion ROM (PCI register 30h) with the VGA BIOS",
	.lacks = "light pen, overscan, retrace interrupt; the gaps that a card leaves in chained "
		 "addressing",
};
