/* SPDX-License-Identifier: MIT */
/*
 * Registers and commands of the DP8390.
 */
#include "emu/chip/dp8390.h"

#include "emu/chip/dp8390_frames.h"
#include "emu/chip/dp8390_remote.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"

static void set_low(u16 *v, u8 byte)
{
	*v = (u16)((*v & 0xff00) | byte);
}

static void set_high(u16 *v, u8 byte)
{
	*v = (u16)((*v & 0x00ff) | byte << 8);
}

static u8 high(u16 v)
{
	return (u8)(v >> 8);
}

/* --- Reading registers */

static u8 isr_of(const struct dp8390 *d)
{
	return d->isr | (dp8390_running(d) && !d->overflow ? 0 : ISR_RST);
}

static u8 read_page0(const struct dp8390 *d, unsigned reg)
{
	switch (reg) {
	case P0_CLDA0:
		return (u8)d->clda;
	case P0_CLDA1:
		return high(d->clda);
	case P0_BNRY:
		return d->bnry;
	case P0_TSR:
		return d->tsr;
	case P0_NCR: /* no collision ever */
		return 0;
	case P0_FIFO:
		return d->fifo[d->fifo_at];
	case P0_ISR:
		return isr_of(d);
	case P0_CRDA0:
		return (u8)d->crda;
	case P0_CRDA1:
		return high(d->crda);
	case P0_RSR:
		return d->rsr;
	case P0_ID0:
	case P0_ID1:
		return 0xff;
	default:
		return d->tally[reg - P0_CNTR0];
	}
}

static u8 read_page1(const struct dp8390 *d, unsigned reg)
{
	if (reg < P1_CURR)
		return d->par[reg - P1_PAR0];
	return reg == P1_CURR ? d->curr : d->mar[reg - P1_MAR0];
}

/* Bits that do not exist read as ones. */
static u8 read_page2(const struct dp8390 *d, unsigned reg)
{
	switch (reg) {
	case P2_PSTART:
		return d->pstart;
	case P2_PSTOP:
		return d->pstop;
	case P2_REMOTE_NEXT:
		return d->remote_next;
	case P2_TPSR:
		return d->tpsr;
	case P2_LOCAL_NEXT:
		return d->local_next;
	case P2_ADDRESS1:
		return high(d->address);
	case P2_ADDRESS0:
		return (u8)d->address;
	case P2_RCR:
		return d->rcr | 0xc0;
	case P2_TCR:
		return d->tcr | 0xe0;
	case P2_DCR:
		return d->dcr | 0x80;
	case P2_IMR:
		return d->imr | 0x80;
	default:
		return 0xff;
	}
}

u8 dp8390_read(const struct dp8390 *d, unsigned reg)
{
	if (reg == CR_REG)
		return d->command;
	switch (CR_PAGE_OF(d->command)) {
	case 0:
		return read_page0(d, reg);
	case 1:
		return read_page1(d, reg);
	case 2:
		return read_page2(d, reg);
	default:
		return 0xff;
	}
}

u8 dp8390_take(struct dp8390 *d, unsigned reg)
{
	u8 v = dp8390_read(d, reg);

	if (CR_PAGE_OF(d->command) || reg == CR_REG)
		return v;
	if (reg == P0_FIFO)
		d->fifo_at = (u8)((d->fifo_at + 1) % DP8390_FIFO);
	if (reg >= P0_CNTR0)
		d->tally[reg - P0_CNTR0] = 0;
	return v;
}

/* --- Writing them */

/* Once set, STA stays until a reset, whatever STP is (data sheet, 10.3). */
static void write_command(struct dp8390 *d, u8 v)
{
	bool ran = dp8390_running(d);

	d->command = (u8)((v & ~CR_TXP) | (d->command & CR_STA));
	dp8390_begin_remote(d, v);
	if ((v & CR_TXP) && dp8390_running(d))
		dp8390_transmit(d);
	if (ran != dp8390_running(d)) { /* what waits comes in, or is for nobody now */
		d->overflow = false;
		dp8390_fetch(d);
	}
}

static void write_isr(struct dp8390 *d, u8 v)
{
	d->isr &= (u8)~v;
	dp8390_sync(d);
	if (v & ISR_PRX)
		dp8390_received(d);
}

static void write_page0(struct dp8390 *d, unsigned reg, u8 v)
{
	switch (reg) {
	case P0W_PSTART:
		d->pstart = v;
		break;
	case P0W_PSTOP:
		d->pstop = v;
		break;
	case P0_BNRY:
		dp8390_move_bnry(d, v);
		break;
	case P0W_TPSR:
		d->tpsr = v;
		break;
	case P0W_TBCR0:
		set_low(&d->tbcr, v);
		break;
	case P0W_TBCR1:
		set_high(&d->tbcr, v);
		break;
	case P0_ISR:
		write_isr(d, v);
		break;
	case P0W_RSAR0:
		set_low(&d->crda, v);
		break;
	case P0W_RSAR1:
		set_high(&d->crda, v);
		break;
	case P0W_RBCR0:
		set_low(&d->rbcr, v);
		break;
	case P0W_RBCR1:
		set_high(&d->rbcr, v);
		break;
	case P0W_RCR:
		d->rcr = v & 0x3f;
		d->rsr = (u8)((d->rsr & ~RSR_DIS) | (v & RCR_MON ? RSR_DIS : 0));
		break;
	case P0W_TCR:
		d->tcr = v & 0x1f;
		break;
	case P0W_DCR:
		d->dcr = v & 0x7f;
		break;
	default:
		d->imr = v & 0x7f;
		dp8390_sync(d);
	}
}

static void write_page1(struct dp8390 *d, unsigned reg, u8 v)
{
	if (reg < P1_CURR)
		d->par[reg - P1_PAR0] = v;
	else if (reg == P1_CURR)
		d->curr = d->local_next = v;
	else
		d->mar[reg - P1_MAR0] = v;
}

static void write_page2(struct dp8390 *d, unsigned reg, u8 v)
{
	switch (reg) {
	case P0_CLDA0:
		set_low(&d->clda, v);
		break;
	case P0_CLDA1:
		set_high(&d->clda, v);
		break;
	case P2_REMOTE_NEXT:
		d->remote_next = v;
		break;
	case P2_LOCAL_NEXT:
		d->local_next = v;
		break;
	case P2_ADDRESS1:
		set_high(&d->address, v);
		break;
	case P2_ADDRESS0:
		set_low(&d->address, v);
		break;
	}
}

/* May frames come in now that waited? BNRY is dp8390_move_bnry()'s. */
static bool changes_room(unsigned page, unsigned reg)
{
	if (page == 1)
		return reg == P1_CURR;
	return !page && (reg == P0W_PSTART || reg == P0W_PSTOP || reg == P0W_RCR || reg == P0W_TCR);
}

void dp8390_write(struct dp8390 *d, unsigned reg, u8 v)
{
	if (reg == CR_REG) {
		write_command(d, v);
		return;
	}
	switch (CR_PAGE_OF(d->command)) {
	case 0:
		write_page0(d, reg, v);
		break;
	case 1:
		write_page1(d, reg, v);
		break;
	case 2:
		write_page2(d, reg, v);
		break;
	}
	if (changes_room(CR_PAGE_OF(d->command), reg))
		dp8390_fetch(d);
}

/* --- Life */

/* What the reset pin does (data sheet, 11): the other registers stay. */
void dp8390_reset(struct dp8390 *d)
{
	d->command = CR_STP | CR_RD_ABORT;
	d->isr = d->imr = 0;
	d->dcr |= DCR_LAS;
	d->tcr &= (u8)~TCR_LB_BITS;
	d->remote = REMOTE_NONE;
	d->overflow = false;
	dp8390_sync(d);
}

void dp8390_power_on(struct dp8390 *d)
{
	d->dcr = d->tcr = d->rcr = d->tsr = d->rsr = 0;
	d->pstart = d->pstop = d->bnry = d->curr = d->tpsr = 0;
	d->remote_next = d->local_next = 0;
	d->tbcr = d->crda = d->rbcr = d->clda = d->address = 0;
	memset(d->par, 0, sizeof(d->par));
	memset(d->mar, 0, sizeof(d->mar));
	memset(d->tally, 0, sizeof(d->tally));
	memset(d->fifo, 0, sizeof(d->fifo));
	d->fifo_at = 0;
	memset(d->memory.ram, 0, sizeof(d->memory.ram));
	dp8390_reset(d);
}

void dp8390_init(struct dp8390 *d, const struct device_bay *bay, const struct irq_line *irq)
{
	d->irq = *irq;
	d->host = bay->host;
	d->unit = bay->slot->unit;
	d->completions = bay->completions;
	d->more = (struct completion){ .run = dp8390_fetch, .ctx = d };
}

void dp8390_destroy(struct dp8390 *d)
{
	if (d->completions)
		completion_cancel(d->completions, &d->more);
}

static void dma_state(struct dp8390 *d, struct snap *s)
{
	snap_u8(s, d->pstart);
	snap_u8(s, d->pstop);
	snap_u8(s, d->bnry);
	snap_u8(s, d->curr);
	snap_u8(s, d->tpsr);
	snap_u8(s, d->remote_next);
	snap_u8(s, d->local_next);
	snap_u16(s, d->tbcr);
	snap_u16(s, d->crda);
	snap_u16(s, d->rbcr);
	snap_u16(s, d->clda);
	snap_u16(s, d->address);
	snap_enum(s, d->remote, REMOTES);
}

/* All addresses are cut where they are used: whatever is loaded stays in the card's memory. */
void dp8390_state(struct dp8390 *d, struct snap *s)
{
	snap_u8(s, d->command);
	snap_require(s, !(d->command & CR_TXP));
	snap_range(s, d->isr, 0, 0x7f);
	snap_range(s, d->imr, 0, 0x7f);
	snap_range(s, d->dcr, 0, 0x7f);
	snap_range(s, d->tcr, 0, 0x1f);
	snap_range(s, d->rcr, 0, 0x3f);
	snap_u8(s, d->tsr);
	snap_u8(s, d->rsr);
	dma_state(d, s);
	snap_bytes(s, d->par, sizeof(d->par));
	snap_bytes(s, d->mar, sizeof(d->mar));
	snap_bytes(s, d->tally, sizeof(d->tally));
	snap_bytes(s, d->fifo, sizeof(d->fifo));
	snap_range(s, d->fifo_at, 0, DP8390_FIFO - 1);
	snap_bool(s, d->overflow);
	snap_bytes(s, d->memory.ram, sizeof(d->memory.ram));
	dp8390_sync(d);
}

bool dp8390_can_wake(const struct dp8390 *d)
{
	return dp8390_running(d) && (d->imr & (ISR_PRX | ISR_OVW | ISR_CNT));
}
