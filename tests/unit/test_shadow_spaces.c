/* SPDX-License-Identifier: MIT */
/*
 * The numbers of mappings of code (shadow_code_mapping()), used as the recompiler uses them: what
 * was found once at an address under a number is found there again without a look at the tables,
 * for ever. A random guest keeps four address spaces on few tables, so that they come to differ and
 * to agree again; it changes entries and directories and flushes as the manual demands, goes from
 * one to another at CPL 0 and 3 through both views, while pages run short, roots are given up and
 * made anew at the same place, and tables of one linear place turn up at another. Each time that
 * code is found by its number, it must be what the guest's tables lead to.
 *
 * And the numbers must be kept where nothing changed, or the recompiler would search all the time.
 *
 * Alone: make build/unit/test_shadow_spaces && build/unit/test_shadow_spaces [worlds [seed]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/random.h"
#include "tests/unit/shadow_fixture.h"

#define STEPS  8000u
#define SPACES 4u
#define DIRECTORIES \
	16u /* guest pages: the PDPTs of PAE, CR3 of the other; each PAE space has a PD */
#define PDS	    24u
#define TABLES	    32u
#define TABLE_COUNT 5u
#define CODE_FIRST  64u
#define CODE_PAGES  6u
#define FOUND_MAX   32768u

static unsigned worlds = 40, first_seed = 1;

/* What the recompiler knows. */
struct found {
	bool used, cpl3;
	u32 mapping;
	gla_t gla;
	gpa_t gpa;
};

static struct world {
	struct cpu cpu;
	struct gpmem mem;
	struct hardware hw;
	struct shadow_host host;
	struct shadow *shadow;
	enum shadow_view view;
	struct found found[FOUND_MAX];
	bool calm;
	unsigned seed, step;
	const char *doing;
} * w;

static struct {
	u64 runs, hits, kernel_numbers, created, evicted;
} met;

#define CHECK(ok, why) check_that(ok, why, __LINE__)

static void check_that(bool ok, const char *why, int line)
{
	if (!ok)
		fail_msg("line %d, seed %u, step %u, after %s: %s", line, w->seed, w->step,
			 w->doing, why);
}

static bool pae(void)
{
	return w->cpu.cr4 & CR4_PAE;
}

/* --- The guest's tables: the kernel's places first, then the program's, in PDs that are like for
 * like where they agree. */

static const gla_t places[] = { 0xc0000000, 0xc0001000, 0xc0200000, 0xc0401000,
				0xc07ff000, 0x00400000, 0x00401000, 0x00600000 };
#define KERNEL_PLACES 5u

static gla_t random_place(void)
{
	return places[rnd() % ARRAY_SIZE(places)];
}

/* In calm worlds two spaces on two tables agree most of the time. */
static u32 random_space(void)
{
	return (u32)rnd() % (w->calm ? 2 : SPACES);
}

static u32 random_table(void)
{
	return (u32)rnd() % (w->calm ? 2 : TABLE_COUNT);
}

static gpa_t cr3_of(u32 space)
{
	return (DIRECTORIES + space) << PAGE_SHIFT;
}

/* Kernels of PAE share the PD of the last GiB among some spaces. */
static gpa_t kernel_pd(u32 space)
{
	return (PDS + SPACES + (w->calm ? space : space / 2)) << PAGE_SHIFT;
}

static gpa_t pd_of(u32 space, gla_t gla)
{
	if (!pae())
		return cr3_of(space);
	return gla >> 31 ? kernel_pd(space) : (PDS + space) << PAGE_SHIFT;
}

static void write_entry(gpa_t table, unsigned index, u64 e)
{
	gpmem_write(&w->mem, table + index * (pae() ? 8 : 4), &e, pae() ? 8 : 4);
}

static void write_pde(u32 space, gla_t gla)
{
	u64 e = (TABLES + random_table()) << PAGE_SHIFT | 0x27;

	if (one_in(6))
		e = 0;
	else if (one_in(8)) /* a large page */
		e = (rnd() % 2 << 22) | 0xe7 | (one_in(2) ? 0 : 0x40);
	if (!pae() && (e & 0x80) && !(w->cpu.cr4 & CR4_PSE))
		e = 0;
	write_entry(pd_of(space, gla), pae() ? gla >> 21 & 511 : gla >> 22, e);
}

static void write_pte(gla_t gla)
{
	u64 e = (CODE_FIRST + rnd() % CODE_PAGES) << PAGE_SHIFT | 7 | (one_in(2) ? 0x60 : 0);

	if (one_in(6))
		e = 0;
	write_entry((TABLES + random_table()) << PAGE_SHIFT,
		    pae() ? gla >> 12 & 511 : gla >> 12 & 1023, e);
}

static void write_pdptes(void)
{
	for (u32 s = 0; s < SPACES; s++) {
		u64 e[4] = { 0 };

		e[0] = (PDS + s) << PAGE_SHIFT | 1;
		e[3] = kernel_pd(s) | 1;
		gpmem_write(&w->mem, cr3_of(s), e, sizeof(e));
	}
}

/* One space's kernel part becomes the other's. */
static void copy_kernel(u32 to, u32 from)
{
	for (unsigned i = 0; i < KERNEL_PLACES; i++) {
		unsigned index = pae() ? places[i] >> 21 & 511 : places[i] >> 22;
		u64 e = 0;

		gpmem_read(&w->mem, pd_of(from, places[i]) + index * (pae() ? 8 : 4), &e,
			   pae() ? 8 : 4);
		write_entry(pd_of(to, places[i]), index, e);
	}
}

static void clear_directory(u32 space)
{
	static const u8 zero[PAGE_SIZE];
	gpa_t pd = pd_of(space, places[ARRAY_SIZE(places) - 1]);

	for (unsigned i = 0; i < PAGE_SIZE; i += 512)
		gpmem_write(&w->mem, pd + i, zero, 512);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		write_pde(space, places[i]);
}

/* --- The processor */

static void load_root(enum shadow_view view)
{
	hpa_t root = shadow_root(w->shadow, view);

	w->view = view;
	hw_load_cr3(&w->hw, root, false);
}

static void paging_changed(struct cpu *cpu, unsigned what)
{
	(void)cpu;
	(void)what;
	shadow_paging_changed(w->shadow);
	load_root(w->view);
	shadow_flush_stale(w->shadow);
}

static void nothing(struct cpu *cpu)
{
	(void)cpu;
}

static void flush(gla_t gla)
{
	if (one_in(2))
		shadow_invlpg(w->shadow, gla);
	else if (one_in(4))
		cpu_write_cr(&w->cpu, 4, w->cpu.cr4 ^ CR4_PGE);
	else
		cpu_write_cr(&w->cpu, 3, w->cpu.cr3);
}

static void touch(gla_t gla)
{
	struct translation t;
	struct pagewalk p;
	unsigned access = w->view == VIEW_USER ? ACCESS_USER : 0;

	for (unsigned tries = 0; !hw_access(&w->hw, gla, access, &t); tries++) {
		CHECK(tries < 3, "it faults for ever");
		if (shadow_fault(w->shadow, gla, access) != ENV_PF_RESUME)
			return;
	}
	CHECK(!cpu_probe(&w->cpu, gla, access, &p) && hw_gpa(t.hpa) == (p.gpa & PAGE_MASK),
	      "an access leads elsewhere than the tables");
}

static struct found *slot_of(u32 mapping, bool cpl3, gla_t gla)
{
	u32 n = (mapping * 0x9e3779b1u ^ gla * 0x85ebca6bu ^ cpl3) % FOUND_MAX;

	while (w->found[n].used && (w->found[n].mapping != mapping || w->found[n].cpl3 != cpl3 ||
				    w->found[n].gla != gla))
		n = (n + 1) % FOUND_MAX;
	return &w->found[n];
}

/* Code at gla runs at the CPL of the view, as the dispatcher lets it. */
static void run(gla_t gla)
{
	bool cpl3 = w->view == VIEW_USER;
	struct found *f = slot_of(shadow_code_mapping(w->shadow, cpl3), cpl3, gla);
	struct pagewalk p;
	bool mapped = !cpu_probe(&w->cpu, gla, cpl3 ? ACCESS_USER : 0, &p) && p.gpa < RAM_SIZE;

	met.runs++;
	if (f->used) {
		met.hits++;
		CHECK(mapped && f->gpa == (p.gpa & PAGE_MASK), "other code is found than is there");
		return;
	}
	if (!mapped)
		return;
	shadow_note_code(w->shadow, gla, cpl3);
	f = slot_of(shadow_code_mapping(w->shadow, cpl3), cpl3, gla);
	*f = (struct found){ true, cpl3, shadow_code_mapping(w->shadow, cpl3), gla,
			     p.gpa & PAGE_MASK };
}

/* --- Worlds */

static void write_tables(void)
{
	gla_t gla = random_place();
	u32 space = random_space();

	w->doing = "writing tables";
	if (one_in(8))
		write_pde(space, gla);
	else if (one_in(16))
		clear_directory(space);
	else if (one_in(2))
		copy_kernel(space, random_space());
	else
		write_pte(gla);
	if (one_in(3)) { /* from another space, or of no matter now */
		w->doing = "writing tables and MOV CR3";
		cpu_write_cr(&w->cpu, 3, (u32)cr3_of(random_space()));
	} else {
		cpu_write_cr(&w->cpu, 3, w->cpu.cr3);
	}
}

static void step(void)
{
	unsigned what = (unsigned)rnd() % 64;

	if (what < 1) {
		write_tables();
	} else if (what < 2) {
		gla_t gla = random_place();

		w->doing = "writing an entry";
		write_pte(gla);
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++) /* it may be in use elsewhere */
			if (!((places[i] ^ gla) >> PAGE_SHIFT & 511))
				flush(places[i]);
	} else if (what < 8) {
		w->doing = "MOV CR3";
		cpu_write_cr(&w->cpu, 3, (u32)cr3_of(random_space()));
	} else if (what < 15) {
		w->doing = "another CPL";
		load_root(w->view == VIEW_USER ? VIEW_KERNEL : VIEW_USER);
	} else if (what < 16 && one_in(20)) {
		w->doing = "a flush of all";
		shadow_flush(w->shadow);
	} else if (what < 20) {
		touch(random_place());
	} else {
		run(random_place());
	}
	CHECK(!w->hw.broken, w->hw.broken ? w->hw.broken : "");
}

static void world_create(unsigned seed)
{
	static const struct cpu_env env = { .paging_changed = paging_changed,
					    .control_changed = nothing };

	w = calloc(1, sizeof(*w));
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	w->seed = seed;
	w->calm = seed % 4 < 2;
	w->doing = "creation";
	hw_create(&w->hw, &w->mem, rnd);
	w->cpu.mem = &w->mem;
	w->cpu.env = &env;
	w->cpu.a20_mask = ~0ull;
	w->cpu.cr0 = CR0_PE;
	if (seed % 3 == 0)
		w->hw.quota = 40 + (unsigned)rnd() % 30;
	w->host = (struct shadow_host){ .page_alloc = hw_page_alloc,
					.page_free = hw_page_free,
					.hpa = hw_hpa,
					.tlb_flush_page = hw_flush_page,
					.tlb_flush_all = hw_flush_all,
					.monitor_pml4 = w->hw.monitor,
					.have_nx = true,
					.quota = w->hw.quota,
					.kill = hw_kill,
					.ctx = &w->hw };
	w->shadow = shadow_create(&w->cpu, &w->host);
	assert_non_null(w->shadow);
	load_root(VIEW_KERNEL);
	cpu_write_cr(&w->cpu, 4, seed % 2 ? CR4_PAE : CR4_PSE);
	write_pdptes();
	for (u32 s = 0; s < SPACES; s++)
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
			write_pde(s, places[i]);
	for (unsigned i = 0; i < 200; i++)
		write_pte(random_place());
	cpu_write_cr(&w->cpu, 3, (u32)cr3_of(0));
	cpu_write_cr(&w->cpu, 0, CR0_PE | CR0_PG | CR0_WP);
}

static void world_destroy(void)
{
	met.created += shadow_stats(w->shadow)->roots_created;
	met.evicted += shadow_stats(w->shadow)->evictions;
	shadow_destroy(w->shadow);
	hw_destroy(&w->hw, &w->mem);
	free(w);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = first_seed; seed < first_seed + worlds; seed++) {
		world_create(seed);
		for (w->step = 0; w->step < STEPS; w->step++)
			step();
		world_destroy();
	}
	print_message("%lu runs, %lu found by number; %lu roots, %lu evictions\n", met.runs,
		      met.hits, met.created, met.evicted);
	assert_true(met.hits > worlds * 500 && met.hits < met.runs);
	assert_true(met.created > worlds * 10 && met.evicted > worlds);
}

/* Two spaces with one kernel: going to and fro, through both views, moves no number. */
static void test_kept(void **state)
{
	u32 kernel, user[2];

	(void)state;
	for (unsigned seed = 1; seed <= 2; seed++) { /* both formats */
		world_create(seed);
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
			write_entry(pd_of(0, places[i]),
				    pae() ? places[i] >> 21 & 511 : places[i] >> 22,
				    (TABLES + i % TABLE_COUNT) << PAGE_SHIFT | 0x27);
		copy_kernel(1, 0);
		for (unsigned round = 0; round < 20; round++) {
			for (u32 s = 0; s < 2; s++) {
				cpu_write_cr(&w->cpu, 3, (u32)cr3_of(s));
				for (unsigned i = 0; i < KERNEL_PLACES; i++)
					run(places[i]);
				if (round == 2 && !s)
					kernel = shadow_code_mapping(w->shadow, false);
				if (round > 2)
					assert_int_equal(shadow_code_mapping(w->shadow, false),
							 kernel);
				load_root(VIEW_USER);
				if (round == 2)
					user[s] = shadow_code_mapping(w->shadow, true);
				if (round > 2)
					assert_int_equal(shadow_code_mapping(w->shadow, true),
							 user[s]);
				load_root(VIEW_KERNEL);
			}
		}
		assert_int_not_equal(user[0], user[1]);
		world_destroy();
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_kept),
	};

	if (argc > 1)
		worlds = (unsigned)atoi(argv[1]);
	if (argc > 2)
		first_seed = (unsigned)atoi(argv[2]);
	return cmocka_run_group_tests_name("shadow_spaces", tests, NULL, NULL);
}
