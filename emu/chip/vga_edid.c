/* SPDX-License-Identifier: MIT */
/*
 * What the monitor behind the VGA says of itself (VESA E-EDID 1.3): any size up to DISPI's limits,
 * 1024 by 768 best.
 */
#include "emu/chip/vga.h"

#include "kernel/base/string.h"

#define BLOCK 128u

/* 1024 by 768 at 60 Hz: 65 MHz, 1344 by 806 with blanking. */
static const u8 best[18] = { 0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18,
			     0x88, 0x36, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x18 };

static void text(u8 *descriptor, u8 kind, const char *text)
{
	size_t n = strlen(text);

	descriptor[3] = kind;
	memset(descriptor + 5, ' ', 13);
	memcpy(descriptor + 5, text, n);
	descriptor[5 + n] = '\n';
}

void vga_edid_fill(u8 edid[256])
{
	static const u8 magic[8] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00 };
	u8 sum = 0;

	memset(edid, 0, 256);
	memcpy(edid, magic, sizeof(magic));
	edid[8] = 0x48; /* RLR: five bits a letter */
	edid[9] = 0x12 | 0x40;
	edid[10] = 1;
	edid[17] = 36; /* 2026 */
	edid[18] = 1;  /* version 1.3 */
	edid[19] = 3;
	edid[20] = 0x80; /* digital */
	edid[21] = 32;	 /* 32 by 24 cm */
	edid[22] = 24;
	edid[23] = 120;	 /* gamma 2.2 */
	edid[24] = 0x06; /* sRGB; the first detailed timing is the best */
	edid[35] = 0x21; /* 640, 800 and 1024 wide at 60 Hz */
	edid[36] = 0x08;
	memset(edid + 38, 0x01, 16); /* no other standard timings */
	memcpy(edid + 54, best, sizeof(best));
	text(edid + 72, 0xfc, "Ringleader");
	text(edid + 90, 0xff, "1");
	edid[111] = 0xfd; /* limits: 50 to 75 Hz, 30 to 160 kHz, 300 MHz */
	edid[113] = 50;
	edid[114] = 75;
	edid[115] = 30;
	edid[116] = 160;
	edid[117] = 30;
	edid[119] = '\n';
	memset(edid + 120, ' ', 6);
	for (unsigned i = 0; i < BLOCK - 1; i++)
		sum = (u8)(sum + edid[i]);
	edid[BLOCK - 1] = (u8)-sum;
}
