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
static int dump(struct vga *vga, struct snapshot *p)
{
	if (vga_dump(vga, VGA_SHOW_CURSOR | VGA_SHOW_BLINK, snapshot_append, p))
		return snapshot_send_once(p, "screen");
	return E_NOMEM;
}

static int cmd_screendump(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);
	struct vga *vga = vm ? board_vga(vm->board) : NULL;
	struct snapshot *p;
	int err;

	if (!vm)
		return E_NOENT;
	if (!vga) {
		console_print("%s has no screen (vga = none)\n", vm->config.name);
		return E_NOENT;
	}
	p = snapshot_create(vm->config.name);
	err = p ? dump(vga, p) : E_NOMEM;
	if (err && p)
		snapshot_free(p);
	if (err == E_BUSY)
		console_print("something else is being sent\n");
	return err;
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
	  .run = cmd_screen,
	  .complete = vm_complete },
	{ .name = "screendump",
	  .args = "NAME",
	  .help = "send a picture of a VM's screen (iso/screen-file)",
	  .run = cmd_screendump,
	  .complete = vm_complete },
};

void screen_commands_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		shell_register(&commands[i]);
}
