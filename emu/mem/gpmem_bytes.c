/* SPDX-License-Identifier: MIT */
/*
 * The bits of bytes that nobody has written. Those of a page that has none left are not looked at.
 */
#include "emu/mem/gpmem_bytes.h"

#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

#define CHUNK_SHIFT 21u
#define CHUNK	    (1u << CHUNK_SHIFT)

static bool add_bits(struct gpmem_fresh *f)
{
	for (u64 at = 0; at < f->size; at += CHUNK) {
		u8 *bits = mem_alloc((size_t)MIN(f->size - at, (u64)CHUNK) / 8);

		if (!bits)
			return false;
		f->bits[at >> CHUNK_SHIFT] = bits;
	}
	return true;
}

struct gpmem_fresh *gpmem_bytes_create(u64 size)
{
	size_t pages = (size_t)(size >> PAGE_SHIFT);
	struct gpmem_fresh *f = mem_alloc(sizeof(*f));

	if (!f)
		return NULL;
	f->size = size;
	f->left = mem_alloc(pages * sizeof(*f->left));
	f->uses = mem_alloc(pages * sizeof(*f->uses));
	f->bits = mem_alloc((size_t)((size + CHUNK - 1) >> CHUNK_SHIFT) * sizeof(*f->bits));
	if (f->left && f->uses && f->bits && add_bits(f))
		return f;
	gpmem_bytes_destroy(f);
	return NULL;
}

void gpmem_bytes_destroy(struct gpmem_fresh *f)
{
	if (!f)
		return;
	for (u64 at = 0; f->bits && at < f->size; at += CHUNK)
		mem_free(f->bits[at >> CHUNK_SHIFT]);
	mem_free(f->bits);
	mem_free(f->left);
	mem_free(f->uses);
	mem_free(f);
}

static u8 *page_bits(const struct gpmem_fresh *f, u64 offset)
{
	return f->bits[offset >> CHUNK_SHIFT] + (offset & (CHUNK - 1) & PAGE_MASK) / 8;
}

void gpmem_bytes_begin(struct gpmem_fresh *f, u64 offset, u64 size)
{
	for (u64 at = offset; at < offset + size; at += PAGE_SIZE) {
		memset(page_bits(f, at), 0xff, PAGE_SIZE / 8);
		f->left[at >> PAGE_SHIFT] = PAGE_SIZE;
		f->uses[at >> PAGE_SHIFT] = 0;
	}
}

void gpmem_bytes_end(struct gpmem_fresh *f)
{
	memset(f->left, 0, (size_t)(f->size >> PAGE_SHIFT) * sizeof(*f->left));
}

static u32 clear(u8 *bits, u32 first, u32 len)
{
	u32 n = 0;

	for (u32 i = first; i < first + len; i++) {
		n += bits[i / 8] >> (i & 7) & 1;
		bits[i / 8] &= (u8)~BIT(i & 7);
	}
	return n;
}

bool gpmem_bytes_used(struct gpmem_fresh *f, u64 offset, u64 uses)
{
	if (++f->uses[offset >> PAGE_SHIFT] >= uses)
		f->left[offset >> PAGE_SHIFT] = 0;
	return !f->left[offset >> PAGE_SHIFT];
}

bool gpmem_bytes_written(struct gpmem_fresh *f, u64 offset, u32 len, u64 uses)
{
	u16 *left = &f->left[offset >> PAGE_SHIFT];

	if (!*left)
		return false;
	*left = len == PAGE_SIZE
			? 0
			: (u16)(*left - clear(page_bits(f, offset), offset & (PAGE_SIZE - 1), len));
	return gpmem_bytes_used(f, offset, uses);
}

u32 gpmem_bytes_left(const struct gpmem_fresh *f, u64 offset, u32 len)
{
	const u8 *bits = page_bits(f, offset);
	u32 first = offset & (PAGE_SIZE - 1), n = 0;

	if (!f->left[offset >> PAGE_SHIFT])
		return 0;
	for (u32 i = first; i < first + len; i++)
		n += bits[i / 8] >> (i & 7) & 1;
	return n;
}
