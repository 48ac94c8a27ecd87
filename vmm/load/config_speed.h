/* SPDX-License-Identifier: MIT */
/*
 * How fast a VM may be: `speed = 10%`, `speed = 33MHz`.
 */
#pragma once

#include "kernel/base/types.h"

struct config_speed {
	u32 percent, mhz; /* at most one of them; 0: not given */
};

/* false: value is neither. */
bool config_speed_parse(const char *value, struct config_speed *out);
