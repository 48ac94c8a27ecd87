/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people: 1,234,567 and 12.3 %.
 */
#pragma once

#include "kernel/base/types.h"

/* As a value, so that it can stand among the arguments of a print. */
struct figure {
	char text[28];
};

struct figure figure_thousands(u64 n);
/* In per cent with one decimal; "-" of nothing. */
struct figure figure_share(u64 part, u64 whole);
/* So many in so many nanoseconds: a second's, with thousands. */
struct figure figure_rate(u64 n, u64 ns);
