/* SPDX-License-Identifier: MIT */
/*
 * What a VM has given back, and how it uses what it has. The guest's driver tells the latter when
 * it is asked to: the prompt waits for the answer, but not long.
 */
#include "vmm/cmd/balloon_commands.h"

#include "emu/board/board.h"
#include "emu/chip/virtio_balloon.h"
#include "kernel/base/error.h"
#include "kernel/base/figure.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_life.h"

#define ANSWER_NS 2000000000ull
#define LOOK_NS	  10000000ull

static struct {
	char vm[CONFIG_NAME];
	u32 answers; /* when it was asked */
	u64 left;    /* ns */
} asked;

/* The balloon holds what the guest shall not have; some of that stays the guest's. */
static void print_balloon(const struct vm *vm, const struct virtio_balloon *b)
{
	u64 target = (u64)b->target * PAGE_SIZE, actual = (u64)virtio_balloon_actual(b) * PAGE_SIZE;

	console_print("%s: %lluM, asked to do with %lluM, says that it does with %lluM; %lluK are "
		      "given back to the machine\n",
		      vm->config.name, (unsigned long long)(vm->config.memory / MiB),
		      (unsigned long long)((vm->config.memory - target) / MiB),
		      (unsigned long long)((vm->config.memory - actual) / MiB),
		      (unsigned long long)(vm->mem.given_back * PAGE_SIZE / KiB));
}

/* --- Statistics */

static void print_statistics(const struct balloon_statistics *s)
{
	static const struct {
		const char *name;
		bool bytes;
	} row[BALLOON_TAGS] = {
		[BALLOON_TOTAL] = { "in all", true },
		[BALLOON_FREE] = { "free", true },
		[BALLOON_AVAILABLE] = { "available", true },
		[BALLOON_CACHES] = { "caches", true },
		[BALLOON_SWAPPED_IN] = { "swapped in", true },
		[BALLOON_SWAPPED_OUT] = { "swapped out", true },
		[BALLOON_MAJOR_FAULTS] = { "faults that read a disk", false },
		[BALLOON_MINOR_FAULTS] = { "other faults", false },
		[BALLOON_HUGE_PAGES] = { "huge pages", false },
		[BALLOON_HUGE_PAGES_FAILED] = { "huge pages not found", false },
	};

	for (unsigned i = 0; i < BALLOON_TAGS; i++)
		if (s->known & BIT(i))
			console_print(
				"    %-24s %14s%s\n", row[i].name,
				figure_thousands(row[i].bytes ? s->value[i] / KiB : s->value[i])
					.text,
				row[i].bytes ? "K" : "");
}

static void look_again(struct timer *t)
{
	(void)t;
	shell_job_wake();
}

static struct timer timer = { .fn = look_again };

/* True: there is nothing to wait for any more. */
static bool look(void *ctx)
{
	struct vm *vm = vm_find(asked.vm);
	const struct balloon_statistics *s;

	(void)ctx;
	if (!vm)
		return true;
	s = &board_balloon(vm->board)->work.statistics;
	if (s->answers != asked.answers) {
		print_statistics(s);
		return true;
	}
	if (!asked.left) {
		console_print("    its driver does not tell how it uses them\n");
		return true;
	}
	asked.left -= LOOK_NS;
	sched_timer_add(&timer, LOOK_NS);
	return false;
}

static void interrupt(void *ctx)
{
	(void)ctx;
	sched_timer_cancel(&timer);
}

/* Where nobody can wait, and of a VM that does not run, what was told last is shown. */
static void show_statistics(struct vm *vm)
{
	static const struct shell_job job = { .go_on = look,
					      .interrupt = interrupt,
					      .prints = true };
	struct virtio_balloon *b = board_balloon(vm->board);
	const struct balloon_statistics *s = &b->work.statistics;

	str_copy(asked.vm, vm->config.name, sizeof(asked.vm));
	asked.answers = s->answers;
	asked.left = ANSWER_NS;
	if (vm->state != VM_RUNNING || !shell_can_begin_job() || !virtio_balloon_measure(b)) {
		print_statistics(s);
		return;
	}
	(void)shell_begin_job(&job);
	sched_timer_add(&timer, LOOK_NS);
}

/* --- The command */

static int cmd_balloon(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct virtio_balloon *b;
	u64 mib = 0;

	if (!vm)
		return E_NOENT;
	if (argc > 2 || (argc == 2 && str_to_u64(argv[1], &mib)))
		return debug_usage("balloon NAME [MIB]");
	b = board_balloon(vm->board);
	if (!b) {
		console_print("%s has no balloon\n", vm->config.name);
		return E_NOENT;
	}
	if (argc == 1) {
		print_balloon(vm, b);
		show_statistics(vm);
		return 0;
	}
	if (!mib || mib > vm->config.memory / MiB) {
		console_print("%s has %lluM\n", vm->config.name,
			      (unsigned long long)(vm->config.memory / MiB));
		return E_INVAL;
	}
	virtio_balloon_ask(b, (u32)((vm->config.memory - mib * MiB) >> PAGE_SHIFT));
	return 0;
}

void balloon_commands_init(void)
{
	static struct shell_command commands[] = {
		{ .name = "balloon",
		  .args = "NAME [MIB]",
		  .help = "ask a VM to do with so much memory; without: what it has given back, "
			  "and how it uses the rest",
		  .examples = "    balloon debian 64\n"
			      "    balloon debian\n",
		  .run = cmd_balloon,
		  .complete = vm_complete },
	};

	shell_register_topic("vm", commands, ARRAY_SIZE(commands));
}
