/* SPDX-License-Identifier: MIT */
/*
 * A firmware fills whole units of the address space below 4 GiB, and the processor starts 16 bytes
 * before its end. An adapter's ROM begins with AA55h and its size in units of 512 bytes.
 */
#include "vmm/load/firmware_file.h"

#include "kernel/base/bytes.h"

#define UNIT	     (64 * KiB)
#define SIZE_MAX_ROM (4 * MiB) /* emu/board/pc_memory.h */
#define RESET_VECTOR 16u       /* bytes before the end */

const char *firmware_refused(const u8 *data, size_t size)
{
	const u8 *start = data + size - RESET_VECTOR;

	if (!size || size % UNIT)
		return "not a firmware: its size is no multiple of 64 KiB";
	if (size > SIZE_MAX_ROM)
		return "not a firmware: larger than 4 MiB";
	if (*start == 0x00 || *start == 0xff)
		return "not a firmware: there is no code at the reset vector, 16 bytes before its "
		       "end";
	return NULL;
}

#define ROM_SIGNATURE 0xaa55u
#define ROM_BLOCK     512u
#define ROM_MAX	      (128 * KiB) /* between C0000h and the BIOS */

const char *option_rom_refused(const u8 *data, size_t size)
{
	if (size < ROM_BLOCK || get_le16(data) != ROM_SIGNATURE)
		return "not a ROM of an adapter: it does not begin with 55h AAh";
	if (!data[2] || data[2] * ROM_BLOCK > size || size > ROM_MAX)
		return "not a ROM of an adapter: its size is not what it says";
	return NULL;
}
