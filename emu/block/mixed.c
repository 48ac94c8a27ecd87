/* SPDX-License-Identifier: MIT */
/*
 * Pages on which code and data mix: which they are, and which of their instructions are patched.
 *
 *   1. A page whose code is written to goes through C, write by write. That is right for code that
 *      is loaded or patched, and dear for a variable beside code and for an operand that a program
 *      writes into its own instructions each time. Such a page is mixed: its blocks verify
 *      themselves (trans_check.c), and its writes are not caught any more.
 *   2. A page becomes mixed when it turned to data again and again, or when one address of it is
 *      written to again and again while blocks lie on the page.
 *   3. A block that finds its bytes changed tells which of its instructions those were. One that
 *      changes more than once is made so that it reads its operand when the block is entered.
 */
#include "emu/block/mixed.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"

#define STRIKES 16u /* and the page is mixed */
/* Stays of C. A strike is forgiven for each: then its writes are less than an eighth of them. */
#define FORGIVEN (8u * PAGE_IS_DATA)
/*
 * Writes to one address. A page that was code once and is data now (a stack, a buffer) is free
 * after PAGE_IS_DATA of them, and never comes so far.
 */
#define OFTEN 40u
/* Stays of C after which a write begins the count anew: a kernel that patches its text comes back
 * to an instruction much later, if at all. */
#define FORGOTTEN 4096u
#define PATCHED	  2u /* changes */

static u64 stays_of_c(const struct recomp *r)
{
	const struct recomp_stats *s = &r->stats;

	return s->dispatches + s->hard_execs + s->slow_accesses + s->faults_resolved;
}

/* --- 2. Pages */

static u32 data_page(const struct recomp *r, gpa_t page)
{
	return (u32)(page >> PAGE_SHIFT) % ARRAY_SIZE(r->data_page);
}

bool block_page_mixed(const struct recomp *r, gpa_t page)
{
	u32 i = data_page(r, page);

	return (r->data_page[i].page == page && r->data_page[i].strikes >= STRIKES) ||
	       gpmem_is_window(r->cpu->mem, page);
}

void block_mix_page(struct recomp *r, gpa_t page)
{
	u32 i = data_page(r, page);

	r->data_page[i].page = page;
	r->data_page[i].strikes = STRIKES;
	COUNT(r->stats.mixed_pages);
}

bool block_note_data(struct recomp *r, gpa_t page)
{
	u32 i = data_page(r, page);

	if (r->data_page[i].page != page) {
		r->data_page[i].page = page;
		r->data_page[i].strikes = 0;
	}
	r->data_page[i].strikes -= (u32)MIN((stays_of_c(r) - r->data_page[i].last) / FORGIVEN,
					    (u64)r->data_page[i].strikes);
	r->data_page[i].last = stays_of_c(r);
	return ++r->data_page[i].strikes == STRIKES;
}

bool block_note_write(struct recomp *r, gpa_t gpa)
{
	struct write_note *n =
		&r->write_note[((u32)gpa ^ (u32)gpa >> 8) % ARRAY_SIZE(r->write_note)];
	u64 now = stays_of_c(r);

	if (n->gpa != gpa || now - n->last > FORGOTTEN)
		*n = (struct write_note){ .gpa = gpa };
	n->last = now;
	if (++n->count < OFTEN)
		return false;
	n->count = 0;
	return true;
}

/* --- 3. Instructions */

static struct patch_note *patch_note(struct recomp *r, gpa_t insn)
{
	return &r->patch_note[(u32)insn % ARRAY_SIZE(r->patch_note)];
}

bool block_is_patched(struct recomp *r, gpa_t insn)
{
	const struct patch_note *n = patch_note(r, insn);

	return n->gpa == insn && n->count >= PATCHED;
}

static void note_patched(struct recomp *r, gpa_t insn)
{
	struct patch_note *n = patch_note(r, insn);

	if (n->gpa != insn)
		*n = (struct patch_note){ .gpa = insn };
	if (n->count < PATCHED)
		n->count++;
}

void block_note_stale(struct recomp *r, const struct block *b)
{
	u8 now[CHECK_BYTES];
	const u8 *was = block_source(b);
	u32 room = PAGE_SIZE - (u32)(b->gpa[0] & (PAGE_SIZE - 1)), first = MIN(room, (u32)b->len);

	COUNT(r->stats.stale_blocks);
	gpmem_read(r->cpu->mem, b->gpa[0], now, first);
	if (first < b->len)
		gpmem_read(r->cpu->mem, b->gpa[1], now + first, b->len - first);
	for (unsigned i = 0; i < b->insns; i++) {
		u32 at = b->map[i].guest, end = i + 1u < b->insns ? b->map[i + 1].guest : b->len;

		if (memcmp(was + at, now + at, end - at) != 0)
			note_patched(r, b->gpa[0] + at);
	}
}
