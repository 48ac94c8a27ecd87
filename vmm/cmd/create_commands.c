/* SPDX-License-Identifier: MIT */
/*
 * `create NAME KEY=VALUE ...` is a section of the configuration, and goes through its parser.
 */
#include "vmm/cmd/create_commands.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/lib/module.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/console/vm_console.h"
#include "vmm/gdb/gdb_server.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_finish.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_snap.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_task.h"

#define SECTION 4096u /* characters */

const char *create_check_file(void *ctx, unsigned line, const char *name)
{
	(void)ctx;
	(void)line;
	return module_find(name) ? NULL : "there is no such file in the image";
}

int create_vm(const struct config_vm *config, struct vm **out)
{
	int err = vm_create(config, out);

	if (err)
		return err;
	vm_task_begin(*out);
	gdb_server_begin(*out);
	vm_report(*out, "%lluM, engine %s", (unsigned long long)(config->memory / MiB),
		  vm_engine_name(config->engine));
	if (!config->start)
		vm_pause(*out);
	return 0;
}

/* --- The section */

struct section {
	char text[SECTION];
	size_t len;
	bool full;
};

static void add(struct section *s, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(s->text) - s->len) {
		s->full = true;
		return;
	}
	memcpy(s->text + s->len, text, n);
	s->len += n;
}

/* In double quotes, as config_line.h has them: a value may hold what begins a comment. */
static void add_value(struct section *s, const char *value)
{
	char one[3];

	add(s, "\"");
	for (; *value; value++) {
		fmt_print(one, sizeof(one), *value == '"' || *value == '\\' ? "\\%c" : "%c",
			  *value);
		add(s, one);
	}
	add(s, "\"\n");
}

/* E_INVAL: it is no KEY=VALUE. */
static int add_setting(struct section *s, char *word)
{
	char *value = strchr(word, '=');

	if (!value || value == word) {
		console_print("%s: not KEY=VALUE\n", word);
		return E_INVAL;
	}
	*value = '\0';
	add(s, word);
	add(s, " = ");
	add_value(s, value + 1);
	return 0;
}

/* "create:2: memory = 12Q: ...": lines are nothing that was typed. */
static void report(void *ctx, const char *message)
{
	const char *colon = strchr(message, ':');

	(void)ctx;
	colon = colon ? strchr(colon + 1, ':') : NULL;
	console_print("create%s\n", colon ? colon : message);
}

static int create_from(const char *name, struct section *s)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct vm *vm;
	int err = E_INVAL;

	if (!c)
		return E_NOMEM;
	if (!config_parse("create", s->text, s->len, c, create_check_file, report, NULL) &&
	    c->vms == 1)
		err = strcmp(c->vm[0].name, name) ? E_INVAL : create_vm(&c->vm[0], &vm);
	config_free(c);
	mem_free(c);
	return err;
}

static int cmd_create(int argc, char **argv)
{
	struct section *s;
	int err = 0;

	if (argc < 2)
		return debug_usage("create NAME KEY=VALUE ...");
	if (vm_find(argv[1])) {
		console_print("%s: there is a VM of this name\n", argv[1]);
		return E_INVAL;
	}
	s = mem_alloc(sizeof(*s));
	if (!s)
		return E_NOMEM;
	add(s, "[vm ");
	add(s, argv[1]);
	add(s, "]\n");
	for (int i = 2; i < argc && !err; i++)
		err = add_setting(s, argv[i]);
	if (!err && s->full) {
		console_print("create: more than %u characters\n", SECTION);
		err = E_INVAL;
	}
	if (!err)
		err = create_from(argv[1], s);
	mem_free(s);
	return err;
}

/* --- Start and stop */

static int cmd_start(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->state == VM_STOPPED)
		return vm_debug_reset(vm, "started at the prompt");
	if (vm->state == VM_RUNNING) {
		console_print("%s runs\n", vm->config.name);
		return E_INVAL;
	}
	return vm_debug_continue(vm);
}

/* Its memory and registers stay, until it is started or destroyed. */
static int cmd_stop(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	if (vm->state == VM_STOPPED || vm_snap_writes_media(vm)) {
		console_print(vm->state == VM_STOPPED ? "%s has stopped (%s)\n"
						      : "%s is being loaded\n",
			      vm->config.name, vm->stop_reason);
		return E_INVAL;
	}
	vm_stop(vm, "at the prompt");
	vm_debug_ended(vm);
	vm_check_finished();
	return 0;
}

static int cmd_destroy(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	console_print("%s: destroyed\n", vm->config.name);
	gdb_server_end(vm);
	vm_task_end(vm);
	vm_destroy(vm);
	return 0;
}

static struct shell_command commands[] = {
	{ .name = "create",
	  .args = "NAME KEY=VALUE ...",
	  .help = "make a VM, by the keys of the configuration; files are boot modules",
	  .examples = "    create b kernel=vmlinuz memory=64M \"cmdline=console=ttyS0 quiet\"\n",
	  .run = cmd_create },
	{ .name = "start",
	  .args = "NAME",
	  .help = "let a VM go that has stopped, from power-on, or that has not begun",
	  .examples = "    start debian\n",
	  .run = cmd_start,
	  .complete = vm_complete },
	{ .name = "stop",
	  .args = "NAME",
	  .help = "end a VM, as if it lost its power; it can still be looked at",
	  .examples = "    stop debian\n",
	  .run = cmd_stop,
	  .complete = vm_complete },
	{ .name = "destroy",
	  .args = "NAME",
	  .help = "end a VM and free all that it has",
	  .examples = "    destroy debian\n",
	  .run = cmd_destroy,
	  .complete = vm_complete },
};

void create_commands_init(void)
{
	shell_register_all(commands, ARRAY_SIZE(commands));
}
