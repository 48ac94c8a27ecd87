/* SPDX-License-Identifier: MIT */
/*
 * A world of tests/unit/test_shadow.c: a guest on a model of the processor, and what must hold
 * there after each step, whatever the step was.
 */
#pragma once

#include "tests/unit/shadow_fixture.h"

#define TABLE_FIRST  16u /* guest pages that tables are made of */
#define TABLE_PAGES  20u
#define CODE_PLACES  8u
#define GUEST_ANY_AD 0x60ull

struct code_place {
	bool noted;
	gla_t gla;
	bool cpl3;
	gpa_t gpa;
	u32 mapping;
};

struct world {
	struct cpu cpu;
	struct gpmem mem;
	struct hardware hw;
	struct shadow_host host;
	struct shadow *shadow;
	enum shadow_view view;
	bool alias;	       /* an access wrapped at 4 GiB */
	bool stale[RAM_PAGES]; /* table pages written since the last CR3 load */
	bool clean[RAM_PAGES];
	struct code_place code[CODE_PLACES];
	gla_t hidden[4], barred[4]; /* barred: from fetches only */
	unsigned hiddens, bars;
	unsigned seed, step;
	const char *doing;
};

/* What the runs met: the test is worth something only if that is much. */
static struct {
	u64 followed, mappings, exact, granted, refused, slow, hidden, fills, tables, roots,
		flushes, stale, stores, code;
} met;

#define CHECK(w, ok, why) check_that(w, ok, why, __LINE__)

static void check_that(const struct world *w, bool ok, const char *why, int line)
{
	if (ok)
		return;
	fail_msg("line %d, seed %u, step %u, after %s: %s", line, w->seed, w->step, w->doing, why);
}

static void check_hardware(struct world *w)
{
	CHECK(w, !w->hw.broken, w->hw.broken);
}

/* --- What the guest's tables say */

/* May what was cached of gla differ from the guest's tables? */
static bool may_be_stale(struct world *w, gla_t gla)
{
	struct pagewalk p;

	cpu_probe(&w->cpu, gla, ACCESS_READ, &p);
	for (unsigned i = 0; cpu_paging(&w->cpu) && i < p.levels; i++)
		if (p.entry_gpa[i] < RAM_SIZE && w->stale[p.entry_gpa[i] >> PAGE_SHIFT])
			return true;
	return false;
}

static bool guest_allows(struct world *w, gla_t gla, unsigned access)
{
	struct pagewalk p;

	return !cpu_probe(&w->cpu, gla, access, &p);
}

static bool among(const gla_t *page, unsigned pages, gla_t gla, gla_t mask)
{
	for (unsigned i = 0; i < pages; i++)
		if (!((page[i] ^ gla) & mask))
			return true;
	return false;
}

static bool barred(const struct world *w, gla_t gla)
{
	return among(w->barred, w->bars, gla, ~(PAGE_SIZE - 1));
}

/* Where no page can be no-execute the barred ones are hidden, too. */
static bool hidden(const struct world *w, gla_t gla)
{
	return among(w->hidden, w->hiddens, gla, ~(PAGE_SIZE - 1)) ||
	       (!w->host.have_nx && barred(w, gla));
}

/* A table may be linked twice: then its other place is slow, too. */
static bool may_be_hidden(const struct world *w, gla_t gla)
{
	return among(w->hidden, w->hiddens, gla, 511u << PAGE_SHIFT) ||
	       among(w->barred, w->bars, gla, 511u << PAGE_SHIFT);
}

/* What holds of a mapping however old the guest's idea of it may be. */
static void check_safe(struct world *w, const struct translation *t)
{
	gpa_t gpa = hw_gpa(t->hpa);

	CHECK(w, gpa != ~0ull, "a mapping out of the guest's memory");
	CHECK(w, !t->write || gpa < RAM_SIZE, "ROM is writable");
	CHECK(w, !t->write || !gpmem_watches(&w->mem, gpa), "a watched page is writable");
	CHECK(w, !hidden(w, t->page), "a hidden page is mapped");
	CHECK(w, !barred(w, t->page) || t->no_execute, "code may be fetched from a barred page");
	if (!w->host.have_nx)
		CHECK(w, !t->no_execute, "NX, which this processor does not have");
	else if (w->view == VIEW_KERNEL && hw_allows(t, ACCESS_EXEC))
		CHECK(w, gpa < RAM_SIZE && w->clean[gpa >> PAGE_SHIFT],
		      "ring 1 may execute a page that is not clean");
}

/* What holds of a mapping that is in step. */
static void check_exact(struct world *w, const struct translation *t)
{
	struct pagewalk p;
	unsigned user = w->view == VIEW_USER ? ACCESS_USER : 0;

	CHECK(w, !cpu_probe(&w->cpu, t->page, user, &p), "mapped where the guest has nothing");
	CHECK(w, hw_gpa(t->hpa) == (p.gpa & PAGE_MASK), "mapped to another page");
	if (t->write)
		CHECK(w, p.dirty && guest_allows(w, t->page, user | ACCESS_WRITE),
		      "writable, which the guest's tables forbid");
	if (w->view == VIEW_USER)
		return;
	if (t->user)
		CHECK(w, guest_allows(w, t->page, ACCESS_USER), "a supervisor page is the user's");
	if (t->user && t->write)
		CHECK(w, guest_allows(w, t->page, ACCESS_USER | ACCESS_WRITE), "user may write");
	if (w->host.have_nx && hw_allows(t, ACCESS_EXEC | ACCESS_USER))
		CHECK(w, guest_allows(w, t->page, ACCESS_EXEC | ACCESS_USER), "user may execute");
	if (w->host.have_nx && hw_allows(t, ACCESS_EXEC))
		CHECK(w, guest_allows(w, t->page, ACCESS_EXEC), "supervisor may execute");
	for (unsigned i = 0; cpu_paging(&w->cpu) && i < p.levels; i++)
		CHECK(w, p.entries[i] & BIT(5), "mapped without the guest's accessed bit");
}

static void check_translation(struct world *w, const struct translation *t)
{
	if (!t->present)
		return;
	met.mappings++;
	check_safe(w, t);
	if (!may_be_stale(w, t->page)) {
		met.exact++;
		check_exact(w, t);
	}
	check_hardware(w);
}

/* --- The whole root */

static void check_top(struct world *w)
{
	const u64 *pml4 = hw_table(&w->hw, w->hw.cr3), *pdpt;

	check_hardware(w);
	pdpt = hw_table(&w->hw, pml4[0]);
	check_hardware(w);
	for (unsigned i = 1; i < 256; i++)
		CHECK(w, pml4[i] == 0, "PML4[1..255]");
	CHECK(w, !memcmp(pml4 + 256, w->hw.monitor, sizeof(w->hw.monitor)), "the monitor's half");
	for (unsigned i = 0; i < 4; i++)
		CHECK(w, pdpt[i + 4] == (w->alias ? pdpt[i] : 0), "PDPT[4..7] are not PDPT[0..3]");
	for (unsigned i = 8; i < 512; i++)
		CHECK(w, pdpt[i] == 0, "PDPT[8..511]");
}

static void check_root(struct world *w)
{
	check_top(w);
	for (unsigned region = 0; region < 2048; region++) {
		const u64 *pd = hw_pd(&w->hw, region >> 9);

		check_hardware(w);
		if (!(pd[region & 511] & HW_P))
			continue;
		for (unsigned i = 0; i < 512; i++) {
			struct translation t =
				hw_leaf(&w->hw, pd[region & 511], region << 21 | i << 12);

			check_translation(w, &t);
		}
	}
	for (unsigned i = 0; i < TLB_SIZE; i++)
		check_translation(w, &w->hw.tlb[i]);
}

static void check_user(struct world *w)
{
	gla_t gla;
	const char *wrong = shadow_user_wrong(w->shadow, &gla);

	CHECK(w, !wrong, wrong);
	check_hardware(w);
}
