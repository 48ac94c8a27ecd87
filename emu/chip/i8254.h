/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer (Intel 8254 data sheet, 231164) and port 61h, through which channel 2 is
 * gated and read.
 *
 * Nothing runs per count: a channel remembers the tick in which its counting element was loaded,
 * and everything that can be read of it is computed from virtual time. Only channel 0's rising
 * output needs a timer. emu/dev/late_ticks.h says which late ticks are owed: they are paid one by
 * one as the guest finishes the previous one.
 */
#pragma once

#include "emu/dev/device.h"
#include "emu/dev/late_ticks.h"
#include "kernel/hw/i8254_regs.h"

struct i8254_channel {
	u8 mode; /* 0..5 */
	u8 rw;	 /* 1 low byte, 2 high byte, 3 low then high */
	bool bcd, gate;
	bool counting; /* a count was loaded (will be, while now < start) */
	bool paused;   /* by the gate, with held ticks elapsed */
	bool reload;   /* cr waits for load_at (modes 2, 3) or for a trigger (modes 1, 5) */
	bool has_count, null_count;
	u32 cr;	   /* count register as a number, 1..65536 */
	u32 n;	   /* what the counting element was loaded with */
	s64 start; /* tick of that load */
	s64 load_at, held, synced;
	bool idle_out; /* OUT and count while nothing is loaded */
	u32 idle_count;
	/* access */
	bool write_high, read_high;
	u8 write_low;
	u8 latched; /* bytes of latch still to be read, as rw */
	u16 latch;
	bool status_latched;
	u8 status;
};

struct i8254 {
	struct i8254_channel ch[3];
	struct vtimers *timers;
	struct vtimer timer;
	struct irq_line irq;
	const struct board_host *host;
	/* Does the request of the tick before still wait to be acknowledged? NULL: never. */
	bool (*waiting)(void *ctx);
	void *waiting_ctx;
	bool level; /* of irq */
	struct late_ticks late;
	u64 last_edge;	 /* ns: when the last one was noticed, or paid */
	u8 port61;	 /* bits 0..3 */
	u64 ticks, paid; /* delivered; of these owed before */
};

extern const struct device_class i8254_class; /* ports: counters and control, port 61h */
/* The guest has finished one interrupt of channel 0 (EOI): an owed tick may follow. */
void i8254_irq_done(struct i8254 *p);
/* What channel n (0 to 2) counts now, and its output. Changes nothing. */
u32 i8254_look(const struct i8254 *p, unsigned n, bool *out);
