/* SPDX-License-Identifier: MIT */
/*
 * A number with its unit.
 */
#include "vmm/load/config_speed.h"

#include "kernel/base/string.h"

#define DIGITS 6u

bool config_speed_parse(const char *value, struct config_speed *out)
{
	u32 n = 0;
	unsigned at = 0;

	for (; value[at] >= '0' && value[at] <= '9' && at < DIGITS; at++)
		n = n * 10 + (u32)(value[at] - '0');
	*out = (struct config_speed){ 0 };
	if (!strcmp(value + at, "MHz"))
		out->mhz = n;
	else if (!strcmp(value + at, "%") && n <= 100)
		out->percent = n;
	return out->mhz || out->percent;
}
