/* SPDX-License-Identifier: MIT */
/*
 * Ports through which firmware and test guests talk past the emulated hardware: 402h (SeaBIOS) and
 * E9h (Bochs) take text and read E9h; 501h, if offered, ends the VM with an exit code.
 */
#pragma once

#include "emu/dev/device.h"

struct debug_ports {
	const struct board_host *host;
};

extern const struct device_class debug_text_class, debug_exit_class;
