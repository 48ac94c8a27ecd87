/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of what may not exist: model-specific registers, memory. Each instruction has a
 * row in `.fixups`, so a fault goes on at its landing with `failed` still set.
 */
#include "arch/cpu/try.h"

int rdmsr_safe(u32 index, u64 *value)
{
	u32 a = 0, d = 0, failed = 1;

	__asm__ volatile("1: rdmsr" TRAP_LANDING
			 : "+a"(a), "+d"(d), [failed] "+r"(failed)
			 : "c"(index)
			 : "cc");
	if (failed)
		return E_FAULT;
	*value = (u64)d << 32 | a;
	return 0;
}

int wrmsr_safe(u32 index, u64 value)
{
	return TRAP_TRY("wrmsr", "c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
}

int read_u8_safe(hva_t at, u8 *value)
{
	u32 v = 0, failed = 1;

	__asm__ volatile("1: movzbl (%[at]), %k[v]" TRAP_LANDING
			 : [v] "+r"(v), [failed] "+r"(failed)
			 : [at] "r"(at)
			 : "cc", "memory");
	if (failed)
		return E_FAULT;
	*value = (u8)v;
	return 0;
}

int write_u8_safe(hva_t at, u8 value)
{
	return TRAP_TRY("movb %[value], (%[at])", [value] "q"(value), [at] "r"(at));
}
