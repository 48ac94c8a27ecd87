/* SPDX-License-Identifier: MIT */
/*
 * Ports 92h (fast A20, INIT) and CF9h (reset control) of the PIIX3 (Intel 290550, 2.5.5 and 2.5.6).
 */
#pragma once

#define PORT_92	 0x92
#define P92_INIT 0x01 /* a pulse */
#define P92_A20	 0x02

#define PORT_CF9 0xcf9
#define CF9_HARD 0x02
#define CF9_GO	 0x04 /* 0 -> 1: reset, or INIT with bit 1 clear */
