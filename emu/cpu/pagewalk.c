/* SPDX-License-Identifier: MIT */
/*
 * The guest's page tables (SDM 3A 4): two levels with 4 MiB pages, or PAE's three with 2 MiB pages
 * and NX.
 */
#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"

#define ERROR BIT(31)

struct format {
	unsigned entry_size, index_bits;
	bool pae, nxe;
};

static u64 read_entry(struct cpu *cpu, gpa_t gpa, unsigned size)
{
	u64 v = 0;
	const void *p = gpmem_ptr(cpu->mem, gpa, false);

	if (p && size == 4)
		return *(const u32 *)p;
	if (p)
		return *(const u64 *)p;
	gpmem_read(cpu->mem, gpa, &v, size);
	return v;
}

static void no_paging(struct cpu *cpu, gla_t gla, struct pagewalk *w)
{
	*w = (struct pagewalk){ .gpa = gla & cpu->a20_mask,
				.page_size = 0,
				.user = true,
				.writable = true,
				.executable = true,
				.dirty = true,
				.wrapped = gla & ~cpu->a20_mask };
}

static u32 fault_code(const struct cpu *cpu, unsigned access, u32 code)
{
	bool nx = (cpu->cr4 & CR4_PAE) && (cpu->msr.efer & EFER_NXE);

	return ERROR | code | (access & ACCESS_WRITE ? PF_W : 0) |
	       (access & ACCESS_USER ? PF_U : 0) | ((access & ACCESS_EXEC) && nx ? PF_I : 0);
}

/* One level: the entry's rights narrow those so far. */
static void narrow(struct pagewalk *w, u64 e)
{
	w->user &= (e & PTE_U) != 0;
	w->writable &= (e & PTE_W) != 0;
	w->executable &= !(e & PTE_NX);
}

static u32 tables(struct cpu *cpu, gla_t gla, unsigned access, struct pagewalk *w)
{
	bool pae = cpu->cr4 & CR4_PAE, nxe = cpu->msr.efer & EFER_NXE;
	unsigned size = pae ? 8 : 4, shift = pae ? 21 : 22;
	gpa_t table;
	u64 e;

	*w = (struct pagewalk){ .user = true, .writable = true, .executable = true };
	if (pae) {
		u64 pdpte = cpu->pdpte[gla >> 30];

		if (!(pdpte & PTE_P))
			return fault_code(cpu, access, 0);
		table = pdpte & PAE_FRAME;
	} else {
		table = cpu->cr3 & ~(u64)(PAGE_SIZE - 1);
	}
	for (;;) {
		u32 index = (gla >> shift) & (pae ? 511 : 1023);
		gpa_t at = (table + index * size) & cpu->a20_mask;

		w->wrapped |= at != table + index * size;

		e = read_entry(cpu, at, size);
		w->entries[w->levels] = e;
		w->entry_gpa[w->levels++] = at;
		if (!(e & PTE_P))
			return fault_code(cpu, access, 0);
		if (pae && (e & (PAE_RESERVED | (nxe ? 0 : PTE_NX))))
			return fault_code(cpu, access, PF_P | PF_RSVD);
		narrow(w, e);
		if (shift == 12)
			break;
		if ((e & PTE_PS) && (pae || (cpu->cr4 & CR4_PSE))) {
			u64 mask = (1ull << shift) - 1;

			if (e & mask & (pae ? 0x1fe000u : 0x3fe000u))
				return fault_code(cpu, access, PF_P | PF_RSVD);
			w->page_size = (u32)(mask + 1);
			w->gpa = ((e & (pae ? PAE_FRAME : 0xffffffffull) & ~mask) | (gla & mask));
			goto mapped;
		}
		table = e & (pae ? PAE_FRAME : 0xfffff000ull);
		shift = 12;
	}
	w->page_size = PAGE_SIZE;
	w->gpa = (e & (pae ? PAE_FRAME : 0xfffff000ull)) | (gla & (PAGE_SIZE - 1));
mapped:
	w->wrapped |= (w->gpa & ~cpu->a20_mask) != 0;
	w->gpa &= cpu->a20_mask;
	w->dirty = e & PTE_D;
	w->global = (e & PTE_G) && (cpu->cr4 & CR4_PGE);
	if ((access & ACCESS_USER) && !w->user)
		return fault_code(cpu, access, PF_P);
	if ((access & ACCESS_WRITE) && !w->writable &&
	    ((access & ACCESS_USER) || (cpu->cr0 & CR0_WP)))
		return fault_code(cpu, access, PF_P);
	if ((access & ACCESS_EXEC) && !w->executable)
		return fault_code(cpu, access, PF_P);
	return 0;
}

u32 cpu_probe(struct cpu *cpu, gla_t gla, unsigned access, struct pagewalk *out)
{
	if (!cpu_paging(cpu)) {
		no_paging(cpu, gla, out);
		return 0;
	}
	return tables(cpu, gla, access, out);
}

static void set_bits(struct cpu *cpu, struct pagewalk *w, unsigned level, u64 bits)
{
	if ((w->entries[level] & bits) == bits)
		return;
	w->entries[level] |= bits;
	gpmem_write_marks(cpu->mem, w->entry_gpa[level], &w->entries[level],
			  cpu->cr4 & CR4_PAE ? 8 : 4);
}

enum cpu_result cpu_walk(struct cpu *cpu, gla_t gla, unsigned access, struct pagewalk *w)
{
	u32 error;

	if (!cpu_paging(cpu)) {
		no_paging(cpu, gla, w);
		return CPU_NEXT;
	}
	error = tables(cpu, gla, access, w);
	if (error) {
		cpu_raise(cpu, VEC_PF, error & ~ERROR);
		cpu->fault.addr = gla;
		return CPU_FAULT;
	}
	for (unsigned i = 0; i + 1 < w->levels; i++)
		set_bits(cpu, w, i, PTE_A);
	set_bits(cpu, w, w->levels - 1, access & ACCESS_WRITE ? PTE_A | PTE_D : PTE_A);
	if (access & ACCESS_WRITE)
		w->dirty = true;
	return CPU_NEXT;
}
