/* SPDX-License-Identifier: MIT */
/*
 * The translator on any bytes in any mode. Each block that it makes of them is proven by the
 * verifier (a panic if it is not), for the mode itself, for single steps, and as on a page that
 * mixes code and data; then some of it runs.
 *
 * Input: mode (8), CR0 and CR4 bits (2), segments (6), EIP in its page (2), registers (8), code.
 */
#include <string.h>

#include "emu/block/block.h"
#include "emu/block/mixed.h"
#include "emu/jit/recomp_mode.h"
#include "emu/trans/translate.h"
#include "kernel/base/log.h"
#include "tests/fuzz/fuzz.h"

#define CODE  0x10000u
#define STEPS 6

/* Flat, with a base, limited, expand-down, a code segment, unusable. */
static struct cpu_segment segment(u8 kind, bool big, unsigned cpl)
{
	u16 attr = (u16)(SEG_ATTR_P | SEG_ATTR_S | 3 | cpl << 5 | (big ? SEG_ATTR_DB : 0));
	struct cpu_segment s = { (u16)(0x10 | cpl), attr, 0, 0xffffffff };

	switch (kind % 7) {
	case 1:
		s.base = 0x1230;
		break;
	case 2:
		s.limit = 0xffff;
		break;
	case 3:
		s.attr |= SEG_ATTR_DOWN;
		s.limit = 0xfff;
		break;
	case 4:
		s.attr |= SEG_ATTR_CODE;
		break;
	case 5:
		s.attr &= (u16)~SEG_ATTR_WRITE;
		s.limit = 0x7ff;
		break;
	case 6:
		s = (struct cpu_segment){ 0, SEG_ATTR_UNUSABLE, 0, 0 };
		break;
	}
	return s;
}

static void set_mode(struct cpu *cpu, struct fuzz_input *in)
{
	u8 mode = fuzz_u8(in), bits = fuzz_u8(in), bits4 = fuzz_u8(in);
	bool pe = mode & 1, vm = pe && (mode & 2), wide = mode & 4, big = mode & 8;
	unsigned cpl = !pe ? 0 : vm ? 3 : mode >> 4 & 3;

	cpu->cr0 = CR0_ET | (pe ? CR0_PE : 0) | (bits & 1 ? CR0_TS : 0) | (bits & 2 ? CR0_EM : 0) |
		   (bits & 4 ? CR0_MP : 0) | (bits & 8 ? CR0_NE : 0);
	cpu->cr4 = (bits4 & 1 ? CR4_OSFXSR : 0) | (bits4 & 2 ? CR4_OSXMMEXCPT : 0) |
		   (bits4 & 4 ? CR4_TSD : 0) | (bits4 & 8 ? CR4_VME : 0) |
		   (bits4 & 16 ? CR4_PVI : 0);
	cpu_set_eflags(cpu, EFLAGS_ONE | (vm ? EFLAGS_VM : 0) | (bits & 16 ? EFLAGS_IF : 0) |
				    (bits & 32 ? EFLAGS_DF : 0) | (bits & 64 ? EFLAGS_TF : 0) |
				    (u32)(mode >> 6) << 12);
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		u8 kind = fuzz_u8(in);

		if (!pe || vm)
			cpu->seg[i] = (struct cpu_segment){ 0x1000, 0x93 | (vm ? 0x60 : 0), CODE,
							    0xffff };
		else
			cpu->seg[i] = segment(kind, i == SEG_CS ? wide : big, cpl);
	}
	if (pe && !vm) {
		cpu->seg[SEG_CS].attr |= SEG_ATTR_CODE | SEG_ATTR_WRITE | SEG_ATTR_P;
		cpu->seg[SEG_CS].attr &= (u16) ~(SEG_ATTR_UNUSABLE | SEG_ATTR_DOWN);
		cpu->seg[SEG_CS].limit = fuzz_u8(in) & 1 ? 0x1ffff : 0xffffffff;
	}
	cpu->cpl = (u8)cpl;
}

static void translate(struct recomp *r, u32 key)
{
	if (translate_block(&r->trans, r, key) && r->flush_wanted)
		block_drop_all(r);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	struct cpu *cpu = &fuzz_machine.cpu;
	u32 at;

	fuzz_reset();
	set_mode(cpu, &in);
	at = fuzz_u32(&in) & 0xfff;
	for (unsigned i = 0; i < 8; i++)
		cpu->gpr[i] = (u32)fuzz_u8(&in) << (i & 3) * 4;
	fuzz_bytes(&in, fuzz_machine.ram + CODE + at, 0x2000);
	cpu->eip = CODE + at - cpu->seg[SEG_CS].base;
	cpu->env->paging_changed(cpu, PAGING_CR0);
	translate(cpu->recomp, recomp_mode(cpu->recomp));
	translate(cpu->recomp, recomp_mode(cpu->recomp) | KEY_SLOW);
	block_mix_page(cpu->recomp, CODE);
	translate(cpu->recomp, recomp_mode(cpu->recomp));
	memset(cpu->recomp->data_page, 0, sizeof(cpu->recomp->data_page));
	for (unsigned i = 0; i < STEPS && fuzz_step(); i++)
		;
	return 0;
}
