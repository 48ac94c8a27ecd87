/* SPDX-License-Identifier: MIT */
/*
 * The monitor's page tables: one root whose upper half every shadow root shares by reference.
 *
 * PML4 entries exist for everything before the first shadow root copies them: those of the direct
 * map because it is complete after kmap_init(), the last one because the image is there. Below
 * that, tables are shared, so later mappings show everywhere. All leaves are global: a CR3 load for
 * the guest's sake keeps the monitor's translations.
 */
#include "arch/mem/kmap_tables.h"

#include "arch/cpu/processor.h"
#include "arch/mem/image.h"
#include "arch/cpu/percpu.h"
#include "arch/mem/kmap.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

static u64 *root;
static void *(*block_alloc)(unsigned order);
static void (*block_free)(void *p, unsigned order);

void *kmap_block_alloc(unsigned order)
{
	return block_alloc(order);
}

void kmap_block_free(void *p, unsigned order)
{
	block_free(p, order);
}

static unsigned index_at(hva_t hva, unsigned level)
{
	return (unsigned)(hva >> (PAGE_SHIFT + 9 * level)) & 511;
}

static u64 *table_of(u64 entry)
{
	return direct_ptr(entry & PTE_FRAME);
}

static u64 *table_new(void)
{
	u64 *t = block_alloc(0);

	if (t)
		memset(t, 0, PAGE_SIZE);
	return t;
}

/* The entry for hva at level (0: 4 KiB leaves); NULL when there is no memory for a table above it.
 */
static u64 *entry_make(hva_t hva, unsigned level)
{
	u64 *t = root;

	for (unsigned l = 3; l > level; l--) {
		u64 *e = &t[index_at(hva, l)];

		if (!(*e & PTE_P)) {
			u64 *below = table_new();

			if (!below)
				return NULL;
			*e = kmap_hpa(below) | PTE_P | PTE_W | PTE_A;
		}
		ASSERT(!(l < 3 && (*e & PTE_PS)));
		t = table_of(*e);
	}
	return &t[index_at(hva, level)];
}

/* A small page's PAT bit is where a large page's size bit is. */
static u64 leaf(hpa_t hpa, u64 flags, unsigned level)
{
	if (!cpu_features.nx)
		flags &= ~PTE_NX;
	if (level && (flags & PTE_PAT_SMALL))
		flags = (flags & ~PTE_PAT_SMALL) | PTE_PAT_LARGE;
	return hpa | flags | PTE_P | PTE_A | PTE_D | PTE_G | (level ? PTE_PS : 0);
}

int kmap_table_try_map(hva_t hva, hpa_t hpa, u64 size, u64 flags, u64 max_page)
{
	while (size) {
		u64 page = PAGE_SIZE;
		unsigned level = 0;

		for (u64 p = LARGE_2M, l = 1; p <= max_page && l <= 2; p <<= 9, l++) {
			if (((hva | hpa) & (p - 1)) == 0 && size >= p) {
				page = p;
				level = (unsigned)l;
			}
		}

		u64 *e = entry_make(hva, level);

		if (!e)
			return E_NOMEM;
		*e = leaf(hpa, flags, level);
		hva += page;
		hpa += page;
		size -= MIN(size, page);
	}
	return 0;
}

void kmap_table_map(hva_t hva, hpa_t hpa, u64 size, u64 flags, u64 max_page)
{
	if (kmap_table_try_map(hva, hpa, size, flags, max_page))
		panic("no memory for the monitor's page tables");
}

void kmap_table_unmap_2m(hva_t hva, u64 size)
{
	for (u64 done = 0; done < size; done += LARGE_2M) {
		*entry_make(hva + done, 1) = 0;
		invlpg(hva + done);
	}
}

u64 kmap_table_lookup(hva_t hva, u64 *page)
{
	u64 *t = root;

	for (unsigned l = 3;; l--) {
		u64 e = t[index_at(hva, l)];

		if (!(e & PTE_P))
			return 0;
		if (l == 0 || (l < 3 && (e & PTE_PS))) {
			*page = (u64)PAGE_SIZE << (9 * l);
			return e;
		}
		t = table_of(e);
	}
}

bool kmap_direct_mapped(hpa_t hpa, u64 size)
{
	for (u64 at = hpa, page; at < hpa + size; at = (at & ~(page - 1)) + page)
		if (!kmap_table_lookup(DIRECT_MAP_BASE + at, &page))
			return false;
	return true;
}

hpa_t kmap_hpa(const void *hva)
{
	hva_t a = (hva_t)hva;

	if (a >= IMAGE_BASE)
		return a - IMAGE_BASE;
	ASSERT(a >= DIRECT_MAP_BASE);
	return a - DIRECT_MAP_BASE;
}

const u64 *kmap_upper_pml4(void)
{
	return root + 256;
}

hpa_t kmap_monitor_root(void)
{
	return kmap_hpa(root);
}

static void map_image(const char *start, const char *end, u64 flags)
{
	for (hva_t a = (hva_t)start; a < (hva_t)end; a += PAGE_SIZE)
		if (!percpu_stack_guard(a))
			kmap_table_map(a, a - IMAGE_BASE, PAGE_SIZE, flags, PAGE_SIZE);
}

void kmap_init(const struct kmap_range *ranges, unsigned n, void *(*alloc)(unsigned order),
	       void (*free)(void *p, unsigned order))
{
	u64 max_page = cpu_features.huge1g ? LARGE_1G : LARGE_2M;
	hpa_t done = 0;

	block_alloc = alloc;
	block_free = free;
	root = table_new();
	if (!root)
		panic("no memory for the monitor's page tables");
	for (unsigned i = 0; i < n; i++) {
		hpa_t start = MAX(done, ALIGN_DOWN(ranges[i].start, LARGE_2M));
		hpa_t end = ALIGN_UP(ranges[i].end, LARGE_2M);

		if (start >= end)
			continue;
		kmap_table_map(DIRECT_MAP_BASE + start, start, end - start, PTE_W | PTE_NX,
			       max_page);
		done = end;
	}
	map_image(image_text_start, image_text_end, 0);
	map_image(image_rodata_start, image_rodata_end, PTE_NX);
	map_image(image_data_start, image_data_end, PTE_W | PTE_NX);
	write_cr3(kmap_hpa(root));
}
