/* SPDX-License-Identifier: MIT */
/*
 * The processor's formats: registers, page-table entries and the state image, the same for the
 * machine that the monitor runs on and for the guest's processor. SDM: Intel's Software Developer's
 * Manual.
 */
#pragma once

#include "kernel/base/types.h"

/* --- EFLAGS (SDM 1 3.4.3) */

#define EFLAGS_CF   BIT(0)
#define EFLAGS_ONE  BIT(1)
#define EFLAGS_PF   BIT(2)
#define EFLAGS_AF   BIT(4)
#define EFLAGS_ZF   BIT(6)
#define EFLAGS_SF   BIT(7)
#define EFLAGS_TF   BIT(8)
#define EFLAGS_IF   BIT(9)
#define EFLAGS_DF   BIT(10)
#define EFLAGS_OF   BIT(11)
#define EFLAGS_IOPL (3u << 12)
#define EFLAGS_NT   BIT(14)
#define EFLAGS_RF   BIT(16)
#define EFLAGS_VM   BIT(17)
#define EFLAGS_AC   BIT(18)
#define EFLAGS_VIF  BIT(19)
#define EFLAGS_VIP  BIT(20)
#define EFLAGS_ID   BIT(21)

/* --- Control and debug registers (SDM 3A 2.5, 3B 17.2), EFER (3A 2.2.1) */

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_VME	       BIT(0)
#define CR4_PVI	       BIT(1)
#define CR4_TSD	       BIT(2)
#define CR4_DE	       BIT(3)
#define CR4_PSE	       BIT(4)
#define CR4_PAE	       BIT(5)
#define CR4_MCE	       BIT(6)
#define CR4_PGE	       BIT(7)
#define CR4_PCE	       BIT(8)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

#define DR6_BD	    BIT(13) /* a debug register was accessed with DR7.GD set */
#define DR6_BS	    BIT(14) /* single step */
#define DR6_BT	    BIT(15) /* task switch to a TSS with its T bit set */
#define DR6_NONE    0xffff0ff0u
#define DR7_NONE    0x400u /* what is always set */
#define DR7_ENABLES 0xffu  /* L0 G0 .. L3 G3 */
#define DR7_LOCAL   0x155u /* L0..L3 and LE: cleared by a task switch */
#define DR7_GD	    BIT(13)

/* --- Exceptions (SDM 3A 6.3) */

/* Error codes of #PF (SDM 3A figure 4-12). */
#define PF_P	BIT(0) /* 0: no page is there */
#define PF_W	BIT(1)
#define PF_U	BIT(2)
#define PF_RSVD BIT(3)
#define PF_I	BIT(4)

enum cpu_vector {
	VEC_DE,
	VEC_DB,
	VEC_NMI,
	VEC_BP,
	VEC_OF,
	VEC_BR,
	VEC_UD,
	VEC_NM,
	VEC_DF,
	VEC_TS = 10,
	VEC_NP,
	VEC_SS,
	VEC_GP,
	VEC_PF,
	VEC_MF = 16,
	VEC_AC,
	VEC_MC,
	VEC_XM,
};

/* --- Model-specific registers (SDM 4) */

#define MSR_TSC		  0x10u
#define MSR_APIC_BASE	  0x1bu
#define MSR_MTRR_CAP	  0xfeu
#define MSR_TSC_DEADLINE  0x6e0u
#define MSR_SYSENTER_CS	  0x174u
#define MSR_SYSENTER_ESP  0x175u
#define MSR_SYSENTER_EIP  0x176u
#define MSR_MISC_ENABLE	  0x1a0u
#define MSR_MTRR_VAR	  0x200u /* base, mask, base .. */
#define MSR_MTRR_FIX64K	  0x250u
#define MSR_MTRR_FIX16K	  0x258u
#define MSR_MTRR_FIX4K	  0x268u
#define MSR_PAT		  0x277u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_EFER	  0xc0000080u

/* --- Segment and gate descriptors: bits of the upper word (SDM 3A 3.4.5, 3.5) */

#define DESC_ACCESSED	BIT(8)
#define DESC_CONFORMING BIT(10) /* of code; expand-down of data */
#define DESC_CODE	BIT(11)
#define DESC_S		BIT(12) /* code or data, no system descriptor */
#define DESC_P		BIT(15)
#define DESC_L		BIT(21) /* 64-bit code */
#define DESC_DB		BIT(22)
#define DESC_TYPE(hi)	((hi) >> 8 & 15u)
#define DESC_DPL(hi)	((hi) >> 13 & 3u)
/* The same in a descriptor that is held as one number. */
#define DESC64(hi) ((u64)(hi) << 32)

/*
 * --- Page-table entries (SDM 3A 4.3 to 4.5)
 *
 *  63  62..52  51..12          11..9  8 7      6 5 4   3   2 1 0
 *  NX  avl     page frame      avl    G PS/PAT D A PCD PWT U W P     PAT is bit 12 of a large page
 *
 * The 32-bit format is the lower half, without NX.
 */
#define PTE_P	      BIT64(0)
#define PTE_W	      BIT64(1)
#define PTE_U	      BIT64(2)
#define PTE_PWT	      BIT64(3)
#define PTE_PCD	      BIT64(4)
#define PTE_A	      BIT64(5)
#define PTE_D	      BIT64(6)
#define PTE_PS	      BIT64(7)
#define PTE_PAT_SMALL BIT64(7)
#define PTE_G	      BIT64(8)
#define PTE_PAT_LARGE BIT64(12)
#define PTE_NX	      BIT64(63)
#define PTE_FRAME     0x000ffffffffff000ull

/* PAE on 32-bit processors: 36 bits of physical address, those above are reserved. */
#define PAE_PHYS_BITS 36u
#define PAE_FRAME     (BIT64(PAE_PHYS_BITS) - 4096)
#define PAE_RESERVED  (~(BIT64(PAE_PHYS_BITS) - 1) & ~PTE_NX)

/*
 * --- The state image (SDM 1 13.4)
 *
 * FXSAVE's bytes, XMM0 to XMM7 among them; the header of XSAVE; the upper halves of YMM0 to YMM7.
 */
#define XSTATE_XMM     160u
#define XSTATE_HEADER  512u
#define XSTATE_AVX     576u
#define XSTATE_END     832u
#define XSTATE_REGS    128u
#define XSTATE_HAS_X87 BIT(0)
#define XSTATE_HAS_SSE BIT(1)
#define XSTATE_HAS_AVX BIT(2) /* in the header: else the upper halves are zeros, and not there */
