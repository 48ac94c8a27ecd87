/* SPDX-License-Identifier: MIT */
/*
 * The configuration device. A DMA request is read once, so that the guest cannot change it while it
 * is served, and moves 64 KiB at a time: what is longer goes on between two instructions
 * (emu/dev/completion.h), and its control field tells the guest when it is done. Requests and
 * targets outside of RAM and ROM are errors: a device must not be entered while another one works.
 */
#include "emu/chip/fw_cfg.h"

#include "emu/mem/gpmem.h"
#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define ID_PORTS BIT(0)
#define ID_DMA	 BIT(1)

#define DMA_ERROR    BIT(0)
#define DMA_READ     BIT(1)
#define DMA_SKIP     BIT(2)
#define DMA_SELECT   BIT(3)
#define DMA_WRITE    BIT(4)
#define REQUEST_SIZE 16u
#define PIECE	     (64u * 1024u)

#define RECORD_SIZE 64u /* of the directory: size u32, key u16, 0 u16, name[56]; big-endian */

static u32 get_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static void put_be32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
}

/* --- Items */

static struct fw_cfg_item *find(struct fw_cfg *f, u16 key)
{
	for (unsigned i = 0; i < f->items; i++)
		if (f->item[i].key == key)
			return &f->item[i];
	return NULL;
}

static int add_item(struct fw_cfg *f, u16 key, const char *name, const void *data, u32 size)
{
	struct fw_cfg_item *item = &f->item[f->items];

	if (f->items == FW_CFG_ITEMS)
		return E_FULL;
	*item = (struct fw_cfg_item){ .key = key, .size = size, .data = mem_alloc(size) };
	if (!item->data)
		return E_NOMEM;
	memcpy(item->data, data, size);
	str_copy(item->name, name, sizeof(item->name));
	f->items++;
	return 0;
}

int fw_cfg_add(struct fw_cfg *f, u16 key, const void *data, u32 size)
{
	return add_item(f, key, "", data, size);
}

/* The directory is made anew with each file. */
static int update_directory(struct fw_cfg *f)
{
	struct fw_cfg_item *directory = find(f, FW_CFG_DIRECTORY);
	u32 size = 4 + f->files * RECORD_SIZE;
	u8 *data = mem_alloc(size), *at = data + 4;

	if (!data)
		return E_NOMEM;
	put_be32(data, f->files);
	for (unsigned i = 0; i < f->items; i++) {
		const struct fw_cfg_item *item = &f->item[i];

		if (!item->name[0])
			continue;
		put_be32(at, item->size);
		put_be32(at + 4, (u32)item->key << 16);
		str_copy((char *)at + 8, item->name, FW_CFG_NAME);
		at += RECORD_SIZE;
	}
	mem_free(directory->data);
	directory->data = data;
	directory->size = size;
	return 0;
}

int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, u32 size)
{
	int err = add_item(f, (u16)(FW_CFG_FILE_FIRST + f->files), name, data, size);

	if (err)
		return err;
	f->files++;
	return update_directory(f);
}

const struct fw_cfg_item *fw_cfg_find_file(const struct fw_cfg *f, const char *name)
{
	for (unsigned i = 0; i < f->items; i++)
		if (f->item[i].name[0] && !strcmp(f->item[i].name, name))
			return &f->item[i];
	return NULL;
}

static void select(struct fw_cfg *f, u16 key)
{
	f->selected = key;
	f->offset = 0;
}

/* Up to n bytes that come next, in *data; n becomes how many. NULL: only zeros are left. */
static const u8 *next_bytes(struct fw_cfg *f, u32 *n)
{
	const struct fw_cfg_item *item = find(f, f->selected);
	u32 at = f->offset;

	if (!item || at >= item->size)
		return NULL;
	*n = MIN(*n, item->size - at);
	f->offset += *n;
	return item->data + at;
}

/* --- Ports */

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	u32 n = 1;
	const u8 *byte = offset == 1 && size == 1 ? next_bytes(dev, &n) : NULL;

	return byte ? *byte : 0;
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	if (offset == 0 && size == 2)
		select(dev, (u16)value);
}

static const struct bus_ports item_ports = { port_read, port_write, 2 };

/* --- DMA */

static bool is_memory(const struct fw_cfg *f, gpa_t at)
{
	const struct gpmem_region *r = gpmem_find(f->mem, at);

	return r && r->kind != GPMEM_MMIO;
}

/* Bytes, or zeros, for the guest: of one page at most. */
static u32 move(struct fw_cfg *f)
{
	static const u8 zeros[PAGE_SIZE];
	u32 n = MIN(f->dma.left, PAGE_SIZE - (u32)(f->dma.to & (PAGE_SIZE - 1)));
	const u8 *data = next_bytes(f, &n);

	gpmem_write_by_device(f->mem, f->dma.to, data ? data : zeros, n);
	return n;
}

static void finish(struct fw_cfg *f)
{
	u8 control[4];

	put_be32(control, f->dma.failed ? DMA_ERROR : 0);
	f->dma.left = 0;
	gpmem_write_by_device(f->mem, f->dma.request, control, sizeof(control));
}

static void step(void *ctx)
{
	struct fw_cfg *f = ctx;

	for (u32 budget = PIECE; f->dma.left && budget;) {
		u32 n;

		if (!is_memory(f, f->dma.to)) {
			f->dma.failed = true;
			break;
		}
		n = move(f);
		f->dma.to += n;
		f->dma.left -= n;
		budget -= MIN(budget, n);
	}
	if (f->dma.left && !f->dma.failed)
		completion_post(f->completions, &f->more);
	else
		finish(f);
}

static void skip(struct fw_cfg *f, u32 n)
{
	next_bytes(f, &n);
}

/* What cannot be asked for, and a request on top of another, end in an error. */
static void begin(struct fw_cfg *f, gpa_t request)
{
	u8 r[REQUEST_SIZE];
	u32 control, length;

	if (!is_memory(f, request) || !is_memory(f, request + REQUEST_SIZE - 1))
		return;
	gpmem_read(f->mem, request, r, sizeof(r));
	if (f->dma.left) {
		put_be32(r, DMA_ERROR);
		gpmem_write_by_device(f->mem, request, r, 4);
		return;
	}
	control = get_be32(r);
	length = get_be32(r + 4);
	f->dma.request = request;
	f->dma.to = (u64)get_be32(r + 8) << 32 | get_be32(r + 12);
	f->dma.failed = false;
	if (control & DMA_SELECT)
		select(f, (u16)(control >> 16));
	if (control & DMA_READ) {
		f->dma.failed = f->dma.to + length < f->dma.to;
		f->dma.left = f->dma.failed ? 0 : length;
	} else if (control & DMA_WRITE) {
		f->dma.failed = true;
	} else if (control & DMA_SKIP) {
		skip(f, length);
	}
	step(f);
}

/* The signature, by which firmware finds that there is DMA. */
static u32 dma_read(void *dev, u16 offset, unsigned size)
{
	static const char signature[9] = "QEMU CFG";
	u32 v = 0;

	(void)dev;
	for (unsigned i = 0; i < size; i++)
		v |= (u32)(u8)signature[offset + i] << (8 * i);
	return v;
}

static void dma_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct fw_cfg *f = dev;

	if (size != 4)
		return;
	value = __builtin_bswap32(value);
	if (offset == 0) {
		f->dma_high = value;
	} else if (offset == 4) {
		begin(f, (u64)f->dma_high << 32 | value);
		f->dma_high = 0;
	}
}

static const struct bus_ports dma_ports = { dma_read, dma_write, 4 };

/* --- Set-up */

static void fw_cfg_reset(void *dev)
{
	struct fw_cfg *f = dev;

	if (f->completions)
		completion_cancel(f->completions, &f->more);
	select(f, FW_CFG_SIGNATURE);
	f->dma_high = f->dma.left = 0;
	f->dma.request = f->dma.to = 0;
	f->dma.failed = false;
}

static int fw_cfg_init(void *dev, const struct device_bay *bay)
{
	static const u8 id[4] = { ID_PORTS | ID_DMA }, no_files[4] = { 0 };
	struct fw_cfg *f = dev;
	int err;

	f->mem = bay->mem;
	f->completions = bay->completions;
	f->more = (struct completion){ .run = step, .ctx = f };
	fw_cfg_reset(f);
	err = fw_cfg_add(f, FW_CFG_SIGNATURE, "QEMU", 4);
	if (!err)
		err = fw_cfg_add(f, FW_CFG_ID, id, sizeof(id));
	if (!err)
		err = fw_cfg_add(f, FW_CFG_DIRECTORY, no_files, sizeof(no_files));
	return err;
}

static void fw_cfg_destroy(void *dev)
{
	struct fw_cfg *f = dev;

	while (f->items)
		mem_free(f->item[--f->items].data);
}

/* Items are the configuration's, not the guest's. */
static void fw_cfg_state(void *dev, struct snap *s)
{
	struct fw_cfg *f = dev;

	snap_u16(s, f->selected);
	snap_u32(s, f->offset);
	snap_u32(s, f->dma_high);
	snap_u64(s, f->dma.request);
	snap_u64(s, f->dma.to);
	snap_u32(s, f->dma.left);
	snap_bool(s, f->dma.failed);
	snap_require(s, f->dma.to + f->dma.left >= f->dma.to);
	if (s->loading && snap_ok(s) && f->dma.left)
		completion_post(f->completions, &f->more);
}

const struct device_class fw_cfg_class = {
	.name = "fw-cfg",
	.version = 1,
	.size = sizeof(struct fw_cfg),
	.ports = { &item_ports, &dma_ports },
	.init = fw_cfg_init,
	.reset = fw_cfg_reset,
	.destroy = fw_cfg_destroy,
	.state = fw_cfg_state,
	.title = "fw_cfg",
	.file = "fw_cfg.c",
	.has = "items and files by port and by DMA, as QEMU's",
	.lacks = "items that the guest may write",
};
