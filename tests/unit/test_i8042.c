/* SPDX-License-Identifier: MIT */
/*
 * The 8042 with keyboard and mouse: commands and answers as conversations, scan codes, interrupts,
 * A20 and reset. Alone: make build/unit/test_i8042 && build/unit/test_i8042
 */
#include "emu/chip/i8042.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct i8042 kbc;
	unsigned resets;
};

static void reset(void *ctx, const char *why)
{
	assert_string_equal(why, "reset (keyboard controller)");
	((struct machine *)ctx)->resets++;
}

static void setup(struct machine *m)
{
	pc_init(&m->pc);
	m->resets = 0;
	m->pc.host.reset = reset;
	m->pc.host.ctx = m;
	pc_plug(&m->pc, &i8042_class, &m->kbc);
}

static u8 status(struct machine *m)
{
	return in8(&m->pc, 0x64);
}

/*
 * A conversation: each word is a direction and a byte. C command (64h), D data (60h), M data to the
 * mouse (D4h first), K answer expected without the AUX bit, A with it, '.' nothing waits.
 */
static void talk(struct machine *m, const char *script)
{
	unsigned at = 0;

	for (const char *p = script; *p; at++) {
		char op = *p++;
		unsigned v = 0;

		for (; *p && *p != ' '; p++)
			v = v * 16 + (unsigned)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
		while (*p == ' ')
			p++;
		if (op == 'C') {
			out8(&m->pc, 0x64, (u8)v);
			assert_int_equal(status(m) & 0x08, 0x08);
		} else if (op == 'D') {
			out8(&m->pc, 0x60, (u8)v);
			assert_int_equal(status(m) & 0x08, 0);
		} else if (op == 'M') {
			out8(&m->pc, 0x64, 0xd4);
			out8(&m->pc, 0x60, (u8)v);
		} else if (op == '.') {
			if (status(m) & 1)
				fail_msg("'%s': %02x waits at word %u", script, in8(&m->pc, 0x60),
					 at);
		} else {
			if ((status(m) & 0x21) != (op == 'A' ? 0x21 : 0x01))
				fail_msg("'%s': status %02x at word %u", script, status(m), at);
			u8 got = in8(&m->pc, 0x60);
			if (got != v)
				fail_msg("'%s': got %02x at word %u", script, got, at);
		}
	}
}

static const char *const conversations[] = {
	/* controller */
	"Caa K55 C20 K74 .",		     /* self test: interfaces off, translation kept */
	"C60 D03 C20 K03 C65 D42 C25 K42 .", /* RAM */
	"Cab K00 Ca9 K00 Ca4 Kf1 Cc0 K80 Ce0 K00 .",
	"Ca7 C20 K64 Ca8 C20 K44 Cad C20 K54 Cae C20 K44 .",
	"Cd2 D5a K5a Cd3 Da5 Aa5 .", /* loop-back into either buffer */
	"Cd0 Kcf .",
	"C00 C6b .", /* undefined; a write that gets no data */
	/* keyboard, untranslated */
	"C60 D04 Df2 Kfa Kab K83 .",
	"C60 D04 Dff Kfa Kaa .",
	"C60 D04 Dee Kee .",
	"C60 D04 Ded Kfa D07 Kfa Df3 Kfa D20 Kfa .",
	"C60 D04 Ded Kfa Df4 Kfa .", /* a command instead of the argument */
	"C60 D04 Df0 Kfa D00 Kfa K02 Df0 Kfa D01 Kfa Df0 Kfa D00 Kfa K01 Df0 Kfa D03 Kfe .",
	"C60 D04 Df6 Kfa Df5 Kfa Df4 Kfa Dfe Kfa Df7 Kfa Dfb Kfa D1c Kfa .",
	"C60 D04 D99 Kfe .",
	"Df2 Kfa Kab K41 .", /* translated */
	/* an answer of the controller does not lose what the keyboard said */
	"C60 D04 Dff C20 K04 Kfa Kaa .",
	/* a held clock keeps the answer back */
	"C60 D04 Dff Kfa Cad Kaa .",
	/* mouse */
	"C60 D04 Mff Afa Aaa A00 .",
	"Mf2 Afa A00 Me9 Afa A00 A02 A64 .",
	"Mf3 Afa Mc8 Afa Mf3 Afa M64 Afa Mf3 Afa M50 Afa Mf2 Afa A03 .", /* the wheel's knock */
	"Me8 Afa M03 Afa Me7 Afa Mf4 Afa Me9 Afa A30 A03 A64 .",
	"Mee Afa M55 A55 Mf4 Af4 Mec Afa Mf2 Afa A00 .", /* wrap */
	"Mf0 Afa Meb Afa A08 A00 A00 Me9 Afa A40 A02 A64 Mea Afa .",
	"M77 Afe Mfe Afe .",
	"Mf6 Afa Mf5 Afa .",
};

static void test_conversations(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(conversations); i++) {
		struct machine m;

		setup(&m);
		assert_int_equal(status(&m), 0x14);
		talk(&m, conversations[i]);
	}
}

/* Linux's i8042_check_aux() and its IRQ 12 test. */
static void test_linux_aux(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	talk(&m, "Cd3 D5a A5a Ca7 C20 K64 Ca8 C20 K44 C60 D46 Cd3 Da5");
	assert_true(m.pc.wire[12].level);
	talk(&m, "Aa5 .");
	assert_false(m.pc.wire[12].level);
}

static void keys(struct machine *m, const u8 *set2, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_true(i8042_key(&m->kbc, set2[i]));
}

static void test_scancodes(void **state)
{
	static const u8 a_and_up[] = { 0x1c, 0xf0, 0x1c, 0xe0, 0x75, 0xe0,
				       0xf0, 0x75, 0x83, 0xf0, 0x83 };
	struct machine m;

	(void)state;
	setup(&m);
	keys(&m, a_and_up, sizeof(a_and_up));
	talk(&m, "K1e K9e Ke0 K48 Ke0 Kc8 K41 Kc1 .");
	setup(&m);
	talk(&m, "C60 D04");
	keys(&m, a_and_up, sizeof(a_and_up));
	talk(&m, "K1c Kf0 K1c Ke0 K75 Ke0 Kf0 K75 K83 Kf0 K83 .");
	setup(&m);
	talk(&m, "C60 D04 Df0 Kfa D01 Kfa");
	keys(&m, a_and_up, sizeof(a_and_up));
	talk(&m, "K1e K9e Ke0 K48 Ke0 Kc8 K41 Kc1 .");
	/* Disabled scanning: keys are lost. A full queue says so. */
	talk(&m, "Df5 Kfa");
	keys(&m, a_and_up, 2);
	talk(&m, ". Df4 Kfa");
	unsigned n = 0;
	while (i8042_key(&m.kbc, 0x1c))
		n++;
	assert_in_range(n, 16, PS2_QUEUE);
	/* Each translated code is unique, and the letters are where they belong. */
	bool seen[256] = { false };
	for (unsigned c = 1; c < 0x80; c++) {
		assert_false(seen[ps2_set2_to_set1((u8)c)]);
		seen[ps2_set2_to_set1((u8)c)] = true;
	}
	static const struct {
		u8 set2, set1;
	} known[] = { { 0x76, 0x01 }, { 0x16, 0x02 }, { 0x15, 0x10 }, { 0x5a, 0x1c },
		      { 0x29, 0x39 }, { 0x05, 0x3b }, { 0x78, 0x57 }, { 0x07, 0x58 },
		      { 0x14, 0x1d }, { 0x12, 0x2a }, { 0x59, 0x36 }, { 0x84, 0x54 },
		      { 0xaa, 0xaa }, { 0xfa, 0xfa } };
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(ps2_set2_to_set1(known[i].set2), known[i].set1);
}

static void test_interrupts(void **state)
{
	struct machine m;
	const struct wire *kbd = &m.pc.wire[1], *aux = &m.pc.wire[12];

	(void)state;
	setup(&m);
	i8042_key(&m.kbc, 0x1c);
	assert_false(kbd->level);
	talk(&m, "K1e C60 D47");
	i8042_key(&m.kbc, 0x1c);
	i8042_key(&m.kbc, 0x32);
	assert_int_equal(kbd->rises, 1);
	talk(&m, "K1e");
	assert_int_equal(kbd->rises, 2); /* the next byte is a new edge */
	assert_true(kbd->level);
	talk(&m, "K30 .");
	assert_false(kbd->level);
	assert_int_equal(aux->rises, 0);
	talk(&m, "Mf4 Afa");
	unsigned rises = aux->rises;
	i8042_mouse(&m.kbc, 5, -3, 0, 1);
	talk(&m, "A29 A05 Afd .");
	assert_int_equal(aux->rises, rises + 3);
	assert_false(aux->level);
	/* A long way goes in several packets; the wheel is not reported to who did not knock. */
	i8042_mouse(&m.kbc, 600, 0, 1, 0);
	talk(&m, "A08 Aff A00 A08 Aff A00 A08 A5a A00 .");
}

static void test_a20_and_reset(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	talk(&m, "Cd1 Ddd");
	assert_false(m.pc.a20.held);
	talk(&m, "Cd0 Kcd Cd1 Ddf");
	assert_true(m.pc.a20.held);
	talk(&m, "Cdd");
	assert_false(m.pc.a20.held);
	talk(&m, "Cdf");
	assert_true(m.pc.a20.held);
	talk(&m, "Cdd");
	i8042_class.reset(&m.kbc);
	assert_true(m.pc.a20.held);
	assert_int_equal(m.resets, 0);
	talk(&m, "Cff");
	assert_int_equal(m.resets, 0);
	talk(&m, "Cfe");
	assert_int_equal(m.resets, 1);
	talk(&m, "Cd1 Dde");
	assert_int_equal(m.resets, 2);
	assert_true(m.pc.a20.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations), cmocka_unit_test(test_linux_aux),
		cmocka_unit_test(test_scancodes),     cmocka_unit_test(test_interrupts),
		cmocka_unit_test(test_a20_and_reset),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
