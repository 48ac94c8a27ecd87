/* SPDX-License-Identifier: MIT */
/*
 * Ports through which firmware and test guests talk past the emulated hardware: 402h (SeaBIOS) and
 * E9h (Bochs) take text and read E9h; 501h, if offered, ends the VM with an exit code.
 */
#pragma once

#include "emu/dev/bus.h"

struct debug_ports {
	void (*tx)(void *ctx, u8 byte);
	void (*exit_code)(void *ctx, u32 code);
	void *ctx;
};

/* exit_code NULL: no port 501h. */
int debug_ports_init(struct debug_ports *d, struct bus *bus, void (*tx)(void *ctx, u8 byte),
		     void (*exit_code)(void *ctx, u32 code), void *ctx);
