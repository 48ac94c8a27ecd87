/* SPDX-License-Identifier: MIT */
/*
 * Counters: what `stat` and `exits` show, and nothing decides by. An image can be made without
 * them, so that it can be told what they cost: `make bench-counting`.
 */
#pragma once

#ifndef COUNTING
#define COUNTING 1
#endif

/* One more, of any type of number. */
#define COUNT(counter)               \
	do {                         \
		if (COUNTING)        \
			(counter)++; \
	} while (0)
