/* SPDX-License-Identifier: MIT */
/*
 * The DP8390D network interface controller (National DP8390D/NS32490D data sheet) with the memory
 * of the NE2000 around it.
 *
 *      dp8390.c         registers, commands
 *      dp8390_remote.c  remote DMA, which the guest moves bytes by
 *      dp8390_frames.c  transmission, reception, the ring of received frames, loopback
 *
 * Nothing takes time: a frame has been sent when the write to CR ends. Whatever a guest writes to
 * the registers, addresses stay in the card's memory, and a command ends.
 */
#pragma once

#include "emu/chip/ne2000_memory.h"
#include "emu/dev/completion.h"
#include "emu/dev/device.h"
#include "emu/dev/nic.h"
#include "kernel/hw/dp8390_regs.h"

#define DP8390_CRC  4u
#define DP8390_FIFO 8u

enum dp8390_remote { REMOTE_NONE, REMOTE_READ, REMOTE_WRITE, REMOTE_SEND, REMOTES };

struct dp8390 {
	u8 command;  /* CR without TXP, which is never seen set */
	u8 isr, imr; /* isr without RST */
	u8 dcr, tcr, rcr, tsr, rsr;
	u8 pstart, pstop, bnry, curr, tpsr; /* pages */
	u8 remote_next, local_next;
	u16 tbcr, crda, rbcr, clda, address;
	u8 par[6], mar[8];
	u8 tally[3];
	u8 fifo[DP8390_FIFO], fifo_at;
	enum dp8390_remote remote;
	bool overflow; /* nothing is received until BNRY is written */
	struct ne2000_memory memory;
	struct irq_line irq;
	bool level; /* of irq */
	const struct board_host *host;
	unsigned unit;
	struct completions *completions;
	/* Not saved. */
	struct completion more;
	u8 frame[NIC_FRAME_MAX + DP8390_CRC]; /* nothing of it outlives a call */
};

static inline bool dp8390_running(const struct dp8390 *d)
{
	return (d->command & (CR_STP | CR_STA)) == CR_STA;
}
