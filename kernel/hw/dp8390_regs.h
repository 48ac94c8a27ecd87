/* SPDX-License-Identifier: MIT */
/*
 * Registers of the DP8390D network interface controller (National DP8390D/NS32490D data sheet, 10),
 * and what the RTL8029AS has besides (its data sheet, 6).
 */
#pragma once

#include "kernel/base/types.h"

#define DP8390_REGISTERS 16u
#define DP8390_PAGE	 256u /* bytes of the card's memory */

#define CR_REG	      0x00 /* in all pages */
#define CR_STP	      0x01
#define CR_STA	      0x02
#define CR_TXP	      0x04
#define CR_RD(n)      ((n) << 3) /* 1 read, 2 write, 3 send packet, 4 and more abort */
#define CR_RD_READ    CR_RD(1)
#define CR_RD_WRITE   CR_RD(2)
#define CR_RD_SEND    CR_RD(3)
#define CR_RD_ABORT   CR_RD(4)
#define CR_PAGE(n)    ((n) << 6)
#define CR_PAGE_OF(v) ((v) >> 6 & 3)

/* Page 0, as read. */
enum {
	P0_CLDA0 = 1,
	P0_CLDA1,
	P0_BNRY,
	P0_TSR,
	P0_NCR,
	P0_FIFO,
	P0_ISR,
	P0_CRDA0,
	P0_CRDA1,
	P0_ID0, /* RTL8029 */
	P0_ID1,
	P0_RSR,
	P0_CNTR0, /* alignment errors, CRC errors, missed frames */
};

/* Page 0, as written: BNRY and ISR are where they are read. */
enum {
	P0W_PSTART = 1,
	P0W_PSTOP,
	P0W_TPSR = 4,
	P0W_TBCR0,
	P0W_TBCR1,
	P0W_RSAR0 = 8,
	P0W_RSAR1,
	P0W_RBCR0,
	P0W_RBCR1,
	P0W_RCR,
	P0W_TCR,
	P0W_DCR,
	P0W_IMR,
};

enum { P1_PAR0 = 1, P1_CURR = 7, P1_MAR0 = 8 };

/* Page 2, as read; 1 to 7 but TPSR can be written, 1 and 2 as CLDA. */
enum {
	P2_PSTART = 1,
	P2_PSTOP,
	P2_REMOTE_NEXT,
	P2_TPSR,
	P2_LOCAL_NEXT,
	P2_ADDRESS1,
	P2_ADDRESS0,
	P2_RCR = 12,
	P2_TCR,
	P2_DCR,
	P2_IMR,
};

/* Page 3 of the RTL8029AS. */
enum { P3_9346CR = 1, P3_CONFIG0 = 3, P3_CONFIG2 = 5, P3_CONFIG3, P3_ID0 = 14, P3_ID1 };

#define ISR_PRX 0x01
#define ISR_PTX 0x02
#define ISR_RXE 0x04
#define ISR_TXE 0x08
#define ISR_OVW 0x10
#define ISR_CNT 0x20
#define ISR_RDC 0x40
#define ISR_RST 0x80 /* a state: no interrupt, and not cleared by writing */

#define DCR_WTS 0x01 /* words */
#define DCR_BOS 0x02 /* a frame's first byte is the upper one of its word */
#define DCR_LAS 0x04
#define DCR_LS	0x08 /* 0: loopback */
#define DCR_AR	0x10 /* Send Packet works */

#define TCR_CRC 0x01 /* the controller appends none */
#define TCR_LB(v) \
	((v) >> 1 & 3) /* 0 none; loopback in 1 the controller, 2 the ENDEC, 3 the cable */
#define TCR_LB_BITS 0x06

#define TSR_PTX 0x01
#define TSR_ND	0x02 /* not deferred; reserved in the DP8390D, where it is 1 */
#define TSR_CRS 0x10
#define TSR_CDH 0x40

#define RCR_SEP 0x01
#define RCR_AR	0x02
#define RCR_AB	0x04
#define RCR_AM	0x08
#define RCR_PRO 0x10
#define RCR_MON 0x20

#define RSR_PRX 0x01
#define RSR_CRC 0x02
#define RSR_MPA 0x10
#define RSR_PHY 0x20 /* to more than one station */
#define RSR_DIS 0x40 /* monitor mode */

/* What a received frame begins with in memory. */
#define RING_STATUS 0
#define RING_NEXT   1 /* page */
#define RING_COUNT  2 /* of the frame and its checksum; 16 bits */
#define RING_HEADER 4u
