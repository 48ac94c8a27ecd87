/* SPDX-License-Identifier: MIT */
/*
 * A driver of virtio devices, of 0.9 and of 1.0, for tests: it finds the registers where the PCI
 * capabilities say, sets up queues in RAM and writes into them whatever the test wants.
 */
#pragma once

#include "emu/chip/virtio.h"
#include "tests/unit/drive_fixture.h"

#define RINGS  0x10000u /* of queue 0; 64 KiB further those of the next */
#define BUFFER 0x200000u
#define TABLE  0x180000u /* for indirect descriptors */

enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };

struct driver {
	struct drive_pc d;
	struct pc *pc;
	struct pci_bus pci;
	struct virtio *v;
	unsigned device;
	bool modern;
	u32 part[VIRTIO_CAP_WINDOW + 1]; /* address of each capability's, by type */
	u32 notify_step;
	u16 io;
	u64 features;
	struct driver_queue {
		u32 table, available, used;
		u16 size, made, seen;
	} queue[VIRTIO_MAX_QUEUES];
	unsigned reports;
	char report[160];
};

static inline void on_report(void *ctx, const char *text)
{
	struct driver *t = ctx;

	t->reports++;
	snprintf(t->report, sizeof(t->report), "%s", text);
}

/* Before the device is plugged in. */
static inline void driver_begin(struct driver *t, enum virtio_kind kind)
{
	memset(t, 0, sizeof(*t));
	drive_pc_init(&t->d);
	t->pc = &t->d.pc;
	t->pc->pci = &t->pci;
	t->pc->virtio = (u8)kind;
	t->pc->host.report = on_report;
	t->pc->host.ctx = t;
	pc_plug(t->pc, &pci_class, &t->pci);
}

/* --- Configuration space */

static inline u32 config32(struct driver *t, unsigned reg)
{
	out32(t->pc, 0xcf8, 0x80000000u | t->device << 11 | reg);
	return in32(t->pc, 0xcfc);
}

static inline u8 config8(struct driver *t, unsigned reg)
{
	return (u8)(config32(t, reg & ~3u) >> 8 * (reg & 3));
}

static inline void set_config32(struct driver *t, unsigned reg, u32 v)
{
	out32(t->pc, 0xcf8, 0x80000000u | t->device << 11 | reg);
	out32(t->pc, 0xcfc, v);
}

static inline void find_parts(struct driver *t)
{
	for (unsigned at = config8(t, PCI_CAPABILITIES); at; at = config8(t, at + 1)) {
		unsigned type = config8(t, at + 3), bar = config8(t, at + 4);

		if (config8(t, at) != PCI_CAP_VENDOR)
			continue;
		assert_in_range(type, VIRTIO_CAP_COMMON, VIRTIO_CAP_WINDOW);
		t->part[type] = type == VIRTIO_CAP_WINDOW
					? at
					: (config32(t, PCI_BAR(bar)) & ~15u) + config32(t, at + 8);
		if (type == VIRTIO_CAP_NOTIFY)
			t->notify_step = config32(t, at + 16);
	}
}

/* After it is plugged in: switched on, and found. */
static inline void driver_find(struct driver *t, struct virtio *v)
{
	t->v = v;
	t->device = v->device;
	set_config32(t, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	t->io = (u16)(config32(t, PCI_BAR(0)) & ~3u);
	find_parts(t);
}

static inline void driver_end(struct driver *t)
{
	t->v->type->reset(t->v);
}

/* --- Registers */

static inline u32 reg(struct driver *t, unsigned offset, unsigned size)
{
	u32 v = 0;

	gpmem_read(t->pc->mem, t->part[VIRTIO_CAP_COMMON] + offset, &v, size);
	return v;
}

static inline void set_reg(struct driver *t, unsigned offset, unsigned size, u32 v)
{
	gpmem_write(t->pc->mem, t->part[VIRTIO_CAP_COMMON] + offset, &v, size);
}

static inline u8 status(struct driver *t)
{
	return t->modern ? (u8)reg(t, VIRTIO_STATUS, 1)
			 : in8(t->pc, (u16)(t->io + VIRTIO_OLD_STATUS));
}

static inline void set_status(struct driver *t, u8 v)
{
	if (t->modern)
		set_reg(t, VIRTIO_STATUS, 1, v);
	else
		out8(t->pc, (u16)(t->io + VIRTIO_OLD_STATUS), v);
}

static inline u64 offered(struct driver *t)
{
	u64 f = 0;

	if (!t->modern)
		return in32(t->pc, t->io);
	for (u32 i = 0; i < 2; i++) {
		set_reg(t, VIRTIO_FEATURE_SELECT, 4, i);
		f |= (u64)reg(t, VIRTIO_FEATURE, 4) << 32 * i;
	}
	return f;
}

static inline u8 isr(struct driver *t)
{
	u8 v;

	if (!t->modern)
		return in8(t->pc, (u16)(t->io + VIRTIO_OLD_ISR));
	gpmem_read(t->pc->mem, t->part[VIRTIO_CAP_ISR], &v, 1);
	return v;
}

static inline bool interrupt(const struct driver *t)
{
	return t->pc->wire[PC_INTX].level;
}

static inline void set_queue(struct driver *t, unsigned n)
{
	struct driver_queue *q = &t->queue[n];

	q->table = RINGS + n * 0x10000;
	if (!t->modern) {
		out8(t->pc, (u16)(t->io + VIRTIO_OLD_QUEUE_SELECT), (u8)n);
		q->size = (u16)bus_read(&t->pc->bus, (u16)(t->io + VIRTIO_OLD_QUEUE_SIZE), 2);
		q->available = q->table + 16u * q->size;
		q->used = (u32)ALIGN_UP(q->available + 6u + 2u * q->size, 4096u);
		out32(t->pc, (u16)(t->io + VIRTIO_OLD_QUEUE_PAGE), q->table / 4096);
		return;
	}
	set_reg(t, VIRTIO_QUEUE_SELECT, 2, n);
	q->size = (u16)reg(t, VIRTIO_QUEUE_SIZE, 2);
	q->available = q->table + 0x4000;
	q->used = q->table + 0x8000;
	set_reg(t, VIRTIO_QUEUE_TABLE, 4, q->table);
	set_reg(t, VIRTIO_QUEUE_DRIVER, 4, q->available);
	set_reg(t, VIRTIO_QUEUE_DEVICE, 4, q->used);
	set_reg(t, VIRTIO_QUEUE_ENABLE, 2, 1);
}

/* Reset, the features that both want, queues, DRIVER_OK (3.1.1). */
static inline void driver_start(struct driver *t, bool modern, u64 wanted)
{
	t->modern = modern;
	memset(t->queue, 0, sizeof(t->queue));
	memset(t->d.ram[0] + RINGS, 0, 0x40000);
	set_status(t, 0);
	assert_int_equal(status(t), 0);
	set_status(t, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	t->features = offered(t) & wanted;
	for (u32 i = 0; modern && i < 2; i++) {
		set_reg(t, VIRTIO_DRIVER_SELECT, 4, i);
		set_reg(t, VIRTIO_DRIVER_FEATURE, 4, (u32)(t->features >> 32 * i));
	}
	if (!modern)
		out32(t->pc, (u16)(t->io + VIRTIO_OLD_DRIVER), (u32)t->features);
	if (modern) {
		set_status(t, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
		assert_true(status(t) & VIRTIO_FEATURES_OK);
	}
	for (unsigned n = 0; n < t->v->type->queues; n++)
		set_queue(t, n);
	set_status(t, (u8)(status(t) | VIRTIO_DRIVER_OK));
}

/* --- Queues */

static inline void put_descriptor(struct driver *t, u32 table, unsigned n, u64 at, u32 len,
				  u16 flags, u16 next)
{
	u8 *d = t->d.ram[table / GPMEM_CHUNK_SIZE] + table % GPMEM_CHUNK_SIZE + 16 * n;

	memcpy(d, &at, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static inline u8 *ram(struct driver *t, u32 at)
{
	return t->d.ram[at / GPMEM_CHUNK_SIZE] + at % GPMEM_CHUNK_SIZE;
}

static inline void make_available(struct driver *t, unsigned n, u16 head)
{
	struct driver_queue *q = &t->queue[n];

	memcpy(ram(t, q->available + 4 + 2u * (q->made++ % q->size)), &head, 2);
	memcpy(ram(t, q->available + 2), &q->made, 2);
}

static inline void notify(struct driver *t, unsigned n)
{
	if (t->modern)
		write32(t->pc, t->part[VIRTIO_CAP_NOTIFY] + n * t->notify_step, n);
	else
		bus_write(&t->pc->bus, (u16)(t->io + VIRTIO_OLD_NOTIFY), 2, n);
}

static inline u16 used_index(struct driver *t, unsigned n)
{
	u16 v;

	memcpy(&v, ram(t, t->queue[n].used + 2), 2);
	return v;
}

/* The next one that has come back: its head, and *len. */
static inline u32 next_used(struct driver *t, unsigned n, u32 *len)
{
	struct driver_queue *q = &t->queue[n];
	const u8 *e = ram(t, q->used + 4 + 8u * (q->seen % q->size));
	u32 head;

	assert_int_not_equal(used_index(t, n), q->seen);
	q->seen++;
	memcpy(&head, e, 4);
	memcpy(len, e + 4, 4);
	return head;
}
