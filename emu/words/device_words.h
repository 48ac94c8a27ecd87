/* SPDX-License-Identifier: MIT */
/*
 * Devices in plain words: what their registers say, for who looks at a guest. Reads a device's
 * struct and changes nothing. A time is the virtual clock's now; flags are as the device has
 * noticed them until now.
 *
 *      words_each.h     one function for each class of devices
 *      words_text.h     lines that all of them use
 *      words_X.c        the words of one device, or of several that belong together
 */
#pragma once

#include "emu/dbg/dbg_text.h"
#include "emu/dev/device.h"

/* The words of a device of that class. False: there are none for it. */
bool words_print(const struct device_class *class, const void *dev, const struct dbg_out *out);
