/* SPDX-License-Identifier: MIT */
/*
 * The hard instructions on any descriptor tables: GDT, LDT, IDT and two TSS come from the input,
 * and so do the registers, the stack and the instruction, which is one that looks at them.
 * Afterwards the processor's state must be one that a processor can be in.
 *
 * Input: instruction (1), ring and flags (2), registers (8 words), then the tables.
 */
#include <string.h>

#include "kernel/base/log.h"
#include "tests/fuzz/fuzz.h"

#define GDT   0x1000u
#define LDT   0x1400u
#define IDT   0x1800u
#define TSS   0x2000u
#define STACK 0x3000u
#define CODE  0x6000u
#define STEPS 3

static const struct {
	u8 len, bytes[8];
} code[] = {
	{ 7, { 0xea, 0x00, 0x60, 0x00, 0x00, 0x08, 0x00 } }, /* jmp far; the selector is changed */
	{ 7, { 0x9a, 0x00, 0x60, 0x00, 0x00, 0x08, 0x00 } }, /* call far */
	{ 1, { 0xcb } },				     /* retf */
	{ 3, { 0xca, 0x08, 0x00 } },			     /* retf 8 */
	{ 1, { 0xcf } },				     /* iretd */
	{ 2, { 0x66, 0xcf } },				     /* iret */
	{ 2, { 0xcd, 0x20 } },				     /* int 20h */
	{ 1, { 0xcc } },				     /* int3 */
	{ 1, { 0xce } },				     /* into */
	{ 2, { 0x8e, 0xd8 } },				     /* mov ds, eax */
	{ 2, { 0x8e, 0xd0 } },				     /* mov ss, eax */
	{ 1, { 0x07 } },				     /* pop es */
	{ 2, { 0x0f, 0xa9 } },				     /* pop gs */
	{ 6, { 0xc5, 0x05, 0x00, 0x30, 0x00, 0x00 } },	     /* lds eax, [3000h] */
	{ 7, { 0x0f, 0xb2, 0x0d, 0x00, 0x30, 0x00, 0x00 } }, /* lss ecx, [3000h] */
	{ 3, { 0x0f, 0x02, 0xc8 } },			     /* lar ecx, eax */
	{ 3, { 0x0f, 0x03, 0xc8 } },			     /* lsl ecx, eax */
	{ 3, { 0x0f, 0x00, 0xe0 } },			     /* verr ax */
	{ 3, { 0x0f, 0x00, 0xe8 } },			     /* verw ax */
	{ 3, { 0x0f, 0x00, 0xd0 } },			     /* lldt ax */
	{ 3, { 0x0f, 0x00, 0xd8 } },			     /* ltr ax */
	{ 2, { 0x63, 0xc8 } },				     /* arpl ax, cx */
	{ 2, { 0x0f, 0x34 } },				     /* sysenter */
	{ 2, { 0x0f, 0x35 } },				     /* sysexit */
	{ 1, { 0x9d } },				     /* popfd */
	{ 3, { 0x0f, 0x22, 0xc0 } },			     /* mov cr0, eax */
	{ 3, { 0x0f, 0x01, 0xf0 } },			     /* lmsw ax */
	{ 2, { 0x0f, 0x0b } },				     /* ud2 */
	{ 7, { 0x0f, 0x01, 0x15, 0x00, 0x30, 0x00, 0x00 } }, /* lgdt [3000h] */
	{ 7, { 0x0f, 0x01, 0x1d, 0x00, 0x30, 0x00, 0x00 } }, /* lidt [3000h] */
};

/* SDM 3A 5.5, 20.2: what holds whatever was executed. */
static void check(const struct cpu *cpu)
{
	if (cpu->cpl > 3 || (!(cpu->cr0 & CR0_PE) && cpu->cpl) || (cpu_v86(cpu) && cpu->cpl != 3))
		panic("CPL %u, CR0 %x, EFLAGS %x", cpu->cpl, cpu->cr0, cpu->eflags);
	if (!(cpu->eflags & EFLAGS_ONE) || (cpu->eflags & EFLAGS_IF) || (cpu->vif & ~EFLAGS_IF))
		panic("EFLAGS %x, IF %x", cpu->eflags, cpu->vif);
	if ((cpu->cr0 & CR0_PG) && !(cpu->cr0 & CR0_PE))
		panic("CR0 %x", cpu->cr0);
	if ((cpu->seg[SEG_CS].attr & SEG_ATTR_UNUSABLE) ||
	    (cpu->seg[SEG_SS].attr & SEG_ATTR_UNUSABLE))
		panic("CS %x, SS %x", cpu->seg[SEG_CS].attr, cpu->seg[SEG_SS].attr);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	struct machine *m = &fuzz_machine;
	struct cpu *cpu = &m->cpu;
	unsigned which = fuzz_u8(&in) % ARRAY_SIZE(code), ring, flags;

	fuzz_reset();
	ring = fuzz_u8(&in);
	flags = fuzz_u8(&in);
	cpu->cr0 = CR0_PE | CR0_ET | CR0_NE;
	cpu->cr4 = ring & 4 ? CR4_VME : 0;
	fuzz_flat(ring & 3);
	cpu_set_eflags(cpu, EFLAGS_ONE | (flags & 1 ? EFLAGS_IF : 0) | (flags & 2 ? EFLAGS_NT : 0) |
				    (flags & 4 ? EFLAGS_OF : 0) | (flags & 8 ? EFLAGS_TF : 0) |
				    (flags >> 6) << 12);
	for (unsigned i = 0; i < 8; i++)
		cpu->gpr[i] = fuzz_u32(&in);
	cpu->gpr[REG_ESP] = STACK;
	cpu->gdtr = (struct cpu_table){ GDT, 0xff };
	cpu->idtr = (struct cpu_table){ IDT, 0x1ff };
	cpu->ldtr = (struct cpu_segment){ 0x18, 0x82, LDT, 0x7f };
	cpu->tr = (struct cpu_segment){ 0x20, flags & 16 ? 0x83 : 0x8b, TSS, 0x1ff };
	cpu->msr.sysenter_cs = fuzz_u8(&in);
	fuzz_bytes(&in, m->ram + STACK, 64);
	fuzz_bytes(&in, m->ram + GDT, 0x100);
	fuzz_bytes(&in, m->ram + LDT, 0x80);
	fuzz_bytes(&in, m->ram + IDT, 0x200);
	fuzz_bytes(&in, m->ram + TSS, 0x200);
	memcpy(m->ram + CODE, code[which].bytes, code[which].len);
	if (code[which].len == 7 && code[which].bytes[6] == 0 && which < 2)
		memcpy(m->ram + CODE + 5, &cpu->gpr[REG_EAX], 2);
	cpu->eip = CODE;
	cpu->env->paging_changed(cpu, PAGING_CR0);
	for (unsigned i = 0; i < STEPS; i++) {
		if (!fuzz_step())
			break;
		check(cpu);
	}
	return 0;
}
