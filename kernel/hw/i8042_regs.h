/* SPDX-License-Identifier: MIT */
/*
 * The 8042 keyboard controller of a PC (PC AT Technical Reference, and PS/2's mouse).
 */
#pragma once

#define I8042_DATA_PORT	   0x60
#define I8042_COMMAND_PORT 0x64 /* reads: status */

#define I8042_OBF     0x01 /* a byte waits at the data port */
#define I8042_IBF     0x02 /* the controller has not taken the last byte written */
#define I8042_SYSTEM  0x04
#define I8042_COMMAND 0x08
#define I8042_UNLOCK  0x10
#define I8042_AUX     0x20 /* the byte is the mouse's */

#define I8042_PULSE_RESET 0xfe /* command: output bit 0, the reset line, goes low for 6 us */
