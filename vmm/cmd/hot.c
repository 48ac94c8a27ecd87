/* SPDX-License-Identifier: MIT */
/*
 * hot: samples a VM for some seconds, and shows where it was; -f: as folded stacks.
 */
#include "vmm/cmd/hot.h"

#include "kernel/base/error.h"
#include "kernel/console/console.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/sampling.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/state/vm.h"

#define PLACES_SHOWN 30u
#define STACKS	     4096u

static const char *const marks[PLACE_COUNT + 1] = { "monit", "trans", "recom", "raw3", "raw1" };

static void print_places(struct vm *vm, const struct sampling *s)
{
	sampling_print_states(vm, s);
	profile_print(&s->profile, vm->vcpu->cpu.stops.symbols, PLACES_SHOWN, marks,
		      &console_lines);
	if (s->profile.lost)
		console_print("%u samples of more places were not kept\n", s->profile.lost);
}

static void print_folded(struct vm *vm, const struct sampling *s)
{
	console_print("folded stacks of %s\n", s->vm);
	profile_print_folded(&s->profile, vm->vcpu->cpu.stops.symbols, &console_lines);
	console_print("end of stacks, %u lost\n", s->profile.lost);
}

int cmd_hot(int argc, char **argv)
{
	u32 seconds = SAMPLING_SECONDS;
	struct vm *vm;
	bool folded = debug_take_option(&argc, argv, "-f");

	vm = vm_take(&argc, &argv);
	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("hot [-f] [NAME] [SECONDS]");
	if (argc > 1 && debug_number(argv[1], SAMPLING_SECONDS_MAX, &seconds))
		return E_INVAL;
	return sampling_begin(vm, seconds, STACKS, folded ? PROFILE_DEPTH : 1,
			      folded ? print_folded : print_places);
}
