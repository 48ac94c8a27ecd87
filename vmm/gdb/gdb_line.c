/* SPDX-License-Identifier: MIT */
/*
 * Errors of line_open() in words.
 */
#include "vmm/gdb/gdb_line.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"

const char *gdb_line_why(const char *name, int err)
{
	if (err == E_NOMEM)
		return "no memory";
	if (err != E_BUSY)
		return "this machine has none";
	if (!strcmp(name, "com1") && console_uses(CONSOLE_SERIAL))
		return "the console is there (console = screen frees it)";
	return "something else has it";
}
