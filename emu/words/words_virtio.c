/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices: what all have, and what each has.
 */
#include "emu/chip/virtio_balloon.h"
#include "emu/chip/virtio_blk.h"
#include "emu/chip/virtio_console.h"
#include "emu/chip/virtio_rng.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "kernel/base/print.h"

static const char *const status_names[] = { "ACKNOWLEDGE", "DRIVER", "DRIVER_OK",   "FEATURES_OK",
					    NULL,	   NULL,     "NEEDS_RESET", "FAILED" };

static void print_features(const struct virtio *v, const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "  %-18s", "features");
	for (unsigned n = 0; n < 64; n++)
		if (v->features & BIT64(n))
			dbg_add(&l, " %u", n);
	dbg_add(&l, "; %s%s%s", v->features & VIRTIO_F_VERSION_1 ? "1.0" : "before 1.0",
		v->features & VIRTIO_F_INDIRECT ? ", indirect descriptors" : "",
		v->features & VIRTIO_F_EVENT_INDEX ? ", event indices" : "");
	dbg_end(&l, out);
}

static void print_queue(const struct virtio *v, unsigned n, const struct dbg_out *out)
{
	const struct virtqueue *q = &v->queue[n];
	char vector[20] = "by the wire";

	if (v->vector[n] != VIRTIO_NO_VECTOR)
		fmt_print(vector, sizeof(vector), "by vector %u", v->vector[n]);
	dbg_print(out, " queue %u: %s, %u entries, interrupts %s%s%s", n,
		  q->ready ? "ready" : "not set up", q->size, vector,
		  q->deaf ? ", asked not to be notified" : "",
		  v->kicked & BIT(n) ? ", to be served" : "");
	if (!q->ready)
		return;
	words_say(out, "at", "descriptors %llx, available %llx, used %llx",
		  (unsigned long long)q->descriptors, (unsigned long long)q->available,
		  (unsigned long long)q->used);
	words_say(out, "indices", "next to be taken %u, given back %u, of which told %u", q->next,
		  q->done, q->told);
	if (q->fault)
		words_say(out, "broken", "%s", virtq_fault_text(q->fault));
}

static void print_common(const struct virtio *v, const struct dbg_out *out)
{
	static const char *const isr[] = { "queue", "configuration" };

	dbg_print(out, "%s%s", v->type->name, v->broken ? ": broken, waits for a reset" : "");
	words_flags(out, "status", v->status, status_names);
	print_features(v, out);
	words_flags(out, "ISR", v->isr, isr);
	words_say(out, "interrupts", "%s, wire %s", virtio_msix_on(v) ? "MSI-X" : "INTx",
		  words_up(v->wire));
	for (unsigned n = 0; n < v->type->queues; n++)
		print_queue(v, n, out);
	words_pci_function(out, &v->pci);
}

void words_virtio_blk(const void *dev, const struct dbg_out *out)
{
	static const char *const type[] = { "read", "write", "type 2", "type 3", "flush" };
	const struct virtio_blk *b = dev;

	print_common(&b->v, out);
	words_say(out, "disk", "%llu sectors of 512 bytes%s",
		  (unsigned long long)b->work.port.backend->sectors,
		  b->work.port.backend->read_only ? ", read-only" : "");
	for (unsigned i = 0; i < BLK_REQUESTS; i++) {
		const struct blk_request *r = &b->request[i];

		if (r->taken)
			words_say(out, "under way", "%s at sector %llu, %llu of %llu bytes done",
				  r->type < ARRAY_SIZE(type) ? type[r->type] : "another request",
				  (unsigned long long)r->sector, (unsigned long long)r->done,
				  (unsigned long long)r->bytes);
	}
}

void words_virtio_console(const void *dev, const struct dbg_out *out)
{
	const struct virtio_console *c = dev;

	print_common(&c->v, out);
	words_say(out, "line", "%s%s", c->busy ? "busy" : "free",
		  c->open ? ", a text of the guest's is under way" : "");
}

void words_virtio_rng(const void *dev, const struct dbg_out *out)
{
	const struct virtio_rng *r = dev;

	print_common(&r->v, out);
	words_say(out, "left", "%u bytes until the next refill", r->left);
}

void words_virtio_balloon(const void *dev, const struct dbg_out *out)
{
	const struct virtio_balloon *b = dev;

	print_common(&b->v, out);
	words_say(out, "pages", "%u asked for, %u in it", b->target, virtio_balloon_actual(b));
	for (unsigned n = 0; n < 2; n++)
		if (b->way[n].open)
			words_say(out, n ? "deflating" : "inflating", "%llu bytes of a list done",
				  (unsigned long long)b->way[n].at);
}
