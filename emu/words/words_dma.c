/* SPDX-License-Identifier: MIT */
/*
 * The DMA controllers.
 */
#include "emu/chip/i8237.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"

#define COMMAND_DISABLE 0x04

/* Ports 80h to 8Fh, by channel. */
static const u8 page_of[8] = { 7, 3, 1, 2, 15, 11, 9, 10 };

/* mode: SELECT(2) DECREMENT AUTO TYPE(2) channel(2). */
static void print_channel(const struct i8237_pair *p, unsigned n, const struct dbg_out *out)
{
	static const char *const select[] = { "demand", "single", "block", "cascade" };
	static const char *const type[] = { "verify", "to memory", "from memory", "no transfer" };
	const struct i8237 *c = &p->chip[n >> 2];
	const struct i8237_channel *ch = &c->ch[n & 3];
	unsigned words = n >> 2, bit = BIT(n & 3);
	u32 page = p->page[page_of[n]];
	u32 at = words ? (page & 0xfe) << 16 | (u32)ch->address << 1 : page << 16 | ch->address;

	dbg_print(out, "channel %u: %s, %s, %s%s%s%s%s", n, c->mask & bit ? "masked" : "open",
		  select[ch->mode >> 6], type[ch->mode >> 2 & 3],
		  ch->mode & 0x10 ? ", auto-initialise" : "", ch->mode & 0x20 ? ", downwards" : "",
		  c->dreq & bit ? ", DREQ" : "", c->status & bit ? ", terminal count" : "");
	words_say(out, "at", "%06x, %u %s to go of %u", at, (ch->count + 1u) & 0xffff,
		  words ? "words" : "bytes", ch->base_count + 1u);
}

void words_i8237(const void *dev, const struct dbg_out *out)
{
	const struct i8237_pair *p = dev;

	for (unsigned n = 0; n < 8; n++) {
		const struct i8237 *c = &p->chip[n >> 2];

		if (n % 4 == 0)
			dbg_print(out, "%s controller: %s, command %02x, status %02x",
				  n ? "second" : "first",
				  c->command & COMMAND_DISABLE ? "disabled" : "enabled", c->command,
				  c->status);
		print_channel(p, n, out);
	}
}
