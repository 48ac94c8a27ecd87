/* SPDX-License-Identifier: MIT */
/*
 * The register file of a VGA, ports 3B0h..3DFh, in its 80x25 colour text mode. Text only and honest
 * about it: registers are kept and read back, the cursor and start address can be asked for, video
 * memory is plain RAM of the board's; planes, latches, fonts and graphics modes are not there.
 */
#pragma once

#include "emu/dev/device.h"

struct vga_regs {
	u8 crtc[25], sequencer[5], graphics[9], attribute[21], palette[256 * 3];
	u8 crtc_index, sequencer_index, graphics_index, attribute_index;
	bool attribute_data; /* flip-flop of port 3C0h: data comes next */
	u8 misc, feature, dac_mask;
	u16 dac_read, dac_write; /* index * 3 + component */
	bool dac_reading;
	struct vtimers *timers;
};

extern const struct device_class vga_regs_class; /* reset is as the VGA BIOS leaves it: mode 3 */
