/* SPDX-License-Identifier: MIT */
/*
 * Status of guest pages for raw ring 1. Status belongs to (physical page, following physical page)
 * in 32-bit code segments; raw ring 1 is refused in 16-bit ones, so CS.D is not part of the key.
 */
#include "vmm/code/raw_page.h"

#include "emu/cpu/semantics.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "vmm/code/analyse.h"

enum { RAW_PAGE_UNKNOWN, RAW_PAGE_CLEAN, RAW_PAGE_DIRTY, RAW_PAGE_GIVEN_UP, RAW_PAGE_STATUS = 3 };

#define LOSS	   4u  /* one in a status byte, above the two bits of RAW_PAGE_* */
#define LOSSES_MAX 48u /* patched kernels write to a code page a dozen times */

#define ANALYSE_AHEAD 16u /* bytes of the next page that an instruction can reach into */

static u8 status_of(const struct raw_pages *r, u32 page)
{
	return r->status[page] & RAW_PAGE_STATUS;
}

static void set_status(struct raw_pages *r, u32 page, u8 status)
{
	r->status[page] = (u8)((r->status[page] & ~RAW_PAGE_STATUS) | status);
}

static void lose(struct raw_pages *r, u32 page)
{
	if (page >= r->pages || status_of(r, page) == RAW_PAGE_UNKNOWN ||
	    status_of(r, page) == RAW_PAGE_GIVEN_UP)
		return;
	if (status_of(r, page) == RAW_PAGE_CLEAN)
		shadow_set_clean(r->shadow, (gpa_t)page << PAGE_SHIFT, false);
	set_status(r, page, RAW_PAGE_UNKNOWN);
	r->status[page] = (u8)(r->status[page] + LOSS);
	if (r->status[page] >= LOSSES_MAX * LOSS)
		set_status(r, page, RAW_PAGE_GIVEN_UP);
	r->lost++;
}

void raw_pages_reset(struct raw_pages *r, u32 first, u32 count)
{
	for (u32 page = first; page < MIN(first + count, r->pages); page++) {
		lose(r, page);
		r->status[page] = RAW_PAGE_UNKNOWN;
	}
}

static void written(void *ctx, gpa_t gpa, u32 len)
{
	struct raw_pages *r = ctx;
	u32 page = (u32)(gpa >> PAGE_SHIFT);

	if (page >= r->pages)
		return;
	lose(r, page);
	if (r->follows[page] && (gpa & (PAGE_SIZE - 1)) < ANALYSE_AHEAD) {
		lose(r, r->follows[page] - 1);
		r->follows[page] = 0;
	}
	if (r->leads[page] && (gpa & (PAGE_SIZE - 1)) + len > PAGE_SIZE - ANALYSE_TAIL) {
		lose(r, r->leads[page] - 1);
		r->leads[page] = 0;
	}
	if (!r->follows[page] && !r->leads[page])
		gpmem_unwatch(r->mem, gpa, GPMEM_WATCH_RAW);
}

int raw_pages_init(struct raw_pages *r, struct gpmem *mem, struct shadow *shadow, u64 ram_end,
		   bool umip)
{
	*r = (struct raw_pages){
		.pages = (u32)(ram_end >> PAGE_SHIFT), .mem = mem, .shadow = shadow, .umip = umip
	};
	r->status = mem_alloc(r->pages);
	r->follows = mem_alloc((size_t)r->pages * sizeof(u32));
	r->leads = mem_alloc((size_t)r->pages * sizeof(u32));
	if (!r->status || !r->follows || !r->leads) {
		raw_pages_destroy(r);
		return E_NOMEM;
	}
	gpmem_set_watcher(mem, GPMEM_WATCH_RAW, written, r);
	return 0;
}

void raw_pages_destroy(struct raw_pages *r)
{
	mem_free(r->status);
	mem_free(r->follows);
	mem_free(r->leads);
	r->leads = NULL;
	r->status = NULL;
	r->follows = NULL;
}

/*
 * Makes page depend on neighbour: a write to neighbour takes page's status away. A neighbour has
 * room for one such page. False: it has another already, and page must do without its bytes.
 */
static bool depend(struct raw_pages *r, u32 *of, u32 page, u32 neighbour)
{
	if (neighbour >= r->pages || (of[neighbour] && of[neighbour] != page + 1))
		return false;
	of[neighbour] = page + 1;
	gpmem_watch(r->mem, (gpa_t)neighbour << PAGE_SHIFT, GPMEM_WATCH_RAW);
	return true;
}

/* The last bytes of the page before in linear space, if they can be had and are kept an eye on. */
static const u8 *tail_of_previous(struct raw_pages *r, struct cpu *cpu, gla_t gla, u32 page)
{
	struct pagewalk before;
	const u8 *bytes;

	if (cpu_probe(cpu, (gla & ~(PAGE_SIZE - 1)) - PAGE_SIZE, ACCESS_EXEC, &before))
		return NULL;
	bytes = gpmem_ptr(r->mem, before.gpa & PAGE_MASK, false);
	if (!bytes || !depend(r, r->leads, page, (u32)(before.gpa >> PAGE_SHIFT)))
		return NULL;
	return bytes + PAGE_SIZE - ANALYSE_TAIL;
}

static void analyse(struct raw_pages *r, struct cpu *cpu, gla_t gla, u32 page)
{
	const u8 *bytes = gpmem_ptr(r->mem, (gpa_t)page << PAGE_SHIFT, false);
	const u8 *ahead = NULL;
	struct pagewalk next;
	u16 entry = gla & (PAGE_SIZE - 1);
	struct analysis a;

	if (!bytes)
		return;
	if (!cpu_probe(cpu, (gla & ~(PAGE_SIZE - 1)) + PAGE_SIZE, ACCESS_READ, &next))
		ahead = gpmem_ptr(r->mem, next.gpa, false);
	analyse_page(bytes, tail_of_previous(r, cpu, gla, page), ahead, true, &entry, 1, r->umip,
		     &a);
	r->analysed++;
	if (a.clean && a.uses_next &&
	    (!ahead || !depend(r, r->follows, page, (u32)(next.gpa >> PAGE_SHIFT))))
		a.clean = false;
	gpmem_watch(r->mem, (gpa_t)page << PAGE_SHIFT, GPMEM_WATCH_RAW);
	set_status(r, page, a.clean ? RAW_PAGE_CLEAN : RAW_PAGE_DIRTY);
	if (a.clean) {
		r->clean++;
		shadow_set_clean(r->shadow, (gpa_t)page << PAGE_SHIFT, true);
	} else {
		r->dirty++;
	}
}

/* The number of the page that control enters at gla; r->pages for one that is never clean. */
static u32 page_at(const struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	const struct softtlb_entry *e = cpu_translate(cpu, gla, ACCESS_EXEC);

	return e && !e->user ? (u32)MIN(e->gpa >> PAGE_SHIFT, (gpa_t)r->pages) : r->pages;
}

bool raw_page_clean(struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	u32 page = page_at(r, cpu, gla);

	if (page == r->pages)
		return false;
	if (status_of(r, page) == RAW_PAGE_UNKNOWN)
		analyse(r, cpu, gla, page);
	return status_of(r, page) == RAW_PAGE_CLEAN;
}

bool raw_page_known_clean(const struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	u32 page = page_at(r, cpu, gla);

	return page != r->pages && status_of(r, page) == RAW_PAGE_CLEAN;
}
