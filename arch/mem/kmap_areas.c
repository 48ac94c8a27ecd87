/* SPDX-License-Identifier: MIT */
/*
 * Mappings beside the direct map: code caches and device memory.
 *
 * Code caches are slots of 2 MiB. A slot's two addresses differ by CODE_ALIAS: executable and
 * read-only at the lower one, writable and never executable at the upper one. Device memory is
 * handed out upwards and never given back. No lock: only start-up and the creation of VMs come
 * here, on the boot CPU.
 */
#include "arch/mem/kmap.h"

#include "arch/mem/image.h"
#include "arch/mem/kmap_tables.h"
#include "kernel/base/log.h"

#define CODE_START   0xffffffffa0000000ull
#define CODE_ALIAS   0x20000000ull
#define CODE_SLOTS   ((unsigned)(CODE_ALIAS / LARGE_2M))
#define DEVICE_START 0xffffffffe0000000ull
#define DEVICE_END   0xfffffffffff00000ull
/* Nothing lies in the 6 GiB from there to the image. An odd place: a TLB, QEMU's above all, keeps
 * pages by the low bits of their numbers, and buffers of a guest begin at round ones. */
#define FENCE_START 0xfffffffe00357000ull
#define SLOT_ORDER  9u

static void *code_slot[CODE_SLOTS]; /* its memory, NULL if free */
static hva_t device_next = DEVICE_START;

static unsigned find_slots(unsigned n)
{
	unsigned run = 0;

	for (unsigned i = 0; i < CODE_SLOTS; i++) {
		run = code_slot[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return CODE_SLOTS;
}

static void free_slots(unsigned first, unsigned n)
{
	kmap_table_unmap_2m(CODE_START + first * LARGE_2M, n * LARGE_2M);
	kmap_table_unmap_2m(CODE_START + CODE_ALIAS + first * LARGE_2M, n * LARGE_2M);
	for (unsigned i = first; i < first + n; i++) {
		kmap_block_free(code_slot[i], SLOT_ORDER);
		code_slot[i] = NULL;
	}
}

void *kmap_code(size_t size, u8 **rw)
{
	unsigned n = (unsigned)((size + LARGE_2M - 1) / LARGE_2M);
	unsigned first = find_slots(n);

	if (first == CODE_SLOTS || !n)
		return NULL;
	for (unsigned i = first; i < first + n; i++) {
		hva_t rx = CODE_START + i * LARGE_2M;
		void *p = kmap_block_alloc(SLOT_ORDER);

		if (!p) {
			free_slots(first, i - first);
			return NULL;
		}
		code_slot[i] = p;
		if (kmap_table_try_map(rx, kmap_hpa(p), LARGE_2M, 0, LARGE_2M) ||
		    kmap_table_try_map(rx + CODE_ALIAS, kmap_hpa(p), LARGE_2M, PTE_W | PTE_NX,
				       LARGE_2M)) {
			free_slots(first, i + 1 - first);
			return NULL;
		}
	}
	*rw = (u8 *)(CODE_START + CODE_ALIAS + first * LARGE_2M);
	return (void *)(CODE_START + first * LARGE_2M);
}

void kmap_code_free(void *rx, size_t size)
{
	hva_t offset = (hva_t)rx - CODE_START;

	ASSERT(offset < CODE_ALIAS && offset % LARGE_2M == 0);
	free_slots((unsigned)(offset / LARGE_2M), (unsigned)((size + LARGE_2M - 1) / LARGE_2M));
}

void *kmap_physical(hpa_t hpa, size_t size, enum kmap_cache cache)
{
	static const u64 cache_flags[] = {
		[KMAP_UNCACHED] = PTE_PCD | PTE_PWT,
		[KMAP_WRITE_COMBINE] = PTE_PAT_SMALL, /* PA4: arch/cpu/cpu_features.c */
		[KMAP_CACHED] = 0,
	};
	hpa_t start = ALIGN_DOWN(hpa, (hpa_t)PAGE_SIZE);
	u64 length = ALIGN_UP(hpa + size, (hpa_t)PAGE_SIZE) - start;
	/* Frame buffers are worth large pages. */
	u64 align = length >= LARGE_2M ? LARGE_2M : PAGE_SIZE;
	hva_t at = ALIGN_UP(device_next, align) + (start & (align - 1));

	if (at + length > DEVICE_END || at + length < at)
		return NULL;
	if (kmap_table_try_map(at, start, length, PTE_W | PTE_NX | cache_flags[cache], LARGE_2M))
		return NULL;
	device_next = at + length;
	return (void *)(at + (hpa - start));
}

void *kmap_device(hpa_t hpa, size_t size, bool write_combine)
{
	return kmap_physical(hpa, size, write_combine ? KMAP_WRITE_COMBINE : KMAP_UNCACHED);
}

const u8 *kmap_fence(void)
{
	u64 size;

	for (hva_t at = FENCE_START; at < FENCE_START + KMAP_FENCE; at += PAGE_SIZE)
		if (!kmap_table_lookup(at, &size) &&
		    kmap_table_try_map(at, kmap_hpa(image_rodata_start), PAGE_SIZE, PTE_NX,
				       PAGE_SIZE))
			return NULL;
	return (const u8 *)FENCE_START;
}
