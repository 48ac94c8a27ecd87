/* SPDX-License-Identifier: MIT */
/*
 * What an access does to the planes, against a model that works on one bit of one plane at a time,
 * as IBM's reference describes the graphics controller; then the addressing modes and what lies
 * outside of the map. Alone:
 * make build/unit/test_vga_planes && build/unit/test_vga_planes [seed]
 */
#include "tests/unit/vga_fixture.h"

/* --- The model */

static bool bit(u32 value, unsigned n)
{
	return value >> n & 1;
}

/* One bit of a plane after a write in write mode 0 to 3. */
static bool written_bit(const struct vga *v, unsigned plane, unsigned n, u8 value, bool latch)
{
	const u8 *g = v->graphics;
	unsigned mode = g[5] & 3, rotate = g[3] & 7;
	bool cpu = bit(value, (n + rotate) % 8), data;

	if (mode == 1)
		return latch;
	if (mode == 0)
		data = bit(g[1], plane) ? bit(g[0], plane) : cpu;
	else if (mode == 2)
		data = bit(value, plane);
	else
		data = bit(g[0], plane);
	switch (g[3] >> 3 & 3) {
	case 1:
		data = data && latch;
		break;
	case 2:
		data = data || latch;
		break;
	case 3:
		data = data != latch;
		break;
	default:
		break;
	}
	if (!bit(g[8], n) || (mode == 3 && !cpu))
		return latch;
	return data;
}

static void model_write(const struct vga *v, u8 cell[4], u32 latch, unsigned planes, u8 value)
{
	for (unsigned p = 0; p < 4; p++)
		for (unsigned n = 0; n < 8; n++)
			if (bit(planes & v->sequencer[2], p)) {
				bool b = written_bit(v, p, n, value, bit(latch, p * 8 + n));

				cell[p] = (u8)((cell[p] & ~(1u << n)) | (unsigned)b << n);
			}
}

static u8 model_read(const struct vga *v, const u8 cell[4])
{
	const u8 *g = v->graphics;
	u8 r = 0;

	if (!(g[5] & 8))
		return cell[g[4] & 3];
	for (unsigned n = 0; n < 8; n++) {
		bool same = true;

		for (unsigned p = 0; p < 4; p++)
			same = same && (!bit(g[7], p) || bit(cell[p], n) == bit(g[2], p));
		r |= (u8)((unsigned)same << n);
	}
	return r;
}

/* --- The tests */

static void random_registers(struct vga *v)
{
	vga_graphics(v, (u8)(rnd() % 5), (u8)rnd());
	vga_graphics(v, 7, (u8)rnd());
	vga_graphics(v, 8, one_in(2) ? 0xff : (u8)rnd());
	vga_graphics(v, 5, (u8)(rnd() & 0x0b));
	vga_sequencer(v, 2, (u8)rnd());
}

static void test_planar(void **state)
{
	struct vga *v = vga_new();
	u32 latch = 0;

	(void)state;
	vga_graphics(v, 6, 0x05);
	vga_sequencer(v, 4, 0x06);
	for (unsigned n = 0; n < 200000; n++) {
		u32 at = rnd() % 0x10000;
		u8 *cell = v->memory + at * 4, expected[4], value = (u8)rnd();

		if (one_in(3))
			random_registers(v);
		memcpy(expected, cell, 4);
		if (one_in(2)) {
			memcpy(&latch, cell, 4);
			assert_int_equal(vga_planes_read(v, at), model_read(v, cell));
		} else {
			model_write(v, expected, latch, 15, value);
			vga_planes_write(v, at, value);
		}
		assert_memory_equal(cell, expected, 4);
		assert_int_equal(v->latch, latch);
	}
	vga_free(v);
}

/* Chained addresses reach one plane, or two, of an address; the rest of the way is the same. */
static void test_chained(void **state)
{
	struct vga *v = vga_new();

	(void)state;
	vga_graphics(v, 6, 0x05);
	for (unsigned n = 0; n < 100000; n++) {
		bool four = one_in(2);
		u32 at = rnd() % 0x10000, dword = four ? at / 4 : at / 2;
		u8 *cell = v->memory + dword * 4, expected[4], value = (u8)rnd();
		unsigned planes = four ? 1u << at % 4 : at & 1 ? 10 : 5;

		random_registers(v);
		vga_sequencer(v, 4, four ? 0x0e : 0x02);
		vga_graphics(v, 5, (u8)((v->graphics[5] & 3) | (four ? 0x40 : 0x10)));
		memcpy(expected, cell, 4);
		model_write(v, expected, v->latch, planes, value);
		vga_planes_write(v, at, value);
		assert_memory_equal(cell, expected, 4);
		value = four ? cell[at % 4] : cell[(v->graphics[4] & 2) | (at & 1)];
		assert_int_equal(vga_planes_read(v, at), value);
		assert_memory_equal(&v->latch, cell, 4);
	}
	vga_free(v);
}

static void test_map(void **state)
{
	static const u32 first[] = { 0, 0, 0x10000, 0x18000 };
	static const u32 size[] = { 0x20000, 0x10000, 0x8000, 0x8000 };
	struct vga *v = vga_new();

	(void)state;
	vga_sequencer(v, 2, 0x0f);
	for (unsigned map = 0; map < 4; map++) {
		vga_graphics(v, 6, (u8)(map << 2 | 1));
		vga_graphics(v, 5, 0);
		for (u32 at = 0; at < 0x20000; at += 0x7ff) {
			bool inside = at - first[map] < size[map];

			memset(v->memory, 0, MiB);
			vga_planes_write(v, at, 0x5a);
			assert_int_equal(vga_planes_read(v, at), inside ? 0x5a : 0xff);
			assert_int_equal(v->memory[(at - first[map]) % 0x20000 * 4],
					 inside ? 0x5a : 0);
		}
	}
	vga_free(v);
}

static bool is_dirty(const struct vga *v, u32 byte)
{
	return v->dirty[byte / PAGE_SIZE / 64] >> (byte / PAGE_SIZE % 64) & 1;
}

static void test_dirty(void **state)
{
	struct vga *v = vga_new();

	(void)state;
	vga_graphics(v, 6, 0x05);
	vga_graphics(v, 5, 0);
	vga_sequencer(v, 4, 0x06);
	vga_sequencer(v, 2, 0x03);
	memset(v->dirty, 0, sizeof(v->dirty));
	v->font_dirty = false;
	(void)vga_planes_read(v, 0x1234);
	vga_planes_write(v, 0x1234, 1);
	for (u32 page = 0; page < VGA_PAGES; page++)
		assert_int_equal(is_dirty(v, page * PAGE_SIZE), page == 0x1234 * 4 / PAGE_SIZE);
	assert_false(v->font_dirty);
	vga_sequencer(v, 2, 0x04);
	vga_planes_write(v, 0x1234, 1);
	assert_true(v->font_dirty);
	vga_free(v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planar),
		cmocka_unit_test(test_chained),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_dirty),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("vga_planes", tests, NULL, NULL);
}
