/* SPDX-License-Identifier: MIT */
/*
 * Shell commands for saved machines, and for what was written to drives. What is saved goes by the
 * VM's name unless it is given one.
 */
#include "vmm/cmd/snap_commands.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/mem/page.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/snap/snapshot.h"
#include "vmm/snap/snapshot_send.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_snap.h"

typedef unsigned long long ull;

/* What the snapshot is called: the argument behind the VM, which is then gone, or NULL. */
static const char *take_label(int *argc, char **argv)
{
	return *argc == 3 ? argv[--*argc] : NULL;
}

static int cmd_save(int argc, char **argv)
{
	const char *label = take_label(&argc, argv);
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	return vm_snap_save(vm, label ? label : vm->config.name);
}

static int cmd_load(int argc, char **argv)
{
	const char *label = take_label(&argc, argv);
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	return vm_snap_load(vm, label ? label : vm->config.name);
}

static int list(void)
{
	struct list *l;
	ull all = 0;

	console_print("%-16s %-16s %10s %10s\n", "SNAPSHOT", "OF", "STREAM", "MEMORY");
	list_for_each (l, &snapshot_list) {
		const struct snapshot *p = list_entry(l, struct snapshot, link);

		console_print("%-16s %-16s %9lluK %9lluK\n", p->name, p->vm, (ull)(p->bytes / KiB),
			      (ull)(snapshot_memory(p) / KiB));
		all += snapshot_memory(p);
	}
	console_print("%lluK used, %lluK free\n", all / KiB, (ull)(page_free_bytes() / KiB));
	return 0;
}

static int drop(const char *name)
{
	struct snapshot *p = snapshot_find(name);

	if (!p)
		return E_NOENT;
	snapshot_free(p);
	return 0;
}

static int cmd_snapshot(int argc, char **argv)
{
	int err = E_INVAL;

	if (argc == 1 || (argc == 2 && !strcmp(argv[1], "list")))
		return list();
	if (argc == 3 && !strcmp(argv[1], "drop"))
		err = drop(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "send"))
		err = snapshot_send(argv[2]);
	if (err == E_INVAL)
		console_print("snapshot list, snapshot drop SNAPSHOT, snapshot send SNAPSHOT\n");
	else if (err == E_NOENT)
		console_print("no saved machine is called %s\n", argv[2]);
	else if (err == E_BUSY)
		console_print("one is being sent\n");
	return err;
}

static int cmd_disk(int argc, char **argv)
{
	static const char use[] = "disk save NAME DRIVE";
	struct vm *vm;

	if (argc < 3 || strcmp(argv[1], "save"))
		return debug_usage(use);
	argc--; /* the command is `disk save` */
	argv++;
	vm = vm_take(&argc, &argv);
	if (!vm)
		return E_NOENT;
	return argc == 2 ? vm_snap_save_disk(vm, argv[1]) : debug_usage(use);
}

static int cmd_dump(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);
	char why[sizeof(vm->stop_reason)];

	if (!vm)
		return E_NOENT;
	if (vm->state == VM_STOPPED)
		str_copy(why, vm->stop_reason, sizeof(why));
	else
		vm_debug_why(vm, why, sizeof(why));
	return vm_snap_save_core(vm, why);
}

static const char *nth_snapshot(unsigned i)
{
	struct list *l;

	list_for_each (l, &snapshot_list)
		if (!i--)
			return list_entry(l, struct snapshot, link)->name;
	return NULL;
}

static const char *complete_snapshot(int n, unsigned i)
{
	static const char *const words[] = { "list", "drop", "send" };

	if (n == 1)
		return i < ARRAY_SIZE(words) ? words[i] : NULL;
	return n == 2 ? nth_snapshot(i) : NULL;
}

static const char *complete_disk(int n, unsigned i)
{
	if (n == 1)
		return i ? NULL : "save";
	return n == 2 ? vm_complete(1, i) : NULL;
}

static const char *complete_both(int n, unsigned i)
{
	return n == 2 ? nth_snapshot(i) : vm_complete(n, i);
}

static struct shell_command commands[] = {
	{ .name = "save",
	  .args = "NAME [SNAPSHOT]",
	  .help = "save a VM, processor, devices and memory",
	  .examples = "    save debian before\n",
	  .run = cmd_save,
	  .complete = complete_both },
	{ .name = "load",
	  .args = "NAME [SNAPSHOT]",
	  .help = "put a VM back to what was saved",
	  .examples = "    load debian before\n",
	  .run = cmd_load,
	  .complete = complete_both },
	{ .name = "snapshot",
	  .args = "[list|drop|send SNAPSHOT]",
	  .help = "what was saved; drop it, or send it as text",
	  .examples = "    snapshot list\n    snapshot drop before\n",
	  .run = cmd_snapshot,
	  .complete = complete_snapshot },
	{ .name = "dump",
	  .args = "NAME",
	  .help = "send a VM's registers and memory for gdb (iso/core-file)",
	  .examples = "    dump debian      iso/core-file makes a core of the log\n",
	  .run = cmd_dump,
	  .complete = vm_complete },
	{ .name = "disk",
	  .args = "save NAME DRIVE",
	  .help = "send what a VM has written to a drive (iso/disk-file)",
	  .examples = "    disk save debian disk0\n",
	  .run = cmd_disk,
	  .complete = complete_disk },
};

void snap_commands_init(void)
{
	shell_register_topic("snapshot", commands, ARRAY_SIZE(commands));
}
