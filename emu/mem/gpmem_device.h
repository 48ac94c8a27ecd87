/* SPDX-License-Identifier: MIT */
/*
 * A page of device memory: whom each access to it is a call of.
 */
#pragma once

#include "kernel/base/types.h"

struct gpmem_mmio {
	/* size 1, 2, 4 or 8, never crossing the region; offset from the region's start. */
	u64 (*read)(void *ctx, u64 offset, unsigned size);
	void (*write)(void *ctx, u64 offset, unsigned size, u64 value);
};

struct gpmem_device {
	const struct gpmem_mmio *mmio; /* NULL: no device */
	void *ctx;
	u64 offset; /* of the page in the device's region */
};

/* Where nothing is: reads are ones, writes are lost. So an access costs what a device's does. */
extern const struct gpmem_mmio gpmem_absent;

/* As the processor reads and writes at a place of the page, in naturally sized parts. */
void gpmem_device_read(const struct gpmem_device *d, u32 at, void *buf, u32 len);
void gpmem_device_write(const struct gpmem_device *d, u32 at, const void *buf, u32 len);
