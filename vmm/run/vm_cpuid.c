/* SPDX-License-Identifier: MIT */
/*
 * CPUID policy: native, less the features below. Each is a kernel's matter (privileged state that
 * the virtual CPU does not have, or a device that the board does not offer) or depends on state
 * that stays off.
 */
#include "vmm/run/vm_cpuid.h"

#include "arch/cpu/processor.h"
#include "emu/cpu/cpu_model.h"

/* Leaf 1 EDX */
#define HIDE_1_EDX                                                                            \
	(BIT(7) /* MCE */ | BIT(9) /* APIC: the board's, by APIC_BIT */ | BIT(14) /* MCA */ | \
	 BIT(17) /* PSE-36 */ | BIT(18) /* PSN */ | BIT(21) /* DS */ |                        \
	 BIT(22) /* ACPI thermal */ | BIT(28) /* HTT */ | BIT(29) /* TM */ | BIT(31) /* PBE */)
/* Leaf 1 ECX */
#define HIDE_1_ECX                                                                             \
	(BIT(2) /* DTES64 */ | BIT(3) /* MONITOR */ | BIT(4) /* DS-CPL */ | BIT(5) /* VMX */ | \
	 BIT(6) /* SMX */ | BIT(7) /* EIST */ | BIT(8) /* TM2 */ | BIT(10) /* CNXT-ID */ |     \
	 BIT(11) /* SDBG */ | BIT(14) /* xTPR */ | BIT(15) /* PDCM */ | BIT(17) /* PCID */ |   \
	 BIT(18) /* DCA */ | BIT(21) /* x2APIC */ | BIT(24) /* TSC deadline */ |               \
	 BIT(31) /* a hypervisor */)
/* Leaf 7.0 EBX */
#define HIDE_7_EBX                                                                                 \
	(BIT(0) /* FSGSBASE */ | BIT(1) /* TSC_ADJUST */ | BIT(2) /* SGX */ | BIT(4) /* HLE */ |   \
	 BIT(7) /* SMEP */ | BIT(10) /* INVPCID */ | BIT(11) /* RTM */ | BIT(12) /* PQM */ |       \
	 BIT(14) /* MPX */ | BIT(15) /* PQE */ | BIT(16) /* AVX512F */ | BIT(17) |                 \
	 BIT(20) /* SMAP */ | BIT(21) | BIT(25) /* PT */ | BIT(26) | BIT(27) | BIT(28) | BIT(30) | \
	 BIT(31))
/* Leaf 7.0 ECX: vector AES and carry-less multiply (bits 9, 10) and GFNI (8) stay, they need AVX
 * only. */
#define KEEP_7_ECX (BIT(8) | BIT(9) | BIT(10))
/* Leaf 7.0 EDX: fast short REP MOV, MD_CLEAR */
#define KEEP_7_EDX (BIT(4) | BIT(10))
/* Leaf 80000001 */
#define HIDE_81_EDX                                                                               \
	(BIT(7) /* MCE */ | BIT(9) /* APIC */ | BIT(11) /* SYSCALL: EFER.SCE stays 0 */ |         \
	 BIT(14) /* MCA */ | BIT(17) /* PSE-36 */ | BIT(19) /* MP */ | BIT(25) /* EFER.FFXSR */ | \
	 BIT(26) /* 1 GiB pages */ | BIT(27) /* RDTSCP */ | BIT(29) /* LM */ | BIT(30) |          \
	 BIT(31) /* 3DNow! and its extension: #UD when translated */)
#define KEEP_81_ECX                                                           \
	(BIT(0) /* LAHF */ | BIT(5) /* ABM */ | BIT(6) /* SSE4A */ | BIT(7) | \
	 BIT(8) /* PREFETCHW */)

/* Leaves of a hypervisor. The one below us, if any, is not the guest's: its MSRs are #GP here. */
#define HYPERVISOR_FIRST 0x40000000u
#define HYPERVISOR_LAST	 0x4fffffffu

/* Code of V86 mode is never raw: its extensions are the virtual CPU's own. */
#define VME_BIT	     BIT(1)  /* of leaf 1 EDX */
#define APIC_BIT     BIT(9)  /* of leaves 1 and 80000001, EDX */
#define DEADLINE_BIT BIT(24) /* of leaf 1 ECX: the timer by TSC deadline */

#define XCR0_OFFERED 7u /* x87, SSE, AVX */

static void leaf_1(struct cpu *cpu, bool apic, u32 out[4])
{
	out[1] = (out[1] & 0xffff) | 1u << 16; /* one logical processor, APIC ID 0 */
	out[2] &= ~HIDE_1_ECX & ~(u32)BIT(27);
	if (cpu->cr4 & CR4_OSXSAVE)
		out[2] |= BIT(27);
	out[3] = (out[3] & ~HIDE_1_EDX) | VME_BIT;
	if (apic) {
		out[2] |= DEADLINE_BIT;
		out[3] |= APIC_BIT;
	}
}

/* Extended state: only what the FPU image of a virtual CPU holds. */
static void leaf_xsave(struct cpu *cpu, u32 subleaf, u32 out[4])
{
	if (subleaf == 0) {
		out[0] &= XCR0_OFFERED;
		out[1] = cpu->xcr0 & 4 ? XSTATE_END : XSTATE_AVX;
		out[2] = out[0] & 4 ? XSTATE_END : XSTATE_AVX;
		out[3] = 0;
	} else if (subleaf == 1) {
		out[0] &= BIT(0); /* XSAVEOPT */
		out[1] = out[2] = out[3] = 0;
	} else if (subleaf != 2) {
		out[0] = out[1] = out[2] = out[3] = 0;
	}
}

static bool in_range(u32 leaf, u32 base)
{
	u32 top[4];

	cpu_id(base, 0, top);
	return leaf <= top[0];
}

void vm_cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, bool apic, u32 out[4])
{
	if (cpu->model) {
		cpu_model_cpuid(cpu->model, leaf, apic, out);
		return;
	}
	if (leaf >= HYPERVISOR_FIRST && leaf <= HYPERVISOR_LAST) {
		out[0] = out[1] = out[2] = out[3] = 0;
		return;
	}
	/* Beyond the last leaf real processors answer with the last basic one; the same as native,
	 * whatever that is. */
	cpu_id(leaf, subleaf, out);
	if (leaf >= 0x80000000 ? !in_range(leaf, 0x80000000) : !in_range(leaf, 0))
		return;
	switch (leaf) {
	case 1:
		leaf_1(cpu, apic, out);
		return;
	case 5:	  /* MONITOR */
	case 6:	  /* thermal and power */
	case 0xa: /* performance counters */
		out[0] = out[1] = out[2] = out[3] = 0;
		return;
	case 7:
		if (subleaf) {
			out[0] = out[1] = out[2] = out[3] = 0;
			return;
		}
		out[1] &= ~HIDE_7_EBX;
		out[2] &= KEEP_7_ECX;
		out[3] &= KEEP_7_EDX;
		out[0] = 0;
		return;
	case 0xb: /* topology: one processor */
		out[0] = 0;
		out[1] = subleaf < 2 ? 1 : 0;
		out[2] = (out[2] & 0xff00) | (subleaf & 0xff);
		out[3] = 0;
		return;
	case 0xd:
		leaf_xsave(cpu, subleaf, out);
		return;
	case 0x80000001:
		out[2] &= KEEP_81_ECX;
		if (apic && out[3] & APIC_BIT)
			out[3] = (out[3] & ~HIDE_81_EDX) | APIC_BIT;
		else
			out[3] &= ~HIDE_81_EDX;
		if (!cpu_features.nx)
			out[3] &= ~(u32)BIT(20);
		return;
	case 0x80000007: /* invariant TSC stays: RDTSC is native */
		out[0] = out[1] = out[2] = 0;
		out[3] &= BIT(8);
		return;
	case 0x80000008:
		out[0] = PAE_PHYS_BITS | (out[0] & 0xff00);
		out[1] = out[2] = out[3] = 0;
		return;
	case 0x8000000a: /* SVM */
		out[0] = out[1] = out[2] = out[3] = 0;
		return;
	}
}
