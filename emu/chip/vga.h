/* SPDX-License-Identifier: MIT */
/*
 * A VGA with the Bochs extensions (DISPI), the PCI function 1234:1111 of revision 2. One struct,
 * and its files by reason to change:
 *
 *     vga_device.c    the device: slot, PCI function, base addresses, field list
 *     vga_regs.c      the registers of ports 3B0h..3DFh
 *     vga_dac.c       the palette
 *     vga_retrace.c   where the beam is
 *     vga_dispi.c     DISPI: ports 1CEh and 1CFh
 *     vga_planes.c    what the processor's accesses do to the planes
 *     vga_edid.c      the monitor's description
 *     vga_window.c    A0000h..BFFFFh and the frame buffer: mapped straight, or calls
 *     vga_mmio.c      the registers in memory; base addresses
 *     vga_rom.c       the VGA BIOS on the adapter
 *     vga_screen.c    what the registers make of the screen
 *     vga_draw.c      pictures, a scan line at a time
 *
 * Video memory is planar, a dword for the four bytes of one address:
 *
 *     byte    4n        4n + 1    4n + 2    4n + 3    4n + 4 ...
 *             plane 0   plane 1   plane 2   plane 3   plane 0
 *             at n      at n      at n      at n      at n + 1
 *
 * Chained accesses (chain-4, odd/even) go to address n / 4 or n / 2 of the planes, where a card
 * leaves gaps instead, and the CRT controller counts dwords whatever its addressing mode is. So
 * chain-4 is linear, and so is each DISPI mode. What differs from a card is only what a program
 * sees that draws in one addressing mode and looks in another.
 */
#pragma once

#include "emu/chip/pci.h"
#include "emu/dev/device.h"
#include "kernel/hw/vga_regs.h"

#define VGA_MEMORY	 (16 * MiB)
#define VGA_PLANES	 (256 * KiB) /* what the VGA's own modes reach of it */
#define VGA_PAGES	 (VGA_MEMORY / PAGE_SIZE)
#define VGA_TEXT_SIZE	 (64 * KiB) /* at most: a window in odd/even addressing */
#define VGA_DISPI_WIDTH	 2560u
#define VGA_DISPI_HEIGHT 1600u
#define VGA_WINDOWS	 3u
#define VGA_MMIO_SIZE	 PAGE_SIZE

struct vga_dac {
	u8 colour[256 * 3]; /* as written: six bits or eight */
	u8 written[3];	    /* an entry changes when its third byte arrives */
	u8 part;	    /* of the entry: red, green, blue */
	u8 read, write;	    /* entries */
	u8 mask;
	bool reading, eight_bits;
};

struct vga_dispi {
	u16 index;
	u16 id, xres, yres, bpp, enable, bank, virt_width, virt_height, x, y;
};

/* What an access of the processor does, from the registers: vga_planes_update(). */
struct vga_path {
	u32 first, size; /* of 128 KiB from A0000h: what answers, and is in video memory */
	u32 offset;	 /* bytes or dwords that the bank adds */
	enum { VGA_PLANAR, VGA_ODD_EVEN, VGA_CHAIN4 } chain;
	u32 planes;	    /* map mask, a byte of ones for each plane */
	u32 set_reset, set; /* set: which planes take it */
	u32 bits;	    /* bit mask, four times */
	u32 compare, care;  /* read mode 1 */
	u8 read_plane, rotate, function, write_mode;
	bool read_compares;
	bool plain;    /* writes store what they bring, in the planes of the map mask */
	bool mappable; /* chained so, and nothing else: memory, if one looks at it right */
};

/*
 * Where the guest reaches video memory: a part of A0000h..BFFFFh, or the frame buffer. What is
 * written where it is shown is noted by page, once until the next vga_window_sync().
 */
struct vga_window {
	struct vga *vga;
	gpa_t at;
	u32 pages;
	u8 *shown;    /* NULL: each access is a call */
	bool text;    /* shown is vga.text, from its beginning, else a place in vga.memory */
	u64 *written; /* bit per page */
};

struct vga {
	struct pci_function pci;
	u8 crtc[25], sequencer[5], graphics[9], attribute[21];
	u8 crtc_index, sequencer_index, graphics_index, attribute_index;
	bool attribute_data; /* flip-flop of port 3C0h: data comes next */
	u8 misc, feature;
	struct vga_dac dac;
	struct vga_dispi dispi;
	u32 latch;

	struct vga_path path;
	u8 *memory; /* VGA_MEMORY bytes, on a page */
	/*
	 * Text as the processor sees it, character and attribute, while it is shown; the planes
	 * are behind then, by what was written since vga_window_sync().
	 */
	u8 *text;
	struct vga_window window[VGA_WINDOWS], frame_buffer;
	u64 window_written[VGA_WINDOWS];
	gpa_t mmio_at, rom_at;
	u8 *rom; /* NULL: the adapter has none */
	u32 rom_size;
	u8 edid[256]; /* of a monitor that takes every size */
	/* Pages of video memory written since the last picture; and has plane 2 been, the fonts? */
	u64 dirty[VGA_PAGES / 64], frame_buffer_written[VGA_PAGES / 64];
	bool font_dirty;
	u32 settings; /* grows with each change of a register that a picture depends on */

	struct gpmem *mem;
	struct vtimers *timers;
	void *taken; /* what memory and text lie in */
};

extern const struct device_class vga_class; /* reset is as the VGA BIOS leaves it: mode 3 */

/* --- vga_regs.c */

extern const struct bus_ports vga_ports;
void vga_regs_reset(struct vga *v);
void vga_regs_trim(struct vga *v); /* no bit is set that a register does not have */
/* The same by address, port - 3B0h, for the registers in memory. */
u8 vga_regs_read(struct vga *v, unsigned offset);
void vga_regs_write(struct vga *v, unsigned offset, u8 value);

/* --- vga_dac.c */

void vga_dac_reset(struct vga_dac *d);
u8 vga_dac_read(struct vga_dac *d);
void vga_dac_write(struct vga_dac *d, u8 value);
void vga_dac_seek(struct vga_dac *d, u8 entry, bool reading);
/* Red, green and blue, eight bits each, of a pixel's value. */
u32 vga_dac_rgb(const struct vga_dac *d, u8 value);

/* --- vga_retrace.c */

/* Input status 1: bit 0 display disabled, bit 3 vertical retrace, at a virtual time. */
u8 vga_retrace_status(const struct vga *v, u64 ns);
/* How long a picture takes, in ns. */
u64 vga_retrace_frame_ns(const struct vga *v);

/* --- vga_dispi.c */

extern const struct bus_ports vga_dispi_ports;
void vga_dispi_reset(struct vga *v);
u16 vga_dispi_read(const struct vga *v, unsigned index);
void vga_dispi_write(struct vga *v, unsigned index, u16 value);
static inline bool vga_dispi_on(const struct vga_dispi *d)
{
	return d->enable & DISPI_ENABLED;
}
/* Bytes of a line; those of 4 bits a pixel are counted with all four planes. */
u32 vga_dispi_pitch(const struct vga_dispi *d);
/* Dwords before the first pixel shown. */
u32 vga_dispi_start(const struct vga_dispi *d);
/* Registers that were loaded are as writes would have left them. */
bool vga_dispi_valid(const struct vga_dispi *d);

/* --- vga_planes.c: offset is from A0000h */

void vga_planes_update(struct vga *v);
u8 vga_planes_read(struct vga *v, u32 offset);
void vga_planes_write(struct vga *v, u32 offset, u8 value);
static inline void vga_dirty(struct vga *v, u32 byte)
{
	v->dirty[byte / PAGE_SIZE / 64] |= BIT64(byte / PAGE_SIZE % 64);
}

/* --- vga_edid.c */

void vga_edid_fill(u8 edid[256]);

/* --- vga_window.c */

int vga_window_create(struct vga *v);
/* After a change of the registers: what may not be shown any more is hidden. */
void vga_window_check(struct vga *v);
/* All are hidden, and memory is up to date. The next access to one may show it again. */
void vga_window_hide(struct vga *v);
/* The windows at A0000h and up go where no processor reaches, or come back. */
void vga_window_cover(struct vga *v, bool covered);
/* Memory, dirty pages and font_dirty become what has been written until now. */
void vga_window_sync(struct vga *v);

/* --- vga_mmio.c */

int vga_mmio_create(struct vga *v);
/* The frame buffer, the registers in memory and the ROM, where the base addresses say;
 * GPMEM_PARKED(): the function does not decode. */
void vga_mmio_place(struct vga *v, gpa_t frame_buffer, gpa_t registers, gpa_t rom);

/* --- vga_rom.c */

/* The bytes are copied; NULL: there is no ROM. */
int vga_rom_create(struct vga *v, const u8 *bytes, u32 size);
