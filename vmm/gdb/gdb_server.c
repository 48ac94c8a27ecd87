/* SPDX-License-Identifier: MIT */
/*
 * Carries bytes between a serial line and emu/gdb/gdb_stub.c, and tells the VM what gdb wants. Its
 * task runs between the turns of VMs, so the VM stands whenever gdb is listened to.
 */
#include "vmm/gdb/gdb_server.h"

#include "arch/cpu/processor.h"
#include "emu/gdb/gdb_stub.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/console/console.h"
#include "kernel/console/line.h"
#include "kernel/console/shell.h"
#include "kernel/sched/sched.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_point.h"
#include "vmm/vm/vm_state.h"

struct gdb_server {
	struct list link;
	struct task task;
	struct waitq input;
	struct line *line;
	struct vm *vm; /* NULL: it has ended, and bytes are thrown away */
	struct gdb_stub stub;
};

static struct list servers = LIST_INIT(servers);

static struct gdb_server *server_of(const struct vm *vm)
{
	struct list *p;

	list_for_each (p, &servers)
		if (list_entry(p, struct gdb_server, link)->vm == vm)
			return list_entry(p, struct gdb_server, link);
	return NULL;
}

/* --- What the VM tells */

static void told(struct vm *vm)
{
	static const u8 why[] = {
		[STOOD_ASKED] = GDB_STOP_ASKED,	   [STOOD_STEP] = GDB_STOP_STEP,
		[STOOD_POINT] = GDB_STOP_STEP,	   [STOOD_HALT] = GDB_STOP_STEP,
		[STOOD_SHUTDOWN] = GDB_STOP_FAULT, [STOOD_ENDED] = GDB_STOP_ENDED
	};
	const struct vm_debug *d = &vm->debug;
	const struct cpu_stop *met = d->stood == STOOD_POINT ? &d->met.stop : NULL;
	enum gdb_stop how = (enum gdb_stop)why[d->stood];
	struct gdb_server *g = server_of(vm);

	if (met && met->kind == STOP_EXCEPTION)
		how = GDB_STOP_FAULT;
	gdb_stub_stopped(&g->stub, how, met);
	waitq_wake(&g->input); /* what came meanwhile: listen() */
}

/* --- What gdb wants */

static void op_put(void *ctx, const char *s, size_t n)
{
	struct gdb_server *g = ctx;

	g->line->write(g->line, s, n);
}

static int op_add(void *ctx, const struct cpu_stop *stop)
{
	struct gdb_server *g = ctx;

	return vm_point_add(g->vm, stop, OWNER_GDB, NULL);
}

static int op_remove(void *ctx, const struct cpu_stop *stop)
{
	struct gdb_server *g = ctx;

	return vm_point_remove_same(g->vm, stop, OWNER_GDB);
}

static void op_forget_points(void *ctx)
{
	struct gdb_server *g = ctx;

	vm_points_remove(g->vm, OWNER_GDB, ~0u);
}

static int op_go(void *ctx)
{
	struct gdb_server *g = ctx;

	return vm_debug_continue(g->vm);
}

static int op_step(void *ctx)
{
	struct gdb_server *g = ctx;

	return vm_debug_step(g->vm, 1);
}

static void op_stop(void *ctx)
{
	struct gdb_server *g = ctx;

	vm_debug_hold(g->vm);
}

/* While gdb is there a triple fault is for it to see. */
static void op_attached(void *ctx, bool on)
{
	struct gdb_server *g = ctx;
	struct vm *vm = g->vm;

	log_info("%s: gdb %s", vm->config.name, on ? "is here" : "is gone");
	vm->debug.told = on ? told : NULL;
	vm->debug.at_start = false;
	vm->debug.at_shutdown = on || vm->config.triple == TRIPLE_FREEZE;
	if (!on && vm->state == VM_PAUSED)
		vm_debug_continue(vm);
}

static void op_kill(void *ctx)
{
	struct gdb_server *g = ctx;

	vm_points_remove(g->vm, OWNER_GDB, ~0u);
	g->vm->debug.told = NULL;
	vm_stop(g->vm, "killed by gdb");
}

static int op_restart(void *ctx)
{
	struct gdb_server *g = ctx;

	g->vm->debug.told = told; /* gdb may have killed it */
	if (g->vm->state == VM_RUNNING)
		vm_pause(g->vm);
	return vm_debug_reset(g->vm, "by gdb");
}

static void print(void *ctx, const char *s, size_t n)
{
	struct gdb_server *g = ctx;

	gdb_stub_print(&g->stub, s, n);
}

static void op_command(void *ctx, const char *line)
{
	console_capture(print, ctx);
	shell_execute(line);
	console_capture(NULL, NULL);
}

static void op_fpu(void *ctx, bool changed)
{
	struct gdb_server *g = ctx;
	u64 flags = irq_save();

	vcpu_fpu_access(g->vm->vcpu, !changed);
	irq_restore(flags);
}

static const struct gdb_ops ops = {
	.put = op_put,
	.add = op_add,
	.remove = op_remove,
	.forget_points = op_forget_points,
	.go = op_go,
	.step = op_step,
	.stop = op_stop,
	.attached = op_attached,
	.kill = op_kill,
	.restart = op_restart,
	.command = op_command,
	.fpu = op_fpu,
};

/* --- Bytes */

/* While the VM is on its way to its first instruction, gdb would see what was before. */
static bool hears(const struct gdb_server *g)
{
	return !g->vm || !vm_debug_starts(g->vm);
}

static void listen(struct task *t, u64 until)
{
	struct gdb_server *g = container_of(t, struct gdb_server, task);
	int byte;

	(void)until;
	task_sleep(t, &g->input, UINT64_MAX);
	irq_enable();
	while (hears(g) && (byte = line_read(g->line)) >= 0)
		if (g->vm)
			gdb_stub_input(&g->stub, (u8)byte);
	irq_disable();
}

static void came(void *ctx)
{
	struct gdb_server *g = ctx;

	waitq_wake(&g->input);
}

void gdb_server_begin(struct vm *vm)
{
	static const struct task_ops task_ops = { .run = listen };
	const char *name = vm->config.gdb;
	struct gdb_server *g;
	int err;

	if (!name[0])
		return;
	g = mem_alloc(sizeof(*g));
	if (!g) {
		log_error("%s: gdb = %s: no memory", vm->config.name, name);
		return;
	}
	g->vm = vm;
	waitq_init(&g->input);
	gdb_stub_init(&g->stub, &vm->vcpu->cpu, &ops, g);
	task_init(sched_runq(), &g->task, &task_ops, true);
	list_add_tail(&g->link, &servers);
	err = line_open(name, came, g, &g->line);
	if (!err) {
		log_info("%s: gdb may come to %s", vm->config.name, name);
		return;
	}
	log_error("%s: gdb = %s: %s", vm->config.name, name,
		  err == E_BUSY ? "another machine has it" : "this machine has none");
	g->vm = NULL;
}

void gdb_server_end(struct vm *vm)
{
	struct gdb_server *g = server_of(vm);

	if (!g)
		return;
	gdb_stub_stopped(&g->stub, GDB_STOP_ENDED, NULL);
	g->vm = NULL;
	waitq_wake(&g->input);
}
