/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading the FPU. fpu.h tells how it is used.
 */
#include "arch/cpu/fpu.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/try.h"
#include "kernel/base/string.h"

void fpu_save(void *image)
{
	if (cpu_features.xsave)
		__asm__ volatile("xsave (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave (%0)" ::"r"(image) : "memory");
}

int fpu_load(const void *image)
{
	if (cpu_features.xsave)
		return TRAP_TRY("xrstor (%[image])", [image] "r"(image), "a"(~0u), "d"(~0u));
	return TRAP_TRY("fxrstor (%[image])", [image] "r"(image));
}

_Static_assert(sizeof(struct fpu_x87_image) == 108, "SDM 1 figure 8-13");

void fpu_save_x87(struct fpu_x87_image *image)
{
	__asm__ volatile("fnsave %0" : "=m"(*image));
}

/* FNSTENV masks the exceptions, FLDENV takes that back. */
void fpu_peek_x87(struct fpu_x87_image *image)
{
	__asm__ volatile("fnstenv %0; fldenv %0" : "=m"(*image));
}

void fpu_load_x87(const struct fpu_x87_image *image)
{
	__asm__ volatile("frstor %0" ::"m"(*image));
}

void fpu_forget(void)
{
	__asm__ volatile("fninit");
}

void fpu_reset(void *image)
{
	u8 *p = image;
	u16 fcw = 0x37f;
	u32 mxcsr = 0x1f80;

	memset(p, 0, FPU_IMAGE_SIZE);
	memcpy(p, &fcw, sizeof(fcw));
	memcpy(p + 24, &mxcsr, sizeof(mxcsr));
	p[XSTATE_HEADER] = 3; /* x87 and SSE as they stand here; AVX in its initial state */
}
