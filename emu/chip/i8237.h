/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8237A DMA controllers and the page registers of a PC (Intel 8237A data sheet,
 * 231466). Channels 0..3 move bytes, 5..7 words; channel 4 is where the first controller's requests
 * enter the second one. Devices use them by emu/dev/dma.h.
 */
#pragma once

#include "emu/dev/device.h"
#include "emu/dev/dma.h"

struct i8237_channel {
	u16 base_address, address, base_count, count;
	u8 mode;
};

struct i8237 {
	struct i8237_channel ch[4];
	u8 command, status, mask, request;
	bool high_byte; /* the byte pointer flip-flop */
	u8 dreq;	/* the wires */
};

struct i8237_user {
	void (*grant)(void *dev);
	void *dev;
};

struct i8237_pair {
	/* Channels 0..3 at ports 00h.., 4..7 at C0h.. (two ports per register). */
	struct i8237 chip[2];
	u8 page[16]; /* ports 80h..8Fh; 80h is also where firmware shows POST codes */
	struct i8237_user user[8];
	bool granting; /* a grant function runs */
	struct gpmem *mem;
	struct dma_controller controller; /* for struct dma_line */
};

/* Ports: channels 0-3, pages, channels 4-7. Reset is as firmware leaves it: all is masked, but the
 * first controller cascaded. */
extern const struct device_class i8237_class;
