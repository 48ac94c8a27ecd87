/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches (SDM 3A 7.2.1 to 7.3), in four parts:
 *
 *   1. find the new TSS   2. check, in the old task   3. commit: save the old state, load the new
 *   4. qualify the new task's segments, in the new task: a fault here is the new task's own
 *
 * Both formats hold the same dynamic fields in the same order, in words of their own size:
 *
 *   32-bit: 1Ch CR3, 20h EIP, 24h EFLAGS, 28h EAX..EDI, 48h ES CS SS DS FS GS, 60h LDT, 64h T
 *   16-bit:          0Eh IP,  10h FLAGS,  12h AX..DI,   22h ES CS SS DS,       2Ah LDT
 */
#include "emu/cpu/transfer.h"

#include "kernel/base/string.h"

struct format {
	u8 word, last; /* bytes per field; the least limit */
	u8 eip, gpr, seg, segs, ldt;
};

#define TSS32_CR3 0x1cu
#define TSS32_T	  0x64u

static const struct format tss16 = { 2, 0x2b, 0x0e, 0x12, 0x22, 4, 0x2a };
static const struct format tss32 = { 4, 0x67, 0x20, 0x28, 0x48, 6, 0x60 };

struct tss {
	struct cpu_segment seg;
	gla_t descriptor; /* where its descriptor lies */
	const struct format *f;
	u8 image[0x68];
};

static const struct format *format_of(const struct cpu_segment *tr)
{
	return tr->attr & 8 ? &tss32 : &tss16;
}

/* --- 1. Find the new TSS */

static enum cpu_result find(struct cpu *cpu, u16 sel, const struct task_switch *t, struct tss *new)
{
	u8 vec = t->why == TASK_IRET ? VEC_TS : VEC_GP;
	u32 error = (sel & 0xfffcu) | t->ext, desc[2];
	unsigned type;

	if ((sel & 4) || !(sel & 0xfffc))
		return cpu_raise(cpu, vec, error);
	if (cpu_read_descriptor(cpu, sel, vec, desc, &new->descriptor) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : t->ext;
		return CPU_FAULT;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], &new->seg);
	type = DESC_TYPE(desc[1]) ^ (t->why == TASK_IRET ? SYS_TSS_BUSY : 0);
	if ((desc[1] & DESC_S) || (type != SYS_TSS16 && type != SYS_TSS32))
		return cpu_raise(cpu, vec, error);
	if (!(desc[1] & DESC_P))
		return cpu_raise(cpu, VEC_NP, error);
	new->f = format_of(&new->seg);
	if (new->seg.limit < new->f->last)
		return cpu_raise(cpu, VEC_TS, error);
	return CPU_NEXT;
}

/* --- 2. Check that everything that will be written can be */

static gla_t old_descriptor(const struct cpu *cpu)
{
	return cpu->gdtr.base + (cpu->tr.sel & 0xfff8u);
}

static bool nests(const struct task_switch *t)
{
	return t->why == TASK_CALL || t->why == TASK_EVENT;
}

static enum cpu_result probe(struct cpu *cpu, const struct task_switch *t, struct tss *new)
{
	const struct format *f = format_of(&cpu->tr);
	u32 state = f->seg + f->segs * (u32)f->word - f->eip;

	if (cpu->tr.limit < f->eip + state - 1)
		return cpu_raise(cpu, VEC_TS, (cpu->tr.sel & 0xfffcu) | t->ext);
	if (cpu_lin_probe_write(cpu, cpu->tr.base + f->eip, state, 0) != CPU_NEXT ||
	    (nests(t) && cpu_lin_probe_write(cpu, new->seg.base, 2, 0) != CPU_NEXT) ||
	    (t->why != TASK_IRET &&
	     cpu_lin_probe_write(cpu, new->descriptor + 5, 1, 0) != CPU_NEXT) ||
	    (!nests(t) && cpu_lin_probe_write(cpu, old_descriptor(cpu) + 5, 1, 0) != CPU_NEXT))
		return CPU_FAULT;
	return cpu_lin_read(cpu, new->seg.base, new->image, new->f->last + 1u, 0);
}

/* --- 3. Commit */

static void set_busy(struct cpu *cpu, gla_t descriptor, bool busy)
{
	u8 type = 0;

	(void)cpu_lin_read(cpu, descriptor + 5, &type, 1, 0);
	type = (u8)(busy ? type | SYS_TSS_BUSY : type & ~SYS_TSS_BUSY);
	(void)cpu_lin_write(cpu, descriptor + 5, &type, 1, 0);
}

/* Probed before: the writes go through. */
static void save(struct cpu *cpu, const struct task_switch *t)
{
	const struct format *f = format_of(&cpu->tr);
	gla_t tss = cpu->tr.base;
	u32 words[2 + 8] = { t->eip, t->flags };

	memcpy(words + 2, cpu->gpr, sizeof(cpu->gpr));
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		(void)cpu_lin_write(cpu, tss + f->eip + i * f->word, &words[i], f->word, 0);
	for (unsigned s = 0; s < f->segs; s++)
		(void)cpu_lin_write(cpu, tss + f->seg + s * f->word, &cpu->seg[s].sel, 2, 0);
}

static u32 field(const struct tss *new, unsigned at, unsigned size)
{
	u32 v = 0;

	memcpy(&v, new->image + at, size);
	return v;
}

static void load_registers(struct cpu *cpu, const struct tss *new)
{
	const struct format *f = new->f;
	/* Upper halves out of a 16-bit TSS: ones, as processors leave them; no manual says. */
	u32 upper = f->word == 2 ? 0xffff0000 : 0;

	for (unsigned i = 0; i < 8; i++)
		cpu->gpr[i] = field(new, f->gpr + i * f->word, f->word) | upper;
	cpu->eip = field(new, f->eip, f->word);
	cpu_set_eflags(cpu, field(new, f->eip + f->word, f->word));
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu->seg[s] = (struct cpu_segment){
			.sel = s < f->segs ? (u16)field(new, f->seg + s * f->word, 2) : 0,
			.attr = SEG_ATTR_UNUSABLE
		};
	cpu->ldtr = (struct cpu_segment){ .sel = (u16)field(new, f->ldt, 2),
					  .attr = SEG_ATTR_UNUSABLE };
}

static void commit(struct cpu *cpu, const struct task_switch *t, struct tss *new)
{
	u16 back = cpu->tr.sel;
	u32 cr0 = cpu->cr0;

	if (!nests(t))
		set_busy(cpu, old_descriptor(cpu), false);
	save(cpu, t);
	/* What was saved may be what is loaded: IRET to the task itself. */
	(void)cpu_lin_read(cpu, new->seg.base, new->image, new->f->last + 1u, 0);
	if (nests(t))
		(void)cpu_lin_write(cpu, new->seg.base, &back, 2, 0);
	if (t->why != TASK_IRET)
		set_busy(cpu, new->descriptor, true);
	cpu->tr = new->seg;
	cpu->tr.attr |= SYS_TSS_BUSY;
	cpu_tables_moved(cpu);
	cpu->cr0 |= CR0_TS;
	cpu->dr[7] &= ~DR7_LOCAL;
	cpu_debug_changed(cpu);
	load_registers(cpu, new);
	if (nests(t))
		cpu->eflags |= EFLAGS_NT;
	/* Until CS and SS are loaded: so that a handler's stack is its TSS's, not the one that
	 * failed. */
	cpu->cpl = 3;
	cpu_env(cpu)->tables_changed(cpu);
	if (!(cr0 & CR0_TS))
		cpu_env(cpu)->control_changed(cpu);
}

/* --- 4. Qualify */

static enum cpu_result load_ldt(struct cpu *cpu, u32 ext)
{
	u16 sel = cpu->ldtr.sel;
	u32 error = (sel & 0xfffcu) | ext, desc[2];
	struct cpu_segment s;
	gla_t gla;

	if (!(sel & 0xfffc))
		return CPU_NEXT;
	if (sel & 4)
		return cpu_raise(cpu, VEC_TS, error);
	if (cpu_read_descriptor(cpu, sel, VEC_TS, desc, &gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
	if ((desc[1] & (DESC_P | DESC_S)) != DESC_P || DESC_TYPE(desc[1]) != SYS_LDT)
		return cpu_raise(cpu, VEC_TS, error);
	cpu->ldtr = s;
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

/* #TS where an instruction that loads the register would raise #GP (SDM 3A table 7-1). */
static enum cpu_result load_data(struct cpu *cpu, enum cpu_seg seg, u32 ext)
{
	if (cpu_load_segment(cpu, seg, cpu->seg[seg].sel) == CPU_NEXT)
		return CPU_NEXT;
	if (cpu->fault.vector == VEC_GP)
		cpu->fault.vector = VEC_TS;
	if (cpu->fault.vector != VEC_PF)
		cpu->fault.error |= ext;
	return CPU_FAULT;
}

static enum cpu_result load_segments(struct cpu *cpu, u32 ext)
{
	static const u8 data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	u16 cs = cpu->seg[SEG_CS].sel, ss = cpu->seg[SEG_SS].sel;
	struct cpu_segment code, stack;

	if (cpu_v86(cpu)) {
		for (unsigned s = 0; s < SEG_COUNT; s++)
			cpu_set_v86_segment(cpu, s, cpu->seg[s].sel);
		return CPU_NEXT;
	}
	if (transfer_code(cpu, cs, cs & 3, VEC_TS, ext, &code) != CPU_NEXT)
		return CPU_FAULT;
	cpu->seg[SEG_CS] = code;
	if (transfer_stack(cpu, ss, cs & 3, VEC_TS, ext, &stack) != CPU_NEXT)
		return CPU_FAULT;
	cpu->seg[SEG_SS] = stack;
	cpu->cpl = (u8)(cs & 3);
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		if (load_data(cpu, data[i], ext) != CPU_NEXT)
			return CPU_FAULT;
	return CPU_NEXT;
}

static enum cpu_result push_error(struct cpu *cpu, const struct task_switch *t, unsigned size)
{
	u32 esp = cpu->gpr[REG_ESP];

	if (transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &esp, &t->error, 1, size) != CPU_NEXT) {
		if (cpu->fault.vector == VEC_SS)
			cpu->fault.error = t->ext;
		return CPU_FAULT;
	}
	cpu->gpr[REG_ESP] = esp;
	return CPU_NEXT;
}

static enum cpu_result qualify(struct cpu *cpu, const struct task_switch *t, const struct tss *new)
{
	/* A CR3 that does not change is not loaded (SDM 3A 4.10.4.1). */
	if (new->f == &tss32 && cpu_paging(cpu) &&
	    field(new, TSS32_CR3, 4) != cpu->cr3 &&cpu_write_cr(cpu, 3, field(new, TSS32_CR3, 4)) ==
		    CPU_FAULT)
		return CPU_FAULT;
	if (load_ldt(cpu, t->ext) != CPU_NEXT || load_segments(cpu, t->ext) != CPU_NEXT)
		return CPU_FAULT;
	if (t->has_error && push_error(cpu, t, new->f->word) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu->eip > cpu->seg[SEG_CS].limit)
		return cpu_raise(cpu, VEC_GP, t->ext);
	if (new->f == &tss32 && (new->image[TSS32_T] & 1))
		cpu->debug_hits |= DR6_BT;
	return v86_check_pending(cpu);
}

enum cpu_result task_switch(struct cpu *cpu, u16 sel, const struct task_switch *t)
{
	struct tss new;

	if (find(cpu, sel, t, &new) != CPU_NEXT || probe(cpu, t, &new) != CPU_NEXT)
		return CPU_FAULT;
	commit(cpu, t, &new);
	if (qualify(cpu, t, &new) == CPU_JUMP)
		return CPU_JUMP;
	cpu->fault.at_target = true;
	return CPU_FAULT;
}

enum cpu_result task_gate(struct cpu *cpu, const u32 gate[2], const struct task_switch *t)
{
	return task_switch(cpu, (u16)(gate[0] >> 16), t);
}
