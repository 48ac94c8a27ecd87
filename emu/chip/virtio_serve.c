/* SPDX-License-Identifier: MIT */
/*
 * A queue is served when its driver kicks it, and as a completion as long as its device says that
 * there is more. A driver of 1.0 is not served before it says DRIVER_OK; older ones kicked before
 * (3.1.2).
 */
#include "emu/chip/virtio.h"

#include "kernel/base/print.h"

/* --- Who may be served */

u64 virtio_offered(const struct virtio *v)
{
	u64 all = v->type->features | v->extra | VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_INDEX;

	return v->kind == VIRTIO_OLD_ONLY ? all : all | VIRTIO_F_VERSION_1;
}

bool virtio_is_live(const struct virtio *v, unsigned q)
{
	bool master = v->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
	bool ok = !virtio_has(v, VIRTIO_F_VERSION_1) || (v->status & VIRTIO_DRIVER_OK);

	return master && ok && !v->broken && v->queue[q].ready;
}

void virtio_serve_kicked(void *ctx)
{
	struct virtio *v = ctx;
	u32 again = 0;

	for (unsigned q = 0; q < v->type->queues; q++) {
		struct virtqueue *vq = &v->queue[q];

		if (!(v->kicked & BIT(q)) || !virtio_is_live(v, q))
			continue;
		v->kicked &= ~BIT(q);
		vq->indirect = virtio_has(v, VIRTIO_F_INDIRECT);
		vq->event_index = virtio_has(v, VIRTIO_F_EVENT_INDEX);
		if (v->type->serve(v, q))
			again |= BIT(q);
		if (vq->fault)
			virtio_break(v, vq->fault);
	}
	v->kicked = v->broken ? 0 : v->kicked | again;
	if (again && !v->broken)
		completion_post(v->completions, &v->work);
}

void virtio_kick(struct virtio *v, unsigned q)
{
	if (q >= v->type->queues || !virtio_is_live(v, q))
		return;
	v->kicked |= BIT(q);
	virtio_serve_kicked(v);
}

void virtio_resume(struct virtio *v)
{
	for (unsigned q = 0; q < v->type->queues; q++)
		virtio_kick(v, q);
}

/* --- Interrupts */

void virtio_give(struct virtio *v, unsigned q, u16 head, u32 len)
{
	virtq_put(&v->queue[q], head, len);
}

void virtio_interrupt(struct virtio *v, unsigned q)
{
	if (virtq_interrupts(&v->queue[q]))
		virtio_raise(v, VIRTIO_ISR_QUEUE, v->vector[q]);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	if (v->status & VIRTIO_DRIVER_OK)
		virtio_raise(v, VIRTIO_ISR_CONFIG, v->config_vector);
}

/* --- Broken */

/* 2.1.2: a driver that runs is told of NEEDS_RESET. */
void virtio_break(struct virtio *v, enum virtq_fault fault)
{
	char text[120];

	if (v->broken)
		return;
	v->broken = true;
	if (!v->told && v->host->report) {
		fmt_print(text, sizeof(text), "%s: %s: it waits for a reset by its driver",
			  v->type->name, virtq_fault_text(fault));
		v->host->report(v->host->ctx, text);
	}
	v->told = true;
	if (!virtio_has(v, VIRTIO_F_VERSION_1))
		return;
	v->status |= VIRTIO_NEEDS_RESET;
	virtio_config_changed(v);
}

/* --- Life */

void virtio_reset(struct virtio *v)
{
	v->type->reset(v);
	completion_cancel(v->completions, &v->work);
	v->features = 0;
	v->feature_select = v->driver_select = 0;
	v->status = v->isr = 0;
	v->broken = false;
	v->queue_select = 0;
	v->kicked = 0;
	v->config_vector = VIRTIO_NO_VECTOR;
	for (unsigned q = 0; q < VIRTIO_MAX_QUEUES; q++) {
		virtq_reset(&v->queue[q], q < v->type->queues ? VIRTQ_SIZE : 0);
		v->vector[q] = VIRTIO_NO_VECTOR;
	}
	v->pending = 0;
	virtio_sync_wire(v);
}

/* Features are chosen once, and 1.0's registers are for drivers that know it (6.3). */
static bool accepts(const struct virtio *v)
{
	return virtio_has(v, VIRTIO_F_VERSION_1) && !(v->features & ~virtio_offered(v));
}

/* Drivers before 1.0 that forgot to let their device reach memory were common: DRIVER_OK does. */
static void allow_master(struct virtio *v)
{
	if (!virtio_has(v, VIRTIO_F_VERSION_1))
		v->pci.config[PCI_COMMAND] |= PCI_COMMAND_MASTER;
}

void virtio_write_status(struct virtio *v, u8 status)
{
	u8 before = v->status;

	if (!status) {
		virtio_reset(v);
		return;
	}
	if ((status & ~before & VIRTIO_FEATURES_OK) && !accepts(v))
		status &= (u8)~VIRTIO_FEATURES_OK;
	v->status = (u8)((status & ~VIRTIO_NEEDS_RESET) | (before & VIRTIO_NEEDS_RESET));
	if (!(status & ~before & VIRTIO_DRIVER_OK))
		return;
	allow_master(v);
	virtio_resume(v);
}

void virtio_enable_queue(struct virtio *v, unsigned q)
{
	struct virtqueue *vq = &v->queue[q];

	if (vq->ready)
		return;
	vq->ready = true;
	virtq_check(vq);
	if (vq->fault)
		virtio_break(v, vq->fault);
}
