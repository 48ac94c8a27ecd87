/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the table of symbols. symbols.h tells how it is used.
 */
#include "kernel/debug/symbols.h"

#include "arch/mem/image.h"
#include "kernel/base/print.h"

extern const u64 symbol_count;
extern const u64 symbol_address[];
extern const u32 symbol_name_at[];
extern const char symbol_names[];

const char *symbol_find(hva_t address, u64 *offset)
{
	u64 low = 0, high = symbol_count;

	if (address < (hva_t)image_text_start || address >= (hva_t)image_text_end)
		return NULL;
	/* symbol[low] <= address < symbol[high], once low is 0 or has been moved */
	while (high - low > 1) {
		u64 middle = (low + high) / 2;

		if (symbol_address[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	if (!high || symbol_address[low] > address)
		return NULL;
	*offset = address - symbol_address[low];
	return symbol_names + symbol_name_at[low];
}

const char *symbol_format(hva_t address, char *buf, size_t size)
{
	u64 offset;
	const char *name = symbol_find(address, &offset);

	if (name)
		fmt_print(buf, size, "%s+%llx", name, (unsigned long long)offset);
	else
		fmt_print(buf, size, "%016llx", (unsigned long long)address);
	return buf;
}
