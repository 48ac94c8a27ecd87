/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical memory: a sorted map of regions (RAM, ROM, device memory) and, per RAM page, who
 * watches it.
 *
 * RAM is backed in chunks of 2 MiB that need not be contiguous in the machine; a 4 KiB page is
 * zeroed when it is first touched. Writes by every path (gpmem_write, DMA, the slow path of the
 * CPU) tell the watchers; direct writes by guest code are kept off watched pages by the shadow
 * tables, which learn of a new watch by the protect hook.
 *
 * Pages of RAM can be given back to the machine, one by one, and come back elsewhere when they are
 * touched (emu/mem/gpmem_lend.c).
 *
 * RAM can be switched (gpmem_switch()), as a chipset does with the first megabyte: reads find other
 * bytes, writes are lost, or both. Direct accesses follow, since every cache of where bytes lie is
 * told.
 */
#pragma once

#include "emu/mem/gpmem_bytes.h"
#include "emu/mem/gpmem_device.h"

#define GPMEM_CHUNK_SHIFT 21
#define GPMEM_CHUNK_SIZE  (1u << GPMEM_CHUNK_SHIFT)
#define GPMEM_MAX_REGIONS 64

#define GPMEM_REACH BIT64(36) /* RAM from here on is out of the processor's reach */

enum gpmem_kind { GPMEM_RAM, GPMEM_ROM, GPMEM_MMIO };

/* Watchers of a page; several may watch one. */
#define GPMEM_WATCH_CODE   BIT(0) /* translated blocks */
#define GPMEM_WATCH_TABLE  BIT(1) /* a guest page table that is shadowed */
#define GPMEM_WATCH_RAW	   BIT(2) /* analysed for raw ring 1 */
#define GPMEM_WATCH_DESC   BIT(3) /* holds (part of) the guest's GDT or LDT */
#define GPMEM_WATCH_SCREEN BIT(4) /* shows on a screen: the next write is waited for */
#define GPMEM_WATCH_WALK   BIT(5) /* a guest page table that led to an entry of softtlb.c */
#define GPMEM_WATCHES	   6
#define GPMEM_WATCH_FRESH  BIT(7) /* some of its bytes were never written (emu/mem/gpmem_fresh.c) */
#define GPMEM_ELSEWHERE	   BIT(6) /* internal: not where its chunk is, or nowhere now */
#define GPMEM_ZEROED	   BIT(7) /* internal: contents are valid */

struct gpmem_region {
	gpa_t start;
	u64 size; /* multiples of 4 KiB */
	enum gpmem_kind kind;
	u8 **chunk;	/* RAM, ROM: hva of each 2 MiB from start (the last may be shorter) */
	u8 *page;	/* RAM: state byte of each 4 KiB, GPMEM_WATCH_* | GPMEM_ZEROED */
	const u8 *over; /* RAM: size bytes that reads find in its place; NULL: the RAM itself */
	bool sealed;	/* RAM: writes are lost */
	/* RAM whose pages can be given back: of each chunk that some are elsewhere of, where each
	 * of these lies, or NULL: it is given back. */
	u8 ***elsewhere;
	struct gpmem_fresh *fresh; /* of RAM; NULL: nobody wants to know */
	const struct gpmem_mmio *mmio;
	void *ctx;
	const char *name;
	bool window; /* a device's: RAM while it is shown, else MMIO */
	u32 number;  /* of a window's first page, among those of all windows */
};

/* Whose pages they are that a guest gives back. */
struct gpmem_frames {
	/* A page, not zeroed; NULL: there is none. must: it is for an access that cannot fail, so
	 * there is one, if only for the little while until the machine is ended. */
	void *(*take)(void *ctx, bool must);
	void (*give)(void *ctx, void *frame);
	void *ctx;
};

typedef void (*gpmem_watch_fn)(void *ctx, gpa_t gpa, u32 len);

struct gpmem {
	struct gpmem_region region[GPMEM_MAX_REGIONS];
	unsigned regions;
	struct gpmem_region *found; /* a region, if any: gpmem_find() begins with it */
	struct {
		gpmem_watch_fn written;
		void *ctx;
	} watcher[GPMEM_WATCHES]; /* by number of the bit */
	u32 watches_begun;	  /* grows with every page that becomes watched */
	/* A page became watched (true: must not be writable by guest code) or unwatched (false: may
	 * be again). */
	void (*protect)(void *ctx, gpa_t page, bool on);
	/* Bytes [start, start + size) lie elsewhere now, or have lost or gained the right to be
	 * written: nobody may keep an address of theirs. */
	void (*switched)(void *ctx, gpa_t start, u64 size);
	void *protect_ctx;		   /* of both */
	bool by_device;			   /* gpmem_write_by_device() writes */
	u32 window_pages;		   /* of all windows */
	u64 fresh_uses;			   /* of a page, before it is let go */
	const struct gpmem_frames *frames; /* NULL: no page can be given back */
	u64 given_back, lend_tables;	   /* pages: now; that say where others are */
};

void gpmem_init(struct gpmem *m);
void gpmem_destroy(struct gpmem *m); /* frees the arrays, not the chunks */

/*
 * Adds a region; must not overlap. RAM and ROM: chunk is an array of DIV_ROUND_UP(size, 2 MiB)
 * chunk addresses that gpmem takes over (mem_free). zeroed: contents are valid already. Returns 0,
 * E_INVAL, E_FULL, E_NOMEM.
 */
int gpmem_add_ram(struct gpmem *m, gpa_t start, u64 size, u8 **chunk, bool zeroed,
		  const char *name);
int gpmem_add_rom(struct gpmem *m, gpa_t start, u64 size, u8 **chunk, const char *name);
int gpmem_add_mmio(struct gpmem *m, gpa_t start, u64 size, const struct gpmem_mmio *ops, void *ctx,
		   const char *name);

/*
 * Switches the region of RAM that begins at start: its reads find over (NULL: the RAM), its writes
 * reach the RAM unless it is sealed. All who know where its bytes lie, and all who watch it, are
 * told.
 */
void gpmem_switch(struct gpmem *m, gpa_t start, const u8 *over, bool sealed);
/* RAM of the machine, which streams hold; not what a device shows. */
static inline bool gpmem_is_saved(const struct gpmem_region *r)
{
	return r->kind == GPMEM_RAM && !r->window;
}

/* May direct writes be mapped, as far as nobody watches the page? */
static inline bool gpmem_is_writable(const struct gpmem_region *r)
{
	return r->kind == GPMEM_RAM && !r->over && !r->sealed;
}

struct gpmem_region *gpmem_search(struct gpmem *m, gpa_t gpa);
/* The region that holds gpa, or NULL for a hole. Mostly it is the one that was found last. */
static inline struct gpmem_region *gpmem_find(struct gpmem *m, gpa_t gpa)
{
	struct gpmem_region *r = m->found;

	return r && gpa - r->start < r->size ? r : gpmem_search(m, gpa);
}

/*
 * Windows: memory of a device (emu/mem/gpmem_window.c). Each access is a call of ops, until the
 * device shows bytes there: then it is memory, mapped straight into the guest, until it is hidden
 * (bytes NULL). Windows may show the same bytes; nobody but the device knows that, so code there
 * checks itself, is never raw in ring 1, and no stream holds a window as RAM.
 */
int gpmem_add_window(struct gpmem *m, gpa_t start, u64 size, const struct gpmem_mmio *ops,
		     void *ctx, const char *name);
void gpmem_show(struct gpmem *m, gpa_t start, u8 *bytes);
/* The region at from, of a device, begins at to from now on; must not overlap. */
int gpmem_move(struct gpmem *m, gpa_t from, gpa_t to);
/* Where no processor reaches: for a region that is switched off. Each has a place of its own. */
#define GPMEM_PARKED(n) (BIT64(50) + ((u64)(n) << 32))
bool gpmem_is_window(struct gpmem *m, gpa_t gpa);
/* Code may write to the page directly from now on: who waits for that is told. */
void gpmem_first_write(struct gpmem *m, gpa_t gpa);

/*
 * Monitor's address of the byte at gpa, valid to the end of its 4 KiB page and until the next
 * switch, zeroed if first touched; NULL unless RAM (or, for reading, ROM). For writing through the
 * pointer the caller must call gpmem_written() afterwards.
 */
void *gpmem_ptr(struct gpmem *m, gpa_t gpa, bool write);
/* The same for reading what need not be brought to be there; NULL, too, for whatever takes longer.
 */
const u8 *gpmem_peek(struct gpmem *m, gpa_t gpa);
/* As gpmem_ptr(), for the RAM itself, however it is switched. */
u8 *gpmem_ram(struct gpmem *m, gpa_t gpa);
void gpmem_written(struct gpmem *m, gpa_t gpa, u32 len);

/*
 * Reads or writes any length, across regions; holes and write to ROM: reads ones, writes nothing.
 * Device memory is split into naturally sized accesses. Watchers are told.
 */
void gpmem_read(struct gpmem *m, gpa_t gpa, void *buf, u32 len);
void gpmem_write(struct gpmem *m, gpa_t gpa, const void *buf, u32 len);

/* Whom accesses to the page are calls of, until the next switch: its device, gpmem_absent, or, of
 * memory, nobody. */
struct gpmem_device gpmem_device_at(struct gpmem *m, gpa_t page);

/* A whole page of RAM, however it is switched, gets what was saved of it. */
void gpmem_restore(struct gpmem *m, gpa_t page, const void *bytes);

/* As gpmem_write, of a device: watchers that ask see it by by_device. */
void gpmem_write_by_device(struct gpmem *m, gpa_t gpa, const void *buf, u32 len);
/*
 * As gpmem_write, for the accessed and dirty bits that the walk of page tables sets: these are not
 * the guest's writes, and those who follow page tables (GPMEM_WATCH_TABLE, _WALK) are not told of
 * them. They give no right that a later fault would not give, so shadow tables stay right without.
 */
void gpmem_write_marks(struct gpmem *m, gpa_t gpa, const void *buf, u32 len);

/* written: called after bytes were written to a page that is watched so, gpa + len within the page.
 * One watcher for each GPMEM_WATCH_*; NULL: none. */
void gpmem_set_watcher(struct gpmem *m, u8 watch, gpmem_watch_fn written, void *ctx);
/* GPMEM_WATCH_* of the page that holds gpa; 0 for what is not RAM. */
u8 gpmem_watches(struct gpmem *m, gpa_t gpa);
void gpmem_watch(struct gpmem *m, gpa_t gpa, u8 watch);
void gpmem_unwatch(struct gpmem *m, gpa_t gpa, u8 watch);

/* --- Bytes that were never written */

/*
 * From now on it is known which bytes of RAM nobody has written: not the processor, a device or the
 * loader. Costs an eighth of the RAM. A page that was used so often a piece at a time is let go:
 * all of it counts as written. E_NOMEM.
 */
int gpmem_follow_fresh(struct gpmem *m, u64 uses);
/* Nobody has written these pages of one region; no address of them may be kept anywhere. */
void gpmem_fresh_begin(struct gpmem *m, gpa_t gpa, u64 size);
/* All counts as written. */
void gpmem_fresh_end(struct gpmem *m);
/* How many of these bytes on one page were never written; 0 too if nobody follows that, and where
 * reads find something else than the RAM. */
u32 gpmem_unwritten(struct gpmem *m, gpa_t gpa, u32 len);
/* The same for a read of the guest's, which is a use. */
u32 gpmem_unwritten_read(struct gpmem *m, gpa_t gpa, u32 len);

/* --- Pages that are given back */

/* Pages of the region of RAM that begins there may be. E_NOMEM. Needs m->frames. */
int gpmem_lend(struct gpmem *m, gpa_t start);
/*
 * Gives a page back. Its contents are lost, which all who watch it are told, and nobody keeps an
 * address of it. False: it stays, as somebody goes on watching it, or it is none that may go.
 */
bool gpmem_give_back(struct gpmem *m, gpa_t page);
/* Has it come again? True for pages that are there. False: there is none for it now. */
bool gpmem_take_back(struct gpmem *m, gpa_t page);
/* A page's own frame was given back; *now: where the page lies instead, NULL: nowhere. */
bool gpmem_is_elsewhere(struct gpmem *m, gpa_t page, void **now);

static inline u64 gpmem_chunks(const struct gpmem_region *r)
{
	return (r->size + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT;
}

/* The place of that entry, of a page that is elsewhere. */
static inline u8 **gpmem_lend_place(const struct gpmem_region *r, u64 offset)
{
	return &r->elsewhere[offset >> GPMEM_CHUNK_SHIFT]
			    [offset >> PAGE_SHIFT & (GPMEM_CHUNK_SIZE / PAGE_SIZE - 1)];
}

/* --- For the other files of gpmem */

static inline bool gpmem_has_fresh(const struct gpmem_region *r, u64 offset)
{
	return r->fresh && !r->over && r->fresh->left[offset >> PAGE_SHIFT];
}

/* The page is watched by one less: it may be written directly, if that was the last. */
void gpmem_let_go(struct gpmem *m, gpa_t page);
/* The region that begins there; NULL: none does. */
struct gpmem_region *gpmem_find_at(struct gpmem *m, gpa_t start);
/* Opens a slot for [start, start + size), or returns NULL with *err set. */
struct gpmem_region *gpmem_insert(struct gpmem *m, gpa_t start, u64 size, int *err);
/* The watchers watches, of bytes on one page. */
void gpmem_tell(struct gpmem *m, u8 watches, gpa_t gpa, u32 len);
