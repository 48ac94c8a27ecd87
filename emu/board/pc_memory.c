/* SPDX-License-Identifier: MIT */
/*
 * One block of the monitor's memory holds the board's RAM, and one the firmware. SMRAM is RAM where
 * no processor reaches, with a window that shows its bytes: so it is saved, and nobody needs to
 * know where the window is.
 */
#include "emu/board/pc_memory.h"

#include "emu/chip/i440fx.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/pc_layout.h"

#define UPPER_SIZE (PC_HIGH - PC_ROMS)
#define UNIT	   0x4000u /* a region each: parts are made of them */

#define SMRAM_AWAY	  GPMEM_PARKED(8)
#define SMRAM_WINDOW_AWAY GPMEM_PARKED(9)

/* Chunks of memory in one piece, gpmem's from then on. */
static u8 **chunks_of(u8 *memory, u32 size)
{
	u32 n = (size + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT;
	u8 **chunk = mem_alloc(n * sizeof(*chunk));

	for (u32 i = 0; chunk && i < n; i++)
		chunk[i] = memory + (size_t)i * GPMEM_CHUNK_SIZE;
	return chunk;
}

static int add_ram(struct pc_memory *m, gpa_t start, u32 size, u8 *memory, const char *name)
{
	u8 **chunk = chunks_of(memory, size);
	int err;

	if (!chunk)
		return E_NOMEM;
	err = gpmem_add_ram(m->mem, start, size, chunk, true, name);
	if (err)
		mem_free(chunk);
	return err;
}

static u8 *page_aligned(void *p)
{
	return (u8 *)ALIGN_UP((hva_t)p, (hva_t)PAGE_SIZE);
}

/* Nobody reads or writes a window that shows something. */
static const struct gpmem_mmio no_calls;

static int add_smram(struct pc_memory *m)
{
	int err = add_ram(m, SMRAM_AWAY, PC_VIDEO_SIZE, m->smram, "SMRAM");

	m->smram_at = SMRAM_WINDOW_AWAY;
	if (!err)
		err = gpmem_add_window(m->mem, m->smram_at, PC_VIDEO_SIZE, &no_calls, NULL,
				       "SMRAM");
	if (!err)
		gpmem_show(m->mem, m->smram_at, m->smram);
	return err;
}

static int add_regions(struct pc_memory *m)
{
	int err = add_smram(m);

	for (u32 at = 0; at < UPPER_SIZE && !err; at += UNIT)
		err = add_ram(m, PC_ROMS + at, UNIT, m->upper + at, "upper RAM");
	return err;
}

static int add_firmware(struct pc_memory *m, const u8 *firmware, u32 size)
{
	u8 **chunk;
	int err;

	if (!size || size % PC_FIRMWARE_UNIT || size > PC_FIRMWARE_MAX)
		return E_INVAL;
	m->firmware = mem_alloc(size + PAGE_SIZE);
	if (!m->firmware)
		return E_NOMEM;
	m->firmware_size = size;
	memcpy(page_aligned(m->firmware), firmware, size);
	chunk = chunks_of(page_aligned(m->firmware), size);
	if (!chunk)
		return E_NOMEM;
	err = gpmem_add_rom(m->mem, 4 * GiB - size, size, chunk, "firmware");
	if (err)
		mem_free(chunk);
	return err;
}

int pc_memory_create(struct pc_memory *m, struct gpmem *mem, const u8 *firmware, u32 firmware_size)
{
	int err;

	*m = (struct pc_memory){ .mem = mem };
	m->block = mem_alloc(UPPER_SIZE + UNIT + PC_VIDEO_SIZE + PAGE_SIZE);
	if (!m->block)
		return E_NOMEM;
	m->upper = page_aligned(m->block);
	m->ones = m->upper + UPPER_SIZE;
	m->smram = m->ones + UNIT;
	memset(m->ones, 0xff, UNIT);
	err = add_regions(m);
	return err || !firmware ? err : add_firmware(m, firmware, firmware_size);
}

void pc_memory_destroy(struct pc_memory *m)
{
	mem_free(m->firmware);
	mem_free(m->block);
}

u8 *pc_memory_bios(struct pc_memory *m)
{
	return m->upper + (PC_BIOS - PC_ROMS);
}

void pc_memory_tell(struct pc_memory *m, gpa_t start, u32 size)
{
	for (u32 at = 0; at < size; at += PAGE_SIZE)
		gpmem_written(m->mem, start + at, PAGE_SIZE);
}

void pc_memory_clear(struct pc_memory *m)
{
	memset(m->upper, 0, UPPER_SIZE);
	pc_memory_tell(m, PC_ROMS, UPPER_SIZE);
	memset(m->smram, 0, PC_VIDEO_SIZE);
	pc_memory_tell(m, m->smram_at, PC_VIDEO_SIZE);
}

void pc_memory_show_smram(struct pc_memory *m, bool open)
{
	gpa_t to = open ? PC_VIDEO : SMRAM_WINDOW_AWAY;

	if (to != m->smram_at && !gpmem_move(m->mem, m->smram_at, to))
		m->smram_at = to;
}

/* What is read where RAM is not. */
static const u8 *rom_at(const struct pc_memory *m, u32 start)
{
	u32 from_end = PC_HIGH - start;

	if (!m->firmware || start < PC_BIOS || from_end > m->firmware_size)
		return m->ones;
	return page_aligned(m->firmware) + m->firmware_size - from_end;
}

void pc_memory_set_part(void *ctx, const struct i440fx_part *part, bool reads, bool writes)
{
	struct pc_memory *m = ctx;

	for (u32 at = part->start; at < part->start + part->size; at += UNIT)
		gpmem_switch(m->mem, at, reads ? NULL : rom_at(m, at), !writes);
}
