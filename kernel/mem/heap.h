/* SPDX-License-Identifier: MIT */
/*
 * Figures about the heap; its interface is kernel/base/alloc.h.
 */
#pragma once

#include "kernel/base/types.h"

struct heap_stats {
	u64 objects, pages;
};
struct heap_stats heap_stats(void);
