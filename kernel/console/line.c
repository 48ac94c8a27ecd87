/* SPDX-License-Identifier: MIT */
/*
 * Lines by name.
 */
#include "kernel/console/line.h"

#include "arch/cpu/processor.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

static struct list lines = LIST_INIT(lines);

void line_register(struct line *line)
{
	line->input = (struct byte_ring){ .data = line->data, .size = sizeof(line->data) };
	list_add_tail(&line->link, &lines);
}

int line_open(const char *name, void (*came)(void *ctx), void *ctx, struct line **out)
{
	struct list *p;
	int err;

	list_for_each (p, &lines) {
		struct line *line = list_entry(p, struct line, link);

		if (strcmp(line->name, name))
			continue;
		if (line->came)
			return E_BUSY;
		line->ctx = ctx;
		line->came = came;
		err = line->start(line);
		if (err)
			line->came = NULL;
		else
			*out = line;
		return err;
	}
	return E_NOENT;
}

int line_read(struct line *line)
{
	u64 flags = irq_save();
	int byte = ring_get(&line->input);

	irq_restore(flags);
	if (byte >= 0)
		line->taken(line);
	return byte;
}

int line_read_now(struct line *line)
{
	int byte = ring_get(&line->input);

	return byte >= 0 ? byte : line->read_now(line);
}

void line_input(struct line *line, u8 byte)
{
	ring_put(&line->input, byte); /* the driver holds back what has no room */
	if (line->came)
		line->came(line->ctx);
}
