/* SPDX-License-Identifier: MIT */
/*
 * Windows: a VGA that is reached through guest memory, mapped or by calls, beside one of which each
 * access is a call. Random modes, banks, reads, writes, direct writes as translated code does them,
 * moves of the frame buffer; what reads find and what video memory holds must be the same. Then:
 * which page was written is known, once; and nothing is mapped where it must not be. Alone:
 * make build/unit/test_vga_window && build/unit/test_vga_window [seed]
 */
#include "emu/mem/gpmem.h"
#include "tests/unit/vga_fixture.h"

struct machine {
	struct pc pc;
	struct vga vga;
	struct gpmem mem;
	struct pci_bus pci;
	unsigned switched;
};

static void switched(void *ctx, gpa_t start, u64 size)
{
	(void)start;
	(void)size;
	((struct machine *)ctx)->switched++;
}

static struct machine *machine_with_rom(const u8 *rom, u32 size)
{
	struct machine *m = calloc(1, sizeof(*m));

	pc_init(&m->pc);
	m->pc.vga_rom = rom;
	m->pc.vga_rom_size = size;
	gpmem_init(&m->mem);
	m->pc.mem = &m->mem;
	m->pc.pci = &m->pci;
	m->mem.switched = switched;
	m->mem.protect_ctx = m;
	pc_plug(&m->pc, &vga_class, &m->vga);
	return m;
}

static struct machine *machine_new(void)
{
	return machine_with_rom(NULL, 0);
}

static void machine_free(struct machine *m)
{
	vga_class.destroy(&m->vga);
	gpmem_destroy(&m->mem);
	free(m);
}

/* As translated code writes: directly where that is allowed. */
static void guest_write(struct machine *m, gpa_t gpa, u8 value)
{
	u8 *p;

	gpmem_first_write(&m->mem, gpa);
	p = gpmem_ptr(&m->mem, gpa, true);
	if (p && !gpmem_watches(&m->mem, gpa))
		*p = value;
	else
		gpmem_write(&m->mem, gpa, &value, 1);
}

static u8 guest_read(struct machine *m, gpa_t gpa)
{
	u8 value;

	gpmem_read(&m->mem, gpa, &value, 1);
	return value;
}

/* Both get it. */
static void both(struct vga *a, struct vga *b, u16 port, u8 index, u8 value)
{
	vga_indexed(a, port, index, value);
	vga_indexed(b, port, index, value);
}

static void dispi(struct vga *a, struct vga *b, unsigned index, u16 value)
{
	vga_dispi_write(a, index, value);
	vga_dispi_write(b, index, value);
}

static void random_mode(struct vga *a, struct vga *b)
{
	static const u8 memory[] = { 0x02, 0x02, 0x0e, 0x06 }, mode[] = { 0x10, 0x10, 0x40, 0x00 };
	static const u8 map[] = { 0x0e, 0x0a, 0x05, 0x05, 0x01 };
	unsigned n = rnd() % 4;

	both(a, b, 0x3c4, 4, memory[n]);
	both(a, b, 0x3c4, 2, one_in(8) ? (u8)rnd() : n < 2 ? 3 : 15);
	both(a, b, 0x3ce, 5, (u8)(mode[n] | (one_in(4) ? rnd() & 3 : 0)));
	both(a, b, 0x3ce, 6, map[rnd() % 5]);
	both(a, b, 0x3ce, 4, one_in(4) ? (u8)rnd() : 0);
	both(a, b, 0x3ce, 3, one_in(8) ? (u8)rnd() : 0);
	both(a, b, 0x3ce, 8, one_in(8) ? (u8)rnd() : 0xff);
	if (!one_in(20))
		return;
	dispi(a, b, DISPI_ENABLE, 0);
	dispi(a, b, DISPI_XRES, 640);
	dispi(a, b, DISPI_YRES, 100);
	dispi(a, b, DISPI_BPP, one_in(4) ? 4 : 8);
	dispi(a, b, DISPI_ENABLE, one_in(2) ? 0 : DISPI_ENABLED);
}

/* Latches: what is shown does not fill them. */
static void same_latch(struct vga *a, struct vga *b)
{
	b->latch = a->latch;
}

static void access(struct machine *m, struct vga *b)
{
	u32 at = one_in(2) ? 0x18000 + (u32)rnd() % 0x8000 : (u32)rnd() % 0x20000;
	u8 value = (u8)rnd();

	if (one_in(2)) {
		u8 ours = guest_read(m, 0xa0000 + at), theirs = vga_planes_read(b, at);

		if (ours != theirs)
			fail_msg("%05x: %02x, should be %02x", 0xa0000 + at, ours, theirs);
	} else {
		guest_write(m, 0xa0000 + at, value);
		vga_planes_write(b, at, value);
	}
}

static void frame_buffer(struct machine *m, struct vga *b)
{
	u32 at = (u32)rnd() % (one_in(2) ? 0x4000 : (u32)VGA_MEMORY);
	u8 value = (u8)rnd();

	if (m->vga.window[2].text || m->vga.window[1].text || m->vga.window[0].text)
		return; /* the planes are behind */
	assert_int_equal(guest_read(m, m->vga.frame_buffer.at + at), b->memory[at]);
	guest_write(m, m->vga.frame_buffer.at + at, value);
	b->memory[at] = value;
}

static void test_same(void **state)
{
	struct machine *m = machine_new();
	struct vga *b = vga_new();
	unsigned shown = 0, text = 0;

	(void)state;
	memcpy(b->memory, m->vga.memory, VGA_MEMORY);
	for (unsigned n = 0; n < 200000; n++) {
		if (one_in(100))
			random_mode(&m->vga, b);
		if (one_in(50) && vga_dispi_on(&b->dispi))
			dispi(&m->vga, b, DISPI_BANK, (u16)(rnd() % 300));
		same_latch(&m->vga, b);
		if (one_in(20))
			frame_buffer(m, b);
		else
			access(m, b);
		for (unsigned i = 0; i < VGA_WINDOWS; i++) {
			shown += m->vga.window[i].shown != NULL;
			text += m->vga.window[i].text;
		}
		if (!one_in(1000))
			continue;
		vga_window_sync(&m->vga);
		assert_memory_equal(m->vga.memory, b->memory, VGA_PLANES);
	}
	vga_window_hide(&m->vga);
	assert_memory_equal(m->vga.memory, b->memory, VGA_MEMORY);
	/* It was tried. */
	if (shown < 20000 || shown > 190000 || text < 5000)
		fail_msg("%u accesses while a window was shown, %u of text", shown, text);
	vga_free(b);
	machine_free(m);
}

static bool is_dirty(const struct vga *v, u32 byte)
{
	return v->dirty[byte / PAGE_SIZE / 64] >> (byte / PAGE_SIZE % 64) & 1;
}

/* Which pages were written, by each way. */
static void test_dirty(void **state)
{
	struct machine *m = machine_new();
	struct vga *v = &m->vga;
	u8 c = 'x';

	(void)state;
	guest_write(m, 0xb8000, 'a'); /* shown from here on */
	assert_true(v->window[2].text);
	vga_window_sync(v);
	memset(v->dirty, 0, sizeof(v->dirty));
	v->font_dirty = false;
	vga_window_sync(v);
	for (u32 page = 0; page < VGA_PAGES; page++)
		assert_false(is_dirty(v, page * PAGE_SIZE));
	/* The second KiB of cells, and the tenth page of the frame buffer. */
	guest_write(m, 0xb9004, 'b');
	gpmem_write(&m->mem, v->frame_buffer.at + 0x9123, &c, 1);
	assert_false(is_dirty(v, 0x2000));
	vga_window_sync(v);
	for (u32 page = 0; page < VGA_PAGES; page++)
		assert_int_equal(is_dirty(v, page * PAGE_SIZE),
				 page == 2 || page == 3 || page == 9);
	assert_int_equal(v->memory[0x2008], 'b');
	assert_true(v->font_dirty); /* the frame buffer's bytes are plane 2's, too */
	/* Once: until it was looked at again, writes are not noticed any more. */
	assert_int_equal(gpmem_watches(&m->mem, 0xb9000), GPMEM_WATCH_SCREEN);
	guest_write(m, 0xb9004, 'c');
	assert_int_equal(gpmem_watches(&m->mem, 0xb9000), 0);
	machine_free(m);
}

static void pci_write(struct machine *m, u8 reg, u32 value)
{
	/* No bus here: as its data port does. */
	for (unsigned i = 0; i < 4; i++) {
		u8 w = m->vga.pci.writable[reg + i], *at = &m->vga.pci.config[reg + i];

		*at = (u8)((*at & ~w) | (value >> 8 * i & w));
	}
	m->vga.pci.written(m->vga.pci.ctx, reg, 4);
}

static void test_base_addresses(void **state)
{
	struct machine *m = machine_new();
	static u8 *chunk[1];
	u32 v = 0x11223344;

	(void)state;
	assert_int_equal(pci_get16(&m->vga.pci, PCI_VENDOR), 0x1234);
	gpmem_write(&m->mem, 0xfd000000, &v, 4);
	pci_write(m, PCI_BAR(0), 0xe0000000);
	assert_int_equal(guest_read(m, 0xe0000000), 0x44);
	assert_int_equal(guest_read(m, 0xfd000000), 0xff);
	/* Sizing, and where the edid is. */
	pci_write(m, PCI_BAR(0), 0xffffffff);
	assert_int_equal(pci_get32(&m->vga.pci, PCI_BAR(0)), 0xff000008);
	pci_write(m, PCI_BAR(0), 0xe0000000);
	assert_int_equal(guest_read(m, 0xfebf0001), 0xff);
	assert_int_equal(guest_read(m, 0xfebf0000), 0x00);
	/* Not decoded. */
	pci_write(m, PCI_COMMAND, 0);
	assert_int_equal(guest_read(m, 0xe0000000), 0xff);
	assert_int_equal(guest_read(m, 0xfebf0000), 0xff);
	pci_write(m, PCI_COMMAND, PCI_COMMAND_MEMORY);
	assert_int_equal(guest_read(m, 0xe0000000), 0x44);
	/* Where memory is, that is what is found. */
	chunk[0] = calloc(1, GPMEM_CHUNK_SIZE);
	assert_int_equal(gpmem_add_rom(&m->mem, 0xd0000000, PAGE_SIZE, chunk, "rom"), 0);
	pci_write(m, PCI_BAR(0), 0xd0000000);
	assert_int_equal(guest_read(m, 0xd0000000), 0);
	assert_int_equal(guest_read(m, 0xd0001000), 0xff);
	pci_write(m, PCI_BAR(0), 0xe0000000);
	assert_int_equal(guest_read(m, 0xe0000000), 0x44);
	free(gpmem_find(&m->mem, 0xd0000000)->chunk[0]);
	gpmem_find(&m->mem, 0xd0000000)->chunk = NULL;
	machine_free(m);
}

/* PCI Local Bus 2.1, 6.2.5.2: sized as any base address, decoded with both bits only, read-only. */
static void test_rom(void **state)
{
	static const u8 bytes[5000] = { 0x55, 0xaa, 10, [4999] = 0x77 };
	struct machine *m = machine_with_rom(bytes, sizeof(bytes));
	u32 v = 0, at = 0xe8000000;

	(void)state;
	assert_int_equal(pci_get32(&m->vga.pci, PCI_ROM), 0);
	pci_write(m, PCI_ROM, 0xfffffffe);
	assert_int_equal(pci_get32(&m->vga.pci, PCI_ROM), 0xffffe000);
	pci_write(m, PCI_ROM, at);
	assert_int_equal(guest_read(m, at), 0xff);
	pci_write(m, PCI_ROM, at + 0x7fe + PCI_ROM_ENABLE);
	assert_int_equal(pci_get32(&m->vga.pci, PCI_ROM), at + 1);
	gpmem_read(&m->mem, at, &v, 4);
	assert_int_equal(v, 0x0aaa55);
	assert_int_equal(guest_read(m, at + 4999), 0x77);
	assert_int_equal(guest_read(m, at + 5000), 0);
	assert_int_equal(guest_read(m, at + 0x2000), 0xff);
	guest_write(m, at, 1);
	assert_int_equal(guest_read(m, at), 0x55);
	pci_write(m, PCI_COMMAND, 0);
	assert_int_equal(guest_read(m, at), 0xff);
	pci_write(m, PCI_COMMAND, PCI_COMMAND_MEMORY);
	pci_write(m, PCI_ROM, 0xe9000001);
	assert_int_equal(guest_read(m, at), 0xff);
	assert_int_equal(guest_read(m, 0xe9000001), 0xaa);
	/* Where something else is, that is what is found; and it is back when it is moved away. */
	pci_write(m, PCI_BAR(0), at);
	pci_write(m, PCI_ROM, at + 1);
	assert_int_equal(guest_read(m, at + 1), 0x07); /* a blank of the planes */
	pci_write(m, PCI_BAR(0), 0xe0000000);
	assert_int_equal(guest_read(m, at + 1), 0xaa);
	vga_class.reset(&m->vga);
	assert_int_equal(pci_get32(&m->vga.pci, PCI_ROM), 0);
	assert_int_equal(guest_read(m, at), 0xff);
	machine_free(m);
	/* One without. */
	m = machine_new();
	pci_write(m, PCI_ROM, 0xffffffff);
	assert_int_equal(pci_get32(&m->vga.pci, PCI_ROM), 0);
	machine_free(m);
}

static void test_registers_in_memory(void **state)
{
	struct machine *m = machine_new();
	gpa_t at = m->vga.mmio_at;
	u8 sum = 0;
	u16 w = 0;
	u32 d = 0;

	(void)state;
	for (unsigned i = 0; i < 128; i++)
		sum = (u8)(sum + guest_read(m, at + i));
	assert_int_equal(sum, 0);
	gpmem_read(&m->mem, at + 0x500, &w, 2);
	assert_int_equal(w, 0xb0c5);
	w = 800;
	gpmem_write(&m->mem, at + 0x502, &w, 2);
	assert_int_equal(m->vga.dispi.xres, 800);
	gpmem_write(&m->mem, at + 0x404, "\x02\x05", 2); /* 3C4h: index and data */
	assert_int_equal(m->vga.sequencer[2], 5);
	gpmem_read(&m->mem, at + 0x604, &d, 4);
	assert_int_equal(d, 0x1e1e1e1e);
	machine_free(m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_base_addresses),
		cmocka_unit_test(test_rom),
		cmocka_unit_test(test_registers_in_memory),
	};

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	return cmocka_run_group_tests_name("vga_window", tests, NULL, NULL);
}
