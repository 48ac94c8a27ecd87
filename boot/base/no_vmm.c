/* SPDX-License-Identifier: MIT */
/*
 * In place of the VM layer in the image without it (make base): the prompt and nothing else.
 */
#include "arch/cpu/processor.h"
#include "kernel/base/log.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "vmm/cmd/vmm.h"
#include "vmm/gdb/gdb_self.h"

static struct waitq input;

static void shell_turn(struct task *t, u64 until)
{
	(void)until;
	task_sleep(t, &input, UINT64_MAX);
	irq_enable();
	shell_go_on();
	while (console_peek() >= 0 && shell_take_input())
		;
	irq_disable();
}

static void input_came(void)
{
	waitq_wake(&input);
}

void gdb_self_open(const char *line)
{
	log_error("gdb = %s: no VM layer in this image", line);
}

void vmm_start(void)
{
	static const struct task_ops ops = { .run = shell_turn };
	static struct task task;

	log_info("no VM layer in this image");
	waitq_init(&input);
	task_init(sched_runq(), &task, &ops, true);
	console_set_input_hook(input_came);
	shell_enter();
}
