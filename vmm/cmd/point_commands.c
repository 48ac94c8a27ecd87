/* SPDX-License-Identifier: MIT */
/*
 * Where a VM is to stop: break, watch, catch; when that counts: condition, ignore; and what the
 * prompt is to do then: commands.
 */
#include "vmm/cmd/point_commands.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/point_task.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_point.h"

#define OF_DATA	  (BIT(STOP_WRITE) | BIT(STOP_READ) | BIT(STOP_ACCESS))
#define OF_EVENTS (~(OF_DATA | BIT(STOP_EXEC)))

static const char *const kind_name[] = {
	"break",     "write",	  "read",     "access", "port",
	"interrupt", "exception", "cr write", "msr",	"mode",
};

static const char *way_name(const struct cpu_stop *s)
{
	static const char *const names[] = { "", " r", " w", " rw" };

	return names[s->ways & 3];
}

static void print_place(const struct cpu_stop *s)
{
	switch ((enum cpu_stop_kind)s->kind) {
	case STOP_INTERRUPT:
	case STOP_EXCEPTION:
		if (s->len > 1)
			console_print("all");
		else
			console_print("%02x", s->gla);
		return;
	case STOP_PORT:
		console_print("%04x +%u%s", s->gla, s->len, way_name(s));
		return;
	case STOP_MODE:
		console_print("any");
		return;
	case STOP_CR:
	case STOP_MSR:
		if (s->len > 1)
			console_print("all%s", way_name(s));
		else
			console_print("%x%s", s->gla, way_name(s));
		return;
	default:
		console_print("%08x +%u", s->gla, s->len);
	}
}

static void list(const struct vm *vm)
{
	const struct vm_debug *d = &vm->debug;

	for (u32 number = 1; number <= d->numbers; number++) {
		const struct vm_point *p = vm_point_find((struct vm *)vm, number);

		if (!p)
			continue;
		console_print("%-3u %-6s ", p->number, kind_name[p->stop.kind]);
		print_place(&p->stop);
		console_print(", met %llu times", (unsigned long long)p->hits);
		if (p->ignore)
			console_print(", passed over %u times more", p->ignore);
		if (p->cond)
			console_print(", if %s", vm_point_condition(p));
		if (p->commands)
			console_print(", then %s", p->commands);
		console_print("\n");
	}
	if (d->at_halt)
		console_print("    HLT with interrupts off\n");
	if (d->at_shutdown)
		console_print("    triple fault\n");
}

static int wrong(const char *text, const char *why)
{
	console_print("%s: %s\n", text, why);
	return E_INVAL;
}

/* Takes "if CONDITION" off the end of the arguments. */
static int take_condition(int *argc, char **argv, char *text, size_t size)
{
	text[0] = '\0';
	for (int i = 1; i < *argc; i++) {
		int err;

		if (strcmp(argv[i], "if"))
			continue;
		err = debug_words(*argc, argv, i + 1, text, size);
		*argc = i;
		return err ? err : text[0] ? 0 : wrong("if", "a condition is missing");
	}
	return 0;
}

static int add(struct vm *vm, const struct cpu_stop *stop, const char *condition)
{
	u32 number;
	int err = vm_point_add(vm, stop, OWNER_PROMPT, &number);
	struct vm_point *p = err ? NULL : vm_point_find(vm, number);
	const char *why = p ? vm_point_set_condition(vm, p, condition) : NULL;

	if (why) {
		vm_point_remove(vm, p);
		vm->debug.numbers--;
		return wrong(condition, why);
	}
	if (err == E_FULL)
		console_print("%08x: %u points, or %u pages with watchpoints, are all there are\n",
			      stop->gla, CPU_STOPS, CPU_STOP_PAGES);
	else if (err)
		console_print("%08x +%u: not a range of 1 to %u bytes below 4 GiB\n", stop->gla,
			      stop->len, CPU_STOP_LEN);
	if (err)
		return err;
	console_print("%u: %s ", number, kind_name[stop->kind]);
	print_place(stop);
	console_print("\n");
	return 0;
}

static int cmd_break(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu_stop stop = { .len = 1, .kind = STOP_EXEC };
	char condition[VM_CONDITION];
	int err;

	if (!vm)
		return E_NOENT;
	err = take_condition(&argc, argv, condition, sizeof(condition));
	if (err)
		return err;
	if (argc > 2)
		return debug_usage("break [NAME] [ADDRESS [if CONDITION]]");
	if (argc < 2) {
		list(vm);
		return 0;
	}
	err = debug_address(vm, argv[1], &stop.gla);
	return err ? err : add(vm, &stop, condition);
}

/* r, w or rw at the end of the arguments: STOP_READS and STOP_WRITES; 0 if there is none. */
static u8 take_way(int *argc, char **argv)
{
	static const char *const words[] = { "", "r", "w", "rw" };

	for (u8 way = STOP_READS; *argc > 2 && way <= (STOP_READS | STOP_WRITES); way++) {
		if (strcmp(argv[*argc - 1], words[way]))
			continue;
		(*argc)--;
		return way;
	}
	return 0;
}

static int cmd_watch(int argc, char **argv)
{
	static const u8 kind[] = { STOP_WRITE, STOP_READ, STOP_WRITE, STOP_ACCESS };
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu_stop stop = { .len = 4 };
	char condition[VM_CONDITION];
	int err;

	if (!vm)
		return E_NOENT;
	err = take_condition(&argc, argv, condition, sizeof(condition));
	if (err)
		return err;
	stop.kind = kind[take_way(&argc, argv)];
	if (argc < 2 || argc > 3)
		return debug_usage("watch [NAME] ADDRESS [LENGTH] [r|w|rw] [if CONDITION]");
	err = debug_address(vm, argv[1], &stop.gla);
	if (!err && argc == 3)
		err = debug_number(argv[2], CPU_STOP_LEN, &stop.len);
	return err ? err : add(vm, &stop, condition);
}

/* Events, their highest number, and whether there are ways. */
static const struct event {
	const char *name;
	u8 kind;
	u32 max;
	bool ways, must; /* a number must be given */
} events[] = {
	{ "port", STOP_PORT, 0xffff, true, true },
	{ "interrupt", STOP_INTERRUPT, 255, false, false },
	{ "exception", STOP_EXCEPTION, 31, false, false },
	{ "cr", STOP_CR, 4, false, false },
	{ "msr", STOP_MSR, UINT32_MAX - 1, true, false },
	{ "mode", STOP_MODE, 0, false, false },
};

static const char catch_usage[] =
	"catch [NAME] port N [LENGTH] [r|w] | interrupt [N] | exception [N] | cr [N] |\n"
	"  msr [N] [r|w] | mode [if CONDITION]; or halt | triple | nothing";

static int catch_event(struct vm *vm, const struct event *e, int argc, char **argv,
		       const char *condition)
{
	struct cpu_stop stop = { .len = e->max + 1, .kind = e->kind };
	int err = 0;

	if (e->ways)
		stop.ways = take_way(&argc, argv);
	if (argc > 3 + (e->kind == STOP_PORT) || (argc > 2 && !e->max) || (argc < 3 && e->must))
		return debug_usage(catch_usage);
	if (argc > 2) {
		stop.len = 1;
		err = debug_number(argv[2], e->max, &stop.gla);
	}
	if (!err && argc > 3)
		err = debug_number(argv[3], e->max + 1 - stop.gla, &stop.len);
	return err ? err : add(vm, &stop, condition);
}

static int cmd_catch(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	char condition[VM_CONDITION];
	int err;

	if (!vm)
		return E_NOENT;
	err = take_condition(&argc, argv, condition, sizeof(condition));
	if (err)
		return err;
	for (unsigned i = 0; argc > 1 && i < ARRAY_SIZE(events); i++)
		if (!strcmp(argv[1], events[i].name))
			return catch_event(vm, &events[i], argc, argv, condition);
	if (argc != 2 || condition[0])
		return debug_usage(catch_usage);
	if (!strcmp(argv[1], "halt")) {
		vm->debug.at_halt = true;
	} else if (!strcmp(argv[1], "triple")) {
		vm->debug.at_shutdown = true;
	} else if (!strcmp(argv[1], "nothing")) {
		vm->debug.at_halt = vm->debug.at_shutdown = false;
		vm_points_remove(vm, OWNER_PROMPT, OF_EVENTS);
	} else {
		console_print("%s: ", argv[1]);
		return debug_usage(catch_usage);
	}
	return 0;
}

/* --- What is done with one */

/* The point that argv[1] names; NULL: reported in *err. */
static struct vm_point *numbered(struct vm *vm, const char *text, int *err)
{
	struct vm_point *p;
	u32 number;

	*err = debug_number(text, UINT32_MAX, &number);
	if (*err)
		return NULL;
	p = number ? vm_point_find(vm, number) : NULL;
	if (!p) {
		console_print("%s: there is no point of that number\n", text);
		*err = E_NOENT;
	}
	return p;
}

static int cmd_delete(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct vm_point *p;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc != 2)
		return debug_usage("delete [NAME] NUMBER|all");
	if (!strcmp(argv[1], "all")) {
		vm_points_remove(vm, OWNER_PROMPT, ~0u);
		return 0;
	}
	p = numbered(vm, argv[1], &err);
	if (p)
		vm_point_remove(vm, p);
	return err;
}

/* [NAME] NUMBER TEXT. NULL: reported in *err. */
static struct vm_point *take_text(int argc, char **argv, const char *usage, struct vm **vm,
				  char *text, size_t size, int *err)
{
	struct vm_point *p;

	*vm = vm_take(&argc, &argv);
	*err = E_NOENT;
	if (!*vm)
		return NULL;
	if (argc < 2) {
		*err = debug_usage(usage);
		return NULL;
	}
	p = numbered(*vm, argv[1], err);
	if (p)
		*err = debug_words(argc, argv, 2, text, size);
	return *err ? NULL : p;
}

static int cmd_condition(int argc, char **argv)
{
	char text[VM_CONDITION];
	struct vm *vm;
	int err;
	struct vm_point *p = take_text(argc, argv, "condition [NAME] NUMBER [CONDITION]", &vm, text,
				       sizeof(text), &err);
	const char *why = p ? vm_point_set_condition(vm, p, text) : NULL;

	return why ? wrong(text, why) : err;
}

static int cmd_ignore(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct vm_point *p;
	u32 count;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc != 3)
		return debug_usage("ignore [NAME] NUMBER COUNT");
	p = numbered(vm, argv[1], &err);
	if (!err)
		err = debug_number(argv[2], UINT32_MAX, &count);
	if (!err)
		p->ignore = count;
	return err;
}

static int cmd_commands(int argc, char **argv)
{
	char text[VM_COMMANDS];
	struct vm *vm;
	int err;
	struct vm_point *p =
		take_text(argc, argv, "commands [NAME] NUMBER [\"COMMAND; COMMAND ...\"]", &vm,
			  text, sizeof(text), &err);
	const char *why = p ? vm_point_set_commands(p, text) : NULL;

	if (p)
		vm->debug.commands = point_task_run;
	return why ? wrong(text, why) : err;
}

static const char lasting[] =
	"Points belong to the VM: `reset` and `load` leave them armed, `save` leaves them out,\n"
	"`delete` and `destroy` forget them. The guest sees nothing of them.\n";

static struct shell_command commands[] = {
	{ .name = "break",
	  .args = "[NAME] [ADDRESS [if CONDITION]]",
	  .help = "stop a VM in front of an instruction; or list all points",
	  .examples = "    break start_kernel\n"
		      "    break 0x7c00 if eax == 5\n"
		      "    break            all points, and their hits\n",
	  .more = lasting,
	  .run = cmd_break,
	  .complete = vm_complete_names },
	{ .name = "watch",
	  .args = "[NAME] ADDRESS [LENGTH] [r|w|rw] [if CONDITION]",
	  .help = "stop a VM behind a write, read or access",
	  .examples = "    watch counter 4 w\n"
		      "    watch 0x8000 rw if [counter] > 10\n",
	  .more = lasting,
	  .run = cmd_watch,
	  .complete = vm_complete_names },
	{ .name = "catch",
	  .args = "[NAME] EVENT [N] [if CONDITION]",
	  .help = "stop a VM at a port, interrupt, exception, cr, msr, mode, halt, triple",
	  .examples = "    catch port 0x3f8 8\n"
		      "    catch exception 14\n"
		      "    catch triple\n",
	  .more = lasting,
	  .run = cmd_catch,
	  .complete = vm_complete },
	{ .name = "delete",
	  .args = "[NAME] NUMBER|all",
	  .help = "forget a point",
	  .examples = "    delete 1\n"
		      "    delete all\n",
	  .run = cmd_delete,
	  .complete = vm_complete },
	{ .name = "condition",
	  .args = "[NAME] NUMBER [CONDITION]",
	  .help = "a point counts only if this is not 0: condition 1 eax == 5",
	  .examples = "    condition 1 eax == 5\n"
		      "    condition 1      always again\n",
	  .run = cmd_condition,
	  .complete = vm_complete_names },
	{ .name = "ignore",
	  .args = "[NAME] NUMBER COUNT",
	  .help = "pass over a point so many times",
	  .examples = "    ignore 1 99\n",
	  .run = cmd_ignore,
	  .complete = vm_complete },
	{ .name = "commands",
	  .args = "[NAME] NUMBER [\"COMMAND; ...\"]",
	  .help = "what the prompt does each time that a point stops the VM",
	  .examples = "    commands 1 \"regs; cont\"\n",
	  .run = cmd_commands,
	  .complete = vm_complete },
};

void point_commands_init(void)
{
	shell_register_topic("stop", commands, ARRAY_SIZE(commands));
}
