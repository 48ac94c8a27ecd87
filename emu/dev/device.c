/* SPDX-License-Identifier: MIT */
/*
 * What can be done with every device in the same way: plug it in, reset it, ask it, name what it
 * takes.
 */
#include "emu/dev/device.h"

#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"

int device_plug(void *dev, const struct device_bay *bay)
{
	const struct device_slot *s = bay->slot;
	int err = 0;

	for (unsigned i = 0; i < DEVICE_RANGES && !err; i++)
		if (s->ports[i].count && s->class->ports[i])
			err = bus_claim(bay->bus, s->ports[i].first, s->ports[i].count,
					s->class->ports[i], dev, s->name);
	if (s->memory.size && !err)
		err = gpmem_add_mmio(bay->mem, s->memory.start, s->memory.size, s->class->memory,
				     dev, s->name);
	return err ? err : s->class->init(dev, bay);
}

/* A line in the device's bay for each interrupt of its slot, lowest first. */
static int wire_irqs(struct device_bay *bay)
{
	unsigned line = 0;
	int err = 0;

	for (unsigned irq = 0; irq < 16 && !err; irq++) {
		if (!(bay->slot->irqs & BIT(irq)))
			continue;
		if (line == DEVICE_IRQS)
			return E_FULL;
		err = irq_or_source(bay->irqs, irq, &bay->irq[line++]);
	}
	return err;
}

static unsigned slot_pirq(const struct device_slot *s)
{
	return device_pirq((s->pci - 1u) >> 3, s->intx);
}

static int wire_intx(struct device_bay *bay)
{
	if (!bay->slot->intx)
		return 0;
	return irq_or_source(bay->pirqs, slot_pirq(bay->slot), &bay->intx);
}

static void wire_dma(struct device_bay *bay)
{
	if (!bay->slot->dma)
		bay->dma.controller = NULL;
	while (bay->slot->dma >> bay->dma.channel > 1)
		bay->dma.channel++;
}

/* --- All devices of a board */

int devices_alloc(struct device_set *set, const struct device_slot *slots, unsigned count,
		  u32 options)
{
	*set = (struct device_set){ .device = mem_alloc(count * sizeof(*set->device)) };
	if (!set->device)
		return E_NOMEM;
	for (const struct device_slot *s = slots; s < slots + count; s++) {
		struct device *d = &set->device[set->count];

		if (!device_slot_is_there(s, options))
			continue;
		d->dev = mem_alloc(s->class->size);
		if (!d->dev) {
			devices_destroy(set);
			return E_NOMEM;
		}
		set->count++;
		d->slot = s;
	}
	return 0;
}

int devices_init(struct device_set *set, const struct device_bay *bay)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct device_bay own = *bay;
		int err;

		own.slot = set->device[i].slot;
		wire_dma(&own);
		err = wire_irqs(&own);
		if (!err)
			err = wire_intx(&own);
		if (!err)
			err = device_plug(set->device[i].dev, &own);
		if (err)
			return err;
	}
	return 0;
}

void devices_destroy(struct device_set *set)
{
	while (set->count) {
		struct device *d = &set->device[--set->count];

		if (d->slot->class->destroy)
			d->slot->class->destroy(d->dev);
		mem_free(d->dev);
	}
	mem_free(set->device);
	set->device = NULL;
}

void *devices_find(const struct device_set *set, const struct device_class *class, unsigned unit)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct device_slot *s = set->device[i].slot;

		if (s->class == class && s->unit == unit)
			return set->device[i].dev;
	}
	return NULL;
}

void devices_reset(struct device_set *set)
{
	for (unsigned i = set->count; i--;) {
		const struct device *d = &set->device[i];

		if (d->slot->class->reset)
			d->slot->class->reset(d->dev);
	}
}

void devices_state(struct device_set *set, struct snap *s)
{
	if (s->loading)
		devices_reset(set);
	for (unsigned i = set->count; i--;) {
		const struct device *d = &set->device[i];
		const struct device_class *c = d->slot->class;

		if (!c->state || d->slot->since > s->format)
			continue;
		if (snap_begin(s, d->slot->name, c->version))
			c->state(d->dev, s);
		snap_end(s);
	}
	if (s->loading && !snap_ok(s))
		devices_reset(set);
}

static bool is_open(const struct device_slot *s, u16 open, u8 pirqs_open)
{
	if ((!s->irqs && !s->intx) || s->messages)
		return true;
	return (s->irqs & open) || (s->intx && pirqs_open & BIT(slot_pirq(s)));
}

bool devices_can_wake(const struct device_set *set, u16 open, u8 pirqs_open)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct device *d = &set->device[i];
		const struct device_class *c = d->slot->class;

		if (is_open(d->slot, open, pirqs_open) && c->can_wake && c->can_wake(d->dev))
			return true;
	}
	return false;
}

u64 devices_wakes_at(const struct device_set *set, u16 open, u8 pirqs_open)
{
	u64 at = UINT64_MAX;

	for (unsigned i = 0; i < set->count; i++) {
		const struct device *d = &set->device[i];
		const struct device_class *c = d->slot->class;

		if (is_open(d->slot, open, pirqs_open) && c->wakes_at)
			at = MIN(at, c->wakes_at(d->dev));
	}
	return at;
}

void devices_frames(const struct device_set *set, unsigned n)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct device *d = &set->device[i];

		if (d->slot->class->frames && d->slot->unit == n)
			d->slot->class->frames(d->dev);
	}
}

/* --- Text */

/* Text appended to a buffer; as fmt_print() cut off at its end but counted whole. */
struct text {
	char *buf;
	size_t size, len;
};

static void append(struct text *t, const char *fmt, ...)
{
	size_t room = t->len < t->size ? t->size - t->len : 0;
	va_list ap;

	va_start(ap, fmt);
	t->len += (size_t)fmt_vprint(room ? t->buf + t->len : NULL, room, fmt, ap);
	va_end(ap);
}

int device_print_resources(const struct device_slot *slot, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };

	if (slot->pci) {
		unsigned at = slot->pci - 1u;

		append(&t, "PCI 00:%02x.%u", at >> 3, at & 7);
		if (slot->intx)
			append(&t, ", INT%c", 'A' + slot->intx - 1);
	}
	for (unsigned i = 0; i < DEVICE_RANGES; i++) {
		const struct device_ports *p = &slot->ports[i];

		if (!p->count)
			continue;
		append(&t, "%s%Xh", t.len ? ", " : "", p->first);
		if (p->count > 1)
			append(&t, "-%Xh", p->first + p->count - 1u);
	}
	if (slot->memory.size)
		append(&t, "%s%Xh", t.len ? ", " : "", slot->memory.start);
	for (unsigned irq = 0; irq < 16; irq++)
		if (slot->irqs & BIT(irq))
			append(&t, "%sIRQ %u", t.len ? ", " : "", irq);
	for (unsigned n = 0; n < 8; n++)
		if (slot->dma & BIT(n))
			append(&t, "%sDMA %u", t.len ? ", " : "", n);
	return (int)t.len;
}
