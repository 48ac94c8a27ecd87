/* SPDX-License-Identifier: MIT */
/*
 * blocks: samples a VM for some seconds, and lists the blocks of translated code that it was in
 * most, guest code and emitted code side by side. A block that has been dropped meanwhile is named
 * only, and so is one whose code was made anew: its samples count, but say nothing about the new
 * code's instructions.
 */
#include "emu/dbg/dbg_symbols.h"
#include "emu/listing/block_list.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/figure.h"
#include "kernel/console/console.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/hot.h"
#include "vmm/cmd/sampling.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/run/sampler.h"
#include "vmm/state/vm.h"

#define PLACES	    8192u /* instructions of emitted code that are told apart */
#define HITS	    512u  /* of one block */
#define BLOCKS	    3u
#define BLOCKS_MOST 50u

static u32 shown; /* blocks that were asked for */

/* --- The hottest */

/* vmm/run/sampler.h says what a sample is: of a block, its address and its key. */
static bool block_of(const void *unused, const struct profile_stack *s, u32 key[2])
{
	(void)unused;
	key[0] = s->at[0];
	key[1] = s->at[1];
	return s->mark == SAMPLER_BLOCK;
}

/* The samples of the code that is listed; how many places, HITS at most. */
static unsigned hits_of(const struct profile *p, const struct recomp_place *place,
			struct recomp_hit *hit)
{
	unsigned n = 0;

	for (u32 i = 0; i < p->size && n < HITS; i++) {
		const struct profile_stack *s = &p->stack[i];

		if (s->count && s->mark == SAMPLER_BLOCK && s->at[0] == place->gla &&
		    s->at[1] == place->key && s->at[2] == place->code)
			hit[n++] = (struct recomp_hit){ s->at[3], s->count };
	}
	return n;
}

/* --- Printing */

static void print_block(struct vm *vm, const struct sampling *s, const struct profile_row *row,
			struct recomp_hit *hit)
{
	struct recomp *r = vm->vcpu->cpu.recomp;
	struct recomp_place place = { .gla = row->key[0], .key = row->key[1] };
	struct dbg_line l = { .len = 0 };
	bool there = recomp_find_block(r, &place);

	dbg_add(&l, "%s %% of all samples (%s): block at %08x",
		figure_share(row->count, s->profile.samples).text,
		figure_thousands(row->count).text, row->key[0]);
	dbg_add_symbol(&l, vm->vcpu->cpu.stops.symbols, row->key[0]);
	dbg_add(&l, there ? "" : ", dropped since");
	console_print("\n");
	dbg_end(&l, &console_lines);
	if (there)
		recomp_list_block(r, &place, hit, hits_of(&s->profile, &place, hit),
				  s->profile.samples, &console_lines);
}

static u32 marked(const struct profile *p, u8 mark)
{
	u32 n = 0;

	for (u32 i = 0; i < p->size; i++)
		if (p->stack[i].count && p->stack[i].mark == mark)
			n += p->stack[i].count;
	return n;
}

static void print_sums(const struct profile *p)
{
	static const char *const name[SAMPLER_MARKS] = {
		[PLACE_TRANSLATOR] = "the translator",
		[PLACE_RECOMPILER] = "C for translated code",
		[PLACE_RAW3] = "raw ring 3",
		[PLACE_RAW1] = "raw ring 1",
		[SAMPLER_STUB] = "stubs",
		[SAMPLER_BLOCK] = "blocks",
	};
	const char *comma = "";

	console_print("of the samples:");
	for (unsigned m = SAMPLER_MARKS; m-- > 0;) {
		u32 n = name[m] ? marked(p, (u8)m) : 0;

		if (!n)
			continue;
		console_print("%s %s %s %%", comma, name[m], figure_share(n, p->samples).text);
		comma = ",";
	}
	console_print("\n");
}

static void print(struct vm *vm, const struct sampling *s)
{
	struct profile_row *row = mem_alloc(PLACES * sizeof(*row));
	struct recomp_hit *hit = mem_alloc(HITS * sizeof(*hit));
	unsigned rows = row && hit ? profile_collect(&s->profile, row, block_of, NULL) : 0;

	sampling_print_states(vm, s);
	print_sums(&s->profile);
	if (!row || !hit)
		console_print("out of memory\n");
	for (u32 n = MIN(shown, rows); n; n--) {
		struct profile_row *best = profile_hottest(row, rows);

		print_block(vm, s, best, hit);
		best->count = 0;
	}
	if (s->profile.lost)
		console_print("%u samples of more places were not kept\n", s->profile.lost);
	mem_free(hit);
	mem_free(row);
}

int cmd_blocks(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 seconds = SAMPLING_SECONDS;

	if (!vm)
		return E_NOENT;
	if (argc > 3)
		return debug_usage("blocks [NAME] [N [SECONDS]]");
	shown = BLOCKS;
	if (argc > 1 && debug_number(argv[1], BLOCKS_MOST, &shown))
		return E_INVAL;
	if (argc > 2 && debug_number(argv[2], SAMPLING_SECONDS_MAX, &seconds))
		return E_INVAL;
	return sampling_begin(vm, seconds, PLACES, 0, print);
}
