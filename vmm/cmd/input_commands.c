/* SPDX-License-Identifier: MIT */
/*
 * Shell commands that press keys and move mice of guests.
 */
#include "vmm/cmd/input_commands.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/lib/us_layout.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/console/vm_keys.h"
#include "vmm/state/vm.h"

#define HOLD_MOST_MS 60000u
#define MOVE_MOST    0x8000u

static bool listens(const struct vm *vm)
{
	if (vm->state == VM_RUNNING && vm->start == VM_STARTED)
		return true;
	console_print("%s does not run\n", vm->config.name);
	return false;
}

static int send_strokes(struct vm *vm, int argc, char **argv, unsigned hold_ms)
{
	u8 keys[VM_KEYS_AT_ONCE + 1];

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < argc; i++) {
			unsigned n = keys_parse(argv[i], keys, VM_KEYS_AT_ONCE);

			if (!n) {
				console_print("%s: no such key, or more than %u at once\n", argv[i],
					      VM_KEYS_AT_ONCE);
				return E_INVAL;
			}
			if (pass && !vm_keys_stroke(vm, keys, n, hold_ms))
				return E_FULL;
		}
	}
	return 0;
}

static int cmd_sendkey(int argc, char **argv)
{
	static const char hold[] = "hold=";
	struct vm *vm = vm_take(&argc, &argv);
	u64 hold_ms = VM_KEYS_HOLD_MS;

	if (!vm)
		return E_NOENT;
	if (argc > 2 && !strncmp(argv[argc - 1], hold, sizeof(hold) - 1) &&
	    (str_to_u64(argv[--argc] + sizeof(hold) - 1, &hold_ms) || hold_ms > HOLD_MOST_MS))
		argc = 0;
	if (argc < 2)
		return debug_usage("sendkey NAME KEY[-KEY...] ... [hold=MS], as ctrl-alt-del");
	return listens(vm) ? send_strokes(vm, argc - 1, argv + 1, (unsigned)hold_ms) : E_NOENT;
}

/* Where a backslash stands, the character that it and the next one mean. */
static char unescape(const char **p)
{
	char c = *(*p)++;

	if (c != '\\' || !**p)
		return c;
	c = *(*p)++;
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'e' ? '\x1b' : c;
}

static int type_text(struct vm *vm, const char *text)
{
	while (*text)
		if (!vm_keys_char(vm, unescape(&text)))
			return E_FULL;
	return 0;
}

static int cmd_type(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);

	if (!vm)
		return E_NOENT;
	if (argc != 2)
		return debug_usage(
			"type NAME \"TEXT\", with \\n for Enter, \\t, \\e, \\\\ and \\\"");
	return listens(vm) ? type_text(vm, argv[1]) : E_NOENT;
}

/* -5 or 5 */
static bool parse_signed(const char *text, s32 *out)
{
	bool negative = *text == '-';
	u64 size;

	if (str_to_u64(text + negative, &size) || size > MOVE_MOST)
		return false;
	*out = negative ? -(s32)size : (s32)size;
	return true;
}

/* The prompt's dy grows downwards, as on a screen. */
static int cmd_mouse(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	bool good = argc >= 3 && argc <= 5;
	s32 value[4] = { 0 };

	if (!vm)
		return E_NOENT;
	for (int i = 1; good && i < argc; i++)
		good = parse_signed(argv[i], &value[i - 1]);
	if (!good || value[2] < 0 || value[2] > 7)
		return debug_usage("mouse NAME DX DY [BUTTONS [WHEEL]]: DY downwards; buttons: "
				   "1 left, 2 right, 4 middle, added; WHEEL towards the user");
	if (!listens(vm))
		return E_NOENT;
	board_mouse(vm->board, value[0], -value[1], value[3], (u8)value[2]);
	return 0;
}

static const char *complete_sendkey(int n, unsigned i)
{
	return n == 1 ? vm_complete(n, i) : key_name(i);
}

static struct shell_command commands[] = {
	{ .name = "sendkey",
	  .args = "NAME KEY...",
	  .help = "press keys of a VM's keyboard: sendkey NAME ctrl-alt-del",
	  .examples = "    sendkey debian ctrl-alt-del\n",
	  .run = cmd_sendkey,
	  .complete = complete_sendkey },
	{ .name = "type",
	  .args = "NAME \"TEXT\"",
	  .help = "type text on a VM's keyboard; \\n is Enter",
	  .examples = "    type debian \"ls\\n\"\n",
	  .run = cmd_type,
	  .complete = vm_complete },
	{ .name = "mouse",
	  .args = "NAME DX DY [BUTTONS [WHEEL]]",
	  .help = "move a VM's mouse, and press its buttons",
	  .examples = "    mouse debian 10 -5 1\n",
	  .run = cmd_mouse,
	  .complete = vm_complete },
};

void input_commands_init(void)
{
	shell_register_topic("change", commands, ARRAY_SIZE(commands));
}
