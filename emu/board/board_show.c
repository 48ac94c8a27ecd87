/* SPDX-License-Identifier: MIT */
/*
 * Fields in columns, several to a line.
 */
#include "emu/board/board_show.h"

#include "emu/board/board.h"
#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/dev/device.h"
#include "emu/snap/snap.h"
#include "emu/words/device_words.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/hw/apic_regs.h"

#define COLUMN	    26u
#define COLUMNS	    4u
#define BYTES_SHOWN 16u

struct shower {
	const struct dbg_out *out;
	struct dbg_line line;
	unsigned column;
};

static bool no_stream(void *ctx, void *bytes, u32 n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	return true;
}

/* "c->channel[i].count" is "count": what a field's owner is called in the source says nothing. */
static const char *own_name(const char *field)
{
	const char *name = field;

	for (const char *p = field; *p; p++)
		if ((p[0] == '-' && p[1] == '>') || p[0] == '.')
			name = p + (p[0] == '.' ? 1 : 2);
	return name;
}

static void end_line(struct shower *s)
{
	if (s->column)
		dbg_end(&s->line, s->out);
	s->column = 0;
}

static void show_number(struct shower *s, const char *name, const u8 *bytes, u32 n)
{
	char text[DBG_LINE];
	u64 value = 0;
	size_t len;

	memcpy(&value, bytes, n);
	len = (size_t)fmt_print(text, sizeof(text), "%s=%llx", name, (unsigned long long)value);
	if (s->column == COLUMNS)
		end_line(s);
	s->column++;
	dbg_add(&s->line, "%s%*s", text, len < COLUMN ? (int)(COLUMN - len) : 1, "");
}

static void show_bytes(struct shower *s, const char *name, const u8 *bytes, u32 n)
{
	end_line(s);
	dbg_add(&s->line, "%s, %u bytes:", name, n);
	for (u32 i = 0; i < MIN(n, BYTES_SHOWN); i++)
		dbg_add(&s->line, " %02x", bytes[i]);
	dbg_add(&s->line, n > BYTES_SHOWN ? " ..." : "");
	dbg_end(&s->line, s->out);
}

static void show(void *ctx, const char *field, const u8 *bytes, u32 n)
{
	if (n <= sizeof(u64))
		show_number(ctx, own_name(field), bytes, n);
	else
		show_bytes(ctx, own_name(field), bytes, n);
}

static const struct device *find(const struct board *b, const char *name)
{
	const struct device_set *set = board_devices(b);

	for (unsigned i = 0; i < set->count; i++)
		if (!strcmp(set->device[i].slot->name, name))
			return &set->device[i];
	return NULL;
}

int board_show_device(struct board *b, const char *name, const struct dbg_out *out)
{
	const struct device *d = find(b, name);
	const struct device_class *c;
	struct shower s = { .out = out };
	struct snap *snap;

	if (!d)
		return E_NOENT;
	c = d->slot->class;
	if (!c->state)
		return E_NOSYS;
	snap = mem_alloc(sizeof(*snap));
	if (!snap)
		return E_NOMEM;
	board_settle(b);
	if (words_print(c, d->dev, out))
		dbg_print(out, "what is saved of it, by the names of its source:");
	snap_save_to(snap, no_stream, &s);
	snap->tell = show;
	if (snap_begin(snap, d->slot->name, c->version))
		c->state(d->dev, snap);
	end_line(&s);
	mem_free(snap);
	return 0;
}

/* --- Interrupts */

static void add_pic(struct dbg_line *l, const struct i8259_pair *p, unsigned irq)
{
	const struct i8259 *c = &p->chip[irq >> 3];
	u8 bit = (u8)BIT(irq & 7);
	char text[40];

	fmt_print(text, sizeof(text), "%02x %s%s%s%s", i8259_vector(p, irq),
		  c->elcr & bit ? "level" : "edge", c->imr & bit ? " masked" : "",
		  i8259_requests(p, irq) ? " request" : "", c->isr & bit ? " service" : "");
	dbg_add(l, "%-28s", text);
}

static void add_ioapic(struct dbg_line *l, const struct ioapic *io, unsigned irq)
{
	unsigned pin = board_ioapic_pin(irq);
	u64 e;

	if (!io)
		return;
	e = io->entry[pin];
	dbg_add(l, "%02x%s%s%s%s  ", (unsigned)(e & 0xff), e & LVT_LEVEL ? " level" : " edge ",
		e & LVT_MASKED ? " masked" : "       ", e & LVT_REMOTE ? " service" : "        ",
		io->wires >> pin & 1 ? " wire" : "     ");
}

static bool drives(const struct device_slot *s, unsigned irq)
{
	return s->irqs & BIT(irq);
}

void board_show_irqs(struct board *b, const struct dbg_out *out)
{
	const struct device_set *set = board_devices(b);
	const struct i8259_pair *pic = devices_find(set, &i8259_class, 0);
	const struct ioapic *io = devices_find(set, &ioapic_class, 0);
	struct board_wires w;

	board_wires(b, &w);
	dbg_print(out, "IRQ WIRE      RISES  %-28s%s  DEVICES", "PIC",
		  io ? "I/O APIC                      " : "");
	for (unsigned irq = 0; irq < ARRAY_SIZE(w.rises); irq++) {
		struct dbg_line l = { .len = 0 };

		dbg_add(&l, "%3u %-4s %10llu  ", irq, w.up & BIT(irq) ? "up" : "",
			(unsigned long long)w.rises[irq]);
		add_pic(&l, pic, irq);
		add_ioapic(&l, io, irq);
		for (unsigned i = 0; i < set->count; i++)
			if (drives(set->device[i].slot, irq))
				dbg_add(&l, " %s", set->device[i].slot->name);
		dbg_end(&l, out);
	}
}
