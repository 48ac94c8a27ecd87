/* SPDX-License-Identifier: MIT */
/*
 * The local APIC without its timer. An interrupt is one bit that wanders (SDM 3A 10.8.4): accepted
 * into IRR, by INTA into ISR, by EOI out of it. What the CPU's pin shows follows from these bits,
 * TPR and the pins, and is worked out anew after every change (update()).
 *
 * There is one processor: a message is for it or for nobody, and lowest priority is no question.
 */
#include "emu/chip/lapic.h"

#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define VERSION	     (0x14u | (LVTS - 1) << 16)
#define FIRST_VECTOR 16u /* those below are reserved: illegal in a message */
#define DFR_FLAT     0xfu
#define COMMAND_BITS 0x000ccfffu
#define SHORTHAND(v) ((v) >> 18 & 3)
#define NOBODY	     (-1)

enum { TO_DEST, TO_SELF, TO_ALL, TO_OTHERS };

/* What the guest may write of each entry. */
static const u32 lvt_bits[LVTS] = {
	[LVT_TIMER] = LVT_MASKED | LVT_PERIODIC | LVT_DEADLINE | 0xff,
	[LVT_THERMAL] = LVT_MASKED | 0x7ff,
	[LVT_COUNTERS] = LVT_MASKED | 0x7ff,
	[LVT_LINT0] = LVT_MASKED | LVT_LEVEL | LVT_LOW | 0x7ff,
	[LVT_LINT1] = LVT_MASKED | LVT_LEVEL | LVT_LOW | 0x7ff,
	[LVT_ERROR] = LVT_MASKED | 0xff,
};

/* --- Bits by vector */

static bool has(const u32 *set, unsigned vector)
{
	return set[vector / 32] >> vector % 32 & 1;
}

static void put(u32 *set, unsigned vector, bool on)
{
	set[vector / 32] &= ~BIT(vector % 32);
	set[vector / 32] |= (u32)on << vector % 32;
}

static int highest(const u32 *set)
{
	for (unsigned i = LAPIC_VECTORS / 32; i--;)
		if (set[i])
			return (int)(32 * i + 31 - (unsigned)__builtin_clz(set[i]));
	return NOBODY;
}

/* --- Priorities and the CPU's pin */

static bool switched_on(const struct lapic *l)
{
	return lapic_enabled(l) && l->spurious & SPURIOUS_ENABLE;
}

/* SDM 3A 10.8.3.1. */
static u32 processor_priority(const struct lapic *l)
{
	int in_service = highest(l->isr);
	u32 served = in_service == NOBODY ? 0 : (u32)in_service & 0xf0;

	return (l->tpr & 0xf0) >= served ? l->tpr : served;
}

/* The vector that the next INTA takes. */
static int candidate(const struct lapic *l)
{
	int v = highest(l->irr);

	if (v == NOBODY || !switched_on(l) || ((u32)v & 0xf0) <= (processor_priority(l) & 0xf0))
		return NOBODY;
	return v;
}

bool lapic_holds_back(const struct lapic *l, int vector)
{
	if (!switched_on(l) || !has(l->isr, (unsigned)vector))
		return false;
	for (u32 v = (l->tpr & 0xf0) + 16; v < ((u32)vector & 0xf0) + 16; v++)
		if (has(l->irr, v))
			return true;
	return false;
}

int lapic_holding_back(const struct lapic *l)
{
	for (int v = FIRST_VECTOR; v < (int)LAPIC_VECTORS; v++)
		if (lapic_holds_back(l, v))
			return v;
	return NOBODY;
}

static bool extint(const struct lapic *l, unsigned pin)
{
	u32 lvt = l->lvt[LVT_LINT0 + pin];

	return l->pin[pin] && !(lvt & LVT_MASKED) && LVT_MODE(lvt) == DELIVER_EXTINT;
}

bool lapic_wants_pic(const struct lapic *l)
{
	if (!lapic_enabled(l))
		return l->pin[0];
	return extint(l, 0) || extint(l, 1) || (l->extint_wire && switched_on(l));
}

static void update(struct lapic *l)
{
	bool intr = candidate(l) != NOBODY || lapic_wants_pic(l);

	if (intr != l->intr) {
		l->intr = intr;
		l->host->intr(l->host->ctx, intr);
	}
}

/* --- Accepting */

static void accept(struct lapic *l, u8 vector, bool level);

/* An error whose own vector is illegal is noted, and no more. */
static void note_error(struct lapic *l, u32 error)
{
	u32 lvt = l->lvt[LVT_ERROR];

	l->errors |= error;
	if (!(lvt & LVT_MASKED) && (lvt & 0xff) >= FIRST_VECTOR)
		accept(l, (u8)lvt, false);
}

static void accept(struct lapic *l, u8 vector, bool level)
{
	if (vector < FIRST_VECTOR) {
		note_error(l, ESR_RECEIVE_ILLEGAL);
		return;
	}
	l->accepted++;
	put(l->irr, vector, true);
	put(l->tmr, vector, level);
	update(l);
}

bool lapic_requests(const struct lapic *l, u8 vector)
{
	return has(l->irr, vector);
}

static void deliver(struct lapic *l, u8 mode, u8 vector, bool level)
{
	switch (mode) {
	case DELIVER_FIXED:
	case DELIVER_LOWEST:
		if (switched_on(l))
			accept(l, vector, level);
		return;
	case DELIVER_NMI:
		l->host->nmi(l->host->ctx);
		return;
	case DELIVER_INIT:
		l->host->cpu_init(l->host->ctx, "INIT by the local APIC");
		return;
	default: /* SMI: there is no SMM. STARTUP: the processor does not wait for it */
		return;
	}
}

/* SDM 3A 10.6.2. */
static bool is_for_us(const struct lapic *l, u8 dest, bool logical)
{
	u32 own = l->ldr >> 24;

	if (dest == 0xff)
		return true;
	if (!logical)
		return dest == l->id >> 24;
	if (l->dfr >> 28 == DFR_FLAT)
		return dest & own;
	return (dest >> 4 == own >> 4 || dest >> 4 == 0xf) && (dest & own & 0xf);
}

bool lapic_message(struct lapic *l, u8 dest, bool logical, u8 mode, u8 vector, bool level)
{
	if (!lapic_enabled(l) || !is_for_us(l, dest, logical))
		return false;
	deliver(l, mode, vector, level);
	return true;
}

/* --- Pins */

/* A level-triggered pin in fixed mode: one message until its EOI, while it is up. */
static void level_pin(struct lapic *l, unsigned pin)
{
	u32 *lvt = &l->lvt[LVT_LINT0 + pin];

	if (!l->pin[pin] || (*lvt & (LVT_MASKED | LVT_REMOTE)) || !(*lvt & LVT_LEVEL) ||
	    LVT_MODE(*lvt) != DELIVER_FIXED)
		return;
	*lvt |= LVT_REMOTE;
	accept(l, (u8)*lvt, true);
}

void lapic_set_pin(struct lapic *l, unsigned pin, bool level)
{
	u32 lvt = l->lvt[LVT_LINT0 + pin];
	bool rises = level && !l->pin[pin];
	bool level_triggered = LVT_MODE(lvt) == DELIVER_FIXED && lvt & LVT_LEVEL;

	l->pin[pin] = level;
	if (lapic_enabled(l) && level_triggered)
		level_pin(l, pin);
	else if (lapic_enabled(l) && rises && !(lvt & LVT_MASKED) &&
		 LVT_MODE(lvt) != DELIVER_EXTINT)
		deliver(l, (u8)LVT_MODE(lvt), (u8)lvt, false);
	update(l);
}

void lapic_set_extint(struct lapic *l, bool level)
{
	l->extint_wire = level;
	update(l);
}

/* --- The CPU's side */

int lapic_ack(struct lapic *l)
{
	int v = candidate(l);

	l->acks++;
	if (v == NOBODY)
		return NOBODY;
	put(l->irr, (unsigned)v, false);
	put(l->isr, (unsigned)v, true);
	update(l);
	return v;
}

static void end_of_interrupt(struct lapic *l)
{
	int v = highest(l->isr);

	if (v == NOBODY)
		return;

	bool level = has(l->tmr, (unsigned)v);

	put(l->isr, (unsigned)v, false);
	for (unsigned pin = 0; level && pin < 2; pin++) {
		if ((int)(l->lvt[LVT_LINT0 + pin] & 0xff) == v)
			l->lvt[LVT_LINT0 + pin] &= ~LVT_REMOTE;
		level_pin(l, pin);
	}
	update(l);
	if (l->eoi)
		l->eoi(l->eoi_ctx, (u8)v, level);
	if ((int)(l->lvt[LVT_TIMER] & 0xff) == v)
		lapic_timer_done(&l->count);
}

int lapic_write_base(struct lapic *l, u64 value)
{
	if (value & ~(APIC_BASE_BSP | APIC_BASE_ENABLE | (u64)LAPIC_BASE) ||
	    (value & ~(PAGE_SIZE - 1ull)) != LAPIC_BASE)
		return E_INVAL;
	l->base = value | APIC_BASE_BSP;
	update(l);
	return 0;
}

/* --- Registers */

/* The command register has been written: the interrupt goes out, SDM 3A 10.6.1. */
static void send(struct lapic *l)
{
	u32 v = l->command;
	u8 mode = LVT_MODE(v), to = SHORTHAND(v);
	bool for_us = to == TO_SELF || to == TO_ALL ||
		      (to == TO_DEST && is_for_us(l, (u8)(l->command_high >> 24), v & LVT_LOGICAL));

	if (mode <= DELIVER_LOWEST && (v & 0xff) < FIRST_VECTOR) {
		note_error(l, ESR_SEND_ILLEGAL);
		return;
	}
	if (mode == DELIVER_INIT && v & LVT_LEVEL && !(v & ICR_ASSERT))
		return; /* INIT level de-assert synchronises arbitration IDs, which nobody has */
	if (for_us)
		deliver(l, mode, (u8)v, false);
}

static void write_lvt(struct lapic *l, enum lapic_lvt n, u32 value)
{
	u32 old = l->lvt[n], mask = switched_on(l) ? 0 : LVT_MASKED;

	if (n == LVT_TIMER)
		lapic_timer_sync(&l->count);
	l->lvt[n] = (value & lvt_bits[n]) | mask | (old & LVT_REMOTE);
	if (n == LVT_TIMER)
		lapic_timer_changed(&l->count, old);
	if (n == LVT_LINT0 || n == LVT_LINT1) {
		if (!(value & LVT_LEVEL))
			l->lvt[n] &= ~LVT_REMOTE;
		level_pin(l, n - LVT_LINT0);
	}
	update(l);
}

/* Switched off by software, all entries are masked (SDM 3A 10.4.7.2). */
static void write_spurious(struct lapic *l, u32 value)
{
	l->spurious = value & 0x3ff;
	if (!switched_on(l))
		for (unsigned i = 0; i < LVTS; i++)
			write_lvt(l, i, l->lvt[i] | LVT_MASKED);
	update(l);
}

static void write_illegal(struct lapic *l, u32 reg)
{
	if (reg == LAPIC_VERSION || (reg >= LAPIC_ISR && reg < LAPIC_ESR) || reg == LAPIC_CURRENT ||
	    reg == LAPIC_APR || reg == LAPIC_PPR)
		strict_broken_at(l->host, STRICT_apic_read_only, reg);
	note_error(l, ESR_ILLEGAL_ADDRESS);
}

static void write_register(struct lapic *l, u32 reg, u32 value)
{
	switch (reg) {
	case LAPIC_ID:
		l->id = value & 0xff000000;
		return;
	case LAPIC_TPR:
		l->tpr = value & 0xff;
		update(l);
		return;
	case LAPIC_EOI:
		end_of_interrupt(l);
		return;
	case LAPIC_LDR:
		l->ldr = value & 0xff000000;
		return;
	case LAPIC_DFR:
		l->dfr = value | 0x0fffffff;
		return;
	case LAPIC_SPURIOUS:
		write_spurious(l, value);
		return;
	case LAPIC_ESR: /* what gathered since the last write can be read now */
		l->esr = l->errors;
		l->errors = 0;
		return;
	case LAPIC_ICR:
		l->command = value & COMMAND_BITS;
		send(l);
		return;
	case LAPIC_ICR_HIGH:
		l->command_high = value & 0xff000000;
		return;
	case LAPIC_INITIAL:
		lapic_timer_write_initial(&l->count, value);
		return;
	case LAPIC_DIVIDE:
		lapic_timer_write_divide(&l->count, value);
		return;
	default:
		if (reg >= LAPIC_LVT_TIMER && reg <= LAPIC_LVT_ERROR)
			write_lvt(l, (reg - LAPIC_LVT_TIMER) / 16, value);
		else
			write_illegal(l, reg);
	}
}

static u32 read_register(struct lapic *l, u32 reg)
{
	switch (reg) {
	case LAPIC_ID:
		return l->id;
	case LAPIC_VERSION:
		return VERSION;
	case LAPIC_TPR:
		return l->tpr;
	case LAPIC_APR: /* there is nobody to arbitrate with */
	case LAPIC_PPR:
		return processor_priority(l);
	case LAPIC_EOI:
		return 0;
	case LAPIC_LDR:
		return l->ldr;
	case LAPIC_DFR:
		return l->dfr;
	case LAPIC_SPURIOUS:
		return l->spurious;
	case LAPIC_ESR:
		return l->esr;
	case LAPIC_ICR:
		return l->command;
	case LAPIC_ICR_HIGH:
		return l->command_high;
	case LAPIC_INITIAL:
		return l->count.initial;
	case LAPIC_CURRENT:
		return lapic_timer_current(&l->count);
	case LAPIC_DIVIDE:
		return lapic_timer_divide(&l->count);
	default:
		break;
	}
	if (reg >= LAPIC_ISR && reg < LAPIC_TMR)
		return l->isr[(reg - LAPIC_ISR) / 16];
	if (reg >= LAPIC_TMR && reg < LAPIC_IRR)
		return l->tmr[(reg - LAPIC_TMR) / 16];
	if (reg >= LAPIC_IRR && reg < LAPIC_ESR)
		return l->irr[(reg - LAPIC_IRR) / 16];
	if (reg >= LAPIC_LVT_TIMER && reg <= LAPIC_LVT_ERROR)
		return l->lvt[(reg - LAPIC_LVT_TIMER) / 16];
	note_error(l, ESR_ILLEGAL_ADDRESS);
	return 0;
}

/* Registers are 32 bits at multiples of 16; a narrower read gets its part, a narrower write does
 * nothing (SDM 3A 10.4.1 leaves both undefined). Switched off by its MSR, nobody answers. */
static u64 memory_read(void *dev, u64 offset, unsigned size)
{
	struct lapic *l = dev;
	unsigned at = offset & 15;
	u64 ones = size == 8 ? ~0ull : BIT64(8 * size) - 1;

	if (!lapic_enabled(l))
		return ones;
	if (at >= 4)
		return 0;
	return read_register(l, (u32)offset & ~15u) >> 8 * at & ones;
}

static void memory_write(void *dev, u64 offset, unsigned size, u64 value)
{
	struct lapic *l = dev;

	if (lapic_enabled(l) && size >= 4 && !(offset & 15))
		write_register(l, (u32)offset, (u32)value);
}

static const struct gpmem_mmio memory = { memory_read, memory_write };

/* --- Life */

/* INIT (SDM 3A 10.4.7.3), and then virtual wire mode, as firmware sets it up: one that goes on by
 * the CMOS shutdown code does not. The pins belong to others. */
void lapic_cpu_init(struct lapic *l)
{
	lapic_timer_reset(&l->count);
	l->tpr = l->ldr = l->esr = l->errors = l->command = l->command_high = 0;
	l->dfr = ~0u;
	l->spurious = SPURIOUS_ENABLE | 0xff;
	for (unsigned i = 0; i < LVTS; i++)
		l->lvt[i] = LVT_MASKED;
	l->lvt[LVT_LINT0] = LVT_EXTINT;
	l->lvt[LVT_LINT1] = LVT_NMI;
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	update(l);
}

/* SDM 3A 10.4.7.1. */
static void reset(void *dev)
{
	struct lapic *l = dev;

	l->base = LAPIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP;
	l->id = 0;
	lapic_cpu_init(l);
}

static void timer_accept(void *ctx, u8 vector)
{
	accept(ctx, vector, false);
}

static bool timer_requested(void *ctx, u8 vector)
{
	return lapic_requests(ctx, vector);
}

static int init(void *dev, const struct device_bay *bay)
{
	struct lapic *l = dev;

	l->host = bay->host;
	l->count.lvt = &l->lvt[LVT_TIMER];
	l->count.accept = timer_accept;
	l->count.requested = timer_requested;
	l->count.ctx = l;
	lapic_timer_init(&l->count, bay->host, bay->timers);
	reset(l);
	return 0;
}

static void state(void *dev, struct snap *s)
{
	struct lapic *l = dev;

	snap_u64(s, l->base);
	snap_u32(s, l->id);
	snap_range(s, l->tpr, 0, 0xff);
	snap_u32(s, l->ldr);
	snap_u32(s, l->dfr);
	snap_range(s, l->spurious, 0, 0x3ff);
	snap_u32(s, l->esr);
	snap_u32(s, l->errors);
	snap_u32(s, l->command);
	snap_u32(s, l->command_high);
	for (unsigned i = 0; i < LVTS; i++)
		snap_u32(s, l->lvt[i]);
	for (unsigned i = 0; i < LAPIC_VECTORS / 32; i++) {
		snap_u32(s, l->irr[i]);
		snap_u32(s, l->isr[i]);
		snap_u32(s, l->tmr[i]);
	}
	lapic_timer_state(&l->count, s);
	for (unsigned i = 0; s->loading && i < LVTS; i++)
		l->lvt[i] &= lvt_bits[i] | (lvt_bits[i] & LVT_LEVEL ? LVT_REMOTE : 0);
	snap_require(s, (l->base & ~APIC_BASE_ENABLE) == (LAPIC_BASE | APIC_BASE_BSP));
	snap_require(s, !((l->irr[0] | l->isr[0]) & (BIT(FIRST_VECTOR) - 1)));
	if (s->loading && snap_ok(s))
		update(l);
}

static u64 wakes_at(const void *dev)
{
	const struct lapic *l = dev;

	return vtimer_due(&l->count.timer);
}

const struct device_class lapic_class = {
	.name = "lapic",
	.version = 3,
	.size = sizeof(struct lapic),
	.memory = &memory,
	.init = init,
	.reset = reset,
	.state = state,
	.unsaved = DEVICE_PART(struct lapic, accepted, acks),
	.wakes_at = wakes_at,
	.title = "local APIC",
	.file = "lapic.c",
	.has = "fixed, lowest priority, NMI, INIT and ExtINT delivery, TPR and PPR, level and "
	       "edge, "
	       "remote IRR, commands, logical destinations, errors, timer one-shot, periodic and "
	       "by TSC deadline with owed ticks",
	.lacks = "x2APIC, another base address, SMI; thermal and counter entries only store; "
		 "polarity of the pins is ignored",
};
