/* SPDX-License-Identifier: MIT */
/*
 * Shell commands for VMs. A NAME may be left out while there is one VM only, or after `use NAME`.
 */
#include "vmm/cmd/vm_commands.h"

#include "emu/dbg/dbg_regs.h"
#include "emu/dbg/dbg_symbols.h"
#include "emu/dev/device.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/lib/module.h"
#include "vmm/raw/isolation.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_devices.h"
#include "vmm/console/vm_console.h"
#include "vmm/gdb/gdb_server.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_media.h"
#include "vmm/vm/vm_refused.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_strict.h"

static char used[CONFIG_NAME]; /* use NAME */
static const char *used_for;   /* by commands of a point, and of gdb's */

static struct vm *silent_default(void)
{
	struct vm *vm = used_for ? vm_find(used_for) : used[0] ? vm_find(used) : NULL;

	if (!vm && !list_empty(&vm_list) && vm_list.next == vm_list.prev)
		vm = list_entry(vm_list.next, struct vm, link);
	return vm;
}

static struct vm *default_vm(const char *command)
{
	struct vm *vm = silent_default();

	if (!vm)
		console_print("%s: which VM? (vm list; use NAME)\n", command);
	return vm;
}

void vm_use_for(const char *name)
{
	used_for = name;
}

struct vm *vm_arg(int argc, char **argv, int n)
{
	struct vm *vm;

	if (argc > n + 1) {
		console_print("%s: nothing may follow %s\n", argv[0], argv[n]);
		return NULL;
	}
	if (argc > n) {
		const struct vm_refused *r = vm_refused_find(argv[n]);

		vm = vm_find(argv[n]);
		if (!vm && r)
			console_print("%s did not start: %s\n", argv[n], r->why);
		else if (!vm)
			console_print("no VM is called %s\n", argv[n]);
		return vm;
	}
	return default_vm(argv[0]);
}

struct vm *vm_take(int *argc, char ***argv)
{
	struct vm *vm = *argc > 1 ? vm_find((*argv)[1]) : NULL;

	if (vm) { /* the command stays in front */
		(*argv)[1] = (*argv)[0];
		(*argc)--;
		(*argv)++;
		return vm;
	}
	return default_vm((*argv)[0]);
}

const char *vm_complete(int n, unsigned i)
{
	struct list *p;

	if (n != 1)
		return NULL;
	list_for_each (p, &vm_list)
		if (!i--)
			return list_entry(p, struct vm, link)->config.name;
	return NULL;
}

static unsigned vm_count(void)
{
	unsigned n = 0;

	while (vm_complete(1, n))
		n++;
	return n;
}

/* The i-th symbol of the VM that is meant where none is named. */
static const char *nth_symbol(unsigned i)
{
	static char name[DBG_LINE];
	const struct vm *vm = silent_default();
	const struct dbg_symbols *s = vm ? vm->vcpu->cpu.stops.symbols : NULL;
	size_t len;

	if (!s || i >= s->count)
		return NULL;
	len = MIN(s->at[i].len, sizeof(name) - 1);
	memcpy(name, s->text + s->at[i].name, len);
	name[len] = '\0';
	return name;
}

static unsigned register_count(void)
{
	unsigned n = 0;

	while (dbg_register_name(n))
		n++;
	return n;
}

const char *vm_complete_names(int n, unsigned i)
{
	unsigned vms = n == 1 ? vm_count() : 0, registers = register_count();

	if (i < vms)
		return vm_complete(1, i);
	i -= vms;
	return i < registers ? dbg_register_name(i) : nth_symbol(i - registers);
}

/* Of the VM that is meant where none is named, or of the first. */
static const char *nth_device(unsigned i)
{
	const struct vm *vm = silent_default();
	const struct device_set *set;

	if (!vm && !list_empty(&vm_list))
		vm = list_entry(vm_list.next, struct vm, link);
	if (!vm || !vm->board)
		return NULL;
	set = board_devices(vm->board);
	return i < set->count ? set->device[i].slot->name : NULL;
}

const char *vm_complete_devices(int n, unsigned i)
{
	unsigned vms = n == 1 ? vm_count() : 0;

	if (n > 2)
		return NULL;
	return i < vms ? vm_complete(1, i) : nth_device(i - vms);
}

static const char *nth_drive(unsigned i)
{
	static const enum config_drive_name drives[] = { CONFIG_FLOPPY, CONFIG_FLOPPY1,
							 CONFIG_CDROM };

	return i < ARRAY_SIZE(drives) ? config_drive_name(drives[i]) : NULL;
}

static const char *nth_module(unsigned i)
{
	const struct module *m = module_at(i);

	return m ? m->name : NULL;
}

/* NAME DRIVE MODULE, or without the first */
static const char *complete_medium(int n, unsigned i)
{
	unsigned vms = n == 1 ? vm_count() : 0, drives = 0;

	if (i < vms)
		return vm_complete(1, i);
	i -= vms;
	while (n < 3 && nth_drive(drives))
		drives++;
	if (i < drives)
		return nth_drive(i);
	return n == 2 || n == 3 ? nth_module(i - drives) : NULL;
}

static int cmd_vm(int argc, char **argv)
{
	struct list *p;

	if (argc > 1 && strcmp(argv[1], "list")) {
		console_print("vm list\n");
		return E_INVAL;
	}
	console_print("%-16s %-8s %-13s %8s %9s %9s  %s\n", "NAME", "STATE", "ENGINE", "MEMORY",
		      "OVERHEAD", "PROMISED", "REASON");
	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		console_print("%-16s %-8s %-13s %7lluM %8lluK %8lluK  %s\n", vm->config.name,
			      vm_state_name(vm->state), vm_engine_name(vm->config.engine),
			      (unsigned long long)(vm->config.memory / MiB),
			      (unsigned long long)(vm_overhead(vm) / KiB),
			      (unsigned long long)(vm_promised(vm) / KiB),
			      vm->state == VM_STOPPED ? vm->stop_reason : "");
	}
	list_for_each (p, &vm_refused_list) {
		struct vm_refused *r = list_entry(p, struct vm_refused, link);

		console_print("%-16s %-8s %-13s %7lluM %9s %9s  %s\n", r->config.name, "refused",
			      vm_engine_name(r->config.engine),
			      (unsigned long long)(r->config.memory / MiB), "", "", r->why);
	}
	return 0;
}

static int cmd_use(int argc, char **argv)
{
	struct vm *vm;

	if (argc < 2) {
		console_print("%s\n", used[0] ? used : "no VM: name it, or use NAME");
		return 0;
	}
	vm = vm_arg(argc, argv, 1);
	if (!vm)
		return E_NOENT;
	str_copy(used, vm->config.name, sizeof(used));
	return 0;
}

static int cmd_console(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	vm_console_announce(vm);
	vm_console_focus(vm);
	return 0;
}

static int cmd_pause(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->state != VM_RUNNING)
		console_print("%s: %s\n", vm->config.name, vm_state_name(vm->state));
	vm_debug_stop(vm); /* reports it */
	return 0;
}

static int cmd_resume(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->state == VM_STOPPED) {
		console_print("%s has stopped (%s); reset it\n", vm->config.name, vm->stop_reason);
		return E_INVAL;
	}
	vm_debug_continue(vm);
	console_print("%s: %s\n", vm->config.name, vm_state_name(vm->state));
	return 0;
}

static int cmd_reset(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	return vm_debug_reset(vm, "asked for at the prompt");
}

static int cmd_powerbutton(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->state == VM_STOPPED) {
		console_print("%s has stopped (%s)\n", vm->config.name, vm->stop_reason);
		return E_INVAL;
	}
	board_power_button(vm->board);
	return 0;
}

#define VERIFY_AT_ONCE 256u /* blocks; then Ctrl-C is looked for */

static int cmd_verify(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);
	const char *why;
	u32 eip = 0, next = 0, n = 0;

	if (!vm)
		return E_NOENT;
	do {
		n += recomp_verify(vm->vcpu->cpu.recomp, &next, VERIFY_AT_ONCE, &eip, &why);
	} while (next && !why && !shell_interrupted());
	console_print("%s: %u blocks proven\n", vm->config.name, n);
	if (!why)
		return 0;
	console_print("the block of EIP %x is NOT: %s\n", eip, why);
	return E_INVAL;
}

static int cmd_isolation(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);
	const char *what = vm ? isolation_broken(vm->vcpu) : NULL;

	if (!vm)
		return E_NOENT;
	console_print("%s: isolation %s\n", vm->config.name, what ? what : "holds");
	return what ? E_INVAL : 0;
}

static int cmd_strict(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->config.strict == STRICT_OFF) {
		console_print("%s: strict = off\n", vm->config.name);
		return E_INVAL;
	}
	vm_strict_print(vm);
	return 0;
}

static int cmd_devs(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	vm_list_devices(vm);
	return 0;
}

/* ctrl-a .. ctrl-] as control characters; a single character as itself. */
static int parse_key(const char *s, u8 *key)
{
	if (strlen(s) == 1) {
		*key = (u8)s[0];
		return 0;
	}
	if (!strncmp(s, "ctrl-", 5) && strlen(s) == 6) {
		*key = s[5] & 0x1f;
		return 0;
	}
	return E_INVAL;
}

static int cmd_sendchar(int argc, char **argv)
{
	u8 key;

	if (argc < 2 || parse_key(argv[1], &key)) {
		console_print("sendchar ctrl-]|X [NAME]\n");
		return E_INVAL;
	}

	struct vm *vm = vm_arg(argc, argv, 2);

	if (!vm)
		return E_NOENT;
	return vm_console_type(vm, key) ? 0 : E_FULL;
}

static int cmd_insert(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	if (argc != 3)
		return debug_usage("insert NAME DRIVE MODULE");
	return vm_media_insert(vm, argv[1], argv[2]);
}

static int cmd_eject(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	return argc == 2 ? vm_media_eject(vm, argv[1]) : debug_usage("eject NAME DRIVE");
}

static struct shell_command commands[] = {
	{ .name = "vm",
	  .args = "list",
	  .help = "list the virtual machines",
	  .examples = "    vm list\n",
	  .run = cmd_vm,
	  .crash = true },
	{ .name = "use",
	  .args = "[NAME]",
	  .help = "the VM that is meant where none is named",
	  .examples = "    use debian       NAME may be left out from here on\n"
		      "    use              says which one is meant\n",
	  .run = cmd_use,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "console",
	  .args = "NAME",
	  .help = "turn the console to a VM",
	  .examples = "    console debian\n",
	  .run = cmd_console,
	  .complete = vm_complete },
	{ .name = "pause",
	  .args = "NAME",
	  .help = "stop a VM's processor and clock",
	  .examples = "    pause debian\n",
	  .run = cmd_pause,
	  .complete = vm_complete },
	{ .name = "resume",
	  .args = "NAME",
	  .help = "let a paused VM go on",
	  .examples = "    resume debian\n",
	  .run = cmd_resume,
	  .complete = vm_complete },
	{ .name = "reset",
	  .args = "NAME",
	  .help = "start a VM again from power-on",
	  .examples = "    reset debian\n",
	  .run = cmd_reset,
	  .complete = vm_complete },
	{ .name = "powerbutton",
	  .args = "NAME",
	  .help = "press a VM's power button: an ACPI system shuts down",
	  .examples = "    powerbutton debian\n",
	  .run = cmd_powerbutton,
	  .complete = vm_complete },
	{ .name = "verify",
	  .args = "NAME",
	  .help = "prove that a VM's translated code is confined",
	  .examples = "    verify debian\n",
	  .run = cmd_verify,
	  .complete = vm_complete },
	{ .name = "isolation",
	  .args = "NAME",
	  .help = "look whether a VM's descriptor tables keep it inside",
	  .examples = "    isolation debian\n",
	  .run = cmd_isolation,
	  .complete = vm_complete },
	{ .name = "strict",
	  .args = "NAME",
	  .help = "what a VM did that hardware would not forgive (strict = warn)",
	  .examples = "    strict debian    rules, and where they were broken\n",
	  .run = cmd_strict,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "devs",
	  .args = "NAME",
	  .help = "a VM's devices, and how often their ports were used",
	  .examples = "    devs debian\n",
	  .run = cmd_devs,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "insert",
	  .args = "NAME DRIVE MODULE",
	  .help = "put a boot module into a VM's floppy, floppy1 or cdrom",
	  .examples = "    insert debian cdrom second.iso\n",
	  .run = cmd_insert,
	  .complete = complete_medium },
	{ .name = "eject",
	  .args = "NAME DRIVE",
	  .help = "take out what is in a VM's floppy, floppy1 or cdrom",
	  .examples = "    eject debian cdrom\n",
	  .run = cmd_eject,
	  .complete = complete_medium },
	{ .name = "sendchar",
	  .args = "CHAR NAME",
	  .help = "send a character to a VM's serial console: sendchar ctrl-]",
	  .examples = "    sendchar ctrl-] debian\n",
	  .run = cmd_sendchar },
};

/* The command may end the VM. */
static void run_for_gdb(struct vm *vm, const char *line)
{
	char name[CONFIG_NAME];

	str_copy(name, vm ? vm->config.name : "", sizeof(name));
	vm_use_for(vm ? name : NULL);
	shell_execute(line);
	vm_use_for(NULL);
}

void vm_commands_init(void)
{
	gdb_server_set_prompt(run_for_gdb);
	shell_register_topic("vm", commands, ARRAY_SIZE(commands));
}
