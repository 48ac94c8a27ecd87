/* SPDX-License-Identifier: MIT */
/*
 * The 82441FX host bridge (Intel 290549). Only its registers exist: the PAM registers can be
 * written and read, but E0000h..FFFFFh stays RAM whatever they say.
 */
#pragma once

#include "emu/chip/pci.h"

struct i440fx {
	struct pci_function pci;
};

extern const struct device_class i440fx_class;
