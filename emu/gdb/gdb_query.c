/* SPDX-License-Identifier: MIT */
/*
 * What the stub can, descriptions, the guests, and commands of the prompt.
 */
#include "emu/gdb/gdb_query.h"

#include "emu/dbg/dbg_disas.h"
#include "emu/gdb/gdb_regs.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define COMMAND 256u /* characters */

static void supported(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_begin(&g->packet);
	gdb_add(&g->packet,
		"PacketSize=1000;qXfer:features:read+;qXfer:memory-map:read+;qXfer:osdata:read+;"
		"vContSupported+;multiprocess+;QStartNoAckMode+");
	if (g->swbreak)
		gdb_add(&g->packet, ";swbreak+");
	gdb_send(&g->packet);
}

static void target(struct gdb_stub *g, const char *s)
{
	struct gdb_guest *t = gdb_guest_at(g);
	struct gdb_part x;

	if (!t) {
		gdb_say(&g->packet, "E01");
		return;
	}
	t->described_bits = t->told_bits = dbg_code_bits(t->cpu);
	if (!gdb_part_begin(&g->packet, s, &x))
		return;
	gdb_target_xml(t->cpu, &x);
	gdb_part_send(&g->packet, &x);
}

/* gdb asks once, and the addresses are linear: what lies there changes with the guest's tables and
 * with the chipset's. So all is there, and each access is answered for what is there then. */
static void memory_map(struct gdb_stub *g, const char *s)
{
	struct gdb_part x;

	if (!gdb_part_begin(&g->packet, s, &x))
		return;
	gdb_part_add(&x, "<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN "
			 "gnu.org//DTD GDB Memory Map V1.0//EN\" "
			 "\"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map>"
			 "<memory type=\"ram\" start=\"0\" length=\"0x100000000\"/></memory-map>");
	gdb_part_send(&g->packet, &x);
}

/* A VM's name is any text. */
static void add_escaped(struct gdb_part *x, const char *text)
{
	char one[2] = "";

	for (; *text; text++) {
		one[0] = *text;
		gdb_part_add(x, *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : one);
	}
}

static void add_process(struct gdb_part *x, const struct gdb_guest *t)
{
	char pid[64];

	fmt_print(pid, sizeof(pid), "<item><column name=\"pid\">%u</column>", t->pid);
	gdb_part_add(x, pid);
	gdb_part_add(x, "<column name=\"user\">vm</column><column name=\"command\">");
	add_escaped(x, t->name);
	gdb_part_add(x, "</column></item>");
}

/* gdb's `info os processes`: who can be attached to. */
static void processes(struct gdb_stub *g, const char *s)
{
	struct gdb_part x;
	struct list *p;

	if (!gdb_part_begin(&g->packet, s, &x))
		return;
	gdb_part_add(&x, "<?xml version=\"1.0\"?><!DOCTYPE osdata SYSTEM \"osdata.dtd\">"
			 "<osdata type=\"processes\">");
	list_for_each (p, &g->guests)
		add_process(&x, list_entry(p, struct gdb_guest, link));
	gdb_part_add(&x, "</osdata>");
	gdb_part_send(&g->packet, &x);
}

static void command(struct gdb_stub *g, const char *s)
{
	char line[COMMAND];

	if (!g->ops->command) {
		gdb_say(&g->packet, "");
		return;
	}
	if (!gdb_line(s, line, sizeof(line))) {
		gdb_say(&g->packet, "E01");
		return;
	}
	g->ops->command(g->ctx, gdb_guest_at(g), line);
	gdb_say(&g->packet, "OK");
}

static void no_ack(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_say(&g->packet, "OK");
	g->packet.no_ack = true;
}

static void threads(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_guests_list(g);
}

static void no_more(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_say(&g->packet, "l");
}

static void current(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_guests_current(g);
}

/* Not made by gdb, which leaves it running when it goes. */
static void attached(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_say(&g->packet, "1");
}

static void symbol(struct gdb_stub *g, const char *s)
{
	(void)s;
	gdb_say(&g->packet, "OK");
}

void gdb_query(struct gdb_stub *g, const char *s)
{
	static const struct {
		const char *word;
		void (*fn)(struct gdb_stub *g, const char *s);
	} known[] = {
		{ "qSupported", supported },
		{ "qXfer:features:read:target.xml:", target },
		{ "qXfer:memory-map:read::", memory_map },
		{ "qXfer:osdata:read:processes:", processes },
		{ "qRcmd,", command },
		{ "QStartNoAckMode", no_ack },
		{ "qfThreadInfo", threads },
		{ "qsThreadInfo", no_more },
		{ "qThreadExtraInfo,", gdb_guests_about },
		{ "qC", current },
		{ "qAttached", attached },
		{ "qSymbol", symbol },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		const char *rest = gdb_behind(s, known[i].word);

		if (!rest)
			continue;
		known[i].fn(g, rest);
		return;
	}
	gdb_say(&g->packet, "");
}
