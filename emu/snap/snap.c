/* SPDX-License-Identifier: MIT */
/*
 * The stream, little-endian:
 *
 *      header    magic[8]  format u32
 *      section   name[12]  version u16  zero u16  length u32  payload[length]  crc u32
 *      ...
 *      section   "end": the number of sections before it, u32
 *
 * crc is the CRC-32 of all bytes from the header to the end of the payload, earlier crc fields left
 * out. So a section that is missing, moved or of another stream is found like one whose bytes have
 * changed.
 */
#include "emu/snap/snap.h"

#include <stdarg.h>

#include "emu/snap/crc32.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

static const u8 magic[8] = { 'R', 'L', 's', 't', 'a', 't', 'e', 0x1a };

#define HEADER_BYTES 12u
#define SECTION_HEAD (SNAP_NAME + 8u)
#define END	     "end"

void snap_fail(struct snap *s, const char *fmt, ...)
{
	va_list ap;
	int n = 0;

	if (!snap_ok(s))
		return;
	if (s->name[0])
		n = fmt_print(s->error, sizeof(s->error), "section %s: ", s->name);
	va_start(ap, fmt);
	fmt_vprint(s->error + n, sizeof(s->error) - (size_t)n, fmt, ap);
	va_end(ap);
}

static void put_le(u8 *p, u64 v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (u8)(v >> (8 * i));
}

static u64 get_le(const u8 *p, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (u64)p[i] << (8 * i);
	return v;
}

static bool move(struct snap *s, void *bytes, u32 n)
{
	if (!snap_ok(s))
		return false;
	if (s->move(s->ctx, bytes, n))
		return true;
	snap_fail(s, s->loading ? "the stream ends here" : "no room for the stream");
	return false;
}

/* --- The stream's two ends */

static void start(struct snap *s, bool loading, snap_move mover, void *ctx)
{
	s->loading = loading;
	s->format = SNAP_FORMAT;
	s->move = mover;
	s->ctx = ctx;
	s->error[0] = s->name[0] = 0;
	s->tell = NULL;
	s->open = s->peeked = false;
	s->crc = s->sections = s->at = s->size = 0;
	s->now = 0;
}

void snap_save_to(struct snap *s, snap_move sink, void *ctx)
{
	u8 head[HEADER_BYTES];

	start(s, false, sink, ctx);
	memcpy(head, magic, sizeof(magic));
	put_le(head + sizeof(magic), SNAP_FORMAT, 4);
	s->crc = crc32_update(0, head, sizeof(head));
	move(s, head, sizeof(head));
}

void snap_load_from(struct snap *s, snap_move source, void *ctx)
{
	u8 head[HEADER_BYTES];

	start(s, true, source, ctx);
	if (!move(s, head, sizeof(head)))
		return;
	if (memcmp(head, magic, sizeof(magic))) {
		snap_fail(s, "not a saved machine");
		return;
	}

	s->format = (u32)get_le(head + sizeof(magic), 4);
	if (!s->format || s->format > SNAP_FORMAT)
		snap_fail(s, "format %u; this build knows them up to %u", s->format, SNAP_FORMAT);
	s->crc = crc32_update(0, head, sizeof(head));
}

bool snap_finish(struct snap *s)
{
	u32 sections = s->sections;

	if (snap_begin(s, END, 1))
		snap_range(s, sections, s->sections - 1, s->sections - 1);
	snap_end(s);
	return snap_ok(s);
}

/* --- Sections */

static void set_name(struct snap *s, const char *name)
{
	memset(s->name, 0, sizeof(s->name));
	memcpy(s->name, name, MIN(strlen(name), SNAP_NAME));
}

/* The header of the next section, into name, version and size. */
static bool read_head(struct snap *s)
{
	u8 head[SECTION_HEAD];

	if (s->peeked)
		return snap_ok(s);
	s->peeked = true;
	if (!move(s, head, sizeof(head)))
		return false;
	memcpy(s->name, head, SNAP_NAME);
	s->name[SNAP_NAME] = 0;
	for (char *p = s->name; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?'; /* it is printed */
	s->version = (u16)get_le(head + SNAP_NAME, 2);
	s->size = (u32)get_le(head + SNAP_NAME + 4, 4);
	if (s->size > SNAP_SECTION_MAX || get_le(head + SNAP_NAME + 2, 2)) {
		snap_fail(s, "its header is damaged");
		return false;
	}
	s->crc = crc32_update(s->crc, head, sizeof(head));
	return true;
}

static bool read_payload(struct snap *s)
{
	u8 crc[4];

	if (!move(s, s->buf, s->size) || !move(s, crc, sizeof(crc)))
		return false;
	s->crc = crc32_update(s->crc, s->buf, s->size);
	if (s->crc == get_le(crc, sizeof(crc)))
		return true;
	snap_fail(s, "its checksum is wrong: the stream is damaged");
	return false;
}

static bool begin_loading(struct snap *s, const char *name, u16 version)
{
	if (!s->peeked)
		set_name(s, name); /* for the message, if nothing comes */
	if (!read_head(s))
		return false;
	s->peeked = false;
	if (strcmp(s->name, name)) {
		snap_fail(s, "found where %s has to be", name);
		return false;
	}
	if (!read_payload(s))
		return false;
	if (!s->version || s->version > version) {
		snap_fail(s, "version %u; this build knows it up to %u", s->version, version);
		return false;
	}
	return true;
}

bool snap_begin(struct snap *s, const char *name, u16 version)
{
	s->open = false;
	s->at = 0;
	s->sections++;
	if (s->loading) {
		s->open = snap_ok(s) && begin_loading(s, name, version);
		return s->open;
	}
	set_name(s, name);
	s->version = version;
	s->open = snap_ok(s);
	return s->open;
}

static void write_section(struct snap *s)
{
	u8 head[SECTION_HEAD] = { 0 }, crc[4];

	memcpy(head, s->name, SNAP_NAME);
	put_le(head + SNAP_NAME, s->version, 2);
	put_le(head + SNAP_NAME + 4, s->at, 4);
	s->crc = crc32_update(s->crc, head, sizeof(head));
	s->crc = crc32_update(s->crc, s->buf, s->at);
	put_le(crc, s->crc, sizeof(crc));
	if (move(s, head, sizeof(head)) && move(s, s->buf, s->at))
		move(s, crc, sizeof(crc));
}

void snap_end(struct snap *s)
{
	if (!s->open)
		return;
	s->open = false;
	if (!s->loading)
		write_section(s);
	else if (s->at != s->size)
		snap_fail(s, "%u bytes that no field takes", s->size - s->at);
	if (snap_ok(s))
		s->name[0] = 0;
}

bool snap_skip(struct snap *s)
{
	if (!read_head(s))
		return false;
	s->peeked = false;
	s->sections++;
	if (!read_payload(s))
		return false;
	s->name[0] = 0;
	return true;
}

const char *snap_next(struct snap *s)
{
	return snap_ok(s) && read_head(s) ? s->name : "";
}

/* --- Fields */

/* Where n bytes of a field are in the section; NULL: it is to be zero. */
static u8 *field_place(struct snap *s, u32 n, const char *field)
{
	u32 end = s->loading ? s->size : SNAP_SECTION_MAX;

	if (!s->open || !snap_ok(s))
		return NULL;
	if (n > end - s->at) {
		snap_fail(s, s->loading ? "it ends before field %s" : "field %s is too long",
			  field);
		return NULL;
	}
	s->at += n;
	return s->buf + s->at - n;
}

static void saved(struct snap *s, const u8 *bytes, u32 n, const char *field)
{
	if (s->tell)
		s->tell(s->ctx, field, bytes, n);
}

void snap_bytes_at(struct snap *s, void *bytes, u32 n, const char *field)
{
	u8 *p = field_place(s, n, field);

	if (p && s->loading)
		memcpy(bytes, p, n);
	else if (p)
		saved(s, memcpy(p, bytes, n), n, field);
	else if (s->loading)
		memset(bytes, 0, n);
}

const u8 *snap_view(struct snap *s, u32 n, const char *field)
{
	return field_place(s, n, field);
}

u64 snap_int_at(struct snap *s, u64 v, unsigned size, const char *field)
{
	u8 *p = field_place(s, size, field);

	if (s->loading)
		return p ? get_le(p, size) : 0;
	if (p) {
		put_le(p, v, size);
		saved(s, p, size, field);
	}
	return v;
}

void snap_u8_at(struct snap *s, u8 *v, const char *field)
{
	*v = (u8)snap_int_at(s, *v, sizeof(*v), field);
}

void snap_u16_at(struct snap *s, u16 *v, const char *field)
{
	*v = (u16)snap_int_at(s, *v, sizeof(*v), field);
}

void snap_u32_at(struct snap *s, u32 *v, const char *field)
{
	*v = (u32)snap_int_at(s, *v, sizeof(*v), field);
}

void snap_u64_at(struct snap *s, u64 *v, const char *field)
{
	*v = snap_int_at(s, *v, sizeof(*v), field);
}

void snap_range_at(struct snap *s, u64 *v, unsigned size, u64 low, u64 high, const char *field)
{
	u64 value = snap_int_at(s, *v, size, field);

	if (s->loading && (value < low || value > high)) {
		snap_fail(s, "field %s is %llx, not within %llx and %llx", field,
			  (unsigned long long)value, (unsigned long long)low,
			  (unsigned long long)high);
		value = low;
	}
	*v = value;
}

void snap_bool_at(struct snap *s, bool *v, const char *field)
{
	u64 value = *v;

	snap_range_at(s, &value, 1, 0, 1, field);
	*v = value != 0;
}

bool snap_require_at(struct snap *s, bool condition, const char *what)
{
	if (s->loading && !condition)
		snap_fail(s, "not true: %s", what);
	return condition;
}
