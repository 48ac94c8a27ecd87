/* SPDX-License-Identifier: MIT */
/*
 * A split virtqueue, seen from the device (Virtio 1.2, 2.7). All of it lies in the guest's memory:
 *
 *      descriptor     address(8) length(4) flags(2) next(2)
 *      available      flags(2) index(2) ring[size](2) used_event(2)    the driver's
 *      used           flags(2) index(2) ring[size]{id(4) length(4)} available_event(2)   ours
 *
 * Nothing in it is believed. A chain is copied once when it is taken, and checked: indices, length,
 * direction, that it ends, and that each of its buffers is RAM. What is wrong breaks the queue:
 * nothing is taken from it or put into it until it is reset. fault says what it was.
 */
#pragma once

#include "emu/mem/gpmem.h"

struct snap;

#define VIRTQ_SIZE 128u /* entries at most: a power of two */

enum virtq_fault {
	VIRTQ_GOOD,
	VIRTQ_ALIGNMENT,
	VIRTQ_RINGS,
	VIRTQ_JUMP,
	VIRTQ_NUMBER,
	VIRTQ_LONG,
	VIRTQ_DIRECTION,
	VIRTQ_BUFFER,
	VIRTQ_INDIRECT,
	VIRTQ_TABLE,
	VIRTQ_REQUEST, /* what the chain holds is no request of that device's */
	VIRTQ_FAULTS
};

struct virtqueue {
	u16 size;
	bool ready;
	bool event_index, indirect; /* were negotiated */
	bool deaf;		    /* the driver was told not to notify */
	u64 descriptors, available, used;
	u16 next; /* of the available ring, to be taken */
	u16 done; /* our index in the used ring */
	u16 told; /* done, when the driver's wish was looked at last */
	enum virtq_fault fault;
	struct gpmem *mem;
};

struct virtq_buffer {
	u64 at;
	u32 len;
	bool write; /* by the device */
};

/* What was taken: buffers that the device reads, then those that it writes. */
struct virtq_chain {
	u16 head;
	u16 buffers;
	u64 readable, writable; /* bytes in all */
	struct virtq_buffer buffer[VIRTQ_SIZE];
};

/* "a chain is longer than the queue, or a loop" */
const char *virtq_fault_text(enum virtq_fault fault);

/* To what it is before the driver sets it up; mem stays. */
void virtq_reset(struct virtqueue *q, u16 size);
/* Are its parts where they may be? Breaks it if not. */
void virtq_check(struct virtqueue *q);
/* The next chain. False: there is none, or the queue is broken. */
bool virtq_take(struct virtqueue *q, struct virtq_chain *c);
/* Gives a chain back, len bytes of which were written. */
void virtq_put(struct virtqueue *q, u16 head, u32 len);
/* Does the driver want an interrupt for what was given back since the last call? */
bool virtq_interrupts(struct virtqueue *q);
/* Says whether the driver should notify. True: meanwhile it has made more available. */
bool virtq_listen(struct virtqueue *q, bool on);

/* Bytes from offset on of what the device reads, or writes. Return how many there were. */
u32 virtq_read(const struct virtqueue *q, const struct virtq_chain *c, u64 offset, void *buf,
	       u32 n);
u32 virtq_write(const struct virtqueue *q, const struct virtq_chain *c, u64 offset, const void *buf,
		u32 n);

/* Part of a field list: a chain that is under way. */
void virtq_chain_state(struct virtq_chain *c, struct snap *s);
