/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical memory. Regions are kept sorted; a look-up is a binary search over at most 64.
 */
#include "emu/mem/gpmem.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define WATCH_MASK ((u8)(BIT(GPMEM_WATCHES) - 1))

void gpmem_init(struct gpmem *m)
{
	memset(m, 0, sizeof(*m));
}

/* What lies elsewhere goes; whoever owns the chunks frees what is left of them. */
static void give_all(struct gpmem *m, struct gpmem_region *r)
{
	for (u64 c = 0; r->elsewhere && c < gpmem_chunks(r); c++) {
		u8 **table = r->elsewhere[c];

		for (u32 i = 0; table && i < GPMEM_CHUNK_SIZE / PAGE_SIZE; i++)
			if (table[i])
				m->frames->give(m->frames->ctx, table[i]);
		if (table)
			m->frames->give(m->frames->ctx, table);
	}
	mem_free(r->elsewhere);
}

void gpmem_destroy(struct gpmem *m)
{
	for (unsigned i = 0; i < m->regions; i++) {
		give_all(m, &m->region[i]);
		gpmem_bytes_destroy(m->region[i].fresh);
		mem_free(m->region[i].chunk);
		mem_free(m->region[i].page);
	}
	m->regions = 0;
	m->found = NULL;
}

struct gpmem_region *gpmem_search(struct gpmem *m, gpa_t gpa)
{
	unsigned lo = 0, hi = m->regions;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		struct gpmem_region *r = &m->region[mid];

		if (gpa < r->start)
			hi = mid;
		else if (gpa - r->start >= r->size)
			lo = mid + 1;
		else
			return m->found = r;
	}
	return NULL;
}

struct gpmem_region *gpmem_find_at(struct gpmem *m, gpa_t start)
{
	struct gpmem_region *r = gpmem_find(m, start);

	return r && r->start == start ? r : NULL;
}

/* Opens a slot for [start, start + size), or returns NULL with *err set. */
struct gpmem_region *gpmem_insert(struct gpmem *m, gpa_t start, u64 size, int *err)
{
	unsigned i = 0;

	*err = E_INVAL;
	if (!size || (start | size) & (PAGE_SIZE - 1) || start + size < start)
		return NULL;
	while (i < m->regions && m->region[i].start < start)
		i++;
	if (i && m->region[i - 1].start + m->region[i - 1].size > start)
		return NULL;
	if (i < m->regions && start + size > m->region[i].start)
		return NULL;
	*err = E_FULL;
	if (m->regions == GPMEM_MAX_REGIONS)
		return NULL;
	memmove(&m->region[i + 1], &m->region[i], (m->regions - i) * sizeof(m->region[0]));
	m->regions++;
	m->found = NULL;
	m->region[i] = (struct gpmem_region){ .start = start, .size = size };
	return &m->region[i];
}

int gpmem_add_ram(struct gpmem *m, gpa_t start, u64 size, u8 **chunk, bool zeroed, const char *name)
{
	u8 *page = mem_alloc((size_t)(size >> PAGE_SHIFT));
	struct gpmem_region *r;
	int err;

	if (!page)
		return E_NOMEM;
	r = gpmem_insert(m, start, size, &err);
	if (!r) {
		mem_free(page);
		return err;
	}
	if (zeroed)
		memset(page, GPMEM_ZEROED, (size_t)(size >> PAGE_SHIFT));
	r->kind = GPMEM_RAM;
	r->chunk = chunk;
	r->page = page;
	r->name = name;
	return 0;
}

int gpmem_add_rom(struct gpmem *m, gpa_t start, u64 size, u8 **chunk, const char *name)
{
	int err;
	struct gpmem_region *r = gpmem_insert(m, start, size, &err);

	if (!r)
		return err;
	r->kind = GPMEM_ROM;
	r->chunk = chunk;
	r->name = name;
	return 0;
}

int gpmem_add_mmio(struct gpmem *m, gpa_t start, u64 size, const struct gpmem_mmio *ops, void *ctx,
		   const char *name)
{
	int err;
	struct gpmem_region *r = gpmem_insert(m, start, size, &err);

	if (!r)
		return err;
	r->kind = GPMEM_MMIO;
	r->mmio = ops;
	r->ctx = ctx;
	r->name = name;
	return 0;
}

static u32 in_page(gpa_t gpa, u32 len)
{
	return MIN(len, PAGE_SIZE - (u32)(gpa & (PAGE_SIZE - 1)));
}

static u8 *byte_at(const struct gpmem_region *r, u64 offset)
{
	return r->chunk[offset >> GPMEM_CHUNK_SHIFT] + (offset & (GPMEM_CHUNK_SIZE - 1));
}

/* A page that is not where it was, or not touched yet. */
static __attribute__((noinline)) u8 *first_byte(struct gpmem *m, struct gpmem_region *r, u64 offset,
						bool whole_page)
{
	u8 *state = &r->page[offset >> PAGE_SHIFT], *page = byte_at(r, offset & PAGE_MASK);

	if (*state & GPMEM_ELSEWHERE) {
		u8 **place = gpmem_lend_place(r, offset);

		if (!*place) {
			*place = m->frames->take(m->frames->ctx, true);
			m->given_back--;
		}
		page = *place;
	}
	if (!(*state & GPMEM_ZEROED) && !whole_page)
		memset(page, 0, PAGE_SIZE);
	*state |= GPMEM_ZEROED;
	return page + (offset & (PAGE_SIZE - 1));
}

/* The byte in a RAM region, its page zeroed if this is the first touch, unless all of it is about
 * to be written. */
static u8 *ram_byte(struct gpmem *m, struct gpmem_region *r, u64 offset, bool whole_page)
{
	u8 state = r->page[offset >> PAGE_SHIFT];

	if ((state & (GPMEM_ZEROED | GPMEM_ELSEWHERE)) != GPMEM_ZEROED)
		return first_byte(m, r, offset, whole_page);
	return byte_at(r, offset);
}

void *gpmem_ptr(struct gpmem *m, gpa_t gpa, bool write)
{
	struct gpmem_region *r = gpmem_find(m, gpa);

	if (!r)
		return NULL;
	if (r->over && !write)
		return (u8 *)(hva_t)r->over + (gpa - r->start);
	if (r->kind == GPMEM_RAM && (!write || gpmem_is_writable(r)))
		return ram_byte(m, r, gpa - r->start, false);
	return r->kind == GPMEM_ROM && !write ? byte_at(r, gpa - r->start) : NULL;
}

const u8 *gpmem_peek(struct gpmem *m, gpa_t gpa)
{
	const struct gpmem_region *r = gpmem_find(m, gpa);
	u64 offset = r ? gpa - r->start : 0;

	if (!r || r->kind != GPMEM_RAM || r->over ||
	    (r->page[offset >> PAGE_SHIFT] & (GPMEM_ZEROED | GPMEM_ELSEWHERE)) != GPMEM_ZEROED)
		return NULL;
	return byte_at(r, offset);
}

u8 *gpmem_ram(struct gpmem *m, gpa_t gpa)
{
	struct gpmem_region *r = gpmem_find(m, gpa);

	return r && r->kind == GPMEM_RAM ? ram_byte(m, r, gpa - r->start, false) : NULL;
}

static u8 *page_state(struct gpmem *m, gpa_t gpa)
{
	struct gpmem_region *r = gpmem_find(m, gpa);

	return r && r->kind == GPMEM_RAM ? &r->page[(gpa - r->start) >> PAGE_SHIFT] : NULL;
}

void gpmem_tell(struct gpmem *m, u8 watches, gpa_t gpa, u32 len)
{
	for (unsigned i = 0; i < GPMEM_WATCHES; i++)
		if (watches & BIT(i) && m->watcher[i].written)
			m->watcher[i].written(m->watcher[i].ctx, gpa, len);
}

void gpmem_let_go(struct gpmem *m, gpa_t page)
{
	if (!gpmem_watches(m, page) && m->protect)
		m->protect(m->protect_ctx, page & PAGE_MASK, false);
}

/* Of a region that gpmem_fresh.c follows. */
static void note_written(struct gpmem *m, struct gpmem_region *r, gpa_t gpa, u32 len)
{
	while (len) {
		u32 n = in_page(gpa, len);

		if (gpmem_bytes_written(r->fresh, gpa - r->start, n, m->fresh_uses))
			gpmem_let_go(m, gpa);
		gpa += n;
		len -= n;
	}
}

void gpmem_written(struct gpmem *m, gpa_t gpa, u32 len)
{
	while (len) {
		struct gpmem_region *r = gpmem_find(m, gpa);
		u32 n = in_page(gpa, len);

		if (r && r->fresh)
			note_written(m, r, gpa, n);
		gpmem_tell(m, gpmem_watches(m, gpa), gpa, n);
		gpa += n;
		len -= n;
	}
}

/* First those who lead to the bytes forget them, then those who know what the bytes were. */
void gpmem_switch(struct gpmem *m, gpa_t start, const u8 *over, bool sealed)
{
	struct gpmem_region *r = gpmem_find(m, start);
	bool others = r->over != over;

	if (!others && r->sealed == sealed)
		return;
	r->over = over;
	r->sealed = sealed;
	if (m->switched)
		m->switched(m->protect_ctx, r->start, r->size);
	if (!others)
		return;
	for (gpa_t page = r->start; page < r->start + r->size; page += PAGE_SIZE)
		gpmem_tell(m, gpmem_watches(m, page), page, PAGE_SIZE);
}

/* The largest natural access at offset that fits in len. */
static unsigned natural_size(u64 offset, u32 len)
{
	unsigned size = 8;

	while (size > len || offset & (size - 1))
		size /= 2;
	return size;
}

void gpmem_device_read(const struct gpmem_device *d, u32 at, void *buf, u32 len)
{
	u64 offset = d->offset + at;
	u8 *out = buf;

	while (len) {
		unsigned size = natural_size(offset, len);
		u64 v = d->mmio->read(d->ctx, offset, size);

		memcpy(out, &v, size);
		out += size;
		offset += size;
		len -= size;
	}
}

void gpmem_device_write(const struct gpmem_device *d, u32 at, const void *buf, u32 len)
{
	u64 offset = d->offset + at;
	const u8 *in = buf;

	while (len) {
		unsigned size = natural_size(offset, len);
		u64 v = 0;

		memcpy(&v, in, size);
		d->mmio->write(d->ctx, offset, size, v);
		in += size;
		offset += size;
		len -= size;
	}
}

/* How many of len bytes lie in a row in the monitor's memory, too. */
static u32 in_row(const struct gpmem_region *r, u64 offset, u32 len)
{
	u64 end = MIN(ALIGN_DOWN(offset, (u64)GPMEM_CHUNK_SIZE) + GPMEM_CHUNK_SIZE, r->size);
	u32 most = (u32)MIN((u64)len, end - offset), n = in_page(offset, most);

	if (!r->elsewhere)
		return most;
	if (r->page[offset >> PAGE_SHIFT] & GPMEM_ELSEWHERE)
		return n;
	while (n < most && !(r->page[(offset + n) >> PAGE_SHIFT] & GPMEM_ELSEWHERE))
		n += in_page(offset + n, most - n);
	return n;
}

/* RAM in a row, its pages zeroed as far as they were not touched; those that are about to be
 * written from end to end need not be. */
static u8 *ram_row(struct gpmem *m, struct gpmem_region *r, u64 offset, u32 len, bool write)
{
	u32 n = in_page(offset, len);
	u8 *first = ram_byte(m, r, offset, write && n == PAGE_SIZE);

	for (u32 piece; n < len; n += piece) {
		piece = in_page(offset + n, len - n);
		(void)ram_byte(m, r, offset + n, write && piece == PAGE_SIZE);
	}
	return first;
}

static u64 read_nothing(void *ctx, u64 offset, unsigned size)
{
	(void)ctx;
	(void)offset;
	(void)size;
	return ~0ull;
}

static void write_nothing(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)ctx;
	(void)offset;
	(void)size;
	(void)value;
}

const struct gpmem_mmio gpmem_absent = { .read = read_nothing, .write = write_nothing };

static struct gpmem_device device_at(const struct gpmem_region *r, gpa_t page)
{
	return (struct gpmem_device){ r->mmio, r->ctx, page - r->start };
}

struct gpmem_device gpmem_device_at(struct gpmem *m, gpa_t page)
{
	const struct gpmem_region *r = gpmem_find(m, page);

	if (!r)
		return (struct gpmem_device){ .mmio = &gpmem_absent };
	return r->kind == GPMEM_MMIO ? device_at(r, page) : (struct gpmem_device){ 0 };
}

/* Bytes in a row. To read a page that is given back brings it not back. */
static void read_memory(struct gpmem *m, struct gpmem_region *r, u64 offset, void *buf, u32 n)
{
	if (r->over)
		memcpy(buf, r->over + offset, n);
	else if (r->kind == GPMEM_ROM)
		memcpy(buf, byte_at(r, offset), n);
	else if ((r->page[offset >> PAGE_SHIFT] & GPMEM_ELSEWHERE) && !*gpmem_lend_place(r, offset))
		memset(buf, 0, n);
	else
		memcpy(buf, ram_row(m, r, offset, n, false), n);
}

void gpmem_read(struct gpmem *m, gpa_t gpa, void *buf, u32 len)
{
	u8 *out = buf;

	while (len) {
		struct gpmem_region *r = gpmem_find(m, gpa);
		u32 n = in_page(gpa, len);

		if (!r) {
			memset(out, 0xff, n);
		} else if (r->kind == GPMEM_MMIO) {
			struct gpmem_device d = device_at(r, gpa);

			gpmem_device_read(&d, 0, out, n);
		} else {
			n = in_row(r, gpa - r->start, len);
			read_memory(m, r, gpa - r->start, out, n);
		}
		out += n;
		gpa += n;
		len -= n;
	}
}

/* Tells those of whom who watch pages that were written. Each may move the array of regions. */
static void tell_row(struct gpmem *m, const u8 *page, gpa_t gpa, u32 len, u8 whom)
{
	for (u32 n; len; gpa += n, len -= n, page++) {
		u8 watches = *page & whom;

		n = in_page(gpa, len);
		if (watches)
			gpmem_tell(m, watches, gpa, n);
	}
}

/* Bytes in a row. What nobody reads now has no watchers: they are told by the switch. */
static void write_ram(struct gpmem *m, struct gpmem_region *r, gpa_t gpa, const void *buf, u32 n,
		      u8 whom)
{
	u64 offset = gpa - r->start;

	if (r->sealed)
		return;
	memcpy(ram_row(m, r, offset, n, true), buf, n);
	if (r->fresh && whom == WATCH_MASK)
		note_written(m, r, gpa, n);
	if (!r->over)
		tell_row(m, &r->page[offset >> PAGE_SHIFT], gpa, n, whom);
}

static void write_telling(struct gpmem *m, gpa_t gpa, const void *buf, u32 len, u8 whom)
{
	const u8 *in = buf;

	while (len) {
		struct gpmem_region *r = gpmem_find(m, gpa);
		u32 n = in_page(gpa, len);

		if (r && r->kind == GPMEM_MMIO) {
			struct gpmem_device d = device_at(r, gpa);

			gpmem_device_write(&d, 0, in, n);
		} else if (r && r->kind == GPMEM_RAM) {
			n = in_row(r, gpa - r->start, len);
			write_ram(m, r, gpa, in, n, whom);
		}
		in += n;
		gpa += n;
		len -= n;
	}
}

void gpmem_write(struct gpmem *m, gpa_t gpa, const void *buf, u32 len)
{
	write_telling(m, gpa, buf, len, WATCH_MASK);
}

void gpmem_write_by_device(struct gpmem *m, gpa_t gpa, const void *buf, u32 len)
{
	m->by_device = true;
	gpmem_write(m, gpa, buf, len);
	m->by_device = false;
}

void gpmem_restore(struct gpmem *m, gpa_t page, const void *bytes)
{
	struct gpmem_region *r = gpmem_find(m, page);

	memcpy(ram_byte(m, r, page - r->start, true), bytes, PAGE_SIZE);
	gpmem_written(m, page, PAGE_SIZE);
}

void gpmem_write_marks(struct gpmem *m, gpa_t gpa, const void *buf, u32 len)
{
	write_telling(m, gpa, buf, len, WATCH_MASK & (u8) ~(GPMEM_WATCH_TABLE | GPMEM_WATCH_WALK));
}

void gpmem_set_watcher(struct gpmem *m, u8 watch, gpmem_watch_fn written, void *ctx)
{
	unsigned slot = (unsigned)__builtin_ctz(watch);

	m->watcher[slot].written = written;
	m->watcher[slot].ctx = ctx;
}

u8 gpmem_watches(struct gpmem *m, gpa_t gpa)
{
	const struct gpmem_region *r = gpmem_find(m, gpa);
	u64 offset = r ? gpa - r->start : 0;

	if (!r || r->kind != GPMEM_RAM)
		return 0;
	return (u8)((r->page[offset >> PAGE_SHIFT] & WATCH_MASK) |
		    (gpmem_has_fresh(r, offset) ? GPMEM_WATCH_FRESH : 0));
}

void gpmem_watch(struct gpmem *m, gpa_t gpa, u8 watch)
{
	u8 *state = page_state(m, gpa);

	if (!state || (*state & watch) == watch)
		return;

	bool first = !(*state & WATCH_MASK);

	*state |= watch;
	if (!first)
		return;
	m->watches_begun++;
	if (m->protect)
		m->protect(m->protect_ctx, gpa & PAGE_MASK, true);
}

void gpmem_unwatch(struct gpmem *m, gpa_t gpa, u8 watch)
{
	u8 *state = page_state(m, gpa);

	if (!state || !(*state & watch))
		return;
	*state &= (u8)~watch;
	gpmem_let_go(m, gpa);
}
