/* SPDX-License-Identifier: MIT */
/*
 * Sizes of memory and media.
 */
#include "vmm/load/config_size.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"

int config_size_parse(const char *value, u64 *bytes)
{
	char number[32];
	size_t n = strlen(value);
	u64 unit = 1;

	if (!n || n >= sizeof(number))
		return E_INVAL;
	str_copy(number, value, sizeof(number));
	switch (number[n - 1]) {
	case 'K':
	case 'k':
		unit = KiB;
		break;
	case 'M':
	case 'm':
		unit = MiB;
		break;
	case 'G':
	case 'g':
		unit = GiB;
		break;
	}
	if (unit != 1)
		number[n - 1] = '\0';
	if (str_to_u64(number, bytes) || *bytes > UINT64_MAX / unit)
		return E_INVAL;
	*bytes *= unit;
	return 0;
}
