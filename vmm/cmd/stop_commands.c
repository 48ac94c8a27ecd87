/* SPDX-License-Identifier: MIT */
/*
 * Stopping a VM. A command returns at once: where the VM stops is reported when it does.
 */
#include "vmm/cmd/stop_commands.h"

#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_debug.h"

#define STEPS_MAX 1000000u

/* --- Points */

static const char *const kind_name[] = { "break", "write", "read", "access" };

static void list(const struct vm *vm)
{
	const struct vm_debug *d = &vm->debug;
	const struct cpu_stops *s = &vm->vcpu->cpu.stops;

	for (unsigned i = 0; i < d->points; i++) {
		const struct vm_point *p = &d->point[i];

		if (p->owner == OWNER_PROMPT)
			console_print("%-3u %-6s %08x +%u, met %llu times\n", p->number,
				      kind_name[p->stop.kind], p->stop.gla, p->stop.len,
				      (unsigned long long)p->hits);
	}
	if (s->vectors)
		console_print("    exceptions %08x (by vector)\n", s->vectors);
	if (d->at_halt)
		console_print("    HLT with interrupts off\n");
	if (d->at_shutdown)
		console_print("    triple fault\n");
}

static int add(struct vm *vm, const struct cpu_stop *stop)
{
	u32 number;
	int err = vm_debug_add(vm, stop, OWNER_PROMPT, &number);

	if (!err)
		console_print("%u: %s %08x +%u\n", number, kind_name[stop->kind], stop->gla,
			      stop->len);
	else if (err == E_FULL)
		console_print("%08x: %u points, or %u pages with watchpoints, are all there are\n",
			      stop->gla, CPU_STOPS, CPU_STOP_PAGES);
	else
		console_print("%08x +%u: not a range of 1 to %u bytes below 4 GiB\n", stop->gla,
			      stop->len, CPU_STOP_LEN);
	return err;
}

static int cmd_break(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu_stop stop = { .len = 1, .kind = STOP_EXEC };
	int err;

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("break [NAME] [ADDRESS]");
	if (argc < 2) {
		list(vm);
		return 0;
	}
	err = debug_address(vm, argv[1], &stop.gla);
	return err ? err : add(vm, &stop);
}

/* watch [NAME] ADDRESS [LENGTH] [r|w|rw] */
static int cmd_watch(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu_stop stop = { .len = 4, .kind = STOP_WRITE };
	static const char *const words[] = { "", "w", "r", "rw" };
	int err;

	if (!vm)
		return E_NOENT;
	for (unsigned k = STOP_WRITE; argc > 2 && k <= STOP_ACCESS; k++) {
		if (strcmp(argv[argc - 1], words[k]))
			continue;
		stop.kind = (u8)k;
		argc--;
		break;
	}
	if (argc < 2 || argc > 3)
		return debug_usage("watch [NAME] ADDRESS [LENGTH] [r|w|rw]");
	err = debug_address(vm, argv[1], &stop.gla);
	if (!err && argc == 3)
		err = debug_number(argv[2], CPU_STOP_LEN, &stop.len);
	return err ? err : add(vm, &stop);
}

static int cmd_catch(int argc, char **argv)
{
	static const char *const usage =
		"catch [NAME] exception [VECTOR] | halt | triple | nothing";
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu_stops *s = vm ? &vm->vcpu->cpu.stops : NULL;
	u32 vector;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[1], "exception")))
		return debug_usage(usage);
	if (!strcmp(argv[1], "halt")) {
		vm->debug.at_halt = true;
	} else if (!strcmp(argv[1], "triple")) {
		vm->debug.at_shutdown = true;
	} else if (!strcmp(argv[1], "nothing")) {
		vm->debug.at_halt = vm->debug.at_shutdown = false;
		s->vectors = 0;
	} else if (strcmp(argv[1], "exception")) {
		console_print("%s: ", argv[1]);
		return debug_usage(usage);
	} else if (argc == 2) {
		s->vectors = ~0u;
	} else {
		err = debug_number(argv[2], 31, &vector);
		if (err)
			return err;
		s->vectors |= BIT(vector);
	}
	return 0;
}

static int cmd_delete(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 number;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc != 2)
		return debug_usage("delete [NAME] NUMBER|all");
	if (!strcmp(argv[1], "all")) {
		vm_debug_remove_all(vm, OWNER_PROMPT);
		return 0;
	}
	err = debug_number(argv[1], UINT32_MAX, &number);
	if (!err && (!number || vm_debug_delete(vm, number))) {
		console_print("%s: there is no point of that number\n", argv[1]);
		err = E_NOENT;
	}
	return err;
}

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
	u32 bp, ret = 0;

	if (!vm)
		return err;
	size = dbg_code_bits(c) / 8;
	bp = size == 4 ? c->gpr[REG_EBP] : c->gpr[REG_EBP] & 0xffff;
	if (dbg_read(c, c->seg[SEG_SS].base + bp + size, &ret, size) < size) {
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

static struct shell_command commands[] = {
	{ .name = "break",
	  .args = "[NAME] [ADDRESS]",
	  .help = "stop a VM in front of an instruction; or list all points",
	  .run = cmd_break,
	  .complete = vm_complete },
	{ .name = "watch",
	  .args = "[NAME] ADDRESS [LENGTH] [r|w|rw]",
	  .help = "stop a VM behind a write, read or access",
	  .run = cmd_watch,
	  .complete = vm_complete },
	{ .name = "catch",
	  .args = "[NAME] exception [VECTOR] | halt | triple | nothing",
	  .help = "stop a VM there",
	  .run = cmd_catch,
	  .complete = vm_complete },
	{ .name = "delete",
	  .args = "[NAME] NUMBER|all",
	  .help = "forget a breakpoint or watchpoint",
	  .run = cmd_delete,
	  .complete = vm_complete },
	{ .name = "step",
	  .args = "[NAME] [N]",
	  .help = "execute instructions, with interrupts held off",
	  .run = cmd_step,
	  .complete = vm_complete },
	{ .name = "next",
	  .args = "[NAME]",
	  .help = "the same over a call, an INT or a REP",
	  .run = cmd_next,
	  .complete = vm_complete },
	{ .name = "finish",
	  .args = "[NAME]",
	  .help = "run to the return address of EBP's frame",
	  .run = cmd_finish,
	  .complete = vm_complete },
	{ .name = "until",
	  .args = "[NAME] ADDRESS",
	  .help = "run to an address",
	  .run = cmd_until,
	  .complete = vm_complete },
	{ .name = "cont",
	  .args = "[NAME]",
	  .help = "let a paused VM go on",
	  .run = cmd_cont,
	  .complete = vm_complete },
};

void stop_commands_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		shell_register(&commands[i]);
}
