/* SPDX-License-Identifier: MIT */
/*
 * The FPU's registers as an image: XSAVE's standard format (SDM 1 13.4) with x87, SSE and AVX, or
 * FXSAVE's 512 bytes on a CPU without XSAVE. 64-byte aligned, FPU_IMAGE_SIZE bytes. The 32-bit
 * forms are used, which keep FCS and FDS: the state is a 32-bit guest's. CR0.TS and EM must be
 * clear, XCR0 the monitor's.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

#define FPU_IMAGE_SIZE XSTATE_END

void fpu_save(void *image);
/* 0, or E_FAULT: the processor refuses the image, and has kept what it had. */
int fpu_load(const void *image);
/* FNSAVE's image in the 32-bit protected format (SDM 1 figures 8-9 and 8-13). */
struct fpu_x87_image {
	u32 control, status, tags, ip;
	u16 cs, opcode;
	u32 data;
	u16 ds, ones;
	u8 st[8][10];
};
/*
 * The x87 alone, with its instruction and operand pointers, which images may lack. Saving empties
 * it: load follows. QEMU's TCG saves pointers, but loads none: they are 0 then.
 */
void fpu_save_x87(struct fpu_x87_image *image);
/* All but the registers (28 bytes), and changes nothing. */
void fpu_peek_x87(struct fpu_x87_image *image);
void fpu_load_x87(const struct fpu_x87_image *image);
/* Nothing of whoever used the x87 last: AMD's FXRSTOR leaves the pointers as they are unless an
 * exception is pending. */
void fpu_forget(void);
/* The state that FNINIT and a cleared MXCSR mask leave: an image for a CPU that was just reset. */
void fpu_reset(void *image);
