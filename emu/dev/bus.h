/* SPDX-License-Identifier: MIT */
/*
 * The guest PC's port bus, interrupt lines and timers, as devices see them. A device is a struct
 * with no static state; it claims ports, drives a line, arms timers and touches guest memory
 * through gpmem, and knows nothing else.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct snap;

/* --- Ports */

struct bus_ports {
	/* size 1, 2 or 4; offset from the first port claimed. */
	u32 (*read)(void *dev, u16 offset, unsigned size);
	void (*write)(void *dev, u16 offset, unsigned size, u32 value);
	u8 width; /* widest access in bytes, wider ones arrive in pieces; 0: as it comes */
};

/* Several accesses of one size at one port, of a string instruction: returns how many were done; 0:
 * the others' way is taken, one by one. The bytes lie in a row, low byte first. */
struct bus_bulk {
	u32 (*read)(void *dev, u16 offset, unsigned size, u8 *to, u32 n);
	u32 (*write)(void *dev, u16 offset, unsigned size, const u8 *from, u32 n);
};

struct bus_claim {
	u16 first, count;
	const struct bus_ports *ops; /* NULL: free for the next claim */
	const struct bus_bulk *bulk; /* NULL: it has no such way */
	void *dev;
	const char *name;
	u64 reads, writes;
};

#define BUS_LEAF       256u /* ports of one leaf */
#define BUS_FEW_CLAIMS 48u  /* that need no memory besides struct bus: a PC has 28 in 10 leaves */
#define BUS_FEW_LEAVES 16u

struct bus_leaf {
	u16 claim[BUS_LEAF]; /* index into claim[] + 1; 0: nobody */
};

struct bus {
	u16 page[0x10000 /
		 BUS_LEAF]; /* the leaf of each 256 ports; leaf 0 is of those that nobody claims */
	struct bus_leaf *leaf;
	struct bus_claim *claim;
	unsigned leaves, leaf_room, claims, claim_room;
	unsigned released; /* of the claims: free for the next ones */
	u64 unclaimed;	   /* byte accesses that nobody answered */
	struct bus_leaf few_leaves[BUS_FEW_LEAVES];
	struct bus_claim few_claims[BUS_FEW_CLAIMS];
};

void bus_init(struct bus *b);
void bus_destroy(struct bus *b);
/* Returns 0, E_INVAL on an overlap, E_NOMEM; E_FULL when 65,535 claims are there. */
int bus_claim(struct bus *b, u16 first, u16 count, const struct bus_ports *ops, void *dev,
	      const char *name);
/* Gives the claim that begins there a way for several accesses. */
void bus_claim_bulk(struct bus *b, u16 first, const struct bus_bulk *bulk);
void bus_release(struct bus *b, u16 first);
/* How often dev's ports were read and written, in accesses as it sees them. */
void bus_accesses(const struct bus *b, const void *dev, u64 *reads, u64 *writes);
/* An access that no claim covers whole is split into bytes; what nobody claims reads as ones. */
u32 bus_read(struct bus *b, u16 port, unsigned size);
void bus_write(struct bus *b, u16 port, unsigned size, u32 value);
/* Up to n accesses, n at least 1; returns how many were done, at least one. */
u32 bus_read_many(struct bus *b, u16 port, unsigned size, void *to, u32 n);
u32 bus_write_many(struct bus *b, u16 port, unsigned size, const void *from, u32 n);

/* --- Interrupt lines */

/* The sink of a line: a PIC input, or a test's recorder. level is the new state of the wire. */
struct irq_line {
	void (*set)(void *ctx, unsigned irq, bool level);
	void *ctx;
	unsigned irq;
};

static inline void irq_set(const struct irq_line *l, bool level)
{
	if (l->set)
		l->set(l->ctx, l->irq, level);
}

/* --- Time */

/*
 * Virtual time in nanoseconds, monotonic, stopped while the VM is paused. A timer queue belongs to
 * one VM. Fired timers are off the queue before their function runs, so that it may arm again.
 */
struct vtimer {
	struct list link;
	u64 deadline;			  /* ns; 0 while it is not armed */
	void (*fire)(void *ctx, u64 now); /* now: not before the deadline, perhaps long after */
	void *ctx;
};

struct vtimers {
	struct list queue; /* sorted by deadline */
	u64 (*now)(void *ctx);
	void *now_ctx;
	/* The earliest deadline moved (UINT64_MAX: none armed); NULL if nobody cares. */
	void (*rearm)(void *ctx, u64 deadline);
	void *rearm_ctx;
	bool running; /* inside vtimers_run(), whose return value replaces rearm */
};

void vtimers_init(struct vtimers *q, u64 (*now)(void *ctx), void *ctx);
static inline u64 vtimers_now(struct vtimers *q)
{
	return q->now(q->now_ctx);
}
void vtimer_init(struct vtimer *t, void (*fire)(void *ctx, u64 now), void *ctx);
void vtimer_arm(struct vtimers *q, struct vtimer *t, u64 deadline); /* moves it if armed */
void vtimer_cancel(struct vtimers *q, struct vtimer *t);
static inline bool vtimer_armed(const struct vtimer *t)
{
	return !list_empty(&t->link);
}
/* When it fires; UINT64_MAX: it is not armed. */
static inline u64 vtimer_due(const struct vtimer *t)
{
	return vtimer_armed(t) ? t->deadline : UINT64_MAX;
}
/* Part of a device's field list: whether it is armed and for when. It may have been due already. */
void vtimer_state(struct vtimers *q, struct vtimer *t, struct snap *s);
/* Fires all that are due; returns the next deadline or UINT64_MAX. */
u64 vtimers_run(struct vtimers *q);
