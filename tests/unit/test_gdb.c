/* SPDX-License-Identifier: MIT */
/*
 * The gdb stub (emu/gdb): frames, acknowledgements and escapes, registers, memory, points, going
 * on and stopping, questions; and what is no packet.
 */
#include "tests/unit/gdb_heard.h"
#include "tests/unit/guest_fixture.h"

#include "emu/cpu/cpu_model.h"
#include "emu/cpu/env.h"
#include "emu/cpu/stop_list.h"
#include "emu/cpu/stops.h"
#include "emu/gdb/gdb_regs.h"
#include "emu/gdb/gdb_stub.h"
#include "kernel/base/error.h"

static struct gdb_stub g;
static struct gdb_guest guest, other;
static unsigned goes, steps, stops, kills, detached, restarts;
static bool busy; /* it cannot be restarted now */
static char command_said[256];

static int op_add(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return cpu_stop_add(t->cpu, stop);
}

static int op_remove(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return cpu_stop_remove(t->cpu, stop);
}

static void op_forget(struct gdb_guest *t)
{
	struct cpu_stops *list = &t->cpu->stops;

	while (list->count) {
		const struct cpu_stop first = list->at[0];

		cpu_stop_remove(t->cpu, &first);
	}
}

static int op_go(struct gdb_guest *t)
{
	(void)t;
	goes++;
	return 0;
}

static int op_step(struct gdb_guest *t)
{
	steps++;
	t->cpu->eip++;
	gdb_guest_stopped(&g, t, GDB_STOP_STEP, NULL);
	return 0;
}

static void op_stop(struct gdb_guest *t)
{
	stops++;
	gdb_guest_stopped(&g, t, GDB_STOP_ASKED, NULL);
}

static void op_attached(struct gdb_guest *t, bool on)
{
	(void)t;
	detached += !on;
}

static void op_kill(struct gdb_guest *t)
{
	(void)t;
	kills++;
}

static int op_restart(struct gdb_guest *t)
{
	if (busy)
		return E_BUSY;
	restarts++;
	t->cpu->eip = 0xfff0;
	gdb_guest_stopped(&g, t, GDB_STOP_STEP, NULL);
	return 0;
}

static void op_command(void *ctx, struct gdb_guest *t, const char *line)
{
	(void)ctx;
	(void)t;
	strcpy(command_said, line);
	gdb_print(&g.packet, "Hi\n", 3);
}

static void op_fpu(struct gdb_guest *t, bool changed)
{
	(void)t;
	(void)changed;
}

static const struct gdb_ops ops = {
	.put = put_out,
	.add = op_add,
	.remove = op_remove,
	.forget_points = op_forget,
	.go = op_go,
	.step = op_step,
	.stop = op_stop,
	.attached = op_attached,
	.kill = op_kill,
	.restart = op_restart,
	.command = op_command,
	.fpu = op_fpu,
};

static u32 told_ecx, told_edx;

static void env_cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4])
{
	(void)cpu;
	(void)leaf;
	(void)subleaf;
	out[0] = out[1] = 0;
	out[2] = told_ecx;
	out[3] = told_edx;
}

static struct cpu_env env;

/* With AVX, whatever the host has. */
static int setup(void **state)
{
	if (m.cpu.env != &env)
		env = *m.cpu.env;
	env.cpuid = env_cpuid;
	told_ecx = CPUID_AVX;
	told_edx = CPUID_SSE;
	m.cpu.env = &env;
	guest_setup(state);
	gdb_stub_init(&g, &ops, NULL);
	gdb_guest_add(&g, &guest, &m.cpu, "first");
	op_forget(&guest);
	heard_len = goes = steps = stops = kills = detached = restarts = 0;
	heard[0] = '\0';
	return 0;
}

#define GDB_TEST(f) cmocka_unit_test_prestate_setup_teardown(f, setup, NULL, (void *)(uintptr_t) #f)

static void feed(const void *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gdb_stub_input(&g, ((const u8 *)s)[i]);
}

static void send_bytes(const char *text, size_t n)
{
	char tail[4];
	u8 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (u8)(sum + (u8)text[i]);
	snprintf(tail, sizeof(tail), "#%02x", sum);
	feed("$", 1);
	feed(text, n);
	feed(tail, 3);
}

/* The text of the one packet that answers, whose checksum is right. */
static const char *ask(const char *text)
{
	char *end;
	u8 sum = 0;

	heard_len = 0;
	heard[0] = '\0';
	send_bytes(text, strlen(text));
	if (!heard[0] || !strcmp(heard, "+"))
		return NULL;
	assert_int_equal(heard[0], '+');
	assert_int_equal(heard[1], '$');
	end = strchr(heard, '#');
	assert_non_null(end);
	assert_int_equal(end[3], 0);
	for (const char *p = heard + 2; p < end; p++)
		sum = (u8)(sum + (u8)*p);
	assert_int_equal(sum, strtoul(end + 1, NULL, 16));
	*end = '\0';
	return heard + 2;
}

#define answers(text, answer) assert_string_equal(ask(text), (answer))

static void frames(void **state)
{
	(void)state;
	feed("+noise\x03", 7);
	assert_int_equal(heard_len, 0);
	assert_false(guest.attached);
	feed("$g#00", 5);
	assert_string_equal(heard, "-");
	heard_len = 0;
	feed("$g#zz", 5);
	assert_string_equal(heard, "-");
	assert_false(guest.attached);
	heard_len = 0;
	feed("$qC$qAttached#8f", 16); /* the first was cut short */
	assert_string_equal(heard, "+$1#31");
	assert_true(guest.attached);
	assert_int_equal(stops, 1);
	answers("QStartNoAckMode", "OK");
	heard_len = 0;
	feed("$qC#b4", 6);
	assert_string_equal(heard, "$QC1#c5");
	heard_len = 0;
	feed("$", 1);
	for (unsigned i = 0; i < 2 * GDB_PACKET; i++)
		feed("A", 1);
	feed("#00", 3);
	assert_int_equal(heard_len, 0);
	feed("$qC#b4", 6);
	assert_string_equal(heard, "$QC1#c5");
}

static void registers_by_number(void **state)
{
	(void)state;
	m.cpu.gpr[REG_EAX] = 0x12345678;
	answers("p0", "78563412");
	answers("P0=efbeadde", "OK");
	assert_int_equal(m.cpu.gpr[REG_EAX], 0xdeadbeef);
	answers("p8", "00600000");
	answers("Pa=34120000", "E01"); /* CS */
	answers("Pa=08000000", "OK");  /* as it is */
	answers("p3c", "E01");
	answers("p", "E01");
	answers("P0", "E01");
	answers("P0=1", "E01");
	answers("P0=", "E01");
	answers("p20", "00000000000000000000000000000000");
	answers("P20=000102030405060708090a0b0c0d0e0f", "OK");
	assert_int_equal(m.cpu.fpu.image[160 + 15], 15);
	answers("P28=ffffffff", "E01"); /* MXCSR */
	answers("P28=801f0000", "OK");
}

static void all_registers(void **state)
{
	char all[2048], back[2048] = "G";
	size_t len = 0;

	(void)state;
	for (unsigned n = 0; n < GDB_REGS; n++)
		len += gdb_reg_there(gdb_reg_parts(&m.cpu), n) ? 2 * gdb_reg_size(n) : 0;
	strcpy(all, ask("g"));
	assert_int_equal(strlen(all), len);
	memcpy(all, "44332211", 8); /* EAX */
	strcat(back, all);
	answers(back, "OK");
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11223344);
	assert_string_equal(ask("g"), all);
	answers("G", "OK"); /* none */
	answers("Gxyz", "E01");
}

/* --- Vector registers, which some processors have */

/* All of the description. */
static const char *description(void)
{
	static char xml[8192];
	struct gdb_part part = { .buf = xml, .size = sizeof(xml) - 1 };

	gdb_target_xml(&m.cpu, &part);
	xml[part.at] = '\0';
	return xml;
}

/* Those that are not there leave no gap in what `g` answers, and keep the others' numbers. */
static void registers_of_a_pentium(void **state)
{
	(void)state;
	told_ecx = told_edx = 0;
	assert_null(strstr(description(), "i386.sse"));
	assert_null(strstr(description(), "xmm"));
	assert_null(strstr(description(), "ymm"));
	answers("p20", "E01");
	answers("P28=801f0000", "E01");
	answers("p34", "E01");
	assert_int_equal(strlen(ask("g")), 2 * (16 * 4 + 8 * 10 + 8 * 4 + 11 * 4));
	m.cpu.cr3 = 0x5000;
	answers("p31", "00500000");
	told_edx = CPUID_SSE;
	assert_non_null(strstr(description(), "i386.sse"));
	assert_null(strstr(description(), "ymm"));
	answers("p28", "801f0000");
}

static void upper_halves(void **state)
{
	static const char ones[] = "11111111111111111111111111111111";
	static const char zeros[] = "00000000000000000000000000000000";
	char text[80];

	(void)state;
	told_ecx = CPUID_AVX;
	told_edx = CPUID_SSE;
	assert_non_null(strstr(description(), "<feature name=\"org.gnu.gdb.i386.avx\"><reg "
					      "name=\"ymm0h\" bitsize=\"128\" type=\"uint128\" "
					      "regnum=\"52\"/>"));
	/* What lies there while the header says that they are as after power-on is nothing. */
	memset(m.cpu.fpu.image + XSTATE_AVX, 0xee, XSTATE_REGS);
	m.cpu.fpu.image[XSTATE_HEADER] = 0;
	answers("p3b", zeros);
	snprintf(text, sizeof(text), "P3a=%s", ones);
	answers(text, "OK");
	answers("p3a", ones);
	answers("p3b", zeros);
	assert_int_equal(m.cpu.fpu.image[XSTATE_HEADER], 7);
	answers("p3c", "E01");
	/* A register of the lower half is there once it was written. */
	m.cpu.fpu.image[XSTATE_HEADER] = 0;
	snprintf(text, sizeof(text), "P27=%s", ones);
	answers(text, "OK");
	assert_int_equal(m.cpu.fpu.image[XSTATE_HEADER], 3);
}

static bool told_of_width(void)
{
	heard_len = 0;
	heard[0] = '\0';
	send_bytes("s", 1);
	return strstr(heard, "$O5b31362d626974"); /* [16-bit */
}

/* gdb's `run`, and what gdb is told when code of the other width comes. */
static void again_from_the_start(void **state)
{
	(void)state;
	answers("!", "OK");
	ask("qXfer:features:read:target.xml:0,200");
	assert_non_null(strstr(ask("vRun;"), "T05"));
	assert_int_equal(restarts, 1);
	busy = true;
	answers("vRun;", "E01");
	busy = false;
	assert_false(told_of_width());
	m.cpu.cr0 &= ~CR0_PE;
	m.cpu.seg[SEG_CS] = (struct cpu_segment){ 0, 0x9b, 0, 0xffff };
	assert_true(told_of_width());
	assert_false(told_of_width());
	ask("qXfer:features:read:target.xml:0,200");
	assert_false(told_of_width());
}

/* EIP is where the code lies; and gdb is told how wide it is. */
static void real_mode(void **state)
{
	(void)state;
	assert_non_null(strstr(ask("qXfer:features:read:target.xml:0,200"), "<architecture>i386<"));
	m.cpu.cr0 &= ~CR0_PE;
	m.cpu.seg[SEG_CS] = (struct cpu_segment){ 0x7c0, 0x9b, 0x7c00, 0xffff };
	m.cpu.eip = 0x10;
	assert_non_null(
		strstr(ask("qXfer:features:read:target.xml:0,200"), "<architecture>i8086<"));
	answers("p8", "107c0000");
	answers("P8=207c0000", "OK");
	assert_int_equal(m.cpu.eip, 0x20);
	assert_non_null(strstr(ask("?"), "08:207c0000;"));
	ask("s7d00");
	assert_int_equal(m.cpu.eip, 0x101);
}

static void memory(void **state)
{
	(void)state;
	put(AT_DATA, 0x44332211, 4);
	answers("m8000,4", "11223344");
	answers("M8000,2:aabb", "OK");
	answers("m8000,4", "aabb3344");
	heard_len = 0;
	send_bytes("X8000,3:\x7d\x03\x7d\x5d\x7d\x0a", 14); /* # } * */
	assert_string_equal(heard, "+$OK#9a");
	assert_memory_equal(m.ram + AT_DATA, "#}*", 3);
	answers("X8000,9:abc", "E01");
	answers("X8000,0:", "OK");
	answers("M8000,4:aabb", "E01");
	answers("M8000,2:zz", "E01");
	answers("M8000", "E01");
	answers("m", "E01");
	answers("m8000", "E01");
	answers("mfffffffff,1", "E01");
	answers("mf0000000,4", "E14");
	answers("m1ffffe,8", "0000"); /* as far as there is memory */
	answers("Mf0000000,1:00", "E01");
	assert_true(strlen(ask("m0,ffffffff")) > 4000);
}

/* gdb went without a word while the guest ran, and another one comes. */
static void comes_again(void **state)
{
	(void)state;
	ask("QStartNoAckMode");
	heard_len = 0;
	send_bytes("Z0,1000,1", 9);
	send_bytes("c", 1);
	assert_true(guest.running);
	assert_int_equal(m.cpu.stops.count, 1);
	assert_non_null(strstr(ask("qSupported:x"), "PacketSize"));
	assert_false(guest.running);
	assert_int_equal(m.cpu.stops.count, 0);
	answers("qC", "QC1");
}

static void points(void **state)
{
	(void)state;
	answers("Z0,6000,1", "OK");
	assert_true(cpu_stops_at(&m.cpu, 0x6000));
	answers("Z1,6001,1", "OK");
	answers("z0,6000,1", "OK");
	answers("z0,6000,1", "E01");
	answers("Z2,8000,4", "OK");
	answers("Z3,8000,4", "OK");
	answers("Z4,8000,64", "OK");
	answers("Z4,8000,0", "E01");
	answers("Z2,8000,ffffff", "E01");
	answers("Z5,8000,4", "");
	answers("Z", "");
	answers("Z0", "E01");
	answers("Z0,", "E01");
	assert_int_equal(m.cpu.stops.count, 4);
	answers("D", "OK");
	assert_int_equal(m.cpu.stops.count, 0);
	assert_int_equal(detached, 1);
	assert_false(guest.attached);
}

static void going_on(void **state)
{
	static const struct cpu_stop data = { .gla = 0x8004, .len = 4, .kind = STOP_WRITE };

	(void)state;
	answers("vCont?", "vCont;c;C;s;S");
	assert_null(ask("vCont;c"));
	assert_int_equal(goes, 1);
	assert_true(guest.running);
	heard_len = 0;
	feed("\x03", 1);
	assert_non_null(strstr(heard, "$T02thread:1;"));
	assert_false(guest.running);
	feed("\x03", 1); /* it stands, and stands again as soon as it goes */
	assert_int_equal(stops, 2);
	assert_non_null(strstr(ask("c"), "T02"));
	assert_int_equal(stops, 3);
	feed("\x03", 1); /* gdb has something to ask: the guest had stopped by itself */
	answers("qC", "QC1");
	assert_null(ask("c"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, &data);
	assert_non_null(strstr(heard, "$T05thread:1;watch:8004;"));
	assert_non_null(strstr(ask("s"), "T05"));
	assert_non_null(strstr(ask("vCont;s:1;c"), "T05"));
	assert_non_null(strstr(ask("S05"), "T05"));
	assert_int_equal(steps, 3);
	answers("vCont;", "E01");
	answers("vCont;x", "E01");
	assert_null(ask("C05"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_FAULT, NULL);
	assert_non_null(strstr(heard, "$T0bthread:1;"));
	/* Not expected: nobody is told. */
	heard_len = 0;
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, NULL);
	assert_int_equal(heard_len, 0);
	assert_null(ask("c"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_ENDED, NULL);
	assert_non_null(strstr(heard, "$W00#"));
	answers("c", "W00");
	answers("?", "W00");
	ask("qSupported"); /* another gdb: it may look at what is left */
	assert_non_null(strstr(ask("?"), "T05"));
	assert_null(ask("k"));
	assert_int_equal(kills, 1);
}

/* Who asks for that is told of a breakpoint: else gdb takes EIP - 1 for it, if that has one. */
static void told_of_breakpoints(void **state)
{
	static const struct cpu_stop at = { .kind = STOP_EXEC, .gla = 0x6001, .len = 1 };

	(void)state;
	assert_null(strstr(ask("qSupported"), "swbreak"));
	assert_null(ask("c"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, &at);
	assert_null(strstr(heard, "swbreak"));
	assert_non_null(strstr(ask("qSupported:swbreak+;hwbreak+"), ";swbreak+"));
	assert_null(ask("c"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, &at);
	assert_non_null(strstr(heard, "$T05thread:1;swbreak:;05:"));
	assert_null(ask("c"));
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, NULL);
	assert_null(strstr(heard, "swbreak"));
}

static void questions(void **state)
{
	char xml[8192] = "", text[64];
	const char *piece;

	(void)state;
	assert_non_null(strstr(ask("qSupported:swbreak+;xmlRegisters=i386"), "PacketSize=1000;"));
	answers("qfThreadInfo", "m1");
	answers("qsThreadInfo", "l");
	answers("Hg0", "OK");
	answers("qNoSuch", "");
	answers("vMustReplyEmpty", "");
	answers("~", "");
	answers("", "");
	/* In pieces, as one. */
	for (unsigned at = 0;; at += 97) {
		snprintf(text, sizeof(text), "qXfer:features:read:target.xml:%x,61", at);
		piece = ask(text);
		strcat(xml, piece + 1);
		if (piece[0] == 'l')
			break;
		assert_int_equal(strlen(piece), 98);
	}
	assert_non_null(strstr(xml, "</feature></target>"));
	assert_null(strstr(strstr(xml, "</target>") + 1, "<"));
	assert_non_null(strstr(xml, "name=\"dr7\" bitsize=\"32\" type=\"int32\" regnum=\"51\""));
	answers("qXfer:features:read:target.xml:ffff,10", "l");
	answers("qXfer:features:read:target.xml:x", "E01");
	assert_non_null(strstr(ask("qXfer:memory-map:read::0,fff"), "length=\"0x100000000\""));
	heard_len = 0;
	send_bytes("qRcmd,72656773", 14);
	assert_string_equal(heard, "+$O48690a#bb$OK#9a");
	assert_string_equal(command_said, "regs");
	answers("qRcmd,7", "E01");
	answers("qRcmd,zz", "E01");
}

/* Two guests, one processor of each. */
static void processes(void **state)
{
	static struct cpu second;

	(void)state;
	second = m.cpu;
	second.gpr[REG_EAX] = 0x22222222;
	m.cpu.gpr[REG_EAX] = 0x11111111;
	gdb_guest_add(&g, &other, &second, "a&b#");
	assert_non_null(strstr(ask("qSupported:multiprocess+"), ";multiprocess+"));
	answers("qC", "QCp1.1");
	answers("qfThreadInfo", "mp1.1");
	assert_non_null(strstr(ask("?"), "T05thread:p1.1;"));
	answers("vAttach;3", "E01");
	answers("vAttach;1", "E01");
	answers("Hgp2.1", "E01");
	answers("Tp2.1", "E01");
	assert_non_null(strstr(ask("vAttach;2"), "T05thread:p2.1;"));
	answers("qfThreadInfo", "mp1.1,p2.1");
	answers("qThreadExtraInfo,p2.1", "61266223");
	assert_non_null(strstr(ask("qXfer:osdata:read:processes:0,fff"), ">a&amp;b}\x03<"));
	answers("p0", "22222222"); /* of whom gdb was told last */
	answers("Hgp1.1", "OK");
	answers("p0", "11111111");
	answers("Hgp0.0", "OK");
	answers("p0", "11111111");
	answers("Hgp2.2", "E01");
	answers("Tp2.1", "OK");
	answers("Hgp2.0", "OK");
	answers("p0", "22222222");
	ask("qXfer:features:read:target.xml:0,10");
	answers("Hgp1.1", "OK");
	ask("qXfer:features:read:target.xml:0,10");
	/* One, and all: all stand when one does. */
	assert_null(ask("vCont;c:p2.-1"));
	assert_true(other.running && !guest.running);
	gdb_guest_stopped(&g, &other, GDB_STOP_STEP, NULL);
	assert_null(ask("vCont;c"));
	assert_true(other.running && guest.running);
	heard_len = stops = 0;
	gdb_guest_stopped(&g, &guest, GDB_STOP_STEP, NULL);
	assert_non_null(strstr(heard, "$T05thread:p1.1;"));
	assert_null(strstr(heard, "p2.1"));
	assert_true(!other.running && !guest.running);
	assert_int_equal(stops, 1);
	/* The first action that means it: the second goes, the first steps, and stops it again. */
	goes = steps = 0;
	assert_non_null(strstr(ask("vCont;s:p1.1;c:p-1.-1"), "T05thread:p1.1;"));
	assert_true(goes == 1 && steps == 1 && !other.running);
	answers("vCont;c:p2.2", "E01");
	answers("vCont;c:p9.-1", "W00;process:9");
	answers("vCont;c;x", "E01");
	/* Ctrl-C is for all of them. */
	assert_null(ask("vCont;c"));
	heard_len = 0;
	feed("\x03", 1);
	assert_non_null(strstr(heard, "$T02thread:p1.1;"));
	assert_true(!other.running && !guest.running);
	/* One ends, one is left, one is killed. */
	assert_null(ask("vCont;c"));
	heard_len = 0;
	gdb_guest_stopped(&g, &other, GDB_STOP_ENDED, NULL);
	assert_non_null(strstr(heard, "$W00;process:2#"));
	assert_true(!other.attached && !guest.running);
	answers("D;2", "E01");
	assert_non_null(strstr(ask("vAttach;2"), "T05thread:p2.1;"));
	answers("D;1", "OK");
	answers("qfThreadInfo", "mp2.1");
	answers("vKill;1", "E01");
	answers("vKill;2", "OK");
	assert_int_equal(kills, 1);
	answers("qfThreadInfo", "l");
	answers("g", "E01");
	answers("?", "W00");
	assert_non_null(strstr(ask("vRun;"), "T05thread:p2.1;"));
	/* One goes for good while it runs. */
	assert_null(ask("vCont;c"));
	heard_len = 0;
	gdb_guest_remove(&g, &other);
	assert_non_null(strstr(heard, "$W00;process:2#"));
	/* The next gdb knows no processes. */
	ask("qSupported");
	answers("qC", "QC1");
	answers("vKill;a410", "OK");
}

/* A million random bytes, and then gdb is answered as ever. */
static void noise(void **state)
{
	static const char likely[] = "$#+-\x03}0123456789abcdefqvZzgGpPmMXcsDk?:;,=";
	u32 x = 1;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		x = x * 1664525 + 1013904223;
		gdb_stub_input(&g, x & BIT(8) ? (u8)(x >> 24)
					      : (u8)likely[(x >> 16) % (sizeof(likely) - 1)]);
		heard_len = 0;
	}
	feed("#00", 3);
	g.packet.no_ack = guest.ended = false;
	g.multi = false;
	gdb_guests_begin(&g);
	answers("qC", "QC1");
}

static const struct CMUnitTest gdb_tests[] = {
	GDB_TEST(frames),
	GDB_TEST(registers_by_number),
	GDB_TEST(all_registers),
	GDB_TEST(registers_of_a_pentium),
	GDB_TEST(upper_halves),
	GDB_TEST(real_mode),
	GDB_TEST(again_from_the_start),
	GDB_TEST(memory),
	GDB_TEST(comes_again),
	GDB_TEST(points),
	GDB_TEST(going_on),
	GDB_TEST(told_of_breakpoints),
	GDB_TEST(questions),
	GDB_TEST(processes),
	GDB_TEST(noise),
};

GUEST_MAIN(gdb_tests)
