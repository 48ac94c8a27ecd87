/* SPDX-License-Identifier: MIT */
/*
 * The section's fields, in this order:
 *
 *      name[32], why[96]: text, zeros behind it
 *      EAX ECX EDX EBX ESP EBP ESI EDI EIP EFLAGS, u32 each
 *      ES CS SS DS FS GS TR LDTR: selector u16, attributes u16, base u32, limit u32
 *      GDTR IDTR: base u32, limit u16
 *      CR0 CR2 CR3 CR4, u32 each; 4 PDPTEs, u64 each; A20's mask u32; CPL u32
 *      parts of the FPU's image that are valid, u64; FXSAVE's image[512]
 *      how many regions of RAM, u32; address u64 and size u64 of each
 */
#include "emu/dbg/dbg_core.h"

#include "emu/cpu/cpu_state.h"
#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

#define CORE_VERSION 1
#define NAME_BYTES   32u
#define WHY_BYTES    96u
#define FXSAVE_BYTES 512u

static void text(struct snap *s, const char *from, u32 size)
{
	char t[WHY_BYTES] = "";

	str_copy(t, from, size);
	snap_bytes(s, t, size);
}

static void registers(struct cpu *cpu, struct snap *s)
{
	u32 eflags = cpu_eflags(cpu), a20 = (u32)cpu->a20_mask, cpl = cpu->cpl;

	for (unsigned i = 0; i < ARRAY_SIZE(cpu->gpr); i++)
		snap_u32(s, cpu->gpr[i]);
	snap_u32(s, cpu->eip);
	snap_u32(s, eflags);
	cpu_segments_state(cpu, s);
	snap_u32(s, cpu->cr0);
	snap_u32(s, cpu->cr2);
	snap_u32(s, cpu->cr3);
	snap_u32(s, cpu->cr4);
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->pdpte); i++)
		snap_u64(s, cpu->pdpte[i]);
	snap_u32(s, a20);
	snap_u32(s, cpl);
}

static void fpu(struct cpu *cpu, struct snap *s)
{
	u64 parts = cpu->fpu.image[XSTATE_HEADER];

	snap_u64(s, parts);
	snap_bytes(s, cpu->fpu.image, FXSAVE_BYTES);
}

static bool in_reach(const struct gpmem_region *r)
{
	return gpmem_is_saved(r) && r->start < GPMEM_REACH;
}

static void regions(const struct gpmem *m, struct snap *s)
{
	u32 count = 0;

	for (unsigned i = 0; i < m->regions; i++)
		count += (u32)in_reach(&m->region[i]);
	snap_u32(s, count);
	for (unsigned i = 0; i < m->regions; i++) {
		u64 start = m->region[i].start, size = m->region[i].size;

		if (!in_reach(&m->region[i]))
			continue;
		snap_u64(s, start);
		snap_u64(s, size);
	}
}

void dbg_save_core(struct cpu *cpu, const char *name, const char *why, struct snap *s)
{
	if (!snap_begin(s, "core", CORE_VERSION))
		return;
	text(s, name, NAME_BYTES);
	text(s, why, WHY_BYTES);
	registers(cpu, s);
	fpu(cpu, s);
	regions(cpu->mem, s);
	snap_end(s);
}
