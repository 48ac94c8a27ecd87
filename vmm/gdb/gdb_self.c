/* SPDX-License-Identifier: MIT */
/*
 * Stops the monitor for gdb, and lets it go on. emu/gdb/gdb_host.c knows what gdb says.
 *
 *     1. A byte comes, in the line's interrupt (came()): was it the last one of a packet?
 *     2. The interrupt ends (last()): the monitor stops there, or later in its task.
 *     3. It stands (stand()): bytes are polled until gdb says go or step, or leaves.
 *     4. A breakpoint or the end of a step comes (first()): 3 again.
 */
#include "vmm/gdb/gdb_self.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/processor.h"
#include "arch/cpu/try.h"
#include "arch/mem/image.h"
#include "arch/mem/kmap.h"
#include "arch/trap/debug_regs.h"
#include "arch/trap/trap.h"
#include "emu/gdb/gdb_host.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/line.h"
#include "kernel/console/shell.h"
#include "kernel/debug/panic.h"
#include "kernel/sched/sched.h"
#include "vmm/gdb/gdb_line.h"
#include "vmm/gdb/gdb_self_points.h"
#include "vmm/gdb/gdb_self_step.h"
#include "vmm/gdb/gdb_self_watch.h"

static struct gdb_host stub;
static struct line *line;
static struct task task;
static struct waitq nothing;
static volatile bool wanted; /* gdb waits for the monitor to stop */
static bool stepping, panicked;
static u64 step_at; /* the instruction that is stepped */
static bool inside NO_WATCH =
	false;	     /* breakpoints are out. An NMI that comes meanwhile leaves them there */
static bool in_turn; /* it stands in its own task, where nothing is in the middle of a change */

/* --- Registers: gdb's order is not the processor's */

static const u8 hardware[16] = { 0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15 };

#define SELECTOR(name)                                              \
	({                                                          \
		u32 v_;                                             \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(v_)); \
		v_;                                                 \
	})

static void registers_from(const struct trap_frame *f)
{
	u64 *r = stub.reg;

	for (unsigned i = 0; i < ARRAY_SIZE(hardware); i++)
		r[i] = f->gpr[hardware[i]];
	r[GDB_HOST_RSP] = f->rsp;
	r[GDB_HOST_RIP] = f->rip;
	r[GDB_HOST_RFLAGS] = f->rflags;
	r[GDB_HOST_CS] = f->cs;
	r[GDB_HOST_CS + 1] = f->ss;
	r[GDB_HOST_CS + 2] = SELECTOR(ds);
	r[GDB_HOST_CS + 3] = SELECTOR(es);
	r[GDB_HOST_CS + 4] = SELECTOR(fs);
	r[GDB_HOST_CS + 5] = SELECTOR(gs);
	r[GDB_HOST_CR0] = read_cr0();
	r[GDB_HOST_CR0 + 1] = read_cr2();
	r[GDB_HOST_CR0 + 2] = read_cr3();
	r[GDB_HOST_CR0 + 3] = read_cr4();
}

static void registers_to(struct trap_frame *f)
{
	const u64 *r = stub.reg;

	for (unsigned i = 0; i < ARRAY_SIZE(hardware); i++)
		f->gpr[hardware[i]] = r[i];
	f->rsp = r[GDB_HOST_RSP];
	f->rip = r[GDB_HOST_RIP];
	f->rflags = r[GDB_HOST_RFLAGS];
}

/* --- What gdb wants */

static void op_put(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	line->write_now(line, s, n);
}

static size_t op_read(hva_t at, u8 *bytes, size_t n)
{
	size_t done = 0;

	while (done < n && !read_u8_safe(at + done, &bytes[done]))
		done++;
	return done;
}

/* The text and what is constant are read-only there, and not in the direct map. */
static bool is_constant(hva_t at)
{
	return at >= (hva_t)image_text_start && at < (hva_t)image_rodata_end;
}

static bool op_write(hva_t at, const u8 *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hva_t to = at + i;

		if (is_constant(to))
			to = (hva_t)direct_ptr(kmap_hpa((const void *)to));
		if (write_u8_safe(to, bytes[i]))
			return false;
	}
	return true;
}

static void print(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	gdb_print(&stub.packet, s, n);
}

static void say(const char *text)
{
	print(NULL, text, strlen(text));
}

static void op_command(void *ctx, const char *text)
{
	(void)ctx;
	if (panicked) {
		say("after a panic commands are at the crash prompt\n");
		return;
	}
	if (!in_turn) {
		say("not here: the monitor is in the middle of something. `continue` and Ctrl-C "
		    "may find it between two turns\n");
		return;
	}
	console_capture(print, NULL);
	shell_execute_reading(text);
	console_capture(NULL, NULL);
}

static void forget_points(void)
{
	gdb_self_points_forget();
	gdb_self_watch_forget();
}

static const struct gdb_host_ops ops = {
	.put = op_put,
	.read = op_read,
	.write = op_write,
	.point = gdb_self_point_change,
	.watch = gdb_self_watch_change,
	.forget_points = forget_points,
	.command = op_command,
};

/* --- It stands */

static enum gdb_host_does talk(void)
{
	enum gdb_host_does does;
	int byte;

	while ((does = gdb_host_answer(&stub)) == GDB_HOST_STANDS) {
		do {
			byte = line_read_now(line);
			if (byte < 0)
				cpu_relax();
		} while (byte < 0 || !gdb_host_input(&stub, (u8)byte));
	}
	return does;
}

static struct trap_debugger debugger NO_WATCH;

static void stop_soon(void)
{
	debugger.on = wanted = true;
	task_wake(&task);
}

static void stand_and_talk(struct trap_frame *f, unsigned signal)
{
	enum gdb_host_does does;

	for (;;) {
		registers_from(f);
		gdb_host_stands(&stub, signal);
		does = talk();
		registers_to(f);
		stub.at_point = false;
		stub.watched.kind = 0;
		stepping = does == GDB_HOST_STEPS && gdb_self_step_begin(f);
		step_at = f->rip;
		if (does != GDB_HOST_STEPS || stepping)
			return;
		signal = GDB_HOST_TRAP; /* the step is over already */
	}
}

/* In the line's interrupt, or when the monitor goes on. What comes behind a packet waits for its
 * answer. */
static void came(void *ctx)
{
	int byte;

	(void)ctx;
	while (!wanted && (byte = line_read(line)) >= 0)
		if (gdb_host_input(&stub, (u8)byte))
			stop_soon();
}

/* Breakpoints are out of the text. Nobody but fix-ups is asked about traps meanwhile, and the time
 * is nobody's. */
static void stand(struct trap_frame *f, unsigned signal)
{
	struct percpu *pc = percpu_this(), before = *pc;
	u64 began = rdtsc();

	wanted = false;
	pc->guest_trap = NULL;
	pc->code_trap = NULL;
	pc->after_irq = NULL;
	stand_and_talk(f, signal);
	pc->guest_trap = before.guest_trap;
	pc->code_trap = before.code_trap;
	pc->after_irq = before.after_irq;
	debugger.on = stub.here;
	if (!stepping)
		came(NULL);
	sched_stood(rdtsc() - began);
}

/* --- Points */

static inline __attribute__((always_inline)) void points_out(void)
{
	debug_regs_out();
	gdb_self_points_out();
}

static inline __attribute__((always_inline)) void points_in(void)
{
	gdb_self_points_in();
	debug_regs_in();
}

/* A watchpoint was met: gdb will be told which. */
static bool watch_met(const struct trap_frame *f)
{
	const struct gdb_self_watch *met = f->vector == VEC_DB ? gdb_self_watch_met() : NULL;

	if (met)
		stub.watched = (struct gdb_host_watch){ .at = met->at,
							.kind = met->reads ? GDB_HOST_ACCESS
									   : GDB_HOST_WRITE };
	return met;
}

/* --- Stopped */

/* Nothing is in the middle of a change here. */
static __attribute__((noinline)) void gdb_self_turn(struct task *t, u64 until)
{
	(void)until;
	task_sleep(t, &nothing, UINT64_MAX);
	if (!wanted)
		return;
	in_turn = true;
	__asm__ volatile("int3" ::: "memory");
	in_turn = false;
}

static bool breakpoint(struct trap_frame *f)
{
	if (gdb_self_point_at(f->rip - 1)) {
		f->rip--;
		stub.at_point = true;
		stand(f, GDB_HOST_TRAP);
		return true;
	}
	if (!in_turn)
		return false;
	stand(f, GDB_HOST_INT);
	return true;
}

/* A trap has ended the step. True: that was all. */
static bool step_ended(struct trap_frame *f, bool guest)
{
	stepping = false;
	if (guest) { /* by IRETQ into it: it is not the guest's trap, unless it steps, too */
		stop_soon();
		return f->vector == VEC_DB && !(f->rflags & EFLAGS_TF);
	}
	gdb_self_step_end(f);
	if (f->vector == VEC_BP)
		return breakpoint(f);
	if (f->vector == VEC_DB) {
		stand(f, GDB_HOST_TRAP);
		return true;
	}
	stop_soon(); /* behind the fault, in last(), or where that leads to */
	return false;
}

static bool asked_first(struct trap_frame *f, bool guest)
{
	if (stepping && f->vector == VEC_NMI)
		return false; /* last() */
	if (!guest && watch_met(f) && !stepping) {
		stand(f, GDB_HOST_TRAP);
		return true;
	}
	if (stepping)
		return step_ended(f, guest);
	return !guest && f->vector == VEC_BP && breakpoint(f);
}

/* Steps have come to last(), at the end of a trap: they go no further into the debugger. */
static bool stepped_inside(struct trap_frame *f, bool guest)
{
	if (!stepping && !guest && f->vector == VEC_DB)
		return gdb_self_watch_met(); /* the debugger's own doing is not told */
	if (!stepping || guest || f->vector != VEC_DB)
		return false;
	points_out();
	gdb_self_step_end(f);
	stepping = false;
	stop_soon();
	return true;
}

static NO_BREAKPOINT bool first(struct trap_frame *f, bool guest)
{
	bool mine;

	if (inside)
		return stepped_inside(f, guest);
	inside = true;
	points_out();
	mine = asked_first(f, guest);
	points_in();
	inside = false;
	return mine;
}

static void asked_last(struct trap_frame *f, bool guest)
{
	bool ours = f->rip >= (u64)image_nobreak_end && f->rip < (u64)image_text_end;

	if (guest)
		return;
	if (!stepping && wanted && ours)
		stand(f, GDB_HOST_INT);
	/* An NMI has come in front of the instruction; it may also come on the way to it. */
	if (stepping && f->rip == step_at)
		f->rflags |= EFLAGS_TF;
}

static NO_BREAKPOINT void last(struct trap_frame *f, bool guest)
{
	if (inside)
		return;
	inside = true;
	points_out();
	asked_last(f, guest);
	points_in();
	inside = false;
}

static struct trap_debugger debugger NO_WATCH = { .first = first, .last = last };

/* --- After a panic */

static unsigned signal_of(u64 vector)
{
	switch (vector) {
	case PANIC_CALL:
		return GDB_HOST_ABRT;
	case VEC_DE:
		return GDB_HOST_FPE;
	case VEC_UD:
		return GDB_HOST_ILL;
	default:
		return GDB_HOST_SEGV;
	}
}

static void panic_begin(struct trap_frame *f)
{
	debugger.on = wanted = stepping = false;
	panicked = true;
	points_out(); /* for ever */
	registers_from(f);
	gdb_host_stands(&stub, signal_of(f->vector));
}

/* Nothing goes on any more: who says go is told of the panic again. */
static bool panic_listen(void)
{
	int byte;

	while ((byte = line_read_now(line)) >= 0) {
		if (!gdb_host_input(&stub, (u8)byte) || gdb_host_answer(&stub) == GDB_HOST_STANDS ||
		    !stub.going)
			continue;
		say("nothing runs any more: the monitor has panicked\n");
		gdb_host_stands(&stub, stub.signal);
	}
	return stub.here;
}

/* --- Start */

void gdb_self_open(const char *name)
{
	static const struct task_ops task_ops = { .run = gdb_self_turn };
	static const struct panic_debugger at_panic = { .begin = panic_begin,
							.listen = panic_listen };
	int err;

	if (line) {
		log_error("gdb = %s: it is %s already", name, line->name);
		return;
	}
	gdb_host_init(&stub, &ops, NULL);
	waitq_init(&nothing);
	task_init(sched_runq(), &task, &task_ops, true);
	err = line_open(name, came, NULL, &line);
	if (err) {
		task_end(&task);
		log_error("gdb = %s: %s", name, gdb_line_why(name, err));
		return;
	}
	trap_set_debugger(&debugger);
	panic_set_debugger(&at_panic);
	log_info("gdb may come to %s, to debug the monitor", name);
}
