/* SPDX-License-Identifier: MIT */
/*
 * Raw ring 3 under a debugger. The guest's linear addresses are the processor's, so its breakpoints
 * in the real DR0..DR3 and DR7 hit exactly where the guest's own would; the monitor, above 4 GiB,
 * meets none. While they are there the pages of data breakpoints are mapped as any other. Port
 * breakpoints stay with the recompiler, which executes all IN and OUT.
 *
 * One kind arrives in the wrong place. A data breakpoint that MOV SS or POP SS meets is held off
 * until the next instruction is done (SDM 3A 6.8.3); if that one traps, the #DB comes before the
 * first instruction of the monitor's handler (CVE-2018-8897 is about systems that did not know
 * that). It is noted, and the recompiler executes the trapping instruction as one behind MOV SS.
 * So #DB has no stack of its own: an INT1 there is #DB twice, one on top of the other.
 */
#include "vmm/raw/raw_debug.h"

#include "arch/trap/debug_regs.h"
#include "emu/cpu/semantics.h"
#include "vmm/state/vcpu_watch.h"

#define DR6_HITS 0xfu
#define RW_PORT	 2u

/* The enabled breakpoints on code and data, and nothing else. */
static u32 real_dr7(const struct cpu *c)
{
	u32 v = DR7_NONE;

	for (unsigned n = 0; n < 4; n++)
		if ((c->dr[7] >> (16 + 4 * n) & 3) != RW_PORT)
			v |= c->dr[7] & (3u << 2 * n | 0xfu << (16 + 4 * n));
	return v;
}

/* The guest's own bits: processors may set those of breakpoints that are not enabled, too. */
static u32 hits(const struct cpu *c, u32 dr6)
{
	u32 found = 0;

	for (unsigned n = 0; n < 4; n++)
		if (c->dr[7] >> 2 * n & 3)
			found |= dr6 & BIT(n);
	return found;
}

void raw_debug_load(struct vcpu *v)
{
	const struct cpu *c = &v->cpu;

	vcpu_watch(v, false);
	debug_regs_lend();
	write_dr(0, c->dr[0]);
	write_dr(1, c->dr[1]);
	write_dr(2, c->dr[2]);
	write_dr(3, c->dr[3]);
	write_dr(7, real_dr7(c));
	v->debug_loaded = true;
}

void raw_debug_unload(struct vcpu *v)
{
	debug_regs_give_back();
	v->debug_loaded = false;
	vcpu_watch(v, true);
}

static bool behind_int1(struct cpu *c)
{
	u8 code = 0;

	return cpu_lin_read(c, c->seg[SEG_CS].base + c->eip - 1, &code, 1,
			    ACCESS_EXEC | (c->cpl == 3 ? ACCESS_USER : 0)) == CPU_NEXT &&
	       code == 0xf1;
}

/*
 * A step is done, and so is what met a data breakpoint; an instruction breakpoint comes in front.
 * All are owed at this boundary. INT1 is done, too, but may be done again.
 */
void raw_debug_trap(struct vcpu *v)
{
	struct cpu *c = &v->cpu;
	u32 dr6 = (u32)read_dr6(), owed = hits(c, dr6) | (dr6 & DR6_BS);

	write_dr6(DR6_NONE);
	c->debug_hits |= owed;
	if (owed)
		return;
	if (behind_int1(c))
		c->eip--;
	v->must_progress = true;
}

void raw_debug_take(struct vcpu *v)
{
	v->cpu.debug_hits |= v->late_hits;
	v->cpu.shadow = CPU_SHADOW_MOV_SS;
	v->late_hits = 0;
	v->must_progress = true;
}

bool raw_debug_late(struct vcpu *v)
{
	if (!v->debug_loaded)
		return false;
	v->late_hits |= hits(&v->cpu, (u32)read_dr6());
	write_dr6(DR6_NONE);
	return true;
}
