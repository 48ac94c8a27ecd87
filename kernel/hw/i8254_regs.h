/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer (Intel data sheet 231164), and where a PC has it.
 */
#pragma once

#define I8254_PORT    0x40 /* channels 0 to 2, then the control word */
#define I8254_CONTROL 0x43
#define I8254_HZ      1193182u

#define I8254_CHANNEL(n) ((n) << 6)
#define I8254_BOTH_BYTES 0x30
#define I8254_MODE(n)	 ((n) << 1)
#define I8254_READ_BACK	 0xc0
#define RB_NO_COUNT	 0x20 /* of the read-back command */
#define RB_NO_STATUS	 0x10
#define I8254_OUT	 0x80 /* of the status byte */
#define I8254_NULL_COUNT 0x40

/* Port 61h of the PC: channel 2's gate, and whether its output reaches the speaker. */
#define PORT61	       0x61
#define PORT61_GATE2   0x01
#define PORT61_SPEAKER 0x02
