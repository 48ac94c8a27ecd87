/* SPDX-License-Identifier: MIT */
/*
 * Small-object memory for code that runs both in the monitor (kernel/mem/heap.c) and on the host
 * (tests/host/). Zeroed; returns NULL when there is none. No limit on size, but whole pages are
 * better taken from the page allocator.
 */
#pragma once

#include "kernel/base/types.h"

void *mem_alloc(size_t size);
void mem_free(void *p);
