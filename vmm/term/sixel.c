/* SPDX-License-Identifier: MIT */
/*
 * The encoder. A sixel is a character from ? (3Fh) on: bit 0 is the highest of six dots.
 */
#include "vmm/term/sixel.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define RUN_LEAST 4u /* "!4x" is no longer than "xxxx" */

void sixel_begin(struct sixel *s, const u32 *palette, u32 colours)
{
	s->cube = !palette;
	s->colours = palette ? MIN(colours, 256u) : SIXEL_CUBE;
	s->width = MIN(s->width, SIXEL_WIDTH);
	for (u32 i = 0; i < s->colours; i++)
		s->palette[i] = palette ? palette[i]
					: (i / 36 * 51) << 16 | (i / 6 % 6 * 51) << 8 | i % 6 * 51;
	memset(s->defined, 0, sizeof(s->defined));
	s->state = SIXEL_HEAD;
	s->y = 0;
}

static u32 sixth(u32 level)
{
	return (level + 25) / 51;
}

static u8 index_of(const struct sixel *s, u32 rgb)
{
	if (s->cube)
		return (u8)(sixth(rgb >> 16 & 0xff) * 36 + sixth(rgb >> 8 & 0xff) * 6 +
			    sixth(rgb & 0xff));
	for (u32 i = 0; i < s->colours; i++)
		if (s->palette[i] == rgb)
			return (u8)i;
	return 0;
}

static void load_line(struct sixel *s, u32 line)
{
	u8 *index = s->index[line];

	s->line(s->ctx, s->y + line, s->rgb);
	for (u32 x = 0; x < s->width; x++) {
		if (x && s->rgb[x] == s->rgb[x - 1])
			index[x] = index[x - 1];
		else
			index[x] = index_of(s, s->rgb[x]);
		s->used[index[x]] = true;
	}
}

static u32 band_lines(const struct sixel *s)
{
	return MIN(s->height - s->y, SIXEL_LINES);
}

static void load_band(struct sixel *s)
{
	memset(s->used, 0, sizeof(s->used));
	for (u32 line = 0; line < band_lines(s); line++)
		load_line(s, line);
	s->next = 0;
}

static u8 sixel_at(const struct sixel *s, u32 colour, u32 x)
{
	u32 bits = 0;

	for (u32 line = 0; line < band_lines(s); line++)
		bits |= (u32)(s->index[line][x] == colour) << line;
	return (u8)('?' + bits);
}

static char *put_run(char *out, u8 sixel, u32 n)
{
	if (n >= RUN_LEAST)
		return out + fmt_print(out, 16, "!%u%c", n, sixel);
	while (n--)
		*out++ = (char)sixel;
	return out;
}

static u32 percent(u32 level)
{
	return ((level & 0xff) * 100 + 127) / 255;
}

/* One colour of the band, and the carriage's return; empty columns at the end are left out. */
static u32 put_colour(struct sixel *s, u32 colour, char *out)
{
	char *at = out + fmt_print(out, 16, "#%u", colour);
	u8 run = 0;
	u32 n = 0;

	if (!s->defined[colour]) {
		u32 rgb = s->palette[colour];

		at += fmt_print(at, 24, ";2;%u;%u;%u#%u", percent(rgb >> 16), percent(rgb >> 8),
				percent(rgb), colour);
		s->defined[colour] = true;
	}
	for (u32 x = 0; x < s->width; x++) {
		u8 sixel = sixel_at(s, colour, x);

		if (n && sixel != run) {
			at = put_run(at, run, n);
			n = 0;
		}
		run = sixel;
		n++;
	}
	if (run != '?')
		at = put_run(at, run, n);
	*at++ = '$';
	return (u32)(at - out);
}

static u32 put_band(struct sixel *s, char *out)
{
	while (s->next < s->colours && !s->used[s->next])
		s->next++;
	if (s->next < s->colours)
		return put_colour(s, s->next++, out);
	s->y += SIXEL_LINES;
	s->state = s->y < s->height ? SIXEL_BAND : SIXEL_TAIL;
	*out = '-';
	return 1;
}

u32 sixel_next(struct sixel *s, char *out)
{
	switch (s->state) {
	case SIXEL_HEAD:
		s->state = SIXEL_BAND;
		return (u32)fmt_print(out, 48, "\x1bPq\"1;1;%u;%u", s->width, s->height);
	case SIXEL_BAND:
		load_band(s);
		s->state = SIXEL_COLOUR;
		return put_band(s, out);
	case SIXEL_COLOUR:
		return put_band(s, out);
	case SIXEL_TAIL:
		s->state = SIXEL_DONE;
		return (u32)fmt_print(out, 4, "\x1b\\");
	default:
		return 0;
	}
}
