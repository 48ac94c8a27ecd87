/* SPDX-License-Identifier: MIT */
/*
 * Frames, answers and arguments. Whatever comes, lengths are bounded.
 */
#include "emu/gdb/gdb_packet.h"

#include "kernel/base/string.h"

#define CTRL_C 0x03
#define ESCAPE 0x7d

static const char hex[] = "0123456789abcdef";

/* --- Answers */

void gdb_begin(struct gdb_packet *p)
{
	p->out = 0;
}

void gdb_add_char(struct gdb_packet *p, char c)
{
	if (p->out < GDB_PACKET)
		p->answer[p->out++] = c;
}

void gdb_add(struct gdb_packet *p, const char *s)
{
	while (*s)
		gdb_add_char(p, *s++);
}

void gdb_add_hex(struct gdb_packet *p, const void *bytes, size_t n)
{
	const u8 *b = bytes;

	for (size_t i = 0; i < n; i++) {
		gdb_add_char(p, hex[b[i] >> 4]);
		gdb_add_char(p, hex[b[i] & 15]);
	}
}

static bool is_special(char c)
{
	return c == '$' || c == '#' || c == ESCAPE || c == '*'; /* of a run's length */
}

static void put_escaped(struct gdb_packet *p, char c, u8 *sum)
{
	const char text[2] = { ESCAPE, (char)(c ^ 0x20) };

	*sum = (u8)(*sum + (u8)text[0] + (u8)text[1]);
	p->put(p->ctx, text, 2);
}

void gdb_send(struct gdb_packet *p)
{
	unsigned from = 0;
	char tail[4];
	u8 sum = 0;

	p->put(p->ctx, "$", 1);
	for (unsigned i = 0; i < p->out; i++) {
		if (!is_special(p->answer[i])) {
			sum = (u8)(sum + (u8)p->answer[i]);
			continue;
		}
		p->put(p->ctx, p->answer + from, i - from);
		put_escaped(p, p->answer[i], &sum);
		from = i + 1;
	}
	p->put(p->ctx, p->answer + from, p->out - from);
	tail[0] = '#';
	tail[1] = hex[sum >> 4];
	tail[2] = hex[sum & 15];
	p->put(p->ctx, tail, 3);
	p->out = 0;
}

void gdb_say(struct gdb_packet *p, const char *s)
{
	gdb_begin(p);
	gdb_add(p, s);
	gdb_send(p);
}

void gdb_say_memory(struct gdb_packet *p, const u8 *bytes, size_t have, u32 len)
{
	if (!have && len) {
		gdb_say(p, "E14");
		return;
	}
	gdb_begin(p);
	gdb_add_hex(p, bytes, have);
	gdb_send(p);
}

void gdb_ok_or(struct gdb_packet *p, bool good)
{
	gdb_say(p, good ? "OK" : "E01");
}

void gdb_print(struct gdb_packet *p, const char *s, size_t n)
{
	while (n) {
		size_t piece = MIN(n, (size_t)GDB_HEX_BYTES);

		gdb_begin(p);
		gdb_add_char(p, 'O');
		gdb_add_hex(p, s, piece);
		gdb_send(p);
		s += piece;
		n -= piece;
	}
}

/* --- Pieces */

bool gdb_part_begin(struct gdb_packet *p, const char *s, struct gdb_part *part)
{
	u32 at, len;

	if (!gdb_range(&s, &at, &len)) {
		gdb_say(p, "E01");
		return false;
	}
	*part = (struct gdb_part){ .buf = p->answer + 1,
				   .from = at,
				   .size = MIN(len, GDB_PACKET - 1) };
	return true;
}

void gdb_part_add(struct gdb_part *x, const char *text)
{
	for (; *text; text++, x->at++)
		if (x->at >= x->from && x->at - x->from < x->size)
			x->buf[x->at - x->from] = *text;
}

void gdb_part_send(struct gdb_packet *p, const struct gdb_part *x)
{
	size_t have = x->at > x->from ? MIN(x->at - x->from, x->size) : 0;

	p->answer[0] = have == x->size && have ? 'm' : 'l';
	p->out = (unsigned)have + 1;
	gdb_send(p);
}

/* --- Arguments */

bool gdb_number64(const char **s, u64 *value)
{
	const char *from = *s;
	u64 v = 0;

	for (; hex_digit(**s) >= 0 && !(v >> 60); (*s)++)
		v = v << 4 | (u64)hex_digit(**s);
	*value = v;
	return *s != from && hex_digit(**s) < 0;
}

bool gdb_number(const char **s, u32 *value)
{
	u64 v;
	bool good = gdb_number64(s, &v);

	*value = (u32)v;
	return good && v <= 0xffffffff;
}

bool gdb_skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

bool gdb_range(const char **s, u32 *address, u32 *len)
{
	return gdb_number(s, address) && gdb_skip(s, ',') && gdb_number(s, len);
}

bool gdb_bytes(const char *s, u8 *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int high = hex_digit(s[2 * i]), low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);

		if (low < 0)
			return false;
		b[i] = (u8)(high << 4 | low);
	}
	return true;
}

const u8 *gdb_written(const struct gdb_packet *p, const char *s, u32 len, bool binary, u8 *buf)
{
	if (binary)
		return len <= (size_t)(p->text + p->in - s) ? (const u8 *)s : NULL;
	return len <= GDB_HEX_BYTES && gdb_bytes(s, buf, len) ? buf : NULL;
}

bool gdb_line(const char *s, char *line, size_t size)
{
	size_t n = strlen(s) / 2;

	if ((strlen(s) & 1) || n >= size || !gdb_bytes(s, (u8 *)line, (unsigned)n))
		return false;
	line[n] = '\0';
	return true;
}

const char *gdb_behind(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) ? NULL : s + n;
}

/* --- Bytes in */

static void begin_text(struct gdb_packet *p)
{
	p->state = GDB_TEXT;
	p->sum = 0;
	p->in = 0;
	p->escaped = p->broken = false;
}

static void in_text(struct gdb_packet *p, u8 byte)
{
	if (byte == '$') { /* the packet before was cut short */
		begin_text(p);
		return;
	}
	if (byte == '#' && !p->escaped) {
		p->state = GDB_SUM1;
		return;
	}
	p->sum = (u8)(p->sum + byte);
	if (byte == ESCAPE && !p->escaped) {
		p->escaped = true;
		return;
	}
	if (p->escaped)
		byte ^= 0x20;
	p->escaped = false;
	if (p->in == GDB_PACKET)
		p->broken = true;
	else
		p->text[p->in++] = (char)byte;
}

/* qSupported is what every gdb says first, and the one before may have gone without a word. */
static enum gdb_came whole(struct gdb_packet *p)
{
	bool good = p->sum == p->sum_said && !p->broken;

	p->text[p->in] = '\0';
	if (good && gdb_behind(p->text, "qSupported"))
		p->no_ack = false;
	if (!p->no_ack)
		p->put(p->ctx, good ? "+" : "-", 1);
	return good ? GDB_CAME_PACKET : GDB_CAME_NOTHING;
}

enum gdb_came gdb_packet_input(struct gdb_packet *p, u8 byte)
{
	int d = hex_digit((char)byte);

	switch (p->state) {
	case GDB_OUTSIDE:
		if (byte == CTRL_C)
			return GDB_CAME_CTRL_C;
		if (byte == '$')
			begin_text(p);
		break;
	case GDB_TEXT:
		in_text(p, byte);
		break;
	case GDB_SUM1:
		p->broken |= d < 0;
		p->sum_said = (u8)((d & 15) << 4);
		p->state = GDB_SUM2;
		break;
	case GDB_SUM2:
		p->broken |= d < 0;
		p->sum_said |= (u8)(d & 15);
		p->state = GDB_OUTSIDE;
		return whole(p);
	}
	return GDB_CAME_NOTHING;
}
