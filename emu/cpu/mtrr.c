/* SPDX-License-Identifier: MIT */
/*
 * The registers lie in cpu->msr. Their numbers:
 *
 *      FEh             capabilities, read-only
 *      200h .. 20Fh    base and mask of each variable range
 *      250h            fixed: 64 KiB a byte, from 0
 *      258h, 259h      16 KiB a byte, from 80000h
 *      268h .. 26Fh    4 KiB a byte, from C0000h
 *      2FFh            default type, and what is switched on
 */
#include "emu/cpu/mtrr.h"

#include "emu/cpu/semantics.h"
#include "kernel/base/error.h"
#include "kernel/hw/pc_layout.h"

#define CPUID_MTRR BIT(12) /* leaf 1 EDX */

#define PAIRS	 (ARRAY_SIZE(((struct cpu_msrs *)0)->mtrr_var) / 2)
#define HAS_WC	 BIT(10)
#define HAS_FIX	 BIT(8)
#define FIX_16K	 1u /* index in mtrr_fixed of 258h */
#define FIX_4K	 3u /* and of 268h */
#define TYPE_WB	 6u
#define ALL_WB	 0x0606060606060606ull
#define PHYSICAL (BIT64(PAE_PHYS_BITS) - PAGE_SIZE)
#define VALID	 BIT(11) /* of a mask */
#define ENABLE	 BIT(11) /* of the default type */
#define FIX_ON	 BIT(10)

static bool is_type(u64 t)
{
	return t <= TYPE_WB && t != 2 && t != 3;
}

static bool are_types(u64 v)
{
	for (unsigned i = 0; i < 64; i += 8)
		if (!is_type(v >> i & 0xff))
			return false;
	return true;
}

/* n: odd is a mask. */
static bool is_variable(unsigned n, u64 v)
{
	return n & 1 ? !(v & ~(PHYSICAL | VALID)) : !(v & ~(PHYSICAL | 0xff)) && is_type(v & 0xff);
}

static bool is_default(u64 v)
{
	return !(v & ~(u64)(ENABLE | FIX_ON | 0xff)) && is_type(v & 0xff);
}

bool mtrr_state_is_valid(const struct cpu *cpu)
{
	const struct cpu_msrs *m = &cpu->msr;

	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_fixed); i++)
		if (!are_types(m->mtrr_fixed[i]))
			return false;
	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_var); i++)
		if (!is_variable(i, m->mtrr_var[i]))
			return false;
	return is_default(m->mtrr_def_type);
}

/* Index in mtrr_fixed, or -1. */
static int fixed(u32 index)
{
	if (index == MSR_MTRR_FIX64K)
		return 0;
	if (index - MSR_MTRR_FIX16K < FIX_4K - FIX_16K)
		return (int)(index - MSR_MTRR_FIX16K + FIX_16K);
	if (index - MSR_MTRR_FIX4K < ARRAY_SIZE(((struct cpu_msrs *)0)->mtrr_fixed) - FIX_4K)
		return (int)(index - MSR_MTRR_FIX4K + FIX_4K);
	return -1;
}

static u64 *register_of(struct cpu *cpu, u32 index)
{
	int n = fixed(index);

	if (n >= 0)
		return &cpu->msr.mtrr_fixed[n];
	if (index - MSR_MTRR_VAR < 2 * PAIRS)
		return &cpu->msr.mtrr_var[index - MSR_MTRR_VAR];
	return index == MSR_MTRR_DEF_TYPE ? &cpu->msr.mtrr_def_type : NULL;
}

static bool has_mtrrs(struct cpu *cpu)
{
	u32 id[4];

	cpu_env(cpu)->cpuid(cpu, 1, 0, id);
	return id[3] & CPUID_MTRR;
}

int mtrr_read(struct cpu *cpu, u32 index, u64 *value)
{
	const u64 *r = register_of(cpu, index);

	if (!r && index != MSR_MTRR_CAP)
		return E_NOENT;
	if (!has_mtrrs(cpu))
		return E_INVAL;
	*value = r ? *r : PAIRS | HAS_FIX | HAS_WC;
	return 0;
}

int mtrr_write(struct cpu *cpu, u32 index, u64 value)
{
	u64 *r = register_of(cpu, index);
	bool good;

	if (!r && index != MSR_MTRR_CAP)
		return E_NOENT;
	if (!r || !has_mtrrs(cpu))
		return E_INVAL;
	if (index == MSR_MTRR_DEF_TYPE)
		good = is_default(value);
	else if (fixed(index) >= 0)
		good = are_types(value);
	else
		good = is_variable(index - MSR_MTRR_VAR, value);
	if (!good)
		return E_INVAL;
	*r = value;
	return 0;
}

void mtrr_as_firmware(struct cpu *cpu, u32 pci)
{
	struct cpu_msrs *m = &cpu->msr;

	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_fixed); i++)
		m->mtrr_fixed[i] = ALL_WB;
	m->mtrr_fixed[FIX_16K + 1] = 0;
	m->mtrr_var[0] = pci;
	m->mtrr_var[1] = ((0 - (u64)(0u - pci)) & PHYSICAL) | VALID;
	m->mtrr_def_type = ENABLE | FIX_ON | TYPE_WB;
}
