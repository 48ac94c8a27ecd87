/* SPDX-License-Identifier: MIT */
/*
 * The local APIC.
 */
#include "emu/words/words_apic.h"

#include <stdarg.h>

#include "emu/chip/lapic.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/base/print.h"

static const char *const delivery[] = {
	[DELIVER_FIXED] = "fixed",  [DELIVER_LOWEST] = "lowest priority",
	[DELIVER_SMI] = "SMI",	    [3] = "mode 3",
	[DELIVER_NMI] = "NMI",	    [DELIVER_INIT] = "INIT",
	[DELIVER_STARTUP] = "SIPI", [DELIVER_EXTINT] = "ExtINT",
};

void words_apic_entry(const struct dbg_out *out, const char *what, u32 e, const char *fmt, ...)
{
	char more[64];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(more, sizeof(more), fmt, ap);
	va_end(ap);
	words_say(out, what, "%s vector %02x, %s, %s, active %s%s%s%s%s",
		  e & LVT_MASKED ? "masked," : "open,  ", e & 0xff, delivery[LVT_MODE(e)],
		  e & LVT_LEVEL ? "level" : "edge", e & LVT_LOW ? "low" : "high",
		  e & LVT_REMOTE ? ", in service" : "", e & LVT_PENDING ? ", not sent yet" : "",
		  more[0] ? ", " : "", more);
}

/* The vectors of 256 bits, as many as a line has room for. */
static void print_vectors(const struct dbg_out *out, const char *what, const u32 *bits)
{
	struct dbg_line l = { .len = 0 };
	unsigned n = 0;

	dbg_add(&l, "  %-18s", what);
	for (unsigned v = 0; v < LAPIC_VECTORS; v++) {
		if (!(bits[v / 32] & BIT(v % 32)))
			continue;
		n++;
		if (l.len < DBG_LINE - 16)
			dbg_add(&l, " %02x", v);
	}
	if (!n)
		dbg_add(&l, " none");
	if (l.len >= DBG_LINE - 16)
		dbg_add(&l, " ... (%u)", n);
	dbg_end(&l, out);
}

static const char *timer_mode(u32 lvt)
{
	return lvt & LVT_DEADLINE   ? "by TSC deadline"
	       : lvt & LVT_PERIODIC ? "periodic"
				    : "one-shot";
}

static void print_timer(const struct lapic *l, const struct dbg_out *out)
{
	const struct lapic_timer *t = &l->count;
	u32 lvt = l->lvt[LVT_TIMER];

	if (lvt & LVT_DEADLINE)
		words_say(out, "timer", "%s %llx", timer_mode(lvt),
			  (unsigned long long)lapic_timer_deadline(t));
	else
		words_say(out, "timer", "%s, counts %u of %u at 1 GHz / %u, %llu interrupts owed",
			  timer_mode(lvt), lapic_timer_current(t), t->initial, 1u << t->shift,
			  (unsigned long long)t->late.owed);
}

void words_lapic(const void *dev, const struct dbg_out *out)
{
	static const char *const lvt[LVTS] = { "LVT timer", "LVT thermal", "LVT counters",
					       "LVT LINT0", "LVT LINT1",   "LVT error" };
	const struct lapic *l = dev;

	dbg_print(out, "local APIC %u at %08x: %s in IA32_APIC_BASE, %s by software", l->id >> 24,
		  (u32)l->base & ~0xfffu, lapic_enabled(l) ? "on" : "off",
		  words_on(l->spurious & SPURIOUS_ENABLE));
	words_say(out, "priority", "TPR %02x", l->tpr);
	words_say(out, "spurious vector", "%02x", l->spurious & 0xff);
	words_say(out, "logical", "LDR %08x, DFR %08x (%s)", l->ldr, l->dfr,
		  l->dfr >> 28 == 15 ? "flat" : "cluster");
	for (unsigned i = 0; i < LVTS; i++)
		words_apic_entry(out, lvt[i], l->lvt[i], "%s",
				 i == LVT_LINT0 || i == LVT_LINT1
					 ? l->pin[i - LVT_LINT0] ? "pin up" : "pin down"
					 : "");
	print_timer(l, out);
	words_apic_entry(out, "last command", l->command, "to %02x", l->command_high >> 24);
	print_vectors(out, "requested", l->irr);
	print_vectors(out, "in service", l->isr);
	print_vectors(out, "level-triggered", l->tmr);
	words_say(out, "errors", "ESR %02x, since the last write %02x", l->esr, l->errors);
	dbg_print(out, "INTR is %s; %llu interrupts accepted, %llu acknowledged", words_up(l->intr),
		  (unsigned long long)l->accepted, (unsigned long long)l->acks);
}
