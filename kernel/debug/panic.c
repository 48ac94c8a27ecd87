/* SPDX-License-Identifier: MIT */
/*
 * Our own mistakes: one screen with the reason, the registers, a backtrace in names and what the VM
 * layer adds, on all consoles. Then the prompt of kernel/debug/crash.c, if a line can be read.
 *
 * The backtrace follows frame pointers while they stay inside the stack in use and rise: a guest's
 * EBP, which is what RBP holds on entry from guest code, is never followed.
 */
#include "kernel/debug/panic.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/percpu.h"
#include "arch/cpu/try.h"
#include "arch/trap/trap.h"
#include "arch/mem/kmap.h"
#include "kernel/base/gdt_layout.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/display.h"
#include "kernel/console/log_ring.h"
#include "kernel/debug/crash.h"
#include "kernel/debug/lines.h"
#include "kernel/debug/power.h"
#include "kernel/debug/symbols.h"
#include "kernel/lib/cmdline.h"

#define MAX_FRAMES 24
#define CALL	   0xe8 /* with a displacement of 32 bits */
#define CALL_SIZE  5

static unsigned panics;

typedef unsigned long long ull;

/* returns: at lies behind the call that is meant, perhaps on another line or in another function's
 * code. */
static void print_address(u64 at, bool returns)
{
	char name[96];
	u32 line;
	const char *file = line_find(returns ? at - 1 : at, &line);

	console_print("  %016llx  %s", (ull)at, symbol_format(at, name, sizeof(name)));
	if (file)
		console_print("  %s:%u", file, line);
	console_print("\n");
}

/* One stack's frames, from the lowest on. Those of a trap: who was interrupted. */
static const struct trap_frame *frames(u64 rbp, u64 rsp, int *left)
{
	u64 stack_end = (rsp & ~(u64)(PERCPU_STACK_SIZE - 1)) + PERCPU_STACK_SIZE;
	u64 below = rsp;

	for (; *left > 0; --*left) {
		const u64 *frame = (const u64 *)rbp;

		if (rbp < below || rbp > stack_end - 16 || rbp & 7 || !frame[1])
			return NULL;
		if (trap_frame_behind(&frame[1]))
			return trap_frame_behind(&frame[1]);
		print_address(frame[1], true);
		below = rbp + 16;
		rbp = frame[0];
	}
	return NULL;
}

static void print_interrupted(const struct trap_frame *f)
{
	console_print("in the handler of %s, vector %llx, which came in\n", trap_name(f->vector),
		      (ull)f->vector);
	if (trap_from_guest(f))
		console_print("  %04llx:%08llx  guest code, ring %llu\n", (ull)f->cs, (ull)f->rip,
			      (ull)(f->cs & 3));
	else
		print_address(f->rip, false);
}

static void backtrace(u64 rip, bool called, u64 rbp, u64 rsp)
{
	const struct trap_frame *f;
	int left = MAX_FRAMES;
	u64 below;

	console_print("called by:\n");
	print_address(rip, called);
	/* A call to nowhere made no frame: its return address lies on top. */
	if (!symbol_find(rip, &below) && rsp >= IMAGE_BASE && !(rsp & 7) &&
	    symbol_find(*(const u64 *)rsp, &below))
		print_address(*(const u64 *)rsp, true);
	while ((f = frames(rbp, rsp, &left))) {
		print_interrupted(f);
		if (trap_from_guest(f))
			return;
		rbp = f->gpr[5];
		rsp = f->rsp;
	}
}

static void print_registers(const struct trap_frame *f)
{
	const u64 *g = f->gpr;

	console_print("rax %016llx rcx %016llx rdx %016llx rbx %016llx\n", (ull)g[0], (ull)g[1],
		      (ull)g[2], (ull)g[3]);
	console_print("rsp %016llx rbp %016llx rsi %016llx rdi %016llx\n", (ull)f->rsp, (ull)g[5],
		      (ull)g[6], (ull)g[7]);
	console_print("r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n", (ull)g[8], (ull)g[9],
		      (ull)g[10], (ull)g[11]);
	console_print("r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n", (ull)g[12], (ull)g[13],
		      (ull)g[14], (ull)g[15]);
	console_print("rip %016llx rflags %08llx cs %04llx ss %04llx\n", (ull)f->rip,
		      (ull)f->rflags, (ull)f->cs, (ull)f->ss);
}

void panic_dump(const struct trap_frame *f)
{
	print_registers(f);
	console_print("cr0 %08llx cr2 %llx cr3 %llx cr4 %llx\n", (ull)read_cr0(), (ull)read_cr2(),
		      (ull)read_cr3(), (ull)read_cr4());
	if (trap_from_guest(f))
		console_print("in guest code, ring %llu\n", (ull)(f->cs & 3));
	else
		backtrace(f->rip, false, f->gpr[5], f->rsp);
}

/* --- The screen, kept so that it can be printed again */

static struct {
	char reason[512];
	struct trap_frame frame;
	bool called; /* it was no trap: RIP is a return address */
	u64 cr0, cr2, cr3, cr4;
} last;

static void (*hook)(void);

void panic_set_hook(void (*fn)(void))
{
	hook = fn;
}

static void print_screen(void)
{
	console_print("\n--- PANIC: %s ---\n", last.reason);
	print_registers(&last.frame);
	console_print("cr0 %08llx cr2 %llx cr3 %llx cr4 %llx\n", (ull)last.cr0, (ull)last.cr2,
		      (ull)last.cr3, (ull)last.cr4);
	if (trap_from_guest(&last.frame))
		console_print("in guest code, ring %llu\n", (ull)(last.frame.cs & 3));
	else
		backtrace(last.frame.rip, last.called, last.frame.gpr[5], last.frame.rsp);
	if (hook)
		hook();
	console_print("--- end of panic ---\n");
}

/* --- A debugger */

static const struct panic_debugger *debugger;

void panic_set_debugger(const struct panic_debugger *d)
{
	debugger = d;
}

/* at lies behind the call of panic() or of an ASSERT: perhaps in another line's code, or in another
 * function's. */
static u64 call_of(u64 at)
{
	u8 opcode;

	return !read_u8_safe(at - CALL_SIZE, &opcode) && opcode == CALL ? at - CALL_SIZE : at - 1;
}

static void tell_debugger(void)
{
	struct trap_frame f = last.frame;

	if (!debugger)
		return;
	if (last.called) {
		f.vector = PANIC_CALL;
		f.rip = call_of(f.rip);
	}
	debugger->begin(&f);
}

static bool listen(void)
{
	cpu_relax();
	return debugger && debugger->listen();
}

static void wait(void)
{
	listen();
}

static bool prompt_wanted(void)
{
	const char *how = cmdline_get("panic");

	return how ? !strcmp(how, "prompt") : !cmdline_get("debug-exit");
}

/* --- What leads to it */

/* Nobody but the prompt is asked from here on: fix-ups are all that is left of traps. */
static void begin(void)
{
	struct percpu *pc = percpu_this();

	irq_disable();
	if (panics++ > 1 && !crash_began())
		power_after_panic(); /* printing itself fails */
	pc->guest_trap = NULL;
	pc->code_trap = NULL;
	pc->after_irq = NULL;
	last.cr0 = read_cr0();
	last.cr2 = read_cr2();
	last.cr3 = read_cr3();
	last.cr4 = read_cr4();
	log_set_frame(NULL, NULL);
	input_listen(NULL);
	console_set_panic();
}

/* What a second panic is about is more likely to be in the way. */
static void end(void) __attribute__((noreturn));
static void end(void)
{
	if (panics > 1)
		hook = NULL;
	print_screen();
	tell_debugger();
	if (prompt_wanted()) {
		/* A screen of 25 rows shows the end of all that. */
		console_print("%s\n", last.reason);
		print_address(last.frame.rip, last.called);
		crash_prompt(print_screen, wait);
	}
	while (listen() || (debugger && prompt_wanted()))
		;
	power_after_panic();
}

/* A command of the prompt has failed: the screen stays the first one's. */
static void end_command(const char *reason, u64 rip)
{
	char name[96];

	console_print("\nthe command failed: %s in %s\n", reason,
		      symbol_format(rip, name, sizeof(name)));
	crash_prompt(print_screen, wait);
}

static void end_by_panic(const struct trap_frame *at, const char *fmt, va_list ap)
{
	char text[sizeof(last.reason)];

	fmt_vprint(text, sizeof(text), fmt, ap);
	if (crash_began())
		end_command(text, at->rip);
	begin();
	str_copy(last.reason, text, sizeof(last.reason));
	last.frame = *at;
	last.called = true;
	end();
}

static const char *explain(const struct trap_frame *f)
{
	u64 cr2 = read_cr2();

	if (f->vector == VEC_DF && percpu_stack_guard(cr2))
		return " (stack overflow)";
	if (f->vector != VEC_PF)
		return "";
	if (percpu_stack_guard(cr2))
		return " (stack overflow)";
	if (f->error & 16)
		return " (execute)";
	return f->error & 2 ? " (write)" : " (read)";
}

static void end_by_trap(const struct trap_frame *f)
{
	char text[sizeof(last.reason)];
	size_t n =
		(size_t)fmt_print(text, sizeof(text), "%s%s, vector %llu error %llx",
				  trap_name(f->vector), explain(f), (ull)f->vector, (ull)f->error);

	if (f->vector == VEC_PF)
		fmt_print(text + n, sizeof(text) - n, " at address %llx", (ull)read_cr2());
	if (crash_began())
		end_command(text, f->rip);
	begin();
	str_copy(last.reason, text, sizeof(last.reason));
	last.frame = *f;
	last.called = false;
	end();
}

void panic_init(void)
{
	panic_set_handler(end_by_panic);
	trap_set_fatal(end_by_trap);
}
