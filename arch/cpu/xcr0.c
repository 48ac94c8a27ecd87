/* SPDX-License-Identifier: MIT */
/*
 * Loads XCR0, and remembers the loaded value per processor: XSETBV is executed on a change only.
 */
#include "arch/cpu/xcr0.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/try.h"

int xcr0_load(u64 xcr0)
{
	struct percpu *pc = percpu_this();

	if (pc->xcr0 == xcr0)
		return 0;
	if (TRAP_TRY("xsetbv", "c"(0), "a"((u32)xcr0), "d"((u32)(xcr0 >> 32))))
		return E_FAULT;
	pc->xcr0 = xcr0;
	return 0;
}
