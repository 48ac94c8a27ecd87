/* SPDX-License-Identifier: MIT */
/*
 * Pages of text on a VT100-like terminal, pure: bytes in, bytes out. What a command prints passes
 * through: the first screen goes out as it comes, the rest is kept. When the command has ended,
 * keys show the rest page by page:
 *
 *     space, f      a page                q             no more
 *     Enter, j      a line                /TEXT Enter   goes on where TEXT stands; n: the next one
 *     b             a page back           G             all of the rest
 *
 * Text that is longer than the pager's room is not paged: it goes out as it comes from there on.
 */
#pragma once

#include "kernel/base/types.h"

#define PAGER_ROOM   (128u * 1024u)
#define PAGER_SEARCH 64u
#define PAGER_ROWS   24u /* of a terminal that nobody has asked */
#define PAGER_WIDTH  80u

struct pager {
	void (*out)(const char *s, size_t n);
	u32 rows, columns; /* of the terminal */
	char text[PAGER_ROOM];
	u32 size, shown; /* of the text: bytes, and how many of them have gone out */
	u32 page;	 /* where the page on the screen begins */
	bool passes;	 /* all goes out as it comes: there is no room any more, or nobody pages */
	bool typing;	 /* behind '/' */
	char search[PAGER_SEARCH];
	u32 search_len;
	bool prompt; /* stands in the last line */
};

/* A new text begins. passes: it is not to be paged. */
void pager_begin(struct pager *p, bool passes);
void pager_print(struct pager *p, const char *s, size_t n);
/* Is there more than went out? */
static inline bool pager_has_more(const struct pager *p)
{
	return p->shown < p->size;
}
/* All of it goes out. */
void pager_flush(struct pager *p);
/* The terminal is so large (at least 2 by 1, else as nobody has asked): fills the first page, and
 * asks for a key. False: that was all. */
bool pager_start(struct pager *p, u32 rows, u32 columns);
/* False: it has ended. */
bool pager_key(struct pager *p, u8 byte);
/* The last line is somebody else's for a moment; and is ours again. */
void pager_hide(struct pager *p);
void pager_show(struct pager *p);
