/* SPDX-License-Identifier: MIT */
/*
 * trace [NAME] EVENT[,EVENT] on|off; trace [NAME] show [N]; trace [NAME]: what is on.
 */
#include "vmm/cmd/trace_command.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/event_trace.h"

#define SHOWN	 40u
#define SHOW_MAX (EVENT_TRACE_SIZE + EXIT_TRACE_SIZE)
#define WORD	 16u

static const char usage[] = "trace [NAME] [EVENT[,EVENT] on|off | show [N]]";

static int bad_event(const char *word)
{
	console_print("%s:", word);
	for (unsigned i = 0; event_trace_name(i); i++)
		console_print(" %s", event_trace_name(i));
	console_print(" all\n");
	return E_INVAL;
}

/* Names with commas between them. */
static int parse_events(const char *list, u32 *kinds)
{
	*kinds = 0;
	for (;;) {
		const char *comma = strchr(list, ',');
		size_t n = comma ? (size_t)(comma - list) : strlen(list);
		char word[WORD] = { 0 };
		u32 found;

		memcpy(word, list, MIN(n, sizeof(word) - 1));
		found = event_trace_kinds(word);
		if (!found)
			return bad_event(word);
		*kinds |= found;
		if (!comma)
			return 0;
		list = comma + 1;
	}
}

static void print_on(const struct vm *vm)
{
	u32 on = event_trace_on(vm);

	console_print("%s:", vm->config.name);
	for (unsigned i = 0; event_trace_name(i); i++)
		if (on & BIT(i))
			console_print(" %s", event_trace_name(i));
	console_print(on ? "\n" : " nothing is traced\n");
}

static int show(struct vm *vm, int argc, char **argv)
{
	u32 n = SHOWN;

	if (argc > 3)
		return debug_usage(usage);
	if (argc == 3 && debug_number(argv[2], SHOW_MAX, &n))
		return E_INVAL;
	event_trace_print(vm, n);
	return 0;
}

int cmd_trace(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 kinds;
	bool on;

	if (!vm)
		return E_NOENT;
	if (argc == 1) {
		print_on(vm);
		return 0;
	}
	if (!strcmp(argv[1], "show"))
		return show(vm, argc, argv);
	on = argc == 3 && !strcmp(argv[2], "on");
	if (!on && (argc != 3 || strcmp(argv[2], "off")))
		return debug_usage(usage);
	if (parse_events(argv[1], &kinds))
		return E_INVAL;
	return event_trace_set(vm, kinds, on);
}

const char *trace_complete(int n, unsigned i)
{
	static const char *const ways[] = { "on", "off" };
	unsigned events = 0;

	if (n > 1 && i < ARRAY_SIZE(ways))
		return ways[i];
	i -= n > 1 ? (unsigned)ARRAY_SIZE(ways) : 0;
	while (event_trace_name(events))
		events++;
	if (i < events)
		return event_trace_name(i);
	i -= events;
	if (i < 2)
		return i ? "show" : "all";
	return n == 1 ? vm_complete(1, i - 2) : NULL;
}
