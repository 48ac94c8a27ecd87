/* SPDX-License-Identifier: MIT */
/*
 * From the configuration module to running VMs.
 */
#include "vmm/cmd/vmm.h"

#include "kernel/base/log.h"
#include "kernel/base/alloc.h"
#include "kernel/base/string.h"
#include "kernel/lib/cmdline.h"
#include "kernel/lib/module.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/debug/panic.h"
#include "kernel/debug/state_dump.h"
#include "vmm/load/config.h"
#include "vmm/run/run.h"
#include "vmm/console/vm_console.h"
#include "vmm/console/vm_display.h"
#include "vmm/console/vm_screen.h"
#include "vmm/gdb/gdb_self.h"
#include "vmm/vm/vm_finish.h"
#include "vmm/cmd/balloon_commands.h"
#include "vmm/cmd/change_commands.h"
#include "vmm/cmd/create_commands.h"
#include "vmm/cmd/device_commands.h"
#include "vmm/cmd/input_commands.h"
#include "vmm/cmd/measure_commands.h"
#include "vmm/cmd/screen_commands.h"
#include "vmm/cmd/see_commands.h"
#include "vmm/cmd/snap_commands.h"
#include "vmm/cmd/point_commands.h"
#include "vmm/cmd/stop_commands.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_refused.h"
#include "vmm/snap/snapshot_send.h"
#include "vmm/cmd/vm_stat.h"

#define CONFIG_MODULE "vms.conf"

static void report(void *ctx, const char *message)
{
	(void)ctx;
	log_error("%s", message);
}

static enum config_exit exit_wanted(const struct config *c)
{
	static const char *const name[] = { [EXIT_POWEROFF] = "poweroff",
					    [EXIT_REBOOT] = "reboot",
					    [EXIT_HALT] = "halt",
					    [EXIT_STAY] = "stay" };
	const char *want = cmdline_get("exit");

	for (unsigned i = 0; want && i < ARRAY_SIZE(name); i++)
		if (!strcmp(want, name[i]))
			return (enum config_exit)i;
	return c->exit;
}

/* The [ringleader] section's settings; the command line's win. */
static void apply(const struct config *c)
{
	if (!cmdline_get("console"))
		console_select(c->console);
	console_set_flow((enum console_flow)c->flow);
	if (c->gdb[0] && !cmdline_get("gdb"))
		gdb_self_open(c->gdb);
	vm_console_set_escape(c->escape);
	vm_display_set_hotkey(c->hotkey);
	vm_set_exit(exit_wanted(c));
}

static struct vm *create_vms(const struct config *c)
{
	struct vm *first = NULL;

	for (unsigned i = 0; i < c->vms; i++) {
		const struct config_vm *cv = &c->vm[i];
		struct vm *vm;

		if (cv->bad)
			vm_refuse(cv, "not started: its section, from line %u on, has errors",
				  cv->line);
		if (cv->bad || create_vm(cv, &vm)) {
			vm_refused_add(cv);
			continue;
		}
		if (!first)
			first = vm;
	}
	return first;
}

void vmm_start(void)
{
	const struct module *m = module_find(CONFIG_MODULE);
	struct config *c = mem_alloc(sizeof(*c));
	struct vm *first = NULL;
	bool show = false;

	run_install();
	vm_commands_init();
	balloon_commands_init();
	see_commands_init();
	point_commands_init();
	create_commands_init();
	change_commands_init();
	device_commands_init();
	stop_commands_init();
	snap_commands_init();
	screen_commands_init();
	input_commands_init();
	measure_commands_init();
	if (modules_lost())
		log_error("%u boot modules are left out: there is room for %u", modules_lost(),
			  MODULE_MAX);
	if (!c)
		panic("no memory for the configuration");
	if (m) {
		const char *name = cmdline_get("config");

		config_parse(name ? name : CONFIG_MODULE, (const char *)m->data, m->size, c,
			     create_check_file, report, NULL);
		apply(c);
		first = create_vms(c);
		show = first && c->screen_vm;
	} else {
		log_error("no boot module is called %s: there is nothing to run", CONFIG_MODULE);
	}
	config_free(c);
	mem_free(c);
	state_dump_set_hook(vm_print_all);
	panic_set_hook(vm_print_current);
	if (first) {
		vm_console_announce(first);
		vm_console_focus(first);
	} else {
		shell_enter();
	}
	snapshot_send_start();
	vm_screen_init();
	vm_display_start();
	if (show)
		vm_display_turn_to(first);
	vm_console_start(vm_check_finished);
	vm_check_finished();
}
