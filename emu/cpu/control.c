/* SPDX-License-Identifier: MIT */
/*
 * Control registers, model-specific registers, RESET and INIT.
 */
#include "emu/cpu/cpu_model.h"
#include "emu/cpu/msr_table.h"
#include "emu/cpu/mtrr.h"
#include "emu/cpu/semantics.h"
#include "emu/dev/strict.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define CR4_VIRTUAL (CR4_VME | CR4_PVI)
#define CR4_OFFERED                                                                        \
	(CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE | CR4_OSFXSR | \
	 CR4_OSXMMEXCPT)
#define CR0_WRITABLE \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define PDPTE_RESERVED 0xfffffff0000001e6ull /* 36 bits of address */
/* Not the base: that it cannot move is this machine's own. */
#define APIC_BASE_RESERVED 0xfffffff0000006ffull
#define CR0_VECTOR	   (CR0_TS | CR0_EM | CR0_MP | CR0_NE | CR0_AM)

bool cpu_pdpte_is_valid(u64 e)
{
	return !(e & PTE_P) || !(e & PDPTE_RESERVED);
}

/* What the register holds when value is written: reserved bits stay clear, ET is set. */
u32 cpu_cr0_image(u32 value)
{
	return (value & CR0_WRITABLE) | CR0_ET;
}

bool cpu_cr0_is_valid(u32 value)
{
	return !(value & CR0_PG && !(value & CR0_PE)) && !(value & CR0_NW && !(value & CR0_CD));
}

/* The four PDPTEs are read when CR3 is loaded (SDM 3A 4.4.1). */
static enum cpu_result load_pdptes(struct cpu *cpu, u32 cr3, u32 cr0, u32 cr4)
{
	u64 e[4];

	if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE))
		return CPU_NEXT;
	for (int i = 0; i < 4; i++) {
		gpmem_read(cpu->mem, ((cr3 & ~31u) + (u32)i * 8) & cpu->a20_mask, &e[i], 8);
		if (!cpu_pdpte_is_valid(e[i]))
			return cpu_raise_for(cpu, VEC_GP, 0, STRICT_pdpte_reserved);
	}
	memcpy(cpu->pdpte, e, sizeof(e));
	return CPU_NEXT;
}

static enum cpu_result write_cr0(struct cpu *cpu, u32 value)
{
	u32 old = cpu->cr0;

	value = cpu_cr0_image(value);
	if (!cpu_cr0_is_valid(value))
		return cpu_raise_for(cpu, VEC_GP, 0, STRICT_cr0_invalid);
	if (((value ^ old) & (CR0_PG | CR0_CD | CR0_NW)) &&
	    load_pdptes(cpu, cpu->cr3, value, cpu->cr4) != CPU_NEXT)
		return CPU_FAULT;
	cpu->cr0 = value;
	/* Without paging PE changes no translation, and with paging it cannot be changed. */
	if ((value ^ old) & (CR0_PG | CR0_WP))
		cpu_translations_changed(cpu, PAGING_CR0, 0);
	if ((value ^ old) & CR0_VECTOR)
		cpu_env(cpu)->control_changed(cpu);
	return CPU_JUMP;
}

/* Some bits exist if CPUID says so: the environment sets the real ones after them. */
static u32 cr4_offered(struct cpu *cpu, u32 changed)
{
	u32 id[4];

	if (cpu->model)
		return cpu->model->cr4;
	if (!(changed & (CR4_VIRTUAL | CR4_OSXSAVE)))
		return CR4_OFFERED | CR4_VIRTUAL | CR4_OSXSAVE;
	cpu_env(cpu)->cpuid(cpu, 1, 0, id);
	return CR4_OFFERED | (id[3] & BIT(1) ? CR4_VIRTUAL : 0) |
	       (id[2] & BIT(26) ? CR4_OSXSAVE : 0);
}

bool cpu_cr4_is_valid(struct cpu *cpu, u32 value)
{
	return !(value & ~cr4_offered(cpu, value));
}

static enum cpu_result write_cr4(struct cpu *cpu, u32 value)
{
	u32 old = cpu->cr4;

	if (value & ~cr4_offered(cpu, value ^ old))
		return cpu_raise_for(cpu, VEC_GP, 0, STRICT_cr4_reserved);
	if (((value ^ old) & (CR4_PAE | CR4_PGE | CR4_PSE)) &&
	    load_pdptes(cpu, cpu->cr3, cpu->cr0, value) != CPU_NEXT)
		return CPU_FAULT;
	cpu->cr4 = value;
	if ((value ^ old) & (CR4_PAE | CR4_PGE | CR4_PSE))
		cpu_translations_changed(cpu, PAGING_CR4, 0);
	if ((value ^ old) & (CR4_TSD | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE))
		cpu_env(cpu)->control_changed(cpu);
	return CPU_JUMP;
}

/* SDM 3A 2.6: x87 always, AVX with SSE only. */
bool cpu_xcr0_is_valid(struct cpu *cpu, u64 value)
{
	u32 leaf[4];

	cpu_env(cpu)->cpuid(cpu, 0xd, 0, leaf);
	return (value & 1) && !(value & ~(u64)leaf[0]) && (value & 6) != 4;
}

u32 cpu_dr_image(unsigned n, u32 value)
{
	switch (n) {
	case 6:
		return (value & (DR6_BT | DR6_BS | DR6_BD | 0xf)) | DR6_NONE;
	case 7:
		return (value & 0xffff23ff) | 0x400;
	}
	return value;
}

enum cpu_result cpu_write_cr(struct cpu *cpu, unsigned n, u32 value)
{
	switch (n) {
	case 0:
		return write_cr0(cpu, value);
	case 2:
		cpu->cr2 = value;
		return CPU_NEXT;
	case 3:
		if (load_pdptes(cpu, value, cpu->cr0, cpu->cr4) != CPU_NEXT)
			return CPU_FAULT;
		cpu->cr3 = value;
		cpu_translations_changed(cpu, PAGING_CR3, 0);
		return CPU_NEXT;
	case 4:
		return write_cr4(cpu, value);
	}
	return cpu_raise_noerr(cpu, VEC_UD);
}

static u64 *plain_msr(struct cpu *cpu, u32 index)
{
	switch (index) {
	case MSR_SYSENTER_CS:
		return &cpu->msr.sysenter_cs;
	case MSR_SYSENTER_ESP:
		return &cpu->msr.sysenter_esp;
	case MSR_SYSENTER_EIP:
		return &cpu->msr.sysenter_eip;
	case MSR_PAT:
		return &cpu->msr.pat;
	case MSR_MISC_ENABLE:
		return &cpu->msr.misc_enable;
	case MSR_APIC_BASE:
		return &cpu->msr.apic_base;
	}
	return NULL;
}

static bool unknown_to_model(const struct cpu *cpu, u32 index)
{
	return cpu->model && !cpu_model_has_msr(cpu->model, index);
}

enum cpu_result cpu_read_msr(struct cpu *cpu, u32 index, u64 *value)
{
	u64 *plain = plain_msr(cpu, index);
	int err;

	if (unknown_to_model(cpu, index))
		return cpu_raise(cpu, VEC_GP, 0);
	if (index == MSR_APIC_BASE && !cpu_env(cpu)->msr_read(cpu, index, value))
		return CPU_NEXT;
	if (plain) {
		*value = *plain;
		return CPU_NEXT;
	}
	switch (index) {
	case MSR_TSC:
		*value = cpu_tsc(cpu);
		return CPU_NEXT;
	case MSR_EFER:
		*value = cpu->msr.efer;
		return CPU_NEXT;
	}
	if (msr_table_read(cpu, index, value))
		return CPU_NEXT;
	err = mtrr_read(cpu, index, value);
	if (err == E_NOENT)
		err = cpu_env(cpu)->msr_read(cpu, index, value);
	if (err == E_NOENT && cpu->model) { /* it has one that does nothing here */
		*value = 0;
		err = 0;
	}
	return err ? cpu_raise(cpu, VEC_GP, 0) : CPU_NEXT;
}

/* Eight memory types, of which 2, 3 and 8 up do not exist (SDM 3A 12.12.2). */
bool cpu_pat_is_valid(u64 value)
{
	for (unsigned i = 0; i < 64; i += 8)
		if ((value >> i & 0xff) > 7 || (value >> i & 0xfe) == 2)
			return false;
	return true;
}

static enum cpu_result msr_written(struct cpu *cpu, int err, bool reserved)
{
	if (err && reserved)
		return cpu_raise_for(cpu, VEC_GP, 0, STRICT_msr_reserved);
	return err ? cpu_raise(cpu, VEC_GP, 0) : CPU_NEXT;
}

enum cpu_result cpu_write_msr(struct cpu *cpu, u32 index, u64 value)
{
	u64 *plain = plain_msr(cpu, index);
	int err;

	if (unknown_to_model(cpu, index))
		return cpu_raise(cpu, VEC_GP, 0);
	if (index == MSR_PAT && !cpu_pat_is_valid(value))
		return cpu_raise_for(cpu, VEC_GP, 0, STRICT_msr_reserved);
	if (index == MSR_APIC_BASE) {
		err = cpu_env(cpu)->msr_write(cpu, index, value);
		if (err != E_NOENT)
			return msr_written(cpu, err, value & APIC_BASE_RESERVED);
	}
	if (plain) {
		*plain = value;
		return CPU_NEXT;
	}
	switch (index) {
	case MSR_EFER:
		if (value & ~(u64)EFER_NXE)
			return cpu_raise_for(cpu, VEC_GP, 0, STRICT_msr_reserved);
		if (value != cpu->msr.efer) {
			cpu->msr.efer = value;
			cpu_translations_changed(cpu, PAGING_EFER, 0);
		}
		return CPU_JUMP;
	case MSR_TSC:
		cpu->msr.tsc_offset = value - cpu_env(cpu)->tsc(cpu);
		cpu_env(cpu)->control_changed(cpu);
		return CPU_JUMP; /* RDTSC is no longer what it was translated to */
	}
	if (msr_table_write(cpu, index, value))
		return CPU_NEXT;
	err = mtrr_write(cpu, index, value);
	if (err == E_NOENT)
		err = cpu_env(cpu)->msr_write(cpu, index, value);
	if (err == E_NOENT && cpu->model)
		err = 0;
	return msr_written(cpu, err, err == E_INVAL); /* it is there, and does not take the value */
}

/* What RESET and INIT do alike. */
static void start_registers(struct cpu *cpu)
{
	u32 id[4] = { 0 };

	softtlb_flush(cpu);
	memset(cpu->gpr, 0, sizeof(cpu->gpr));
	cpu->eip = 0xfff0;
	cpu_set_eflags(cpu, EFLAGS_ONE);
	cpu->shadow = cpu->x87_ran = 0;
	for (int s = 0; s < SEG_COUNT; s++)
		cpu->seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	cpu->seg[SEG_CS] = (struct cpu_segment){
		.sel = 0xf000, .attr = 0x9b, .base = 0xffff0000, .limit = 0xffff
	};
	cpu->tr = (struct cpu_segment){ .attr = 0x8b, .limit = 0xffff };
	cpu->ldtr = (struct cpu_segment){ .attr = 0x82, .limit = 0xffff };
	cpu->gdtr = cpu->idtr = (struct cpu_table){ .limit = 0xffff };
	cpu->cpl = 0;
	cpu->cr0 = CR0_ET | (cpu->cr0 & (CR0_NW | CR0_CD));
	cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
	memset(cpu->dr, 0, sizeof(cpu->dr));
	cpu->debug_hits = 0;
	cpu->dr[6] = cpu_dr_image(6, 0);
	cpu->dr[7] = cpu_dr_image(7, 0);
	cpu_debug_changed(cpu);
	cpu->msr.efer = 0;
	cpu->nmi_blocked = cpu->halted = false;
	if (cpu->env && cpu->env->cpuid)
		cpu_env(cpu)->cpuid(cpu, 1, 0, id);
	cpu->gpr[REG_EDX] = id[0];
}

void cpu_reset(struct cpu *cpu)
{
	cpu->events = 0;
	cpu->cr0 = CR0_NW | CR0_CD;
	cpu->xcr0 = 1;
	cpu->msr = (struct cpu_msrs){ .pat = 0x0007040600070406ull, .misc_enable = 1 };
	start_registers(cpu);
}

void cpu_init(struct cpu *cpu)
{
	start_registers(cpu);
	cpu_tables_moved(cpu);
	cpu_translations_changed(cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4 | PAGING_EFER, 0);
}
