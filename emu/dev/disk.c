/* SPDX-License-Identifier: MIT */
/*
 * The way of a request:
 *
 *   disk_submit -> waiting -> transfer, submit() ... disk_complete -> completion -> done
 *                      \-> refused ----------------------------------> completion -> done
 */
#include "emu/dev/disk.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

static enum disk_result check(const struct disk_backend *b, const struct disk_request *r)
{
	if (!b || !b->sectors)
		return DISK_NO_MEDIUM;
	if (r->medium != b->medium)
		return DISK_CHANGED;
	if (r->op == DISK_FLUSH)
		return DISK_OK;
	if (!r->sectors || r->sectors > DISK_MAX || r->sector > b->sectors ||
	    r->sectors > b->sectors - r->sector)
		return DISK_OUT_OF_RANGE;
	return r->op == DISK_WRITE && b->read_only ? DISK_READ_ONLY : DISK_OK;
}

static struct disk_transfer *free_transfer(struct disk_backend *b)
{
	for (unsigned i = 0; i < b->depth; i++)
		if (!__atomic_load_n(&b->transfer[i].busy, __ATOMIC_ACQUIRE))
			return &b->transfer[i];
	return NULL;
}

static void carry(struct disk_transfer *t, struct disk_request *r)
{
	struct disk_backend *b = t->backend;

	t->op = r->op;
	t->sector = r->op == DISK_FLUSH ? 0 : r->sector;
	t->sectors = r->op == DISK_FLUSH ? 0 : r->sectors;
	t->medium = r->medium;
	t->request = r;
	r->transfer = t;
	t->busy = true;
	if (t->op == DISK_WRITE)
		memcpy(t->data, r->data, t->sectors * DISK_SECTOR);
	b->ops->submit(b->ctx, t);
}

/* As many waiting requests as there are transfers free. */
static void dispatch(struct disk_port *p)
{
	while (!list_empty(&p->waiting)) {
		struct disk_request *r = list_entry(p->waiting.next, struct disk_request, link);
		struct disk_transfer *t;

		r->result = check(p->backend, r);
		if (r->result != DISK_OK) {
			list_del(&r->link);
			list_add_tail(&r->link, &p->refused);
			completion_post(p->completions, &p->completion);
			continue;
		}
		t = free_transfer(p->backend);
		if (!t)
			return;
		list_del(&r->link);
		carry(t, r);
	}
}

/* --- Completions */

/* The last thing that the caller does: done may close the port. */
static void finish(struct disk_request *r, enum disk_result result)
{
	r->result = result;
	r->pending = false;
	r->done(r->dev, r);
}

static void transfer_ended(void *ctx)
{
	struct disk_transfer *t = ctx;
	struct disk_request *r = t->request;
	enum disk_result result = t->medium == t->backend->medium ? t->result : DISK_CHANGED;

	if (r && result == DISK_OK && t->op == DISK_READ)
		memcpy(r->data, t->data, t->sectors * DISK_SECTOR);
	t->request = NULL;
	t->busy = false;
	dispatch(t->backend->port);
	if (!r)
		return;
	r->transfer = NULL;
	finish(r, result);
}

static void tell_change(struct disk_port *p)
{
	p->medium_changed = false;
	if (!list_empty(&p->refused))
		completion_post(p->completions, &p->completion);
	dispatch(p);
	if (p->changed)
		p->changed(p->dev);
}

/* One refused request each time, as its done may change everything. */
static void port_event(void *ctx)
{
	struct disk_port *p = ctx;

	if (p->medium_changed) {
		tell_change(p);
		return;
	}
	if (list_empty(&p->refused))
		return;

	struct disk_request *r = list_entry(p->refused.next, struct disk_request, link);

	list_del(&r->link);
	if (!list_empty(&p->refused))
		completion_post(p->completions, &p->completion);
	finish(r, r->result);
}

/* --- The device's side */

int disk_open(struct disk_port *p, struct disk_backend *backend, struct completions *completions,
	      void (*changed)(void *dev), void *dev)
{
	if (backend && backend->port)
		return E_BUSY;
	*p = (struct disk_port){
		.backend = backend,
		.completions = completions,
		.changed = changed,
		.dev = dev,
		.completion = { .run = port_event, .ctx = p },
	};
	list_init(&p->waiting);
	list_init(&p->refused);
	if (backend)
		backend->port = p;
	return 0;
}

void disk_submit(struct disk_port *p, struct disk_request *r)
{
	r->pending = true;
	r->transfer = NULL;
	r->medium = p->backend ? p->backend->medium : 0;
	list_init(&r->link);
	list_add_tail(&r->link, &p->waiting);
	dispatch(p);
}

void disk_cancel(struct disk_port *p, struct disk_request *r)
{
	struct disk_transfer *t = r->transfer;

	if (!r->pending)
		return;
	r->pending = false;
	r->transfer = NULL;
	list_del(&r->link);
	if (!t) {
		if (list_empty(&p->refused) && !p->medium_changed)
			completion_cancel(p->completions, &p->completion);
		return;
	}
	t->request = NULL;
	if (t->completion.posted) { /* the host is done with it */
		completion_cancel(p->completions, &t->completion);
		t->busy = false;
		dispatch(p);
	} else if (p->backend->ops->cancel) {
		p->backend->ops->cancel(p->backend->ctx, t);
	}
}

static void cancel_list(struct disk_port *p, struct list *l)
{
	while (!list_empty(l))
		disk_cancel(p, list_entry(l->next, struct disk_request, link));
}

void disk_settle(struct disk_port *p, bool loading)
{
	if (!p->medium_changed)
		return;
	if (!loading)
		tell_change(p);
	p->medium_changed = false;
	if (list_empty(&p->refused))
		completion_cancel(p->completions, &p->completion);
}

void disk_cancel_all(struct disk_port *p)
{
	cancel_list(p, &p->waiting);
	cancel_list(p, &p->refused);
	for (unsigned i = 0; p->backend && i < p->backend->depth; i++)
		if (p->backend->transfer[i].request)
			disk_cancel(p, p->backend->transfer[i].request);
}

/* First nothing new is posted, then what was posted is taken back. */
void disk_close(struct disk_port *p)
{
	struct disk_backend *b = p->backend;

	if (!p->completions)
		return;
	disk_cancel_all(p);
	completion_cancel(p->completions, &p->completion);
	if (b) {
		__atomic_store_n(&b->port, NULL, __ATOMIC_SEQ_CST);
		for (unsigned i = 0; i < b->depth; i++) {
			if (!b->transfer[i].completion.posted)
				continue;
			completion_cancel(p->completions, &b->transfer[i].completion);
			b->transfer[i].busy = false;
		}
	}
	*p = (struct disk_port){ .backend = NULL };
}

static bool has_sector(const struct disk_backend *b, u64 sector, u32 *sectors)
{
	if (!b || sector >= b->sectors)
		return false;
	*sectors = (u32)MIN((u64)*sectors, b->sectors - sector);
	return *sectors > 0;
}

const u8 *disk_readable(const struct disk_port *p, u64 sector, u32 *sectors)
{
	const struct disk_backend *b = p->backend;

	if (!has_sector(b, sector, sectors) || !b->ops->readable)
		return NULL;
	return b->ops->readable(b->ctx, sector, sectors);
}

u8 *disk_writable(const struct disk_port *p, u64 sector, u32 *sectors)
{
	const struct disk_backend *b = p->backend;

	if (!has_sector(b, sector, sectors) || !b->ops->writable || b->read_only)
		return NULL;
	return b->ops->writable(b->ctx, sector, sectors);
}

/* --- The back end's side */

int disk_backend_init(struct disk_backend *b, const struct disk_ops *ops, void *ctx, unsigned depth)
{
	*b = (struct disk_backend){ .ops = ops, .ctx = ctx, .depth = depth };
	b->transfer = mem_alloc(depth * sizeof(*b->transfer));
	b->buffers = mem_alloc((size_t)depth * DISK_MAX * DISK_SECTOR);
	if (!b->transfer || !b->buffers) {
		mem_free(b->transfer);
		mem_free(b->buffers);
		*b = (struct disk_backend){ .depth = 0 };
		return E_NOMEM;
	}
	for (unsigned i = 0; i < depth; i++) {
		struct disk_transfer *t = &b->transfer[i];

		t->backend = b;
		t->data = b->buffers + (size_t)i * DISK_MAX * DISK_SECTOR;
		t->completion = (struct completion){ .run = transfer_ended, .ctx = t };
		list_init(&t->link);
	}
	return 0;
}

int disk_backend_destroy(struct disk_backend *b)
{
	if (b->port)
		return E_BUSY;
	for (unsigned i = 0; i < b->depth; i++)
		if (b->transfer[i].busy)
			return E_BUSY;
	mem_free(b->transfer);
	mem_free(b->buffers);
	return 0;
}

void disk_set_medium(struct disk_backend *b, u64 sectors, bool read_only)
{
	b->sectors = sectors;
	b->read_only = read_only;
	b->medium++;
	if (!b->port)
		return;
	b->port->medium_changed = true;
	completion_post(b->port->completions, &b->port->completion);
}

void disk_complete(struct disk_transfer *t, enum disk_result result)
{
	struct disk_port *p = __atomic_load_n(&t->backend->port, __ATOMIC_SEQ_CST);

	t->result = result;
	if (p)
		completion_post(p->completions, &t->completion);
	else
		__atomic_store_n(&t->busy, false, __ATOMIC_RELEASE);
}
