/* SPDX-License-Identifier: MIT */
/*
 * Shell commands for guests' screens.
 */
#include "vmm/cmd/screen_commands.h"

#include "emu/chip/vga_dump.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/console/vm_screen.h"
#include "vmm/snap/snapshot.h"
#include "vmm/snap/snapshot_send.h"
#include "vmm/state/vm.h"

/* What blinks is shown. */
#define SHOW (VGA_SHOW_CURSOR | VGA_SHOW_BLINK)

static int print_sum(const char *name, struct vga *vga)
{
	u32 width, height, sum;

	if (!vga_dump_sum(vga, SHOW, &width, &height, &sum))
		return E_NOMEM;
	console_print("%s: %u by %u, sum %08x\n", name, width, height, sum);
	return 0;
}

static int send(const char *name, struct vga *vga)
{
	struct snapshot *p = snapshot_create(name);
	int err = E_NOMEM;

	if (p && vga_dump(vga, SHOW, snapshot_append, p))
		err = snapshot_send_once(p, "screen");
	if (err && p)
		snapshot_free(p);
	if (err == E_BUSY)
		console_print("something else is being sent\n");
	return err;
}

static int cmd_screendump(int argc, char **argv)
{
	bool sum = argc > 2 && !strcmp(argv[argc - 1], "sum");
	struct vm *vm = vm_arg(argc - sum, argv, 1);
	struct vga *vga = vm ? board_vga(vm->board) : NULL;

	if (!vm)
		return E_NOENT;
	if (!vga) {
		console_print("%s has no screen (vga = none)\n", vm->config.name);
		return E_NOENT;
	}
	return sum ? print_sum(vm->config.name, vga) : send(vm->config.name, vga);
}

/* The prompt's line is whole before the screen is drawn. */
static int cmd_screen(int argc, char **argv)
{
	bool sixel = argc > 1 && !strcmp(argv[argc - 1], "sixel");
	struct vm *vm = vm_arg(argc - sixel, argv, 1);
	int err;

	if (!vm)
		return E_NOENT;
	err = vm_screen_show(vm, sixel);
	if (err == E_NOENT)
		console_print("%s has no screen (vga = none)\n", vm->config.name);
	else if (err == E_NOSYS)
		console_print("no serial line is a console\n");
	return err;
}

static struct shell_command commands[] = {
	{ .name = "screen",
	  .args = "NAME [sixel]",
	  .help = "a VM's screen and keyboard on this terminal, until the escape key",
	  .examples = "    screen debian\n",
	  .run = cmd_screen,
	  .complete = vm_complete },
	{ .name = "screendump",
	  .args = "NAME [sum]",
	  .help = "send a picture of a VM's screen (iso/screen-file), or only its size and CRC-32",
	  .examples = "    screendump debian sum\n",
	  .run = cmd_screendump,
	  .complete = vm_complete },
};

void screen_commands_init(void)
{
	shell_register_topic("screen", commands, ARRAY_SIZE(commands));
}
