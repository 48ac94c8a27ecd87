/* SPDX-License-Identifier: MIT */
/*
 * AML encoding. A PkgLength counts itself and has 1 to 4 bytes, the fewest that do; so a scope's
 * contents are moved up when it is closed and its length is known.
 */
#include "emu/board/aml.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"

enum {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD,
	OP_DWORD,
	OP_STRING,
	OP_SCOPE = 0x10,
	OP_BUFFER,
	OP_PACKAGE,
	OP_METHOD = 0x14,
	PREFIX_DUAL = 0x2e,
	PREFIX_MULTI,
	OP_EXT = 0x5b,
	OP_IF = 0xa0,
	EXT_DEVICE = 0x82,
};

void aml_init(struct aml *a, u8 *buf, u32 cap)
{
	*a = (struct aml){ .buf = buf, .cap = cap };
}

void aml_byte(struct aml *a, u8 v)
{
	if (a->len == a->cap)
		a->overflow = true;
	else
		a->buf[a->len++] = v;
}

void aml_bytes(struct aml *a, const u8 *bytes, u32 n)
{
	for (u32 i = 0; i < n; i++)
		aml_byte(a, bytes[i]);
}

static void word(struct aml *a, u16 v)
{
	aml_byte(a, (u8)v);
	aml_byte(a, (u8)(v >> 8));
}

static void dword(struct aml *a, u32 v)
{
	word(a, (u16)v);
	word(a, (u16)(v >> 16));
}

/* --- Names and values */

/* One segment, padded with underscores to four characters; returns what follows it. */
static const char *segment(struct aml *a, const char *p)
{
	unsigned n = 0;

	for (; *p && *p != '.'; p++, n++)
		aml_byte(a, (u8)*p);
	ASSERT(n >= 1 && n <= 4);
	for (; n < 4; n++)
		aml_byte(a, '_');
	return *p ? p + 1 : p;
}

void aml_path(struct aml *a, const char *path)
{
	u8 n = 1;

	while (*path == '\\' || *path == '^')
		aml_byte(a, (u8)*path++);
	if (!*path) {
		aml_byte(a, 0); /* the root itself */
		return;
	}
	for (const char *p = path; *p; p++)
		if (*p == '.')
			n++;
	if (n == 2)
		aml_byte(a, PREFIX_DUAL);
	if (n > 2) {
		aml_byte(a, PREFIX_MULTI);
		aml_byte(a, n);
	}
	while (*path)
		path = segment(a, path);
}

void aml_integer(struct aml *a, u32 v)
{
	if (v <= 1) {
		aml_byte(a, v ? OP_ONE : OP_ZERO);
	} else if (v <= 0xff) {
		aml_byte(a, OP_BYTE);
		aml_byte(a, (u8)v);
	} else if (v <= 0xffff) {
		aml_byte(a, OP_WORD);
		word(a, (u16)v);
	} else {
		aml_byte(a, OP_DWORD);
		dword(a, v);
	}
}

void aml_string(struct aml *a, const char *s)
{
	aml_byte(a, OP_STRING);
	aml_bytes(a, (const u8 *)s, (u32)strlen(s) + 1);
}

static u8 hex(char c)
{
	return (u8)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of five bits and four hexadecimal digits, most significant byte first (6.1.5). */
void aml_eisaid(struct aml *a, const char *id)
{
	u16 letters = (u16)((id[0] - 0x40) << 10 | (id[1] - 0x40) << 5 | (id[2] - 0x40));

	aml_byte(a, OP_DWORD);
	aml_byte(a, (u8)(letters >> 8));
	aml_byte(a, (u8)letters);
	aml_byte(a, (u8)(hex(id[3]) << 4 | hex(id[4])));
	aml_byte(a, (u8)(hex(id[5]) << 4 | hex(id[6])));
}

void aml_name(struct aml *a, const char *name)
{
	aml_byte(a, OP_NAME);
	aml_path(a, name);
}

void aml_name_integer(struct aml *a, const char *name, u32 v)
{
	aml_name(a, name);
	aml_integer(a, v);
}

void aml_name_eisaid(struct aml *a, const char *name, const char *id)
{
	aml_name(a, name);
	aml_eisaid(a, id);
}

/* --- Scopes */

static void begin(struct aml *a)
{
	ASSERT(a->depth < AML_DEPTH);
	a->open[a->depth++] = a->len;
}

void aml_begin_scope(struct aml *a, const char *path)
{
	aml_byte(a, OP_SCOPE);
	begin(a);
	aml_path(a, path);
}

void aml_begin_device(struct aml *a, const char *name)
{
	aml_byte(a, OP_EXT);
	aml_byte(a, EXT_DEVICE);
	begin(a);
	aml_path(a, name);
}

void aml_begin_method(struct aml *a, const char *name, u8 args)
{
	aml_byte(a, OP_METHOD);
	begin(a);
	aml_path(a, name);
	aml_byte(a, args | 0x08); /* bit 3: serialized */
}

void aml_begin_package(struct aml *a, u8 elements)
{
	aml_byte(a, OP_PACKAGE);
	begin(a);
	aml_byte(a, elements);
}

void aml_begin_if(struct aml *a)
{
	aml_byte(a, OP_IF);
	begin(a);
}

/* Makes room for n bytes at position at. */
static u8 *insert(struct aml *a, u32 at, u32 n)
{
	if (a->cap - a->len < n) {
		a->overflow = true;
		return NULL;
	}
	memmove(&a->buf[at + n], &a->buf[at], a->len - at);
	a->len += n;
	return &a->buf[at];
}

void aml_end(struct aml *a)
{
	ASSERT(a->depth);

	u32 at = a->open[--a->depth], len = a->len - at;
	u32 bytes = len + 1 < 0x40 ? 1 : len + 2 < 0x1000 ? 2 : 3;
	u8 *p = insert(a, at, bytes);

	if (!p)
		return;
	len += bytes;
	if (bytes == 1) {
		p[0] = (u8)len;
		return;
	}
	p[0] = (u8)((bytes - 1) << 6 | (len & 15));
	for (u32 i = 1; i < bytes; i++)
		p[i] = (u8)(len >> (4 + 8 * (i - 1)));
}

/* --- Resources (6.4) */

void aml_begin_resources(struct aml *a)
{
	aml_byte(a, OP_BUFFER);
	begin(a);
	a->resources = a->len;
}

void aml_end_resources(struct aml *a)
{
	aml_byte(a, 0x79); /* end tag */
	aml_byte(a, 0x00); /* checksum: not used */

	u32 size = a->len - a->resources;
	u8 *p = insert(a, a->resources, 3);

	if (p) {
		p[0] = OP_WORD;
		p[1] = (u8)size;
		p[2] = (u8)(size >> 8);
	}
	aml_end(a);
}

static void io(struct aml *a, u16 base, u8 len, u8 decode)
{
	aml_byte(a, 0x47);
	aml_byte(a, decode);
	word(a, base);
	word(a, base);
	aml_byte(a, 1);
	aml_byte(a, len);
}

void aml_res_io(struct aml *a, u16 base, u8 len)
{
	io(a, base, len, 1); /* 16 address lines */
}

void aml_res_io_fixed(struct aml *a, u16 base, u8 len)
{
	aml_byte(a, 0x4b);
	word(a, base);
	aml_byte(a, len);
}

void aml_res_irq(struct aml *a, u16 mask)
{
	aml_byte(a, 0x22);
	word(a, mask);
}

void aml_res_irq_shared(struct aml *a, u16 mask)
{
	aml_byte(a, 0x23);
	word(a, mask);
	aml_byte(a, 0x18);
}

void aml_res_dma(struct aml *a, u8 channels)
{
	aml_byte(a, 0x2a);
	aml_byte(a, channels);
	aml_byte(a, 0x00); /* compatibility timing, 8 bits */
}

static void word_range(struct aml *a, u8 type, u8 flags, u16 first, u16 last)
{
	aml_byte(a, 0x88);
	word(a, 13);
	aml_byte(a, type);
	aml_byte(a, 0x0c); /* fixed, positive decode, producer */
	aml_byte(a, flags);
	word(a, 0);
	word(a, first);
	word(a, last);
	word(a, 0);
	word(a, (u16)(last - first + 1));
}

void aml_res_bus_range(struct aml *a, u16 first, u16 last)
{
	word_range(a, 2, 0, first, last);
}

void aml_res_io_range(struct aml *a, u16 first, u16 last)
{
	word_range(a, 1, 3, first, last); /* ISA and other addresses */
}

void aml_res_memory_range(struct aml *a, u32 first, u32 last, bool cacheable)
{
	aml_byte(a, 0x87);
	word(a, 23);
	aml_byte(a, 0);
	aml_byte(a, 0x0c);
	aml_byte(a, cacheable ? 0x03 : 0x01); /* read-write, cacheable or not */
	dword(a, 0);
	dword(a, first);
	dword(a, last);
	dword(a, 0);
	dword(a, last - first + 1);
}
