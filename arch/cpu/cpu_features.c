/* SPDX-License-Identifier: MIT */
/*
 * What the boot CPU can do, and the control state that the monitor runs in.
 *
 *     CR0   PG WP NE ET MP PE                        EM TS AM CD NW are clear: caching is on
 *     CR4   PAE MCE PGE OSFXSR OSXMMEXCPT, and       never SMAP, CET, FSGSBASE, FRED
 *           OSXSAVE SMEP UMIP where they exist       (docs/isolation.md)
 *     EFER  LME, and NXE where it exists             SCE stays 0: SYSCALL is #UD everywhere
 *     XCR0  x87, SSE and AVX                         what the image in struct cpu_fpu has room for
 */
#include "arch/cpu/processor.h"

#include "arch/cpu/try.h"
#include "arch/cpu/xcr0.h"
#include "kernel/base/string.h"

struct cpu_features cpu_features;

#define XCR0_WANTED 7u /* x87, SSE, AVX */

#define MSR_PLATFORM_INFO   0xceu
#define MSR_MISC_FEATURES   0x140u
#define MSR_HWCR	    0xc0010015u
#define CPUID_FAULTING	    BIT64(31) /* of MSR_PLATFORM_INFO */
#define HWCR_CPUID_USER_DIS BIT64(35)

static void detect_extended(struct cpu_features *f)
{
	u32 r[4], max;

	cpu_id(0x80000000, 0, r);
	max = r[0];
	cpu_id(0x80000001, 0, r);
	f->nx = r[3] & BIT(20);
	f->huge1g = r[3] & BIT(26);
	f->phys_bits = 36;
	if (max >= 0x80000007) {
		cpu_id(0x80000007, 0, r);
		f->tsc_invariant = r[3] & BIT(8);
	}
	if (max >= 0x80000008) {
		cpu_id(0x80000008, 0, r);
		f->phys_bits = r[0] & 0xff;
		f->ibpb = r[1] & BIT(12);
	}
	str_copy(f->brand, "unknown processor", sizeof(f->brand));
	if (max >= 0x80000004) {
		u32 text[13] = { 0 };

		for (u32 i = 0; i < 3; i++)
			cpu_id(0x80000002 + i, 0, text + 4 * i);

		const char *s = (const char *)text;

		while (*s == ' ')
			s++;
		str_copy(f->brand, s, sizeof(f->brand));
	}
}

static void detect(struct cpu_features *f)
{
	u32 r[4], max;

	cpu_id(0, 0, r);
	max = r[0];
	f->vendor_amd = (r[1] == 0x68747541 && r[3] == 0x69746e65) || /* AuthenticAMD */
			(r[1] == 0x6f677948 && r[3] == 0x6e65476e);   /* HygonGenuine */
	cpu_id(1, 0, r);
	f->fxsr = r[3] & BIT(24);
	f->sse2 = r[3] & BIT(26);
	f->pge = r[3] & BIT(13);
	f->pcid = r[2] & BIT(17);
	f->xsave = r[2] & BIT(26);
	if (max >= 7) {
		cpu_id(7, 0, r);
		f->smep = r[1] & BIT(7);
		f->smap = r[1] & BIT(20);
		f->umip = r[2] & BIT(2);
		f->verw = r[3] & BIT(10);
		f->ibpb = r[3] & BIT(26);
		f->arch_capabilities = r[3] & BIT(29);
	}
	detect_extended(f);
}

/* CPUID then faults outside ring 0, so that guests see the CPUID that we choose. Intel:
 * virtualization white paper 323850. */
static bool enable_cpuid_faulting(const struct cpu_features *f)
{
	u64 v;
	u32 r[4];

	if (!f->vendor_amd) {
		if (rdmsr_safe(MSR_PLATFORM_INFO, &v) || !(v & CPUID_FAULTING))
			return false;
		return !rdmsr_safe(MSR_MISC_FEATURES, &v) && !wrmsr_safe(MSR_MISC_FEATURES, v | 1);
	}
	cpu_id(0x80000000, 0, r);
	if (r[0] < 0x80000021)
		return false;
	cpu_id(0x80000021, 0, r);
	if (!(r[0] & BIT(17)))
		return false;
	return !rdmsr_safe(MSR_HWCR, &v) && !wrmsr_safe(MSR_HWCR, v | HWCR_CPUID_USER_DIS);
}

static void enable_xsave(struct cpu_features *f)
{
	u32 r[4];

	cpu_id(0xd, 0, r);
	f->xcr0_supported = ((u64)r[3] << 32 | r[0]) & XCR0_WANTED;
	xcr0_load(f->xcr0_supported);
	cpu_id(0xd, 0, r);
	f->xsave_size = r[1];
}

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	u64 cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	detect(f);
	write_cr0((read_cr0() & CR0_PG) | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	if (f->pge)
		cr4 |= CR4_PGE;
	if (f->umip)
		cr4 |= CR4_UMIP;
	if (f->smep)
		cr4 |= CR4_SMEP;
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	wrmsr(MSR_EFER, EFER_LME | (f->nx ? EFER_NXE : 0));
	wrmsr_safe(MSR_SYSENTER_CS, 0); /* SYSENTER is #GP */
	/* PA4 becomes write-combining; the six types that PWT and PCD choose stay as after reset.
	 */
	wrmsr_safe(MSR_PAT, 0x0007040100070406ull);
	if (f->xsave)
		enable_xsave(f);
	else
		f->xsave_size = 512;
	f->cpuid_faulting = enable_cpuid_faulting(f);
}
