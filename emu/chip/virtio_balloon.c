/* SPDX-License-Identifier: MIT */
/*
 * A chain is a list of page numbers, 32 bits each, of 4 KiB whatever the guest's own pages are.
 *
 * Inflate: each page that can go, goes (gpmem_give_back()). Pages below 1 MiB, what is no RAM, and
 * pages that somebody goes on watching stay the guest's; it may not use them and does not know.
 *
 * Deflate: MUST_TELL_HOST is offered, so a driver that knows it waits for the chain before it uses
 * the pages. Each gets a frame first. Where the machine has none, the chain waits until it has. A
 * guest that touches a page without asking gets a frame too (emu/mem/gpmem_lend.c), or is ended.
 *
 * Statistics: the driver gives a buffer with them. The device keeps it, and giving it back asks for
 * the next one.
 *
 * A chain may list a page more often than it likes, and be as long as it likes: BUDGET numbers are
 * read in one go.
 */
#include "emu/chip/virtio_balloon.h"

#include "emu/snap/snap.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define F_MUST_TELL_HOST BIT64(0)
#define F_STATISTICS	 BIT64(1)
#define F_DEFLATE_ON_OOM BIT64(2)

/* Configuration. */
#define PAGES	    0
#define ACTUAL	    4
#define CONFIG_SIZE 8

enum { INFLATE, DEFLATE, STATISTICS, QUEUES };

#define NUMBER 4u	    /* bytes of a page's */
#define FIGURE 10u	    /* bytes of a tag and a value */
#define BUDGET 256u	    /* pages, or chains, in one call */
#define PIECE  64u	    /* of them that are read at once */
#define RETRY  100000000ull /* ns */

static struct virtio_balloon *of(struct virtio *v)
{
	return container_of(v, struct virtio_balloon, v);
}

/* --- Chains */

/* False: there is no page for it now. */
static bool move_page(struct virtio_balloon *b, unsigned way, u32 number)
{
	gpa_t page = (gpa_t)number << PAGE_SHIFT;

	if (way == DEFLATE)
		return gpmem_take_back(b->v.mem, page);
	(void)gpmem_give_back(b->v.mem, page);
	return true;
}

/* So many pages at most; how many that were. It ends early where a page is missing. */
static u32 move_pages(struct virtio_balloon *b, unsigned way, u32 most)
{
	struct balloon_way *w = &b->way[way];
	const struct virtq_chain *c = &b->work.chain[way];
	u8 numbers[PIECE * NUMBER];
	u32 n = MIN(MIN(most, PIECE), (u32)MIN((c->readable - w->at) / NUMBER, (u64)PIECE));

	memset(numbers, 0, sizeof(numbers)); /* what a loaded chain lacks */
	virtq_read(&b->v.queue[way], c, w->at, numbers, n * NUMBER);
	for (u32 i = 0; i < n; i++, w->at += NUMBER)
		if (!move_page(b, way, get_le32(numbers + NUMBER * i)))
			return i;
	return n;
}

/* 1: a chain is under way. 0: there is none. -1: none yet, but there was one in between. */
static int open_chain(struct virtio_balloon *b, unsigned way)
{
	struct virtqueue *q = &b->v.queue[way];
	struct virtq_chain *c = &b->work.chain[way];
	struct balloon_way *w = &b->way[way];

	if (w->open)
		return 1;
	if (!virtq_take(q, c))
		return !q->fault && virtq_listen(q, true) ? -1 : 0;
	if (c->writable || c->readable % NUMBER) {
		q->fault = VIRTQ_REQUEST;
		return 0;
	}
	*w = (struct balloon_way){ .open = true };
	return 1;
}

static bool is_done(const struct virtio_balloon *b, unsigned way)
{
	return b->way[way].at >= b->work.chain[way].readable;
}

/* True: there is more to do, and it can be done. */
static bool serve_way(struct virtio_balloon *b, unsigned way)
{
	u32 left = BUDGET;

	while (left) {
		int open = open_chain(b, way);
		u32 moved;

		if (!open)
			return false;
		left--; /* empty chains cost as well */
		if (open < 0)
			continue;
		moved = move_pages(b, way, left + 1);
		left -= MIN(left, moved);
		if (is_done(b, way)) {
			b->way[way].open = false;
			virtio_give(&b->v, way, b->work.chain[way].head, 0);
		} else if (!moved) {
			vtimer_arm(b->timers, &b->retry, vtimers_now(b->timers) + RETRY);
			return false;
		}
	}
	return true;
}

/* --- Statistics */

static void read_figures(struct virtio_balloon *b, const struct virtq_chain *c)
{
	struct balloon_statistics *s = &b->work.statistics;
	u8 figures[16 * FIGURE];
	u32 n = virtq_read(&b->v.queue[STATISTICS], c, 0, figures, sizeof(figures)) / FIGURE;

	s->answers++;
	s->known = 0;
	for (u32 i = 0; i < n; i++) {
		u16 tag = get_le16(figures + i * FIGURE);

		if (tag >= BALLOON_TAGS)
			continue;
		s->known |= BIT(tag);
		s->value[tag] = get_le64(figures + i * FIGURE + 2);
	}
}

static void give_figures_back(struct virtio_balloon *b)
{
	if (b->holds)
		virtio_give(&b->v, STATISTICS, b->held, 0);
	b->holds = false;
}

/* A driver has one buffer. From one that has more the last is kept. */
static bool serve_statistics(struct virtio_balloon *b)
{
	struct virtqueue *q = &b->v.queue[STATISTICS];
	struct virtq_chain *c = &b->work.chain[STATISTICS];

	for (unsigned i = 0; i < BUDGET; i++) {
		if (!virtq_take(q, c))
			return !q->fault && virtq_listen(q, true);
		if (c->writable) {
			q->fault = VIRTQ_REQUEST;
			return false;
		}
		give_figures_back(b);
		read_figures(b, c);
		b->holds = true;
		b->held = c->head;
	}
	return true;
}

static bool serve(struct virtio *v, unsigned n)
{
	struct virtio_balloon *b = of(v);
	bool more;

	if (n == STATISTICS)
		more = serve_statistics(b);
	else
		more = (n != DEFLATE || !vtimer_armed(&b->retry)) && serve_way(b, n);

	virtio_interrupt(v, n);
	return more;
}

static void retry(void *ctx, u64 now)
{
	struct virtio_balloon *b = ctx;

	(void)now;
	virtio_kick(&b->v, DEFLATE);
}

/* Pages stay where they are: what the driver has forgotten comes again when it is touched. */
static void forget(struct virtio *v)
{
	struct virtio_balloon *b = of(v);

	vtimer_cancel(b->timers, &b->retry);
	memset(b->way, 0, sizeof(b->way));
	b->holds = false;
	memset(&b->work.statistics, 0, sizeof(b->work.statistics));
	put_le32(v->config + ACTUAL, 0);
}

/* What the driver says is believed by nobody, and shown. */
static void actual_written(struct virtio *v)
{
	(void)v;
}

static const struct virtio_type type = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.transitional = VIRTIO_TRANSITIONAL + 2,
	.class_code = 0x00ff00,
	.queues = QUEUES,
	.features = F_MUST_TELL_HOST | F_STATISTICS | F_DEFLATE_ON_OOM,
	.config_size = CONFIG_SIZE,
	.writable = ACTUAL,
	.writable_end = CONFIG_SIZE,
	.serve = serve,
	.reset = forget,
	.config_written = actual_written,
};

/* --- The outside */

void virtio_balloon_ask(struct virtio_balloon *b, u32 pages)
{
	b->target = pages;
	put_le32(b->v.config + PAGES, pages);
	virtio_config_changed(&b->v);
}

u32 virtio_balloon_actual(const struct virtio_balloon *b)
{
	return get_le32(b->v.config + ACTUAL);
}

bool virtio_balloon_measure(struct virtio_balloon *b)
{
	if (!b->holds || !virtio_is_live(&b->v, STATISTICS))
		return false;
	give_figures_back(b);
	virtio_interrupt(&b->v, STATISTICS);
	return true;
}

/* --- Device */

static void balloon_reset(void *dev)
{
	virtio_power_on(&((struct virtio_balloon *)dev)->v);
}

static int balloon_init(void *dev, const struct device_bay *bay)
{
	struct virtio_balloon *b = dev;
	int err = virtio_init(&b->v, &type, bay);

	b->timers = bay->timers;
	vtimer_init(&b->retry, retry, b);
	if (!err)
		balloon_reset(b);
	return err;
}

static void balloon_destroy(void *dev)
{
	virtio_destroy(&((struct virtio_balloon *)dev)->v);
}

static void way_state(struct virtio_balloon *b, unsigned way, struct snap *s)
{
	struct balloon_way *w = &b->way[way];

	snap_bool(s, w->open);
	if (!w->open)
		return;
	virtq_chain_state(&b->work.chain[way], s);
	snap_u64(s, w->at);
	snap_require(s, !(w->at % NUMBER) && !b->work.chain[way].writable);
}

static void balloon_state(void *dev, struct snap *s)
{
	struct virtio_balloon *b = dev;

	virtio_state(&b->v, s);
	snap_u32(s, b->target);
	put_le32(b->v.config + PAGES, b->target);
	for (unsigned way = 0; way < ARRAY_SIZE(b->way); way++)
		way_state(b, way, s);
	snap_bool(s, b->holds);
	snap_u16(s, b->held);
	vtimer_state(b->timers, &b->retry, s);
}

static u64 balloon_wakes_at(const void *dev)
{
	return vtimer_due(&((const struct virtio_balloon *)dev)->retry);
}

const struct device_class virtio_balloon_class = {
	.name = "virtio-balloon",
	.version = 2,
	.size = sizeof(struct virtio_balloon),
	.init = balloon_init,
	.reset = balloon_reset,
	.destroy = balloon_destroy,
	.state = balloon_state,
	.unsaved = DEVICE_PART(struct virtio_balloon, work, work),
	.wakes_at = balloon_wakes_at,
	.title = "virtio balloon",
	.file = "virtio_balloon.c",
	.has = "pages go back to the machine and come again, waiting for memory, release on OOM, "
	       "statistics",
	.lacks = "hints, poison, reporting",
};
