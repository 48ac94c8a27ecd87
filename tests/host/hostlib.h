/* SPDX-License-Identifier: MIT */
/*
 * Memory that is used up, for tests of code that calls mem_alloc().
 */
#pragma once

#include "kernel/base/types.h"

/* mem_alloc() has nothing to give. */
extern bool hostlib_no_memory;
/* The nth allocation from now fails, and only that; 0: none. */
extern unsigned hostlib_fails_at;
