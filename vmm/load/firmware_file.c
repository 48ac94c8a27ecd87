/* SPDX-License-Identifier: MIT */
/*
 * A firmware fills whole units of the address space below 4 GiB, and the processor starts 16 bytes
 * before its end.
 */
#include "vmm/load/firmware_file.h"

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
