/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptor tables: the 64 KiB GDT and LDT that the real CPU uses while this guest's code
 * runs, mirroring the guest's tables at the same indices. Code and data descriptors: DPL 0 becomes
 * 1, accessed bit pre-set, L cleared, limit cut nowhere (4 GiB is all the guest's); not present
 * ones stay so. System descriptors, gates and conforming code: absent, so that their use traps.
 * Present ones of DPL 1 and 2 are absent too and counted (raw ring 1 is refused while there are
 * any).
 *
 * Guest tables are read through cpu_lin_read with system rights; their pages get GPMEM_WATCH_DESC,
 * and a write to them only marks the table dirty. Synchronised lazily, entry by entry, before raw
 * entry and at a #GP/#NP that names an absent entry.
 */
#pragma once

#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"

struct shadow_desc {
	struct cpu *cpu;
	u64 *gdt;		  /* 8192 entries; the monitor's last ones are never touched */
	u64 *ldt;		  /* 8192 entries */
	u32 gdt_base, ldt_base;	  /* what is mirrored now */
	u32 gdt_limit, ldt_limit; /* bytes; 0 with an empty table */
	bool gdt_dirty, ldt_dirty;
	u32 ring12; /* entries of DPL 1 or 2 seen in the last synchronisation */
	u64 syncs, entries_written, watch_writes;
};

/* gdt, ldt: 64 KiB, zeroed, page-aligned, owned by the caller. Registers the GPMEM_WATCH_DESC
 * watcher. */
void shadow_desc_init(struct shadow_desc *d, struct cpu *cpu, u64 *gdt, u64 *ldt);
void shadow_desc_destroy(struct shadow_desc *d);

/* GDTR/LDTR changed, or paging changed under them: mirror again at the next sync. */
void shadow_desc_invalidate(struct shadow_desc *d);

/* Brings both tables up to date. Returns true if a live entry changed (loaded selectors may need a
 * reload). */
bool shadow_desc_sync(struct shadow_desc *d);

/* The shadow of one descriptor; 0 (absent) if it must trap. Pure. */
u64 shadow_desc_convert(u64 guest);

/* True if loading this guest selector natively would give exactly the hidden part that seg holds:
 * not stale. Pure on the tables. */
bool shadow_desc_matches(const struct shadow_desc *d, const struct cpu_segment *seg);

/* Invariant of docs/isolation.md: no L=1 code, no gate usable from rings 1..3 below the monitor's
 * entries. Used by tests and ASSERTs. */
bool shadow_desc_safe(const u64 *table, unsigned entries);

/* The hidden part that loading sel through the shadow tables gives, as the guest sees it (DPL 1
 * back to 0). Unusable if absent. */
void shadow_desc_lookup(const struct shadow_desc *d, u16 sel, struct cpu_segment *out);
