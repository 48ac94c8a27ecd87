/* SPDX-License-Identifier: MIT */
/*
 * The buddy system. buddy.h tells how it is used.
 */
#include "kernel/lib/buddy.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"

static struct list *node_of(struct buddy *b, u64 page)
{
	return (struct list *)(void *)(b->base + page * PAGE_SIZE);
}

static u64 page_of(struct buddy *b, const void *p)
{
	u64 offset = (u64)((const u8 *)p - b->base);

	ASSERT(offset % PAGE_SIZE == 0 && offset / PAGE_SIZE < b->pages);
	return offset / PAGE_SIZE;
}

void buddy_init(struct buddy *b, void *base, u64 pages, u8 *state)
{
	*b = (struct buddy){ .base = base, .state = state, .pages = pages };
	for (unsigned o = 0; o < BUDDY_ORDERS; o++)
		list_init(&b->free[o]);
	memset(state, BUDDY_NONE, pages);
}

static void insert(struct buddy *b, u64 page, unsigned order)
{
	b->state[page] = (u8)order;
	list_add_head(node_of(b, page), &b->free[order]);
}

static void remove(struct buddy *b, u64 page)
{
	b->state[page] = BUDDY_NONE;
	list_del(node_of(b, page));
}

/* Is the page part of a free block? That block begins at the page, rounded down to some order. */
static bool is_free(const struct buddy *b, u64 page)
{
	for (unsigned o = 0; o < BUDDY_ORDERS; o++) {
		u64 head = page & ~((1ull << o) - 1);

		if (b->state[head] != BUDDY_NONE)
			return head + (1ull << b->state[head]) > page;
	}
	return false;
}

static void give(struct buddy *b, u64 page, unsigned order)
{
	b->free_pages += 1ull << order;
	for (; order + 1 < BUDDY_ORDERS; order++) {
		u64 other = page ^ 1ull << order;

		if (other + (1ull << order) > b->pages || b->state[other] != order)
			break;
		remove(b, other);
		page = MIN(page, other);
	}
	insert(b, page, order);
}

/* The largest aligned block that begins at page and has at most count pages. */
static unsigned order_at(u64 page, u64 count)
{
	unsigned order = 0;

	while (order + 1 < BUDDY_ORDERS && !(page & ((2ull << order) - 1)) &&
	       2ull << order <= count)
		order++;
	return order;
}

static void give_span(struct buddy *b, u64 page, u64 count)
{
	while (count) {
		unsigned order = order_at(page, count);

		give(b, page, order);
		page += 1ull << order;
		count -= 1ull << order;
	}
}

void buddy_add(struct buddy *b, u64 first, u64 count)
{
	ASSERT(first + count <= b->pages);
	b->total_pages += count;
	give_span(b, first, count);
}

static void *take(struct buddy *b, unsigned order)
{
	unsigned o = order;

	while (o < BUDDY_ORDERS && list_empty(&b->free[o]))
		o++;
	if (o >= BUDDY_ORDERS)
		return NULL;

	u64 page = page_of(b, b->free[o].next);

	remove(b, page);
	while (o > order) {
		o--;
		insert(b, page + (1ull << o), o);
	}
	b->free_pages -= 1ull << order;
	return node_of(b, page);
}

void *buddy_alloc(struct buddy *b, unsigned order)
{
	return b->free_pages - b->promised >= 1ull << order ? take(b, order) : NULL;
}

bool buddy_promise(struct buddy *b, u64 pages)
{
	if (b->free_pages - b->promised < pages)
		return false;
	b->promised += pages;
	return true;
}

void buddy_promise_end(struct buddy *b, u64 pages)
{
	ASSERT(pages <= b->promised);
	b->promised -= pages;
}

void *buddy_alloc_promised(struct buddy *b)
{
	ASSERT(b->promised);
	b->promised--;
	return take(b, 0);
}

void buddy_free_promised(struct buddy *b, void *p)
{
	buddy_free(b, p, 0);
	b->promised++;
}

void buddy_free(struct buddy *b, void *p, unsigned order)
{
	u64 page = page_of(b, p);

	ASSERT(order < BUDDY_ORDERS && !(page & ((1ull << order) - 1)) &&
	       page + (1ull << order) <= b->pages);
	if (is_free(b, page))
		panic("page %llx is freed twice", (unsigned long long)page);
	give(b, page, order);
}

void *buddy_alloc_span(struct buddy *b, u64 count)
{
	unsigned order = 0;

	while (1ull << order < count)
		order++;

	bool room = order < BUDDY_ORDERS && b->free_pages - b->promised >= count;
	void *p = room ? take(b, order) : NULL;

	if (p)
		give_span(b, page_of(b, p) + count, (1ull << order) - count);
	return p;
}

void buddy_free_span(struct buddy *b, void *p, u64 count)
{
	u64 page = page_of(b, p);

	ASSERT(page + count <= b->pages);
	if (is_free(b, page))
		panic("page %llx is freed twice", (unsigned long long)page);
	give_span(b, page, count);
}
