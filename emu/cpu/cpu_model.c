/* SPDX-License-Identifier: MIT */
/*
 * The table of models. Sources: Intel's "Processor Identification and the CPUID Instruction"
 * (AP-485) and the specification updates of the Pentium with MMX (P55C), Pentium II (Deschutes) and
 * III (Katmai); SDM 4, tables of the P6 family and of the Pentium; AMD's BIOS and Kernel
 * Developer's Guide 26094 for the Athlon 64 of revision C0 (ClawHammer).
 */
#include "emu/cpu/cpu_model.h"

#include "kernel/base/string.h"
#include "kernel/hw/x86.h"

/* FPU VME DE PSE TSC MSR CX8 MMX; MCE (7) is left out. */
#define EDX_PENTIUM (BIT(0) | CPUID_VME | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(8) | CPUID_MMX)
/* PAE SEP MTRR PGE CMOV PAT FXSR; MCA (14) and PSE-36 (17) are left out. */
#define EDX_PENTIUM2 \
	(EDX_PENTIUM | BIT(6) | CPUID_SEP | BIT(12) | BIT(13) | CPUID_CMOV | BIT(16) | CPUID_FXSR)
#define EDX_PENTIUM3 (EDX_PENTIUM2 | CPUID_SSE)
#define EDX_ATHLON64 (EDX_PENTIUM3 | CPUID_CLFSH | CPUID_SSE2)
/* What AMD tells in both words; SYSCALL is not SYSENTER. NX, and AMD's extension of MMX. */
#define EXTENDED_ATHLON64 \
	((EDX_ATHLON64 & ~(CPUID_SEP | CPUID_CLFSH | CPUID_SSE | CPUID_SSE2)) | BIT(20) | BIT(22))

#define CR4_PENTIUM  (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PCE)
#define CR4_PENTIUM2 (CR4_PENTIUM | CR4_PAE | CR4_PGE | CR4_OSFXSR)
#define CR4_PENTIUM3 (CR4_PENTIUM2 | CR4_OSXMMEXCPT)

/* Machine check address and type, TR12, TSC, counters. */
static const struct msr_range msr_pentium[] = { { 0, 1 }, { 0xe, 0xe }, { 0x10, 0x13 }, { 0, 0 } };

/* TSC, platform, APIC, power-on, microcode, counters, MTRRs, caches, SYSENTER, event selectors,
 * debug, PAT. */
static const struct msr_range msr_p6[] = { { 0x10, 0x10 },   { 0x17, 0x17 },   { 0x1b, 0x1b },
					   { 0x2a, 0x2a },   { 0x79, 0x79 },   { 0x8b, 0x8b },
					   { 0xc1, 0xc2 },   { 0xfe, 0xfe },   { 0x119, 0x119 },
					   { 0x11e, 0x11e }, { 0x174, 0x176 }, { 0x186, 0x187 },
					   { 0x1d9, 0x1d9 }, { 0x1db, 0x1de }, { 0x200, 0x20f },
					   { 0x250, 0x250 }, { 0x258, 0x259 }, { 0x268, 0x26f },
					   { 0x277, 0x277 }, { 0x2ff, 0x2ff }, { 0, 0 } };

static const struct msr_range msr_k8[] = { { 0x10, 0x10 },
					   { 0x1b, 0x1b },
					   { 0x8b, 0x8b },
					   { 0xfe, 0xfe },
					   { 0x174, 0x176 },
					   { 0x1d9, 0x1d9 },
					   { 0x1db, 0x1de },
					   { 0x200, 0x20f },
					   { 0x250, 0x250 },
					   { 0x258, 0x259 },
					   { 0x268, 0x26f },
					   { 0x277, 0x277 },
					   { 0x2ff, 0x2ff },
					   { MSR_EFER, MSR_EFER },
					   { 0xc0010000, 0xc0010007 },
					   { 0xc0010010, 0xc0010010 },
					   { 0xc0010015, 0xc001001a },
					   { 0xc001001d, 0xc0010020 },
					   { 0xc0010055, 0xc0010055 },
					   { 0xc0010111, 0xc0010117 },
					   { 0xc0011004, 0xc0011005 },
					   { 0xc0011020, 0xc0011023 },
					   { 0, 0 } };

static const struct cpu_model models[] = {
	[MODEL_PENTIUM] = { .name = "pentium",
			    .vendor = "GenuineIntel",
			    .signature = 0x543,
			    .leaves = 1,
			    .edx = EDX_PENTIUM,
			    .cr4 = CR4_PENTIUM,
			    .msr = msr_pentium },
	/* Descriptors: TLBs, 16 + 16 KiB and a second level of 512 KiB. */
	[MODEL_PENTIUM2] = { .name = "pentium2",
			     .vendor = "GenuineIntel",
			     .signature = 0x652,
			     .leaves = 2,
			     .edx = EDX_PENTIUM2,
			     .cache = { 0x03020101, 0, 0, 0x0c040843 },
			     .cr4 = CR4_PENTIUM2,
			     .msr = msr_p6 },
	/* Its serial number is switched off, so that leaf 3 is not there. */
	[MODEL_PENTIUM3] = { .name = "pentium3",
			     .vendor = "GenuineIntel",
			     .signature = 0x673,
			     .leaves = 2,
			     .edx = EDX_PENTIUM3,
			     .cache = { 0x03020101, 0, 0, 0x0c040843 },
			     .cr4 = CR4_PENTIUM3,
			     .msr = msr_p6 },
	/* 64 + 64 KiB two-way, 1 MiB sixteen-way, lines of 64 bytes. */
	[MODEL_ATHLON64] = { .name = "athlon64",
			     .vendor = "AuthenticAMD",
			     .brand = "AMD Athlon(tm) 64 Processor 3200+",
			     .signature = 0xf48,
			     .leaves = 1,
			     .extended = 0x80000008,
			     .leaf_1_ebx = 8 << 8, /* CLFLUSH: quadwords */
			     .edx = EDX_ATHLON64,
			     .extended_edx = EXTENDED_ATHLON64,
			     .l1 = { 0xff08ff08, 0xff20ff20, 0x40020140, 0x40020140 },
			     .l2 = { 0, 0x42004200, 0x04008140, 0 },
			     .cr4 = CR4_PENTIUM3,
			     .msr = msr_k8 },
};

const struct cpu_model *cpu_model_of(enum cpu_model_name name)
{
	return name == MODEL_HOST ? NULL : &models[name];
}

const char *cpu_model_word(u32 name)
{
	return name == MODEL_HOST ? "host" : name < MODELS ? models[name].name : "unknown";
}

bool cpu_model_find(const char *word, enum cpu_model_name *out)
{
	for (u32 n = 0; n < MODELS; n++) {
		if (strcmp(word, cpu_model_word(n)))
			continue;
		*out = (enum cpu_model_name)n;
		return true;
	}
	return false;
}

static void copy_words(u32 out[4], const void *from)
{
	memcpy(out, from, 4 * sizeof(*out));
}

static void vendor(const struct cpu_model *m, u32 out[4])
{
	memcpy(&out[1], m->vendor, 4);
	memcpy(&out[3], m->vendor + 4, 4);
	memcpy(&out[2], m->vendor + 8, 4);
}

static void extended(const struct cpu_model *m, u32 leaf, bool apic, u32 out[4])
{
	switch (leaf) {
	case 0x80000000:
		out[0] = m->extended;
		vendor(m, out);
		break;
	case 0x80000001:
		out[0] = m->signature;
		out[3] = m->extended_edx | (apic ? CPUID_APIC : 0);
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		copy_words(out, m->brand + (leaf - 0x80000002) * 16);
		break;
	case 0x80000005:
		copy_words(out, m->l1);
		break;
	case 0x80000006:
		copy_words(out, m->l2);
		break;
	case 0x80000008:
		out[0] = 32 << 8 | PAE_PHYS_BITS;
		break;
	}
}

void cpu_model_cpuid(const struct cpu_model *m, u32 leaf, bool apic, u32 out[4])
{
	bool amd = m->extended;

	out[0] = out[1] = out[2] = out[3] = 0;
	if (m->extended && leaf >= 0x80000000 && leaf <= m->extended) {
		extended(m, leaf, apic, out);
		return;
	}
	if (leaf > m->leaves) {
		if (amd)
			return;
		leaf = m->leaves; /* the last one answers for all behind it (AP-485) */
	}
	switch (leaf) {
	case 0:
		out[0] = m->leaves;
		vendor(m, out);
		break;
	case 1:
		out[0] = m->signature;
		out[1] = m->leaf_1_ebx;
		out[3] = m->edx | (apic ? CPUID_APIC : 0);
		break;
	case 2:
		copy_words(out, m->cache);
		break;
	}
}

bool cpu_model_has_msr(const struct cpu_model *m, u32 index)
{
	for (const struct msr_range *r = m->msr; r->last; r++)
		if (index >= r->first && index <= r->last)
			return true;
	return false;
}

/* Those that are executed by the real processor; others are the virtual CPU's own. */
const char *cpu_model_lacks(const struct cpu_model *m, u32 edx, u32 extended_edx)
{
	static const struct {
		u32 bit;
		const char *name;
	} native[] = { { BIT(0), "FPU" },      { BIT(4), "TSC" },	   { BIT(8), "CMPXCHG8B" },
		       { CPUID_CMOV, "CMOV" }, { CPUID_CLFSH, "CLFLUSH" }, { CPUID_MMX, "MMX" },
		       { CPUID_FXSR, "FXSR" }, { CPUID_SSE, "SSE" },	   { CPUID_SSE2, "SSE2" } };

	for (unsigned i = 0; i < ARRAY_SIZE(native); i++)
		if (m->edx & ~edx & native[i].bit)
			return native[i].name;
	return m->extended_edx & ~extended_edx & BIT(20) ? "NX" : NULL;
}
