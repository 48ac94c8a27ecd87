/* SPDX-License-Identifier: MIT */
/* Byte and word code with partial registers, AH to DH among them: a checksum and a histogram. */
#include "guest.h"

static u8 data[32768];
static u16 histogram[256];

u32 bench(void)
{
	u32 sum = 1;
	u16 crc = 0xffff;

	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 7 + (i >> 5));
	for (u32 round = 0; round < 60; round++) {
		const u8 *p = data;
		u32 n = sizeof(data) / 2, acc = sum;

		__asm__ volatile("1: movb (%[p]), %%al\n"
				 "   movb 1(%[p]), %%ah\n"
				 "   addb %%ah, %%dl\n"
				 "   adcb %%al, %%dh\n"
				 "   rolw $3, %%dx\n"
				 "   xorb %%dh, %%al\n"
				 "   addl $2, %[p]\n"
				 "   decl %[n]\n"
				 "   jnz 1b\n"
				 : [p] "+r"(p), [n] "+r"(n), "+d"(acc)
				 :
				 : "eax", "cc", "memory");
		sum = acc;
		for (u32 i = 0; i < sizeof(data); i++) {
			crc = (u16)(crc ^ data[i] << 8);
			crc = crc & 0x8000 ? (u16)(crc << 1 ^ 0x1021) : (u16)(crc << 1);
			histogram[(u8)(crc >> 8)]++;
		}
	}
	for (u32 i = 0; i < 256; i++)
		sum = sum * 31 + histogram[i];
	return sum + crc;
}
