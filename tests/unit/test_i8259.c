/* SPDX-License-Identifier: MIT */
/*
 * The 8259A pair against its data sheet. Most cases are scripts: one line per step, run in order on
 * a fresh, initialised pair. Alone: make build/unit/test_i8259 && build/unit/test_i8259
 */
#include "emu/chip/i8259.h"
#include "tests/unit/pc_fixture.h"

enum op { END, DO_UP, DO_DOWN, DO_ACK, DO_PIN, DO_OUT, DO_IN };

struct step {
	enum op op;
	unsigned a, b;
};

#define UP(n)               \
	{                   \
		DO_UP, n, 0 \
	} /* raise input n */
#define DOWN(n)               \
	{                     \
		DO_DOWN, n, 0 \
	} /* lower it */
#define ACK(v)               \
	{                    \
		DO_ACK, v, 0 \
	} /* INTA: expect vector v */
#define PIN(l)               \
	{                    \
		DO_PIN, l, 0 \
	} /* expect INTR at level l */
#define OUT(p, v)            \
	{                    \
		DO_OUT, p, v \
	}
#define IN(p, v)            \
	{                   \
		DO_IN, p, v \
	} /* expect v */
#define EOI	 OUT(0x20, 0x20)
#define EOI2	 OUT(0xa0, 0x20)
#define READ_IRR OUT(0x20, 0x0a)
#define READ_ISR OUT(0x20, 0x0b)

struct script {
	const char *name;
	u8 icw4; /* of the master; the slave gets the same but for special fully nested mode */
	struct step step[40];
};

static const struct script scripts[] = {
	{ "fully nested: the higher input interrupts the lower, not the other way round",
	  0x01,
	  { UP(4),     PIN(1),	 ACK(0x24),	 PIN(0),     UP(5),	     PIN(0), UP(1), PIN(1),
	    ACK(0x21), READ_ISR, IN(0x20, 0x12), EOI,	     IN(0x20, 0x10), PIN(0), EOI,   PIN(1),
	    ACK(0x25), EOI,	 PIN(0),	 IN(0x20, 0) } },
	{ "edge: a request that falls before it is acknowledged is gone; a level makes only one",
	  0x01,
	  { UP(3), PIN(1), DOWN(3), PIN(0), UP(3), ACK(0x23), EOI, PIN(0), DOWN(3), PIN(0), UP(3),
	    PIN(1) } },
	{ "edge: a request that falls and rises while in service is remembered",
	  0x01,
	  { UP(3), ACK(0x23), DOWN(3), UP(3), READ_IRR, IN(0x20, 0x08), PIN(0), EOI, PIN(1),
	    ACK(0x23) } },
	{ "mask: holds a request back, does not forget it; IRR shows it",
	  0x01,
	  { OUT(0x21, 0x08), UP(3), PIN(0), READ_IRR, IN(0x20, 0x08), IN(0x21, 0x08), OUT(0x21, 0),
	    PIN(1), OUT(0x21, 0xff), PIN(0) } },
	{ "level (ELCR): requests until the wire falls",
	  0x01,
	  { OUT(0x4d0, 0xff), IN(0x4d0, 0xf8), OUT(0x4d1, 0xff), IN(0x4d1, 0xde), UP(5), ACK(0x25),
	    EOI, PIN(1), ACK(0x25), DOWN(5), EOI, PIN(0) } },
	{ "cascade: vector of the slave, both in service, two EOIs",
	  0x01,
	  { UP(10), PIN(1), ACK(0x2a), READ_ISR, IN(0x20, 0x04), OUT(0xa0, 0x0b), IN(0xa0, 0x04),
	    UP(3), PIN(0), UP(1), PIN(1), ACK(0x21), EOI, EOI2, EOI, ACK(0x23) } },
	{ "cascade: a second request of the slave makes a new edge after its EOI",
	  0x01,
	  { UP(12), UP(11), ACK(0x2b), EOI2, EOI, PIN(1), ACK(0x2c), EOI2, EOI, PIN(0) } },
	{ "cascade without special fully nested mode: the slave's better input waits for the "
	  "master's EOI",
	  0x01,
	  { UP(12), ACK(0x2c), UP(8), PIN(0), EOI, PIN(1), ACK(0x28) } },
	{ "special fully nested mode: the slave's better input gets through",
	  0x11,
	  { UP(12), ACK(0x2c), UP(13), PIN(0), UP(8), PIN(1), ACK(0x28) } },
	{ "automatic EOI: nothing stays in service",
	  0x03,
	  { UP(6), UP(7), ACK(0x26), READ_ISR, IN(0x20, 0), PIN(1), ACK(0x27) } },
	{ "automatic EOI with rotation: the one served becomes the lowest",
	  0x03,
	  { OUT(0x20, 0x80), UP(1), ACK(0x21), DOWN(1), UP(1), UP(6), ACK(0x26), ACK(0x21),
	    OUT(0x20, 0x00), DOWN(1), UP(1), ACK(0x21), DOWN(6), UP(6), DOWN(1), UP(1), ACK(0x26),
	    ACK(0x21) } },
	{ "specific EOI ends the level named, not the best",
	  0x01,
	  { UP(4), ACK(0x24), UP(1), ACK(0x21), OUT(0x20, 0x64), READ_ISR, IN(0x20, 0x02),
	    OUT(0x20, 0x61), IN(0x20, 0) } },
	{ "rotate on non-specific EOI",
	  0x01,
	  { UP(4), ACK(0x24), OUT(0x20, 0xa0), DOWN(4), UP(4), UP(3), UP(5), ACK(0x25), EOI,
	    ACK(0x23), EOI, ACK(0x24) } },
	{ "rotate on specific EOI",
	  0x01,
	  { UP(4), ACK(0x24), OUT(0x20, 0xe4), READ_ISR, IN(0x20, 0), UP(0), UP(5), ACK(0x25) } },
	{ "set priority: 5 lowest makes 6 the highest",
	  0x01,
	  { OUT(0x20, 0xc5), UP(0), UP(6), UP(5), ACK(0x26), EOI, ACK(0x20), EOI, ACK(0x25) } },
	{ "special mask: the masked level in service lets all others in",
	  0x01,
	  { UP(3), ACK(0x23), UP(5), PIN(0), OUT(0x21, 0x08), PIN(0), OUT(0x20, 0x68), PIN(1),
	    ACK(0x25), EOI, READ_ISR, IN(0x20, 0x08), EOI, IN(0x20, 0x08), OUT(0x20, 0x48), UP(6),
	    PIN(0), OUT(0x20, 0x63), PIN(1) } },
	{ "OCW3 without ESMM leaves special mask alone; register selection stays",
	  0x01,
	  { OUT(0x20, 0x68), UP(2 + 1), ACK(0x23), OUT(0x20, 0x28), OUT(0x21, 0x08), UP(4), PIN(1),
	    READ_ISR, IN(0x20, 0x08), IN(0x20, 0x08), READ_IRR, IN(0x20, 0x10) } },
	{ "poll: acknowledges without INTA; the next read is ordinary again",
	  0x01,
	  { OUT(0x20, 0x0c), IN(0x20, 0), UP(6), OUT(0x20, 0x0c), IN(0x20, 0x86), PIN(0), READ_ISR,
	    IN(0x20, 0x40), EOI, UP(9), OUT(0xa0, 0x0c), IN(0xa1, 0x81), OUT(0xa0, 0x0b),
	    IN(0xa0, 0x02) } },
	{ "spurious on the master: vector 7, nothing in service",
	  0x01,
	  { ACK(0x27), READ_ISR, IN(0x20, 0), PIN(0) } },
	{ "ICW1 resets mask, service, edges and priority",
	  0x01,
	  { OUT(0x20, 0xc5), UP(6), ACK(0x26), UP(3), OUT(0x21, 0xf0), OUT(0x20, 0x11), PIN(0),
	    OUT(0x21, 0x40), OUT(0x21, 0x04), OUT(0x21, 0x01), IN(0x21, 0), PIN(0), DOWN(3), UP(3),
	    UP(1), ACK(0x41) } },
	{ "ICW4 is expected only if ICW1 says so, ICW3 only in cascade mode",
	  0x01,
	  { OUT(0x20, 0x12), OUT(0x21, 0x60), OUT(0x21, 0xfe), IN(0x21, 0xfe), UP(1), PIN(0), UP(0),
	    ACK(0x60) } },
};

static void program(struct pc *p, u8 icw4)
{
	static const struct {
		u16 port;
		u8 value;
	} init[] = { { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 0x04 },
		     { 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 0x02 } };

	for (unsigned i = 0; i < ARRAY_SIZE(init); i++)
		out8(p, init[i].port, init[i].value);
	out8(p, 0x21, icw4);
	out8(p, 0xa1, icw4 & 0x0f);
}

static void run_script(const struct script *s)
{
	struct pc p;
	struct i8259_pair pic;

	pc_init(&p);
	pc_plug(&p, &i8259_class, &pic);
	program(&p, s->icw4);
	for (unsigned i = 0; s->step[i].op != END; i++) {
		const struct step *t = &s->step[i];
		u32 got = t->b, want = t->b;

		if (t->op == DO_UP || t->op == DO_DOWN)
			i8259_set_irq(&pic, t->a, t->op == DO_UP);
		else if (t->op == DO_OUT)
			out8(&p, (u16)t->a, (u8)t->b);
		else if (t->op == DO_IN)
			got = in8(&p, (u16)t->a);
		else if (t->op == DO_ACK)
			got = i8259_ack(&pic), want = t->a;
		else
			got = p.wire[0].level, want = t->a;
		if (got != want)
			fail_msg("%s: step %u: got %x, want %x", s->name, i, got, want);
		assert_int_equal(p.wire[0].level, i8259_pending(&pic));
	}
}

static void test_scripts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(scripts); i++)
		run_script(&scripts[i]);
}

/* A request that vanishes between the master's choice and the slave's INTA cycle: IRQ 15, no slave
 * in service. */
static void test_spurious_slave(void **state)
{
	struct pc p;
	struct i8259_pair pic;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8259_class, &pic);
	program(&p, 0x01);
	i8259_set_irq(&pic, 11, true);
	pic.chip[1].line = 0; /* the wire drops, the slave's INT output has not followed yet */
	pic.chip[1].latch = 0;
	assert_int_equal(i8259_ack(&pic), 0x2f);
	out8(&p, 0xa0, 0x0b);
	out8(&p, 0x20, 0x0b);
	assert_int_equal(in8(&p, 0xa0), 0);
	assert_int_equal(in8(&p, 0x20), 0x04); /* the master's EOI is still due */
	assert_int_equal(pic.spurious, 1);
}

/* A pair nobody initialised delivers nothing (all masked), and nothing is delivered in the middle
 * of ICWs. */
static void test_reset(void **state)
{
	struct pc p;
	struct i8259_pair pic;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8259_class, &pic);
	assert_int_equal(in8(&p, 0x21), 0xff);
	i8259_set_irq(&pic, 1, true);
	assert_false(i8259_pending(&pic));
	out8(&p, 0x20, 0x11);
	i8259_set_irq(&pic, 1, false);
	i8259_set_irq(&pic, 1, true);
	assert_false(i8259_pending(&pic));
	out8(&p, 0x21, 0x08);
	out8(&p, 0x21, 0x04);
	out8(&p, 0x21, 0x01);
	assert_true(i8259_pending(&pic));
	i8259_class.reset(&pic);
	assert_false(i8259_pending(&pic));
	assert_false(p.wire[0].level);
}

static unsigned done[16];

static void eoi(void *ctx, unsigned irq)
{
	(void)ctx;
	done[irq]++;
}

static void test_eoi_hook(void **state)
{
	struct pc p;
	struct i8259_pair pic;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8259_class, &pic);
	pic.eoi = eoi;
	program(&p, 0x01);
	i8259_set_irq(&pic, 0, true);
	i8259_ack(&pic);
	assert_int_equal(done[0], 0);
	out8(&p, 0x20, 0x20);
	assert_int_equal(done[0], 1);
	out8(&p, 0x20, 0x20); /* nothing in service */
	assert_int_equal(done[0], 1);
	i8259_set_irq(&pic, 8, true);
	i8259_ack(&pic);
	out8(&p, 0xa0, 0x60);
	assert_int_equal(done[8], 1);
	program(&p, 0x03);
	i8259_set_irq(&pic, 0, false);
	i8259_set_irq(&pic, 0, true);
	i8259_ack(&pic);
	assert_int_equal(done[0], 2);
}

/* Who is in service and keeps a request from the processor; not who keeps nobody. */
static void test_holding_back(void **state)
{
	struct pc p;
	struct i8259_pair pic;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8259_class, &pic);
	program(&p, 0x01);
	i8259_set_irq(&pic, 10, true);
	i8259_ack(&pic);
	assert_int_equal(i8259_holding_back(&pic), 0);
	i8259_set_irq(&pic, 1, true); /* outranks it */
	assert_int_equal(i8259_holding_back(&pic), 0);
	i8259_set_irq(&pic, 11, true); /* the second chip asks for nobody while its own 10 waits */
	assert_int_equal(i8259_holding_back(&pic), BIT(10));
	out8(&p, 0xa0, 0x20); /* half an EOI: the cascade is in service still */
	assert_int_equal(i8259_holding_back(&pic), BIT(2));
	i8259_set_irq(&pic, 5, true);
	out8(&p, 0xa1, 0xff);
	assert_int_equal(i8259_holding_back(&pic), BIT(2)); /* before 5 */
	out8(&p, 0x21, 0x20);				    /* which is masked now */
	assert_int_equal(i8259_holding_back(&pic), 0);
	out8(&p, 0x21, 0x00);
	out8(&p, 0x20, 0x20);
	assert_int_equal(i8259_holding_back(&pic), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),	     cmocka_unit_test(test_spurious_slave),
		cmocka_unit_test(test_reset),	     cmocka_unit_test(test_eoi_hook),
		cmocka_unit_test(test_holding_back),
	};

	return cmocka_run_group_tests_name("i8259", tests, NULL, NULL);
}
