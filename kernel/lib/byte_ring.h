/* SPDX-License-Identifier: MIT */
/*
 * A ring of bytes between one producer and one consumer on the same CPU, one of which may be an
 * interrupt. Only the producer writes head, only the consumer writes tail, both count without end,
 * and a byte is stored before head says so: no lock is needed. Pure.
 */
#pragma once

#include "kernel/base/types.h"

struct byte_ring {
	u8 *data;
	u32 size; /* a power of two */
	volatile u32 head, tail;
};

#define BYTE_RING(array)                               \
	{                                              \
		.data = (array), .size = sizeof(array) \
	}

static inline u32 ring_used(const struct byte_ring *r)
{
	return r->head - r->tail;
}

static inline u32 ring_room(const struct byte_ring *r)
{
	return r->size - ring_used(r);
}

static inline bool ring_put(struct byte_ring *r, u8 byte)
{
	if (!ring_room(r))
		return false;
	((volatile u8 *)r->data)[r->head & (r->size - 1)] = byte;
	r->head++;
	return true;
}

/* The oldest byte, which stays, or -1. */
static inline int ring_peek(const struct byte_ring *r)
{
	return ring_used(r) ? ((volatile u8 *)r->data)[r->tail & (r->size - 1)] : -1;
}

/* Takes the oldest byte, or -1. */
static inline int ring_get(struct byte_ring *r)
{
	int byte = ring_peek(r);

	if (byte >= 0)
		r->tail++;
	return byte;
}

/* How many bytes lie before the first that is equal to byte; -1: there is none. */
static inline int ring_find(const struct byte_ring *r, u8 byte)
{
	u32 used = ring_used(r);

	for (u32 i = 0; i < used; i++)
		if (((volatile u8 *)r->data)[(r->tail + i) & (r->size - 1)] == byte)
			return (int)i;
	return -1;
}
