/* SPDX-License-Identifier: MIT */
/*
 * What the machine around a board does for it. Devices call these from their handlers; none may
 * call back into the board.
 */
#pragma once

#include "kernel/base/types.h"

struct board_host {
	u64 (*now)(void *ctx); /* virtual ns */
	/* Virtual ns that the guest waited for turns of the processor so far; NULL: it never does.
	 */
	u64 (*waited)(void *ctx);
	u64 (*wall_clock)(void *ctx);	     /* seconds since 1970 UTC */
	void (*intr)(void *ctx, bool level); /* the INTR pin of the CPU */
	void (*nmi)(void *ctx);		     /* its NMI pin, an edge */
	/* The virtual ns at which the guest's TSC is tsc, or was. */
	u64 (*tsc_due)(void *ctx, u64 tsc);
	void (*timer_moved)(void *ctx, u64 deadline); /* earliest virtual deadline changed */
	void (*completed)(void *ctx); /* call board_run_timers() soon; from any context */
	/* false: it took the byte and wants no other before board_serial_ready(). */
	bool (*serial_tx)(void *ctx, unsigned port, u8 byte);
	void (*debug_tx)(void *ctx, u8 byte); /* ports 402h and E9h */
	/* n random bytes; wanted by boards with an entropy device only. */
	void (*entropy)(void *ctx, u8 *bytes, u32 n);
	/* A frame (emu/dev/nic.h) leaves network card n. It may get lost. */
	void (*frame_out)(void *ctx, unsigned n, const u8 *frame, u32 len);
	/* The next frame for network card n, of up to NIC_FRAME_MAX bytes. Returns its length; 0:
	 * there is none, and board_frames() comes before there is one. */
	u32 (*frame_in)(void *ctx, unsigned n, u8 *frame);
	/* A line about the machine for who runs it; NULL: nobody reads it. */
	void (*report)(void *ctx, const char *text);
	/* A rule of emu/dev/strict.def was broken, and its number; NULL: nobody wants to know. */
	void (*strict)(void *ctx, unsigned rule, u32 number);
	/*
	 * For the same; NULL: nobody wants to know. settles: what the guest writes now takes some
	 * 100 ns to be seen. unsettled: the guest reads, and that is the next thing that it does
	 * behind such a write, with nothing in between that takes time.
	 */
	void (*settles)(void *ctx);
	bool (*unsettled)(void *ctx);
	void (*power_off)(void *ctx);		   /* ACPI S5 */
	void (*reset)(void *ctx, const char *why); /* of the machine: port CF9h */
	/* INIT of the CPU: keyboard controller, 92h, CF9h, local APIC. When it comes to that,
	 * between two instructions, whoever does it calls board_cpu_init(). */
	void (*cpu_init)(void *ctx, const char *why);
	void (*a20)(void *ctx, bool enabled);
	void (*exit_code)(void *ctx, u32 code); /* isa-debug-exit at 501h, test guests only */
	void *ctx;
};

/* The guest's own time: it goes on while the guest runs, or is halted. */
static inline u64 board_own_time(const struct board_host *host, u64 now)
{
	return host->waited ? now - host->waited(host->ctx) : now;
}
