/* SPDX-License-Identifier: MIT */
/*
 * The PIIX4's power management: PM timer, event and control registers, SCI, ACPI hand-over by the
 * APM port, soft off, PMBASE. Alone: make build/unit/test_piix4_pm && build/unit/test_piix4_pm
 */
#include "emu/chip/piix4_pm.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct pci_bus pci;
	struct piix4_pm pm;
	unsigned offs;
};

static void power_off(void *ctx)
{
	((struct machine *)ctx)->offs++;
}

static void setup(struct machine *m)
{
	m->offs = 0;
	pc_init(&m->pc);
	m->pc.pci = &m->pci;
	m->pc.host.power_off = power_off;
	m->pc.host.ctx = m;
	pc_plug(&m->pc, &pci_class, &m->pci);
	pc_plug(&m->pc, &piix4_pm_class, &m->pm);
}

static u32 rd(struct machine *m, u16 reg, unsigned size)
{
	return bus_read(&m->pc.bus, 0x600 + reg, size);
}

static void wr(struct machine *m, u16 reg, unsigned size, u32 v)
{
	bus_write(&m->pc.bus, 0x600 + reg, size, v);
}

static void test_timer(void **state)
{
	static const struct {
		u64 ns;
		u32 ticks;
	} t[] = { { 0, 0 },
		  { 1000000000, 3579545 },
		  { 4686000000, 16773747 },
		  { 4687000000, 111 },
		  { 3600ull * 1000000000, (u32)(3600ull * 3579545 & 0xffffff) } };
	struct machine m;

	(void)state;
	setup(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		m.pc.now = t[i].ns;
		assert_int_equal(rd(&m, 8, 4), t[i].ticks);
		assert_int_equal(rd(&m, 9, 1), t[i].ticks >> 8 & 0xff);
		assert_int_equal(rd(&m, 10, 2), t[i].ticks >> 16);
	}
	wr(&m, 8, 4, 0x123456);
	assert_int_equal(rd(&m, 8, 4), t[4].ticks);
}

static void test_overflow_interrupt(void **state)
{
	struct machine m;
	u64 half = ticks_begin(1u << 23, PM_TIMER_HZ);

	(void)state;
	setup(&m);
	wr(&m, 2, 2, 0x0001);
	run_until(&m.pc, half - 1);
	assert_int_equal(rd(&m, 0, 2), 0);
	assert_true(list_empty(&m.pc.timers.queue)); /* nobody would hear it */
	run_until(&m.pc, half);
	assert_int_equal(rd(&m, 0, 2), 0x0001);
	assert_false(m.pc.wire[9].level);
	out8(&m.pc, 0xb2, 0xf1);
	assert_true(m.pc.wire[9].level);
	wr(&m, 0, 2, 0x0001);
	assert_false(m.pc.wire[9].level);
	run_until(&m.pc, 2 * half);
	assert_true(m.pc.wire[9].level);
	wr(&m, 0, 2, 0xfffe);
	assert_true(m.pc.wire[9].level);
	wr(&m, 2, 2, 0);
	assert_false(m.pc.wire[9].level);
}

static void test_acpi_mode(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	assert_int_equal(rd(&m, 4, 2), 0);
	out8(&m.pc, 0xb2, 0xf1);
	assert_int_equal(rd(&m, 4, 2), 1);
	assert_int_equal(in8(&m.pc, 0xb2), 0xf1);
	out8(&m.pc, 0xb3, 0x77);
	assert_int_equal(in8(&m.pc, 0xb3), 0x77);
	out8(&m.pc, 0xb2, 0xf0);
	assert_int_equal(rd(&m, 4, 2), 0);
	out8(&m.pc, 0xb2, 0x12);
	assert_int_equal(rd(&m, 4, 2), 0);
}

static void test_power_button(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	out8(&m.pc, 0xb2, 0xf1);
	wr(&m, 0, 4, 0x0120ffff); /* status cleared and enables set by one access */
	assert_int_equal(rd(&m, 2, 2), 0x0120);
	piix4_pm_power_button(&m.pm);
	assert_true(m.pc.wire[9].level);
	assert_int_equal(rd(&m, 0, 2), 0x0100);
	assert_int_equal(rd(&m, 1, 1), 0x01);
	wr(&m, 1, 1, 0x01);
	assert_false(m.pc.wire[9].level);
	wr(&m, 2, 2, 0xffff);
	assert_int_equal(rd(&m, 2, 2), 0x0521);
}

static void test_soft_off(void **state)
{
	static const struct {
		u16 value;
		unsigned size;
		bool off;
	} t[] = { { 0x2001, 2, true },	{ 0x2000, 2, true },  { 0x0001, 2, false },
		  { 0x1c01, 2, false }, { 0x2401, 2, false }, { 0x2801, 2, false },
		  { 0x3401, 2, false } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;

		setup(&m);
		wr(&m, 4, t[i].size, t[i].value);
		assert_int_equal(m.offs, t[i].off);
		assert_int_equal(rd(&m, 4, 2), t[i].value & 0x1c03); /* SLP_EN reads 0 */
	}
	/* By bytes, as Linux does not but others do: the type first, then the enable bit. */
	struct machine m;

	setup(&m);
	wr(&m, 4, 2, 0x1c01);
	wr(&m, 5, 1, 0x00);
	assert_int_equal(m.offs, 0);
	wr(&m, 5, 1, 0x20);
	assert_int_equal(m.offs, 1);
	assert_int_equal(rd(&m, 4, 1), 1);
}

static void test_gpe(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	out8(&m.pc, 0xb2, 0xf1);
	wr(&m, 0xe, 2, 0xffff);
	assert_int_equal(rd(&m, 0xe, 2), 0x0f81);
	assert_int_equal(rd(&m, 0xc, 4), 0x0f810000);
	m.pm.gpe_sts = 0x0800;
	assert_int_equal(rd(&m, 0xc, 2), 0x0800);
	assert_true(m.pc.wire[9].level);
	wr(&m, 0xd, 1, 0x08);
	assert_false(m.pc.wire[9].level);
	wr(&m, 0x34, 4, 0xa1b2c3d4);
	assert_int_equal(rd(&m, 0x34, 4), 0xa1b2c3d4);
	assert_int_equal(rd(&m, 0x36, 1), 0xb2);
}

static void config_write(struct machine *m, unsigned reg, u32 v)
{
	out32(&m->pc, 0xcf8, 0x80000b00 | reg);
	out32(&m->pc, 0xcfc, v);
}

static void test_pmbase(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	out32(&m.pc, 0xcf8, 0x80000b00);
	assert_int_equal(in32(&m.pc, 0xcfc), 0x71138086);
	out32(&m.pc, 0xcf8, 0x80000b40);
	assert_int_equal(in32(&m.pc, 0xcfc), 0x601);
	m.pc.now = 1000 * MS;
	config_write(&m, 0x40, 0xffffb03f);
	assert_int_equal(in32(&m.pc, 0xcfc), 0xb001);
	assert_int_equal(in32(&m.pc, 0x608), 0xffffffff);
	assert_int_equal(in32(&m.pc, 0xb008), 3579545);
	config_write(&m, 0x80, 0);
	assert_int_equal(in32(&m.pc, 0xb008), 0xffffffff);
	config_write(&m, 0x80, 1);
	assert_int_equal(in32(&m.pc, 0xb008), 3579545);
	/* On top of another device nothing is decoded; away from it again it is. */
	config_write(&m, 0x40, 0xcc0);
	assert_int_equal(in32(&m.pc, 0xb008), 0xffffffff);
	config_write(&m, 0x40, 0x600);
	assert_int_equal(in32(&m.pc, 0x608), 3579545);
	config_write(&m, 0xd0, 0xffffffff); /* the SMBus host cannot be enabled */
	out32(&m.pc, 0xcf8, 0x80000bd0);
	assert_int_equal(in32(&m.pc, 0xcfc), 0);
	piix4_pm_class.reset(&m.pm);
	assert_int_equal(in32(&m.pc, 0x608), 3579545);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer),	  cmocka_unit_test(test_overflow_interrupt),
		cmocka_unit_test(test_acpi_mode), cmocka_unit_test(test_power_button),
		cmocka_unit_test(test_soft_off),  cmocka_unit_test(test_gpe),
		cmocka_unit_test(test_pmbase),
	};

	return cmocka_run_group_tests_name("piix4_pm", tests, NULL, NULL);
}
