/* SPDX-License-Identifier: MIT */
/*
 * How a virtio device interrupts: by INTx, which stays while ISR is not zero, or by messages.
 *
 * MSI-X (PCI 3.0, 6.8.2) is a table of messages, with a mask bit each, in BAR 4, and the bits of
 * those that are held back. There is none on a machine without a local APIC.
 *
 *      entry   address(64) data(32) control(32: bit 0 masked)
 */
#include "emu/chip/virtio.h"

#include "emu/chip/virtio_config.h"

#define ENTRY	     16u
#define MASKED	     BIT(0)
#define CONTROL_HIGH (VIRTIO_CAP_AT_MSIX + 3) /* enable, function mask */
#define ENABLE	     0x80
#define MASK_ALL     0x40

unsigned virtio_vectors(const struct virtio *v)
{
	return v->msi.send ? v->type->queues + 1 : 0;
}

bool virtio_msix_on(const struct virtio *v)
{
	return v->msi.send && (v->pci.config[CONTROL_HIGH] & ENABLE);
}

void virtio_msix_reset(struct virtio *v)
{
	for (unsigned i = 0; i < VIRTIO_MAX_VECTORS; i++)
		v->table[i] = (struct virtio_vector){ .control = MASKED };
	v->pending = 0;
}

static bool is_held(const struct virtio *v, unsigned n)
{
	return (v->pci.config[CONTROL_HIGH] & MASK_ALL) || (v->table[n].control & MASKED);
}

void virtio_msix_send(struct virtio *v, u16 vector)
{
	if (vector >= virtio_vectors(v))
		return;
	if (is_held(v, vector)) {
		v->pending |= BIT(vector);
		return;
	}
	v->pending &= ~BIT(vector);
	v->msi.send(v->msi.ctx, v->table[vector].address, v->table[vector].data);
}

void virtio_msix_flush(struct virtio *v)
{
	if (!virtio_msix_on(v))
		return;
	for (unsigned n = 0; n < virtio_vectors(v); n++)
		if ((v->pending & BIT(n)) && !is_held(v, n))
			virtio_msix_send(v, (u16)n);
}

u32 virtio_msix_read(const struct virtio *v, u32 offset)
{
	const struct virtio_vector *e = &v->table[offset / ENTRY % VIRTIO_MAX_VECTORS];

	if (offset >= VIRTIO_MEM_PBA - VIRTIO_MEM_MSIX)
		return offset == VIRTIO_MEM_PBA - VIRTIO_MEM_MSIX ? v->pending : 0;
	if (offset / ENTRY >= virtio_vectors(v))
		return 0;
	switch (offset % ENTRY) {
	case 0:
		return (u32)e->address;
	case 4:
		return (u32)(e->address >> 32);
	case 8:
		return e->data;
	default:
		return e->control;
	}
}

static void write_dword(struct virtio *v, u32 offset, u32 value)
{
	struct virtio_vector *e = &v->table[offset / ENTRY % VIRTIO_MAX_VECTORS];

	if (offset / ENTRY >= virtio_vectors(v))
		return;
	switch (offset % ENTRY) {
	case 0:
		e->address = (e->address & ~0xffffffffull) | (value & ~3u);
		break;
	case 4:
		e->address = (u32)e->address | (u64)value << 32;
		break;
	case 8:
		e->data = value;
		break;
	default:
		e->control = value & MASKED;
		virtio_msix_flush(v);
	}
}

/* Dwords or qwords; what is narrower is not defined, and does nothing. */
void virtio_msix_write(struct virtio *v, u32 offset, unsigned size, u64 value)
{
	if (size < 4)
		return;
	write_dword(v, offset, (u32)value);
	if (size == 8)
		write_dword(v, offset + 4, (u32)(value >> 32));
}

/* --- Wire or message */

void virtio_sync_wire(struct virtio *v)
{
	u8 *command = &v->pci.config[PCI_COMMAND], *status = &v->pci.config[PCI_STATUS];
	bool wants = v->isr && !virtio_msix_on(v);
	bool level = wants && !(command[1] & PCI_COMMAND_NO_INTX >> 8);

	*status = (u8)(wants ? *status | PCI_STATUS_INTX : *status & ~PCI_STATUS_INTX);
	if (level == v->wire)
		return;
	v->wire = level;
	irq_set(&v->intx, level);
}

void virtio_raise(struct virtio *v, u8 why, u16 vector)
{
	if (virtio_msix_on(v)) {
		virtio_msix_send(v, vector);
		return;
	}
	v->isr |= why;
	virtio_sync_wire(v);
}
