/* SPDX-License-Identifier: MIT */
/*
 * The one meaning of every instruction and event that translated code does not do inline: memory
 * access with all checks, descriptor loads, far transfers, interrupts and exceptions, task
 * switches, control registers, I/O. Used by translated code (through struct insn) and by the
 * monitor's trap path.
 *
 * Rule: decide first, then do. A function either returns CPU_FAULT with nothing changed (except
 * accessed bits and pages touched) or completes. References are to the Intel SDM.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/cpu/env.h"
#include "emu/cpu/insn.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/string.h"

/* --- Paging: emu/cpu/pagewalk.c (SDM 3A 4) */

struct pagewalk {
	gpa_t gpa;     /* of the byte asked for, A20 applied */
	u32 page_size; /* 4 KiB, 2 MiB, 4 MiB; 4 GiB when paging is off */
	bool user, writable, executable, dirty,
		global;	    /* what the tables allow; writable before CR0.WP */
	u64 entries[3];	    /* the entries read, from the top; */
	gpa_t entry_gpa[3]; /* and where; levels used of them */
	unsigned levels;
	bool wrapped; /* A20 is off and has changed an address, the byte's or an entry's */
};

/*
 * Walks the guest's tables for access (ACCESS_*), sets A and D bits as hardware does. Returns 0, or
 * CPU_FAULT with cpu->fault a #PF with its error code and address.
 */
enum cpu_result cpu_walk(struct cpu *cpu, gla_t gla, unsigned access, struct pagewalk *out);

/* The same without side effects: no A/D bits set, cpu->fault untouched. Returns 0, or the error
 * code with BIT(31) set. */
u32 cpu_probe(struct cpu *cpu, gla_t gla, unsigned access, struct pagewalk *out);

static inline struct softtlb_entry *softtlb_entry(struct cpu *cpu, gla_t gla)
{
	return &cpu->tlb.entry[gla >> PAGE_SHIFT & (SOFTTLB_ENTRIES - 1)];
}

/*
 * Where the page of gla lies, if the access is allowed (A and D bits are set): through the TLB of
 * emu/cpu/softtlb.c. NULL: cpu->fault is the #PF. The entry is good until the next call, and until
 * the next write through the accessors: that may be one to a table, and forget it. rights
 * says whether host may be used this way: for writing it may not while somebody watches the page.
 */
const struct softtlb_entry *cpu_translate(struct cpu *cpu, gla_t gla, unsigned access);

/*
 * What linear addresses mean has changed, as the processor's own TLB is told: of all addresses by a
 * write to CR0, CR3, CR4 or EFER or by A20 (what: PAGING_*), of gla's page by INVLPG
 * (PAGING_INVLPG). Everything that is found by linear address hears of it here and nowhere else:
 * this TLB, the segment loads known to succeed, and by the environment all that docs/memory.md
 * lists.
 */
void cpu_translations_changed(struct cpu *cpu, unsigned what, gla_t gla);
/* This TLB and the loads alone: RESET, other pages with data breakpoints, and tests. */
void softtlb_flush(struct cpu *cpu);

/*
 * From now on this TLB follows the guest's tables (docs/memory.md, "Coherent"): no entry outlives a
 * write to what it was found through. Before the CPU runs; for good.
 */
void softtlb_follow(struct cpu *cpu);
/* Is the page of gla, or may it be, found through these bytes (on one page)? Without
 * softtlb_follow() nobody asks: false. */
bool softtlb_leads(struct cpu *cpu, gla_t gla, gpa_t gpa, u32 len);

/* --- Linear memory: emu/cpu/linmem.c */

/*
 * Reads or writes len bytes (1..512) at a linear address, wrapping at 4 GiB, page crossings and
 * device memory included. All pages are checked before a byte is written. CPU_NEXT or CPU_FAULT.
 * ACCESS_USER decides the rights.
 */
static inline enum cpu_result cpu_lin_read(struct cpu *cpu, gla_t gla, void *buf, unsigned len,
					   unsigned access);
static inline enum cpu_result cpu_lin_write(struct cpu *cpu, gla_t gla, const void *buf,
					    unsigned len, unsigned access);
/* Checks that a write of len bytes would succeed (A and D bits are set). */
enum cpu_result cpu_lin_probe_write(struct cpu *cpu, gla_t gla, unsigned len, unsigned access);

static inline bool cpu_is_strict(const struct cpu *cpu)
{
	return cpu->stops.vectors & CPU_STRICT;
}

/* Strict: it is told if none of these bytes on one page of RAM was ever written. */
void cpu_tell_unwritten(struct cpu *cpu, gpa_t gpa, unsigned len);
/* Strict: does each use of what the walk found have to come to C, since it tells something? */
bool cpu_tells_walk(struct cpu *cpu, const struct pagewalk *w);

/* Is a data breakpoint on the page of gla? */
static inline bool cpu_debug_watches(const struct cpu *cpu, gla_t gla)
{
	for (unsigned i = 0; i < cpu->watch.datas; i++)
		if (!((cpu->watch.data[i] ^ gla) & ~(PAGE_SIZE - 1)))
			return true;
	return false;
}

/* Is an instruction breakpoint on the page of gla? */
static inline bool cpu_debug_breaks(const struct cpu *cpu, gla_t gla)
{
	for (unsigned i = 0; i < cpu->watch.codes; i++)
		if (!((cpu->watch.code[i] ^ gla) & ~(PAGE_SIZE - 1)))
			return true;
	return false;
}

/* The monitor's address of bytes on one page whose entry allows the access; NULL: the long way. */
static inline u8 *cpu_lin_direct(struct cpu *cpu, gla_t gla, unsigned len, unsigned access)
{
	const struct softtlb_entry *e = softtlb_entry(cpu, gla);
	u32 offset = gla & (PAGE_SIZE - 1);

	if (e->page != gla - offset || !(e->rights & BIT(access)) || offset + len > PAGE_SIZE)
		return NULL;
	return e->host + offset;
}

/* The same for writing: nobody may have begun to watch pages since the entry was made. */
static inline u8 *cpu_lin_direct_write(struct cpu *cpu, gla_t gla, unsigned len, unsigned access)
{
	return cpu->tlb.watches == cpu->mem->watches_begun
		       ? cpu_lin_direct(cpu, gla, len, access | ACCESS_WRITE)
		       : NULL;
}

/* What is on several pages, not memory, watched, or not in the TLB. */
enum cpu_result cpu_lin_read_slowly(struct cpu *cpu, gla_t gla, void *buf, unsigned len,
				    unsigned access);
enum cpu_result cpu_lin_write_slowly(struct cpu *cpu, gla_t gla, const void *buf, unsigned len,
				     unsigned access);

/* Lengths that are mostly known at compile time, and then a move. */
static inline void cpu_copy(void *to, const void *from, unsigned len)
{
	switch (len) {
	case 1:
		*(u8 *)to = *(const u8 *)from;
		return;
	case 2:
		__builtin_memcpy(to, from, 2);
		return;
	case 4:
		__builtin_memcpy(to, from, 4);
		return;
	case 8:
		__builtin_memcpy(to, from, 8);
		return;
	default:
		memcpy(to, from, len);
	}
}

static inline enum cpu_result cpu_lin_read(struct cpu *cpu, gla_t gla, void *buf, unsigned len,
					   unsigned access)
{
	const u8 *p = cpu_lin_direct(cpu, gla, len, access & ~(unsigned)ACCESS_WRITE);

	if (!p)
		return cpu_lin_read_slowly(cpu, gla, buf, len, access);
	cpu_copy(buf, p, len);
	return CPU_NEXT;
}

static inline enum cpu_result cpu_lin_write(struct cpu *cpu, gla_t gla, const void *buf,
					    unsigned len, unsigned access)
{
	u8 *p = cpu_lin_direct_write(cpu, gla, len, access);

	if (!p)
		return cpu_lin_write_slowly(cpu, gla, buf, len, access);
	cpu_copy(p, buf, len);
	return CPU_NEXT;
}

/*
 * Segment check as the mode demands (limit, type, null, expand-down; real mode 64 KiB), then *gla =
 * base + offset. #GP(0), or #SS(0) for SS. access: ACCESS_READ, WRITE or EXEC.
 */
enum cpu_result cpu_seg_check(struct cpu *cpu, enum cpu_seg seg, gva_t offset, unsigned len,
			      unsigned access, gla_t *gla);
/* Segment check and access together, with the rights of the current CPL. */
enum cpu_result cpu_mem_read(struct cpu *cpu, enum cpu_seg seg, gva_t off, void *buf, unsigned len);
enum cpu_result cpu_mem_write(struct cpu *cpu, enum cpu_seg seg, gva_t off, const void *buf,
			      unsigned len);
/* Would cpu_mem_write() succeed? */
enum cpu_result cpu_mem_probe_write(struct cpu *cpu, enum cpu_seg seg, gva_t off, unsigned len);
/*
 * Alignment (SDM 3A 6.15, #AC): looked at in CPL 3 with CR0.AM and EFLAGS.AC, for the operands of
 * instructions; what the processor touches for itself is exempt. cpu_align_check() raises #AC(0).
 */
static inline bool cpu_align_checked(const struct cpu *cpu)
{
	return cpu->cpl == 3 && (cpu->cr0 & CR0_AM) && (cpu->eflags & EFLAGS_AC);
}
enum cpu_result cpu_align_check(struct cpu *cpu, gla_t gla, unsigned len);

/* Are len bytes at offset within the segment's limit? */
bool cpu_seg_within(const struct cpu_segment *s, gva_t offset, unsigned len);

/* --- Events: emu/cpu/deliver.c (SDM 3A 6) */

enum cpu_event_kind {
	EVENT_EXTERNAL,
	EVENT_NMI,
	EVENT_EXCEPTION, /* a fault: RF is saved set */
	EVENT_TRAP,	 /* an exception that saves RF as it stands */
	EVENT_SOFT_INT,
	EVENT_SOFT_INT3, /* INT3 and INTO: no IOPL check in V86 mode */
	EVENT_INT1,	 /* no check of the gate's DPL either */
};

/*
 * Delivers vector through the guest's IDT (or real-mode table, with redirection in V86 mode), from
 * cpu->eip as the return address (soft interrupts: eip already past the instruction). On a nested
 * fault does the double-fault algebra of table 6-5. Returns CPU_JUMP, CPU_SHUTDOWN on a triple
 * fault, or CPU_HALT where a processor would deliver for ever (cpu->halted is set, and nothing but
 * a reset ends it); never CPU_FAULT, except for EVENT_SOFT_INT*, where a fault is the instruction's
 * own and is returned undelivered.
 */
enum cpu_result cpu_deliver(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			    u32 error);

/*
 * INT n at CPL 3, from cpu->eip behind it, if it can be delivered without a look at the tables:
 * they are what they were when this gate was used last. False: nothing is done, and cpu_deliver()
 * will do it.
 */
bool cpu_deliver_int(struct cpu *cpu, u8 vector);

/* Delivers cpu->fault (#PF: loads CR2 first). CPU_RETRY: the debugger stops in front of that, and
 * CPU_EVENT_STOP is pending. */
enum cpu_result cpu_deliver_fault(struct cpu *cpu);

/*
 * Between two instructions, in the order of SDM 3A table 6-2: the #DB that is owed behind the last
 * one, then the NMI or interrupt that is pending and can be taken now (vif, shadow), acknowledged.
 * Returns CPU_NEXT if nothing was to do, else as cpu_deliver(). Clears cpu->halted when it
 * delivers.
 */
enum cpu_result cpu_take_due_events(struct cpu *cpu);
static inline enum cpu_result cpu_take_events(struct cpu *cpu)
{
	return cpu->debug_hits | cpu->events ? cpu_take_due_events(cpu) : CPU_NEXT;
}

/* Does something wait for the next boundary, shadows aside? */
static inline bool cpu_must_stop(const struct cpu *cpu)
{
	return cpu->events &&
	       ((cpu->events & (CPU_EVENT_YIELD | CPU_EVENT_STOP)) || cpu_event_due(cpu));
}

/* Does somebody look at each iteration of a repeated instruction? */
static inline bool cpu_rep_stepped(const struct cpu *cpu)
{
	return (cpu->eflags & EFLAGS_TF) || cpu->stops.stepping;
}

/*
 * Between two iterations of a repeated instruction: must it give way to an event, a single step or
 * a breakpoint? Then RF is set, which such an event saves (SDM 3B 17.3.1.1), and the instruction
 * returns CPU_RETRY.
 */
static inline bool cpu_rep_interrupted(struct cpu *cpu)
{
	if (!cpu_must_stop(cpu) && !cpu_rep_stepped(cpu) && !cpu->debug_hits)
		return false;
	cpu->eflags |= EFLAGS_RF;
	return true;
}

/* --- Breakpoints: emu/cpu/debug.c (SDM 3B 17.2) */

/* DR0..DR3 or DR7 were written: cpu->watch follows, and whoever depends on it is told. */
void cpu_debug_changed(struct cpu *cpu);

/* Would the access meet a breakpoint? */
bool cpu_debug_data_meets(const struct cpu *cpu, gla_t gla, unsigned len, bool write);

/* The accessors' reports: breakpoints that the access meets are added to cpu->debug_hits. */
void cpu_debug_data(struct cpu *cpu, gla_t gla, unsigned len, bool write);
void cpu_debug_port(struct cpu *cpu, u16 port, unsigned size);

/* If an instruction breakpoint is set on cpu->eip and RF and MOV SS do not hold it off, records the
 * #DB: CPU_FAULT, else CPU_NEXT. */
enum cpu_result cpu_debug_fetch(struct cpu *cpu);

/*
 * The #DB that is owed at an instruction boundary: cpu->debug_hits and bits (DR6_BS or 0). Held off
 * after MOV SS (hits are kept, a single step is not). CPU_NEXT if none.
 */
enum cpu_result cpu_debug_trap(struct cpu *cpu, u32 bits);

/*
 * A waiting x87 instruction meets a pending error: #MF, or, with CR0.NE = 0, FERR# to the board,
 * and the instruction waits (CPU_RETRY) for the interrupt whose handler clears the error.
 */
static inline enum cpu_result cpu_fpu_error(struct cpu *cpu)
{
	if (cpu->cr0 & CR0_NE)
		return cpu_raise_noerr(cpu, VEC_MF);
	cpu_env(cpu)->fpu_error(cpu);
	return CPU_RETRY;
}

/*
 * The real FPU's instruction and data pointers, which may lead into translated code and to
 * cpu->scratch, become the guest's. Before an image is made or shown, before translated code goes,
 * and before the guest's code runs natively.
 */
void cpu_own_fpu_pointers(struct cpu *cpu);

/* What RDTSC reads. */
static inline u64 cpu_tsc(struct cpu *cpu)
{
	return cpu_env(cpu)->tsc(cpu) + cpu->msr.tsc_offset;
}

/* RDTSC traps, or means something else than the real one. */
static inline bool cpu_tsc_trapped(const struct cpu *cpu)
{
	return cpu->msr.tsc_offset || ((cpu->cr4 & CR4_TSD) && cpu->cpl);
}

/* --- Hard instructions: emu/cpu/hard*.c */

/*
 * Executes one instruction whose op is a hard one at cpu->eip. On CPU_NEXT and CPU_JUMP eip is the
 * next one's. On CPU_FAULT nothing has changed and eip is still this instruction's.
 */
enum cpu_result cpu_hard_exec(struct cpu *cpu, const struct insn *insn);

/* --- Segments: emu/cpu/descriptor.c */

/* Unpacks descriptor words into the hidden part (sel is set too). Pure. */
void cpu_unpack_descriptor(u16 sel, u32 lo, u32 hi, struct cpu_segment *out);

/* Reads the 8-byte descriptor of sel; #GP(sel) (or vec) beyond the table's limit. gla receives
 * where it lies. */
enum cpu_result cpu_read_descriptor(struct cpu *cpu, u16 sel, u8 vec, u32 desc[2], gla_t *gla);

/* Sets the accessed bit in the table, and in desc, if it is clear. */
enum cpu_result cpu_set_accessed(struct cpu *cpu, u32 desc[2], gla_t gla);

/*
 * A load that passed all its checks passes them again as long as the descriptor is the same, at the
 * same level; a kernel does a dozen such in each system call. The segment, or NULL: not the load
 * that last tells of, or not to be seen without faults.
 */
static inline const struct cpu_segment *cpu_load_known(struct cpu *cpu, const struct cpu_load *last,
						       u16 sel, unsigned cpl)
{
	u32 base = cpu->gdtr.base, limit = cpu->gdtr.limit;
	const u8 *p;
	u64 desc;

	if (last->s.sel != sel || last->cpl != cpl)
		return NULL;
	if (sel & 4) {
		base = cpu->ldtr.base;
		limit = cpu->ldtr.attr & SEG_ATTR_UNUSABLE ? 0 : cpu->ldtr.limit;
	}
	if ((sel | 7u) > limit)
		return NULL;
	p = cpu_lin_direct(cpu, base + (sel & 0xfff8u), 8, ACCESS_READ);
	if (!p)
		return NULL;
	__builtin_memcpy(&desc, p, 8);
	return desc == last->desc ? &last->s : NULL;
}

/* Notes a load from the descriptor (accessed). */
static inline void cpu_note_load(struct cpu_load *last, const u32 desc[2],
				 const struct cpu_segment *s, unsigned cpl)
{
	*last = (struct cpu_load){ desc[0] | (u64)desc[1] << 32, *s, (u8)cpl };
}

/* The places of descriptors and gates are not what they were: GDTR, IDTR, LDTR, TR or the mapping
 * has changed. */
static inline void cpu_tables_moved(struct cpu *cpu)
{
	cpu->table_moves++;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		cpu->again[i].sel = CPU_NO_SELECTOR;
}

/*
 * Loads a segment register in protected mode if it is plain that the load succeeds: null, or what
 * was loaded last at this level from the same descriptor. False: nothing done.
 */
bool cpu_load_segment_again(struct cpu *cpu, enum cpu_seg seg, u16 sel);

/* MOV/POP/LxS to a data segment register or SS, with all checks of the current mode (SDM 2, MOV).
 */
enum cpu_result cpu_load_segment(struct cpu *cpu, enum cpu_seg seg, u16 sel);

/* What a segment register is in V86 mode: 64 KiB at sel * 16, data, DPL 3 (SDM 3B 20.2.1). */
void cpu_set_v86_segment(struct cpu *cpu, enum cpu_seg seg, u16 sel);

/* --- Mode changes */

/* What these registers may hold on this processor: a write of anything else is #GP. cpu_cr0_image()
 * and cpu_dr_image(): with the bits that are fixed, whatever was written. */
u32 cpu_cr0_image(u32 value);
u32 cpu_dr_image(unsigned n, u32 value);
bool cpu_cr0_is_valid(u32 value);
bool cpu_cr4_is_valid(struct cpu *cpu, u32 value);
bool cpu_xcr0_is_valid(struct cpu *cpu, u64 value);
bool cpu_pdpte_is_valid(u64 entry);
bool cpu_pat_is_valid(u64 value);

/* The MSR and CR rules shared by instructions and the monitor's own loaders. CPU_NEXT, CPU_JUMP or
 * CPU_FAULT. */
enum cpu_result cpu_write_cr(struct cpu *cpu, unsigned n, u32 value);
enum cpu_result cpu_write_msr(struct cpu *cpu, u32 index, u64 value);
enum cpu_result cpu_read_msr(struct cpu *cpu, u32 index, u64 *value);
