/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading a processor and its RAM. A program is stopped after any number of
 * instructions, saved, and run to its end; then everything is made different, the stream loaded,
 * and run again: the end must be the same, and so must a second stream. States that no processor
 * can be in are refused with the field's name, though the checksum is right.
 * Alone: make build/unit/test_snap_cpu && build/unit/test_snap_cpu
 */
#include <cpuid.h>

#include "emu/cpu/cpu_state.h"
#include "emu/mem/gpmem_state.h"
#include "tests/unit/guest_fixture.h"
#include "tests/unit/tape.h"

#define AT_WORK 0x40000u
#define MOMENTS 60

static struct snap s;
static struct tape tape;

static int setup(void **state)
{
	memset(m.cpu.pdpte, 0, sizeof(m.cpu.pdpte));
	memset(m.ram, 0, RAM_SIZE);
	return guest_setup(state);
}

static int destroy(void **state)
{
	free(tape.bytes);
	return guest_destroy(state);
}

/* --- The machine as a stream */

/* With the FPU as cpu->fpu has it. */
static void write_state(struct tape *t)
{
	struct gpmem_cursor c = { 0 };

	t->used = 0;
	snap_save_to(&s, tape_put, t);
	cpu_state(&m.cpu, &s);
	while (gpmem_save_pages(&m.mem, &s, &c, 7))
		;
	assert_true(snap_finish(&s));
}

static void save(struct tape *t)
{
	m.cpu.env->fpu_save(&m.cpu);
	write_state(t);
}

static bool load(struct tape *t)
{
	struct gpmem_cursor c = { 0 };

	t->at = 0;
	snap_load_from(&s, tape_get, t);
	cpu_state(&m.cpu, &s);
	while (gpmem_load_pages(&m.mem, &s, &c, 7))
		;
	if (!snap_finish(&s))
		return false;
	recomp_flush(m.cpu.recomp);
	cpu_state_loaded(&m.cpu);
	m.cpu.env->fpu_load(&m.cpu);
	return true;
}

/* --- The program: integer, x87, SSE and stores all over 64 KiB; paging on, STI and MOV SS
 * within */

static void program(void)
{
	guest_paging();
	m.cpu.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	CODE(AT_CODE, 0xd9, 0xeb,			       /* fldpi */
	     0xb9, IMM32(400),				       /* mov ecx, 400 */
	     0x69, 0xc0, IMM32(1103515245),		       /* 1: imul eax, eax, 1103515245 */
	     0x05, IMM32(12345),			       /* add eax, 12345 */
	     0x89, 0xc3,				       /* mov ebx, eax */
	     0xc1, 0xeb, 8,				       /* shr ebx, 8 */
	     0x81, 0xe3, IMM32(0xfffc),			       /* and ebx, fffch */
	     0x89, 0x83, IMM32(AT_WORK),		       /* mov [ebx + AT_WORK], eax */
	     0xdb, 0x83, IMM32(AT_WORK),		       /* fild dword [ebx + AT_WORK] */
	     0xd9, 0xe1, 0xd9, 0xfa, 0xde, 0xc1,	       /* fabs; fsqrt; faddp */
	     0xf2, 0x0f, 0x2a, 0xc0,			       /* cvtsi2sd xmm0, eax */
	     0xf2, 0x0f, 0x58, 0xc8,			       /* addsd xmm1, xmm0 */
	     0x16, 0x17, 0xfb, 0x90, 0xfa,		       /* push ss; pop ss; sti; nop; cli */
	     0xe2, (u8)-55,				       /* loop 1 */
	     0xdd, 0x1d, IMM32(AT_DATA),		       /* fstp qword [AT_DATA] */
	     0xf2, 0x0f, 0x11, 0x0d, IMM32(AT_DATA + 8), HLT); /* movsd [AT_DATA + 8], xmm1; hlt */
}

/* To the end, or so many instructions; how many it took. */
static u32 run(u32 most)
{
	u32 n = 0;

	while (n < most && machine_step(&m) == RECOMP_EVENT)
		n++;
	return n;
}

struct end {
	u32 gpr[8], eip, eflags;
	u8 ram[RAM_SIZE];
};

static void note_end(struct end *e)
{
	memcpy(e->gpr, m.cpu.gpr, sizeof(e->gpr));
	e->eip = m.cpu.eip;
	e->eflags = cpu_eflags(&m.cpu);
	memcpy(e->ram, m.ram, RAM_SIZE);
}

/* Nothing is as it was, FPU and tables included. */
static void scramble(void)
{
	for (u32 at = 0; at < RAM_SIZE; at += 4)
		*(u32 *)(void *)(m.ram + at) = at * 2654435761u + 1;
	machine_reset(&m);
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0 | PAGING_CR3 | PAGING_CR4);
	for (unsigned i = 0; i < sizeof(m.cpu.fpu.image) - 600; i++)
		m.cpu.fpu.image[32 + i] ^= 0x5a;
}

static struct end want, got;

static void test_any_moment(void **state)
{
	struct tape start = { 0 }, again = { 0 };
	u32 all;

	(void)state;
	program();
	save(&start);
	all = run(UINT32_MAX);
	assert_true(all > 5000);
	assert_true(m.cpu.halted);
	note_end(&want);
	for (u32 i = 0; i < MOMENTS; i++) {
		assert_true(load(&start));
		run(i < 30 ? i : i * 2654435761u % all);
		save(&tape);
		scramble();
		assert_true(load(&tape));
		save(&again);
		assert_int_equal(again.used, tape.used);
		assert_memory_equal(again.bytes, tape.bytes, tape.used);
		run(UINT32_MAX);
		note_end(&got);
		assert_memory_equal(&got, &want, sizeof(want));
	}
	free(start.bytes);
	free(again.bytes);
}

/* --- What is refused */

static void assert_said(const char *why)
{
	if (!strstr(s.error, why))
		fail_msg("\"%s\" is not said in: %s", why, s.error);
}

static void save_ring(unsigned cpl)
{
	program();
	set_ring(cpl);
	m.cpu.cr3 = 0x12345000;
	save(&tape);
}

static void refused(const char *why)
{
	struct tape bad;

	write_state(&tape);
	bad = tape;
	assert_false(load(&bad));
	assert_said(why);
}

#define REFUSED(change, why)  \
	do {                  \
		save_ring(0); \
		change;       \
		refused(why); \
		setup(state); \
	} while (0)
#define REFUSED3(change, why) \
	do {                  \
		save_ring(3); \
		change;       \
		refused(why); \
		setup(state); \
	} while (0)

static void test_refused(void **state)
{
	struct cpu *c = &m.cpu;

	REFUSED(c->eflags |= BIT(15), "section cpu: field eflags");
	REFUSED(c->eflags &= ~EFLAGS_ONE, "section cpu: field eflags");
	REFUSED(c->shadow = 3, "field cpu->shadow");
	REFUSED(c->cpl = 3, "field cpl is 3: the mode and SS have 0");
	REFUSED(c->cpl = 4, "field cpu->cpl");
	REFUSED(c->cr0 &= ~CR0_PE, "field cr0");
	REFUSED(c->cr0 |= CR0_NW, "field cr0");
	REFUSED(c->cr0 |= BIT(10), "field cr0");
	REFUSED(c->cr4 |= CR4_SMEP, "field cr4");
	REFUSED(c->cr4 |= CR4_PCIDE, "field cr4");
	REFUSED(c->xcr0 = 5, "field xcr0");
	REFUSED(c->xcr0 = BIT64(63) | 1, "field xcr0");
	REFUSED(c->msr.efer = EFER_LME, "field efer");
	REFUSED(c->msr.efer = EFER_SCE, "field efer");
	REFUSED(c->msr.pat = 2, "field pat");
	REFUSED(c->pdpte[2] = BIT64(40) | 1, "field pdpte[2]");
	REFUSED(c->dr[6] = 0, "field dr[6]");
	REFUSED(c->dr[7] |= BIT(14), "field dr[7]");
	REFUSED(c->debug_hits = BIT(4), "field debug_hits");
	REFUSED(c->seg[SEG_DS].attr |= BIT(9), "DS has attributes");
	REFUSED(c->seg[SEG_CS].attr = SEG_ATTR_UNUSABLE, "CS has attributes");
	REFUSED(c->seg[SEG_SS].attr = SEG_ATTR_UNUSABLE, "SS has attributes");
	REFUSED(c->seg[SEG_SS].attr |= SEG_ATTR_CODE, "SS is no stack");
	REFUSED(c->seg[SEG_CS].attr |= 3 << 5, "CS is of another level");
	REFUSED(c->seg[SEG_CS].attr |= SEG_ATTR_DOWN | 3 << 5, "CS is of another level");
	REFUSED(c->tr.attr = SEG_ATTR_P | SEG_ATTR_S | 1, "TR has attributes");
	REFUSED(c->msr.mtrr_var[3] = 1, "an MTRR");
	REFUSED(c->msr.mtrr_fixed[10] = 7, "an MTRR");
	REFUSED(c->msr.mtrr_def_type = 0x1000, "an MTRR");
	REFUSED(c->tr.attr = SEG_ATTR_UNUSABLE, "TR has attributes");
	REFUSED(c->ldtr.attr = SEG_ATTR_P | 4, "LDTR has attributes");
	REFUSED(c->fpu.image[26] = 1, "field mxcsr");
	REFUSED(c->fpu.image[XSTATE_HEADER] |= 0x80, "field parts");
	REFUSED3(c->seg[SEG_CS].sel &= (u16)~3u, "are not of level 3");
	REFUSED3(c->seg[SEG_SS].sel &= (u16)~3u, "are not of level 3");
	REFUSED3((c->seg[SEG_CS].sel &= (u16)~3u, c->seg[SEG_CS].attr = 0xc09e),
		 "are not of level 3");
	REFUSED3(c->eflags |= EFLAGS_VM, "is not what it is in V86 mode");
	REFUSED3(c->cr0 &= ~(CR0_PE | CR0_PG), "field cpl is 3: the mode and SS have 0");
}

static bool misalign; /* of the processor: SSE operands need not be aligned */

static void cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4])
{
	(void)cpu;
	__cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
	if (leaf == 0x80000001)
		out[2] = (out[2] & ~BIT(7)) | (misalign ? BIT(7) : 0);
}

/* MXCSR bit 17 is AMD's. */
static void test_misaligned_mode(void **state)
{
	const struct cpu_env *host = m.cpu.env;
	struct cpu_env env = *host;
	struct tape bad;

	env.cpuid = cpuid;
	for (unsigned n = 0; n < 2; n++) {
		misalign = n;
		m.cpu.env = &env;
		save_ring(0);
		m.cpu.fpu.image[26] = 2;
		write_state(&tape);
		bad = tape;
		assert_int_equal(load(&bad), misalign);
		if (!misalign)
			assert_said("field mxcsr is 21f80: this processor does not take it");
		m.cpu.env = host;
		setup(state);
	}
}

/*
 * The bytes of version 2. A change here that is not meant makes saved machines useless without a
 * word: raise the version in emu/cpu/cpu_state.c, and read what is new only if (s->version >= it).
 */
#define LAYOUT_BYTES 0x3bf
#define LAYOUT_CRC   0x5ef35ea0

static void test_layout(void **state)
{
	struct cpu *c = &m.cpu;
	u32 at = TAPE_HEADER, length = 0;
	u8 *payload;

	(void)state;
	for (unsigned i = 0; i < sizeof(c->fpu.image); i++)
		c->fpu.image[i] = (u8)(i * 7 + 1);
	memset(c->fpu.image + 24, 0, 8);
	c->fpu.image[XSTATE_HEADER] = 3;
	c->cr2 = 0x12345678;
	c->dr[2] = 0x87654321;
	c->msr.sysenter_eip = 0x1122334455667788;
	c->msr.mtrr_fixed[10] = 0x0605040100060605;
	c->msr.mtrr_var[15] = 0xf80000800;
	c->nmi_blocked = true;
	write_state(&tape);
	payload = tape_section(&tape, &at, &length);
	assert_string_equal(payload - TAPE_HEAD, "cpu");
	assert_int_equal(payload[12 - (int)TAPE_HEAD], 2);
	assert_int_equal(length, LAYOUT_BYTES);
	assert_int_equal(crc32_update(0, payload, length), LAYOUT_CRC);
}

/* --- RAM */

static u8 *ram_section(u32 which, u32 *length)
{
	u32 at = TAPE_HEADER;
	u8 *payload = NULL;

	for (u32 i = 0; i <= which; i++)
		payload = tape_section(&tape, &at, length);
	return payload;
}

static void ram_refused(u64 at, u32 pages, const char *why)
{
	u32 length;
	u8 *payload = ram_section(2, &length);

	assert_memory_equal(payload - TAPE_HEAD, "ram", 4);
	memcpy(payload, &at, 8);
	memcpy(payload + 8, &pages, 4);
	tape_seal(&tape);
	assert_false(load(&tape));
	assert_said(why);
}

static void test_ram_refused(void **state)
{
	static const struct {
		u64 at;
		u32 pages;
		const char *why;
	} bad[] = {
		{ AT_WORK, 0, "section ram: field c->pages is 0" },
		{ AT_WORK, 16, "section ram: field c->pages is 10" },
		{ AT_WORK + 1, 1, "not in this machine's RAM" },
		{ RAM_SIZE, 1, "not in this machine's RAM" },
		{ RAM_SIZE - PAGE_SIZE, 2, "not in this machine's RAM" },
		{ UINT64_MAX - PAGE_SIZE + 1, 1, "not in this machine's RAM" },
		{ 0, 1, "come after those up to" },
		{ AT_WORK + 4 * PAGE_SIZE, 15, "it ends before field page" },
		{ RAM_SIZE - PAGE_SIZE, 1, "bytes that no field takes" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		setup(state);
		memset(m.ram + AT_WORK, 1, 3 * PAGE_SIZE);
		save(&tape);
		ram_refused(bad[i].at, bad[i].pages, bad[i].why);
	}
}

/* Zero pages are not in the stream, and are zero after a load. */
static void test_ram_sparse(void **state)
{
	u32 before;

	(void)state;
	memset(m.ram + AT_WORK, 0, RAM_SIZE - AT_WORK);
	save(&tape);
	before = tape.used;
	m.ram[RAM_SIZE - 1] = 1;
	save(&tape);
	assert_int_equal(tape.used, before + TAPE_HEAD + 12 + PAGE_SIZE + 4);
	memset(m.ram, 0xee, RAM_SIZE);
	assert_true(load(&tape));
	for (u32 at = AT_WORK; at < RAM_SIZE - 1; at++)
		assert_int_equal(m.ram[at], 0);
	assert_int_equal(m.ram[RAM_SIZE - 1], 1);
}

/* A check leaves RAM as it is, and finds what a load finds. */
static void test_ram_check(void **state)
{
	struct gpmem_cursor c = { 0 };

	(void)state;
	memset(m.ram + AT_WORK, 1, 3 * PAGE_SIZE);
	save(&tape);
	memset(m.ram + AT_WORK, 2, 3 * PAGE_SIZE);
	tape.at = 0;
	snap_load_from(&s, tape_get, &tape);
	assert_true(snap_skip(&s));
	while (gpmem_check_pages(&m.mem, &s, &c, 1))
		;
	assert_true(snap_finish(&s));
	assert_int_equal(m.ram[AT_WORK], 2);
	tape.bytes[tape.used - 40]++;
	tape.at = 0;
	c = (struct gpmem_cursor){ 0 };
	snap_load_from(&s, tape_get, &tape);
	assert_true(snap_skip(&s));
	while (gpmem_check_pages(&m.mem, &s, &c, 1))
		;
	assert_non_null(strstr(s.error, "section ram: its checksum is wrong"));
}

#define TEST(f) cmocka_unit_test_prestate_setup_teardown(f, setup, NULL, (void *)(uintptr_t) #f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_any_moment), TEST(test_refused),     TEST(test_misaligned_mode),
		TEST(test_layout),     TEST(test_ram_refused), TEST(test_ram_sparse),
		TEST(test_ram_check),
	};

	return cmocka_run_group_tests(tests, guest_create, destroy);
}
