/* SPDX-License-Identifier: MIT */
/*
 * A paused VM goes on. A command returns at once: where the VM stops is reported when it does.
 */
#include "vmm/cmd/stop_commands.h"

#include "emu/dbg/dbg_chain.h"
#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_debug.h"

#define STEPS_MAX 1000000u

/* --- On */

/* The VM that is to go on, which has one argument at most behind its name; NULL: reported. */
static struct vm *standing(int *argc, char ***argv, int arguments, const char *usage, int *err)
{
	struct vm *vm = vm_take(argc, argv);

	*err = E_NOENT;
	if (!vm)
		return NULL;
	if (*argc - 1 > arguments)
		*err = debug_usage(usage);
	else if (vm->state == VM_RUNNING)
		*err = debug_must_stand(vm);
	else if (vm->state == VM_STOPPED)
		console_print("%s has stopped (%s); reset it\n", vm->config.name, vm->stop_reason);
	else
		*err = 0;
	return *err ? NULL : vm;
}

static int cmd_step(int argc, char **argv)
{
	u32 steps = 1;
	int err;
	struct vm *vm = standing(&argc, &argv, 1, "step [NAME] [N]", &err);

	if (vm && argc > 1)
		err = debug_number(argv[1], STEPS_MAX, &steps);
	return err || !steps ? err : vm_debug_step(vm, steps);
}

static int cmd_next(int argc, char **argv)
{
	int err;
	struct vm *vm = standing(&argc, &argv, 0, "next [NAME]", &err);
	struct cpu *c = vm ? &vm->vcpu->cpu : NULL;
	unsigned len;
	bool calls;

	if (!vm)
		return err;
	len = dbg_instruction(c, &calls);
	if (!len || !calls || c->halted)
		return vm_debug_step(vm, 1);
	return vm_debug_until(vm, c->seg[SEG_CS].base + c->eip + len, c->gpr[REG_ESP]);
}

/* To the return address behind EBP. */
static int cmd_finish(int argc, char **argv)
{
	int err;
	struct vm *vm = standing(&argc, &argv, 0, "finish [NAME]", &err);
	struct cpu *c = vm ? &vm->vcpu->cpu : NULL;
	unsigned size;
	u32 bp, mask, ret = 0;

	if (!vm)
		return err;
	size = dbg_code_bits(c) / 8;
	mask = size == 4 ? UINT32_MAX : 0xffff;
	bp = c->gpr[REG_EBP] & mask;
	/* What lies below the stack is no frame: code that has none, with anything in EBP. */
	if (bp + size < (c->gpr[REG_ESP] & mask) ||
	    dbg_read(c, c->seg[SEG_SS].base + bp + size, &ret, size) < size) {
		console_print("ebp = %08x: no frame is there\n", bp);
		return E_FAULT;
	}
	return vm_debug_until(vm, c->seg[SEG_CS].base + ret, size == 4 ? bp + 2 * size : 0);
}

static int cmd_until(int argc, char **argv)
{
	int err;
	struct vm *vm = standing(&argc, &argv, 1, "until [NAME] ADDRESS", &err);
	u32 address;

	if (!vm)
		return err;
	if (argc != 2)
		return debug_usage("until [NAME] ADDRESS");
	err = debug_address(vm, argv[1], &address);
	return err ? err : vm_debug_until(vm, address, 0);
}

static int cmd_cont(int argc, char **argv)
{
	int err;
	struct vm *vm = standing(&argc, &argv, 0, "cont [NAME]", &err);

	return vm ? vm_debug_continue(vm) : err;
}

/* --- Why */

static void print_why(struct vm *vm)
{
	char why[VM_DEBUG_WHY];

	vm_debug_why(vm, why, sizeof(why));
	if (vm->state == VM_RUNNING)
		console_print("%s runs\n", vm->config.name);
	else if (vm->state == VM_STOPPED)
		console_print("%s has stopped: %s\n", vm->config.name, vm->stop_reason);
	else
		console_print("%s: %s\n", vm->config.name, why[0] ? why : "paused");
}

static int cmd_why(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	print_why(vm);
	if (vm->debug.stood == STOOD_SHUTDOWN)
		dbg_print_chain(&vm->vcpu->cpu, &console_lines);
	return 0;
}

static struct shell_command commands[] = {
	{ .name = "step",
	  .args = "[NAME] [N]",
	  .help = "execute instructions, with interrupts held off",
	  .examples = "    step 10\n",
	  .run = cmd_step,
	  .complete = vm_complete },
	{ .name = "next",
	  .args = "[NAME]",
	  .help = "the same over a call, an INT or a REP",
	  .examples = "    next\n",
	  .run = cmd_next,
	  .complete = vm_complete },
	{ .name = "finish",
	  .args = "[NAME]",
	  .help = "run to the return address of EBP's frame",
	  .examples = "    finish\n",
	  .run = cmd_finish,
	  .complete = vm_complete },
	{ .name = "until",
	  .args = "[NAME] ADDRESS",
	  .help = "run to an address",
	  .examples = "    until 0x7c10\n",
	  .run = cmd_until,
	  .complete = vm_complete_names },
	{ .name = "why",
	  .args = "[NAME]",
	  .help = "why a VM stands; of a triple fault, the faults that led to it",
	  .examples = "    why debian\n",
	  .run = cmd_why,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "cont",
	  .args = "[NAME]",
	  .help = "let a paused VM go on",
	  .examples = "    cont\n",
	  .run = cmd_cont,
	  .complete = vm_complete },
};

void stop_commands_init(void)
{
	shell_register_topic("stop", commands, ARRAY_SIZE(commands));
}
