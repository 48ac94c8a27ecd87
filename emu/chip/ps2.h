/* SPDX-License-Identifier: MIT */
/*
 * What the two PS/2 devices have in common: a queue of bytes towards the controller (IBM PS/2
 * Hardware Interface Technical Reference, keyboard and auxiliary device controller). Answers to
 * commands stand before what the device sends by itself.
 */
#pragma once

#include "emu/snap/snap.h"

#define PS2_QUEUE 32

struct ps2_queue {
	u8 data[PS2_QUEUE];
	unsigned head, used;
	unsigned answers; /* of the bytes used, at the head */
	u8 last;	  /* last byte sent, for RESEND */
};

static inline unsigned ps2_room(const struct ps2_queue *q)
{
	return PS2_QUEUE - q->used;
}

static inline void ps2_clear(struct ps2_queue *q)
{
	q->head = q->used = q->answers = 0;
}

/* Drops the byte if there is no room: callers that must not lose one ask ps2_room() first. */
static inline void ps2_push(struct ps2_queue *q, u8 byte)
{
	if (q->used < PS2_QUEUE)
		q->data[(q->head + q->used++) % PS2_QUEUE] = byte;
}

/* A byte of an answer; if there is no room, what the device sent last gives way to it. */
static inline void ps2_answer(struct ps2_queue *q, u8 byte)
{
	if (q->answers == PS2_QUEUE)
		return;
	q->used -= q->used == PS2_QUEUE;
	for (unsigned i = q->used++; i > q->answers; i--)
		q->data[(q->head + i) % PS2_QUEUE] = q->data[(q->head + i - 1) % PS2_QUEUE];
	q->data[(q->head + q->answers++) % PS2_QUEUE] = byte;
}

static inline u8 ps2_pop(struct ps2_queue *q)
{
	q->last = q->data[q->head];
	q->head = (q->head + 1) % PS2_QUEUE;
	q->used--;
	q->answers -= q->answers > 0;
	return q->last;
}

static inline void ps2_state(struct ps2_queue *q, struct snap *s)
{
	snap_bytes(s, q->data, sizeof(q->data));
	snap_range(s, q->head, 0, PS2_QUEUE - 1);
	snap_range(s, q->used, 0, PS2_QUEUE);
	snap_u8(s, q->last);
	if (s->version >= 2)
		snap_range(s, q->answers, 0, q->used);
}

#define PS2_ACK	      0xfa
#define PS2_SELF_TEST 0xaa
#define PS2_ERROR     0xfc
#define PS2_RESEND    0xfe
