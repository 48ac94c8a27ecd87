/* SPDX-License-Identifier: MIT */
/*
 * Registers of a VGA (IBM VGA XGA Technical Reference), and of the Bochs extensions.
 */
#pragma once

#define VGA_PORT  0x3b0u /* the first of 30h */
#define VGA_PORTS 0x30u

#define MISC_COLOUR 0x01 /* the CRTC lies at 3D4h, else at 3B4h */
#define MISC_CLOCK  0x0c

/* Sequencer */
#define SEQ_CLOCKING	0x01
#define SEQ_8_DOTS	0x01
#define SEQ_HALF_CLOCK	0x08 /* each dot twice as wide */
#define SEQ_MAP_MASK	0x02
#define SEQ_CHARACTERS	0x03
#define SEQ_MEMORY_MODE 0x04
#define SEQ_CHAIN4	0x08

/* Graphics controller */
#define GFX_SET_RESET	 0x00
#define GFX_ENABLE_SET	 0x01
#define GFX_COMPARE	 0x02
#define GFX_ROTATE	 0x03 /* bits 3 and 4: function */
#define GFX_READ_MAP	 0x04
#define GFX_MODE	 0x05
#define GFX_READ_COMPARE 0x08
#define GFX_ODD_EVEN	 0x10
#define GFX_SHIFT	 0x60 /* 20h: two bits a pixel, 40h: eight */
#define GFX_MISC	 0x06
#define GFX_GRAPHICS	 0x01
/* 0: A0000h 128 KiB, 4: A0000h 64 KiB, 8: B0000h 32 KiB, Ch: B8000h 32 KiB */
#define GFX_MAP	     0x0c
#define GFX_CARE     0x07
#define GFX_BIT_MASK 0x08

/* CRT controller */
#define CRTC_H_TOTAL	   0x00
#define CRTC_H_DISPLAY_END 0x01
#define CRTC_H_BLANK_START 0x02
#define CRTC_H_SYNC_START  0x04
#define CRTC_V_TOTAL	   0x06
#define CRTC_OVERFLOW	   0x07
#define CRTC_PRESET_ROW	   0x08 /* bits 5 and 6: byte panning */
#define CRTC_MAX_SCAN	   0x09
#define CRTC_DOUBLE_SCAN   0x80
#define CRTC_CURSOR_START  0x0a
#define CRTC_CURSOR_OFF	   0x20
#define CRTC_CURSOR_END	   0x0b /* bits 5 and 6: skew */
#define CRTC_START_HIGH	   0x0c
#define CRTC_START_LOW	   0x0d
#define CRTC_CURSOR_HIGH   0x0e
#define CRTC_CURSOR_LOW	   0x0f
#define CRTC_V_SYNC_START  0x10
#define CRTC_V_SYNC_END	   0x11
#define CRTC_PROTECT	   0x80 /* registers 0..7 are read-only but for bit 4 of 7 */
#define CRTC_V_DISPLAY_END 0x12
#define CRTC_OFFSET	   0x13
#define CRTC_UNDERLINE	   0x14
#define CRTC_MODE	   0x17
#define CRTC_LINE_COMPARE  0x18

/* Attribute controller */
#define ATTR_MODE	   0x10
#define ATTR_LINE_GRAPHICS 0x04
#define ATTR_BLINK	   0x08
#define ATTR_PANNING_TOP   0x20 /* the lower half of a split screen does not pan */
#define ATTR_PALETTE_45	   0x80 /* bits 4 and 5 of a colour come from register 14h */
#define ATTR_PLANES	   0x12
#define ATTR_PANNING	   0x13
#define ATTR_COLOUR_SELECT 0x14
#define ATTR_SCREEN_ON	   0x20 /* of the index */

/* Input status 1 */
#define STATUS_DISABLED 0x01
#define STATUS_RETRACE	0x08

/* DISPI */
#define DISPI_INDEX_PORT  0x1ceu
#define DISPI_DATA_PORT	  0x1cfu
#define DISPI_ID	  0x0
#define DISPI_XRES	  0x1
#define DISPI_YRES	  0x2
#define DISPI_BPP	  0x3
#define DISPI_ENABLE	  0x4
#define DISPI_BANK	  0x5
#define DISPI_VIRT_WIDTH  0x6
#define DISPI_VIRT_HEIGHT 0x7
#define DISPI_X		  0x8
#define DISPI_Y		  0x9
#define DISPI_MEMORY	  0xa /* in units of 64 KiB */
#define DISPI_REGISTERS	  0xb
#define DISPI_ID_FIRST	  0xb0c0u
#define DISPI_ID_LAST	  0xb0c5u
#define DISPI_ENABLED	  0x01
#define DISPI_GET_LIMITS  0x02
#define DISPI_8BIT_DAC	  0x20
#define DISPI_LFB	  0x40
#define DISPI_KEEP_MEMORY 0x80
