/* SPDX-License-Identifier: MIT */
/*
 * The queue of commands. A VM that is gone when its turn comes has none.
 */
#include "vmm/cmd/point_task.h"

#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/shell.h"
#include "kernel/lib/words.h"
#include "kernel/sched/sched.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/vm/vm_point.h"

#define QUEUE 16u

static struct {
	char vm[CONFIG_NAME], text[VM_COMMANDS];
} queue[QUEUE];
static unsigned first, used;
static struct waitq work;
static struct task task;

static void run_commands(const char *name, char *text)
{
	char *next;

	vm_use_for(name);
	for (; text; text = next) {
		next = words_next_command(text);
		if (!vm_find(name))
			break;
		shell_execute(text);
	}
	vm_use_for(NULL);
}

static void run(struct task *t, u64 until)
{
	(void)until;
	task_sleep(t, &work, UINT64_MAX);
	irq_enable();
	while (used) {
		unsigned at = first;

		first = (first + 1) % QUEUE;
		used--;
		run_commands(queue[at].vm, queue[at].text);
	}
	irq_disable();
}

void point_task_run(struct vm *vm, const char *text)
{
	static const struct task_ops ops = { .run = run };
	static bool begun;

	if (!begun) {
		begun = true;
		waitq_init(&work);
		task_init(sched_runq(), &task, &ops, true);
	}
	if (used == QUEUE) {
		log_error("%s: too many commands of points wait; left out: %s", vm->config.name,
			  text);
		return;
	}
	str_copy(queue[(first + used) % QUEUE].vm, vm->config.name, CONFIG_NAME);
	str_copy(queue[(first + used) % QUEUE].text, text, VM_COMMANDS);
	used++;
	waitq_wake(&work);
}
