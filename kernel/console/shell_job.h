/* SPDX-License-Identifier: MIT */
/*
 * Jobs of the prompt (kernel/console/shell.h).
 */
#pragma once

#include "kernel/base/types.h"

/* What works on beside the machine. All are called by the console's task, interrupts on. */
struct shell_job {
	/* It was woken by shell_job_wake(). True: it has ended. */
	bool (*go_on)(void *ctx);
	/* A byte was typed. True: it has ended. NULL: what is typed waits. */
	bool (*key)(void *ctx, u8 byte);
	/* Ctrl-C, or the keyboard is somebody else's. */
	void (*interrupt)(void *ctx);
	void *ctx;
	bool prints; /* go_on() prints when it ends, as a command does: perhaps more than a page */
};
