/* SPDX-License-Identifier: MIT */
/*
 * The gdb stub of the monitor itself (emu/gdb/gdb_host.h): what makes the processor stand,
 * registers and memory of 64 bits, breakpoints, going on, leaving; and what is no packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu/gdb/gdb_host.h"
#include "tests/unit/gdb_heard.h"

#define MEMORY 0xffffffff80100000ull /* there are 256 bytes, of which the last 16 are read-only */
#define SIZE   256u
#define FIXED  240u

static struct gdb_host g;
static u8 memory[SIZE];
static u64 point_at;
static unsigned forgotten;
static char said[256];

static size_t op_read(hva_t at, u8 *bytes, size_t n)
{
	size_t have = at >= MEMORY && at < MEMORY + SIZE ? MIN(n, MEMORY + SIZE - at) : 0;

	if (have)
		memcpy(bytes, memory + (at - MEMORY), have);
	return have;
}

static bool op_write(hva_t at, const u8 *bytes, size_t n)
{
	if (at < MEMORY || at > MEMORY + FIXED || n > MEMORY + FIXED - at)
		return false;
	memcpy(memory + (at - MEMORY), bytes, n);
	return true;
}

static bool op_point(hva_t at, bool set)
{
	if (set ? at >= MEMORY + SIZE : at != point_at)
		return false;
	point_at = set ? at : 0;
	return true;
}

static struct {
	hva_t at;
	u32 len;
	bool reads;
} watching;

static bool op_watch(hva_t at, u32 len, bool reads, bool set)
{
	if (set ? at >= MEMORY + SIZE : at != watching.at || len != watching.len)
		return false;
	watching.at = set ? at : 0;
	watching.len = len;
	watching.reads = reads;
	return true;
}

static void op_forget(void)
{
	forgotten++;
	point_at = 0;
}

static void op_command(void *ctx, const char *line)
{
	(void)ctx;
	strcpy(said, line);
	gdb_print(&g.packet, "Hi\n", 3);
}

static const struct gdb_host_ops ops = { .put = put_out,
					 .read = op_read,
					 .write = op_write,
					 .point = op_point,
					 .watch = op_watch,
					 .forget_points = op_forget,
					 .command = op_command };

static int setup(void **state)
{
	(void)state;
	gdb_host_init(&g, &ops, NULL);
	forgotten = 0;
	point_at = 0;
	heard_len = 0;
	heard[0] = '\0';
	for (unsigned i = 0; i < GDB_HOST_REGS; i++)
		g.reg[i] = 0x1111111111111111ull * (i & 15) >>
			   (i >= GDB_HOST_RFLAGS && i < GDB_HOST_ST0 ? 32 : 0);
	for (unsigned i = 0; i < SIZE; i++)
		memory[i] = (u8)i;
	return 0;
}

/* True: the processor is to stand. */
static bool feed(const void *s, size_t n)
{
	bool stands = false;

	for (size_t i = 0; i < n; i++)
		stands |= gdb_host_input(&g, ((const u8 *)s)[i]);
	return stands;
}

static bool send_packet(const char *text)
{
	char tail[4];
	u8 sum = 0;

	for (const char *p = text; *p; p++)
		sum = (u8)(sum + (u8)*p);
	snprintf(tail, sizeof(tail), "#%02x", sum);
	heard_len = 0;
	heard[0] = '\0';
	feed("$", 1);
	feed(text, strlen(text));
	return feed(tail, 3);
}

/* What the processor does then, and the text of what was answered. */
static enum gdb_host_does does;

static const char *ask(const char *text)
{
	char *end;

	assert_true(send_packet(text));
	does = gdb_host_answer(&g);
	if (!strcmp(heard, "+"))
		return NULL;
	assert_memory_equal(heard, "+$", 2);
	end = strchr(heard, '#');
	assert_non_null(end);
	*end = '\0';
	return heard + 2;
}

#define answers(text, answer) assert_string_equal(ask(text), (answer))

/* --- Come and stand */

static void noise_stops_nobody(void **state)
{
	(void)state;
	assert_false(feed("+noise\x03\x03$g#00", 13));
	assert_false(g.here);
	assert_int_equal(gdb_host_answer(&g), GDB_HOST_STANDS);
	assert_true(send_packet("?"));
	assert_string_equal(heard, "+"); /* the answer comes when it stands */
	gdb_host_stands(&g, GDB_HOST_INT);
	assert_string_equal(heard, "+"); /* nobody waits for that */
	gdb_host_answer(&g);
	assert_true(g.here);
	assert_memory_equal(heard, "+$T02thread:1;06:", 17);
}

static void goes_and_is_stopped(void **state)
{
	(void)state;
	assert_null(ask("c"));
	assert_int_equal(does, GDB_HOST_GOES);
	heard_len = 0;
	assert_true(feed("\x03", 1));
	gdb_host_stands(&g, GDB_HOST_INT);
	assert_memory_equal(heard, "$T02thread:1;", 13);
	assert_int_equal(gdb_host_answer(&g), GDB_HOST_STANDS);
	assert_null(ask("s"));
	assert_int_equal(does, GDB_HOST_STEPS);
	heard_len = 0;
	g.at_point = true;
	gdb_host_stands(&g, GDB_HOST_TRAP);
	assert_memory_equal(heard, "$T05thread:1;swbreak:;", 22);
	/* Ctrl-C just in front of `c`: it is stopped at once. */
	assert_true(feed("\x03", 1));
	assert_int_equal(gdb_host_answer(&g), GDB_HOST_STANDS);
	assert_memory_equal(ask("c"), "T02", 3);
	assert_int_equal(does, GDB_HOST_STANDS);
	assert_null(ask("c"));
	assert_int_equal(does, GDB_HOST_GOES);
}

/* One that came before has gone without a word. */
static void another_comes(void **state)
{
	(void)state;
	ask("qC");
	answers("Z0,ffffffff80100010,1", "OK");
	assert_null(ask("c"));
	assert_true(send_packet("qSupported:swbreak+"));
	gdb_host_stands(&g, GDB_HOST_INT);
	assert_string_equal(heard, "+");
	gdb_host_answer(&g);
	assert_non_null(strstr(heard, "swbreak+"));
	assert_int_equal(point_at, 0);
}

static void leaves(void **state)
{
	(void)state;
	answers("QStartNoAckMode", "OK");
	heard_len = 0;
	send_packet("D");
	assert_int_equal(gdb_host_answer(&g), GDB_HOST_GOES);
	assert_string_equal(heard, "$OK#9a");
	assert_false(g.here || g.going || g.packet.no_ack);
	assert_false(feed("\x03", 1));
	forgotten = 0;
	assert_null(ask("k"));
	assert_int_equal(does, GDB_HOST_GOES);
	assert_int_equal(forgotten, 2); /* it came, and it went */
}

/* --- Registers, memory, points */

static void registers(void **state)
{
	char all[2048], back[2048] = "G";

	(void)state;
	answers("p1", "1111111111111111");
	answers("p10", "0000000000000000");
	answers("p18", "xxxxxxxxxxxxxxxxxxxx");
	answers("p2b", "bbbbbbbbbbbbbbbb");
	answers("p2c", "E01");
	answers("P1=efbeadde01000000", "OK");
	assert_int_equal(g.reg[1], 0x1deadbeef);
	answers("P12=08000000", "E01"); /* CS */
	answers("P28=0000000000000000", "E01");
	g.reg[GDB_HOST_RFLAGS] = 0x202;
	answers("P11=43020000", "OK");
	answers("P11=02030000", "E01"); /* TF */
	answers("P1=1", "E01");
	strcpy(all, ask("g"));
	assert_int_equal(strlen(all), 2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 4 * 8));
	memcpy(all, "8877665544332211", 16);
	strcat(back, all);
	answers(back, "OK");
	assert_int_equal(g.reg[0], 0x1122334455667788);
	answers("Gxyz", "E01");
}

static void memory_of_64_bits(void **state)
{
	(void)state;
	answers("mffffffff80100010,3", "101112");
	answers("mffffffff801000fe,10", "feff"); /* as far as it goes */
	answers("mffffffff80100100,1", "E14");
	answers("m80100000,1", "E14");
	answers("m1ffffffff80100010,3", "E01"); /* of more than 64 bits */
	answers("mffffffff80100010", "E01");
	answers("Mffffffff80100010,2:aabb", "OK");
	assert_int_equal(memory[16], 0xaa);
	assert_int_equal(memory[17], 0xbb);
	answers("Mffffffff801000f0,1:00", "E14");
	answers("Mffffffff80100010,2:aa", "E01");
	answers("Xffffffff80100010,2:zz", "OK");
	assert_int_equal(memory[17], 'z');
	answers("Xffffffff80100010,3:zz", "E01");
}

static void points(void **state)
{
	(void)state;
	answers("Z0,ffffffff80100010,1", "OK");
	assert_int_equal(point_at, 0xffffffff80100010);
	answers("z0,ffffffff80100010,1", "OK");
	answers("z0,ffffffff80100010,1", "E01");
	answers("Z0,ffffffffffffffff,1", "E01");
	answers("Z0", "E01");
	answers("Z1,ffffffff80100020,1", "OK");
	assert_int_equal(point_at, 0xffffffff80100020);
	answers("Z3,ffffffff80100010,4", ""); /* rwatch */
	answers("Z5,ffffffff80100010,4", "");
	answers("Z/,ffffffff80100010,4", "");
}

static void watchpoints(void **state)
{
	(void)state;
	answers("Z2,ffffffff80100010,4", "OK");
	assert_int_equal(watching.at, 0xffffffff80100010);
	assert_false(watching.reads);
	answers("z2,ffffffff80100010,4", "OK");
	answers("z2,ffffffff80100010,4", "E01");
	answers("Z4,ffffffff80100018,8", "OK");
	assert_true(watching.reads);
	answers("Z2,ffffffffffffffff,8", "E01");
	answers("Z2", "E01");
	ask("c");
	g.watched = (struct gdb_host_watch){ .at = 0xffffffff80100018, .kind = GDB_HOST_ACCESS };
	heard_len = 0;
	gdb_host_stands(&g, GDB_HOST_TRAP);
	assert_memory_equal(heard, "$T05thread:1;awatch:ffffffff80100018;06:", 40);
	g.watched.kind = GDB_HOST_WRITE;
	assert_memory_equal(ask("?"), "T05thread:1;watch:ffffffff80100018;06:", 38);
}

/* --- Questions */

static void questions(void **state)
{
	char xml[8192] = "", request[64];

	(void)state;
	for (unsigned at = 0;; at += 1000) {
		const char *piece;

		snprintf(request, sizeof(request), "qXfer:features:read:target.xml:%x,%x", at,
			 1000);
		piece = ask(request);
		assert_true(*piece == 'm' || *piece == 'l');
		strcat(xml, piece + 1);
		if (*piece == 'l')
			break;
	}
	assert_non_null(strstr(xml, "<architecture>i386:x86-64</architecture>"));
	assert_non_null(strstr(xml, "name=\"rip\" bitsize=\"64\" type=\"code_ptr\" regnum=\"16\""));
	assert_non_null(strstr(xml, "name=\"cr4\" bitsize=\"64\" type=\"int64\" regnum=\"43\""));
	assert_string_equal(xml + strlen(xml) - 9, "</target>");
	ask("qRcmd,766d206c697374");
	assert_string_equal(said, "vm list");
	assert_string_equal(heard, "+$O48690a");
	answers("qRcmd,7", "E01");
	answers("qRcmd,zz", "E01");
	answers("vMustReplyEmpty", "");
	answers("qNothing", "");
	answers("qAttached", "1");
}

static void noise(void **state)
{
	static const char letters[] = "?gGpPmMXZzcsCSDkHTqQv";
	char text[300];

	(void)state;
	srand(15);
	for (unsigned i = 0; i < 1000000; i++) {
		u8 byte = (u8)rand();

		heard_len = 0;
		if (gdb_host_input(&g, byte))
			gdb_host_answer(&g);
	}
	for (unsigned i = 0; i < 100000; i++) {
		unsigned n = (unsigned)rand() % 40;

		snprintf(text, sizeof(text),
			 "%c%x,%x:", letters[(unsigned)rand() % (sizeof(letters) - 1)],
			 (unsigned)rand(), (unsigned)rand() % 600);
		for (unsigned k = 0; k < n; k++)
			strncat(text, &"0123456789abcdef,:;=xq-"[(unsigned)rand() % 23], 1);
		if (send_packet(text))
			gdb_host_answer(&g);
		heard_len = 0;
		if (rand() & 1)
			gdb_host_stands(&g, GDB_HOST_TRAP);
	}
	setup(NULL);
	answers("qC", "QC1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(noise_stops_nobody, setup),
		cmocka_unit_test_setup(goes_and_is_stopped, setup),
		cmocka_unit_test_setup(another_comes, setup),
		cmocka_unit_test_setup(leaves, setup),
		cmocka_unit_test_setup(registers, setup),
		cmocka_unit_test_setup(memory_of_64_bits, setup),
		cmocka_unit_test_setup(points, setup),
		cmocka_unit_test_setup(watchpoints, setup),
		cmocka_unit_test_setup(questions, setup),
		cmocka_unit_test_setup(noise, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
