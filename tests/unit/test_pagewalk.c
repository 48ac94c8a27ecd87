/* SPDX-License-Identifier: MIT */
/*
 * emu/cpu/pagewalk.c against an oracle: random page tables that point into each other, at memory
 * that is not there and back at themselves, under every mixture of PSE, PAE, NXE, WP, PGE and A20,
 * and every kind of access. The oracle is the text of SDM 3A 4.3 (32-bit paging), 4.4 (PAE paging),
 * 4.6 (rights), 4.7 (error codes) and 4.8 (A and D bits), one function per section, and reads
 * memory for itself. Alone: make build/unit/test_pagewalk && build/unit/test_pagewalk [cases
 * [seed]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "tests/unit/random.h"

#define RAM_SIZE    GPMEM_CHUNK_SIZE
#define TABLE_PAGES 12u
#define NEVER	    0xffffffffffffffffull

static unsigned cases = 100000, seed = 1;
/* --- The oracle */

struct entry {
	gpa_t at;
	u64 value;
	unsigned bytes;
};

struct oracle {
	const struct cpu *cpu;
	const u8 *ram;
	struct entry used[2]; /* PDE, then PTE */
	unsigned count;
	bool absent, reserved;
	u64 physical, page_size;
};

static u64 physical_load(const struct oracle *o, gpa_t at, unsigned bytes)
{
	u64 v = NEVER >> (64 - 8 * bytes);

	if (at + bytes <= RAM_SIZE)
		memcpy(&v, o->ram + at, bytes);
	return v;
}

static bool bit(u64 v, unsigned n)
{
	return v >> n & 1;
}

static u64 bits(u64 v, unsigned high, unsigned low)
{
	return v << (63 - high) >> (63 - high + low) << low;
}

static u64 use_entry(struct oracle *o, gpa_t at, unsigned bytes)
{
	struct entry *e = &o->used[o->count++];

	e->at = at & o->cpu->a20_mask;
	e->bytes = bytes;
	e->value = physical_load(o, e->at, bytes);
	return e->value;
}

/* 4.3, tables 4-4 to 4-6. No PSE-36: bits 21:13 of a PDE that maps a page are reserved (4.3: M=32).
 */
static void section_4_3(struct oracle *o, gla_t lin)
{
	u64 pde = use_entry(o, bits(o->cpu->cr3, 31, 12) | bits(lin, 31, 22) >> 20, 4), pte;

	if (!bit(pde, 0)) {
		o->absent = true;
		return;
	}
	if (bit(o->cpu->cr4, 4) && bit(pde, 7)) {
		o->reserved = bits(pde, 21, 13) != 0;
		o->physical = bits(pde, 31, 22) | bits(lin, 21, 0);
		o->page_size = 4u << 20;
		return;
	}
	pte = use_entry(o, bits(pde, 31, 12) | bits(lin, 21, 12) >> 10, 4);
	o->absent = !bit(pte, 0);
	o->physical = bits(pte, 31, 12) | bits(lin, 11, 0);
	o->page_size = 4096;
}

/* 4.4, tables 4-8 to 4-11, MAXPHYADDR 36; bit 63 is reserved unless NXE. */
static bool pae_reserved(const struct oracle *o, u64 e)
{
	return bits(e, 62, 36) || (bit(e, 63) && !bit(o->cpu->msr.efer, 11));
}

static void section_4_4(struct oracle *o, gla_t lin)
{
	u64 pdpte = o->cpu->pdpte[bits(lin, 31, 30) >> 30], pde, pte;

	if (!bit(pdpte, 0)) {
		o->absent = true;
		return;
	}
	pde = use_entry(o, bits(pdpte, 35, 12) | bits(lin, 29, 21) >> 18, 8);
	if (!bit(pde, 0)) {
		o->absent = true;
	} else if (pae_reserved(o, pde)) {
		o->reserved = true;
	} else if (bit(pde, 7)) {
		o->reserved = bits(pde, 20, 13) != 0;
		o->physical = bits(pde, 35, 21) | bits(lin, 20, 0);
		o->page_size = 2u << 20;
	} else {
		pte = use_entry(o, bits(pde, 35, 12) | bits(lin, 20, 12) >> 9, 8);
		o->absent = !bit(pte, 0);
		o->reserved = !o->absent && pae_reserved(o, pte);
		o->physical = bits(pte, 35, 12) | bits(lin, 11, 0);
		o->page_size = 4096;
	}
}

static bool every(const struct oracle *o, unsigned n)
{
	for (unsigned i = 0; i < o->count; i++)
		if (!bit(o->used[i].value, n))
			return false;
	return true;
}

static bool any(const struct oracle *o, unsigned n)
{
	for (unsigned i = 0; i < o->count; i++)
		if (bit(o->used[i].value, n))
			return true;
	return false;
}

/* 4.6.1; SMEP and SMAP are not offered. */
static bool section_4_6(const struct oracle *o, unsigned access)
{
	bool user_address = every(o, 2), writable = every(o, 1), no_execute = any(o, 63);

	if (access & ACCESS_USER) { /* user-mode accesses */
		if (!user_address)
			return false;
		if ((access & ACCESS_WRITE) && !writable)
			return false;
	} else { /* supervisor-mode accesses */
		if ((access & ACCESS_WRITE) && bit(o->cpu->cr0, 16) && !writable)
			return false;
	}
	return !((access & ACCESS_EXEC) && no_execute);
}

/* 4.7, figure 4-12. */
static u32 section_4_7(const struct oracle *o, unsigned access)
{
	u32 code = 0;

	if (!o->absent)
		code |= 1;
	if (access & ACCESS_WRITE)
		code |= 2;
	if (access & ACCESS_USER)
		code |= 4;
	if (o->reserved)
		code |= 8;
	if ((access & ACCESS_EXEC) && bit(o->cpu->cr4, 5) && bit(o->cpu->msr.efer, 11))
		code |= 16;
	return code;
}

/* --- The case */

struct world {
	struct cpu cpu;
	struct gpmem mem;
	u8 *ram, *before;
};

/* Mostly a present entry that leads to another table page; sometimes beyond RAM or garbage. */
static u64 random_entry(bool pae)
{
	u64 e = (rnd() & 0xfff) | ((rnd() % TABLE_PAGES) << 12);

	if (!one_in(8))
		e |= one_in(3) ? 1 + 2 * (rnd() % 4) : 7;
	if (!one_in(6))
		e &= ~0x80ull;
	else if (!one_in(4))
		e = (e & 0xfff) | ((rnd() % 3) << (pae ? 21 : 22)); /* a proper large page */
	if (pae && one_in(5))
		e |= BIT64(63);
	if (one_in(8))
		e |= (rnd() & 0xff) << 20;
	if (pae && one_in(8))
		e |= (rnd() & 0xffff) << 32;
	if (pae && one_in(20))
		e |= BIT64(36 + rnd() % 27);
	return one_in(40) ? rnd() : e;
}

static void random_tables(struct world *w, bool pae)
{
	unsigned size = pae ? 8 : 4;

	for (u32 at = 0; at < TABLE_PAGES * PAGE_SIZE; at += size) {
		u64 e = random_entry(pae);

		memcpy(w->ram + at, &e, size);
	}
}

static void random_mode(struct cpu *cpu)
{
	cpu->cr0 = CR0_PE | CR0_PG | (one_in(2) ? CR0_WP : 0);
	cpu->cr4 =
		(one_in(2) ? CR4_PAE : 0) | (one_in(3) ? 0 : CR4_PSE) | (one_in(2) ? CR4_PGE : 0);
	cpu->msr.efer = one_in(2) ? EFER_NXE : 0;
	cpu->a20_mask = one_in(8) ? ~(u64)BIT(20) : NEVER;
	cpu->cr3 = (u32)((rnd() % TABLE_PAGES) << 12 | (rnd() & 0xfff));
	for (int i = 0; i < 4; i++)
		cpu->pdpte[i] = ((rnd() % TABLE_PAGES) << 12) | (rnd() & 0x18) | !one_in(8);
}

static struct oracle ask(const struct world *w, gla_t lin)
{
	struct oracle o = { .cpu = &w->cpu, .ram = w->before };

	if (bit(w->cpu.cr4, 5))
		section_4_4(&o, lin);
	else
		section_4_3(&o, lin);
	return o;
}

/* 4.8: A in every entry used, D in the last one by a write; by a fault nothing but, perhaps, A. */
static void check_bits(const struct world *w, const struct oracle *o, unsigned access, bool done)
{
	static u8 expect[TABLE_PAGES * PAGE_SIZE];
	u64 changed = 0;

	memcpy(expect, w->before, TABLE_PAGES * PAGE_SIZE);
	for (unsigned i = 0; i < o->count && done; i++) {
		if (o->used[i].at + o->used[i].bytes > TABLE_PAGES * PAGE_SIZE)
			continue;
		expect[o->used[i].at] |= 0x20;
		if (i + 1 == o->count && (access & ACCESS_WRITE))
			expect[o->used[i].at] |= 0x40;
	}
	for (u32 i = 0; i < TABLE_PAGES * PAGE_SIZE; i += 8) {
		u64 a, b;

		memcpy(&a, expect + i, 8);
		memcpy(&b, w->ram + i, 8);
		changed |= done ? a ^ b : (a ^ b) & ~0x0000002000000020ull;
	}
	assert_int_equal(changed, 0);
}

static void check_rights(const struct world *w, const struct oracle *o, const struct pagewalk *p)
{
	u64 last = o->used[o->count - 1].value;

	assert_int_equal(p->gpa, o->physical & w->cpu.a20_mask);
	assert_int_equal(p->page_size, o->page_size);
	assert_int_equal(p->user, every(o, 2));
	assert_int_equal(p->writable, every(o, 1));
	assert_int_equal(p->executable, !any(o, 63));
	assert_int_equal(p->global, bit(last, 8) && bit(w->cpu.cr4, 7));
	assert_int_equal(p->levels, o->count);
	for (unsigned i = 0; i < o->count; i++)
		assert_int_equal(p->entry_gpa[i], o->used[i].at);
}

static unsigned granted, absent, reserved, refused;

static void check_walk(struct world *w, gla_t lin, unsigned access)
{
	struct oracle o = ask(w, lin);
	bool ok = !o.absent && !o.reserved && section_4_6(&o, access);
	struct pagewalk p;
	u32 probe = cpu_probe(&w->cpu, lin, access, &p);

	assert_int_equal(probe, ok ? 0 : section_4_7(&o, access) | BIT(31));
	assert_memory_equal(w->ram, w->before, TABLE_PAGES * PAGE_SIZE);
	if (ok) {
		check_rights(w, &o, &p);
		assert_int_equal(p.dirty, bit(o.used[o.count - 1].value, 6));
	}
	w->cpu.fault = (struct cpu_fault){ 0 };
	assert_int_equal(cpu_walk(&w->cpu, lin, access, &p), ok ? CPU_NEXT : CPU_FAULT);
	if (ok) {
		check_rights(w, &o, &p);
		assert_int_equal(p.dirty,
				 (access & ACCESS_WRITE) || bit(o.used[o.count - 1].value, 6));
	} else {
		assert_int_equal(w->cpu.fault.vector, VEC_PF);
		assert_true(w->cpu.fault.has_error);
		assert_int_equal(w->cpu.fault.error, section_4_7(&o, access));
		assert_int_equal(w->cpu.fault.addr, lin);
	}
	check_bits(w, &o, access, ok);
	granted += ok;
	absent += o.absent;
	reserved += o.reserved;
	refused += !ok && !o.absent && !o.reserved;
	memcpy(w->before, w->ram, TABLE_PAGES * PAGE_SIZE);
}

/* --- The tests */

static struct world *world_create(void)
{
	struct world *w = calloc(1, sizeof(*w));
	u8 **chunk = mem_alloc(sizeof(*chunk));

	w->ram = aligned_alloc(PAGE_SIZE, RAM_SIZE);
	w->before = aligned_alloc(PAGE_SIZE, RAM_SIZE);
	memset(w->ram, 0, RAM_SIZE);
	memset(w->before, 0, RAM_SIZE);
	chunk[0] = w->ram;
	gpmem_init(&w->mem);
	gpmem_add_ram(&w->mem, 0, RAM_SIZE, chunk, true, "ram");
	w->cpu.mem = &w->mem;
	w->cpu.a20_mask = NEVER;
	return w;
}

static void world_destroy(struct world *w)
{
	gpmem_destroy(&w->mem);
	free(w->ram);
	free(w->before);
	free(w);
}

static void test_random(void **state)
{
	struct world *w = world_create();

	(void)state;
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	for (unsigned n = 0; n < cases; n++) {
		if (n % 256 == 0) {
			random_mode(&w->cpu);
			random_tables(w, w->cpu.cr4 & CR4_PAE);
			memcpy(w->before, w->ram, RAM_SIZE);
		}
		check_walk(w, (gla_t)rnd(), (unsigned)rnd() & 7 & ~(one_in(2) ? ACCESS_EXEC : 1u));
	}
	print_message("%u granted, %u absent, %u reserved, %u refused\n", granted, absent, reserved,
		      refused);
	/* The cases are worth something only if every answer was met often. */
	assert_true(granted > cases / 20 && absent > cases / 20);
	assert_true(reserved > cases / 100 && refused > cases / 20);
	world_destroy(w);
}

/* Without paging a linear address is a physical one, but for A20. */
static void test_no_paging(void **state)
{
	struct world *w = world_create();
	struct pagewalk p;

	(void)state;
	w->cpu.cr0 = CR0_PE;
	w->cpu.a20_mask = ~(u64)BIT(20);
	assert_int_equal(cpu_walk(&w->cpu, 0xfff12345, ACCESS_WRITE | ACCESS_USER, &p), CPU_NEXT);
	assert_int_equal(p.gpa, 0xffe12345);
	assert_true(p.user && p.writable && p.executable && p.dirty);
	assert_int_equal(p.levels, 0);
	world_destroy(w);
}

static unsigned changes;

static void note_change(struct cpu *cpu, unsigned what)
{
	(void)cpu;
	changes |= what;
}

/* MOV CR3 reads the four PDPTEs (4.4.1): a reserved bit in a present one is #GP(0) and nothing is
 * loaded; later writes to memory do not matter until the next load. */
static void test_pdptes(void **state)
{
	static const struct cpu_env env = { .paging_changed = note_change };
	struct world *w = world_create();
	u64 *table = (u64 *)(w->ram + 0x20);

	(void)state;
	w->cpu.env = &env;
	w->cpu.cr0 = CR0_PE | CR0_PG;
	w->cpu.cr4 = CR4_PAE;
	for (unsigned n = 0; n < 64; n++) {
		bool bad = (n >= 1 && n <= 2) || (n >= 5 && n <= 8) || n >= 36;

		for (unsigned i = 0; i < 4; i++)
			table[i] = 0x1000 * (i + 1) | 1;
		table[n % 4] |= BIT64(n);
		memset(w->cpu.pdpte, 0x55, sizeof(w->cpu.pdpte));
		w->cpu.cr3 = 0x777000;
		changes = 0;
		assert_int_equal(cpu_write_cr(&w->cpu, 3, 0x3f), bad ? CPU_FAULT : CPU_NEXT);
		assert_int_equal(w->cpu.cr3, bad ? 0x777000 : 0x3f);
		assert_int_equal(changes, bad ? 0 : PAGING_CR3);
		assert_int_equal(w->cpu.pdpte[n % 4], bad ? 0x5555555555555555ull : table[n % 4]);
		table[n % 4] &= ~1ull; /* absent: the other bits are ignored */
		assert_int_equal(cpu_write_cr(&w->cpu, 3, 0x20), CPU_NEXT);
		table[n % 4] |= 1;
		assert_int_equal(w->cpu.pdpte[n % 4] & 1, 0);
	}
	world_destroy(w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_paging),
		cmocka_unit_test(test_pdptes),
	};

	if (argc > 1)
		cases = (unsigned)atoi(argv[1]);
	if (argc > 2)
		seed = (unsigned)atoi(argv[2]);
	return cmocka_run_group_tests_name("pagewalk", tests, NULL, NULL);
}
