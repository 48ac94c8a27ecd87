/* SPDX-License-Identifier: MIT */
/*
 * Packets about the monitor's own processor.
 */
#include "emu/gdb/gdb_host.h"

#include "emu/gdb/gdb_regs.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/hw/x86.h"

#define COMMAND	 256u /* characters */
#define ST_BYTES 10u

static const char *const names[GDB_HOST_REGS] = {
	"rax",	 "rbx",	 "rcx",	  "rdx",   "rsi",   "rdi",   "rbp",    "rsp", "r8",  "r9",  "r10",
	"r11",	 "r12",	 "r13",	  "r14",   "r15",   "rip",   "eflags", "cs",  "ss",  "ds",  "es",
	"fs",	 "gs",	 "st0",	  "st1",   "st2",   "st3",   "st4",    "st5", "st6", "st7", "fctrl",
	"fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop",    "cr0", "cr2", "cr3", "cr4",
};

/* --- Registers */

static unsigned size_of(unsigned n)
{
	if (n >= GDB_HOST_ST0 && n < GDB_HOST_ST0 + 8)
		return ST_BYTES;
	return n < GDB_HOST_RFLAGS || n >= GDB_HOST_CR0 ? 8 : 4;
}

static bool is_there(unsigned n)
{
	return n < GDB_HOST_ST0 || n >= GDB_HOST_CR0;
}

static const char *type_of(unsigned n)
{
	if (n >= GDB_HOST_ST0 && n < GDB_HOST_ST0 + 8)
		return "i387_ext";
	switch (n) {
	case GDB_HOST_RBP:
	case GDB_HOST_RSP:
		return "data_ptr";
	case GDB_HOST_RIP:
		return "code_ptr";
	case GDB_HOST_RFLAGS:
		return "i386_eflags";
	default:
		return size_of(n) == 8 ? "int64" : "int32";
	}
}

static void read_registers(struct gdb_host *g, unsigned from, unsigned to)
{
	gdb_begin(&g->packet);
	for (unsigned n = from; n < to; n++) {
		if (is_there(n)) {
			gdb_add_hex(&g->packet, &g->reg[n], size_of(n));
			continue;
		}
		for (unsigned i = 0; i < 2 * size_of(n); i++)
			gdb_add_char(&g->packet, 'x'); /* not available */
	}
	gdb_send(&g->packet);
}

/* Others change nothing, or the way back from the trap. */
#define FLAGS_WRITABLE                                                                             \
	((u64)(EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_IF | EFLAGS_DF | \
	       EFLAGS_OF))

static bool write_register(struct gdb_host *g, unsigned n, const char **s)
{
	u64 value = 0, changed;

	if (!is_there(n)) {
		*s += MIN(2 * size_of(n), strlen(*s));
		return true;
	}
	if (!gdb_bytes(*s, (u8 *)&value, size_of(n)))
		return false;
	*s += 2 * size_of(n);
	changed = value ^ g->reg[n];
	if (n > GDB_HOST_RFLAGS && changed)
		return false;
	if (n == GDB_HOST_RFLAGS && changed & ~FLAGS_WRITABLE)
		return false;
	g->reg[n] = value;
	return true;
}

static void write_registers(struct gdb_host *g, unsigned from, unsigned to, const char *s)
{
	bool good = true;

	for (unsigned n = from; n < to && *s; n++)
		good &= write_register(g, n, &s);
	gdb_ok_or(&g->packet, good);
}

static void one_register(struct gdb_host *g, const char *s, bool write)
{
	u32 n;

	if (!gdb_number(&s, &n) || n >= GDB_HOST_REGS || (write && (!gdb_skip(&s, '=') || !*s)))
		gdb_say(&g->packet, "E01");
	else if (write)
		write_registers(g, n, n + 1, s);
	else
		read_registers(g, n, n + 1);
}

/* --- Memory and points */

static bool range(const char **s, u64 *address, u32 *len)
{
	return gdb_number64(s, address) && gdb_skip(s, ',') && gdb_number(s, len);
}

static void read_memory(struct gdb_host *g, const char *s)
{
	u8 buf[GDB_HEX_BYTES];
	u64 address;
	u32 len;

	if (!range(&s, &address, &len)) {
		gdb_say(&g->packet, "E01");
		return;
	}
	gdb_say_memory(&g->packet, buf, g->ops->read(address, buf, MIN(len, GDB_HEX_BYTES)), len);
}

static void write_memory(struct gdb_host *g, const char *s, bool binary)
{
	const u8 *bytes = NULL;
	u8 buf[GDB_HEX_BYTES];
	u64 address;
	u32 len;

	if (range(&s, &address, &len) && gdb_skip(&s, ':'))
		bytes = gdb_written(&g->packet, s, len, binary, buf);
	if (!bytes)
		gdb_say(&g->packet, "E01");
	else
		gdb_say(&g->packet, g->ops->write(address, bytes, len) ? "OK" : "E14");
}

/* Breakpoints, 0 and 1, are the same. What is read alone cannot be watched on this processor. */
static void point(struct gdb_host *g, const char *s, bool set)
{
	unsigned kind = (unsigned)(*s - '0');
	u64 address;
	u32 len;
	bool good;

	if (kind > 1 && kind != GDB_HOST_WRITE && kind != GDB_HOST_ACCESS) {
		gdb_say(&g->packet, "");
		return;
	}
	s++;
	good = gdb_skip(&s, ',') && range(&s, &address, &len);
	if (good && kind <= 1)
		good = g->ops->point(address, set);
	else if (good)
		good = g->ops->watch(address, len, kind == GDB_HOST_ACCESS, set);
	gdb_ok_or(&g->packet, good);
}

/* --- Questions */

static void target(struct gdb_host *g, const char *s)
{
	struct gdb_part x;
	char line[120];

	if (!gdb_part_begin(&g->packet, s, &x))
		return;
	gdb_part_add(&x, gdb_xml_head);
	gdb_part_add(&x, "<architecture>i386:x86-64</architecture>"
			 "<feature name=\"org.gnu.gdb.i386.core\">");
	gdb_part_add(&x, gdb_xml_flags);
	for (unsigned n = 0; n < GDB_HOST_REGS; n++) {
		if (n == GDB_HOST_CR0)
			gdb_part_add(&x, "</feature><feature "
					 "name=\"org.ringleader.x86-64.system\">");
		fmt_print(line, sizeof(line),
			  "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>", names[n],
			  size_of(n) * 8, type_of(n), n);
		gdb_part_add(&x, line);
	}
	gdb_part_add(&x, "</feature></target>");
	gdb_part_send(&g->packet, &x);
}

static void command(struct gdb_host *g, const char *s)
{
	char line[COMMAND];

	if (!gdb_line(s, line, sizeof(line))) {
		gdb_say(&g->packet, "E01");
		return;
	}
	g->ops->command(g->ctx, line);
	gdb_say(&g->packet, "OK");
}

static void query(struct gdb_host *g, const char *s)
{
	static const struct {
		const char *word, *answer;
	} known[] = {
		{ "qSupported", "PacketSize=1000;qXfer:features:read+;swbreak+;QStartNoAckMode+" },
		{ "QStartNoAckMode", "OK" },
		{ "qAttached", "1" }, /* gdb leaves it running when it goes */
		{ "qfThreadInfo", "m1" },
		{ "qsThreadInfo", "l" },
		{ "qC", "QC1" },
		{ "qSymbol", "OK" },
	};
	const char *rest;

	if ((rest = gdb_behind(s, "qXfer:features:read:target.xml:"))) {
		target(g, rest);
		return;
	}
	if ((rest = gdb_behind(s, "qRcmd,"))) {
		command(g, rest);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		if (!gdb_behind(s, known[i].word))
			continue;
		gdb_say(&g->packet, known[i].answer);
		if (gdb_behind(s, "QStartNoAckMode"))
			g->packet.no_ack = true;
		return;
	}
	gdb_say(&g->packet, "");
}

/* --- Come, stand, go */

static void tell_stop(struct gdb_host *g)
{
	static const u8 expedited[] = { GDB_HOST_RBP, GDB_HOST_RSP, GDB_HOST_RIP };
	char text[40];

	g->going = false;
	gdb_begin(&g->packet);
	fmt_print(text, sizeof(text), "T%02xthread:1;", g->signal);
	gdb_add(&g->packet, text);
	if (g->at_point)
		gdb_add(&g->packet, "swbreak:;");
	if (g->watched.kind) {
		fmt_print(text, sizeof(text), "%s:%llx;",
			  g->watched.kind == GDB_HOST_WRITE ? "watch" : "awatch",
			  (unsigned long long)g->watched.at);
		gdb_add(&g->packet, text);
	}
	for (unsigned i = 0; i < sizeof(expedited); i++) {
		gdb_add_hex(&g->packet, &expedited[i], 1);
		gdb_add_char(&g->packet, ':');
		gdb_add_hex(&g->packet, &g->reg[expedited[i]], 8);
		gdb_add_char(&g->packet, ';');
	}
	gdb_send(&g->packet);
}

static void leave(struct gdb_host *g)
{
	g->ops->forget_points();
	g->here = g->going = g->packet.no_ack = false;
	g->does = GDB_HOST_GOES;
}

/* c, s: with an address perhaps. C, S: with a signal, which a machine has none of. Ctrl-C may have
 * come just in front of it. */
static void go(struct gdb_host *g, const char *s, enum gdb_host_does does)
{
	u64 address;

	if (gdb_number64(&s, &address))
		g->reg[GDB_HOST_RIP] = address;
	if (g->interrupt) {
		g->signal = GDB_HOST_INT;
		tell_stop(g);
		return;
	}
	g->going = true;
	g->does = does;
}

static void packet(struct gdb_host *g, char letter, const char *s)
{
	switch (letter) {
	case '?':
		tell_stop(g);
		return;
	case 'g':
		read_registers(g, 0, GDB_HOST_REGS);
		return;
	case 'G':
		write_registers(g, 0, GDB_HOST_REGS, s);
		return;
	case 'p':
	case 'P':
		one_register(g, s, letter == 'P');
		return;
	case 'm':
		read_memory(g, s);
		return;
	case 'M':
	case 'X':
		write_memory(g, s, letter == 'X');
		return;
	case 'z':
	case 'Z':
		point(g, s, letter == 'Z');
		return;
	case 'c':
	case 's':
		go(g, s, letter == 'c' ? GDB_HOST_GOES : GDB_HOST_STEPS);
		return;
	case 'C':
	case 'S':
		go(g, "", letter == 'C' ? GDB_HOST_GOES : GDB_HOST_STEPS);
		return;
	case 'D':
		gdb_say(&g->packet, "OK");
		leave(g);
		return;
	case 'k': /* without the monitor there is nothing left that could run */
		leave(g);
		return;
	case 'H':
	case 'T':
		gdb_say(&g->packet, "OK");
		return;
	case 'q':
	case 'Q':
		query(g, g->packet.text);
		return;
	default:
		gdb_say(&g->packet, "");
	}
}

bool gdb_host_input(struct gdb_host *g, u8 byte)
{
	switch (gdb_packet_input(&g->packet, byte)) {
	case GDB_CAME_NOTHING:
		return false;
	case GDB_CAME_PACKET:
		g->pending = true;
		return true;
	case GDB_CAME_CTRL_C:
		g->interrupt = g->here;
		return g->here;
	}
	return false;
}

void gdb_host_stands(struct gdb_host *g, unsigned signal)
{
	g->signal = signal;
	/* A new gdb has come: the one before waits no more. */
	if (g->pending && gdb_behind(g->packet.text, "qSupported"))
		g->going = false;
	if (!g->going)
		return;
	g->interrupt = false;
	tell_stop(g);
}

enum gdb_host_does gdb_host_answer(struct gdb_host *g)
{
	g->does = GDB_HOST_STANDS;
	if (!g->pending)
		return g->does;
	g->pending = false;
	if (!g->here || gdb_behind(g->packet.text, "qSupported"))
		g->ops->forget_points(); /* of one that has gone without a word */
	g->here = true;
	packet(g, g->packet.text[0], g->packet.text + 1);
	g->interrupt = false;
	return g->does;
}

void gdb_host_init(struct gdb_host *g, const struct gdb_host_ops *ops, void *ctx)
{
	*g = (struct gdb_host){ .ops = ops,
				.ctx = ctx,
				.packet = { .put = ops->put, .ctx = ctx },
				.signal = GDB_HOST_TRAP };
}
