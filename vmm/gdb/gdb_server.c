/* SPDX-License-Identifier: MIT */
/*
 * Carries bytes between a serial line and emu/gdb/gdb_stub.c, and tells the VMs what gdb wants. A
 * line's task runs between the turns of VMs, so all stand whenever gdb is listened to.
 */
#include "vmm/gdb/gdb_server.h"

#include "arch/cpu/processor.h"
#include "emu/gdb/gdb_stub.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/line.h"
#include "kernel/sched/sched.h"
#include "vmm/gdb/gdb_line.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_point.h"
#include "vmm/vm/vm_state.h"

struct gdb_server {
	struct list link;
	struct task task;
	struct waitq input;
	struct line *line;
	struct gdb_stub stub;
};

/* A VM at a line. */
struct gdb_vm {
	struct list link;
	struct gdb_server *server;
	struct vm *vm;
	struct gdb_guest guest;
};

static struct list servers = LIST_INIT(servers), vms = LIST_INIT(vms);
static void (*prompt)(struct vm *vm, const char *line);

static struct gdb_vm *find(const struct vm *vm)
{
	struct list *p;

	list_for_each (p, &vms)
		if (list_entry(p, struct gdb_vm, link)->vm == vm)
			return list_entry(p, struct gdb_vm, link);
	return NULL;
}

static struct gdb_vm *at(struct gdb_guest *t)
{
	return container_of(t, struct gdb_vm, guest);
}

static struct vm *vm_of(struct gdb_guest *t)
{
	return at(t)->vm;
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
	struct gdb_vm *g = find(vm);

	if (met && met->kind == STOP_EXCEPTION)
		how = GDB_STOP_FAULT;
	if (met && met->kind == STOP_EXEC && d->met.owner != OWNER_GDB)
		met = NULL;
	gdb_guest_stopped(&g->server->stub, &g->guest, how, met);
	waitq_wake(&g->server->input); /* what came meanwhile: listen() */
}

/* --- What gdb wants */

static void op_put(void *ctx, const char *s, size_t n)
{
	struct gdb_server *g = ctx;

	g->line->write(g->line, s, n);
}

static int op_add(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return vm_point_add(vm_of(t), stop, OWNER_GDB, NULL);
}

static int op_remove(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return vm_point_remove_same(vm_of(t), stop, OWNER_GDB);
}

static void op_forget_points(struct gdb_guest *t)
{
	vm_points_remove(vm_of(t), OWNER_GDB, ~0u);
}

static int op_go(struct gdb_guest *t)
{
	return vm_debug_continue(vm_of(t));
}

static int op_step(struct gdb_guest *t)
{
	return vm_debug_step(vm_of(t), 1);
}

/* One that stood already tells nothing by itself. */
static void op_stop(struct gdb_guest *t)
{
	struct gdb_vm *g = at(t);

	vm_debug_hold(g->vm);
	if (t->running && g->vm->state != VM_RUNNING)
		gdb_guest_stopped(&g->server->stub, t, GDB_STOP_ASKED, NULL);
}

/* While gdb is there a triple fault is for it to see. */
static void op_attached(struct gdb_guest *t, bool on)
{
	struct vm *vm = vm_of(t);

	log_info("%s: gdb %s", vm->config.name, on ? "is here" : "is gone");
	vm->debug.told = on ? told : NULL;
	vm->debug.at_start = false;
	vm->debug.at_shutdown = on || vm->config.triple == TRIPLE_FREEZE;
	if (!on && vm->state == VM_PAUSED)
		vm_debug_continue(vm);
}

static void op_kill(struct gdb_guest *t)
{
	struct vm *vm = vm_of(t);

	vm_points_remove(vm, OWNER_GDB, ~0u);
	vm->debug.told = NULL;
	vm_stop(vm, "killed by gdb");
}

static int op_restart(struct gdb_guest *t)
{
	struct vm *vm = vm_of(t);

	if (vm->state == VM_RUNNING)
		vm_pause(vm);
	return vm_debug_reset(vm, "by gdb");
}

static void print(void *ctx, const char *s, size_t n)
{
	struct gdb_server *g = ctx;

	gdb_print(&g->stub.packet, s, n);
}

static void op_command(void *ctx, struct gdb_guest *t, const char *line)
{
	console_capture(print, ctx);
	prompt(t ? vm_of(t) : NULL, line);
	console_capture(NULL, NULL);
}

static void op_fpu(struct gdb_guest *t, bool changed)
{
	u64 flags = irq_save();

	vcpu_fpu_access(vm_of(t)->vcpu, !changed);
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

/* While a VM is on its way to its first instruction, gdb would see what was before. */
static bool hears(const struct gdb_server *g)
{
	struct list *p;

	list_for_each (p, &vms) {
		const struct gdb_vm *v = list_entry(p, struct gdb_vm, link);

		if (v->server == g && v->guest.attached && vm_debug_starts(v->vm))
			return false;
	}
	return true;
}

/* Bytes for nobody are thrown away. */
static void listen(struct task *t, u64 until)
{
	struct gdb_server *g = container_of(t, struct gdb_server, task);
	int byte;

	(void)until;
	task_sleep(t, &g->input, UINT64_MAX);
	irq_enable();
	while (hears(g) && (byte = line_read(g->line)) >= 0)
		if (!list_empty(&g->stub.guests))
			gdb_stub_input(&g->stub, (u8)byte);
	irq_disable();
}

static void came(void *ctx)
{
	struct gdb_server *g = ctx;

	waitq_wake(&g->input);
}

static struct gdb_server *find_server(const char *name)
{
	struct list *p;

	list_for_each (p, &servers) {
		struct gdb_server *g = list_entry(p, struct gdb_server, link);

		if (!strcmp(g->line->name, name))
			return g;
	}
	return NULL;
}

static int open_server(const char *name, struct gdb_server **out)
{
	static const struct task_ops task_ops = { .run = listen };
	struct gdb_server *g = find_server(name);
	int err;

	*out = g;
	if (g)
		return 0;
	g = mem_alloc(sizeof(*g));
	if (!g)
		return E_NOMEM;
	waitq_init(&g->input);
	gdb_stub_init(&g->stub, &ops, g);
	task_init(sched_runq(), &g->task, &task_ops, true);
	err = line_open(name, came, g, &g->line);
	if (err) {
		task_end(&g->task);
		mem_free(g);
		return err;
	}
	list_add_tail(&g->link, &servers);
	*out = g;
	return 0;
}

void gdb_server_begin(struct vm *vm)
{
	const char *name = vm->config.gdb;
	struct gdb_server *server;
	struct gdb_vm *g;
	int err;

	if (!name[0])
		return;
	g = mem_alloc(sizeof(*g));
	err = g ? open_server(name, &server) : E_NOMEM;
	if (err) {
		mem_free(g);
		log_error("%s: gdb = %s: %s", vm->config.name, name, gdb_line_why(name, err));
		return;
	}
	g->vm = vm;
	g->server = server;
	list_add_tail(&g->link, &vms);
	gdb_guest_add(&server->stub, &g->guest, &vm->vcpu->cpu, vm->config.name);
	log_info("%s: gdb may come to %s, process %u", vm->config.name, name, g->guest.pid);
}

void gdb_server_end(struct vm *vm)
{
	struct gdb_vm *g = find(vm);

	if (!g)
		return;
	gdb_guest_remove(&g->server->stub, &g->guest);
	waitq_wake(&g->server->input);
	list_del(&g->link);
	mem_free(g);
}

void gdb_server_set_prompt(void (*run)(struct vm *vm, const char *line))
{
	prompt = run;
}
