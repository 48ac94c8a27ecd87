/* SPDX-License-Identifier: MIT */
/*
 * The TLB of the C code when it follows the guest's tables (softtlb_follow(), `tlb = coherent`): a
 * random guest, with and without PAE, writes entries of its tables, through the accessors and
 * straight into memory wherever a translation lets it, and never executes INVLPG. After each step
 * every translation is what a walk of the tables gives now, and where a descriptor was taken from
 * is forgotten as soon as a table on the way there is written.
 *
 * Alone: make build/unit/test_softtlb && build/unit/test_softtlb [worlds [seed]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/semantics.h"
#include "kernel/base/alloc.h"
#include "tests/unit/random.h"

#define PAGES	    512u
#define TABLE_FIRST 16u
#define TABLE_PAGES 8u
#define STEPS	    20000u

static unsigned worlds = 20, first_seed = 1;
static u64 met_live, met_dropped, met_direct, met_moved;

struct world {
	struct cpu cpu;
	struct gpmem mem;
	u8 *ram;
};

static void paging_changed(struct cpu *cpu, unsigned what)
{
	(void)cpu;
	(void)what;
}

static const struct cpu_env env = { .paging_changed = paging_changed };

/* Few pages, some of which share an entry of the TLB. */
static gla_t random_gla(void)
{
	return (u32)(rnd() % 3) << 22 | (u32)(rnd() % 2) << 21 | (u32)(rnd() % 2) << 18 |
	       (u32)(rnd() % 12) << 12 | (u32)(rnd() & 0xff8);
}

static u64 random_entry(bool pae)
{
	u64 e = rnd() & 0xf67;

	if (!one_in(6))
		e |= 7;
	if (one_in(8))
		e |= BIT(7);
	if (pae && one_in(8))
		e |= BIT64(63);
	return e | (one_in(2) ? TABLE_FIRST + rnd() % TABLE_PAGES : rnd() % PAGES) << PAGE_SHIFT;
}

/* An entry that random_gla() may lead through. */
static gpa_t random_slot(bool pae)
{
	gla_t gla = random_gla();
	u32 index = one_in(2) ? gla >> 12 : gla >> (pae ? 21 : 22);
	u32 slot = pae ? (index & 511) * 8 : (index & 1023) * 4;

	return ((TABLE_FIRST + rnd() % TABLE_PAGES) << PAGE_SHIFT) + slot;
}

static void write_entries(struct world *w)
{
	bool pae = w->cpu.cr4 & CR4_PAE;
	u64 e[4] = { random_entry(pae), random_entry(pae), random_entry(pae), random_entry(pae) };
	u32 len = one_in(4) ? 1 + (u32)rnd() % sizeof(e) : pae ? 8 : 4;
	gpa_t at = random_slot(pae) + (one_in(4) ? rnd() % 8 : 0);

	gpmem_write(&w->mem, at, e, len);
}

static bool live(const struct softtlb_entry *e)
{
	return e->rights | e->slow;
}

static void check_entry(struct world *w, const struct softtlb_entry *e)
{
	struct pagewalk p;

	for (unsigned access = 0; access < 8; access++) {
		if (!((e->rights | e->slow) & BIT(access)))
			continue;
		met_live++;
		assert_int_equal(cpu_probe(&w->cpu, e->page, access, &p), 0);
		assert_true(e->gpa == (p.gpa & PAGE_MASK) && e->user == p.user);
		assert_true(!cpu_paging(&w->cpu) || p.entries[0] & PTE_A);
		if (access & ACCESS_WRITE)
			assert_true(p.dirty);
	}
	/* What may be written straight is no table that an entry depends on. */
	if (w->cpu.tlb.watches == w->mem.watches_begun &&
	    e->rights & (BIT(ACCESS_WRITE) | BIT(ACCESS_WRITE | ACCESS_USER)))
		assert_int_equal(gpmem_watches(&w->mem, e->gpa), 0);
}

static void check_all(struct world *w)
{
	for (unsigned i = 0; i < SOFTTLB_ENTRIES; i++)
		check_entry(w, &w->cpu.tlb.entry[i]);
}

static void touch(struct world *w)
{
	static const unsigned ways[] = { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC, ACCESS_USER,
					 ACCESS_WRITE | ACCESS_USER };
	unsigned access = ways[rnd() % ARRAY_SIZE(ways)];
	gla_t gla = random_gla();
	u64 value = random_entry(w->cpu.cr4 & CR4_PAE);
	struct pagewalk p;
	u32 error = cpu_probe(&w->cpu, gla, access, &p);
	enum cpu_result res;

	if (!(access & ACCESS_WRITE)) {
		res = cpu_lin_read(&w->cpu, gla, &value, 8, access);
	} else {
		met_direct += cpu_lin_direct_write(&w->cpu, gla, 8, access & ACCESS_USER) != NULL;
		res = cpu_lin_write(&w->cpu, gla, &value, 4, access & ACCESS_USER);
	}
	assert_int_equal(res, error ? CPU_FAULT : CPU_NEXT);
}

/* Where something was taken from, and whether it has been told to be gone. */
static void check_moves(struct world *w)
{
	gla_t gla = random_gla();
	const struct softtlb_entry *e = cpu_translate(&w->cpu, gla, ACCESS_READ);
	struct pagewalk p;
	u64 moves = w->cpu.table_moves, value;
	unsigned level;

	if (!e || cpu_probe(&w->cpu, gla, ACCESS_READ, &p))
		return;
	w->cpu.again[SEG_DS].sel = 8;
	/* Another page in its place: the entry itself is there no more. */
	if (one_in(2))
		cpu_translate(&w->cpu, gla ^ BIT(18), ACCESS_READ);
	level = (unsigned)rnd() % p.levels;
	if (p.entry_gpa[level] >= GPMEM_CHUNK_SIZE)
		return; /* a hole */
	value = p.entries[level] ^ PTE_W;
	gpmem_write(&w->mem, p.entry_gpa[level], &value, w->cpu.cr4 & CR4_PAE ? 8 : 4);
	met_moved++;
	assert_true(w->cpu.table_moves != moves);
	assert_int_equal(w->cpu.again[SEG_DS].sel, CPU_NO_SELECTOR);
}

static struct world *world_create(unsigned seed)
{
	struct world *w = calloc(1, sizeof(*w));
	u8 **chunk = mem_alloc(sizeof(*chunk));

	random_state = seed * 0x9e3779b97f4a7c15ull;
	w->ram = aligned_alloc(GPMEM_CHUNK_SIZE, GPMEM_CHUNK_SIZE);
	chunk[0] = w->ram;
	gpmem_init(&w->mem);
	gpmem_add_ram(&w->mem, 0, GPMEM_CHUNK_SIZE, chunk, false, "ram");
	w->cpu.env = &env;
	w->cpu.mem = &w->mem;
	w->cpu.a20_mask = ~0ull;
	w->cpu.cr0 = CR0_PE | CR0_PG | (seed & 4 ? CR0_WP : 0);
	w->cpu.cr4 = seed & 1 ? CR4_PAE : CR4_PSE;
	w->cpu.msr.efer = EFER_NXE;
	w->cpu.cr3 = TABLE_FIRST << PAGE_SHIFT;
	for (unsigned i = 0; i < 4; i++)
		w->cpu.pdpte[i] = (TABLE_FIRST + i) << PAGE_SHIFT | PTE_P;
	softtlb_follow(&w->cpu);
	for (unsigned i = 0; i < 400; i++)
		write_entries(w);
	return w;
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = first_seed; seed < first_seed + worlds; seed++) {
		struct world *w = world_create(seed);

		for (unsigned n = 0; n < STEPS; n++) {
			u64 before = w->cpu.tlb.filled;

			if (one_in(4))
				write_entries(w);
			else if (one_in(20))
				check_moves(w);
			else
				touch(w);
			met_dropped += (before & ~w->cpu.tlb.filled) != 0;
			check_all(w);
		}
		gpmem_destroy(&w->mem);
		free(w->ram);
		free(w);
	}
	print_message("%lu translations looked at, %lu writes that dropped some, %lu straight "
		      "writes, %lu places forgotten\n",
		      met_live, met_dropped, met_direct, met_moved);
	assert_true(met_live > worlds * 10000 && met_dropped > worlds * 100 &&
		    met_direct > worlds * 5 && met_moved > worlds * 50);
}

/* PDPTEs are loaded with CR3 (SDM 3A 4.4.1), and a table in memory says nothing until then. */
static void test_pdptes_wait(void **state)
{
	struct world *w = world_create(1);
	u64 entry = 7 | 100ull << PAGE_SHIFT, pdpte = PTE_P | 60ull << PAGE_SHIFT;

	(void)state;
	gpmem_write(&w->mem, TABLE_FIRST << PAGE_SHIFT, &entry, 8);
	entry = 7 | 101ull << PAGE_SHIFT;
	gpmem_write(&w->mem, 100ull << PAGE_SHIFT, &entry, 8);
	w->cpu.cr3 = 50u << PAGE_SHIFT;
	assert_int_equal(cpu_translate(&w->cpu, 0, ACCESS_READ)->gpa, 101ull << PAGE_SHIFT);
	gpmem_write(&w->mem, 50ull << PAGE_SHIFT, &pdpte, 8);
	assert_true(live(&w->cpu.tlb.entry[0]));
	assert_int_equal(cpu_translate(&w->cpu, 0, ACCESS_READ)->gpa, 101ull << PAGE_SHIFT);
	gpmem_destroy(&w->mem);
	free(w->ram);
	free(w);
}

/* Accessed and dirty bits that the walk sets are no news. */
static void test_marks(void **state)
{
	struct world *w = world_create(2);
	u32 pde = 7 | 100u << PAGE_SHIFT, pte = 7 | 101u << PAGE_SHIFT;

	(void)state;
	gpmem_write(&w->mem, TABLE_FIRST << PAGE_SHIFT, &pde, 4);
	gpmem_write(&w->mem, 100ull << PAGE_SHIFT, &pte, 4);
	assert_non_null(cpu_translate(&w->cpu, 0, ACCESS_READ));
	assert_non_null(cpu_translate(&w->cpu, 0, ACCESS_WRITE));
	assert_int_equal(w->cpu.tlb.entry[0].rights, BIT(ACCESS_READ) | BIT(ACCESS_WRITE));
	pte |= PTE_A;
	gpmem_write(&w->mem, 100ull << PAGE_SHIFT, &pte, 4);
	assert_false(live(&w->cpu.tlb.entry[0]));
	gpmem_read(&w->mem, 100ull << PAGE_SHIFT, &pte, 4);
	assert_int_equal(pte & PTE_D, 0);
	assert_non_null(cpu_translate(&w->cpu, 0, ACCESS_WRITE));
	gpmem_read(&w->mem, 100ull << PAGE_SHIFT, &pte, 4);
	assert_int_equal(pte & PTE_D, PTE_D);
	gpmem_destroy(&w->mem);
	free(w->ram);
	free(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_pdptes_wait),
		cmocka_unit_test(test_marks),
	};

	if (argc > 1)
		worlds = (unsigned)atoi(argv[1]);
	if (argc > 2)
		first_seed = (unsigned)atoi(argv[2]);
	return cmocka_run_group_tests_name("softtlb", tests, NULL, NULL);
}
