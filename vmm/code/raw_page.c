/* SPDX-License-Identifier: MIT */
/*
 * Status of guest pages for raw ring 1. Status belongs to (physical page, following physical page)
 * in 32-bit code segments; raw ring 1 is refused in 16-bit ones, so CS.D is not part of the key.
 */
#include "vmm/code/raw_page.h"

#include "emu/cpu/semantics.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

enum { RAW_PAGE_UNKNOWN, RAW_PAGE_CLEAN, RAW_PAGE_DIRTY, RAW_PAGE_GIVEN_UP, RAW_PAGE_STATUS = 3 };

#define LOSS	   4u  /* one in a status byte, above the two bits of RAW_PAGE_* */
#define LOSSES_MAX 48u /* patched kernels write to a code page a dozen times */

#define NO_PAGE UINT32_MAX

static u8 status_of(const struct raw_pages *r, u32 page)
{
	return r->status[page] & RAW_PAGE_STATUS;
}

static void set_status(struct raw_pages *r, u32 page, u8 status)
{
	r->status[page] = (u8)((r->status[page] & ~RAW_PAGE_STATUS) | status);
}

/* It was looked at in vain. */
static void note_loss(struct raw_pages *r, u32 page)
{
	set_status(r, page, RAW_PAGE_UNKNOWN);
	r->status[page] = (u8)(r->status[page] + LOSS);
	if (r->status[page] >= LOSSES_MAX * LOSS)
		set_status(r, page, RAW_PAGE_GIVEN_UP);
	r->lost++;
}

static void lose(struct raw_pages *r, u32 page)
{
	if (page >= r->pages || status_of(r, page) == RAW_PAGE_UNKNOWN ||
	    status_of(r, page) == RAW_PAGE_GIVEN_UP)
		return;
	if (status_of(r, page) == RAW_PAGE_CLEAN)
		shadow_set_clean(r->shadow, (gpa_t)page << PAGE_SHIFT, false);
	note_loss(r, page);
}

void raw_pages_reset(struct raw_pages *r, u32 first, u32 count)
{
	r->job.busy = false;
	for (u32 page = first; page < MIN(first + count, r->pages); page++) {
		if (!r->status[page]) /* most never held code */
			continue;
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

/* NULL: none, or a device's, which change where nobody watches. */
static const u8 *bytes_of(const struct raw_pages *r, u32 page)
{
	gpa_t gpa = (gpa_t)page << PAGE_SHIFT;

	return page == NO_PAGE || gpmem_is_window(r->mem, gpa) ? NULL
							       : gpmem_ptr(r->mem, gpa, false);
}

/* The number of a neighbour in linear space; NO_PAGE for what has no bytes. */
static u32 neighbour(const struct raw_pages *r, struct cpu *cpu, gla_t gla, unsigned access)
{
	struct pagewalk w;

	if (cpu_probe(cpu, gla, access, &w) || !bytes_of(r, (u32)(w.gpa >> PAGE_SHIFT)))
		return NO_PAGE;
	return (u32)(w.gpa >> PAGE_SHIFT);
}

static void begin(struct raw_pages *r, struct cpu *cpu, gla_t gla, u32 page)
{
	struct raw_page_job *j = &r->job;
	gla_t start = gla & ~(PAGE_SIZE - 1);
	u16 entry = gla & (PAGE_SIZE - 1);
	const u8 *tail = NULL;

	j->gla = gla;
	j->page = page;
	j->next = neighbour(r, cpu, start + PAGE_SIZE, ACCESS_READ);
	j->before = neighbour(r, cpu, start - PAGE_SIZE, ACCESS_EXEC);
	if (j->before != NO_PAGE && !depend(r, r->leads, page, j->before))
		j->before = NO_PAGE;
	if (j->before != NO_PAGE) {
		memcpy(j->tail, bytes_of(r, j->before) + PAGE_SIZE - ANALYSE_TAIL, ANALYSE_TAIL);
		tail = j->tail;
	}
	analyse_begin(&j->analyser, bytes_of(r, page), tail, bytes_of(r, j->next), true, &entry, 1,
		      r->umip);
	j->busy = true;
}

/* Are the bytes still those that were looked at? */
static bool unchanged(const struct raw_pages *r)
{
	const struct raw_page_job *j = &r->job;
	const u8 *copy = j->analyser.bytes;

	return !memcmp(bytes_of(r, j->page), copy, PAGE_SIZE) &&
	       (j->next == NO_PAGE ||
		!memcmp(bytes_of(r, j->next), copy + PAGE_SIZE, ANALYSE_AHEAD)) &&
	       (j->before == NO_PAGE ||
		!memcmp(bytes_of(r, j->before) + PAGE_SIZE - ANALYSE_TAIL, j->tail, ANALYSE_TAIL));
}

/*
 * The status is for the bytes of this moment: from now on, writes to them are seen. What the guest
 * wrote while they were looked at shows by comparison.
 */
static void finish(struct raw_pages *r)
{
	const struct raw_page_job *j = &r->job;
	bool clean = j->analyser.found.clean;
	gpa_t gpa = (gpa_t)j->page << PAGE_SHIFT;

	r->job.busy = false;
	r->analysed++;
	if (!unchanged(r) || (j->before != NO_PAGE && !depend(r, r->leads, j->page, j->before))) {
		note_loss(r, j->page);
		return;
	}
	if (clean && j->analyser.found.uses_next &&
	    (j->next == NO_PAGE || !depend(r, r->follows, j->page, j->next)))
		clean = false;
	gpmem_watch(r->mem, gpa, GPMEM_WATCH_RAW);
	set_status(r, j->page, clean ? RAW_PAGE_CLEAN : RAW_PAGE_DIRTY);
	if (clean) {
		r->clean++;
		shadow_set_clean(r->shadow, gpa, true);
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

/* The status of the page at gla, after a piece of looking if it has none yet. */
static u8 look(struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	u32 page = page_at(r, cpu, gla);

	if (page == r->pages || !bytes_of(r, page))
		return RAW_PAGE_DIRTY;
	if (status_of(r, page) == RAW_PAGE_UNKNOWN) {
		if (!r->job.busy)
			begin(r, cpu, gla, page);
		else if (analyse_step(&r->job.analyser, ANALYSE_STEPS))
			finish(r);
	}
	return status_of(r, page);
}

bool raw_page_clean(struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	return look(r, cpu, gla) == RAW_PAGE_CLEAN;
}

bool raw_page_dirty(struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	u8 status = look(r, cpu, gla);

	return status == RAW_PAGE_DIRTY || status == RAW_PAGE_GIVEN_UP;
}

bool raw_page_known_clean(const struct raw_pages *r, struct cpu *cpu, gla_t gla)
{
	u32 page = page_at(r, cpu, gla);

	return page != r->pages && status_of(r, page) == RAW_PAGE_CLEAN;
}
