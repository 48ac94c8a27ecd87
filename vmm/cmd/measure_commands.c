/* SPDX-License-Identifier: MIT */
/*
 * Commands that measure a VM. Nothing here changes it.
 */
#include "vmm/cmd/measure_commands.h"

#include "kernel/base/error.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/hot.h"
#include "vmm/cmd/stat_people.h"
#include "vmm/cmd/top.h"
#include "vmm/cmd/trace_command.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/cmd/vm_stat.h"
#include "vmm/state/vm.h"

#define EXITS_DEFAULT  40u
#define PLACES_DEFAULT 20u

static int cmd_stat(int argc, char **argv)
{
	bool programs = debug_take_option(&argc, argv, "-m");
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
	bool places = debug_take_option(&argc, argv, "-a");
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
	{ .name = "hot",
	  .args = "[-f] [NAME] [SECONDS]",
	  .help = "sample where a VM is; -f: as folded stacks",
	  .examples = "    hot 2            for two seconds: functions, or addresses\n"
		      "    hot -f debian    stacks by EBP, for iso/stacks-file\n",
	  .run = cmd_hot,
	  .complete = vm_complete },
	{ .name = "blocks",
	  .args = "[NAME] [N [SECONDS]]",
	  .help = "sample a VM, and list its N hottest blocks of translated code",
	  .examples = "    blocks           the three hottest of 5 s: guest code, emitted code\n"
		      "    blocks debian 10 1\n",
	  .run = cmd_blocks,
	  .complete = vm_complete },
	{ .name = "top",
	  .args = "[-1]",
	  .help = "who uses the processor, live; -1: once, since it was asked last",
	  .examples = "    top              until a key\n"
		      "    top -1           once\n",
	  .run = cmd_top },
	{ .name = "stat",
	  .args = "[-m] [NAME]",
	  .help = "where a VM's time goes, and its counters; -m: for programs",
	  .examples = "    stat             what has changed since it was asked last\n"
		      "    stat -m debian   a key and a number a line\n",
	  .run = cmd_stat,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "trace",
	  .args = "[NAME] [EVENT[,EVENT] on|off | show [N]]",
	  .help = "note chosen events of a VM with their time; show the last ones",
	  .examples = "    trace ports,interrupts on\n"
		      "    trace show 100   the last hundred\n"
		      "    trace all off\n",
	  .run = cmd_trace,
	  .complete = trace_complete },
	{ .name = "exits",
	  .args = "[-a] [NAME] [N]",
	  .help = "the last N exits of a VM's processor; -a: whence most came",
	  .examples = "    exits 10         the last ten, with the clock\n"
		      "    exits -a         the addresses that most of 1,024 came from\n",
	  .run = cmd_exits,
	  .crash = true,
	  .complete = vm_complete },
};

void measure_commands_init(void)
{
	shell_register_topic("measure", commands, ARRAY_SIZE(commands));
}
