/* SPDX-License-Identifier: MIT */
/*
 * Walks the maps in order and hands each byte string, filled up with HLT, to the caller.
 */
#include "tests/host/opcode_maps.h"

#include <string.h>

#define HLT 0xf4

static void take(const struct opcode_walk *w, const u8 *p, unsigned n)
{
	u8 bytes[OPCODE_BYTES];

	memset(bytes, HLT, sizeof(bytes));
	memcpy(bytes, p, n);
	w->take(bytes, n);
}

/* With each ModRM that matters: eight operations or registers, a register and memory. */
static void each_modrm(const struct opcode_walk *w, const u8 *p, unsigned n, bool all)
{
	for (unsigned modrm = 0; modrm < 256; modrm++) {
		u8 code[16];

		/* [disp32] or [disp16]; [EBX] or [BP + DI]; a register: EAX, and ESP */
		if (!all && (modrm & 0xc7) != (w->wide ? 0x05 : 0x06) && (modrm & 0xc7) != 0x03 &&
		    (modrm & 0xc7) != 0xc0 && (modrm & 0xc7) != 0xc4)
			continue;
		memcpy(code, p, n);
		code[n] = (u8)modrm;
		memcpy(code + n + 1, "\x10\x80\x00\x00\x12\x34\x56\x78", 8);
		take(w, code, MIN(n + 9, 15u));
	}
}

static void each_prefix(const struct opcode_walk *w, const u8 *map, unsigned n, unsigned opcode)
{
	static const u8 prefix[][2] = { { 0 },		{ 0x66 },	{ 0xf2 },
					{ 0xf3 },	{ 0xf0 },	{ 0x67 },
					{ 0x66, 0xf2 }, { 0x66, 0xf3 }, { 0x66, 0xf0 },
					{ 0x67, 0xf2 }, { 0x67, 0xf3 }, { 0x66, 0x67 } };

	for (unsigned i = 0; i < ARRAY_SIZE(prefix); i++) {
		u8 code[8];
		unsigned k = 0;

		if (prefix[i][1] && !w->pairs)
			continue;
		for (unsigned j = 0; j < 2 && prefix[i][j]; j++)
			code[k++] = prefix[i][j];
		memcpy(code + k, map, n);
		k += n;
		code[k++] = (u8)opcode;
		each_modrm(w, code, k, n == 0 && (opcode & 0xf8) == 0xd8);
	}
}

static void legacy_maps(const struct opcode_walk *w)
{
	static const struct {
		u8 bytes[2], n;
	} map[] = { { { 0 }, 0 }, { { 0x0f }, 1 }, { { 0x0f, 0x38 }, 2 }, { { 0x0f, 0x3a }, 2 } };

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		for (unsigned opcode = 0; opcode < 256; opcode++)
			each_prefix(w, map[i].bytes, map[i].n, opcode);
}

/* Whose operation is in ModRM: shifts, VLDMXCSR and VSTMXCSR; BLSR and its like. */
static bool vex_group(u8 map, u8 opcode)
{
	return map == 1 ? (opcode >= 0x71 && opcode <= 0x73) || opcode == 0xae
			: map == 2 && opcode == 0xf3;
}

static void code_and_modrm(const struct opcode_walk *w, const u8 code[4], u8 modrm)
{
	/* Behind ModRM: a SIB byte, where there is one, with EDI and ECX or a vector. */
	u8 full[6] = { code[0], code[1], code[2], code[3], modrm, 0x0f };

	take(w, full, sizeof(full));
}

static void vex_maps(const struct opcode_walk *w)
{
	for (unsigned n = 0; n < 256 * 64; n++) {
		/* C4 RXB.mmmmm W.vvvv.L.pp opcode; R and X inverted, B means nothing here */
		u8 mm = (u8)(1 + (n >> 8) % 3), pp = n >> 10 & 3, l = n >> 12 & 1, v = n >> 13 & 1;
		u8 code[4] = { 0xc4, (u8)(0xe0 | mm), (u8)(v << 7 | 0x78 | l << 2 | pp), (u8)n };

		if (mm == 3 && (n >> 8 & 3) == 3)
			continue;
		for (unsigned reg = 0; reg < (vex_group(mm, code[3]) ? 8 : 1); reg++) {
			code_and_modrm(w, code, (u8)(0xc4 | reg << 3));
			code_and_modrm(w, code, (u8)((w->wide ? 0x03 : 0x07) | reg << 3));
			code_and_modrm(w, code, (u8)(0x14 | reg << 3)); /* XMM2, of a gather */
		}
	}
}

void opcode_maps_walk(const struct opcode_walk *w)
{
	legacy_maps(w);
	vex_maps(w);
}
