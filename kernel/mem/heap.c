/* SPDX-License-Identifier: MIT */
/*
 * mem_alloc: size classes in one-page slabs, and runs of pages beyond the largest class.
 *
 *     page: | header, 64 bytes | object | object | ...        slab
 *           | header, 64 bytes | one object over the pages     run
 *
 * An object's header is found by rounding its address down to its page. Classes of 64 bytes and
 * more are multiples of 64, so that structures that hold FPU images are aligned as they ask. An
 * empty slab goes back at once. No lock: see kernel/mem/page.c.
 */
#include "kernel/mem/heap.h"

#include "kernel/base/alloc.h"
#include "kernel/base/list.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/mem/page.h"

#define HEADER	   64u
#define MAGIC_SLAB 0x51abu
#define MAGIC_RUN  0x0e17u

struct header {
	u32 magic;
	u16 class, used;
	u64 pages;	  /* of a run */
	struct list link; /* slab: among those with a free object */
	struct object *free;
};

struct object {
	struct object *next;
};

_Static_assert(sizeof(struct header) <= HEADER, "objects begin behind the header");

/* 1344 and 1984: three and two in a page. */
static const u16 class_size[] = { 16, 32, 48, 64, 128, 192, 256, 384, 512, 768, 1344, 1984 };
static struct list partial[ARRAY_SIZE(class_size)];
static struct heap_stats stats;

static struct header *slab_create(unsigned class)
{
	struct header *h = page_alloc(0);

	if (!h)
		return NULL;
	memset(h, 0, PAGE_SIZE); /* as alloc_run() says */
	*h = (struct header){ .magic = MAGIC_SLAB, .class = (u16) class };
	list_init(&h->link);
	list_add_head(&h->link, &partial[class]);

	u8 *p = (u8 *)h + HEADER;

	for (unsigned n = (PAGE_SIZE - HEADER) / class_size[class]; n;
	     n--, p += class_size[class]) {
		struct object *o = (void *)p;

		o->next = h->free;
		h->free = o;
	}
	stats.pages++;
	return h;
}

static void *alloc_small(unsigned class)
{
	struct header *h;
	struct object *o;

	if (!partial[class].next)
		list_init(&partial[class]);
	if (!list_empty(&partial[class]))
		h = list_entry(partial[class].next, struct header, link);
	else
		h = slab_create(class);
	if (!h)
		return NULL;
	o = h->free;
	h->free = o->next;
	h->used++;
	if (!h->free)
		list_del(&h->link);
	return memset(o, 0, class_size[class]);
}

static void *alloc_run(size_t size)
{
	u64 pages = (size + HEADER + PAGE_SIZE - 1) / PAGE_SIZE;
	struct header *h = page_alloc_span(pages);

	if (!h)
		return NULL;
	*h = (struct header){ .magic = MAGIC_RUN, .pages = pages };
	stats.pages += pages;
	/* To the end of the last page: under QEMU stores stay slow to a page on which a word of the
	 * firmware's or the loader's executed code is left. */
	return memset((u8 *)h + HEADER, 0, pages * PAGE_SIZE - HEADER);
}

void *mem_alloc(size_t size)
{
	void *p = NULL;

	for (unsigned c = 0; c < ARRAY_SIZE(class_size); c++) {
		if (size <= class_size[c]) {
			p = alloc_small(c);
			goto done;
		}
	}
	if (size < UINT64_MAX / 2)
		p = alloc_run(size);
done:
	if (p)
		stats.objects++;
	return p;
}

static void free_small(struct header *h, void *p)
{
	struct object *o = p;

	if (!h->free)
		list_add_head(&h->link, &partial[h->class]);
	o->next = h->free;
	h->free = o;
	if (--h->used)
		return;
	list_del(&h->link);
	h->magic = 0;
	page_free(h, 0);
	stats.pages--;
}

void mem_free(void *p)
{
	struct header *h = (void *)((hva_t)p & PAGE_MASK);

	if (!p)
		return;
	stats.objects--;
	if (h->magic == MAGIC_SLAB) {
		ASSERT(h->used && ((hva_t)p - (hva_t)h - HEADER) % class_size[h->class] == 0);
		free_small(h, p);
	} else {
		ASSERT(h->magic == MAGIC_RUN && (hva_t)p - (hva_t)h == HEADER);
		stats.pages -= h->pages;
		h->magic = 0;
		page_free_span(h, h->pages);
	}
}

struct heap_stats heap_stats(void)
{
	return stats;
}
