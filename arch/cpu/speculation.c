/* SPDX-License-Identifier: MIT */
/*
 * Barriers against speculation. speculation.h says when; see docs/isolation.md for what rests.
 */
#include "arch/cpu/speculation.h"

#include "arch/cpu/gdt.h"
#include "arch/cpu/processor.h"
#include "arch/cpu/try.h"
#include "kernel/base/log.h"

#define MSR_PRED_CMD	      0x49u
#define PRED_CMD_IBPB	      1u
#define MSR_ARCH_CAPABILITIES 0x10au
#define ARCH_MDS_NO	      BIT64(5)
#define ARCH_RFDS_CLEAR	      BIT64(28)

u8 speculation_verw;
const u16 speculation_selector = SEL_DATA64;
static bool ibpb;

/* MD_CLEAR says that VERW clears; the processor's capabilities, that it need not. */
static bool verw_needed(void)
{
	u64 caps = 0;

	if (cpu_features.arch_capabilities)
		rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps);
	return (cpu_features.verw && !(caps & ARCH_MDS_NO)) || (caps & ARCH_RFDS_CLEAR);
}

void speculation_init(bool force)
{
	bool verw = verw_needed();

	speculation_verw = verw || force;
	ibpb = cpu_features.ibpb || force;
	log_info("speculation: retpolines, %s, %s%s",
		 cpu_features.ibpb ? "IBPB between guests" : "no IBPB on this processor",
		 verw		     ? "VERW before guest code"
		 : cpu_features.verw ? "no need of VERW"
				     : "no VERW on this processor",
		 force ? "; both done anyway" : "");
}

void speculation_new_guest(void)
{
	if (ibpb)
		wrmsr_safe(MSR_PRED_CMD, PRED_CMD_IBPB);
}
