/* SPDX-License-Identifier: MIT */
/*
 * The field list of what virtio devices have in common. A load checks what code relies on: sizes
 * are powers of two. Addresses are not believed by anyone.
 */
#include "emu/chip/virtio.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

static void queue_state(struct virtqueue *q, struct snap *s)
{
	snap_range(s, q->size, 1, VIRTQ_SIZE);
	snap_bool(s, q->ready);
	snap_bool(s, q->deaf);
	snap_bool(s, q->event_index);
	snap_bool(s, q->indirect);
	snap_u64(s, q->descriptors);
	snap_u64(s, q->available);
	snap_u64(s, q->used);
	snap_u16(s, q->next);
	snap_u16(s, q->done);
	snap_u16(s, q->told);
	snap_enum(s, q->fault, VIRTQ_FAULTS);
	snap_require(s, !(q->size & (q->size - 1)));
}

static void msix_state(struct virtio *v, struct snap *s)
{
	u32 all = (u32)(BIT(VIRTIO_MAX_VECTORS) - 1);

	snap_u16(s, v->config_vector);
	for (unsigned q = 0; q < VIRTIO_MAX_QUEUES; q++)
		snap_u16(s, v->vector[q]);
	for (unsigned i = 0; i < VIRTIO_MAX_VECTORS; i++) {
		snap_u64(s, v->table[i].address);
		snap_u32(s, v->table[i].data);
		snap_u32(s, v->table[i].control);
	}
	snap_u32(s, v->pending);
	snap_require(s, !(v->pending & ~all));
}

void virtio_state(struct virtio *v, struct snap *s)
{
	u8 config[VIRTIO_MAX_CONFIG];

	pci_function_state(&v->pci, s);
	snap_u64(s, v->features);
	snap_u32(s, v->feature_select);
	snap_u32(s, v->driver_select);
	snap_u8(s, v->status);
	snap_u8(s, v->isr);
	snap_u8(s, v->generation);
	snap_bool(s, v->broken);
	snap_bool(s, v->told);
	snap_u16(s, v->queue_select);
	snap_u32(s, v->kicked);
	for (unsigned q = 0; q < v->type->queues; q++)
		queue_state(&v->queue[q], s);
	msix_state(v, s);
	memcpy(config, v->config, sizeof(config));
	snap_bytes(s, config, sizeof(config));
	memcpy(v->config + v->type->writable, config + v->type->writable,
	       (size_t)(v->type->writable_end - v->type->writable));
	if (!s->loading || !snap_ok(s))
		return;
	virtio_pci_place(v);
	virtio_sync_wire(v);
	if (v->kicked)
		completion_post(v->completions, &v->work);
}
