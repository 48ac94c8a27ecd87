/* SPDX-License-Identifier: MIT */
/*
 * The usable pieces of memory at start-up. memmap.h tells how it is used.
 */
#include "boot/lib/memmap.h"

static void insert(struct memmap *m, unsigned at, hpa_t start, hpa_t end)
{
	if (m->pieces == MEMMAP_MAX || start >= end)
		return;
	for (unsigned i = m->pieces; i > at; i--)
		m->piece[i] = m->piece[i - 1];
	m->piece[at].start = start;
	m->piece[at].end = end;
	m->pieces++;
}

static void erase(struct memmap *m, unsigned at)
{
	m->pieces--;
	for (unsigned i = at; i < m->pieces; i++)
		m->piece[i] = m->piece[i + 1];
}

void memmap_remove(struct memmap *m, hpa_t start, hpa_t end)
{
	for (unsigned i = 0; i < m->pieces;) {
		hpa_t s = m->piece[i].start, e = m->piece[i].end;

		if (start >= end || e <= start || s >= end) {
			i++;
			continue;
		}
		erase(m, i);
		if (e > end)
			insert(m, i, end, e);
		if (s < start) {
			insert(m, i, s, start);
			i++;
		}
	}
}

void memmap_from_boot(struct memmap *m, const struct boot_info *info)
{
	hpa_t done = 0;

	m->pieces = 0;
	/* Sorted by start; overlapping RAM entries (seen in firmware) must not yield a page twice.
	 */
	for (unsigned i = 0; i < info->ranges; i++) {
		hpa_t start = MAX(done, ALIGN_UP(info->range[i].start, (hpa_t)PAGE_SIZE));
		hpa_t end = ALIGN_DOWN(info->range[i].end, (hpa_t)PAGE_SIZE);

		if (info->range[i].kind != BOOT_RAM || start >= end)
			continue;
		insert(m, m->pieces, start, end);
		done = end;
	}
	for (unsigned i = 0; i < info->ranges; i++)
		if (info->range[i].kind != BOOT_RAM)
			memmap_remove(m, ALIGN_DOWN(info->range[i].start, (hpa_t)PAGE_SIZE),
				      ALIGN_UP(info->range[i].end, (hpa_t)PAGE_SIZE));
}

hpa_t memmap_take(struct memmap *m, u64 size, hpa_t floor, hpa_t limit)
{
	for (unsigned i = 0; i < m->pieces; i++) {
		hpa_t start = MAX(m->piece[i].start, floor);

		if (start + size <= MIN(m->piece[i].end, limit)) {
			memmap_remove(m, start, start + size);
			return start;
		}
	}
	return 0;
}

u64 memmap_total(const struct memmap *m)
{
	u64 n = 0;

	for (unsigned i = 0; i < m->pieces; i++)
		n += m->piece[i].end - m->piece[i].start;
	return n;
}

hpa_t memmap_top(const struct memmap *m)
{
	return m->pieces ? m->piece[m->pieces - 1].end : 0;
}
