/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8237A DMA controllers and the page registers of a PC (Intel 8237A data sheet,
 * 231466), as registers: what software programs is kept and read back as on the chip. No device
 * transfers yet; i8237_request() and the transfer itself come with the first one.
 */
#pragma once

#include "emu/dev/device.h"

struct i8237_channel {
	u16 base_address, address, base_count, count;
	u8 mode;
};

struct i8237 {
	struct i8237_channel ch[4];
	u8 command, status, mask, request, temporary;
	bool high_byte; /* the byte pointer flip-flop */
};

struct i8237_pair {
	struct i8237
		chip[2]; /* channels 0..3 at ports 00h.., 4..7 at C0h.. (two ports per register) */
	u8 page[16];	 /* ports 80h..8Fh; 80h is also where firmware shows POST codes */
};

extern const struct device_class i8237_class; /* ports: channels 0-3, pages, channels 4-7 */
