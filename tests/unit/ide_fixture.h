/* SPDX-License-Identifier: MIT */
/*
 * The IDE function with drives, for tests of disks and CD-ROM drives: registers of a channel, and
 * what every driver does with them.
 */
#pragma once

#include "emu/chip/piix3_ide.h"
#include "tests/unit/drive_fixture.h"

#define TABLE  0x1000u /* of regions, for the bus master */
#define BUFFER 0x200000u

struct ide {
	struct drive_pc d;
	struct pc *pc;
	struct pci_bus pci;
	struct piix3_ide ide;
	u16 base; /* of the channel that is used */
	u16 bm;
	unsigned irq;
};

static inline void ide_begin(struct ide *m)
{
	drive_pc_init(&m->d);
	m->pc = &m->d.pc;
	m->pc->pci = &m->pci;
	pc_plug(m->pc, &pci_class, &m->pci);
	m->base = 0x1f0;
	m->bm = IDE_BUS_MASTER;
	m->irq = 14;
}

static inline void ide_plug(struct ide *m)
{
	pc_plug(m->pc, &piix3_ide_class, &m->ide);
}

static inline void ide_free(struct ide *m)
{
	piix3_ide_class.destroy(&m->ide);
	drive_pc_free(&m->d);
}

static inline void ide_second(struct ide *m)
{
	m->base = 0x170;
	m->bm = IDE_BUS_MASTER + 8;
	m->irq = 15;
}

static inline bool irq(const struct ide *m)
{
	return m->pc->wire[m->irq].level;
}

static inline u8 rd(struct ide *m, unsigned reg)
{
	return in8(m->pc, (u16)(m->base + reg));
}

static inline void wr(struct ide *m, unsigned reg, u8 v)
{
	out8(m->pc, (u16)(m->base + reg), v);
}

/* Nothing has ended inside the OUT; afterwards the interrupt is there, and status takes it away. */
static inline u8 wait_irq(struct ide *m)
{
	u8 status;

	assert_false(irq(m));
	run_completions(m->pc);
	assert_true(irq(m));
	status = rd(m, 7);
	assert_false(irq(m));
	return status;
}

/* As REP INSW does. */
static inline void data_in(struct ide *m, u8 *to, u32 n)
{
	for (u32 i = 0; i < n;)
		i += 2 * bus_read_many(&m->pc->bus, m->base, 2, to + i, MAX((n - i) / 2, 1u));
}

static inline void data_out(struct ide *m, const u8 *from, u32 n)
{
	for (u32 i = 0; i < n; i += 4) {
		u32 v;

		memcpy(&v, from + i, 4);
		bus_write(&m->pc->bus, m->base, 4, v);
	}
}

/* The registers of a 28-bit command, then the command. */
static inline void command28(struct ide *m, u8 command, u32 lba, u8 count, u8 device)
{
	wr(m, 6, (u8)(0xe0u | (u32)device << 4 | lba >> 24));
	wr(m, 2, count);
	wr(m, 3, (u8)lba);
	wr(m, 4, (u8)(lba >> 8));
	wr(m, 5, (u8)(lba >> 16));
	wr(m, 7, command);
}

/* A table of one region after the other; the last one ends it. */
static inline void regions(struct ide *m, const u32 (*r)[2], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		u32 d[2] = { r[i][0], (r[i][1] & 0xffff) | (i == n - 1 ? 0x80000000u : 0) };

		memcpy(m->d.ram[0] + TABLE + 8 * i, d, 8);
	}
	out8(m->pc, m->bm, 0);
	out32(m->pc, (u16)(m->bm + 4), TABLE);
	out8(m->pc, (u16)(m->bm + 2), 0x06);
}
