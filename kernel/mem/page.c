/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory in kernel/lib/buddy.c's hands. No lock: the monitor's C runs on one CPU, and
 * interrupt handlers do not allocate. A second CPU brings one.
 */
#include "kernel/mem/page.h"

#include "arch/mem/kmap.h"
#include "kernel/lib/buddy.h"

static struct buddy buddy;

void page_init(u8 *state, hpa_t top)
{
	buddy_init(&buddy, direct_ptr(0), top >> PAGE_SHIFT, state);
}

void page_add_range(hpa_t start, hpa_t end)
{
	start = MAX(ALIGN_UP(start, (hpa_t)PAGE_SIZE), MiB);
	end = ALIGN_DOWN(end, (hpa_t)PAGE_SIZE);
	if (start < end)
		buddy_add(&buddy, start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT);
}

void *page_alloc(unsigned order)
{
	return buddy_alloc(&buddy, order);
}

void page_free(void *p, unsigned order)
{
	buddy_free(&buddy, p, order);
}

void *page_alloc_span(u64 pages)
{
	return buddy_alloc_span(&buddy, pages);
}

void page_free_span(void *p, u64 pages)
{
	buddy_free_span(&buddy, p, pages);
}

bool page_promise(u64 pages)
{
	return buddy_promise(&buddy, pages);
}

void page_promise_end(u64 pages)
{
	buddy_promise_end(&buddy, pages);
}

void *page_alloc_promised(void)
{
	return buddy_alloc_promised(&buddy);
}

void page_free_promised(void *p)
{
	buddy_free_promised(&buddy, p);
}

u64 page_free_bytes(void)
{
	return (buddy.free_pages - buddy.promised) * PAGE_SIZE;
}

u64 page_promised_bytes(void)
{
	return buddy.promised * PAGE_SIZE;
}

u64 page_total_bytes(void)
{
	return buddy.total_pages * PAGE_SIZE;
}

u64 page_free_blocks(unsigned order)
{
	struct list *p;
	u64 n = 0;

	list_for_each (p, &buddy.free[order])
		n++;
	return n;
}
