/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading the FPU. fpu.h tells how it is used.
 */
#include "arch/fpu.h"

#include "arch/processor.h"
#include "arch/percpu.h"
#include "kernel/base/string.h"

#define XSTATE_BV 512 /* byte offset of the header's first word */

void fpu_save(void *image)
{
	if (cpu_features.xsave)
		__asm__ volatile("xsave (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave (%0)" ::"r"(image) : "memory");
}

void fpu_load(const void *image)
{
	if (cpu_features.xsave)
		__asm__ volatile("xrstor (%0)" ::"r"(image), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor (%0)" ::"r"(image) : "memory");
}

void fpu_reset(void *image)
{
	u8 *p = image;
	u16 fcw = 0x37f;
	u32 mxcsr = 0x1f80;

	memset(p, 0, FPU_IMAGE_SIZE);
	memcpy(p, &fcw, sizeof(fcw));
	memcpy(p + 24, &mxcsr, sizeof(mxcsr));
	p[XSTATE_BV] = 3; /* x87 and SSE as they stand here; AVX in its initial state */
}

void fpu_set_xcr0(u64 xcr0)
{
	struct percpu *pc = percpu_this();

	if (pc->xcr0 == xcr0)
		return;
	pc->xcr0 = xcr0;
	__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)xcr0), "d"((u32)(xcr0 >> 32)) : "memory");
}
