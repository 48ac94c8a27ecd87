/* SPDX-License-Identifier: MIT */
/*
 * The 8237A pair's registers: flip-flop, base and current, masks, requests, status, master clear;
 * page registers. Alone: make build/unit/test_i8237 && build/unit/test_i8237
 */
#include "emu/chip/i8237.h"
#include "tests/unit/pc_fixture.h"

struct step {
	char op; /* '>' write, '<' expect */
	u8 port, value;
};

static const struct step steps[] = {
	/* reset: all masked, nothing pending */
	{ '<', 0x0f, 0xff },
	{ '<', 0x08, 0x00 },
	/* address and count of channel 2, low byte first; two reads give both halves */
	{ '>', 0x0c, 0 },
	{ '>', 0x04, 0x34 },
	{ '>', 0x04, 0x12 },
	{ '>', 0x05, 0xff },
	{ '>', 0x05, 0x01 },
	{ '<', 0x04, 0x34 },
	{ '<', 0x04, 0x12 },
	{ '<', 0x05, 0xff },
	{ '<', 0x05, 0x01 },
	/* one flip-flop for all channels; clearing it starts at the low byte */
	{ '>', 0x00, 0xaa },
	{ '<', 0x05, 0x01 },
	{ '>', 0x00, 0xbb },
	{ '>', 0x0c, 0 },
	{ '<', 0x00, 0xbb },
	{ '<', 0x00, 0x00 },
	/* masks: single, all, clear */
	{ '>', 0x0a, 0x02 },
	{ '<', 0x0f, 0xfb },
	{ '>', 0x0a, 0x06 },
	{ '<', 0x0f, 0xff },
	{ '>', 0x0f, 0x05 },
	{ '<', 0x0f, 0xf5 },
	{ '>', 0x0e, 0 },
	{ '<', 0x0f, 0xf0 },
	/* software requests show in status; write-only registers read ones */
	{ '>', 0x09, 0x05 },
	{ '<', 0x08, 0x20 },
	{ '>', 0x09, 0x01 },
	{ '<', 0x08, 0x00 },
	{ '<', 0x0b, 0xff },
	/* master clear masks everything, keeps addresses */
	{ '>', 0x0d, 0 },
	{ '<', 0x0f, 0xff },
	{ '<', 0x04, 0x34 },
	{ '<', 0x0d, 0x00 },
	/* the second controller: registers at even ports, odd ones are nobody's */
	{ '>', 0xd8, 0 },
	{ '>', 0xc4, 0x78 },
	{ '>', 0xc4, 0x56 },
	{ '<', 0xc4, 0x78 },
	{ '<', 0xc4, 0x56 },
	{ '<', 0xc5, 0xff },
	{ '>', 0xd4, 0x01 },
	{ '<', 0xde, 0xfd },
	{ '>', 0xda, 0 },
	{ '<', 0xde, 0xff },
	/* pages; 80h keeps POST codes */
	{ '>', 0x81, 0x5a },
	{ '<', 0x81, 0x5a },
	{ '>', 0x80, 0x99 },
	{ '<', 0x80, 0x99 },
	{ '>', 0x8f, 0x11 },
	{ '<', 0x8f, 0x11 },
};

static void test_registers(void **state)
{
	struct pc p;
	struct i8237_pair dma;

	(void)state;
	pc_init(&p);
	pc_plug(&p, &i8237_class, &dma);
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].op == '>')
			out8(&p, steps[i].port, steps[i].value);
		else if (in8(&p, steps[i].port) != steps[i].value)
			fail_msg("step %u, port %02x", i, steps[i].port);
	}
	out8(&p, 0x0b, 0x56);
	assert_int_equal(dma.chip[0].ch[2].mode, 0x54);
	i8237_class.reset(&dma);
	assert_int_equal(in8(&p, 0x81), 0);
	assert_int_equal(in8(&p, 0xde), 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_registers) };

	return cmocka_run_group_tests_name("i8237", tests, NULL, NULL);
}
