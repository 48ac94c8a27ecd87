/* SPDX-License-Identifier: MIT */
/*
 * A machine around a board that takes whatever the board tells it and does nothing. Its clock is
 * quiet_ns, which the test moves.
 */
#pragma once

#include "emu/dev/board_host.h"
#include "emu/dev/nic.h"

static u64 quiet_ns;

static inline u64 quiet_now(void *ctx)
{
	(void)ctx;
	return quiet_ns;
}

static inline u64 quiet_wall(void *ctx)
{
	(void)ctx;
	return 1709208000 + quiet_ns / 1000000000;
}

static inline u64 quiet_tsc_due(void *ctx, u64 tsc)
{
	(void)ctx;
	return tsc;
}

static inline void quiet_level(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static inline void quiet_event(void *ctx)
{
	(void)ctx;
}

static inline void quiet_deadline(void *ctx, u64 deadline)
{
	(void)ctx;
	(void)deadline;
}

/* The line is busy after some bytes. */
static inline bool quiet_serial_tx(void *ctx, unsigned port, u8 byte)
{
	(void)ctx;
	(void)port;
	return byte & 1;
}

static inline void quiet_debug_tx(void *ctx, u8 byte)
{
	(void)ctx;
	(void)byte;
}

static inline void quiet_reset(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
}

static inline void quiet_entropy(void *ctx, u8 *bytes, u32 n)
{
	(void)ctx;
	while (n--)
		*bytes++ = 0x55;
}

static unsigned quiet_frames; /* so many come next, each of another length */

static inline void quiet_frame_out(void *ctx, unsigned n, const u8 *frame, u32 len)
{
	(void)ctx;
	(void)n;
	(void)frame;
	(void)len;
}

static inline u32 quiet_frame_in(void *ctx, unsigned n, u8 *frame)
{
	u32 len = NIC_FRAME_MIN + quiet_frames * 100 % (NIC_FRAME_MAX - NIC_FRAME_MIN + 1);

	(void)ctx;
	(void)n;
	if (!quiet_frames)
		return 0;
	quiet_frames--;
	for (u32 i = 0; i < len; i++)
		frame[i] = i < NIC_MAC ? 0xff : (u8)i;
	return len;
}

static inline void quiet_exit_code(void *ctx, u32 code)
{
	(void)ctx;
	(void)code;
}

static inline struct board_host quiet_host(void)
{
	return (struct board_host){ .now = quiet_now,
				    .wall_clock = quiet_wall,
				    .intr = quiet_level,
				    .nmi = quiet_event,
				    .tsc_due = quiet_tsc_due,
				    .timer_moved = quiet_deadline,
				    .serial_tx = quiet_serial_tx,
				    .debug_tx = quiet_debug_tx,
				    .entropy = quiet_entropy,
				    .frame_out = quiet_frame_out,
				    .frame_in = quiet_frame_in,
				    .exit_code = quiet_exit_code,
				    .power_off = quiet_event,
				    .reset = quiet_reset,
				    .cpu_init = quiet_reset,
				    .a20 = quiet_level };
}
