/* SPDX-License-Identifier: MIT */
/*
 * Processors of another time, which a guest is told to have (`cpu = pentium` and so on): CPUID,
 * model-specific registers, bits of CR4, instructions. What a model has, this virtual CPU has; what
 * a model had and this virtual CPU has not (machine check, PSE-36, 3DNow!, long mode) is left out.
 * docs/cpuid.md lists that.
 */
#pragma once

#include "kernel/base/types.h"

struct msr_range {
	u32 first, last;
};

struct cpu_model {
	const char *name;
	char vendor[13], brand[49]; /* brand: empty without extended leaves */
	u32 signature;		    /* leaf 1 EAX */
	u32 leaves, extended;	    /* the last of each; extended 0: none */
	u32 leaf_1_ebx, edx, extended_edx;
	u32 cache[4];		     /* leaf 2 */
	u32 l1[4], l2[4];	     /* leaves 80000005 and 80000006 */
	u32 cr4;		     /* bits that are not reserved */
	const struct msr_range *msr; /* which exist; ends with last == 0 */
};

enum cpu_model_name {
	MODEL_HOST,
	MODEL_PENTIUM,
	MODEL_PENTIUM2,
	MODEL_PENTIUM3,
	MODEL_ATHLON64,
	MODELS
};

/* NULL for MODEL_HOST. */
const struct cpu_model *cpu_model_of(enum cpu_model_name name);

/* As `cpu =` has it, of any number. */
const char *cpu_model_word(u32 name);
/* False: there is no model of that name. */
bool cpu_model_find(const char *word, enum cpu_model_name *out);

/* CPUID of a model; apic: it has a local APIC, and that is switched on. out: EAX EBX ECX EDX. */
void cpu_model_cpuid(const struct cpu_model *m, u32 leaf, bool apic, u32 out[4]);

/* May software know of this register? */
bool cpu_model_has_msr(const struct cpu_model *m, u32 index);

/* The first feature that the model needs and a processor with these words (leaves 1 and 80000001,
 * EDX) does not have; NULL: none. */
const char *cpu_model_lacks(const struct cpu_model *m, u32 edx, u32 extended_edx);

/* Leaf 1 EDX */
#define CPUID_VME   BIT(1)
#define CPUID_APIC  BIT(9)
#define CPUID_SEP   BIT(11)
#define CPUID_CMOV  BIT(15)
#define CPUID_CLFSH BIT(19)
#define CPUID_MMX   BIT(23)
#define CPUID_FXSR  BIT(24)
#define CPUID_SSE   BIT(25)
#define CPUID_SSE2  BIT(26)
/* Leaf 1 ECX */
#define CPUID_AVX BIT(28)
