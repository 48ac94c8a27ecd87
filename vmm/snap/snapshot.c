/* SPDX-License-Identifier: MIT */
/*
 * Keeps streams in lists of 64 KiB blocks, and reads them back from there or from a module.
 */
#include "vmm/snap/snapshot.h"

#include "kernel/base/alloc.h"
#include "kernel/base/string.h"
#include "kernel/lib/module.h"
#include "kernel/mem/page.h"

#define BLOCK_ORDER    4u /* 64 KiB */
#define BLOCK_BYTES    (PAGE_SIZE << BLOCK_ORDER)
#define MEMORY_RESERVE (4 * MiB) /* which snapshots leave to everybody else */

struct snapshot_block {
	struct snapshot_block *next;
	u8 data[BLOCK_BYTES - sizeof(struct snapshot_block *)];
};

#define BLOCK_DATA ((u32)sizeof(((struct snapshot_block *)0)->data))

struct list snapshot_list = LIST_INIT(snapshot_list);

/* --- Life */

struct snapshot *snapshot_create(const char *vm)
{
	struct snapshot *p = mem_alloc(sizeof(*p));

	if (!p)
		return NULL;
	list_init(&p->link);
	str_copy(p->vm, vm, sizeof(p->vm));
	return p;
}

static void free_blocks(struct snapshot *p)
{
	while (p->first) {
		struct snapshot_block *next = p->first->next;

		page_free(p->first, BLOCK_ORDER);
		p->first = next;
	}
}

void snapshot_free(struct snapshot *p)
{
	list_del(&p->link);
	list_init(&p->link);
	p->name[0] = '\0';
	if (p->readers)
		return;
	free_blocks(p);
	mem_free(p);
}

void snapshot_publish(struct snapshot *p, const char *name)
{
	struct snapshot *old = snapshot_find(name);

	if (old)
		snapshot_free(old);
	str_copy(p->name, name, sizeof(p->name));
	list_add_tail(&p->link, &snapshot_list);
}

struct snapshot *snapshot_find(const char *name)
{
	struct list *l;

	list_for_each (l, &snapshot_list) {
		struct snapshot *p = list_entry(l, struct snapshot, link);

		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

static struct snapshot *open_module(const char *name)
{
	const struct module *m = module_find(name);
	struct snapshot *p = m ? snapshot_create("") : NULL;

	if (!p)
		return NULL;
	p->data = m->data;
	p->bytes = m->size;
	return p;
}

struct snapshot *snapshot_open(const char *name)
{
	struct snapshot *p = snapshot_find(name);

	if (!p)
		p = open_module(name);
	if (p)
		p->readers++;
	return p;
}

void snapshot_done(struct snapshot *p)
{
	if (!--p->readers && !p->name[0])
		snapshot_free(p);
}

u64 snapshot_memory(const struct snapshot *p)
{
	return p->data ? 0 : ((p->bytes + BLOCK_DATA - 1) / BLOCK_DATA) * BLOCK_BYTES;
}

/* --- Writing */

static bool add_block(struct snapshot *p)
{
	struct snapshot_block *b = NULL;

	if (page_free_bytes() >= MEMORY_RESERVE + BLOCK_BYTES)
		b = page_alloc(BLOCK_ORDER);
	if (!b)
		return false;
	b->next = NULL;
	if (p->last)
		p->last->next = b;
	else
		p->first = b;
	p->last = b;
	return true;
}

bool snapshot_append(void *ctx, void *bytes, u32 n)
{
	struct snapshot *p = ctx;
	const u8 *from = bytes;

	while (n) {
		u32 used = (u32)(p->bytes % BLOCK_DATA), part = MIN(n, BLOCK_DATA - used);

		if (!used && !add_block(p))
			return false;
		memcpy(p->last->data + used, from, part);
		p->bytes += part;
		from += part;
		n -= part;
	}
	return true;
}

/* --- Reading */

void snapshot_rewind(struct snapshot_reader *r, struct snapshot *p)
{
	*r = (struct snapshot_reader){ .snapshot = p, .block = p->first };
}

bool snapshot_read(void *ctx, void *bytes, u32 n)
{
	struct snapshot_reader *r = ctx;
	u8 *to = bytes;

	if (n > r->snapshot->bytes - r->at)
		return false;
	if (r->snapshot->data) {
		memcpy(to, r->snapshot->data + r->at, n);
		r->at += n;
		return true;
	}
	while (n) {
		u32 used = (u32)(r->at % BLOCK_DATA), part = MIN(n, BLOCK_DATA - used);

		memcpy(to, r->block->data + used, part);
		if (used + part == BLOCK_DATA)
			r->block = r->block->next;
		r->at += part;
		to += part;
		n -= part;
	}
	return true;
}
