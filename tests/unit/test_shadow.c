/* SPDX-License-Identifier: MIT */
/*
 * Shadow paging against the guest's own tables, by its interface only (vmm/mmu/shadow.h).
 *
 * A random guest lives on a model of the processor (shadow_fixture.h): it writes its page tables
 * (through the accessors, and straight into memory where the shadow let it), touches memory, loads
 * CR0, CR3, CR4 and EFER, executes INVLPG, changes its CPL; around it pages become watched,
 * unwatched, clean and unclean, hidden, tables are flushed and the pool runs dry. After each step
 *
 *   - every shadow mapping, and every TLB entry made from one, allows no more than the guest's
 *     tables do and leads to the same byte; where the guest wrote an entry and has not executed
 *     INVLPG or loaded CR3 since, the old mapping may live on (SDM 3A 4.10.4.3), but not in those
 *     worlds whose TLB is coherent;
 *   - no mapping whatever leads out of the guest's memory, writes to ROM or to a watched page, lets
 *     ring 1 fetch from a page that is not clean, is global, lies above 8 GiB, is of a hidden
 *     page, or lets code be fetched from a barred one;
 *   - shadow_user_wrong(), by which a running monitor looks at that, finds nothing either;
 *   - an access that the guest's tables allow gets through after its faults are filled, and one
 *     that they forbid ends in #PF with the right error code.
 *
 * Alone: make build/unit/test_shadow && build/unit/test_shadow [worlds [seed]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/random.h"
#include "tests/unit/shadow_world.h"

#define STEPS 4000u

static unsigned worlds = 60, first_seed = 1;
static struct world *the_world;

/* --- The guest */

/* Few addresses, many meetings: ends and beginnings of tables in both formats. */
static gla_t random_gla(void)
{
	static const u32 directory[] = { 0, 1, 2, 0x200, 0x2ff, 0x300, 0x3ff },
			 table[] = { 0, 1, 0x1ff, 0x200, 0x201, 0x3ff };

	return directory[rnd() % ARRAY_SIZE(directory)] << 22 |
	       table[rnd() % ARRAY_SIZE(table)] << 12 | (u32)(rnd() & 0xffc);
}

static u64 random_entry(bool pae)
{
	u64 e = rnd() & 0xf7f;

	if (!one_in(8))
		e |= one_in(4) ? 1 : 7;
	if (one_in(3))
		e |= GUEST_ANY_AD;
	if (one_in(5)) /* a large page, or the PAT bit of a small one */
		return e | 0x80 | rnd() % 4 << 21;
	if (one_in(2))
		e |= (TABLE_FIRST + rnd() % TABLE_PAGES) << PAGE_SHIFT;
	else
		e |= rnd() % (RAM_PAGES + RAM_PAGES / 64) << PAGE_SHIFT;
	if (one_in(30))
		e = (e & 0xfff) | (one_in(2) ? ROM_START : MMIO_START);
	if (pae && one_in(6))
		e |= BIT64(63);
	if (pae && one_in(100))
		e |= BIT64(50);
	return e;
}

/* Somewhere in a table, and mostly where random_gla() leads. */
static gpa_t random_slot(bool pae)
{
	gla_t gla = random_gla();
	unsigned shift = one_in(2) ? 12 : pae ? 21 : 22;
	u32 slot = pae ? (gla >> shift & 511) * 8 : (gla >> shift & 1023) * 4;

	if (one_in(10))
		slot = (u32)rnd() & 0xffc;
	return ((TABLE_FIRST + rnd() % TABLE_PAGES) << PAGE_SHIFT) + slot;
}

static void note_write(struct world *w, gpa_t gpa, u32 len)
{
	if (w->host.tables_followed) /* nothing ever is stale */
		return;
	for (gpa_t page = gpa >> PAGE_SHIFT; page <= (gpa + len - 1) >> PAGE_SHIFT; page++)
		if (page < RAM_PAGES)
			w->stale[page] = true;
}

static void guest_write(struct world *w, gpa_t gpa, const void *data, u32 len)
{
	note_write(w, gpa, len);
	gpmem_write(&w->mem, gpa, data, len);
}

static void write_entries(struct world *w)
{
	bool pae = one_in(30) ? one_in(2) : w->cpu.cr4 & CR4_PAE;
	u64 e[8];

	w->doing = "writing an entry";
	for (unsigned i = 0; i < ARRAY_SIZE(e); i++)
		e[i] = random_entry(pae);
	if (one_in(12)) /* several, at any alignment, across a page's end too */
		guest_write(w, random_slot(pae) + rnd() % 8, e, 1 + (u32)rnd() % 64);
	else
		guest_write(w, random_slot(pae), e, pae ? 8 : 4);
}

static void write_page(struct world *w)
{
	static u64 e[512];
	bool pae = w->cpu.cr4 & CR4_PAE, zero = one_in(3);

	w->doing = "writing a table";
	for (unsigned i = 0; i < 512; i++) {
		e[i] = random_entry(pae);
		if (!pae)
			e[i] = (e[i] & 0xffffffff) | random_entry(pae) << 32;
		if (zero)
			e[i] = 0;
	}
	guest_write(w, (TABLE_FIRST + rnd() % TABLE_PAGES) << PAGE_SHIFT, e, sizeof(e));
}

static void fill_tables(struct world *w)
{
	for (unsigned i = 0; i < 800; i++)
		write_entries(w);
}

/* Is ENV_PF_SLOW a right answer? */
static bool slow_is_due(struct world *w, gla_t gla, unsigned access)
{
	struct pagewalk p;
	bool ram, rom;

	cpu_probe(&w->cpu, gla, access, &p);
	ram = p.gpa < RAM_SIZE;
	rom = p.gpa >= ROM_START && p.gpa < ROM_START + ROM_SIZE;
	if ((!ram && !rom) || hidden(w, gla) || ((access & ACCESS_EXEC) && barred(w, gla)))
		return true;
	if ((access & ACCESS_WRITE) && (rom || gpmem_watches(&w->mem, p.gpa)))
		return true;
	return (access & ACCESS_EXEC) && !(access & ACCESS_USER) &&
	       (p.user || rom || !w->clean[p.gpa >> PAGE_SHIFT]);
}

/* One #PF. Returns true if the access is to be tried again. */
static bool fault(struct world *w, gla_t gla, unsigned access)
{
	struct pagewalk p;
	u32 error = cpu_probe(&w->cpu, gla, access, &p);
	bool slow = !error && slow_is_due(w, gla, access);

	switch (shadow_fault(w->shadow, gla, access)) {
	case ENV_PF_FAULT:
		CHECK(w, error, "a fault that the guest's tables do not have");
		CHECK(w,
		      w->cpu.fault.vector == VEC_PF && w->cpu.fault.addr == gla &&
			      w->cpu.fault.error == (error & ~BIT(31)),
		      "the wrong fault");
		met.refused++;
		return false;
	case ENV_PF_SLOW:
		CHECK(w, slow || may_be_hidden(w, gla), "slow without a reason");
		met.slow++;
		met.hidden += !slow || hidden(w, gla);
		return false;
	case ENV_PF_RESUME:
		CHECK(w, !error, "the guest's fault was not delivered");
		return true;
	}
	return false;
}

static void store(struct world *w, const struct translation *t, gla_t gla)
{
	gpa_t gpa = hw_gpa(t->hpa) + (gla & (PAGE_SIZE - 1));
	u64 e = random_entry(w->cpu.cr4 & CR4_PAE);

	if (gpa >= (gpa_t)TABLE_FIRST << PAGE_SHIFT && !one_in(4))
		return;
	met.stores++;
	note_write(w, gpa, 4);
	memcpy(w->hw.chunk[gpa >> GPMEM_CHUNK_SHIFT] + (gpa & (GPMEM_CHUNK_SIZE - 1)), &e, 4);
}

/* An access, mostly one that the tables allow. */
static gla_t random_access(struct world *w, unsigned *access)
{
	gla_t gla = 0;

	for (unsigned i = 0; i < 12; i++) {
		gla = random_gla();
		*access = (unsigned)rnd() & (ACCESS_WRITE | ACCESS_USER);
		if (w->view == VIEW_USER)
			*access |= ACCESS_USER;
		else if (w->host.have_nx && one_in(4))
			*access = ACCESS_EXEC | (*access & ACCESS_USER);
		if (guest_allows(w, gla, *access) || one_in(12))
			break;
	}
	return gla;
}

/* The page was translated: whenever the mapping has this number, gla leads there. */
static void note_code(struct world *w)
{
	struct code_place *c = &w->code[rnd() % CODE_PLACES];
	unsigned access;
	gla_t gla = random_access(w, &access);
	struct pagewalk p;
	gpa_t gpa;

	w->doing = "noting code";
	cpu_probe(&w->cpu, gla, ACCESS_READ, &p);
	gpa = p.gpa;
	if (!guest_allows(w, gla, ACCESS_READ) || gpa >= RAM_SIZE || may_be_stale(w, gla))
		return;
	gpmem_watch(&w->mem, gpa, GPMEM_WATCH_CODE);
	*c = (struct code_place){ .noted = true,
				  .gla = gla & ~(gla_t)(PAGE_SIZE - 1),
				  .cpl3 = w->view == VIEW_USER || one_in(2),
				  .gpa = gpa & PAGE_MASK };
	shadow_note_code(w->shadow, gla, c->cpl3);
	c->mapping = shadow_code_mapping(w->shadow, c->cpl3);
}

static void check_code(struct world *w)
{
	for (unsigned i = 0; i < CODE_PLACES; i++) {
		struct code_place *c = &w->code[i];
		struct pagewalk p;

		if (!c->noted || (!c->cpl3 && w->view == VIEW_USER))
			continue; /* the kernel's code runs on its own view only */
		if (c->mapping != shadow_code_mapping(w->shadow, c->cpl3))
			continue;
		met.code++;
		if (!may_be_stale(w, c->gla))
			CHECK(w,
			      !cpu_probe(&w->cpu, c->gla, ACCESS_READ, &p) &&
				      (p.gpa & PAGE_MASK) == c->gpa,
			      "code has moved, and the number of the mapping is the same");
	}
}

static void touch(struct world *w)
{
	unsigned access;
	struct translation t;
	gla_t gla = random_access(w, &access);
	bool stale = may_be_stale(w, gla);

	w->doing = "an access";
	for (unsigned tries = 0;
	     !hw_access(&w->hw, gla, w->view == VIEW_USER ? access & ACCESS_WRITE : access, &t);
	     tries++) {
		check_hardware(w);
		CHECK(w, tries < 3, "it faults for ever");
		if (!fault(w, gla, access))
			return;
	}
	check_hardware(w);
	check_safe(w, &t);
	met.granted++;
	met.stale += stale;
	if (!stale)
		CHECK(w,
		      guest_allows(w, gla, access) && !slow_is_due(w, gla, access & ~ACCESS_EXEC),
		      "an access that the guest's tables forbid");
	if (access & ACCESS_WRITE)
		store(w, &t, gla);
}

/* --- Control registers, as the monitor's environment handles them */

static void load_root(struct world *w, enum shadow_view view, bool force)
{
	hpa_t root = shadow_root(w->shadow, view);

	w->view = view;
	hw_load_cr3(&w->hw, root, force);
}

static void paging_changed(struct cpu *cpu, unsigned what)
{
	struct world *w = the_world;

	(void)cpu;
	if (what & (PAGING_CR3 | PAGING_CR4)) /* all cached translations are gone (4.10.4.1) */
		memset(w->stale, 0, sizeof(w->stale));
	shadow_paging_changed(w->shadow);
	load_root(w, w->view, false);
	shadow_flush_stale(w->shadow);
}

static void control_changed(struct cpu *cpu)
{
	(void)cpu;
}

static void change_control(struct world *w)
{
	struct cpu *cpu = &w->cpu;

	w->doing = "loading a control register";
	switch (rnd() % 20) {
	case 0:
		cpu_write_cr(cpu, 0, cpu->cr0 ^ CR0_WP);
		break;
	case 1:
		cpu_write_cr(cpu, 4, cpu->cr4 ^ (one_in(2) ? CR4_PSE : CR4_PGE));
		break;
	case 2:
		cpu_write_msr(cpu, 0xc0000080, cpu->msr.efer ^ EFER_NXE);
		break;
	case 4:
		cpu->a20_mask ^= BIT64(20);
		cpu_translations_changed(cpu, PAGING_A20, 0);
		break;
	case 3: /* a new mode, by way of paging off, as real systems do */
		cpu_write_cr(cpu, 0, cpu->cr0 & ~CR0_PG);
		memset(w->stale, 0, sizeof(w->stale));
		if (one_in(2)) {
			cpu_write_cr(cpu, 4, cpu->cr4 ^ CR4_PAE);
			fill_tables(w);
		}
		if (one_in(4)) {
			touch(w);
			check_root(w);
		}
		memset(w->stale, 0, sizeof(w->stale));
		cpu_write_cr(cpu, 0, cpu->cr0 | CR0_PG);
		break;
	default:
		cpu_write_cr(cpu, 3, (TABLE_FIRST + (u32)rnd() % 4) << PAGE_SHIFT);
	}
}

static void invalidate(struct world *w)
{
	gla_t gla = random_gla();
	struct translation t;
	const u64 *pd;

	w->doing = "INVLPG";
	shadow_invlpg(w->shadow, gla);
	pd = hw_pd(&w->hw, gla >> 30);
	check_hardware(w);
	t = hw_leaf(&w->hw, pd[gla >> 21 & 511], gla);
	if (t.present)
		check_exact(w, &t);
	for (unsigned i = 0; i < TLB_SIZE; i++)
		CHECK(w, !w->hw.tlb[i].present || ((w->hw.tlb[i].page ^ gla) & PAGE_MASK),
		      "INVLPG left the page in the TLB");
}

/* --- What the monitor does */

static void change_watch(struct world *w)
{
	gpa_t page = (one_in(2) ? rnd() % RAM_PAGES : TABLE_FIRST + rnd() % TABLE_PAGES)
		     << PAGE_SHIFT;
	static const u8 watch[] = { GPMEM_WATCH_CODE, GPMEM_WATCH_RAW, GPMEM_WATCH_DESC };
	struct pagewalk p;

	if (one_in(2) && !cpu_probe(&w->cpu, random_gla(), ACCESS_READ, &p) && p.gpa < RAM_SIZE)
		page = p.gpa & PAGE_MASK;
	w->doing = "watching a page";
	if (one_in(2))
		gpmem_unwatch(&w->mem, page, watch[rnd() % 3]);
	else
		gpmem_watch(&w->mem, page, watch[rnd() % 3]);
}

static void change_hidden(struct world *w)
{
	w->doing = "hiding pages";
	w->hiddens = (unsigned)rnd() % 5;
	for (unsigned i = 0; i < w->hiddens; i++)
		w->hidden[i] = random_gla() & ~(gla_t)(PAGE_SIZE - 1);
	w->bars = (unsigned)rnd() % 5;
	for (unsigned i = 0; i < w->bars; i++)
		w->barred[i] = random_gla() & ~(gla_t)(PAGE_SIZE - 1);
	shadow_hide(w->shadow, w->hidden, w->hiddens, w->barred, w->bars);
}

static void change_clean(struct world *w)
{
	gpa_t page = rnd() % RAM_PAGES << PAGE_SHIFT;
	struct pagewalk p;

	if (!one_in(4) && !cpu_probe(&w->cpu, random_gla(), ACCESS_READ, &p) && p.gpa < RAM_SIZE)
		page = p.gpa & PAGE_MASK;
	w->doing = "marking a page";
	w->clean[page >> PAGE_SHIFT] = !w->clean[page >> PAGE_SHIFT];
	shadow_set_clean(w->shadow, page, w->clean[page >> PAGE_SHIFT]);
	CHECK(w, shadow_is_clean(w->shadow, page) == w->clean[page >> PAGE_SHIFT], "clean?");
}

/* --- Worlds */

static void tables_followed(void *ctx)
{
	(void)ctx;
	met.followed++;
}

static struct world *world_create(unsigned seed)
{
	static const struct cpu_env env = { .paging_changed = paging_changed,
					    .control_changed = control_changed };
	struct world *w = calloc(1, sizeof(*w));

	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	the_world = w;
	w->seed = seed;
	hw_create(&w->hw, &w->mem, rnd);
	w->cpu.mem = &w->mem;
	w->cpu.env = &env;
	w->cpu.a20_mask = ~0ull;
	w->cpu.cr0 = CR0_PE;
	if (seed % 3 == 0) {
		w->hw.quota = 64 + (unsigned)rnd() % 300;
		w->hw.fail_one_in = 30;
	}
	w->host = (struct shadow_host){
		.tables_followed = seed % 4 < 2 ? NULL : tables_followed,
		.page_alloc = hw_page_alloc,
		.page_free = hw_page_free,
		.hpa = hw_hpa,
		.tlb_flush_page = hw_flush_page,
		.tlb_flush_all = hw_flush_all,
		.monitor_pml4 = w->hw.monitor,
		.have_nx = seed % 5 != 0,
		.quota = w->hw.quota,
		.kill = hw_kill,
		.ctx = &w->hw,
	};
	w->shadow = shadow_create(&w->cpu, &w->host);
	assert_non_null(w->shadow);
	load_root(w, VIEW_KERNEL, true);
	if (seed % 2)
		cpu_write_cr(&w->cpu, 4, CR4_PAE);
	fill_tables(w);
	cpu_write_cr(&w->cpu, 3, TABLE_FIRST << PAGE_SHIFT);
	return w;
}

static void world_destroy(struct world *w)
{
	const struct shadow_stats *st = shadow_stats(w->shadow);

	met.fills += st->faults_filled;
	met.tables += st->tables_created;
	met.roots += st->roots_created;
	met.flushes += st->pool_flushes;
	w->doing = "shadow_destroy()";
	shadow_destroy(w->shadow);
	CHECK(w, w->hw.live <= 0, "pages were not given back");
	check_hardware(w);
	hw_destroy(&w->hw, &w->mem);
	free(w);
}

/* PDPTEs must be proper ones, or MOV CR3 would do nothing but fault. */
static void write_pdpt(struct world *w)
{
	u64 e[4];

	w->doing = "writing a PDPT";
	for (unsigned i = 0; i < 4; i++)
		e[i] = (TABLE_FIRST + rnd() % TABLE_PAGES) << PAGE_SHIFT | !one_in(8);
	guest_write(w, (TABLE_FIRST + rnd() % 4) << PAGE_SHIFT, e, sizeof(e));
}

/* What translated CPL 3 and all else run on, each as the other left it: engines change at any
 * moment. In every other world, since a switch of views is an event itself. */
static void check_views(struct world *w)
{
	enum shadow_view now = w->view;

	for (unsigned i = 0; i < (w->seed & 1) + 1; i++) {
		if (i)
			load_root(w, now == VIEW_USER ? VIEW_KERNEL : VIEW_USER, false);
		check_root(w);
		check_user(w);
	}
	load_root(w, now, false);
}

static void step(struct world *w)
{
	unsigned what = (unsigned)rnd() % 100;

	if (what < 12)
		write_entries(w);
	else if (what < 13 && one_in(10))
		write_page(w);
	else if (what < 14)
		write_pdpt(w);
	else if (what < 21)
		change_control(w);
	else if (what < 25)
		invalidate(w);
	else if (what < 29)
		change_watch(w);
	else if (what < 33)
		change_clean(w);
	else if (what < 37)
		load_root(w, one_in(2) ? VIEW_USER : VIEW_KERNEL, false);
	else if (what < 38 && one_in(8))
		shadow_flush(w->shadow);
	else if (what < 39 && one_in(8))
		w->hw.alias = w->alias |= shadow_use_alias(w->shadow);
	else if (what < 40)
		note_code(w);
	else if (what < 41)
		change_hidden(w);
	else
		touch(w);
	check_hardware(w);
	check_code(w);
	if (w->step % 8 == 0)
		check_views(w);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = first_seed; seed < first_seed + worlds; seed++) {
		struct world *w = world_create(seed);

		for (w->step = 0; w->step < STEPS; w->step++)
			step(w);
		world_destroy(w);
	}
	assert_true(met.exact > worlds * 1000 && met.granted > worlds * 300);
	assert_true(met.refused > worlds * 100 && met.slow > worlds * 300);
	assert_true(met.hidden > worlds * 20 && met.stores > worlds * 20 &&
		    met.code > worlds * 100 && met.followed > worlds * 100);
	print_message("%lu mappings looked at (%lu exact), %lu accesses granted (%lu stale), "
		      "%lu refused, %lu slow, %lu stores; %lu leaves, %lu tables, %lu roots, "
		      "%lu flushes, %lu looks at code\n",
		      met.mappings, met.exact, met.granted, met.stale, met.refused, met.slow,
		      met.stores, met.fills, met.tables, met.roots, met.flushes, met.code);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	if (argc > 1)
		worlds = (unsigned)atoi(argv[1]);
	if (argc > 2)
		first_seed = (unsigned)atoi(argv[2]);
	return cmocka_run_group_tests_name("shadow", tests, NULL, NULL);
}
