/* SPDX-License-Identifier: MIT */
/*
 * A driver of virtio devices over PCI for test guests, of both generations: 0.9 by the registers
 * in I/O space, 1.0 by the capabilities. Its queues are split ones, and the test may write into
 * them whatever it likes.
 *
 *      virtio_find -> virtio_begin (reset, features) -> virtio_queue for each -> virtio_go
 *      vq_describe, vq_offer, vq_kick, vq_wait; or vq_request, which does all four
 */
#pragma once

#include "lib/testguest.h"

#define VIRTIO_BLK     2u
#define VIRTIO_CONSOLE 3u
#define VIRTIO_RNG     4u
#define VIRTIO_BALLOON 5u

#define VIRTIO_QUEUES 3u
#define VQ_MAX	      256u /* entries, what a device of 0.9 may insist upon */

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER	   2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 0x40u

#define F_INDIRECT    (1ull << 28)
#define F_EVENT_INDEX (1ull << 29)
#define F_VERSION_1   (1ull << 32)

#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u

struct vq_desc {
	u64 at;
	u32 len;
	u16 flags, next;
};

struct vq {
	struct virtio *v;
	u16 number, size;
	u16 offered, kicked; /* our index in available; what it was at the last kick */
	u16 seen;	     /* our index in used */
	volatile struct vq_desc *desc;
	volatile u16 *available; /* flags, index, ring[size], used_event */
	volatile u16 *used;	 /* flags, index, ring[size]{id(32), length(32)}, available_event */
	volatile u16 *bell;	 /* of 1.0 */
};

struct virtio {
	u32 config_address; /* of its PCI function */
	bool modern, msix;
	u16 port; /* of 0.9; 0: it has none */
	volatile u8 *common, *isr, *device, *bells, *table;
	u32 bell_step;
	u64 offered, features;
	struct vq q[VIRTIO_QUEUES];
};

/* A part of a request. */
struct vq_part {
	void *at;
	u32 len;
	bool write; /* by the device */
};

static inline void outl(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}

static inline u32 inl(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

u32 pci_read(u32 address, u32 reg);
void pci_write(u32 address, u32 reg, u32 value);

/* The n-th device of that kind, for the generation. False: there is none, or it has not that. */
bool virtio_find(struct virtio *v, u32 id, u32 n, bool modern);
/* Resets it and agrees on these features as far as they are offered. False: it refuses. */
bool virtio_begin(struct virtio *v, u64 features);
void virtio_queue(struct virtio *v, u32 n);
/* Interrupts: by messages where there are some and an APIC, else by the wire. DRIVER_OK. */
void virtio_go(struct virtio *v);
u8 virtio_status(const struct virtio *v);
void virtio_set_status(struct virtio *v, u8 status);
/* Its configuration, by naturally sized accesses. */
u32 virtio_config(const struct virtio *v, u32 offset, u32 size);
void virtio_set_config(const struct virtio *v, u32 offset, u32 value);

void vq_describe(struct vq *q, u32 n, const void *at, u32 len, u32 flags, u32 next);
void vq_offer(struct vq *q, u32 head);
void vq_kick(struct vq *q); /* if the device wants to be told */
void vq_ring(struct vq *q);
/* Is there a chain that was given back? Its head and length then. */
bool vq_taken(struct vq *q, u32 *head, u32 *len);
/* Waits for one, by interrupts. */
u32 vq_wait(struct vq *q, u32 *len);
/* A chain of parts from descriptor 0 on, there and back. The length that the device says. */
u32 vq_request(struct vq *q, const struct vq_part *part, u32 parts);

extern volatile u32 virtio_interrupts, virtio_config_interrupts; /* since the beginning */
