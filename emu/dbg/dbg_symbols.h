/* SPDX-License-Identifier: MIT */
/*
 * Names of a guest's addresses: of System.map, `nm`, a bare list of addresses and names, or the
 * symbol table of an ELF file. The file's text stays where it is and must outlive them.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

struct dbg_symbol {
	u32 value;
	u32 name, len; /* in the text */
};

struct dbg_symbols {
	const char *text;
	struct dbg_symbol *at; /* by value */
	u32 count;
	char *own_text; /* freed with them; NULL: the text is somebody else's */
};

/* NULL, or why there are none; *s is then empty. */
const char *dbg_symbols_load(struct dbg_symbols *s, const void *file, size_t size);
void dbg_symbols_free(struct dbg_symbols *s);

/* s may be NULL in all of these. */
bool dbg_symbols_value(const struct dbg_symbols *s, const char *name, u32 *value);
/* The last one that is not behind the address; NULL: none within 1 MiB. */
const struct dbg_symbol *dbg_symbols_near(const struct dbg_symbols *s, u32 address);
/* " <name+1f>"; nothing if there is no name. */
void dbg_add_symbol(struct dbg_line *l, const struct dbg_symbols *s, u32 address);
/* Those whose name contains the word, n at most; how many there are. */
u32 dbg_print_symbols(const struct dbg_symbols *s, const char *word, u32 n,
		      const struct dbg_out *out);
