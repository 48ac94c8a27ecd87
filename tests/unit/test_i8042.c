/* SPDX-License-Identifier: MIT */
/*
 * The 8042 with keyboard and mouse: commands and answers as conversations, scan codes, interrupts,
 * A20 and reset. Alone: make build/unit/test_i8042 && build/unit/test_i8042
 */
#include "emu/chip/i8042.h"
#include "kernel/hw/pc_keys.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct i8042 kbc;
	unsigned resets;
};

static void reset(void *ctx, const char *why)
{
	assert_string_equal(why, "INIT (keyboard controller)");
	((struct machine *)ctx)->resets++;
}

static void setup(struct machine *m)
{
	pc_init(&m->pc);
	m->resets = 0;
	m->pc.host.cpu_init = reset;
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
	"C60 D04 Df0 Kfa D00 Kfa K02 Df0 Kfa D01 Kfa Df0 Kfa D00 Kfa K01 Df0 Kfa D03 Kfa "
	"Df0 Kfa D00 Kfa K03 Df0 Kfa D04 Kfe .",
	"C60 D04 Df6 Kfa Df5 Kfa Df4 Kfa Dfe Kfa Df7 Kfa Dfb Kfa D1c Kfa .",
	"C60 D04 Dfd Kfa D1c Kfa D1b Kfa Df4 Kfa .", /* kinds of several keys */
	"C60 D04 D99 Kfe Dfe Kfe .",
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
	"M77 Afe M78 Afc M79 Afe .",			 /* the second one that is refused */
	"Me8 Afa M04 Afe M03 Afa Me9 Afa A00 A03 A64 .", /* an argument, once more */
	"Me8 Afa M04 Afe M05 Afc M77 Afe .",
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

static void press(struct machine *m, u8 key)
{
	assert_true(i8042_key(&m->kbc, key, true));
}

static void release(struct machine *m, u8 key)
{
	assert_true(i8042_key(&m->kbc, key, false));
}

static void stroke(struct machine *m, u8 key)
{
	press(m, key);
	release(m, key);
}

static void test_translation(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	stroke(&m, KEY_A);
	stroke(&m, KEY_UP);
	stroke(&m, KEY_F1 + 6);
	talk(&m, "K1e K9e Ke0 K48 Ke0 Kc8 K41 Kc1 .");
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

/* What a key sends: pressed (held: these before it) and released; by the tables of IBM's manual. */
static const struct {
	u8 key, held;
	bool num_lock;
	const char *set1, *set2, *set3;
} strokes[] = {
	{ KEY_A, 0, false, "K1e K9e", "K1c Kf0 K1c", "K1c" },
	{ KEY_F1 + 6, 0, false, "K41 Kc1", "K83 Kf0 K83", "K37" },
	{ KEY_F12, 0, false, "K58 Kd8", "K07 Kf0 K07", "K5e" },
	{ KEY_SHIFT_R, 0, false, "K36 Kb6", "K59 Kf0 K59", "K59 Kf0 K59" },
	{ KEY_CTRL_R, 0, false, "Ke0 K1d Ke0 K9d", "Ke0 K14 Ke0 Kf0 K14", "K58" },
	{ KEY_KP_7, 0, true, "K47 Kc7", "K6c Kf0 K6c", "K6c" },
	{ KEY_UP, 0, false, "Ke0 K48 Ke0 Kc8", "Ke0 K75 Ke0 Kf0 K75", "K63" },
	{ KEY_UP, 0, true, "Ke0 K2a Ke0 K48 Ke0 Kc8 Ke0 Kaa",
	  "Ke0 K12 Ke0 K75 Ke0 Kf0 K75 Ke0 Kf0 K12", "K63" },
	{ KEY_INSERT, KEY_SHIFT, false, "Ke0 Kaa Ke0 K52 Ke0 Kd2 Ke0 K2a",
	  "Ke0 Kf0 K12 Ke0 K70 Ke0 Kf0 K70 Ke0 K12", "K67" },
	{ KEY_END, KEY_SHIFT_R, false, "Ke0 Kb6 Ke0 K4f Ke0 Kcf Ke0 K36",
	  "Ke0 Kf0 K59 Ke0 K69 Ke0 Kf0 K69 Ke0 K59", "K65" },
	{ KEY_END, KEY_SHIFT, true, "Ke0 K4f Ke0 Kcf", "Ke0 K69 Ke0 Kf0 K69", "K65" },
	{ KEY_KP_DIVIDE, 0, true, "Ke0 K35 Ke0 Kb5", "Ke0 K4a Ke0 Kf0 K4a", "K77" },
	{ KEY_KP_DIVIDE, KEY_SHIFT, true, "Ke0 Kaa Ke0 K35 Ke0 Kb5 Ke0 K2a",
	  "Ke0 Kf0 K12 Ke0 K4a Ke0 Kf0 K4a Ke0 K12", "K77" },
	{ KEY_PRINT, 0, false, "Ke0 K2a Ke0 K37 Ke0 Kb7 Ke0 Kaa",
	  "Ke0 K12 Ke0 K7c Ke0 Kf0 K7c Ke0 Kf0 K12", "K57" },
	{ KEY_PRINT, KEY_CTRL, false, "Ke0 K37 Ke0 Kb7", "Ke0 K7c Ke0 Kf0 K7c", "K57" },
	{ KEY_PRINT, KEY_ALT, false, "K54 Kd4", "K84 Kf0 K84", "K57" },
	{ KEY_PAUSE, 0, false, "Ke1 K1d K45 Ke1 K9d Kc5", "Ke1 K14 K77 Ke1 Kf0 K14 Kf0 K77",
	  "K62" },
	{ KEY_PAUSE, KEY_CTRL, false, "Ke0 K46 Ke0 Kc6", "Ke0 K7e Ke0 Kf0 K7e", "K62" },
};

static void choose_set(struct machine *m, unsigned set)
{
	char script[40];

	snprintf(script, sizeof(script), "C60 D04 Df0 Kfa D0%u Kfa", set);
	talk(m, script);
}

static void throw_away(struct machine *m)
{
	while (status(m) & 1)
		in8(&m->pc, 0x60);
}

static void test_strokes(void **state)
{
	struct machine m;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(strokes); i++) {
		const char *want[] = { strokes[i].set1, strokes[i].set2, strokes[i].set3 };

		for (unsigned set = 1; set <= 3; set++) {
			setup(&m);
			choose_set(&m, set);
			if (strokes[i].num_lock)
				talk(&m, "Ded Kfa D02 Kfa");
			if (strokes[i].held)
				press(&m, strokes[i].held);
			throw_away(&m);
			stroke(&m, strokes[i].key);
			talk(&m, want[set - 1]);
			talk(&m, ".");
		}
	}
}

/* Each key of the keyboard has codes of its own in each set, and a key goes down once. */
static void test_every_key(void **state)
{
	u8 seen[4][256][2] = { 0 };
	struct machine m;

	(void)state;
	for (unsigned key = 1; key < 0xdf; key++) {
		u8 bytes[SCANCODES_MOST];

		if ((key > KEY_F12 && key < KEY_KP_ENTER) || !scancodes_set3((u8)key))
			continue;
		for (unsigned set = 1; set <= 3; set++) {
			unsigned n =
				scancodes_of((u8)key, SCANCODES_PRESS, set, SCANCODES_CTRL, bytes);
			bool e0 = set < 3 && n > 1;

			assert_in_range(n, 1, SCANCODES_MOST);
			if (key == KEY_SYSRQ || key == KEY_PAUSE)
				continue; /* the print key's, and that of Scroll Lock */
			assert_int_equal(seen[set][bytes[e0]][e0]++, 0);
		}
	}
	setup(&m);
	press(&m, KEY_A);
	press(&m, KEY_A);
	talk(&m, "K1e .");
	release(&m, KEY_A);
	release(&m, KEY_A);
	talk(&m, "K9e .");
}

/* A keyboard that is off loses keys; what it had stands, and answers come before what waits. */
static void test_keys_and_commands(void **state)
{
	struct machine m;
	unsigned n = 0;

	(void)state;
	setup(&m);
	talk(&m, "C60 D04 Df5 Kfa");
	stroke(&m, KEY_A);
	talk(&m, ". Df4 Kfa");
	stroke(&m, KEY_A);
	stroke(&m, KEY_A + 1);
	/* The lights change while keys wait: as a system does after Caps Lock. */
	talk(&m, "K1c Ded Kf0 Kfa D04 K1c Kfa K1b Df3 Kf0 Kfa D00 K1b Kfa .");
	stroke(&m, KEY_A);
	talk(&m, "K1c Df4 Kf0 Kfa ."); /* this one throws away what waits */
	/* Nobody reads: a key is refused whole, and goes in later. */
	while (i8042_key(&m.kbc, KEY_A, true) && i8042_key(&m.kbc, KEY_A, false))
		n++;
	assert_in_range(n, 4, PS2_QUEUE / 3);
	talk(&m, "Df2");
	for (unsigned i = 0; i < n; i++) {
		talk(&m, i ? "K1c Kf0 K1c" : "K1c Kfa Kab K83 Kf0 K1c");
	}
	assert_true(i8042_key(&m.kbc, KEY_A, true));
}

static void pass(struct machine *m, u64 ns)
{
	m->pc.now += ns;
	vtimers_run(&m->pc.timers);
}

static void test_repetition(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	choose_set(&m, 2);
	press(&m, KEY_A);
	talk(&m, "K1c .");
	pass(&m, 499 * MS);
	talk(&m, ".");
	pass(&m, MS); /* 500 ms, then 10.9 times a second: each 22/240 s */
	talk(&m, "K1c .");
	pass(&m, 91 * MS);
	talk(&m, ".");
	pass(&m, MS);
	talk(&m, "K1c .");
	/* The last one pressed repeats; another one's release changes nothing. */
	press(&m, KEY_UP);
	release(&m, KEY_A);
	talk(&m, "Ke0 K75 Kf0 K1c .");
	assert_true(i8042_class.wakes_at(&m.kbc) == m.pc.now + 500 * MS);
	pass(&m, 500 * MS);
	talk(&m, "Ke0 K75 .");
	release(&m, KEY_UP);
	talk(&m, "Ke0 Kf0 K75");
	pass(&m, 2000 * MS);
	talk(&m, ".");
	assert_true(i8042_class.wakes_at(&m.kbc) == UINT64_MAX);
	/* The fastest: 250 ms and 30 a second; the slowest: 1 s and two a second. */
	talk(&m, "Df3 Kfa D00 Kfa");
	press(&m, KEY_A);
	pass(&m, 250 * MS);
	pass(&m, 34 * MS);
	talk(&m, "K1c K1c K1c .");
	release(&m, KEY_A);
	talk(&m, "Kf0 K1c Df3 Kfa D7f Kfa");
	press(&m, KEY_A);
	pass(&m, 999 * MS);
	talk(&m, "K1c .");
	pass(&m, MS);
	pass(&m, 500 * MS);
	talk(&m, "K1c K1c .");
	/* Nobody reads for a minute: what was said stays whole, and the key goes on. */
	for (unsigned i = 0; i < 120; i++)
		pass(&m, 500 * MS);
	for (unsigned i = 0; i < 21; i++)
		talk(&m, "K1c");
	throw_away(&m);
	pass(&m, 500 * MS);
	talk(&m, "K1c Df4 Kfa"); /* ends it */
	pass(&m, 500 * MS);
	talk(&m, ".");
	/* Pause does not repeat, nor does a grey key repeat the Shift that it pretends. */
	release(&m, KEY_A);
	talk(&m, "Kf0 K1c Ded Kfa D02 Kfa");
	press(&m, KEY_PAUSE);
	throw_away(&m);
	pass(&m, 5000 * MS);
	talk(&m, ".");
	press(&m, KEY_LEFT);
	pass(&m, 1000 * MS);
	talk(&m, "Ke0 K12 Ke0 K6b Ke0 K6b .");
}

static void test_kinds(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	choose_set(&m, 3);
	stroke(&m, KEY_F1);   /* make only */
	stroke(&m, KEY_CTRL); /* make and break */
	press(&m, KEY_F1);
	pass(&m, 3000 * MS);
	talk(&m, "K07 K11 Kf0 K11 K07 .");
	release(&m, KEY_F1);
	press(&m, KEY_LEFT); /* typematic */
	pass(&m, 500 * MS);
	release(&m, KEY_LEFT);
	talk(&m, "K61 K61 .");
	talk(&m, "Dfc Kfa D07 Kfa D61 Kfa Df4 Kfa"); /* both make and break */
	stroke(&m, KEY_F1);
	press(&m, KEY_LEFT);
	pass(&m, 3000 * MS);
	release(&m, KEY_LEFT);
	talk(&m, "K07 Kf0 K07 K61 Kf0 K61 . Dfa Kfa"); /* all are everything */
	press(&m, KEY_F1);
	pass(&m, 500 * MS);
	release(&m, KEY_F1);
	talk(&m, "K07 K07 Kf0 K07 . Df9 Kfa"); /* all make only */
	stroke(&m, KEY_CTRL);
	talk(&m, "K11 . Df6 Kfa Df0 Kfa D03 Kfa"); /* as at first */
	stroke(&m, KEY_F1);
	stroke(&m, KEY_CTRL);
	talk(&m, "K07 K11 Kf0 K11 .");
}

static void test_interrupts(void **state)
{
	struct machine m;
	const struct wire *kbd = &m.pc.wire[1], *aux = &m.pc.wire[12];

	(void)state;
	setup(&m);
	press(&m, KEY_A);
	assert_false(kbd->level);
	talk(&m, "K1e C60 D47");
	release(&m, KEY_A);
	press(&m, KEY_SPACE);
	assert_int_equal(kbd->rises, 1);
	talk(&m, "K9e");
	assert_int_equal(kbd->rises, 2); /* the next byte is a new edge */
	assert_true(kbd->level);
	talk(&m, "K39 .");
	assert_false(kbd->level);
	assert_int_equal(aux->rises, 0);
	talk(&m, "Mf4 Afa");
	unsigned rises = aux->rises;
	i8042_mouse(&m.kbc, 5, -3, 0, 1);
	talk(&m, "A29 A05 Afd .");
	assert_int_equal(aux->rises, rises + 3);
	assert_false(aux->level);
	/* A key that repeats is an interrupt, too. */
	rises = kbd->rises;
	pass(&m, 500 * MS);
	assert_int_equal(kbd->rises, rises + 1);
}

/* Reports come at the sample rate; what is between them is summed up, and no click is. */
static void test_samples(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	talk(&m, "Mf4 Afa");
	i8042_mouse(&m.kbc, 600, 0, 1, 0); /* without a knock no wheel */
	talk(&m, "A08 Aff A00 .");
	assert_true(i8042_class.wakes_at(&m.kbc) == m.pc.now + 10 * MS);
	pass(&m, 9 * MS);
	i8042_mouse(&m.kbc, -20, 3, 0, 0);
	talk(&m, ".");
	pass(&m, MS);
	talk(&m, "A08 Aff A03 .");
	pass(&m, 10 * MS);
	talk(&m, "A08 A46 A00 .");
	pass(&m, 100 * MS);
	talk(&m, ".");
	talk(&m, "Mf3 Afa Mc8 Afa"); /* 200 a second */
	i8042_mouse(&m.kbc, 1, 0, 0, 0);
	i8042_mouse(&m.kbc, 1, 0, 0, 1);
	i8042_mouse(&m.kbc, 1, 0, 0, 0);
	talk(&m, "A08 A01 A00 A09 A01 A00 .");
	pass(&m, 5 * MS);
	talk(&m, "A08 A01 A00 .");
	/* Movement with a button held ends before the button is up. */
	i8042_mouse(&m.kbc, 0, 0, 0, 1);
	i8042_mouse(&m.kbc, 7, 0, 0, 1);
	i8042_mouse(&m.kbc, 0, 0, 0, 0);
	talk(&m, "A09 A07 A00 .");
	pass(&m, 5 * MS);
	talk(&m, "A08 A00 A00 .");
	pass(&m, 5 * MS);
	/* Nobody reads: nothing is lost but time. */
	for (unsigned i = 0; i < 100; i++) {
		i8042_mouse(&m.kbc, 3, -3, 0, 4);
		pass(&m, 5 * MS);
	}
	s32 x = 0, y = 0;
	for (unsigned i = 0; i < 100; i++) {
		while (status(&m) & 1) {
			assert_true(in8(&m.pc, 0x60) & 0x04);
			x += in8(&m.pc, 0x60);
			y -= 256 - in8(&m.pc, 0x60);
		}
		pass(&m, 5 * MS);
	}
	assert_int_equal(x, 300);
	assert_int_equal(y, -300);
	/* Scaling, the wheel, and remote mode, which asks. */
	talk(&m, "Mf3 Afa Mc8 Afa Mf3 Afa M64 Afa Mf3 Afa M50 Afa Me7 Afa");
	i8042_mouse(&m.kbc, 4, -3, -2, 0);
	talk(&m, "A28 A06 Afd Afe . Mf0 Afa");
	i8042_mouse(&m.kbc, 4, -3, 2, 2);
	pass(&m, 100 * MS);
	talk(&m, ". Meb Afa A2a A04 Afd A02 Meb Afa A0a A00 A00 A00 .");
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
		cmocka_unit_test(test_translation),   cmocka_unit_test(test_strokes),
		cmocka_unit_test(test_every_key),     cmocka_unit_test(test_keys_and_commands),
		cmocka_unit_test(test_repetition),    cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_interrupts),    cmocka_unit_test(test_samples),
		cmocka_unit_test(test_a20_and_reset),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
