/* SPDX-License-Identifier: MIT */
/*
 * Timers: what is to be done at a time of the clock. A list sorted by time, since a driver has one
 * or two. Pure; the list has one owner and no lock.
 */
#pragma once

#include "kernel/base/types.h"

struct timer {
	void (*fn)(struct timer *timer); /* may add and cancel timers, this one too */
	u64 at;				 /* ns */
	bool set;
	struct timer *next;
};

struct timers {
	struct timer *first;
};

/* (Re)sets t. Of two for the same time the one that was added first is called first. */
void timer_add(struct timers *q, struct timer *t, u64 at);
void timer_cancel(struct timers *q, struct timer *t);
/* Calls those whose time has come, the earliest first, and no more of them than there are now: one
 * that adds itself for a time that has passed does not keep the caller busy. */
void timers_run(struct timers *q, u64 now);
/* The earliest time, or UINT64_MAX. */
u64 timers_next(const struct timers *q);
