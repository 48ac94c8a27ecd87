/* SPDX-License-Identifier: MIT */
/*
 * What the processor reads and marks for itself in the course of an instruction of CPL 3
 * (descriptors, gates, the I/O permission map) are accesses of the supervisor (SDM 3A 4.6): page
 * faults on them have U/S clear, and leave the instruction undone. build/diff/fault_forms disturbs
 * the operands.
 */
#include "tests/unit/guest_fixture.h"

#define PAGE_A 0x40000u
#define PAGE_B (PAGE_A + PAGE_SIZE)
#define DATA_L 0x0fu /* in an LDT of its own page: data and code of DPL 3, not accessed */
#define CODE_L 0x17u
#define NO_A   0x01u

static const struct table_access {
	u8 code[8], len;
	u16 sel;
	bool marks; /* sets the accessed bit */
} accesses[] = {
	{ { 0x8e, 0xc0 }, 2, DATA_L, true },	    /* mov es, ax */
	{ { 0x8e, 0xd0 }, 2, DATA_L, true },	    /* mov ss, ax */
	{ { 0x07 }, 1, DATA_L, true },		    /* pop es */
	{ { 0x0f, 0xa9 }, 2, DATA_L, true },	    /* pop gs */
	{ { 0xc4, 0x0b }, 2, DATA_L, true },	    /* les ecx, [ebx] */
	{ { 0x0f, 0xb2, 0x23 }, 3, DATA_L, true },  /* lss esp, [ebx] */
	{ { 0x0f, 0x02, 0xc8 }, 3, DATA_L, false }, /* lar ecx, eax */
	{ { 0x0f, 0x03, 0xc8 }, 3, DATA_L, false }, /* lsl ecx, eax */
	{ { 0x0f, 0x00, 0xe0 }, 3, DATA_L, false }, /* verr ax */
	{ { 0x0f, 0x00, 0xe8 }, 3, DATA_L, false }, /* verw ax */
	{ { 0xff, 0x2b }, 2, CODE_L, true },	    /* jmp far [ebx] */
	{ { 0xff, 0x1b }, 2, CODE_L, true },	    /* call far [ebx] */
	{ { 0xcb }, 1, CODE_L, true },		    /* retf */
	{ { 0xcf }, 1, CODE_L, true },		    /* iret */
};

static void begin(void **state, const struct table_access *a)
{
	guest_setup(state);
	guest_paging();
	memset(m.ram + PAGE_A, 0, 2 * PAGE_SIZE);
	put_descriptor(PAGE_A + (DATA_L & ~7u), 0, 0xfffff, (ATTR_DATA32 & ~NO_A) | ATTR_DPL(3));
	put_descriptor(PAGE_A + (CODE_L & ~7u), 0, 0xfffff, (ATTR_CODE32 & ~NO_A) | ATTR_DPL(3));
	m.cpu.ldtr = (struct cpu_segment){ LDT, 0x82, PAGE_A, 0xff };
	set_ring(3);
	m.cpu.gpr[REG_EAX] = a->sel;
	m.cpu.gpr[REG_EBX] = AT_DATA;
	m.cpu.gpr[REG_ESP] = STACK3 - 0x40;
	for (u32 at = AT_DATA; at; at = at == AT_DATA ? STACK3 - 0x40 : 0) {
		bool pops = at != AT_DATA && a->sel == DATA_L;

		put(at, pops ? a->sel : a->sel == DATA_L ? STACK3 - 0x80 : AT_TARGET, 4);
		put(at + 4, a->sel, 4);
		put(at + 8, EFLAGS_ONE | EFLAGS_IF, 4);
	}
	memset(m.ram + AT_CODE, 0x90, 16);
	set_code(AT_CODE, a->code, a->len);
	CODE(AT_CODE + 8, INT_END);
	CODE(AT_TARGET, INT_END);
}

/* The fault, and that nothing else has happened; then again with the page as it should be. */
static void faults_once(u32 at, u32 error)
{
	u32 gpr[8], es = m.cpu.seg[SEG_ES].sel, gs = m.cpu.seg[SEG_GS].sel;

	memcpy(gpr, m.cpu.gpr, sizeof(gpr));
	assert_fault(VEC_PF, error, AT_CODE);
	assert_int_equal(m.cpu.cr2, at);
	assert_int_equal(frame(2), CODE3);
	assert_int_equal(frame(4), gpr[REG_ESP]);
	assert_int_equal(frame(5), DATA3);
	gpr[REG_ESP] = m.cpu.gpr[REG_ESP];
	assert_memory_equal(gpr, m.cpu.gpr, sizeof(gpr));
	assert_int_equal(m.cpu.seg[SEG_ES].sel, es);
	assert_int_equal(m.cpu.seg[SEG_GS].sel, gs);
	m.cpu.gpr[REG_ESP] = frame(4);
	set_segment(SEG_CS, CODE3);
	set_segment(SEG_SS, DATA3);
	m.cpu.cpl = 3;
	m.cpu.eip = AT_CODE;
	set_page(PAGE_A, PAGE_A | 7);
	set_page(PAGE_B, PAGE_B | 7);
	assert_int_equal(guest_run(), VEC_END);
}

static void descriptor_absent(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++) {
		begin(state, &accesses[i]);
		set_page(PAGE_A, PAGE_A | 6);
		faults_once(PAGE_A + (accesses[i].sel & ~7u), 0);
	}
}

static void descriptor_read_only(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++) {
		begin(state, &accesses[i]);
		set_page(PAGE_A, PAGE_A | 5);
		if (accesses[i].marks)
			faults_once(PAGE_A + (accesses[i].sel & ~7u) + 5, 3);
		else
			assert_int_equal(guest_run(), VEC_END);
	}
}

/* Tables are mostly the supervisor's, and with CR0.WP clear it may write where it may read. */
static void descriptor_of_supervisor(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(accesses); i++) {
		begin(state, &accesses[i]);
		m.cpu.cr0 &= ~CR0_WP;
		m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
		set_page(PAGE_A, PAGE_A | 1);
		assert_int_equal(guest_run(), VEC_END);
		assert_int_equal(get(PAGE_A + (accesses[i].sel & ~7u) + 5, 1) & NO_A,
				 accesses[i].marks);
	}
}

/* INT 40h, whose gate is the first on the IDT's second page. */
static void gate_absent(void **state)
{
	static const struct table_access in = { { 0xcd, 0x40 }, 2, DATA_L, false };

	begin(state, &in);
	memcpy(m.ram + PAGE_B - 0x200, m.ram + AT_IDT, 0x800);
	put_gate(PAGE_B, CODE0, HANDLER(VEC_END), 0xee, 0);
	m.cpu.idtr = (struct cpu_table){ PAGE_B - 0x200, 0x7ff };
	set_page(PAGE_B, PAGE_B | 2);
	faults_once(PAGE_B, 0);
}

/* IN of a port whose bit is on the second page of the TSS. */
static void io_map_absent(void **state)
{
	static const struct table_access in = { { 0xec }, 1, DATA_L, false };

	begin(state, &in);
	m.cpu.gpr[REG_EDX] = 0x80;
	memcpy(m.ram + PAGE_B - 0x88, m.ram + AT_TSS, 0x88);
	m.cpu.tr = (struct cpu_segment){ TSS_A, 0x8b, PAGE_B - 0x88, 0x1ff };
	set_page(PAGE_B, PAGE_B | 2);
	faults_once(PAGE_B + 0x10, 0);
}

/* CPL 0 in front of a page that is not there, or not writable; the exception finds all it needs. */
static void faults_in_cpl0(u32 entry, u32 error, u32 at)
{
	struct cpu_table gdtr = m.cpu.gdtr, idtr = m.cpu.idtr;
	struct cpu_segment ldtr = m.cpu.ldtr, tr = m.cpu.tr;

	set_page(PAGE_B, entry);
	assert_fault(VEC_PF, error, AT_CODE);
	assert_int_equal(m.cpu.cr2, at);
	assert_memory_equal(&gdtr, &m.cpu.gdtr, sizeof(gdtr));
	assert_memory_equal(&idtr, &m.cpu.idtr, sizeof(idtr));
	assert_memory_equal(&ldtr, &m.cpu.ldtr, sizeof(ldtr));
	assert_memory_equal(&tr, &m.cpu.tr, sizeof(tr));
}

/* LGDT and LIDT whose limit is on one page, and whose base on the next. */
static void limit_and_base_at_once(void **state)
{
	(void)state;
	guest_paging();
	m.cpu.gpr[REG_EBX] = PAGE_B - 2;
	put(PAGE_B - 2, 0x77f, 2);
	CODE(AT_CODE, 0x0f, 0x01, 0x13); /* lgdt [ebx] */
	faults_in_cpl0(PAGE_B | 2, 0, PAGE_B);
	set_ring(0);
	CODE(AT_CODE, 0x0f, 0x01, 0x1b); /* lidt [ebx] */
	faults_in_cpl0(PAGE_B | 2, 0, PAGE_B);
}

/* LLDT and LTR of the first descriptor on the GDT's second page; LTR marks it busy. */
static void system_descriptor(void **state)
{
	(void)state;
	guest_paging();
	memcpy(m.ram + PAGE_B - FREE, m.ram + AT_GDT, FREE);
	m.cpu.gdtr = (struct cpu_table){ PAGE_B - FREE, 0xff };
	m.cpu.gpr[REG_EAX] = FREE;
	put_descriptor(PAGE_B, AT_LDT, 0xff, 0x82);
	CODE(AT_CODE, 0x0f, 0x00, 0xd0); /* lldt ax */
	faults_in_cpl0(PAGE_B | 2, 0, PAGE_B);
	m.cpu.eip = AT_CODE;
	put_descriptor(PAGE_B, AT_TSS_B, 0x67, 0x89);
	CODE(AT_CODE, 0x0f, 0x00, 0xd8); /* ltr ax */
	faults_in_cpl0(PAGE_B | 2, 0, PAGE_B);
	m.cpu.eip = AT_CODE;
	faults_in_cpl0(PAGE_B | 1, 3, PAGE_B + 5);
	assert_int_equal(get(PAGE_B + 5, 1), 0x89);
}

static const struct CMUnitTest table_pages[] = {
	GUEST_TEST(descriptor_absent),
	GUEST_TEST(descriptor_read_only),
	GUEST_TEST(descriptor_of_supervisor),
	GUEST_TEST(gate_absent),
	GUEST_TEST(io_map_absent),
	GUEST_TEST(limit_and_base_at_once),
	GUEST_TEST(system_descriptor),
};
GUEST_MAIN(table_pages)
