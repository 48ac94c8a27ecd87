/* SPDX-License-Identifier: MIT */
/*
 * The stream that a machine's state is saved to and loaded from (docs/snapshots.md has the format).
 * Each object has one field list, which is used both ways:
 *
 *      static void i8237_state(void *dev, struct snap *s)
 *      {
 *              struct i8237 *d = dev;
 *
 *              snap_u16(s, d->base);
 *              snap_range(s, d->mode, 0, 3);
 *      }
 *
 *      if (snap_begin(s, "dma", 1))
 *              i8237_state(d, s);
 *      snap_end(s);
 *
 * A section is read whole, and its checksum compared, before the first field of it is: what a field
 * list sees was written by snap_end() of some build, or by an attacker who can count, never by
 * chance. So field lists check what the device relies on.
 *
 * The first failure stays, with section and field. From then on fields are loaded as zeros, and
 * snap_begin() is false; who loads asks snap_ok() at the end, and gives up all that was loaded.
 */
#pragma once

#include "kernel/base/types.h"

/* Grows when another section joins the stream, or when the layout of the stream itself changes.
 *      1: the first
 *      2: devices of a PC that boots by itself */
#define SNAP_FORMAT	 2u
#define SNAP_NAME	 12u
#define SNAP_SECTION_MAX (64u * 1024u)

/* Takes n bytes out of the stream, or puts them in. False: there are no more, or there is no
 * room. */
typedef bool (*snap_move)(void *ctx, void *bytes, u32 n);

struct snap {
	bool loading;
	u32 format;  /* of the stream: SNAP_FORMAT, or an older one while loading */
	u16 version; /* of the open section: as it was saved, while loading */
	u64 now;     /* virtual ns of the machine's state: no time in the past lies behind it */
	char error[160];
	/* Told of each field that is saved, numbers little-endian; NULL: nobody. It is set behind
	 * snap_save_to(). */
	void (*tell)(void *ctx, const char *field, const u8 *bytes, u32 n);

	/* The rest is snap.c's own. */
	snap_move move;
	void *ctx;
	u32 crc; /* of all sections and headers so far, their own checksums left out */
	u32 sections;
	bool open;
	bool peeked; /* the next section's header is in name, version and size */
	char name[SNAP_NAME + 1];
	u32 at, size; /* in buf: the next field; loading: the end of the section */
	u8 buf[SNAP_SECTION_MAX];
};

/* Both begin with the stream's header: written, or read and checked. */
void snap_save_to(struct snap *s, snap_move sink, void *ctx);
void snap_load_from(struct snap *s, snap_move source, void *ctx);
/* The end of the stream: written, or checked to be there. True: all of it is good. */
bool snap_finish(struct snap *s);

static inline bool snap_ok(const struct snap *s)
{
	return !s->error[0];
}

/* The first one is kept: "section NAME: ...". */
void snap_fail(struct snap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Opens the section that has to come now. version is the newest that the caller knows: the one that
 * is written. A newer one in the stream is refused; an older one is in s->version, for field lists
 * that have grown: if (s->version >= 2) snap_u8(...).
 */
bool snap_begin(struct snap *s, const char *name, u16 version);
/* Loading: every byte of the section must have been read. */
void snap_end(struct snap *s);
/* Loading: passes over the section that comes next, whatever it is; its checksum is compared. */
bool snap_skip(struct snap *s);
/* Loading: the name of the section that comes next, "end" at the end, "" after a failure. */
const char *snap_next(struct snap *s);

/* --- Fields. The text of the argument is the name of the field in messages. */

#define snap_u8(s, v)	    snap_u8_at(s, &(v), #v)
#define snap_u16(s, v)	    snap_u16_at(s, &(v), #v)
#define snap_u32(s, v)	    snap_u32_at(s, &(v), #v)
#define snap_u64(s, v)	    snap_u64_at(s, &(v), #v)
#define snap_bool(s, v)	    snap_bool_at(s, &(v), #v) /* nothing but 0 and 1 */
#define snap_bytes(s, p, n) snap_bytes_at(s, p, n, #p)

/* A signed one, or one of whatever size: in as many bytes as it has. */
#define snap_int(s, v) ((v) = (__typeof__(v))snap_int_at(s, (u64)(v), sizeof(v), #v))
/* An integer of any type up to 64 bits, in as many bytes as it has, within [low, high]. Loaded
 * values outside are a failure, and low is what the field is then. */
#define snap_range(s, v, low, high)                                                    \
	do {                                                                           \
		u64 snap_value = (u64)(v);                                             \
                                                                                       \
		snap_range_at(s, &snap_value, sizeof(v), (u64)(low), (u64)(high), #v); \
		(v) = (__typeof__(v))snap_value;                                       \
	} while (0)
/* An enum or another small integer: one byte, below count. */
#define snap_enum(s, v, count)                                           \
	do {                                                             \
		u64 snap_value = (u64)(v);                               \
                                                                         \
		snap_range_at(s, &snap_value, 1, 0, (u64)(count)-1, #v); \
		(v) = (__typeof__(v))snap_value;                         \
	} while (0)
/* What fields that were loaded must keep to. */
#define snap_require(s, condition) snap_require_at(s, condition, #condition)

void snap_u8_at(struct snap *s, u8 *v, const char *field);
void snap_u16_at(struct snap *s, u16 *v, const char *field);
void snap_u32_at(struct snap *s, u32 *v, const char *field);
void snap_u64_at(struct snap *s, u64 *v, const char *field);
void snap_bool_at(struct snap *s, bool *v, const char *field);
u64 snap_int_at(struct snap *s, u64 v, unsigned size, const char *field);
void snap_bytes_at(struct snap *s, void *bytes, u32 n, const char *field);
/* Loading: the next n bytes of the section where they lie until snap_end(). NULL after a
 * failure. */
const u8 *snap_view(struct snap *s, u32 n, const char *field);
void snap_range_at(struct snap *s, u64 *v, unsigned size, u64 low, u64 high, const char *field);
bool snap_require_at(struct snap *s, bool condition, const char *what);
