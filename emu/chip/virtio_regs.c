/* SPDX-License-Identifier: MIT */
/*
 * The registers of a virtio device: those in I/O space of drivers before 1.0, and the parts of
 * BAR 4. Fields are read and written as wide as they are; those of 64 bits by halves, too. The
 * device's own configuration takes any width.
 */
#include "emu/chip/virtio.h"

#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

/* --- The device's configuration */

static u64 config_read(const struct virtio *v, u32 offset, unsigned size)
{
	u64 value = 0;

	for (unsigned i = 0; i < size && offset + i < v->type->config_size; i++)
		value |= (u64)v->config[offset + i] << 8 * i;
	return value;
}

static void config_write(struct virtio *v, u32 offset, unsigned size, u64 value)
{
	bool changed = false;

	for (unsigned i = 0; i < size; i++) {
		u32 at = offset + i;

		if (at < v->type->writable || at >= v->type->writable_end)
			continue;
		v->config[at] = (u8)(value >> 8 * i);
		changed = true;
	}
	if (changed)
		v->type->config_written(v);
}

/* --- What both have */

static u8 take_isr(struct virtio *v)
{
	u8 isr = v->isr;

	v->isr = 0;
	virtio_sync_wire(v);
	return isr;
}

/* NULL: there is no such queue. */
static struct virtqueue *selected(struct virtio *v)
{
	return v->queue_select < v->type->queues ? &v->queue[v->queue_select] : NULL;
}

static u16 vector_for(const struct virtio *v, u16 wanted)
{
	return wanted < virtio_vectors(v) ? wanted : (u16)VIRTIO_NO_VECTOR;
}

static u16 queue_vector(const struct virtio *v)
{
	return v->queue_select < v->type->queues ? v->vector[v->queue_select]
						 : (u16)VIRTIO_NO_VECTOR;
}

static void set_queue_vector(struct virtio *v, u16 vector)
{
	if (v->queue_select < v->type->queues)
		v->vector[v->queue_select] = vector_for(v, vector);
}

/* --- Before 1.0 (4.1.4.8) */

static u32 old_config_at(const struct virtio *v)
{
	return virtio_msix_on(v) ? VIRTIO_OLD_CONFIG_MSIX : VIRTIO_OLD_CONFIG;
}

u32 virtio_old_read(struct virtio *v, unsigned offset, unsigned size)
{
	const struct virtqueue *q = selected(v);

	if (offset >= old_config_at(v))
		return (u32)config_read(v, offset - old_config_at(v), size);
	switch (offset) {
	case VIRTIO_OLD_FEATURES:
		return (u32)(virtio_offered(v) | VIRTIO_F_ANY_LAYOUT);
	case VIRTIO_OLD_DRIVER:
		return (u32)v->features;
	case VIRTIO_OLD_QUEUE_PAGE:
		return q ? (u32)(q->descriptors / VIRTIO_OLD_ALIGN) : 0;
	case VIRTIO_OLD_QUEUE_SIZE:
		return q ? q->size : 0;
	case VIRTIO_OLD_QUEUE_SELECT:
		return v->queue_select;
	case VIRTIO_OLD_STATUS:
		return v->status;
	case VIRTIO_OLD_ISR:
		return take_isr(v);
	case VIRTIO_OLD_CONFIG_VECTOR:
		return v->config_vector;
	case VIRTIO_OLD_QUEUE_VECTOR:
		return queue_vector(v);
	default:
		return 0;
	}
}

/* All parts in a row, from that page on (2.7.2); 0 resets the device. */
static void set_page(struct virtio *v, u32 page)
{
	struct virtqueue *q = selected(v);
	u64 ring;

	if (!q)
		return;
	if (!page) {
		virtio_reset(v);
		return;
	}
	q->descriptors = (u64)page * VIRTIO_OLD_ALIGN;
	q->available = q->descriptors + 16ull * q->size;
	ring = q->available + 4 + 2ull * q->size + 2;
	q->used = ALIGN_UP(ring, (u64)VIRTIO_OLD_ALIGN);
	q->ready = false;
	virtio_enable_queue(v, v->queue_select);
}

void virtio_old_write(struct virtio *v, unsigned offset, unsigned size, u32 value)
{
	if (offset >= old_config_at(v)) {
		config_write(v, offset - old_config_at(v), size, value);
		return;
	}
	switch (offset) {
	case VIRTIO_OLD_DRIVER:
		v->features = value & (virtio_offered(v) | VIRTIO_F_ANY_LAYOUT) & 0xffffffffu;
		break;
	case VIRTIO_OLD_QUEUE_PAGE:
		set_page(v, value);
		break;
	case VIRTIO_OLD_QUEUE_SELECT:
		v->queue_select = (u16)value;
		break;
	case VIRTIO_OLD_NOTIFY:
		virtio_kick(v, value & 0xffff);
		break;
	case VIRTIO_OLD_STATUS:
		virtio_write_status(v, (u8)value);
		break;
	case VIRTIO_OLD_CONFIG_VECTOR:
		v->config_vector = vector_for(v, (u16)value);
		break;
	case VIRTIO_OLD_QUEUE_VECTOR:
		set_queue_vector(v, (u16)value);
		break;
	}
}

/* --- The common configuration of 1.0 (4.1.4.3) */

static void fill_queue(const struct virtio *v, const struct virtqueue *q, u8 *r)
{
	put_le16(r + VIRTIO_QUEUE_SIZE, q->size);
	put_le16(r + VIRTIO_QUEUE_ENABLE, q->ready);
	put_le16(r + VIRTIO_QUEUE_NOTIFY, v->queue_select);
	put_le32(r + VIRTIO_QUEUE_TABLE, (u32)q->descriptors);
	put_le32(r + VIRTIO_QUEUE_TABLE + 4, (u32)(q->descriptors >> 32));
	put_le32(r + VIRTIO_QUEUE_DRIVER, (u32)q->available);
	put_le32(r + VIRTIO_QUEUE_DRIVER + 4, (u32)(q->available >> 32));
	put_le32(r + VIRTIO_QUEUE_DEVICE, (u32)q->used);
	put_le32(r + VIRTIO_QUEUE_DEVICE + 4, (u32)(q->used >> 32));
}

static u32 half(u64 features, u32 select)
{
	return select < 2 ? (u32)(features >> 32 * select) : 0;
}

static u64 common_read(struct virtio *v, u32 offset, unsigned size)
{
	const struct virtqueue *q = selected(v);
	u8 r[VIRTIO_COMMON_SIZE + 8] = { 0 };
	u64 value = 0;

	put_le32(r + VIRTIO_FEATURE_SELECT, v->feature_select);
	put_le32(r + VIRTIO_FEATURE, half(virtio_offered(v), v->feature_select));
	put_le32(r + VIRTIO_DRIVER_SELECT, v->driver_select);
	put_le32(r + VIRTIO_DRIVER_FEATURE, half(v->features, v->driver_select));
	put_le16(r + VIRTIO_CONFIG_VECTOR, v->config_vector);
	put_le16(r + VIRTIO_QUEUES, v->type->queues);
	r[VIRTIO_STATUS] = v->status;
	r[VIRTIO_GENERATION] = v->generation;
	put_le16(r + VIRTIO_QUEUE_SELECT, v->queue_select);
	put_le16(r + VIRTIO_QUEUE_VECTOR, queue_vector(v));
	if (q)
		fill_queue(v, q, r);
	if (offset + size <= sizeof(r))
		memcpy(&value, r + offset, size);
	return value;
}

static void set_features(struct virtio *v, u32 value)
{
	unsigned shift = 32 * v->driver_select;

	if (v->driver_select < 2 && !(v->status & VIRTIO_FEATURES_OK))
		v->features = (v->features & ~(0xffffffffull << shift)) | (u64)value << shift;
}

static void set_size(struct virtqueue *q, u16 size)
{
	if (size && size <= VIRTQ_SIZE && !(size & (size - 1)))
		q->size = size;
}

/* One half, or with 8 bytes both. */
static void set_address(u64 *field, bool upper, unsigned size, u64 value)
{
	if (size == 8)
		*field = value;
	else if (upper)
		*field = (u32)*field | value << 32;
	else
		*field = (*field & ~0xffffffffull) | (u32)value;
}

/* A queue that is in use stays as it is. */
static void queue_write(struct virtio *v, struct virtqueue *q, u32 offset, unsigned size, u64 value)
{
	if (q->ready)
		return;
	switch (offset) {
	case VIRTIO_QUEUE_SIZE:
		set_size(q, (u16)value);
		break;
	case VIRTIO_QUEUE_ENABLE:
		if (value & 1)
			virtio_enable_queue(v, v->queue_select);
		break;
	case VIRTIO_QUEUE_TABLE:
	case VIRTIO_QUEUE_TABLE + 4:
		set_address(&q->descriptors, offset & 4, size, value);
		break;
	case VIRTIO_QUEUE_DRIVER:
	case VIRTIO_QUEUE_DRIVER + 4:
		set_address(&q->available, offset & 4, size, value);
		break;
	case VIRTIO_QUEUE_DEVICE:
	case VIRTIO_QUEUE_DEVICE + 4:
		set_address(&q->used, offset & 4, size, value);
		break;
	}
}

static void common_write(struct virtio *v, u32 offset, unsigned size, u64 value)
{
	struct virtqueue *q = selected(v);

	switch (offset) {
	case VIRTIO_FEATURE_SELECT:
		v->feature_select = (u32)value;
		break;
	case VIRTIO_DRIVER_SELECT:
		v->driver_select = (u32)value;
		break;
	case VIRTIO_DRIVER_FEATURE:
		set_features(v, (u32)value);
		break;
	case VIRTIO_CONFIG_VECTOR:
		v->config_vector = vector_for(v, (u16)value);
		break;
	case VIRTIO_STATUS:
		virtio_write_status(v, (u8)value);
		break;
	case VIRTIO_QUEUE_SELECT:
		v->queue_select = (u16)value;
		break;
	case VIRTIO_QUEUE_VECTOR:
		set_queue_vector(v, (u16)value);
		break;
	default:
		if (q && (size >= 4 || offset < VIRTIO_QUEUE_TABLE))
			queue_write(v, q, offset, size, value);
	}
}

/* --- BAR 4. A device for old drivers has only its messages there. */

u64 virtio_mem_read(struct virtio *v, u32 offset, unsigned size)
{
	u64 value;

	if (offset >= VIRTIO_MEM_MSIX) {
		offset -= VIRTIO_MEM_MSIX;
		value = virtio_msix_read(v, offset & ~3u) >> 8 * (offset & 3);
		return size == 8 ? value | (u64)virtio_msix_read(v, offset + 4) << 32 : value;
	}
	if (v->kind == VIRTIO_OLD_ONLY || offset >= VIRTIO_MEM_NOTIFY)
		return 0;
	if (offset >= VIRTIO_MEM_DEVICE)
		return config_read(v, offset - VIRTIO_MEM_DEVICE, size);
	if (offset >= VIRTIO_MEM_ISR)
		return offset == VIRTIO_MEM_ISR ? take_isr(v) : 0;
	return common_read(v, offset, size);
}

void virtio_mem_write(struct virtio *v, u32 offset, unsigned size, u64 value)
{
	if (offset >= VIRTIO_MEM_MSIX)
		virtio_msix_write(v, offset - VIRTIO_MEM_MSIX, size, value);
	else if (v->kind == VIRTIO_OLD_ONLY)
		return;
	else if (offset >= VIRTIO_MEM_NOTIFY)
		virtio_kick(v, (offset - VIRTIO_MEM_NOTIFY) / VIRTIO_NOTIFY_STEP);
	else if (offset >= VIRTIO_MEM_DEVICE)
		config_write(v, offset - VIRTIO_MEM_DEVICE, size, value);
	else if (offset < VIRTIO_MEM_ISR)
		common_write(v, offset, size, value);
}
