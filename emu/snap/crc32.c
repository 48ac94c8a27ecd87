/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 by eight tables. table[k][b] is what byte b contributes when k more bytes follow it, so
 * that the eight look-ups of a step do not wait for one another. The tables are made at the first
 * use: 8 KiB that no image has to hold.
 */
#include "emu/snap/crc32.h"

#include "kernel/base/string.h"

#define POLYNOMIAL 0xedb88320u /* reflected */

static u32 table[8][256];

static void make_tables(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 c = i;

		for (unsigned bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (c & 1 ? POLYNOMIAL : 0);
		table[0][i] = c;
	}
	for (unsigned k = 1; k < 8; k++)
		for (u32 i = 0; i < 256; i++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

static u32 eight_bytes(u32 c, const u8 *p)
{
	u32 low, high;

	memcpy(&low, p, 4);
	memcpy(&high, p + 4, 4);
	low ^= c;
	return table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
	       table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
	       table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
}

u32 crc32_update(u32 crc, const void *bytes, size_t n)
{
	const u8 *p = bytes;
	u32 c = ~crc;

	if (!table[0][1])
		make_tables();
	for (; n >= 8; p += 8, n -= 8)
		c = eight_bytes(c, p);
	while (n--)
		c = (c >> 8) ^ table[0][(c ^ *p++) & 0xff];
	return ~c;
}
