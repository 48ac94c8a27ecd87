/* SPDX-License-Identifier: MIT */
/*
 * Serial lines beside the console's, by name: a driver offers one, and somebody opens it.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/lib/byte_ring.h"

#define LINE_INPUT 8192u

struct line {
	struct list link;
	const char *name; /* "com2" */
	/* The driver's: begins to take input; sends; is told that some input was taken. Interrupts
	 * may be on or off. */
	int (*start)(struct line *line);
	void (*write)(struct line *line, const char *s, size_t n);
	void (*taken)(struct line *line);
	/* With interrupts off, polled: sends; the next byte that has come or -1. */
	void (*write_now)(struct line *line, const char *s, size_t n);
	int (*read_now)(struct line *line);
	/* Of the one who opened it: told, in an interrupt, that input has come. NULL: it is not
	 * open. */
	void (*came)(void *ctx);
	void *ctx;
	u8 data[LINE_INPUT];
	struct byte_ring input;
};

void line_register(struct line *line);
/* E_NOENT: there is none of that name; E_BUSY: it is open, or the console's; or what the driver
 * says. */
int line_open(const char *name, void (*came)(void *ctx), void *ctx, struct line **line);
/* A byte that was typed, or -1. */
int line_read(struct line *line);
/* With interrupts off, the same, and what the driver finds when it looks. */
int line_read_now(struct line *line);

/* For drivers, in an interrupt. */
void line_input(struct line *line, u8 byte);
