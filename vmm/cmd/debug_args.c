/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the debugging commands.
 */
#include "vmm/cmd/debug_args.h"

#include "emu/dbg/dbg_address.h"
#include "kernel/base/bytes.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_symbols.h"

int debug_address(struct vm *vm, const char *text, u32 *address)
{
	struct cpu *cpu = &vm->vcpu->cpu;
	const char *why = dbg_address(cpu, text, address);

	/* Perhaps one of the guest's own names, which take a while to find. */
	if (why && !cpu->stops.symbols && !vm_symbols_seek(vm))
		why = dbg_address(cpu, text, address);
	if (!why)
		return 0;
	console_print("%s: %s\n", text, why);
	return E_INVAL;
}

int debug_number(const char *text, u32 max, u32 *number)
{
	u64 n;

	if (str_to_u64(text, &n) || n > max) {
		console_print("%s: not a number up to %u\n", text, max);
		return E_INVAL;
	}
	*number = (u32)n;
	return 0;
}

int debug_bytes(const char *command, const char *text, u8 *bytes, u32 room, u32 *n)
{
	static const struct {
		const char *slash;
		u32 size;
	} units[] = { { "/b", 1 }, { "/w", 2 }, { "/d", 4 } };
	const char *slash = strchr(command, '/');
	u8 value_bytes[4];
	u32 value;

	if (slash && !strcmp(slash, "/s")) {
		*n = (u32)MIN(strlen(text), (size_t)room);
		memcpy(bytes, text, *n);
		return *n ? 0 : E_INVAL;
	}
	*n = slash ? 0 : 4;
	for (unsigned i = 0; slash && i < ARRAY_SIZE(units); i++)
		if (!strcmp(slash, units[i].slash))
			*n = units[i].size;
	if (!*n) {
		console_print("%s: /b, /w, /d or /s\n", command);
		return E_INVAL;
	}
	if (*n > room || debug_number(text, (u32)(BIT64(8 * *n) - 1), &value))
		return E_INVAL;
	put_le32(value_bytes, value);
	memcpy(bytes, value_bytes, *n);
	return 0;
}

int debug_words(int argc, char **argv, int first, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = first; i < argc; i++) {
		if (n + 1 + strlen(argv[i]) >= size) {
			console_print("%s...: too long\n", argv[first]);
			return E_INVAL;
		}
		if (i > first)
			text[n++] = ' ';
		n += str_copy(text + n, argv[i], size - n);
	}
	return 0;
}

bool debug_take_option(int *argc, char **argv, const char *option)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], option))
			continue;
		for ((*argc)--; i < *argc; i++)
			argv[i] = argv[i + 1];
		return true;
	}
	return false;
}

int debug_usage(const char *text)
{
	console_print("%s\n", text);
	return E_INVAL;
}

int debug_must_stand(const struct vm *vm)
{
	console_print("%s runs: pause it first\n", vm->config.name);
	return E_BUSY;
}
