/* SPDX-License-Identifier: MIT */
/*
 * The 8259A interrupt controller (Intel data sheet 231468), and where a PC has its two.
 */
#pragma once

#define I8259_MASTER  0x20 /* and the port behind */
#define I8259_SLAVE   0xa0
#define I8259_ELCR    0x4d0 /* edge or level, of both: PIIX3, not the 8259's */
#define I8259_CASCADE 2	    /* the master's input at which the slave is */

#define ICW1_INIT   0x10
#define ICW1_SINGLE 0x02
#define ICW1_ICW4   0x01
#define ICW4_8086   0x01
#define ICW4_AEOI   0x02
#define ICW4_SFNM   0x10
#define OCW2_EOI    0x20
#define OCW3	    0x08
#define OCW3_POLL   0x04
#define OCW3_RR	    0x02
#define OCW3_RIS    0x01
#define OCW3_ESMM   0x40
#define OCW3_SMM    0x20
