/* SPDX-License-Identifier: MIT */
/*
 * A line editor for a VT100-like terminal, pure: bytes in, bytes out. Emacs keys, arrows, history
 * with search, a ring of what was deleted, completion by Tab.
 *
 *     Ctrl-A E, Home End     begin and end          Ctrl-B F, arrows      a character
 *     Alt-B F, Ctrl-arrows   a word                 Ctrl-P N, arrows      history
 *     Ctrl-R                 search in it: more letters, Ctrl-R again, Enter, Ctrl-G or Ctrl-C
 *     Ctrl-K U W, Alt-D, Alt-Backspace              delete to the end, the beginning, a word
 *     Ctrl-Y, Alt-Y          what was deleted last; the one before in its place
 *     Ctrl-T                 two characters change places
 *     Ctrl-D, Delete, Backspace; Ctrl-L clears the screen; Ctrl-C drops the line
 *     Tab                    completes, and lists the candidates where nothing more is certain
 *
 * Other control bytes and sequences (ESC [ ..., ESC O ..., ESC byte) are eaten.
 */
/*
 * A line editor for a VT100-like terminal, pure: bytes in, bytes out. Emacs keys, arrows, history,
 * completion by Tab.
 *
 * Keys: printable; Backspace; Delete; arrows, Home, End; Ctrl-A E B F P N K U W D L; Ctrl-C drops
 * the line; Tab completes, and lists the candidates when pressed where nothing more is certain. ESC
 * [ ... and ESC O ... sequences that mean nothing are eaten.
 */
#pragma once

#include "kernel/base/types.h"

#define LINEEDIT_LINE	 256u
#define LINEEDIT_HISTORY 32u
#define LINEEDIT_KILLS	 8u
#define LINEEDIT_SEARCH	 64u

struct lineedit_ops {
	void (*out)(void *ctx, const char *s, size_t n);
	/* A whole line, without its end; the editor is empty again and may be re-entered. The
	 * caller shows the next prompt. */
	void (*submit)(void *ctx, const char *line);
	/*
	 * The i-th thing that could stand where the word at line[word_start] is (the core picks
	 * those that begin as the word does); NULL at the end. It stays until the next call. May be
	 * NULL itself.
	 */
	const char *(*candidate)(void *ctx, const char *line, unsigned word_start, unsigned i);
	void *ctx;
};

struct lineedit {
	const struct lineedit_ops *ops;
	const char *prompt;
	char line[LINEEDIT_LINE];
	unsigned len, cursor;
	char history[LINEEDIT_HISTORY][LINEEDIT_LINE];
	unsigned history_count;	   /* ever added; the newest is [(count - 1) % HISTORY] */
	unsigned history_back;	   /* how far back we look; 0: the line being typed */
	char typed[LINEEDIT_LINE]; /* that line, while we look at older ones */
	enum { LINEEDIT_TEXT, LINEEDIT_ESC, LINEEDIT_CSI, LINEEDIT_SS3 } state;
	unsigned parameter;
	/* What was deleted; the newest is [(count - 1) % KILLS]. */
	char kill[LINEEDIT_KILLS][LINEEDIT_LINE];
	unsigned kills;
	bool yanked; /* the last key brought one back: from yank_start to the cursor */
	unsigned yank_start, yank_back;
	/* Search in the history: what for, and how far back the line is that has it. */
	bool searching;
	char search[LINEEDIT_SEARCH];
	unsigned search_len, search_back;
};

void lineedit_init(struct lineedit *e, const struct lineedit_ops *ops, const char *prompt);
void lineedit_input(struct lineedit *e, u8 byte);
/* Prints prompt and line anew, cursor in place. */
void lineedit_redraw(struct lineedit *e);
