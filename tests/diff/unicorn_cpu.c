/* SPDX-License-Identifier: MIT */
#include "tests/diff/case.h"
static int init(void)
{
	return -1;
}
struct processor processor_unicorn = { .name = "unicorn", .init = init };
