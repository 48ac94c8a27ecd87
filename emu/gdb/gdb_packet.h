/* SPDX-License-Identifier: MIT */
/*
 * Packets of gdb's remote protocol: $text#checksum, answered by + (until QStartNoAckMode); 03h
 * alone is Ctrl-C. Bytes in, bytes out, and how arguments are read and answers written. What the
 * packets say is not known here.
 */
#pragma once

#include "kernel/base/types.h"

#define GDB_PACKET    4096u		      /* bytes of text at most, either way */
#define GDB_HEX_BYTES ((GDB_PACKET - 16) / 2) /* so many fit as pairs of digits */

struct gdb_packet {
	void (*put)(void *ctx, const char *s, size_t n);
	void *ctx;
	bool no_ack;
	enum { GDB_OUTSIDE, GDB_TEXT, GDB_SUM1, GDB_SUM2 } state;
	bool escaped, broken;
	u8 sum, sum_said;
	unsigned in; /* of text */
	char text[GDB_PACKET + 1];
	unsigned out;
	char answer[GDB_PACKET + 1];
};

enum gdb_came { GDB_CAME_NOTHING, GDB_CAME_PACKET /* it is in `text` */, GDB_CAME_CTRL_C };

enum gdb_came gdb_packet_input(struct gdb_packet *p, u8 byte);

/* --- An answer: gdb_begin(), parts, gdb_send(). What has no room is cut off. */

void gdb_begin(struct gdb_packet *p);
void gdb_add_char(struct gdb_packet *p, char c);
void gdb_add(struct gdb_packet *p, const char *s);
void gdb_add_hex(struct gdb_packet *p, const void *bytes, size_t n);
void gdb_send(struct gdb_packet *p);
/* All of one. */
void gdb_say(struct gdb_packet *p, const char *s);
void gdb_ok_or(struct gdb_packet *p, bool good); /* OK, or E01 */
/* have bytes of memory, of len that were asked for; E14 (EFAULT) if there are none of some. */
void gdb_say_memory(struct gdb_packet *p, const u8 *bytes, size_t have, u32 len);
/* Text for gdb's user, while a command or the guest runs. */
void gdb_print(struct gdb_packet *p, const char *s, size_t n);

/* --- A text that gdb asks for in pieces, which is written anew for each of them */

struct gdb_part {
	char *buf;
	size_t from, size, at; /* the piece that is wanted; how much was written */
};

/* "offset,length" begins it. False: E01 has been said. */
bool gdb_part_begin(struct gdb_packet *p, const char *s, struct gdb_part *part);
void gdb_part_add(struct gdb_part *part, const char *text);
/* m and the piece, or l and the last one. */
void gdb_part_send(struct gdb_packet *p, const struct gdb_part *part);

/* --- Arguments: what was read is passed over */

/* A hexadecimal number of 32 bits; of 64 bits. */
bool gdb_number(const char **s, u32 *value);
bool gdb_number64(const char **s, u64 *value);
bool gdb_skip(const char **s, char c);
/* "addr,length" */
bool gdb_range(const char **s, u32 *address, u32 *len);
/* Pairs of digits to n bytes; false: there are not so many. In place is fine. */
bool gdb_bytes(const char *s, u8 *b, unsigned n);
/*
 * The len bytes that s says. binary: as they stand in p->text, whose escapes are gone already; else
 * in pairs of digits, and then in buf, which has GDB_HEX_BYTES. NULL: there are not so many.
 */
const u8 *gdb_written(const struct gdb_packet *p, const char *s, u32 len, bool binary, u8 *buf);
/* A line in pairs of digits, to text with its NUL. False: it is none, or has no room. */
bool gdb_line(const char *s, char *line, size_t size);
/* What follows a word that s begins with; NULL: it does not. */
const char *gdb_behind(const char *s, const char *word);
