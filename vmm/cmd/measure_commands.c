/* SPDX-License-Identifier: MIT */
/*
 * Commands that measure a VM. Nothing here changes it.
 */
#include "vmm/cmd/measure_commands.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/stat_people.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/cmd/vm_stat.h"
#include "vmm/state/vm.h"

#define EXITS_DEFAULT  40u
#define PLACES_DEFAULT 20u

/* Takes the option out of the arguments, in front of or behind the VM's name. */
static bool take_option(int *argc, char **argv, const char *option)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], option))
			continue;
		for ((*argc)--; i < *argc; i++)
			argv[i] = argv[i + 1];
		return true;
	}
	return false;
}

static int cmd_stat(int argc, char **argv)
{
	bool programs = take_option(&argc, argv, "-m");
	struct vm *vm;

	if (argc > 2)
		return debug_usage("stat [-m] [NAME]");
	vm = vm_arg(argc, argv, 1);
	if (!vm)
		return E_NOENT;
	if (programs)
		vm_print_stat(vm);
	else
		stat_print_people(vm);
	return 0;
}

static int cmd_exits(int argc, char **argv)
{
	bool places = take_option(&argc, argv, "-a");
	struct vm *vm = vm_take(&argc, &argv);
	u32 n = places ? PLACES_DEFAULT : EXITS_DEFAULT;

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("exits [-a] [NAME] [N]");
	if (argc > 1 && debug_number(argv[1], EXIT_TRACE_SIZE, &n))
		return E_INVAL;
	if (places && shell_crashed())
		return E_NOMEM; /* it allocates */
	if (places)
		return exit_trace_print_places(&vm->vcpu->trace, n, &vm->vcpu->cpu);
	exit_trace_print(&vm->vcpu->trace, n, &vm->vcpu->cpu);
	return 0;
}

static struct shell_command commands[] = {
	{ .name = "stat",
	  .args = "[-m] [NAME]",
	  .help = "where a VM's time goes, and its counters; -m: for programs",
	  .run = cmd_stat,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "exits",
	  .args = "[-a] [NAME] [N]",
	  .help = "the last N exits of a VM's processor; -a: whence most came",
	  .run = cmd_exits,
	  .crash = true,
	  .complete = vm_complete },
};

void measure_commands_init(void)
{
	shell_register_topic("measure", commands, ARRAY_SIZE(commands));
}
