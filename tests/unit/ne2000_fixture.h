/* SPDX-License-Identifier: MIT */
/*
 * An NE2000 in its slot of either bus, with a network of frames that are known again, and the parts
 * of a driver.
 */
#pragma once

#include "emu/chip/ne2000.h"
#include "emu/snap/crc32.h"
#include "kernel/base/bytes.h"
#include "tests/unit/pc_fixture.h"

#define ISA	  0x300u
#define PCI_FIRST 0xc880u /* of device 15, after a reset */
#define DATA	  0x10u
#define RESET	  0x1fu
#define ISA_IRQ	  5u

#define TX_PAGE	   0x40u
#define RING_FIRST 0x46u
#define RING_END   0x80u

static struct pc pc;
static struct pci_bus pci;
static struct ne2000 card;
static const u8 mac[NIC_MAC] = { 0x02, 0x52, 0x4c, 0x00, 0x00, 0x07 };
static const u8 broadcast[NIC_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static u16 base;

/* --- The network */

#define FRAMES 64u

static struct {
	u8 bytes[FRAMES][NIC_FRAME_MAX];
	u32 length[FRAMES];
	unsigned count, at;
} coming, gone;

static inline void frame_out(void *ctx, unsigned n, const u8 *frame, u32 length)
{
	unsigned i = gone.count++ % FRAMES;

	assert_ptr_equal(ctx, &pc);
	assert_int_equal(n, 0);
	assert_in_range(length, NIC_FRAME_MIN, NIC_FRAME_MAX);
	memcpy(gone.bytes[i], frame, length);
	gone.length[i] = length;
}

static inline u32 frame_in(void *ctx, unsigned n, u8 *frame)
{
	unsigned i = coming.at % FRAMES;

	assert_ptr_equal(ctx, &pc);
	assert_int_equal(n, 0);
	if (coming.at == coming.count)
		return 0;
	coming.at++;
	memcpy(frame, coming.bytes[i], coming.length[i]);
	return coming.length[i];
}

/* Bytes by which a frame is known again. */
static inline u8 byte_of(unsigned seed, u32 i)
{
	return (u8)(seed * 37 + i * 3 + (i >> 8));
}

static inline void comes(const u8 *to, u32 length, unsigned seed)
{
	unsigned i = coming.count++ % FRAMES;

	for (u32 at = 0; at < length; at++)
		coming.bytes[i][at] = byte_of(seed, at);
	memcpy(coming.bytes[i], to, NIC_MAC);
	coming.length[i] = length;
}

static inline void deliver(void)
{
	card.on_pci ? ne2000_class.frames(&card) : ne2000_isa_class.frames(&card);
	run_completions(&pc);
}

/* --- The driver's side */

static inline u8 in(unsigned reg)
{
	return in8(&pc, (u16)(base + reg));
}

static inline void out(unsigned reg, u8 v)
{
	out8(&pc, (u16)(base + reg), v);
}

static inline void set_remote(u16 at, u16 count, u8 command)
{
	out(P0W_RSAR0, (u8)at);
	out(P0W_RSAR1, (u8)(at >> 8));
	out(P0W_RBCR0, (u8)count);
	out(P0W_RBCR1, (u8)(count >> 8));
	out(CR_REG, CR_STA | command);
}

static inline void read_memory(u16 at, void *to, u16 count)
{
	u8 *p = to;

	set_remote(at, count, CR_RD_READ);
	for (u16 i = 0; i < count; i += 2)
		put_le16(&p[i], bus_read(&pc.bus, (u16)(base + DATA), 2));
	assert_true(in(P0_ISR)&ISR_RDC);
	out(P0_ISR, ISR_RDC);
}

static inline void write_memory(u16 at, const void *from, u16 count)
{
	const u8 *p = from;

	set_remote(at, count, CR_RD_WRITE);
	for (u16 i = 0; i < count; i += 2)
		bus_write(&pc.bus, (u16)(base + DATA), 2, get_le16(&p[i]));
	assert_true(in(P0_ISR)&ISR_RDC);
	out(P0_ISR, ISR_RDC);
}

static inline u8 memory(u16 at)
{
	return ne2000_read(&card.chip.memory, at);
}

static inline void set_ring(u8 first, u8 end)
{
	out(CR_REG, CR_STA | CR_RD_ABORT);
	out(P0W_PSTART, first);
	out(P0W_PSTOP, end);
	out(P0_BNRY, first);
	out(CR_REG, CR_STA | CR_RD_ABORT | CR_PAGE(1));
	out(P1_CURR, (u8)(first + 1));
	out(CR_REG, CR_STA | CR_RD_ABORT);
}

static inline u8 curr(void)
{
	u8 v;

	out(CR_REG, CR_RD_ABORT | CR_PAGE(1));
	v = in(P1_CURR);
	out(CR_REG, CR_RD_ABORT);
	return v;
}

static inline void set_address(const u8 *address)
{
	out(CR_REG, CR_RD_ABORT | CR_PAGE(1));
	for (unsigned i = 0; i < NIC_MAC; i++)
		out(P1_PAR0 + i, address[i]);
	out(CR_REG, CR_RD_ABORT);
}

/* As the data sheet has it (10.2): words, its own address, broadcasts, normal operation. */
static inline void start(void)
{
	out(CR_REG, CR_STP | CR_RD_ABORT);
	out(P0W_DCR, DCR_WTS | DCR_LS | 0x40);
	out(P0W_RBCR0, 0);
	out(P0W_RBCR1, 0);
	out(P0W_RCR, RCR_AB);
	out(P0W_TCR, 0x02);
	out(P0W_TPSR, TX_PAGE);
	out(P0W_PSTART, RING_FIRST);
	out(P0W_PSTOP, RING_END);
	out(P0_BNRY, RING_FIRST);
	out(P0_ISR, 0xff);
	out(P0W_IMR, 0x3f);
	set_address(mac);
	out(CR_REG, CR_STP | CR_RD_ABORT | CR_PAGE(1));
	out(P1_CURR, RING_FIRST + 1);
	out(CR_REG, CR_STA | CR_RD_ABORT);
	out(P0W_TCR, 0);
}

static inline void transmit(u16 length)
{
	out(P0W_TBCR0, (u8)length);
	out(P0W_TBCR1, (u8)(length >> 8));
	out(CR_REG, CR_STA | CR_TXP | CR_RD_ABORT);
	assert_false(in(CR_REG)&CR_TXP);
}

/* --- Setting up */

static inline void begin(const struct device_class *class)
{
	pc_init(&pc);
	memset(&pci, 0, sizeof(pci));
	pc.pci = &pci;
	pc.host.frame_in = frame_in;
	pc.host.frame_out = frame_out;
	memcpy(pc.nics[0].mac, mac, NIC_MAC);
	coming.count = coming.at = gone.count = 0;
	pc_plug(&pc, class, &card);
	base = class == &ne2000_class ? PCI_FIRST : ISA;
}

static inline void end(void)
{
	ne2000_class.destroy(&card);
	bus_destroy(&pc.bus);
	gpmem_destroy(&pc.memory);
}

static inline void both(void (*test)(void))
{
	begin(&ne2000_isa_class);
	test();
	end();
	begin(&ne2000_class);
	test();
	end();
}

static inline unsigned wire(void)
{
	return card.on_pci ? PC_INTX : ISA_IRQ;
}

static inline bool interrupts(void)
{
	return pc.wire[wire()].level;
}

/* The frame behind BNRY is that one, and BNRY moves on as drivers do it. */
static inline void expect_frame(const u8 *to, u32 length, unsigned seed, u8 status)
{
	u32 padded = MAX(length, 60u), pages = (padded + 8 + 255) / 256;
	u8 page = (u8)(in(P0_BNRY) + 1), next, got[NIC_FRAME_MAX + 10], *data = got + RING_HEADER;

	if (page == RING_END)
		page = RING_FIRST;
	next = (u8)(page + pages);
	if (next >= RING_END)
		next = (u8)(next - RING_END + RING_FIRST);
	read_memory((u16)(page * 256), got, (u16)((padded + 9) & ~1u));
	assert_int_equal(got[RING_STATUS], status);
	assert_int_equal(got[RING_NEXT], next);
	assert_int_equal(get_le16(&got[RING_COUNT]), padded + 4);
	assert_memory_equal(data, to, NIC_MAC);
	for (u32 i = NIC_MAC; i < length; i++)
		assert_int_equal(data[i], byte_of(seed, i));
	for (u32 i = length; i < padded; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(get_le32(&data[padded]), crc32_update(0, data, padded));
	out(P0_BNRY, next == RING_FIRST ? RING_END - 1 : (u8)(next - 1));
}
