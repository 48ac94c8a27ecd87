/* SPDX-License-Identifier: MIT */
/*
 * Loads of segments that are done over and over, and how many of them C had to do.
 */
#pragma once

#include "emu/jit/recomp.h"
#include "tests/unit/guest_fixture.h"

#define S      FREE /* the selector in EAX; what it names begins at BASE_1 */
#define BASE_1 0x8000u
#define BASE_2 0x9000u
#define ROUNDS 50u

static u64 by_c(void)
{
	return recomp_stats(m.cpu.recomp)->hard_execs;
}

/* At AT_CODE: each of n rounds, which ECX counts, does load[] and then code[], at most 24 bytes. */
static void rounds(const u8 *load, u32 loads, const u8 *code, u32 len, u32 n)
{
	const u8 end[] = { 0x49, 0x75, (u8)(0u - (loads + len + 3)), INT_END };

	set_code(AT_CODE, load, loads);
	set_code(AT_CODE + loads, code, len);
	set_code(AT_CODE + loads + len, end, sizeof(end));
	m.cpu.gpr[REG_EAX] = S;
	m.cpu.gpr[REG_ECX] = n;
	m.cpu.eip = AT_CODE;
}
#define ROUNDS_OF(load, n, ...)                                          \
	do {                                                             \
		const u8 code_[] = { __VA_ARGS__ };                      \
		rounds((load), sizeof(load), code_, sizeof(code_), (n)); \
	} while (0)
