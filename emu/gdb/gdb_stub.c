/* SPDX-License-Identifier: MIT */
/*
 * Packets: registers, memory and points of the guest that gdb is at; all others by their letters.
 */
#include "emu/gdb/gdb_stub.h"

#include "emu/dbg/dbg_mem.h"
#include "emu/gdb/gdb_query.h"
#include "emu/gdb/gdb_regs.h"
#include "kernel/base/string.h"

/* --- Registers */

static void read_registers(struct gdb_stub *g, struct gdb_guest *t, unsigned from, unsigned to)
{
	unsigned parts = gdb_reg_parts(t->cpu);
	u8 value[GDB_WIDE];

	g->ops->fpu(t, false);
	gdb_begin(&g->packet);
	for (unsigned n = from; n < to; n++) {
		if (!gdb_reg_there(parts, n))
			continue;
		gdb_reg_read(t->cpu, n, value);
		gdb_add_hex(&g->packet, value, gdb_reg_size(n));
	}
	gdb_send(&g->packet);
}

/* gdb writes all of them for the sake of one: the others keep what they have. */
static bool write_register(struct cpu *cpu, unsigned n, const char **s)
{
	u8 value[GDB_WIDE], now[GDB_WIDE];

	if (!gdb_bytes(*s, value, gdb_reg_size(n)))
		return false;
	*s += 2 * gdb_reg_size(n);
	gdb_reg_read(cpu, n, now);
	return !memcmp(value, now, gdb_reg_size(n)) || gdb_reg_write(cpu, n, value);
}

static void write_registers(struct gdb_stub *g, struct gdb_guest *t, unsigned from, unsigned to,
			    const char *s)
{
	unsigned parts = gdb_reg_parts(t->cpu);
	bool good = true;

	g->ops->fpu(t, false);
	for (unsigned n = from; n < to && *s; n++)
		if (gdb_reg_there(parts, n))
			good &= write_register(t->cpu, n, &s);
	g->ops->fpu(t, true);
	gdb_ok_or(&g->packet, good);
}

static void one_register(struct gdb_stub *g, struct gdb_guest *t, const char *s, bool write)
{
	u32 n;

	if (!gdb_number(&s, &n) || !gdb_reg_there(gdb_reg_parts(t->cpu), n) ||
	    (write && (!gdb_skip(&s, '=') || !*s)))
		gdb_say(&g->packet, "E01");
	else if (write)
		write_registers(g, t, n, n + 1, s);
	else
		read_registers(g, t, n, n + 1);
}

/* --- Memory */

static void read_memory(struct gdb_stub *g, struct gdb_guest *t, const char *s)
{
	u8 buf[GDB_HEX_BYTES];
	u32 address, len;

	if (!gdb_range(&s, &address, &len)) {
		gdb_say(&g->packet, "E01");
		return;
	}
	gdb_say_memory(&g->packet, buf, dbg_read(t->cpu, address, buf, MIN(len, GDB_HEX_BYTES)),
		       len);
}

static bool write_memory(struct gdb_stub *g, struct gdb_guest *t, const char *s, bool binary)
{
	const u8 *bytes = NULL;
	u8 buf[GDB_HEX_BYTES];
	u32 address, len;

	if (gdb_range(&s, &address, &len) && gdb_skip(&s, ':'))
		bytes = gdb_written(&g->packet, s, len, binary, buf);
	return bytes && dbg_write(t->cpu, address, bytes, len);
}

/* --- Points */

static void point(struct gdb_stub *g, struct gdb_guest *t, const char *s, bool set)
{
	static const u8 kind[] = { STOP_EXEC, STOP_EXEC, STOP_WRITE, STOP_READ, STOP_ACCESS };
	struct cpu_stop stop = { 0 };
	int type = hex_digit(*s);

	if (type < 0 || type >= (int)ARRAY_SIZE(kind)) {
		gdb_say(&g->packet, "");
		return;
	}
	s++;
	if (!gdb_skip(&s, ',') || !gdb_range(&s, &stop.gla, &stop.len)) {
		gdb_say(&g->packet, "E01");
		return;
	}
	stop.kind = kind[type];
	if (stop.kind == STOP_EXEC)
		stop.len = 1;
	gdb_ok_or(&g->packet, !(set ? g->ops->add : g->ops->remove)(t, &stop));
}

/* --- Packets */

/* c, s: with an address perhaps. C, S: with a signal, which a machine has none of. */
static void go_from(struct gdb_stub *g, const char *s, bool step)
{
	struct gdb_guest *t = gdb_guest_at(g);
	u32 address;

	if (t && gdb_number(&s, &address))
		t->cpu->eip = address - t->cpu->seg[SEG_CS].base;
	gdb_guests_go(g, step);
}

static void v_packet(struct gdb_stub *g, const char *s)
{
	const char *rest;

	if (!strcmp(s, "vCont?"))
		gdb_say(&g->packet, "vCont;c;C;s;S");
	else if ((rest = gdb_behind(s, "vCont;")))
		gdb_guests_continue(g, rest);
	else if ((rest = gdb_behind(s, "vAttach;")))
		gdb_guests_attach(g, rest);
	else if (gdb_behind(s, "vRun"))
		gdb_guests_restart(g);
	else if ((rest = gdb_behind(s, "vKill")) && *rest)
		gdb_guests_kill(g, rest);
	else
		gdb_say(&g->packet, "");
}

/* True: it was one about the guest that gdb is at. */
static bool about_guest(struct gdb_stub *g, char letter, const char *s)
{
	struct gdb_guest *t = gdb_guest_at(g);

	if (!letter || !strchr("gGpPmMXZz", letter))
		return false;
	if (!t) {
		gdb_say(&g->packet, "E01");
		return true;
	}
	switch (letter) {
	case 'g':
		read_registers(g, t, 0, GDB_REGS);
		break;
	case 'G':
		write_registers(g, t, 0, GDB_REGS, s);
		break;
	case 'p':
	case 'P':
		one_register(g, t, s, letter == 'P');
		break;
	case 'm':
		read_memory(g, t, s);
		break;
	case 'M':
	case 'X':
		gdb_ok_or(&g->packet, write_memory(g, t, s, letter == 'X'));
		break;
	default:
		point(g, t, s, letter == 'Z');
	}
	return true;
}

static void packet(struct gdb_stub *g)
{
	const char *s = g->packet.text + 1;
	char letter = g->packet.text[0];

	if (about_guest(g, letter, s))
		return;
	switch (letter) {
	case '?':
		gdb_guests_why(g);
		return;
	case 'c':
	case 's':
		go_from(g, s, letter == 's');
		return;
	case 'C':
	case 'S':
		gdb_guests_go(g, letter == 'S');
		return;
	case 'v':
		v_packet(g, g->packet.text);
		return;
	case 'q':
	case 'Q':
		gdb_query(g, g->packet.text);
		return;
	case '!': /* target extended-remote */
		gdb_say(&g->packet, "OK");
		return;
	case 'H':
		gdb_guests_select(g, s);
		return;
	case 'T':
		gdb_guests_alive(g, s);
		return;
	case 'D':
		gdb_guests_leave(g, s);
		return;
	case 'k':
		gdb_guests_kill(g, "");
		return;
	default:
		gdb_say(&g->packet, "");
	}
}

/* --- Bytes in */

void gdb_stub_init(struct gdb_stub *g, const struct gdb_ops *ops, void *ctx)
{
	*g = (struct gdb_stub){ .ops = ops, .ctx = ctx, .packet = { .put = ops->put, .ctx = ctx } };
	list_init(&g->guests);
}

static bool knows(const char *s, const char *feature)
{
	for (; *s; s++)
		if (gdb_behind(s, feature))
			return true;
	return false;
}

static void received(struct gdb_stub *g)
{
	bool interrupt = g->interrupt;

	g->interrupt = false;
	if (gdb_behind(g->packet.text, "qSupported")) {
		g->multi = knows(g->packet.text, "multiprocess+");
		g->swbreak = knows(g->packet.text, "swbreak+");
		gdb_guests_begin(g);
	} else if (!g->here) {
		g->multi = g->swbreak = false;
		gdb_guests_begin(g);
	}
	/* While a guest runs gdb has nothing to ask; if it does, it has lost count. */
	if (g->going)
		gdb_guests_stop(g);
	packet(g);
	if (interrupt && g->going)
		gdb_guests_stop(g);
}

void gdb_stub_input(struct gdb_stub *g, u8 byte)
{
	switch (gdb_packet_input(&g->packet, byte)) {
	case GDB_CAME_NOTHING:
		return;
	case GDB_CAME_PACKET:
		received(g);
		return;
	case GDB_CAME_CTRL_C:
		if (g->going)
			gdb_guests_stop(g);
		else
			g->interrupt = true;
		return;
	}
}
