/* SPDX-License-Identifier: MIT */
/*
 * The FPU's registers as an image: XSAVE's standard format (SDM 1 13.4) with x87, SSE and AVX, or
 * FXSAVE's 512 bytes on a CPU without XSAVE. 64-byte aligned, FPU_IMAGE_SIZE bytes. The 32-bit
 * forms are used, which keep FCS and FDS: the state is a 32-bit guest's. CR0.TS and EM must be
 * clear, XCR0 the monitor's.
 */
#pragma once

#include "kernel/base/types.h"

#define FPU_IMAGE_SIZE 832u

void fpu_save(void *image);
void fpu_load(const void *image);
/* The state that FNINIT and a cleared MXCSR mask leave: an image for a CPU that was just reset. */
void fpu_reset(void *image);
/* XSETBV with XCR0; nothing if it holds that already (XSETBV leaves for the hypervisor below us, if
 * any). */
void fpu_set_xcr0(u64 xcr0);
