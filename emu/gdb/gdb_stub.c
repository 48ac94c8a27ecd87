/* SPDX-License-Identifier: MIT */
/*
 * The packet engine.
 */
#include "emu/gdb/gdb_stub.h"

#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"
#include "emu/gdb/gdb_regs.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define CTRL_C	    0x03
#define ESCAPE	    0x7d
#define READ_MAX    ((GDB_PACKET - 16) / 2)
#define SIGNAL_INT  2u
#define SIGNAL_TRAP 5u
#define SIGNAL_SEGV 11u

static const char hex[] = "0123456789abcdef";

/* --- Answers */

static void add_char(struct gdb_stub *g, char c)
{
	if (g->out < GDB_PACKET)
		g->answer[g->out++] = c;
}

static void add(struct gdb_stub *g, const char *s)
{
	while (*s)
		add_char(g, *s++);
}

static void add_hex(struct gdb_stub *g, const u8 *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_char(g, hex[b[i] >> 4]);
		add_char(g, hex[b[i] & 15]);
	}
}

static void send(struct gdb_stub *g)
{
	char tail[4];
	u8 sum = 0;

	for (unsigned i = 0; i < g->out; i++)
		sum = (u8)(sum + (u8)g->answer[i]);
	tail[0] = '#';
	tail[1] = hex[sum >> 4];
	tail[2] = hex[sum & 15];
	g->ops->put(g->ctx, "$", 1);
	g->ops->put(g->ctx, g->answer, g->out);
	g->ops->put(g->ctx, tail, 3);
	g->out = 0;
}

static void say(struct gdb_stub *g, const char *s)
{
	g->out = 0;
	add(g, s);
	send(g);
}

static void ok_or(struct gdb_stub *g, bool good)
{
	say(g, good ? "OK" : "E01");
}

/* --- Arguments */

/* A hexadecimal number of 32 bits at *s, which is passed over. */
static bool number(const char **s, u32 *value)
{
	const char *from = *s;
	u64 v = 0;

	for (; hex_digit(**s) >= 0 && v <= 0xffffffff; (*s)++)
		v = v << 4 | (u64)hex_digit(**s);
	*value = (u32)v;
	return *s != from && v <= 0xffffffff;
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "addr,length" */
static bool range(const char **s, u32 *address, u32 *len)
{
	return number(s, address) && skip(s, ',') && number(s, len);
}

/* Pairs of digits to n bytes; false: there are not so many. In place is fine. */
static bool bytes(const char *s, u8 *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int high = hex_digit(s[2 * i]), low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);

		if (low < 0)
			return false;
		b[i] = (u8)(high << 4 | low);
	}
	return true;
}

/* --- Registers and memory */

static void read_registers(struct gdb_stub *g, unsigned from, unsigned to)
{
	unsigned parts = gdb_reg_parts(g->cpu);
	u8 value[GDB_WIDE];

	g->ops->fpu(g->ctx, false);
	g->out = 0;
	for (unsigned n = from; n < to; n++) {
		if (!gdb_reg_there(parts, n))
			continue;
		gdb_reg_read(g->cpu, n, value);
		add_hex(g, value, gdb_reg_size(n));
	}
	send(g);
}

/* gdb writes all of them for the sake of one: the others keep what they have. */
static bool write_register(struct gdb_stub *g, unsigned n, const char **s)
{
	u8 value[GDB_WIDE], now[GDB_WIDE];

	if (!bytes(*s, value, gdb_reg_size(n)))
		return false;
	*s += 2 * gdb_reg_size(n);
	gdb_reg_read(g->cpu, n, now);
	return !memcmp(value, now, gdb_reg_size(n)) || gdb_reg_write(g->cpu, n, value);
}

static void write_registers(struct gdb_stub *g, unsigned from, unsigned to, const char *s)
{
	unsigned parts = gdb_reg_parts(g->cpu);
	bool good = true;

	g->ops->fpu(g->ctx, false);
	for (unsigned n = from; n < to && *s; n++)
		if (gdb_reg_there(parts, n))
			good &= write_register(g, n, &s);
	g->ops->fpu(g->ctx, true);
	ok_or(g, good);
}

static void one_register(struct gdb_stub *g, const char *s, bool write)
{
	u32 n;

	if (!number(&s, &n) || !gdb_reg_there(gdb_reg_parts(g->cpu), n) ||
	    (write && (!skip(&s, '=') || !*s)))
		say(g, "E01");
	else if (write)
		write_registers(g, n, n + 1, s);
	else
		read_registers(g, n, n + 1);
}

static void read_memory(struct gdb_stub *g, const char *s)
{
	u8 buf[READ_MAX];
	u32 address, len;
	unsigned have;

	if (!range(&s, &address, &len)) {
		say(g, "E01");
		return;
	}
	have = dbg_read(g->cpu, address, buf, MIN(len, READ_MAX));
	if (!have && len) {
		say(g, "E14"); /* EFAULT */
		return;
	}
	g->out = 0;
	add_hex(g, buf, have);
	send(g);
}

/* M: hexadecimal; X: the bytes themselves, of which the escapes are gone already. */
static void write_memory(struct gdb_stub *g, const char *s, bool binary)
{
	const char *end = g->text + g->in;
	u8 buf[READ_MAX];
	u32 address, len;

	if (!range(&s, &address, &len) || !skip(&s, ':')) {
		say(g, "E01");
		return;
	}
	if (binary) {
		if (len > (u32)(end - s))
			say(g, "E01");
		else
			ok_or(g, dbg_write(g->cpu, address, s, len));
		return;
	}
	ok_or(g, len <= READ_MAX && bytes(s, buf, len) && dbg_write(g->cpu, address, buf, len));
}

/* --- Points and going on */

static void point(struct gdb_stub *g, const char *s, bool set)
{
	static const u8 kind[] = { STOP_EXEC, STOP_EXEC, STOP_WRITE, STOP_READ, STOP_ACCESS };
	struct cpu_stop stop = { 0 };
	int type = hex_digit(*s);

	if (type < 0 || type >= (int)ARRAY_SIZE(kind)) {
		say(g, "");
		return;
	}
	s++;
	if (!skip(&s, ',') || !range(&s, &stop.gla, &stop.len)) {
		say(g, "E01");
		return;
	}
	stop.kind = kind[type];
	if (stop.kind == STOP_EXEC)
		stop.len = 1;
	ok_or(g, !(set ? g->ops->add : g->ops->remove)(g->ctx, &stop));
}

static void go(struct gdb_stub *g, bool step)
{
	if (g->ended) {
		say(g, "W00");
		return;
	}
	g->running = true; /* the guest may have stopped before this returns */
	if ((step ? g->ops->step : g->ops->go)(g->ctx)) {
		g->running = false;
		say(g, "E01");
	}
}

/* c, s: with an address perhaps. C, S: with a signal, which a machine has none of. */
static void go_from(struct gdb_stub *g, const char *s, bool step)
{
	u32 address;

	if (*s && number(&s, &address))
		g->cpu->eip = address - g->cpu->seg[SEG_CS].base;
	go(g, step);
}

/* vCont;ACTION[:thread];...: there is one thread, and the first action is its own. */
static void continue_by(struct gdb_stub *g, const char *s)
{
	switch (*s | 0x20) {
	case 'c':
		go(g, false);
		return;
	case 's':
		go(g, true);
		return;
	default:
		say(g, "E01");
	}
}

static void add_expedited(struct gdb_stub *g, unsigned n)
{
	u8 value[GDB_WIDE], number_ = (u8)n;

	gdb_reg_read(g->cpu, n, value);
	add_hex(g, &number_, 1);
	add_char(g, ':');
	add_hex(g, value, 4);
	add_char(g, ';');
}

static void tell_stop(struct gdb_stub *g, unsigned signal, const struct cpu_stop *data)
{
	static const char *const word[] = { "", "watch", "rwatch", "awatch" };
	char text[40];

	g->out = 0;
	fmt_print(text, sizeof(text), "T%02xthread:1;", signal);
	add(g, text);
	if (data && data->kind <= STOP_ACCESS && data->kind != STOP_EXEC) {
		fmt_print(text, sizeof(text), "%s:%x;", word[data->kind], data->gla);
		add(g, text);
	}
	add_expedited(g, GDB_EBP);
	add_expedited(g, GDB_ESP);
	add_expedited(g, GDB_EIP);
	send(g);
}

/* gdb keeps the description that it has been given, with its architecture. */
static void tell_width(struct gdb_stub *g)
{
	unsigned bits = dbg_code_bits(g->cpu);
	char text[120];

	if (bits == g->told_bits)
		return;
	g->told_bits = bits;
	if (bits == g->described_bits)
		return;
	fmt_print(text, sizeof(text),
		  "[%u-bit code now: `unset tdesc filename` lets gdb ask for it again]\n", bits);
	gdb_stub_print(g, text, strlen(text));
}

void gdb_stub_stopped(struct gdb_stub *g, enum gdb_stop why, const struct cpu_stop *data)
{
	static const u8 signal[] = { [GDB_STOP_ASKED] = SIGNAL_INT,
				     [GDB_STOP_STEP] = SIGNAL_TRAP,
				     [GDB_STOP_FAULT] = SIGNAL_SEGV };

	g->ended = why == GDB_STOP_ENDED;
	if (!g->running)
		return;
	g->running = false;
	if (g->ended) {
		say(g, "W00");
		return;
	}
	tell_width(g);
	tell_stop(g, signal[why], data);
}

/* --- Questions */

/* "offset,length" of a text: m and a part of it, or l and its end. */
static void part(struct gdb_stub *g, const char *s, const char *text)
{
	u32 at, len;
	size_t have;

	if (!range(&s, &at, &len)) {
		say(g, "E01");
		return;
	}
	len = MIN(len, GDB_PACKET - 1);
	if (text) {
		size_t all = strlen(text);

		have = at < all ? MIN(all - at, (size_t)len) : 0;
		if (have)
			memcpy(g->answer + 1, text + at, have);
	} else {
		g->described_bits = g->told_bits = dbg_code_bits(g->cpu);
		have = gdb_target_xml(g->cpu, at, g->answer + 1, len);
	}
	g->answer[0] = have == len && len ? 'm' : 'l';
	g->out = (unsigned)have + 1;
	send(g);
}

void gdb_stub_print(struct gdb_stub *g, const char *s, size_t n)
{
	while (n) {
		size_t piece = MIN(n, (size_t)READ_MAX);

		g->out = 0;
		add_char(g, 'O');
		add_hex(g, (const u8 *)s, piece);
		send(g);
		s += piece;
		n -= piece;
	}
}

static void monitor(struct gdb_stub *g, const char *s)
{
	size_t n = strlen(s) / 2;
	char line[256];

	if (!g->ops->command || (strlen(s) & 1) || n >= sizeof(line) ||
	    !bytes(s, (u8 *)line, (unsigned)n)) {
		say(g, g->ops->command ? "E01" : "");
		return;
	}
	line[n] = '\0';
	g->ops->command(g->ctx, line);
	say(g, "OK");
}

/* What follows a word that s begins with; NULL: it does not. */
static const char *behind(const char *s, const char *word)
{
	size_t n = strlen(word);

	return strncmp(s, word, n) ? NULL : s + n;
}

/* All that translated and raw code can reach is linear: nothing more is to be known. */
static const char memory_map[] =
	"<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map "
	"V1.0//EN\" \"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map>"
	"<memory type=\"ram\" start=\"0\" length=\"0x100000000\"/></memory-map>";

static void query(struct gdb_stub *g, const char *s)
{
	static const struct {
		const char *word, *answer;
	} plain[] = {
		{ "qSupported", "PacketSize=1000;qXfer:features:read+;qXfer:memory-map:read+;"
				"vContSupported+;QStartNoAckMode+" },
		{ "qfThreadInfo", "m1" },
		{ "qsThreadInfo", "l" },
		{ "qC", "QC1" },
		{ "qAttached", "1" },
		{ "qSymbol", "OK" },
	};
	const char *rest;

	if ((rest = behind(s, "qXfer:features:read:target.xml:"))) {
		part(g, rest, NULL);
	} else if ((rest = behind(s, "qXfer:memory-map:read::"))) {
		part(g, rest, memory_map);
	} else if ((rest = behind(s, "qRcmd,"))) {
		monitor(g, rest);
	} else if (!strcmp(s, "QStartNoAckMode")) {
		say(g, "OK");
		g->no_ack = true;
	} else {
		for (unsigned i = 0; i < ARRAY_SIZE(plain); i++) {
			if (!behind(s, plain[i].word))
				continue;
			say(g, plain[i].answer);
			return;
		}
		say(g, "");
	}
}

static void detach(struct gdb_stub *g)
{
	g->ops->forget_points(g->ctx);
	say(g, "OK");
	g->attached = g->no_ack = false;
	g->ops->attached(g->ctx, false);
}

static void kill(struct gdb_stub *g)
{
	g->attached = g->no_ack = false;
	g->ops->kill(g->ctx);
}

/* gdb's `run`, under target extended-remote. */
static void restart(struct gdb_stub *g)
{
	g->ended = false;
	g->running = true; /* it may stand before this returns */
	if (!g->ops->restart(g->ctx))
		return;
	g->running = false;
	say(g, "E01");
}

static void v_packet(struct gdb_stub *g, const char *s)
{
	const char *rest;

	if (!strcmp(s, "vCont?")) {
		say(g, "vCont;c;C;s;S");
	} else if ((rest = behind(s, "vCont;"))) {
		continue_by(g, rest);
	} else if (behind(s, "vRun")) {
		restart(g);
	} else if (behind(s, "vKill")) {
		say(g, "OK");
		kill(g);
	} else {
		say(g, "");
	}
}

static void packet(struct gdb_stub *g)
{
	const char *s = g->text + 1;

	switch (g->text[0]) {
	case '?':
		if (g->ended)
			say(g, "W00");
		else
			tell_stop(g, SIGNAL_TRAP, NULL);
		return;
	case 'g':
		read_registers(g, 0, GDB_REGS);
		return;
	case 'G':
		write_registers(g, 0, GDB_REGS, s);
		return;
	case 'p':
	case 'P':
		one_register(g, s, g->text[0] == 'P');
		return;
	case 'm':
		read_memory(g, s);
		return;
	case 'M':
	case 'X':
		write_memory(g, s, g->text[0] == 'X');
		return;
	case 'Z':
	case 'z':
		point(g, s, g->text[0] == 'Z');
		return;
	case 'c':
	case 's':
		go_from(g, s, g->text[0] == 's');
		return;
	case 'C':
	case 'S':
		go(g, g->text[0] == 'S');
		return;
	case 'v':
		v_packet(g, g->text);
		return;
	case 'q':
	case 'Q':
		query(g, g->text);
		return;
	case '!': /* target extended-remote */
	case 'H':
	case 'T':
		say(g, "OK");
		return;
	case 'D':
		detach(g);
		return;
	case 'k': /* has no answer */
		kill(g);
		return;
	default:
		say(g, "");
	}
}

/* --- Bytes in */

void gdb_stub_init(struct gdb_stub *g, struct cpu *cpu, const struct gdb_ops *ops, void *ctx)
{
	*g = (struct gdb_stub){ .ops = ops, .ctx = ctx, .cpu = cpu };
}

/* The guest stands from gdb's first word on, which it takes for granted. */
static void attach(struct gdb_stub *g)
{
	if (g->attached)
		return;
	g->attached = true;
	g->ended = false;
	g->ops->attached(g->ctx, true);
	g->ops->stop(g->ctx);
}

/* What every gdb says first. The one before may have gone without a word: its points go now, and
 * it is not told any more where the guest stops. A guest that has ended can still be looked at. */
static void begin(struct gdb_stub *g)
{
	g->running = g->no_ack = g->ended = false;
	if (g->attached) {
		g->ops->forget_points(g->ctx);
		g->ops->stop(g->ctx);
	}
}

static void received(struct gdb_stub *g)
{
	bool good = g->sum == g->sum_said && !g->broken, interrupt = g->interrupt;

	g->text[g->in] = '\0';
	if (good && behind(g->text, "qSupported"))
		begin(g);
	if (!g->no_ack)
		g->ops->put(g->ctx, good ? "+" : "-", 1);
	if (!good)
		return;
	g->interrupt = false;
	attach(g);
	/* While the guest runs gdb has nothing to ask; if it does, it has lost count. */
	if (g->running)
		g->ops->stop(g->ctx);
	packet(g);
	if (interrupt && g->running)
		g->ops->stop(g->ctx);
}

static void in_text(struct gdb_stub *g, u8 byte)
{
	if (byte == '$') { /* the packet before was cut short */
		g->sum = 0;
		g->in = 0;
		g->escaped = g->broken = false;
		return;
	}
	if (byte == '#' && !g->escaped) {
		g->state = GDB_SUM1;
		return;
	}
	g->sum = (u8)(g->sum + byte);
	if (byte == ESCAPE && !g->escaped) {
		g->escaped = true;
		return;
	}
	if (g->escaped)
		byte ^= 0x20;
	g->escaped = false;
	if (g->in == GDB_PACKET)
		g->broken = true;
	else
		g->text[g->in++] = (char)byte;
}

void gdb_stub_input(struct gdb_stub *g, u8 byte)
{
	int d = hex_digit((char)byte);

	switch (g->state) {
	case GDB_OUTSIDE:
		if (byte == CTRL_C) {
			if (g->running)
				g->ops->stop(g->ctx);
			else
				g->interrupt = true;
		} else if (byte == '$') {
			g->state = GDB_TEXT;
			g->sum = 0;
			g->in = 0;
			g->escaped = g->broken = false;
		}
		return;
	case GDB_TEXT:
		in_text(g, byte);
		return;
	case GDB_SUM1:
		g->broken |= d < 0;
		g->sum_said = (u8)((d & 15) << 4);
		g->state = GDB_SUM2;
		return;
	case GDB_SUM2:
		g->broken |= d < 0;
		g->sum_said |= (u8)(d & 15);
		g->state = GDB_OUTSIDE;
		received(g);
		return;
	}
}
