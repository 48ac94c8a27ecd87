/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging: interface, faults, and what follows from the guest's writes to its tables.
 */
#include "vmm/shadow_internal.h"

#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define PTE_U		 BIT64(2)
#define PTE_P		 BIT64(0)
#define DEAD_ROOT_WRITES 64u

static void protect(void *ctx, gpa_t page, bool on)
{
	if (on)
		shadow_page_restrict(ctx, page, HOST_W | HOST_D, 0);
}

static u64 ram_end(const struct gpmem *m)
{
	u64 end = 0;

	for (unsigned i = 0; i < m->regions; i++)
		if (m->region[i].kind == GPMEM_RAM)
			end = MAX(end, m->region[i].start + m->region[i].size);
	return end;
}

struct shadow *shadow_create(struct cpu *cpu, const struct shadow_host *host)
{
	struct shadow *s = mem_alloc(sizeof(*s));

	if (!s)
		return NULL;
	s->cpu = cpu;
	s->host = *host;
	s->rmap_pages = (u32)(ram_end(cpu->mem) >> PAGE_SHIFT);
	s->table = mem_alloc(TABLE_MAX * sizeof(*s->table));
	s->leaf_page = mem_alloc(TABLE_MAX * sizeof(*s->leaf_page));
	s->node = mem_alloc(TABLE_MAX * sizeof(*s->node));
	s->rmap = mem_alloc(s->rmap_pages * sizeof(*s->rmap));
	s->clean = mem_alloc(s->rmap_pages / 8 + 1);
	if (!s->table || !s->leaf_page || !s->node || !s->rmap || !s->clean) {
		shadow_destroy(s);
		return NULL;
	}
	memset(s->rmap, 0xff, s->rmap_pages * sizeof(*s->rmap));
	memset(s->hash, 0xff, sizeof(s->hash));
	s->free_table = s->node_free = NO_INDEX;
	cpu->mem->watcher[1].written = shadow_tables_written;
	cpu->mem->watcher[1].ctx = s;
	cpu->mem->protect = protect;
	cpu->mem->protect_ctx = s;
	return s;
}

void shadow_flush(struct shadow *s)
{
	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (!r->used)
			continue;
		if (r != s->current) {
			shadow_root_drop(s, r);
			continue;
		}
		for (int d = 0; d < 4; d++)
			memset(r->pd[d], 0, PAGE_SIZE);
	}
	for (u32 i = 0; i < s->tables; i++)
		if (s->table[i].host)
			shadow_table_drop(s, &s->table[i]);
	s->generation[0]++;
	s->generation[1]++;
	s->stats.pool_flushes++;
	s->host.tlb_flush_all(s->host.ctx);
}

void shadow_destroy(struct shadow *s)
{
	if (s->rmap && s->table && s->node) {
		s->current = NULL;
		shadow_flush(s);
		for (u32 i = 0; i < s->node_chunks; i++)
			s->host.page_free(s->host.ctx, s->node[i]);
	}
	for (u32 i = 0; s->leaf_page && i < TABLE_MAX; i++)
		mem_free(s->leaf_page[i]);
	mem_free(s->table);
	mem_free(s->leaf_page);
	mem_free(s->node);
	mem_free(s->rmap);
	mem_free(s->clean);
	mem_free(s);
}

/* Do all regions where code was noted have the same PD entries in both roots? */
static bool same_code(const struct shadow *s, const struct root *a, const struct root *b,
		      unsigned cpl3)
{
	if (!a || !b || a == b)
		return a == b;
	for (unsigned w = 0; w < 64; w++) {
		for (u32 bits = s->noted[cpl3][w]; bits; bits &= bits - 1) {
			unsigned region = w * 32 + (unsigned)__builtin_ctz(bits);

			if (a->pd[region / 512][region % 512] != b->pd[region / 512][region % 512])
				return false;
		}
	}
	return true;
}

static u64 link_region(struct shadow *s, struct root *r, gla_t gla);

/* A region that is not linked yet in the new root says nothing; link it as a fault would. */
static void link_noted(struct shadow *s, struct root *r, unsigned cpl3)
{
	for (unsigned w = 0; w < 64; w++)
		for (u32 bits = s->noted[cpl3][w]; bits; bits &= bits - 1)
			link_region(s, r, (w * 32 + (u32)__builtin_ctz(bits)) << 21);
}

hpa_t shadow_root(struct shadow *s, enum shadow_view view)
{
	struct root *old = s->current, *r = shadow_root_get(s, view);

	ASSERT(r);
	if (r != old) {
		for (unsigned cpl3 = 0; cpl3 < 2; cpl3++) {
			link_noted(s, r, cpl3);
			if (!old || !old->used || !same_code(s, old, r, cpl3)) {
				s->generation[cpl3]++;
				memset(s->noted[cpl3], 0, sizeof(s->noted[cpl3]));
			}
		}
	}
	s->current = r;
	return s->host.hpa(s->host.ctx, r->pml4);
}

/* --- Filling
 * ------------------------------------------------------------------------------------------------------
 */

/* The table that serves gla by the guest's walk w; NULL: pool empty. */
static struct table *table_for(struct shadow *s, u32 role, const struct pagewalk *w, gla_t gla)
{
	bool pae = role & ROLE_PAE;
	gpa_t source;

	if (!(role & ROLE_PAGING))
		return shadow_table_get(s, (gla & s->cpu->a20_mask) & ~(gpa_t)0x1fffff, role);

	u64 pde = w->entries[0];

	if (pde & BIT64(1))
		role |= ROLE_W;
	if (pde & PTE_U)
		role |= ROLE_U;
	if (!(pde & HOST_NX))
		role |= ROLE_X;
	if (w->page_size != PAGE_SIZE) {
		source = (w->gpa & ~(gpa_t)0x1fffff) |
			 (pde & 0x40 ? 0x800 : 0); /* the dirty bit decides on W */
		return shadow_table_get(s, source, role | ROLE_LARGE);
	}
	source = pae ? pde & 0xffffff000ull : (pde & 0xfffff000) | ((gla >> 21 & 1) ? 0x800 : 0);
	return shadow_table_get(s, source, role);
}

static void link_table(struct shadow *s, struct root *r, gla_t gla, struct table *t)
{
	u64 *e = &r->pd[gla >> 30][gla >> 21 & 511];
	u64 value = s->host.hpa(s->host.ctx, t->host) | HOST_P | HOST_W | HOST_U | HOST_A;

	if (*e == value)
		return;
	if (*e & HOST_P)
		s->host.tlb_flush_all(s->host.ctx);
	*e = value;
	t->links++;
}

static u64 link_region(struct shadow *s, struct root *r, gla_t gla)
{
	struct pagewalk w;
	struct table *t;
	u64 *e = &r->pd[gla >> 30][gla >> 21 & 511];

	if (*e & HOST_P)
		return *e;
	if (cpu_probe(s->cpu, gla, ACCESS_READ, &w) && w.levels < 2)
		return 0;
	t = table_for(s, r->role, &w, gla);
	if (t)
		link_table(s, r, gla, t);
	return *e;
}

static u64 leaf_value(struct shadow *s, u32 role, const struct pagewalk *w, gpa_t page,
		      const void *hva, unsigned access, bool rom)
{
	u64 v = (s->host.hpa(s->host.ctx, hva) & HOST_ADDRESS) | HOST_P | HOST_A;
	bool user = w->user, writable = w->writable;

	/* CR0.WP=0: the kernel writes read-only pages; then such a page is the kernel's alone until
	 * a program touches it. */
	if (!(role & ROLE_WP) && !writable && (access & ACCESS_WRITE) && !(access & ACCESS_USER)) {
		writable = true;
		user = false;
	}
	if (writable && w->dirty && !rom && !gpmem_watches(s->cpu->mem, page))
		v |= HOST_W | HOST_D;
	if (user || (role & ROLE_USER_VIEW))
		v |= HOST_U;
	if (s->host.have_nx &&
	    (!w->executable || (!user && !shadow_clean_bit(s, page)) || (user && !w->user)))
		v |= HOST_NX;
	return v;
}

static enum env_pf fill(struct shadow *s, struct root *r, gla_t gla, unsigned access,
			const struct pagewalk *w, const void *hva, bool rom)
{
	gpa_t page = w->gpa & PAGE_MASK;
	struct table *t = table_for(s, r->role, w, gla);
	unsigned i = gla >> 12 & 511;
	u64 value;

	if (!t) {
		shadow_flush(s);
		t = table_for(s, r->role, w, gla);
		ASSERT(t);
	}
	link_table(s, r, gla, t);
	value = leaf_value(s, r->role, w, page, hva, access, rom);
	if (t->host[i] & HOST_P)
		s->host.tlb_flush_page(s->host.ctx, gla);
	shadow_leaf_set(s, t, i, value, page);
	if (!(t->host[i] & HOST_P)) { /* no room for the reverse map */
		shadow_flush(s);
		t = table_for(s, r->role, w, gla);
		ASSERT(t);
		link_table(s, r, gla, t);
		shadow_leaf_set(s, t, i, value, page);
	}
	s->stats.faults_filled++;
	return ENV_PF_RESUME;
}

enum env_pf shadow_fault(struct shadow *s, gla_t gla, unsigned access, enum shadow_view view)
{
	struct pagewalk w;
	struct gpmem_region *region;
	gpa_t page;
	void *hva;

	if (cpu_walk(s->cpu, gla, access, &w) != CPU_NEXT) {
		s->stats.faults_guest++;
		return ENV_PF_FAULT;
	}
	page = w.gpa & PAGE_MASK;
	region = gpmem_find(s->cpu->mem, page);
	if (!region || region->kind == GPMEM_MMIO ||
	    ((access & ACCESS_WRITE) && region->kind == GPMEM_ROM) ||
	    ((access & ACCESS_WRITE) && gpmem_watches(s->cpu->mem, page)) ||
	    ((access & ACCESS_EXEC) && !(access & ACCESS_USER) &&
	     (w.user || !shadow_clean_bit(s, page)))) {
		s->stats.faults_slow++;
		return ENV_PF_SLOW;
	}
	hva = gpmem_ptr(s->cpu->mem, page, false);
	return fill(s, s->current ? s->current : shadow_root_get(s, view), gla, access, &w, hva,
		    region->kind == GPMEM_ROM);
}

/* --- What the guest does to its tables
 * ------------------------------------------------------------------------------ */

static void unlink_region(struct shadow *s, struct root *r, unsigned d, unsigned i)
{
	u64 entry = r->pd[d][i];

	if (!(entry & HOST_P))
		return;
	r->pd[d][i] = 0;
	for (u32 t = 0; t < s->tables; t++) {
		if (s->table[t].host &&
		    s->host.hpa(s->host.ctx, s->table[t].host) == (entry & HOST_ADDRESS)) {
			s->table[t].links--;
			break;
		}
	}
	if (s->noted[0][(d * 512 + i) / 32] & BIT(i & 31))
		s->generation[0]++;
	if (s->noted[1][(d * 512 + i) / 32] & BIT(i & 31))
		s->generation[1]++;
	if (r == s->current)
		s->host.tlb_flush_all(s->host.ctx);
}

/* A write to a page that is some root's PD. Returns true if it is one. */
static bool pd_written(struct shadow *s, gpa_t gpa, u32 len)
{
	bool any = false;

	for (unsigned n = 0; n < ROOT_MAX; n++) {
		struct root *r = &s->root[n];
		bool pae = r->role & ROLE_PAE;
		unsigned per = pae ? 8 : 4;

		if (!r->used || !(r->role & ROLE_PAGING))
			continue;
		for (unsigned d = 0; d < (pae ? 4u : 1u); d++) {
			if ((pae && !(r->key[d] & 1)) ||
			    (r->key[d] & HOST_ADDRESS) != (gpa & PAGE_MASK))
				continue;
			for (u32 e = (u32)(gpa & (PAGE_SIZE - 1)) / per;
			     e <= ((u32)(gpa & (PAGE_SIZE - 1)) + len - 1) / per; e++) {
				if (pae) {
					unlink_region(s, r, d, e);
				} else {
					unlink_region(s, r, e * 2 / 512, e * 2 % 512);
					unlink_region(s, r, (e * 2 + 1) / 512, (e * 2 + 1) % 512);
				}
			}
			if (r != s->current && ++r->writes > DEAD_ROOT_WRITES)
				shadow_root_drop(s, r);
			else
				any = true;
			break;
		}
	}
	return any;
}

/* Leaves of every table made from this page. Tables that nothing links to are dropped: the page is
 * data now. */
static bool pt_written(struct shadow *s, gpa_t gpa, u32 len)
{
	bool any = false, flush = false;

	for (u32 n = 0; n < s->tables; n++) {
		struct table *t = &s->table[n];
		bool pae = t->role & ROLE_PAE;
		unsigned per = pae ? 8 : 4;

		if (!t->host || !(t->role & ROLE_PAGING) || (t->role & ROLE_LARGE) ||
		    (t->source & PAGE_MASK) != (gpa & PAGE_MASK))
			continue;
		if (!t->links) {
			shadow_table_drop(s, t);
			continue;
		}
		any = true;
		for (u32 e = (u32)(gpa & (PAGE_SIZE - 1)) / per;
		     e <= ((u32)(gpa & (PAGE_SIZE - 1)) + len - 1) / per; e++) {
			u32 i = pae ? e : e & 511;

			if (!pae && (e >> 9) != (t->source >> 11 & 1))
				continue;
			flush |= (t->host[i] & HOST_P) != 0;
			shadow_leaf_clear(s, t, i);
		}
	}
	if (flush)
		s->host.tlb_flush_all(s->host.ctx);
	return any;
}

void shadow_tables_written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow *s = ctx;
	bool pd = pd_written(s, gpa, len), pt = pt_written(s, gpa, len);

	s->stats.tracked_writes++;
	if (!pd && !pt)
		gpmem_unwatch(s->cpu->mem, gpa, GPMEM_WATCH_TABLE);
}

void shadow_invlpg(struct shadow *s, gla_t gla)
{
	s->host.tlb_flush_page(s->host.ctx,
			       gla); /* tables are never stale here: every write was seen */
}

void shadow_paging_changed(struct shadow *s, unsigned what)
{
	(void)s;
	(void)what;
}

void shadow_set_clean(struct shadow *s, gpa_t page, bool clean)
{
	u64 i = page >> PAGE_SHIFT;

	if (i >= s->rmap_pages)
		return;
	if (clean)
		s->clean[i / 8] |= (u8)BIT(i & 7);
	else
		s->clean[i / 8] &= (u8)~BIT(i & 7);
	shadow_page_zap(s, page & PAGE_MASK);
}

bool shadow_is_clean(struct shadow *s, gpa_t page)
{
	return shadow_clean_bit(s, page);
}

u32 shadow_code_generation(struct shadow *s, unsigned cpl3)
{
	return s->generation[cpl3];
}

void shadow_note_code(struct shadow *s, gla_t gla, unsigned cpl3)
{
	u32 region = gla >> 21;

	s->noted[cpl3][region / 32] |= BIT(region & 31);
}

const struct shadow_stats *shadow_stats(const struct shadow *s)
{
	return &s->stats;
}
