/* SPDX-License-Identifier: MIT */
/*
 * Field list of the virtual CPU, and what a loaded one must keep to. Nothing that only makes the
 * engines faster is here: shadow tables, translations, TLBs and the notes of loads that are known
 * to succeed are made anew.
 */
#include "emu/cpu/cpu_state.h"

#include "emu/cpu/mtrr.h"
#include "emu/cpu/semantics.h"
#include "emu/snap/snap.h"

#define CPU_VERSION 2 /* 2: MTRRs */

#define EFLAGS_KEPT 0x003f7fd7u /* all that there are */
#define MXCSR_KEPT  0x0000ffffu /* SDM 1 10.2.3; DAZ is on every 64-bit processor */
#define MXCSR_MM    BIT(17)	/* operands of SSE need not be aligned (APM 1 4.2.2) */
#define MISALIGN    BIT(7)	/* CPUID 80000001h ECX: there is MXCSR_MM */
#define ATTR_KEPT   0xf1ffu	/* the drawing in cpu.h */
#define FPU_CONTROL 24u		/* FCW to FDS */
#define MXCSR_AT    24u
#define ST_AT	    32u
#define ST_BYTES    128u

/* --- Fields */

static void segment(struct cpu_segment *seg, struct snap *s)
{
	snap_u16(s, seg->sel);
	snap_u16(s, seg->attr);
	snap_u32(s, seg->base);
	snap_u32(s, seg->limit);
}

static void table(struct cpu_table *t, struct snap *s)
{
	snap_u32(s, t->base);
	snap_u16(s, t->limit);
}

static void integer_state(struct cpu *cpu, struct snap *s)
{
	u32 eflags = cpu_eflags(cpu);
	u32 events = cpu->events & (CPU_EVENT_NMI | CPU_EVENT_INTR);

	for (unsigned i = 0; i < ARRAY_SIZE(cpu->gpr); i++)
		snap_u32(s, cpu->gpr[i]);
	snap_u32(s, cpu->eip);
	snap_u32(s, eflags);
	snap_range(s, cpu->shadow, 0, CPU_SHADOW_MOV_SS);
	snap_range(s, events, 0, CPU_EVENT_NMI | CPU_EVENT_INTR);
	snap_bool(s, cpu->nmi_blocked);
	snap_bool(s, cpu->halted);
	if (!s->loading)
		return;
	if ((eflags & ~EFLAGS_KEPT) || !(eflags & EFLAGS_ONE))
		snap_fail(s, "field eflags has %x in its fixed bits", eflags);
	cpu_set_eflags(cpu, eflags);
	cpu->events = events;
}

void cpu_segments_state(struct cpu *cpu, struct snap *s)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		segment(&cpu->seg[i], s);
	segment(&cpu->tr, s);
	segment(&cpu->ldtr, s);
	table(&cpu->gdtr, s);
	table(&cpu->idtr, s);
}

static void system_state(struct cpu *cpu, struct snap *s)
{
	cpu_segments_state(cpu, s);
	snap_range(s, cpu->cpl, 0, 3);
	snap_u32(s, cpu->cr0);
	snap_u32(s, cpu->cr2);
	snap_u32(s, cpu->cr3);
	snap_u32(s, cpu->cr4);
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->pdpte); i++)
		snap_u64(s, cpu->pdpte[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->dr); i++)
		if (i != 4 && i != 5)
			snap_u32(s, cpu->dr[i]);
	snap_u32(s, cpu->debug_hits);
	snap_u64(s, cpu->xcr0);
}

static void msr_state(struct cpu_msrs *m, struct snap *s)
{
	snap_u64(s, m->sysenter_cs);
	snap_u64(s, m->sysenter_esp);
	snap_u64(s, m->sysenter_eip);
	snap_u64(s, m->efer);
	snap_u64(s, m->pat);
	snap_u64(s, m->misc_enable);
	snap_u64(s, m->mtrr_def_type);
	snap_u64(s, m->apic_base);
	for (unsigned i = 0; i < ARRAY_SIZE(m->kept); i++)
		snap_u64(s, m->kept[i]);
	if (s->version < 2)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_fixed); i++)
		snap_u64(s, m->mtrr_fixed[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_var); i++)
		snap_u64(s, m->mtrr_var[i]);
}

/* Which parts of the image this processor knows: x87, SSE, AVX. */
static u64 xstate_known(struct cpu *cpu)
{
	u32 id[4], leaf[4];

	cpu_env(cpu)->cpuid(cpu, 1, 0, id);
	cpu_env(cpu)->cpuid(cpu, 0xd, 0, leaf);
	return id[2] & BIT(26) ? leaf[0] & 7 : 3;
}

static u32 mxcsr_known(struct cpu *cpu)
{
	u32 id[4];

	cpu_env(cpu)->cpuid(cpu, 0x80000001, 0, id);
	return MXCSR_KEPT | (id[2] & MISALIGN ? MXCSR_MM : 0);
}

/*
 * The parts of XSAVE's standard format that 32-bit code has, one by one. What else the image holds
 * (MXCSR's mask, XMM8 to XMM15, the header's reserved bytes) is the host's or nobody's: zeros.
 */
static void fpu_state(struct cpu *cpu, struct snap *s)
{
	u8 *image = cpu->fpu.image;
	u64 parts = image[XSTATE_HEADER];
	u32 mxcsr;

	memcpy(&mxcsr, image + MXCSR_AT, sizeof(mxcsr));
	if (s->loading)
		memset(image, 0, sizeof(cpu->fpu.image));
	snap_bytes(s, image, FPU_CONTROL);
	snap_u32(s, mxcsr);
	snap_bytes(s, image + ST_AT, ST_BYTES);
	snap_bytes(s, image + XSTATE_XMM, XSTATE_REGS);
	snap_u64(s, parts);
	snap_bytes(s, image + XSTATE_AVX, XSTATE_REGS);
	if (!s->loading)
		return;
	if (mxcsr & ~mxcsr_known(cpu))
		snap_fail(s, "field mxcsr is %x: this processor does not take it", mxcsr);
	if (parts & ~xstate_known(cpu))
		snap_fail(s, "field parts is %llx: the FPU has not all of them",
			  (unsigned long long)parts);
	memcpy(image + MXCSR_AT, &mxcsr, sizeof(mxcsr));
	image[XSTATE_HEADER] = (u8)parts;
}

/* --- Checks of a loaded state */

static const char *const segment_name[SEG_COUNT] = { "ES", "CS", "SS", "DS", "FS", "GS" };

static bool usable(const struct cpu_segment *seg)
{
	return !(seg->attr & SEG_ATTR_UNUSABLE);
}

static void check_segment(const struct cpu *cpu, unsigned n, struct snap *s)
{
	const struct cpu_segment *seg = &cpu->seg[n];

	if ((seg->attr & ~ATTR_KEPT) || ((n == SEG_CS || n == SEG_SS) && !usable(seg)))
		snap_fail(s, "%s has attributes %x, which no load leaves", segment_name[n],
			  seg->attr);
	if (cpu_v86(cpu) &&
	    (seg->base != (u32)seg->sel << 4 || seg->limit != 0xffff || (seg->attr & 0xff) != 0xf3))
		snap_fail(s, "%s is not what it is in V86 mode", segment_name[n]);
}

/* Raw entry takes the ring from these: IRETQ goes where CS.RPL says. */
static void check_level(const struct cpu *cpu, struct snap *s)
{
	const struct cpu_segment *cs = &cpu->seg[SEG_CS], *ss = &cpu->seg[SEG_SS];
	unsigned want = SEG_ATTR_DPL(ss->attr);
	bool conforming = (cs->attr & SEG_ATTR_CODE) && (cs->attr & SEG_ATTR_DOWN);

	if (!cpu_protected(cpu))
		want = 0;
	else if (cpu_v86(cpu))
		want = 3;
	if (cpu->cpl != want || (cpu_v86(cpu) && !cpu_protected(cpu)))
		snap_fail(s, "field cpl is %u: the mode and SS have %u", cpu->cpl, want);
	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return;
	if ((ss->attr & (SEG_ATTR_CODE | SEG_ATTR_WRITE)) != SEG_ATTR_WRITE)
		snap_fail(s, "SS is no stack");
	if (conforming ? SEG_ATTR_DPL(cs->attr) > cpu->cpl : SEG_ATTR_DPL(cs->attr) != cpu->cpl)
		snap_fail(s, "CS is of another level than %u", cpu->cpl);
	if (cpu->cpl &&
	    ((cs->sel & 3) != cpu->cpl || (ss->sel & 3) != cpu->cpl || !(cs->attr & SEG_ATTR_CODE)))
		snap_fail(s, "CS %04x and SS %04x are not of level %u", cs->sel, ss->sel, cpu->cpl);
}

static void check_system_segments(const struct cpu *cpu, struct snap *s)
{
	u16 tss = SEG_ATTR_S | 5u; /* type 1, 3, 9 or 11 */

	if ((cpu->tr.attr & ~ATTR_KEPT) || (cpu->tr.attr & tss) != 1 || !usable(&cpu->tr))
		snap_fail(s, "TR has attributes %x, which are no task's", cpu->tr.attr);
	if ((cpu->ldtr.attr & ~ATTR_KEPT) ||
	    (usable(&cpu->ldtr) && (cpu->ldtr.attr & (SEG_ATTR_S | SEG_ATTR_TYPE)) != 2))
		snap_fail(s, "LDTR has attributes %x, which are no table's", cpu->ldtr.attr);
}

static void check_control(struct cpu *cpu, struct snap *s)
{
	if (cpu->cr0 != cpu_cr0_image(cpu->cr0) || !cpu_cr0_is_valid(cpu->cr0))
		snap_fail(s, "field cr0 is %x, which no write leaves", cpu->cr0);
	if (!cpu_cr4_is_valid(cpu, cpu->cr4))
		snap_fail(s, "field cr4 is %x: the processor has not all of these bits", cpu->cr4);
	if (cpu->xcr0 != 1 && !cpu_xcr0_is_valid(cpu, cpu->xcr0))
		snap_fail(s, "field xcr0 is %llx: the processor has not all of it",
			  (unsigned long long)cpu->xcr0);
	if (cpu->msr.efer & ~(u64)EFER_NXE)
		snap_fail(s, "field efer is %llx", (unsigned long long)cpu->msr.efer);
	if (!mtrr_state_is_valid(cpu))
		snap_fail(s, "an MTRR is such as no write leaves");
	if (!cpu_pat_is_valid(cpu->msr.pat))
		snap_fail(s, "field pat is %llx", (unsigned long long)cpu->msr.pat);
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->pdpte); i++)
		if (!cpu_pdpte_is_valid(cpu->pdpte[i]))
			snap_fail(s, "field pdpte[%u] is %llx", i,
				  (unsigned long long)cpu->pdpte[i]);
	for (unsigned i = 6; i < 8; i++)
		if (cpu->dr[i] != cpu_dr_image(i, cpu->dr[i]))
			snap_fail(s, "field dr[%u] is %x, which no write leaves", i, cpu->dr[i]);
	if (cpu->debug_hits & ~(DR6_BT | DR6_BS | DR6_BD | 0xf))
		snap_fail(s, "field debug_hits is %x", cpu->debug_hits);
}

static void check(struct cpu *cpu, struct snap *s)
{
	for (unsigned n = 0; n < SEG_COUNT; n++)
		check_segment(cpu, n, s);
	check_level(cpu, s);
	check_system_segments(cpu, s);
	check_control(cpu, s);
}

void cpu_state(struct cpu *cpu, struct snap *s)
{
	if (snap_begin(s, "cpu", CPU_VERSION)) {
		integer_state(cpu, s);
		system_state(cpu, s);
		msr_state(&cpu->msr, s);
		fpu_state(cpu, s);
		if (s->loading)
			check(cpu, s);
	}
	snap_end(s);
}

void cpu_state_loaded(struct cpu *cpu)
{
	cpu->x87_ran = 0;
	memset(cpu->last_load, 0, sizeof(cpu->last_load));
	memset(cpu->last_code, 0, sizeof(cpu->last_code));
	memset(cpu->last_stack, 0, sizeof(cpu->last_stack));
	cpu_tables_moved(cpu);
	cpu_translations_changed(cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4 | PAGING_EFER, 0);
	cpu_env(cpu)->tables_changed(cpu);
	cpu_env(cpu)->control_changed(cpu);
	cpu_debug_changed(cpu);
}
