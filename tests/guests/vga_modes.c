/* SPDX-License-Identifier: MIT */
/*
 * Sets VGA modes by registers, without a BIOS, draws in each, says so, and waits for a byte on
 * COM1: tests/boot/test_vga.py looks at the screen then, here and on bare QEMU, and compares the
 * pictures. What QEMU does not draw is left out: blinking, underlining, panning by dots.
 *
 *   make build/guests/vga_modes; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "vga_modes";

struct mode {
	u8 misc, seq[4], crtc[25], gfx[9], attr[21];
};

/* 00h is not in it: the sequencer's reset. */
static const struct mode text_80 = {
	0x67,
	{ 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x2d, 0x0e, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff },
	{ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
	  0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x04, 0x00, 0x0f, 0x08, 0x00 }
};
static const struct mode cga_4 = {
	0x63,
	{ 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff },
	{ 0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11, 0x12,
	  0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0x00, 0x03, 0x00, 0x00 }
};
static const struct mode cga_2 = {
	0x63,
	{ 0x01, 0x01, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x0f, 0xff },
	{ 0x00, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
	  0x17, 0x17, 0x17, 0x17, 0x17, 0x01, 0x00, 0x01, 0x00, 0x00 }
};
static const struct mode planar_320 = {
	0x63,
	{ 0x09, 0x0f, 0x00, 0x06 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
	{ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12,
	  0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0x00, 0x0f, 0x00, 0x00 }
};
static const struct mode planar_350 = {
	0xa3,
	{ 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x40, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x83, 0x05, 0x5d, 0x28, 0x0f, 0x63, 0xba, 0xe3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
	{ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
	  0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x01, 0x00, 0x0f, 0x00, 0x00 }
};
static const struct mode planar_480 = {
	0xe3,
	{ 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0xea, 0x0c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
	{ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
	  0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x81, 0x00, 0x0f, 0x00, 0x03 }
};
static const struct mode linear_320 = {
	0x63,
	{ 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff },
	{ 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
	  0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x41, 0x00, 0x0f, 0x00, 0x00 }
};

/* --- Registers */

static void indexed(u16 port, u8 index, u8 value)
{
	outb(port, index);
	outb(port + 1, value);
}

static void seq(u8 index, u8 value)
{
	indexed(0x3c4, index, value);
}

static void crtc(u8 index, u8 value)
{
	indexed(0x3d4, index, value);
}

static void gfx(u8 index, u8 value)
{
	indexed(0x3ce, index, value);
}

static void attr(u8 index, u8 value)
{
	inb(0x3da);
	outb(0x3c0, index);
	outb(0x3c0, value);
}

static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static void dispi(u16 index, u16 value)
{
	outw(0x1ce, index);
	outw(0x1cf, value);
}

static void set_mode(const struct mode *m)
{
	dispi(4, 0);
	inb(0x3da);
	outb(0x3c0, 0); /* nothing on the screen */
	seq(0, 1);
	outb(0x3c2, m->misc);
	for (u8 i = 0; i < 4; i++)
		seq(i + 1, m->seq[i]);
	seq(0, 3);
	crtc(0x11, 0);
	for (u8 i = 0; i < 25; i++)
		crtc(i, m->crtc[i]);
	for (u8 i = 0; i < 9; i++)
		gfx(i, m->gfx[i]);
	for (u8 i = 0; i < 21; i++)
		attr(i, m->attr[i]);
	outb(0x3c6, 0xff);
	outb(0x3c8, 0);
	for (u32 i = 0; i < 256; i++) {
		outb(0x3c9, i * 5 & 63);
		outb(0x3c9, i * 11 & 63);
		outb(0x3c9, (i * 3 + 20) & 63);
	}
	inb(0x3da);
	outb(0x3c0, 0x20);
}

/* --- Drawing */

static volatile u8 *const at_a0000 = (volatile u8 *)0xa0000;
static volatile u8 *const at_b8000 = (volatile u8 *)0xb8000;

/* The picture is looked at now. */
static void shown(const char *name)
{
	print("SHOWN %s\n", name);
	while (!(inb(0x3fd) & 1))
		;
	inb(0x3f8);
}

/* All of plane 2: eight fonts of 256 characters. */
static void load_fonts(u32 seed)
{
	seq(2, 4);
	seq(4, 6);
	gfx(4, 2);
	gfx(5, 0);
	gfx(6, 5);
	for (u32 i = 0; i < 0x10000; i++)
		at_a0000[i] = (i * seed + (i >> 3)) >> 2;
	seq(2, 3);
	seq(4, 2);
	gfx(4, 0);
	gfx(5, 0x10);
	gfx(6, 0x0e);
}

static void write_text(void)
{
	for (u32 i = 0; i < 0x4000; i++) {
		at_b8000[2 * i] = i;
		at_b8000[2 * i + 1] = i * 7 + (i >> 8);
	}
}

static void text_modes(void)
{
	set_mode(&text_80);
	load_fonts(0x9d);
	write_text();
	shown("80 columns, 9 dots");
	attr(0x10, 0);
	outb(0x3c0, 0x20);
	crtc(9, 0x4d); /* QEMU draws anew when the size is another */
	shown("no line graphics, 14 lines");
	crtc(9, 0x4f);
	seq(1, 1);
	shown("80 columns, 8 dots");
	seq(3, 0x34);
	shown("two fonts");
	crtc(9, 0x47);
	shown("50 rows");
	crtc(0x0c, 0x01);
	crtc(0x0d, 0x23);
	shown("start address");
	crtc(0x18, 8 * 20 - 1);
	crtc(7, 0x0f);
	crtc(9, 0x07);
	shown("split text");
	set_mode(&text_80);
	seq(1, 8);
	crtc(1, 0x27);
	crtc(0x13, 0x14);
	shown("40 columns");
	set_mode(&text_80);
	outb(0x3c2, 0xa3);
	crtc(9, 0x47);
	crtc(0x12, 0x5d);
	shown("43 rows");
	for (u32 i = 0; i < 2000; i++)
		at_b8000[i] = at_b8000[i + 160];
	shown("scrolled");
}

static void cga_modes(void)
{
	set_mode(&cga_4);
	for (u32 i = 0; i < 0x8000; i++)
		at_b8000[i] = i * 0x1f + (i >> 6);
	shown("CGA, 4 colours");
}

/* Sixteen colours with each write mode, function, set/reset, mask; latches carry the rest. */
static void draw_planar(u32 width, u32 lines)
{
	gfx(0, 0);
	gfx(1, 0);
	gfx(3, 0);
	gfx(5, 0);
	gfx(8, 0xff);
	for (u8 plane = 0; plane < 4; plane++) {
		seq(2, BIT(plane));
		for (u32 i = 0; i < width * lines; i++)
			at_a0000[i] = (i / width + plane) * (2 * plane + 3) >> 2 ^ i >> 4;
	}
	seq(2, 0x0f);
	for (u32 n = 0; n < 64; n++) {
		gfx(5, n & 3); /* write mode */
		gfx(0, n * 5);
		gfx(1, n * 3);
		gfx(3, (n >> 2 & 3) << 3 | (n & 7));
		gfx(8, n & 4 ? 0xff : 0x5a + n);
		seq(2, n & 8 ? 0x0f : 0x0b);
		for (u32 i = 0; i < 3 * width; i++) {
			u32 at = 2 * n * width + i;

			(void)at_a0000[at + 4 * width];
			at_a0000[at] = (i / 8 * 13) + n;
		}
	}
	gfx(5, 0);
	gfx(0, 0);
	gfx(1, 0);
	gfx(3, 0);
	gfx(8, 0xff);
	seq(2, 0x0f);
}

/* What reads find, in both read modes. */
static void read_planar(void)
{
	u32 sum = 0;

	for (u8 plane = 0; plane < 4; plane++) {
		gfx(4, plane);
		for (u32 i = 0; i < 4000; i++)
			sum = digest(sum, at_a0000[i]);
	}
	gfx(5, 8);
	for (u8 n = 0; n < 16; n++) {
		gfx(2, n);
		gfx(7, n ^ 0x0b);
		for (u32 i = 0; i < 1000; i++)
			sum = digest(sum, at_a0000[i]);
	}
	gfx(5, 0);
	gfx(7, 0x0f);
	print("planes read %x\n", sum);
}

static void planar_modes(void)
{
	set_mode(&planar_320);
	draw_planar(40, 200);
	shown("320 by 200, 16 colours");
	set_mode(&planar_350);
	draw_planar(80, 350);
	shown("640 by 350, 16 colours");
	set_mode(&planar_480);
	draw_planar(80, 480);
	read_planar();
	shown("640 by 480, 16 colours");
	crtc(0x0c, 0x12);
	crtc(0x0d, 0x34);
	crtc(0x18, 0x6f);
	crtc(7, 0x2e);
	crtc(9, 0x00);
	shown("split planes");
}

static void modes_256(void)
{
	set_mode(&linear_320);
	for (u32 i = 0; i < 0x10000; i++)
		at_a0000[i] = i + (i >> 8);
	shown("320 by 200, 256 colours");
	/* Unchained: modes X. */
	seq(4, 6);
	crtc(0x14, 0);
	crtc(0x17, 0xe3);
	outb(0x3c2, 0xe3);
	crtc(6, 0x0d);
	crtc(7, 0x3e);
	crtc(0x10, 0xea);
	crtc(0x12, 0xdf);
	for (u8 plane = 0; plane < 4; plane++) {
		seq(2, BIT(plane));
		for (u32 i = 0; i < 80 * 240; i++)
			at_a0000[i] = i * 3 + plane * 50 + (i >> 7);
	}
	shown("320 by 240, unchained");
	seq(2, 0x0f);
	gfx(5, 0x41); /* a copy by latches */
	for (u32 i = 0; i < 80 * 100; i++) {
		(void)at_a0000[i];
		at_a0000[80 * 120 + 3 + i] = 0;
	}
	gfx(5, 0x40);
	crtc(0x0d, 40);
	crtc(0x13, 0x30);
	shown("copied and moved");
}

static u32 pci_read(u8 reg)
{
	u32 value;

	__asm__ volatile("outl %0, %1" ::"a"(0x80001000u | reg), "Nd"((u16)0xcf8));
	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"((u16)0xcfc));
	return value;
}

#define FRAME_BUFFER 0x40000000u

static u32 map_frame_buffer(u32 size)
{
	u32 bar = pci_read(0x10) & ~15u;

	for (u32 at = 0; at < size; at += PAGE_SIZE)
		map(FRAME_BUFFER + at, bar + at, PTE_P | PTE_W);
	return 0;
}

static void dispi_mode(u16 x, u16 y, u16 bpp)
{
	dispi(4, 0);
	dispi(1, x);
	dispi(2, y);
	dispi(3, bpp);
	dispi(4, 0x41);
}

static void dispi_modes(void)
{
	static const u16 bpp[] = { 8, 15, 16, 24, 32 };
	static const char *const name[] = { "DISPI 8", "DISPI 15", "DISPI 16", "DISPI 24",
					    "DISPI 32" };
	volatile u32 *frame = (volatile u32 *)FRAME_BUFFER;

	print("DISPI id %x, PCI %x class %x\n", 0xb0c5, pci_read(0), pci_read(8));
	call_ring0(map_frame_buffer, 0x200000);
	set_mode(&linear_320);
	for (u32 n = 0; n < COUNT(bpp); n++) {
		dispi_mode(160, 120, bpp[n]);
		for (u32 i = 0; i < 160u * 120 * ((bpp[n] + 7) / 8) / 4; i++)
			frame[i] = i * 0x01030507u ^ i >> 3;
		shown(name[n]);
	}
	dispi(6, 128 + 64);
	dispi(8, 16);
	dispi(9, 7);
	shown("virtual size, moved");
	dispi_mode(640, 400, 8);
	for (u16 bank = 0; bank < 4; bank++) {
		dispi(5, bank);
		for (u32 i = 0; i < 0x10000; i++)
			at_a0000[i] = (i >> 3) * 3 + bank * 40 + (i >> 9);
	}
	shown("banks");
	dispi(4, 0);
}

static void cga_2_mode(void)
{
	set_mode(&cga_2);
	for (u32 i = 0; i < 0x8000; i++)
		at_b8000[i] = i * 7 + (i >> 5);
	shown("CGA, 2 colours");
}

void guest_main(void)
{
	crtc(0x0a, 0x20);
	text_modes();
	cga_modes();
	planar_modes();
	modes_256();
	dispi_modes();
	cga_2_mode();
	guest_end();
}
