/* SPDX-License-Identifier: MIT */
/*
 * Registers of the 16550A UART (PC16550D data sheet, table II).
 */
#pragma once

#include "kernel/base/types.h"

#define COM1_PORT 0x3f8
#define COM1_IRQ  4
#define COM2_PORT 0x2f8
#define COM2_IRQ  3
#define COM3_PORT 0x3e8
#define COM3_IRQ  4
#define COM4_PORT 0x2e8
#define COM4_IRQ  3

/* Offsets from the first port. */
enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RDA	  0x01
#define IER_THRE  0x02
#define IER_RLS	  0x04
#define IER_MODEM 0x08

#define IIR_NONE    0x01
#define IIR_MODEM   0x00
#define IIR_THRE    0x02
#define IIR_RDA	    0x04
#define IIR_RLS	    0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO    0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04
#define FCR_DMA_MODE 0x08
#define FCR_LEVEL_4  0x40
#define FCR_LEVEL    0xc0

#define LCR_BREAK 0x40
#define LCR_DLAB  0x80

#define MCR_DTR	 0x01
#define MCR_RTS	 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10

#define LSR_DR	 0x01
#define LSR_OE	 0x02
#define LSR_PE	 0x04
#define LSR_FE	 0x08
#define LSR_BI	 0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define LSR_FIFO 0x80 /* an error lies somewhere in the FIFO */

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI	0x40
#define MSR_DCD 0x80

#define NS16550_FIFO	 16u
#define NS16550_CLOCK_HZ 1843200u
