/* SPDX-License-Identifier: MIT */
/*
 * The table of these registers, by vendor and kind, and the look-up in it.
 */
#include "emu/cpu/msr_table.h"

#include "emu/cpu/semantics.h"

#define VENDOR_AUTH 0x68747541u /* leaf 0 EBX: AuthenticAMD */
#define VENDOR_HYGO 0x6f677948u /* HygonGenuine, AMD's design */

enum msr_vendor { ANY, AMD, INTEL };
enum msr_kind {
	CONSTANT, /* reads as value; a write is #GP */
	IGNORED,  /* reads as value; a write has no effect */
	KEPT,	  /* reads as what was written, at first as value */
	FEATURES, /* reads as leaf `value` of CPUID, ECX:EDX; a write has no effect */
};

struct msr_fact {
	u32 first, last;
	u8 vendor, kind;
	u64 value;
};

/* Indices of what is kept, in cpu->msr.kept. */
static const u32 kept[] = { 0xc0010010, 0xc0010015 };
_Static_assert(ARRAY_SIZE(kept) == ARRAY_SIZE(((struct cpu_msrs *)0)->kept), "one place each");

/*
 * Intel: SDM 4, tables 2-2 and on. AMD: BIOS and Kernel Developer's Guide for families 0Fh (26094)
 * and 10h (31116).
 */
static const struct msr_fact facts[] = {
	{ 0x8b, 0x8b, ANY, IGNORED, 0 },	     /* microcode: no update is loaded */
	{ 0x1d9, 0x1d9, ANY, IGNORED, 0 },	     /* DEBUGCTL: no branch records or steps */
	{ 0x1db, 0x1de, ANY, CONSTANT, 0 },	     /* last branch and exception */
	{ 0x17, 0x17, INTEL, CONSTANT, 0 },	     /* platform ID */
	{ 0x2a, 0x2a, INTEL, IGNORED, 0 },	     /* EBL_CR_POWERON: bus ratio 0 */
	{ 0x2c, 0x2c, INTEL, IGNORED, 1 << 24 },     /* EBC_FREQUENCY_ID: 133 MHz bus, family 15 */
	{ 0x3a, 0x3a, INTEL, CONSTANT, 1 },	     /* feature control: locked, no VMX */
	{ 0x79, 0x79, INTEL, IGNORED, 0 },	     /* microcode update trigger */
	{ 0xcd, 0xcd, INTEL, CONSTANT, 3 },	     /* FSB_FREQ: 166 MHz bus */
	{ 0x119, 0x119, INTEL, IGNORED, 0 },	     /* BBL_CR_CTL: serial number */
	{ 0x11e, 0x11e, INTEL, IGNORED, 0 },	     /* BBL_CR_CTL3: second-level cache */
	{ 0x198, 0x199, INTEL, IGNORED, 0 },	     /* PERF_STATUS, PERF_CTL */
	{ 0xc0010000, 0xc0010007, AMD, IGNORED, 0 }, /* counters and their selectors */
	{ 0xc0010010, 0xc0010010, AMD, KEPT, 0 }, /* SYSCFG: no fixed-range extensions, TOM2 off */
	{ 0xc0010015, 0xc0010015, AMD, KEPT, BIT(24) }, /* HWCR: the TSC counts at P0's rate */
	{ 0xc0010016, 0xc001001a, AMD, IGNORED, 0 },	/* I/O ranges, TOP_MEM */
	{ 0xc001001d, 0xc001001f, AMD, IGNORED, 0 },	/* TOM2, manufacturer's ID, NB_CFG */
	{ 0xc0010020, 0xc0010020, AMD, IGNORED, 0 },	/* microcode update trigger */
	{ 0xc0010055, 0xc0010055, AMD, IGNORED, 0 },	/* interrupt pending message: no C1E */
	{ 0xc0010058, 0xc0010058, AMD, IGNORED, 0 },	/* configuration space in memory: off */
	{ 0xc0010111, 0xc0010113, AMD, IGNORED, 0 },	/* SMM base and memory */
	{ 0xc0010114, 0xc0010114, AMD, CONSTANT, BIT(3) | BIT(4) }, /* VM_CR: SVM off, locked */
	{ 0xc0010117, 0xc0010117, AMD, IGNORED, 0 },		    /* VM_HSAVE_PA */
	{ 0xc0010140, 0xc0010141, AMD, CONSTANT, 0 }, /* OS visible workarounds: none told */
	{ 0xc0011004, 0xc0011004, AMD, FEATURES, 1 },
	{ 0xc0011005, 0xc0011005, AMD, FEATURES, 0x80000001 },
	{ 0xc0011020, 0xc0011023, AMD, IGNORED, 0 }, /* LS_CFG, IC_CFG, DC_CFG, BU_CFG */
	{ 0xc0011028, 0xc001102d, AMD, IGNORED, 0 }, /* FP_CFG, DE_CFG, BU_CFG2, and so on */
};

static enum msr_vendor vendor(struct cpu *cpu)
{
	u32 id[4];

	cpu_env(cpu)->cpuid(cpu, 0, 0, id);
	return id[1] == VENDOR_AUTH || id[1] == VENDOR_HYGO ? AMD : INTEL;
}

static const struct msr_fact *find(struct cpu *cpu, u32 index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(facts); i++) {
		const struct msr_fact *f = &facts[i];

		if (index >= f->first && index <= f->last)
			return f->vendor == ANY || f->vendor == vendor(cpu) ? f : NULL;
	}
	return NULL;
}

/* What differs from the first value, so that all zeros are the state after RESET. */
static u64 *kept_change(struct cpu *cpu, u32 index)
{
	unsigned i = 0;

	while (kept[i] != index)
		i++;
	return &cpu->msr.kept[i];
}

static u64 features(struct cpu *cpu, u32 leaf)
{
	u32 id[4];

	cpu_env(cpu)->cpuid(cpu, leaf, 0, id);
	return (u64)id[2] << 32 | id[3];
}

bool msr_table_read(struct cpu *cpu, u32 index, u64 *value)
{
	const struct msr_fact *f = find(cpu, index);

	if (!f)
		return false;
	*value = f->value;
	if (f->kind == KEPT)
		*value ^= *kept_change(cpu, index);
	else if (f->kind == FEATURES)
		*value = features(cpu, (u32)f->value);
	return true;
}

bool msr_table_write(struct cpu *cpu, u32 index, u64 value)
{
	const struct msr_fact *f = find(cpu, index);

	if (!f || f->kind == CONSTANT)
		return false;
	if (f->kind == KEPT)
		*kept_change(cpu, index) = value ^ f->value;
	return true;
}
