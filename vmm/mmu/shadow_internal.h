/* SPDX-License-Identifier: MIT */
/*
 * Inside shadow paging.
 *
 * root: one guest address space in one role and view: four PDs of the host. One PML4 and PDPT serve
 * all roots of a virtual CPU: a switch writes PDPT entries, and pages that are mapped differently
 * leave the TLB one by one, if they are few. The kernel's, which both map alike, stay: loading CR3
 * would empty the TLB of the monitor's, too.
 *
 * table: one host page table (512 leaves, 2 MiB): made from half a guest page table (non-PAE), a
 * whole one (PAE), or part of a large page; shared by all roots that reach the same guest table
 * with the same rights.
 *
 * rmap: per guest RAM page, the list of leaves that map it, linked both ways through the tables'
 * second pages. Every change of a leaf is of constant cost. What concerns all leaves of a page is
 * bounded by LIST_MAX, what concerns all tables by evicting a few at a time (shadow_room.c).
 *
 * A write of the guest only marks what it makes useless ("doomed"): roots and tables go at
 * shadow_reap(), where nobody up the stack holds one.
 */
#pragma once

#include "vmm/mmu/shadow.h"

/* An available bit of an entry: writable as soon as nobody watches the page. */
#define PTE_MAY_WRITE BIT64(9)
/* Entries above leaves take no right away: what the guest's do is part of the table's role. */
#define PTE_ALL (PTE_P | PTE_W | PTE_U | PTE_A)

#define ROOT_MAX   96u
#define TABLE_MAX  4096u
#define TABLE_HASH 2048u
#define LIST_MAX   8192u /* leaves of one page: for more, all of them are filled again */
#define ROLES_MAX  32u	 /* tables made from one guest page */
#define PD_HASH	   256u
/* So many pages leave the TLB one by one; an INVLPG costs about a fortieth of filling the TLB
 * again. */
#define SWITCH_MAX  48u	       /* when the root changes */
#define STALE_MAX   SWITCH_MAX /* when the guest flushes */
#define DIFFERS_MAX 8u	       /* regions of which a switch knows that they differ */
#define NO_INDEX    0xffffffffu
#define NO_LINK	    0xffffu
#define MIXED	    0xffffu /* table.region: linked at more than one place */

#define ROLE_PAE       BIT(0)
#define ROLE_PAGING    BIT(1)
#define ROLE_WP	       BIT(2)
#define ROLE_NXE       BIT(3)
#define ROLE_PSE       BIT(4)
#define ROLE_USER_VIEW BIT(5)
#define ROLE_A20_OFF   BIT(10)
/* of a table only: rights above it */
#define ROLE_W	   BIT(6)
#define ROLE_U	   BIT(7)
#define ROLE_X	   BIT(8)
#define ROLE_LARGE BIT(9)

/*
 * In the list of leaves that map one page. A leaf's number is table * 512 + entry.
 *
 *     rmap[page] -> leaf <-> leaf <-> leaf -> NO_INDEX
 *                    |
 *                    prev = LIST_FIRST | page
 *
 * prev is NO_INDEX where the page is none of RAM's.
 */
struct leaf {
	u32 next, prev;
};
#define LIST_FIRST BIT(31)

struct table {
	u64 present[512 / 64]; /* which leaves are, */
	u16 leaves;	       /* and how many */
	u64 *host;	       /* NULL: free */
	struct leaf *leaf;     /* of the same index: its place in the list of its page */
	gpa_t source; /* guest table page + half * 2 KiB; large: frame of the first leaf; no paging:
			 likewise */
	u32 role;
	u32 next;	    /* hash chain */
	u32 links;	    /* host PD entries that point here */
	bool doomed;	    /* found no more: free_doomed() ends it */
	u16 region;	    /* the 2 MiB of linear space where it was linked, or MIXED */
	u32 code[512 / 32]; /* entries through which code was found */
};

struct root {
	bool used, doomed;
	u32 role;
	gpa_t key[4]; /* guest PD pages (PAE: PDPTE values; non-PAE: CR3 in [0]) */
	u64 *pd[4];
	u64 pdpte[4]; /* which lead there */
	u16 *link;    /* table index of each region, NO_LINK if none */
	u32 groups;   /* of 64 regions in which one was ever linked */
	/*
	 * From ahead_of there was a switch to this root, and the kernel's code was compared with
	 * same_as. Both hold as long as no link, no root and no note of code is another.
	 */
	const struct root *ahead_of, *same_as;
	u64 ahead_at, same_at; /* shadow.links_changed then */
	bool same;
	u16 differs[DIFFERS_MAX]; /* the regions that ahead_of links elsewhere; */
	unsigned differing;	  /* more than DIFFERS_MAX: not all are listed */
	u64 last_use;
	u32 user_mapping, user_epoch; /* shadow_code_mapping() of CPL 3 */
	u32 writes;		      /* to its PD pages since it was last used */
};

/* A present entry that the guest has changed: what its leaf said (0: it has been flushed since). */
#define OLD_MAX 256u
struct shadow_old {
	gla_t page;
	u32 large; /* bytes of the guest's page */
	u64 leaf;
	bool global;
};

struct shadow {
	struct cpu *cpu;
	u64 *pml4, *pdpt; /* what CR3 holds; the PDPT names the current root's PDs */
	bool alias;	  /* PDPT[4..7] are in use */
	struct shadow_host host;
	struct root root[ROOT_MAX];
	struct root *current;
	struct root *active[VIEW_COUNT]; /* for the CPU's present registers, as far as known */
	struct table *table;
	u32 table_max, tables; /* how many there may be, and were at most */
	u32 free_table, doomed_table;
	u32 doomed_roots;
	u32 hand; /* the table that is looked at first when room is made */
	u32 hash[TABLE_HASH];
	u32 *rmap;  /* per page of RAM, then of windows above it: first leaf, NO_INDEX if none */
	u16 *added; /* per page: leaves added since its list was empty */
	u32 ram_pages, rmap_pages;
	u8 *clean; /* bit per page of RAM */
	u64 clock;
	/*
	 * What the TLB may hold of leaves that the guest has changed since: right for the guest
	 * until its own INVLPG or CR3 load, but the reverse map does not know of it any more. More
	 * than STALE_MAX: anything.
	 */
	gla_t stale[STALE_MAX];
	unsigned stales;
	struct shadow_old old[OLD_MAX]; /* if host.notes_old; the oldest are overwritten */
	unsigned olds;			/* notes since the list was empty, 2 * OLD_MAX at most */
	gla_t hidden[SHADOW_HIDDEN];	/* shadow_hide(): so many as a whole, */
	unsigned hiddens, barred;	/* and behind them so many from fetches */
	u64 links_changed;		/* times; and roots, and notes of code */
	u32 mappings;			/* numbers given out by shadow_code_mapping() */
	u32 kernel_mapping;		/* of CPL 0..2 */
	const struct root *kernel_root; /* has it; NULL: none is known to */
	bool unnoted;			/* code was found through a translation that no table has */
	u32 user_epoch;			/* moves when user mappings of all roots get new numbers */
	u32 noted[64]; /* 2048 regions of 2 MiB in which code of CPL 0..2 was found */
	/* Which roots have a guest PD, by hash of its page: chains of root * 4 + PD, plus 1. */
	u16 pd_first[PD_HASH], pd_next[ROOT_MAX * 4 + 1];
	struct shadow_stats stats;
};

/* Pages that leave the TLB in one operation: more than SWITCH_MAX leave it with all others, at the
 * end. */
struct tlb_flush {
	u32 pages;
};

/*
 * The files, lowest first; each calls those before it. shadow_fault.c is the top: what faulted is
 * filled there.
 */

/* --- The TLB: shadow_tlb.c */

void shadow_tlb_flush_all(struct shadow *s);
void shadow_tlb_flush_page(struct shadow *s, gla_t gla);
void shadow_tlb_flush_leaf(struct shadow *s, const struct table *t, unsigned i,
			   struct tlb_flush *f);
void shadow_tlb_flush_table(struct shadow *s, unsigned region, const struct table *t,
			    struct tlb_flush *f);
/* And the PD entry that led to it. */
void shadow_tlb_flush_link(struct shadow *s, unsigned region, const struct table *t,
			   struct tlb_flush *f);
void shadow_tlb_flush_end(struct shadow *s, const struct tlb_flush *f);
/* The leaf was changed by the guest: it need not leave the TLB at once. */
void shadow_tlb_stale_leaf(struct shadow *s, const struct table *t, unsigned i);

/* --- Tables and leaves: shadow_table.c */

/* The table of (source, role); NULL: there is none. */
struct table *shadow_table_find(struct shadow *s, gpa_t source, u32 role);
/* Makes it, where there is none; NULL when the pool is empty. */
struct table *shadow_table_make(struct shadow *s, gpa_t source, u32 role);
/* Nothing links to it: it is found no more. */
void shadow_table_doom(struct shadow *s, struct table *t);
/* A doomed one ends. */
void shadow_table_free(struct shadow *s, struct table *t);
/* The first table made from the guest page of gpa; shadow_table_next() goes on. */
struct table *shadow_table_first(struct shadow *s, gpa_t gpa);
struct table *shadow_table_next(struct shadow *s, struct table *t);
void shadow_leaf_set(struct shadow *s, struct table *t, unsigned i, u64 value, gpa_t page);
void shadow_leaf_clear(struct shadow *s, struct table *t, unsigned i);
/* Every leaf of a page's list becomes absent (the mapping is the same when it is filled again), or
 * only loses rights. */
void shadow_page_refill(struct shadow *s, gpa_t page);
/* Of pages in a row, of one region: costs little where nothing is mapped. */
void shadow_pages_refill(struct shadow *s, gpa_t first, u32 pages);
void shadow_page_restrict(struct shadow *s, gpa_t page, u64 clear, u64 set);
/* Nobody watches it any more: its leaves get back the right to write. */
void shadow_page_release(struct shadow *s, gpa_t page);
bool shadow_clean_bit(const struct shadow *s, gpa_t page);

/* --- Mappings of code that changed: shadow_code.c */

bool shadow_code_noted(const struct shadow *s, unsigned region);
/* Kernel code is found through another mapping from now on. */
void shadow_code_new_kernel(struct shadow *s);
/* An entry changed through which code was found (region, or MIXED); a root lost a region; the guest
 * flushed its TLB, of a page at least. */
void shadow_code_moved(struct shadow *s, u16 region);
void shadow_code_region_gone(struct shadow *s, struct root *r, unsigned region);
void shadow_code_flushed(struct shadow *s);

/* --- Hidden pages: shadow_hide.c */

/* Does shadow_hide() keep this leaf of a table absent? Or code from being fetched there? */
bool shadow_hides(const struct shadow *s, const struct table *t, unsigned i);
bool shadow_bars(const struct shadow *s, const struct table *t, unsigned i);
/* The hidden pages of a root that runs, or is about to, have no leaves. */
void shadow_hide_in(struct shadow *s, const struct root *r);

/* --- Roots: shadow_root.c */

/* The first of the chain above, from n on (0: from the start) whose PD is this guest page; 0: none.
 */
unsigned shadow_pd_find(const struct shadow *s, gpa_t page, unsigned n);
/* The guest's PDs of a root are watched, and found by their page. */
void shadow_root_note_pds(struct shadow *s, const struct root *r, bool on);
void shadow_unlink(struct shadow *s, struct root *r, unsigned region);
/* The pages under CR3. False: no memory. */
bool shadow_create_top(struct shadow *s);
/* The pages of a root, which links nothing. False: no memory. */
bool shadow_root_build(struct shadow *s, struct root *r);
/* The one unused for longest, of those that are not in use; NULL if all are. */
struct root *shadow_root_oldest(struct shadow *s);
void shadow_root_drop(struct shadow *s, struct root *r);
/* As that, where the tables that it links to go as well. */
void shadow_root_free(struct shadow *s, struct root *r);

/* --- Room: shadow_room.c */

/* What is doomed goes. */
void shadow_reap(struct shadow *s);
/* Gives up some of what can be made again, but no root in use. False: there is nothing. */
bool shadow_make_room(struct shadow *s);
/* Takes a table out of use wherever it is linked. */
void shadow_table_evict(struct shadow *s, struct table *t);

/* --- Leaves: shadow_leaf.c */

/* What a leaf says where the guest's walk was w, for this access. */
u64 shadow_leaf_value(struct shadow *s, u32 role, const struct pagewalk *w, gpa_t page,
		      const void *hva, unsigned access, bool rom);

/* --- Regions: shadow_link.c */

/* The table that serves gla by the guest's walk w; NULL: the pool is empty. */
struct table *shadow_table_for(struct shadow *s, u32 role, const struct pagewalk *w, gla_t gla);
void shadow_link_table(struct shadow *s, struct root *r, gla_t gla, struct table *t);
/* The table of a region, linked if the guest's present tables have one; NO_LINK if not. */
u16 shadow_link_region(struct shadow *s, struct root *r, gla_t gla);

/* --- Numbers of mappings of code: shadow_mapping.c */

/* The root changed. */
void shadow_code_switched(struct shadow *s, struct root *r);

/* --- The root that is shown: shadow_switch.c */

u32 shadow_role(const struct cpu *cpu, enum shadow_view view);
/* NULL: the quota does not hold one more, whatever else is given up. */
struct root *shadow_root_get(struct shadow *s, enum shadow_view view);
/* Makes r's address space the processor's, in place of old's (NULL: nobody's). */
void shadow_switch(struct shadow *s, const struct root *old, struct root *r);
/* No address space is the processor's. */
void shadow_switch_to_none(struct shadow *s);

/* --- What the guest writes: shadow_write.c */

void shadow_tables_written(void *ctx, gpa_t gpa, u32 len);

/* --- What the guest has changed and not flushed: shadow_old.c */

/* As shadow_tables_written(), with a note of each translation that changes. */
void shadow_old_written(void *ctx, gpa_t gpa, u32 len);
void shadow_old_flush_page(struct shadow *s, gla_t gla);
