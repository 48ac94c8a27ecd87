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
 * rmap: per guest RAM page, the list of leaves that map it.
 */
#pragma once

#include "vmm/shadow.h"

#define HOST_P	     BIT64(0)
#define HOST_W	     BIT64(1)
#define HOST_U	     BIT64(2)
#define HOST_A	     BIT64(5)
#define HOST_D	     BIT64(6)
#define HOST_NX	     BIT64(63)
#define HOST_ADDRESS 0x000ffffffffff000ull

#define ROOT_MAX   96u
#define TABLE_MAX  4096u
#define TABLE_HASH 2048u
#define PD_HASH	   256u
/* So many pages leave the TLB one by one; an INVLPG costs about a fortieth of filling the TLB
 * again. */
#define SWITCH_MAX 48u	      /* when the root changes */
#define STALE_MAX  SWITCH_MAX /* when the guest flushes */
#define NO_INDEX   0xffffffffu
#define NO_LINK	   0xffffu
#define MIXED	   0xffffu /* table.region: linked at more than one place */

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

struct table {
	u64 present[512 / 64]; /* which leaves are, */
	u16 leaves;	       /* and how many */
	u64 *host;	       /* NULL: free */
	gpa_t source; /* guest table page + half * 2 KiB; large: frame of the first leaf; no paging:
			 likewise */
	u32 role;
	u32 next;	    /* hash chain */
	u32 links;	    /* host PD entries that point here */
	u16 region;	    /* the 2 MiB of linear space where it was linked, or MIXED */
	u32 code[512 / 32]; /* entries through which code was found */
};

struct root {
	bool used;
	u32 role;
	gpa_t key[4]; /* guest PD pages (PAE: PDPTE values; non-PAE: CR3 in [0]) */
	u64 *pd[4];
	u16 *link; /* table index of each region, NO_LINK if none */
	u64 last_use;
	u32 user_mapping, user_epoch; /* shadow_code_mapping() of CPL 3 */
	u32 writes;		      /* to its PD pages since it was last used */
};

struct rnode {
	u32 next, leaf; /* leaf: table index * 512 + entry */
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
	u32 tables; /* high-water mark */
	u32 free_table;
	u32 hash[TABLE_HASH];
	u32 *rmap; /* per page of RAM below 4 GiB: first node, NO_INDEX if none */
	u32 rmap_pages;
	u32 **leaf_page;     /* per table: which RAM page each leaf maps */
	struct rnode **node; /* chunks of one page */
	u32 node_chunks, node_free;
	u8 *clean; /* bit per page */
	u64 clock;
	/*
	 * What the TLB may hold of leaves that the guest has changed since: right for the guest
	 * until its own INVLPG or CR3 load, but the reverse map does not know of it any more. More
	 * than STALE_MAX: anything.
	 */
	gla_t stale[STALE_MAX];
	unsigned stales;
	u32 mappings;	    /* numbers given out by shadow_code_mapping() */
	u32 kernel_mapping; /* of CPL 0..2 */
	u32 user_epoch;	    /* moves when user mappings of all roots get new numbers */
	u32 noted[64];	    /* 2048 regions of 2 MiB in which code of CPL 0..2 was found */
	/* Which roots have a guest PD, by hash of its page: chains of root * 4 + PD, plus 1. */
	u16 pd_first[PD_HASH], pd_next[ROOT_MAX * 4 + 1];
	struct shadow_stats stats;
};

u32 shadow_role(const struct cpu *cpu, enum shadow_view view);
/* The table of (source, role), made if need be; NULL when the pool is empty. */
struct table *shadow_table_get(struct shadow *s, gpa_t source, u32 role);
void shadow_table_drop(struct shadow *s, struct table *t);
/* The first table made from the guest page of gpa; shadow_table_next() goes on. */
struct table *shadow_table_first(struct shadow *s, gpa_t gpa);
struct table *shadow_table_next(struct shadow *s, struct table *t);
/* False: no room for the reverse map, the leaf is absent. */
bool shadow_leaf_set(struct shadow *s, struct table *t, unsigned i, u64 value, gpa_t page);
void shadow_leaf_clear(struct shadow *s, struct table *t, unsigned i);
void shadow_tlb_flush_leaf(struct shadow *s, const struct table *t, unsigned i);
void shadow_tlb_flush_all(struct shadow *s);
void shadow_tlb_flush_page(struct shadow *s, gla_t gla);
/* The leaf was changed by the guest: it need not leave the TLB at once. */
void shadow_tlb_stale_leaf(struct shadow *s, const struct table *t, unsigned i);
/* The first of the chain above, from n on (0: from the start) whose PD is this guest page; 0: none.
 */
unsigned shadow_pd_find(const struct shadow *s, gpa_t page, unsigned n);
void shadow_tlb_flush_table(struct shadow *s, unsigned region, const struct table *t);
void shadow_unlink(struct shadow *s, struct root *r, unsigned region);
/* Makes r's address space the processor's, in place of old's (NULL: nobody's). */
void shadow_switch(struct shadow *s, const struct root *old, struct root *r);
/* The table of a region, linked if the guest's present tables have one; NO_LINK if not. */
u16 shadow_link_region(struct shadow *s, struct root *r, gla_t gla);
/* The pages under CR3. False: no memory. */
bool shadow_create_top(struct shadow *s);
/* Every leaf of a page's list becomes absent (the mapping is the same when it is filled again), or
 * only loses rights. */
void shadow_page_refill(struct shadow *s, gpa_t page);
void shadow_page_restrict(struct shadow *s, gpa_t page, u64 clear, u64 set);
bool shadow_clean_bit(const struct shadow *s, gpa_t page);
struct root *shadow_root_get(struct shadow *s, enum shadow_view view);
void shadow_root_drop(struct shadow *s, struct root *r);
void shadow_tables_written(void *ctx, gpa_t gpa, u32 len);
/* What a leaf says where the guest's walk was w, for this access. */
u64 shadow_leaf_value(struct shadow *s, u32 role, const struct pagewalk *w, gpa_t page,
		      const void *hva, unsigned access, bool rom);
/* Mappings of code: an entry changed through which code was found (region, or MIXED); the root
 * changed; a root lost a region. */
void shadow_code_moved(struct shadow *s, u16 region);
void shadow_code_switched(struct shadow *s, const struct root *old, struct root *r);
void shadow_code_region_gone(struct shadow *s, struct root *r, unsigned region);
