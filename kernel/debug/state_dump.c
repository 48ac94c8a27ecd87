/* SPDX-License-Identifier: MIT */
/*
 * What the operator gets who sends a BREAK, presses the escape key five times, or the NMI button:
 * where the processor is, and what the VM layer adds. From interrupt context, or an NMI's.
 */
#include "kernel/debug/state_dump.h"

#include "arch/cpu/percpu.h"
#include "kernel/base/types.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"
#include "kernel/debug/panic.h"
#include "kernel/debug/symbols.h"

#define SECOND 1000000000ull

static void (*dump_hook)(void);

void state_dump_set_hook(void (*fn)(void))
{
	dump_hook = fn;
}

static void dump(const char *why, const struct trap_frame *f)
{
	struct percpu *pc = percpu_this();
	char name[96];

	console_begin_now();
	console_print("\n--- state, by %s ---\n", why);
	console_print("up %llu ms, %llu interrupts, %llu NMIs, %llu of %llu MiB free\n",
		      (unsigned long long)(clock_now() / 1000000), (unsigned long long)pc->irqs,
		      (unsigned long long)pc->nmis, (unsigned long long)(page_free_bytes() / MiB),
		      (unsigned long long)(page_total_bytes() / MiB));
	if (f) {
		console_print("interrupted at %s\n", symbol_format(f->rip, name, sizeof(name)));
		panic_dump(f);
	}
	console_print("console: %u bytes typed and not taken, %u to be sent\n",
		      console_input_used(), console_queued());
	if (dump_hook)
		dump_hook();
	console_print("--- end of state ---\n");
	console_end_now();
}

static void state_dump(const char *why)
{
	dump(why, percpu_this()->irq_frame);
}

/* Once a second at most: a counter that overflows may send many. */
static void nmi(const struct trap_frame *f)
{
	static u64 last;
	u64 now = clock_now();

	if (last && now - last < SECOND)
		return;
	last = now;
	dump("NMI", f);
}

void state_dump_init(void)
{
	console_set_dump(state_dump);
	trap_set_nmi_handler(nmi);
}
