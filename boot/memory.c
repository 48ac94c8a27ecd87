/* SPDX-License-Identifier: MIT */
/*
 * Start-up of memory, in this order:
 *
 * 1. The pieces of RAM that are ours: not the image, not the modules.
 * 2. The page allocator's state bytes, below 4 GiB, which is all that the first page tables reach.
 * 3. Pages below 4 GiB go to the allocator; the final page tables are built from them.
 * 4. The rest follows, now that the direct map covers it.
 */
#include "boot/memory.h"

#include "arch/mem/image.h"
#include "arch/mem/kmap.h"
#include "boot/lib/bootinfo.h"
#include "boot/lib/memmap.h"
#include "drivers/video/screen.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/lib/cmdline.h"
#include "kernel/lib/module.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"
#include "kernel/debug/power.h"

#define NEEDED (24 * MiB) /* free, when all is loaded: the smallest VM and its tables */

static struct memmap map;
static struct kmap_range direct[BOOT_MAX_RANGES + 1];

static void find_pieces(void)
{
	memmap_from_boot(&map, &boot_info);
	memmap_remove(&map, 0, MiB);
	memmap_remove(&map, MiB, (hpa_t)(image_data_end - IMAGE_BASE));
	const struct module *m;

	for (unsigned i = 0; (m = module_at(i)); i++) {
		hpa_t start = kmap_hpa(m->data);

		memmap_remove(&map, ALIGN_DOWN(start, (hpa_t)PAGE_SIZE),
			      ALIGN_UP(start + m->size, (hpa_t)PAGE_SIZE));
	}
}

/* selftest=small: as if this machine were too small, to see its last words on any screen. */
static void check_enough(void)
{
	const char *test = cmdline_get("selftest");
	u64 have = memmap_total(&map);
	u64 needed = test && !strcmp(test, "small") ? have + MiB : NEEDED;

	if (have >= needed)
		return;
	screen_init_refusal(&boot_info.fb);
	console_print("Ringleader cannot run here: %llu MiB of memory are free, at least %llu are "
		      "needed\n",
		      (unsigned long long)(have / MiB), (unsigned long long)(needed / MiB));
	power_halt();
}

/* RAM and firmware tables; the first MiB for the BIOS's own. Device memory is mapped by those who
 * know it. */
static unsigned direct_ranges(void)
{
	unsigned n = 0;

	direct[n++] = (struct kmap_range){ 0, MiB };
	for (unsigned i = 0; i < boot_info.ranges; i++) {
		const struct boot_range *r = &boot_info.range[i];

		if (r->kind == BOOT_RAM || r->kind == BOOT_ACPI || r->kind == BOOT_NVS)
			direct[n++] = (struct kmap_range){ r->start, r->end };
	}
	return n;
}

static void add_pieces(hpa_t from, hpa_t to)
{
	for (unsigned i = 0; i < map.pieces; i++) {
		hpa_t start = MAX(map.piece[i].start, from);
		hpa_t end = MIN(map.piece[i].end, to);

		if (start < end)
			page_add_range(start, end);
	}
}

void memory_init(void)
{
	find_pieces();
	check_enough();

	hpa_t top = memmap_top(&map);
	u64 state_size = ALIGN_UP(top >> PAGE_SHIFT, (u64)PAGE_SIZE);
	hpa_t state = memmap_take(&map, state_size, MiB, 4 * GiB);

	if (!state)
		panic("no room below 4 GiB for %llu KiB of page states",
		      (unsigned long long)(state_size / KiB));
	page_init(direct_ptr(state), top);
	add_pieces(0, 4 * GiB);
	kmap_init(direct, direct_ranges(), page_alloc, page_free);
	add_pieces(4 * GiB, UINT64_MAX);
	log_info("memory: %llu MiB, %llu KiB of them page states",
		 (unsigned long long)(page_total_bytes() / MiB),
		 (unsigned long long)(state_size / KiB));
}
