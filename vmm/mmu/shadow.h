/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging: the host page tables under which one virtual CPU's guest code runs (raw and
 * recompiled).
 *
 * A root exists per guest CR3 and role; one PML4 shows the current one: its lower 4 GiB are the
 * guest's linear space, the next 4 GiB the same again (PDPT[4..7] = PDPT[0..3], from the first
 * access on that wraps: shadow_use_alias()), PDPT[8] stays absent, PML4[256..511] are the
 * monitor's. Tables are cached per guest table page and role. All pages come from the VM's pool
 * with a quota: when it is exhausted, some of this VM's tables are given up.
 *
 * Rights in a leaf: P, W (only if the guest page is writable, dirty and unwatched), U from the
 * guest's U/S, NX from the guest's NX, and NX too on supervisor pages that are not marked clean for
 * raw ring 1 (shadow_set_clean()). Views: VIEW_KERNEL maps everything; VIEW_USER maps only what CPL
 * 3 may see (translated CPL 3 code runs in ring 0, where U/S protects nothing). CR0.WP=0 is a role.
 *
 * Host-testable: memory comes through struct shadow_host, and the INVLPG/CR3 instructions are
 * hooks.
 */
#pragma once

#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"

struct shadow;

struct shadow_host {
	/* One zeroed 4 KiB page, NULL when the quota is used up. */
	void *(*page_alloc)(void *ctx);
	void (*page_free)(void *ctx, void *page);
	hpa_t (*hpa)(void *ctx, const void *hva); /* of pool pages and guest RAM */
	/* This linear page must leave the TLB, if the CPU is loaded. */
	void (*tlb_flush_page)(void *ctx, u64 linear);
	/* CR3 must be reloaded to flush the TLB, if the CPU is loaded. */
	void (*tlb_flush_all)(void *ctx);
	/* Upper half of every root: 256 entries to copy. */
	const u64 *monitor_pml4;
	bool have_nx;
	/*
	 * NULL: the guest's TLB is architectural, and forgets by INVLPG and control registers only.
	 * Else it is coherent: what is written to tables counts at once, and this is called when
	 * the shadow has followed, since shadow_code_mapping() may be another.
	 */
	void (*tables_followed)(void *ctx);
	/* shadow_uses_old() shall know of changes; with tables_followed only. */
	bool notes_old;
	/* Pages that page_alloc() gives at most. */
	u64 quota;
	/* This VM cannot go on. Called at most with every page of the quota in use for one
	 * instruction. */
	void (*kill)(void *ctx, const char *why);
	void *ctx;
};

struct shadow_stats {
	u64 roots_created, roots_reused, roots_switched, switch_pages, switch_all, tables_created,
		tables_flushed, pool_flushes, evictions;
	u64 faults_filled, faults_guest, faults_slow, tracked_writes, prefetched;
	u64 pages_used; /* of the pool */
};

enum shadow_view { VIEW_KERNEL, VIEW_USER, VIEW_COUNT };

/* Registers itself with cpu->mem (GPMEM_WATCH_TABLE, protect hook). NULL when out of memory. */
struct shadow *shadow_create(struct cpu *cpu, const struct shadow_host *host);
void shadow_destroy(struct shadow *s);

/*
 * Shows the root for the CPU's present CR0/CR3/CR4/EFER and the view, flushing from the TLB what is
 * not its own. Returns what the real CR3 must hold, which is always the same. If the quota does not
 * hold it, whatever else is given up, nothing is shown, and the VM killed.
 */
hpa_t shadow_root(struct shadow *s, enum shadow_view view);
/* Is that root shown already, without any of these changed since? */
bool shadow_is_current(const struct shadow *s, enum shadow_view view);

/*
 * Resolves a host #PF at gla. access: ACCESS_* (USER by the virtual CPL; EXEC for raw fetches only:
 * translated code never fetches through the shadow). Sets the guest's A/D bits. ENV_PF_RESUME:
 * filled. ENV_PF_FAULT: cpu->fault says what to inject. ENV_PF_SLOW: device memory, ROM write, or
 * write to a watched page. An instruction fetch from a page that is mapped but not clean returns
 * ENV_PF_SLOW too.
 */
enum env_pf shadow_fault(struct shadow *s, gla_t gla, unsigned access);

/* The guest executed INVLPG; wrote CR0, CR3, CR4 or EFER, or A20 changed. */
void shadow_invlpg(struct shadow *s, gla_t gla);
/* The guest flushed its TLB, and shadow_root() is the root that is loaded already: what the guest
 * changed leaves the TLB. */
void shadow_flush_stale(struct shadow *s);
void shadow_paging_changed(struct shadow *s);
/* All translations are flushed, or all but global ones. */
void shadow_flush_old(struct shadow *s, bool globals);

/*
 * Would this access have been another one by a translation that the guest has changed and not
 * flushed? now: where it leads; NULL: it faults. Such an access is ENV_PF_SLOW, so that it is asked
 * for again where the guest's state is complete; then the note goes by shadow_old_told().
 */
bool shadow_uses_old(struct shadow *s, gla_t gla, unsigned access, const struct pagewalk *now);
void shadow_old_told(struct shadow *s, gla_t gla);

/* Page (guest-physical) became fit, or unfit, for raw ring-1 execution: existing leaves change
 * their NX. */
void shadow_set_clean(struct shadow *s, gpa_t page, bool clean);
bool shadow_is_clean(struct shadow *s, gpa_t page);

/*
 * The number of the linear mapping through which code is executed at CPL 3, or at CPL 0..2, for
 * recomp_set_mapping(). CPL 3: each root has its own. CPL 0..2: one for all roots that agree on the
 * regions where code was found (shadow_note_code()); it holds while VIEW_KERNEL is shown. A new
 * number when a mapping of translated code is removed or changed.
 */
u32 shadow_code_mapping(struct shadow *s, bool cpl3);
void shadow_note_code(struct shadow *s, gla_t gla, bool cpl3);

/* A fault at 4 GiB + gla: an access wraps at 4 GiB. True: it can be tried again; false: it is a
 * fault like one at gla. */
bool shadow_use_alias(struct shadow *s);

/*
 * From now on accesses to these linear pages, and to no others for that reason, are ENV_PF_SLOW;
 * and so are fetches from the pages code, which the processor sees as no-execute. A processor that
 * knows no such pages has them hidden altogether. SHADOW_HIDDEN in all at most.
 */
#define SHADOW_HIDDEN (4 + CPU_STOP_PAGES + CPU_STOPS)
void shadow_hide(struct shadow *s, const gla_t *page, unsigned pages, const gla_t *code,
		 unsigned codes);

/* Drops every table (reset). */
void shadow_flush(struct shadow *s);

/* NULL, or what is wrong with a page that CPL 3 could reach in the root that is shown, at *gla. */
const char *shadow_user_wrong(struct shadow *s, gla_t *gla);

/* The host's entries for a linear address in the root that is shown, 0 where there are none. */
void shadow_look(const struct shadow *s, gla_t gla, u64 *pde, u64 *pte);

const struct shadow_stats *shadow_stats(const struct shadow *s);
