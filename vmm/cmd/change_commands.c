/* SPDX-License-Identifier: MIT */
/*
 * Ports, memory, interrupts and the engine of a VM. A command runs between two turns of the VM, so
 * what it changes has changed between two of the guest's instructions.
 */
#include "vmm/cmd/change_commands.h"

#include "emu/board/board.h"
#include "emu/dbg/dbg_mem.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/run/vcpu_life.h"
#include "vmm/vm/vm_state.h"

#define POKE_MAX 256u /* bytes */

/* 1, 2 or 4 bytes; 1 where the argument is missing. */
static int port_size(int argc, char **argv, int n, u32 *size)
{
	int err = 0;

	*size = 1;
	if (argc > n)
		err = debug_number(argv[n], 4, size);
	if (!err && (*size == 0 || *size == 3)) {
		console_print("%u: 1, 2 or 4 bytes\n", *size);
		err = E_INVAL;
	}
	return err;
}

static int cmd_in(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 port, size;

	if (!vm)
		return E_NOENT;
	if (argc < 2 || argc > 3)
		return debug_usage("in [NAME] PORT [SIZE]");
	if (port_size(argc, argv, 2, &size) || debug_number(argv[1], 0x10000 - size, &port))
		return E_INVAL;
	console_print("%04x  %0*x\n", port, (int)(2 * size),
		      board_io_read(vm->board, (u16)port, size));
	return 0;
}

/* As the guest's processor would: what the write asks for is done in the VM's next turn. */
static int cmd_out(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 port, value, size;

	if (!vm)
		return E_NOENT;
	if (argc < 3 || argc > 4)
		return debug_usage("out [NAME] PORT VALUE [SIZE]");
	if (port_size(argc, argv, 3, &size) || debug_number(argv[1], 0x10000 - size, &port) ||
	    debug_number(argv[2], (u32)(BIT64(8 * size) - 1), &value))
		return E_INVAL;
	board_io_write(vm->board, (u16)port, size, value);
	console_print("%s: %x to port %x\n", vm->config.name, value, port);
	return 0;
}

/* All of it, or nothing; what watches the memory is told, as of a device's writes. */
static int poke(int argc, char **argv, bool physical)
{
	struct vm *vm = vm_take(&argc, &argv);
	u8 bytes[POKE_MAX];
	u32 at, n = 0, more;
	bool good;

	if (!vm)
		return E_NOENT;
	if (argc < 3)
		return debug_usage(physical ? "pokep[/b|/w|/d|/s] [NAME] ADDR VALUE|TEXT ..."
					    : "poke[/b|/w|/d|/s] [NAME] ADDR VALUE|TEXT ...");
	if (debug_address(vm, argv[1], &at))
		return E_INVAL;
	for (int i = 2; i < argc; i++, n += more)
		if (debug_bytes(argv[0], argv[i], bytes + n, POKE_MAX - n, &more))
			return E_INVAL;
	good = physical ? dbg_write_phys(&vm->vcpu->cpu, at, bytes, n)
			: dbg_write(&vm->vcpu->cpu, at, bytes, n);
	if (!good) {
		console_print("%08x: no RAM for %u bytes\n", at, n);
		return E_FAULT;
	}
	return 0;
}

static int cmd_poke(int argc, char **argv)
{
	return poke(argc, argv, false);
}

static int cmd_pokep(int argc, char **argv)
{
	return poke(argc, argv, true);
}

/* One that interrupts may still come to; NULL: reported in *err. */
static struct vm *living(int *argc, char ***argv, int *err)
{
	struct vm *vm = vm_take(argc, argv);

	*err = E_NOENT;
	if (vm && vm->state == VM_STOPPED) {
		console_print("%s has stopped (%s); reset it\n", vm->config.name, vm->stop_reason);
		*err = E_INVAL;
		return NULL;
	}
	return vm;
}

static int cmd_nmi(int argc, char **argv)
{
	int err;
	struct vm *vm = living(&argc, &argv, &err);

	if (!vm)
		return err;
	if (argc != 1)
		return debug_usage("nmi [NAME]");
	recomp_signal(&vm->vcpu->cpu, CPU_EVENT_NMI);
	return 0;
}

static int cmd_inject(int argc, char **argv)
{
	int err;
	struct vm *vm = living(&argc, &argv, &err);
	u32 vector;

	if (!vm)
		return err;
	if (argc != 2)
		return debug_usage("inject [NAME] VECTOR");
	if (debug_number(argv[1], 255, &vector))
		return E_INVAL;
	return vm_inject(vm, (u8)vector);
}

static int cmd_engine(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("engine [NAME] [auto|ring1|recompile|recompile-all]");
	if (argc < 2) {
		console_print("%s\n", vm_engine_name(vm->config.engine));
		return 0;
	}
	for (unsigned e = ENGINE_AUTO; e <= ENGINE_RECOMPILE_ALL; e++) {
		if (strcmp(argv[1], vm_engine_name((enum config_engine)e)))
			continue;
		vm->config.engine = (enum config_engine)e;
		vcpu_engine_changed(vm->vcpu);
		return 0;
	}
	console_print("%s: auto, ring1, recompile or recompile-all\n", argv[1]);
	return E_INVAL;
}

static struct shell_command commands[] = {
	{ .name = "in",
	  .args = "[NAME] PORT [SIZE]",
	  .help = "read a port as the VM's processor does; 1 byte, or 2 or 4",
	  .examples = "    in 0x64\n",
	  .run = cmd_in,
	  .complete = vm_complete },
	{ .name = "out",
	  .args = "[NAME] PORT VALUE [SIZE]",
	  .help = "write to a port as the VM's processor does; 1 byte, or 2 or 4",
	  .examples = "    out 0x80 0x55\n",
	  .run = cmd_out,
	  .complete = vm_complete },
	{ .name = "poke",
	  .args = "[/UNIT] [NAME] ADDR VALUE ...",
	  .help = "write numbers (b w d) or a text (s) to a VM's memory, by linear address",
	  .examples = "    poke/b 0x7c00 0xeb 0xfe\n    poke/s cs:0x100 \"some text\"\n",
	  .slash = true,
	  .run = cmd_poke,
	  .complete = vm_complete },
	{ .name = "pokep",
	  .args = "[/UNIT] [NAME] ADDR VALUE ...",
	  .help = "the same, by physical address",
	  .slash = true,
	  .examples = "    pokep/b 0x7c00 0xeb 0xfe\n",
	  .run = cmd_pokep,
	  .complete = vm_complete },
	{ .name = "nmi",
	  .args = "[NAME]",
	  .help = "send a VM's processor a non-maskable interrupt",
	  .examples = "    nmi debian\n",
	  .run = cmd_nmi,
	  .complete = vm_complete },
	{ .name = "inject",
	  .args = "[NAME] VECTOR",
	  .help = "interrupt a VM's processor, past its interrupt controllers",
	  .examples = "    inject 0x20\n",
	  .run = cmd_inject,
	  .complete = vm_complete },
	{ .name = "engine",
	  .args = "[NAME] [ENGINE]",
	  .help = "run a VM's code by another engine from here on",
	  .examples = "    engine           which one\n"
		      "    engine recompile\n",
	  .run = cmd_engine,
	  .complete = vm_complete },
};

void change_commands_init(void)
{
	shell_register_topic("change", commands, ARRAY_SIZE(commands));
}
