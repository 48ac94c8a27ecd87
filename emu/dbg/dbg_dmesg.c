/* SPDX-License-Identifier: MIT */
/*
 * Linux's ring of records, of a kernel of 32 bits. `prb` points to
 *
 *      count_bits  descs  infos  head_id  tail_id  (last_finalized_id: since 5.19)
 *      size_bits  data  head_lpos  tail_lpos
 *
 * A record has a descriptor and an info, both at its number modulo their count:
 *
 *      descriptor  state(2 bits) number(30)   begin   next
 *      info        seq(8)  time(8)  text_len(2)  facility(1)  ...   of 88 bytes
 *
 * and its text lies in data, from begin (modulo size) on, behind a word. One that would reach over
 * the end of data lies at its beginning instead.
 */
#include "emu/dbg/dbg_dmesg.h"

#include "emu/dbg/dbg_mem.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define COUNT_BITS_MAX 20u
#define SIZE_BITS_MIN  10u
#define SIZE_BITS_MAX  26u
#define DESC_SIZE      12u
#define INFO_SIZE      88u
#define NUMBER	       0x3fffffffu
#define COMMITTED      1u /* and finalized, 2; else it is being written, or may be used again */
#define FINALIZED      2u
#define NO_TEXT	       1u /* bit of begin */
#define TEXT_MAX       512u

struct ring {
	u32 count_bits, descs, infos, head, tail;
	u32 size_bits, data;
};

static bool words_at(struct cpu *cpu, gla_t gla, u32 *word, unsigned n)
{
	u8 b[4 * 12];

	if (dbg_read(cpu, gla, b, 4 * n) < 4 * n)
		return false;
	for (unsigned i = 0; i < n; i++)
		word[i] = get_le32(b + 4 * i);
	return true;
}

static bool read_ring(struct cpu *cpu, gla_t prb, struct ring *r)
{
	u32 at, w[12];
	unsigned text = 5;

	if (!words_at(cpu, prb, &at, 1) || !words_at(cpu, at, w, 12))
		return false;
	if (w[5] < SIZE_BITS_MIN || w[5] > SIZE_BITS_MAX) /* then it is last_finalized_id */
		text = 6;
	*r = (struct ring){ w[0], w[1], w[2], w[3], w[4], w[text], w[text + 1] };
	return r->count_bits <= COUNT_BITS_MAX && r->size_bits >= SIZE_BITS_MIN &&
	       r->size_bits <= SIZE_BITS_MAX;
}

/* Where the text lies; its length, less than `len` if there is less room. 0: there is none. */
static u32 find_text(const struct ring *r, u32 begin, u32 next, u32 len, gla_t *gla)
{
	u32 size = 1u << r->size_bits, from = begin & (size - 1), to = next & (size - 1);

	if ((begin & NO_TEXT) || (next & NO_TEXT))
		return 0;
	if (begin >> r->size_bits != next >> r->size_bits && to) /* it goes over the end */
		from = 0;
	else if (!to)
		to = size;
	if (to < from + 4)
		return 0;
	*gla = r->data + from + 4;
	return MIN(len, to - from - 4);
}

/* Lines as a terminal may be shown them. */
static void print_text(u64 ns, char *text, u32 len, const struct dbg_out *out)
{
	u32 us = (u32)(ns / 1000 % 1000000), seconds = (u32)MIN(ns / 1000000000, 99999ull);

	for (u32 at = 0, end; at < len; at = end + 1) {
		for (end = at; end < len && text[end] != '\n'; end++)
			if ((u8)text[end] < ' ' || text[end] == 0x7f)
				text[end] = '?';
		dbg_print(out, "[%5u.%06u] %.*s", seconds, us, (int)(end - at), text + at);
	}
}

static void print_record(struct cpu *cpu, const struct ring *r, u32 number,
			 const struct dbg_out *out)
{
	u32 i = number & ((1u << r->count_bits) - 1), desc[3], info[5], len;
	char text[TEXT_MAX];
	gla_t gla = 0;

	if (!words_at(cpu, r->descs + i * DESC_SIZE, desc, 3) || (desc[0] & NUMBER) != number ||
	    (desc[0] >> 30 != COMMITTED && desc[0] >> 30 != FINALIZED) ||
	    !words_at(cpu, r->infos + i * INFO_SIZE, info, 5))
		return;
	len = find_text(r, desc[1], desc[2], MIN(info[4] & 0xffff, TEXT_MAX), &gla);
	len = dbg_read(cpu, gla, text, len);
	print_text((u64)info[3] << 32 | info[2], text, len, out);
}

/* --- Where `prb` is */

/* "SYMBOL(prb)=c1c42a98" in the page of notes that a Linux with kexec keeps for crash dumps. */
static bool noted(const char *page, u32 *prb)
{
	static const char key[] = "\nSYMBOL(prb)=";
	const size_t n = sizeof(key) - 1;

	for (size_t at = 0; at + n + 8 < PAGE_SIZE; at++) {
		if (memcmp(page + at, key, n))
			continue;
		*prb = 0;
		for (at += n; at < PAGE_SIZE && hex_digit(page[at]) >= 0; at++)
			*prb = *prb << 4 | (u32)hex_digit(page[at]);
		return true;
	}
	return false;
}

/* The page of notes begins so. */
static bool find_noted(struct cpu *cpu, u32 *prb)
{
	static const char first[] = "OSRELEASE=";

	for (unsigned i = 0; i < cpu->mem->regions; i++) {
		const struct gpmem_region *r = &cpu->mem->region[i];

		for (u64 at = 0; r->kind == GPMEM_RAM && at < r->size; at += PAGE_SIZE) {
			char page[PAGE_SIZE];

			if (dbg_read_phys(cpu, r->start + at, page, sizeof(first) - 1) ==
				    sizeof(first) - 1 &&
			    !memcmp(page, first, sizeof(first) - 1) &&
			    dbg_read_phys(cpu, r->start + at, page, sizeof(page)) == sizeof(page) &&
			    noted(page, prb))
				return true;
		}
	}
	return false;
}

const char *dbg_print_dmesg(struct cpu *cpu, const struct dbg_symbols *s, u32 most,
			    const struct dbg_out *out)
{
	struct ring r;
	u32 prb, n;

	if (!dbg_symbols_value(s, "prb", &prb) && !find_noted(cpu, &prb))
		return "no log of a Linux is there: nothing tells where `prb` is";
	if (!read_ring(cpu, prb, &r))
		return "its log is of another layout than Linux 5.10 to 6.1 has";
	n = MIN((r.head - r.tail) & NUMBER, (1u << r.count_bits) - 1) + 1;
	n = MIN(n, most);
	while (n--)
		print_record(cpu, &r, (r.head - n) & NUMBER, out);
	return NULL;
}
