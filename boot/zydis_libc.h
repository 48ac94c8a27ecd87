/* SPDX-License-Identifier: MIT */
/*
 * What Zydis clears and copies with in the monitor, included before each of its files. Its own way
 * without a C library writes single bytes through a volatile pointer: 3,000 instructions for each
 * decoded one, three quarters of all.
 */
#pragma once

#include <Zycore/LibC.h>

#define ZYAN_MEMSET __builtin_memset
#define ZYAN_MEMCPY __builtin_memcpy
