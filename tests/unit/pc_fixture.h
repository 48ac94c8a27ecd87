/* SPDX-License-Identifier: MIT */
/*
 * What a device test needs around the device: a bus, a clock that the test moves, recorders for
 * interrupt lines; and the slots of the board's table, into which pc_plug() puts it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "emu/board/pc_slots.h"
#include "emu/dev/completion.h"
#include "emu/dev/drives.h"
#include "emu/dev/nic.h"
#include "emu/dev/ticks.h"
#include "kernel/base/string.h"

#define MS 1000000ull
#define US 1000ull

#define PC_INTX 11u /* the wire of a PCI function's interrupt */

struct wire {
	bool level;
	unsigned rises, falls;
};

struct pc {
	struct bus bus;
	struct vtimers timers;
	u64 now, waited;
	struct wire wire[16]; /* wire 0 is also the CPU's INTR pin, for the PIC */
	unsigned nmis;
	struct irq_or irqs, pirqs; /* pirqs: its test says where they lead */
	struct a20_gate a20;
	unsigned a20_changes;
	struct pci_bus *pci;
	struct gpmem *mem; /* memory, unless the test has its own */
	struct gpmem memory;
	const struct dma_controller *dma; /* NULL: no channel is wired */
	struct completions completions;
	struct msi_line msi; /* none, unless the test has one */
	u8 virtio;	     /* enum virtio_kind */
	const u8 *vga_rom;
	u32 vga_rom_size;
	struct drive drives[DRIVE_PLACES]; /* none, if the test puts none there */
	struct nic nics[NIC_PLACES];
	struct board_host host; /* what a device calls must be filled in by its test */
};

static inline u64 pc_now(void *ctx)
{
	return ((struct pc *)ctx)->now;
}

static inline u64 pc_waited(void *ctx)
{
	return ((struct pc *)ctx)->waited;
}

static inline void pc_wire_set(void *ctx, unsigned irq, bool level)
{
	struct wire *w = &((struct pc *)ctx)->wire[irq];

	/* A device reports changes only. */
	assert_int_not_equal(level, w->level);
	w->level = level;
	if (level)
		w->rises++;
	else
		w->falls++;
}

static inline void pc_intr(void *ctx, bool level)
{
	pc_wire_set(ctx, 0, level);
}

static inline void pc_nmi(void *ctx)
{
	((struct pc *)ctx)->nmis++;
}

static inline void pc_a20(void *ctx, bool on)
{
	(void)on;
	((struct pc *)ctx)->a20_changes++;
}

static inline void pc_init(struct pc *p)
{
	*p = (struct pc){
		.now = 0, .host = { .waited = pc_waited, .intr = pc_intr, .nmi = pc_nmi, .ctx = p }
	};
	gpmem_init(&p->memory);
	p->mem = &p->memory;
	bus_init(&p->bus);
	vtimers_init(&p->timers, pc_now, p);
	completions_init(&p->completions, NULL, NULL);
	p->irqs.out = (struct irq_line){ .set = pc_wire_set, .ctx = p };
	p->a20 = (struct a20_gate){ .held = A20_KBC | A20_FAST, .out = pc_a20, .ctx = p };
}

static inline struct irq_line pc_wire(struct pc *p, unsigned irq)
{
	return (struct irq_line){ .set = pc_wire_set, .ctx = p, .irq = irq };
}

/* Plugs dev, whatever it holds, into the first slot of that class; its lines are wires. */
static inline void pc_plug(struct pc *p, const struct device_class *class, void *dev)
{
	const struct device_slot *s = pc_slots;
	struct device_bay bay;
	unsigned line = 0;

	while (s->class != class)
		assert_true(++s < pc_slots + pc_slot_count);
	bay = (struct device_bay){ .slot = s,
				   .bus = &p->bus,
				   .timers = &p->timers,
				   .irqs = &p->irqs,
				   .pirqs = &p->pirqs,
				   .mem = p->mem,
				   .pci = p->pci,
				   .a20 = &p->a20,
				   .dma = { .controller = s->dma ? p->dma : NULL },
				   .drives = p->drives,
				   .nics = p->nics,
				   .completions = &p->completions,
				   .msi = p->msi,
				   .virtio = p->virtio,
				   .vga_rom = p->vga_rom,
				   .vga_rom_size = p->vga_rom_size,
				   .host = &p->host };
	for (unsigned irq = 0; irq < 16; irq++)
		if (s->irqs & BIT(irq))
			bay.irq[line++] = pc_wire(p, irq);
	while (s->dma >> bay.dma.channel > 1)
		bay.dma.channel++;
	if (s->intx)
		bay.intx = pc_wire(p, PC_INTX);
	memset(dev, 0, class->size);
	assert_int_equal(device_plug(dev, &bay), 0);
}

static inline u8 in8(struct pc *p, u16 port)
{
	return (u8)bus_read(&p->bus, port, 1);
}

static inline void out8(struct pc *p, u16 port, u8 v)
{
	bus_write(&p->bus, port, 1, v);
}

static inline u32 read32(struct pc *p, gpa_t at)
{
	u32 v;

	gpmem_read(p->mem, at, &v, sizeof(v));
	return v;
}

static inline void write32(struct pc *p, gpa_t at, u32 v)
{
	gpmem_write(p->mem, at, &v, sizeof(v));
}

static inline u32 in32(struct pc *p, u16 port)
{
	return bus_read(&p->bus, port, 4);
}

static inline void out32(struct pc *p, u16 port, u32 v)
{
	bus_write(&p->bus, port, 4, v);
}

/* What was posted until now, and what that posts. */
static inline void run_completions(struct pc *p)
{
	for (unsigned i = 0; completions_pending(&p->completions); i++) {
		assert_true(i < 1000);
		completions_run(&p->completions);
	}
}

/* Moves the clock to t, firing each timer at its own time, as a machine that is never late does. */
static inline void run_until(struct pc *p, u64 t)
{
	for (;;) {
		u64 next = UINT64_MAX;

		if (!list_empty(&p->timers.queue))
			next = list_entry(p->timers.queue.next, struct vtimer, link)->deadline;
		if (next > t)
			break;
		if (next > p->now)
			p->now = next;
		vtimers_run(&p->timers);
	}
	p->now = t;
}

/* The guest does not run meanwhile. */
static inline void wait_for_turn(struct pc *p, u64 ns)
{
	p->now += ns;
	p->waited += ns;
}

static inline void run_for(struct pc *p, u64 ns)
{
	run_until(p, p->now + ns);
}
