/* SPDX-License-Identifier: MIT */
/*
 * Self-modifying code: what was written is what is executed next, wherever it lies and by whomever
 * it was written; and data beside code costs no trap per write once the page is known to mix them
 * (docs/recompiler.md).
 */
#include "tests/unit/guest_fixture.h"

/* The sanitizers make translated code no slower, but all that leads to it. */
#ifdef __SANITIZE_ADDRESS__
#define MANY 20000u
#else
#define MANY 1000000u
#endif

#define AT_ALIAS  0x9000u
#define AT_SECOND (AT_CODE + 0x1000)
#define AT_FILL	  0x40000u
#define FILLED	  60000u

static void test_same_block(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xc6, 0x05, IMM32(AT_CODE + 8), 5, /* mov byte [AT_CODE + 8], 5 */
	     0xb0, 1,					 /* mov al, 1 */
	     HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX] & 0xff, 5);
}

static void test_next_block(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xc6, 0x05, IMM32(AT_CODE + 0x21), 5, 0xeb, 0x17); /* ...; jmp +20h */
	CODE(AT_CODE + 0x20, 0xb0, 1, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX] & 0xff, 5);
}

/* Executed once, changed, executed again. */
static void test_previous_block(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xeb, 0x0e); /* jmp +10h */
	CODE(AT_CODE + 8, 0x00, 0xc3, 0xb0, 1, 0x00, 0xc3,
	     0xc3);				      /* add bl, al; mov al, 1; add; ret */
	CODE(AT_CODE + 0x10, 0x31, 0xdb, 0x31, 0xc0,  /* xor ebx, ebx; xor eax, eax */
	     0xe8, IMM32(8 - 0x19),		      /* call +8 */
	     0xc6, 0x05, IMM32(AT_CODE + 0x0b), 0x40, /* mov byte [+0bh], 40h */
	     0xe8, IMM32(8 - 0x25),		      /* call +8 */
	     HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX] & 0xff, 0x00 + 0x01 + 0x01 + 0x40);
}

/* Another page is changed, between two calls of it. */
static void test_other_page(void **state)
{
	(void)state;
	CODE(AT_SECOND, 0xb0, 1, 0x00, 0xc3, 0xc3); /* mov al, 1; add bl, al; ret */
	CODE(AT_CODE, 0x31, 0xdb, 0xe8, IMM32(AT_SECOND - AT_CODE - 7), 0xc6, 0x05,
	     IMM32(AT_SECOND + 1), 0x20, 0xe8, IMM32(AT_SECOND - AT_CODE - 19), HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX] & 0xff, 0x21);
}

/* MOV EAX, imm32 whose last bytes lie on the next page, of which they are changed. */
static void test_across_pages(void **state)
{
	(void)state;
	CODE(AT_SECOND - 3, 0xb8, IMM32(0x11223344), 0x01, 0xc3, 0xc3); /* mov; add ebx, eax; ret */
	CODE(AT_CODE, 0x31, 0xdb, 0xe8, IMM32(AT_SECOND - 3 - AT_CODE - 7), 0xc6, 0x05,
	     IMM32(AT_SECOND + 1), 0x22, 0xe8, IMM32(AT_SECOND - 3 - AT_CODE - 19), HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 0x11223344 + 0x22223344);
}

/*
 * A block reaches to a second page, which is another one meanwhile: whoever leads to the block now,
 * for the first time or once more, must not find what was there.
 */
static void second_page_is(u32 at)
{
	set_page(AT_SECOND, at | 7);
	m.cpu.env->invlpg(&m.cpu, AT_SECOND);
}

static void test_second_page_is_another(void **state)
{
	static const u8 ways[][16] = {
		{ 0xe9, IMM32(0xffd - 0x105) },				 /* jmp */
		{ 0xe8, IMM32(0xffd - 0x105) },				 /* call */
		{ 0x31, 0xc0, 0x0f, 0x84, IMM32(0xffd - 0x108) },	 /* xor eax, eax; jz */
		{ 0x68, IMM32(AT_SECOND - 3), 0xc3 },			 /* push; ret */
		{ 0xb9, IMM32(AT_SECOND - 3), 0xff, 0xe1 },		 /* mov ecx; jmp ecx */
		{ 0xb9, IMM32(2), 0xe2, 0, 0xe9, IMM32(0xffd - 0x10c) }, /* loop; jmp */
	};

	for (u32 way = 0; way < ARRAY_SIZE(ways); way++) {
		for (unsigned again = 0; again < 2; again++) {
			guest_setup(state);
			guest_paging();
			CODE(AT_SECOND - 3, 0xb8, IMM32(0x11111111), HLT); /* mov eax, imm32 */
			CODE(AT_ALIAS, 0x22, 0x22, HLT);
			set_code(AT_CODE + 0x100, ways[way], sizeof(ways[0]));
			m.cpu.eip = again ? AT_CODE + 0x100 : AT_SECOND - 3;
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
			second_page_is(AT_ALIAS);
			m.cpu.eip = AT_CODE + 0x100;
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.gpr[REG_EAX], 0x22221111);
			second_page_is(AT_SECOND);
			m.cpu.eip = AT_CODE + 0x100;
			assert_int_equal(guest_run(), HALTED);
			assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
		}
	}
}

/* A device writes to memory, between two runs. */
static void test_dma(void **state)
{
	const u8 changed = 7;

	(void)state;
	CODE(AT_CODE, 0xb0, 1, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX] & 0xff, 1);
	gpmem_write(&m.mem, AT_CODE + 1, &changed, 1);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX] & 0xff, 7);
}

/* The page is written to under another linear address. */
static void test_alias(void **state)
{
	(void)state;
	guest_paging();
	set_page(AT_ALIAS, AT_SECOND | 7);
	CODE(AT_SECOND, 0xb0, 1, 0x00, 0xc3, 0xc3);
	CODE(AT_CODE, 0x31, 0xdb, 0xe8, IMM32(AT_SECOND - AT_CODE - 7), 0xc6, 0x05,
	     IMM32(AT_ALIAS + 1), 0x20, 0xe8, IMM32(AT_SECOND - AT_CODE - 19), HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX] & 0xff, 0x21);
}

/* The immediate of an instruction in the loop counts up, in its own block: sums come out. */
static void test_in_a_loop(void **state)
{
	u32 sum = 0;

	(void)state;
	CODE(AT_CODE, 0xb9, IMM32(MANY), 0x31, 0xd2, /* mov ecx, MANY; xor edx, edx */
	     0xff, 0x05, IMM32(AT_CODE + 14),	     /* L: inc dword [M + 1] */
	     0xb8, IMM32(0), 0x01, 0xc2,	     /* M: mov eax, 0; add edx, eax */
	     0x49, 0x75, 0xf0, HLT);		     /* dec ecx; jnz L */
	for (u32 i = 1; i <= MANY; i++)
		sum += i;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EDX], sum);
}

/* The same for REP STOSB onto what is executed next, all of it. */
static void test_string_onto_code(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xbf, IMM32(AT_CODE + 0x20), 0xb9, IMM32(16), 0xb0, 0x43, 0xfc, 0x31, 0xdb,
	     0xf3, 0xaa, 0xeb,
	     0x0d); /* edi, ecx, al = inc ebx, cld, ebx = 0; rep stosb; jmp +20h */
	memset(m.ram + AT_CODE + 0x20, 0x4b, 16); /* dec ebx */
	CODE(AT_CODE + 0x30, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 16);
}

/* A counter on the page of the code that counts: after a while nobody hears of it. */
static void run_counter(u32 times)
{
	m.cpu.gpr[REG_ECX] = times;
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
}

static void put_counter(void)
{
	CODE(AT_CODE, 0xff, 0x05, IMM32(AT_CODE + 0x800), /* L: inc dword [+800h] */
	     0x49, 0x75, 0xf7, HLT);			  /* dec ecx; jnz L */
}

static void test_data_beside_code(void **state)
{
	const struct recomp_stats *s = recomp_stats(m.cpu.recomp);
	u64 faults, writes, slow, blocks;

	(void)state;
	put_counter();
	run_counter(1000);
	faults = m.faults;
	writes = s->smc_writes;
	slow = s->slow_accesses;
	blocks = s->blocks;
	run_counter(MANY);
	assert_int_equal(get(AT_CODE + 0x800, 4), MANY + 1000);
	assert_in_range(m.faults - faults, 0, 4);
	assert_in_range(s->smc_writes - writes, 0, 4);
	assert_in_range(s->slow_accesses - slow, 0, 4);
	assert_in_range(s->blocks - blocks, 0, 8);
}

/* On such a page, too, what is written is what is executed: by the program, by a device, by an
 * alias. */
static void test_code_on_a_mixed_page(void **state)
{
	const u8 dec_edx = 0x4a;

	(void)state;
	guest_paging();
	set_page(AT_ALIAS, AT_CODE | 7);
	put_counter();
	run_counter(1000);
	/* The loop, with an INC EDX before it that becomes DEC EDX. */
	CODE(AT_CODE, 0x42, 0xff, 0x05, IMM32(AT_CODE + 0x800), 0x49, 0x75, 0xf6, HLT);
	m.cpu.gpr[REG_EDX] = 0;
	run_counter(100);
	assert_int_equal(m.cpu.gpr[REG_EDX], 100);
	gpmem_write(&m.mem, AT_CODE, &dec_edx, 1);
	run_counter(50);
	assert_int_equal(m.cpu.gpr[REG_EDX], 50);
	/* mov byte [alias of AT_CODE + 100h], 42h; call AT_CODE + 100h; hlt */
	CODE(AT_CODE + 0x100, 0x4a, 0xc3);
	CODE(AT_CODE + 0x200, 0xe8, IMM32(0x100 - 0x205), 0xc6, 0x05, IMM32(AT_ALIAS + 0x100), 0x42,
	     0xe8, IMM32(0x100 - 0x211), 0xe8, IMM32(0x100 - 0x216), HLT);
	m.cpu.eip = AT_CODE + 0x200;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EDX], 50 - 1 + 2);
	/* the same block */
	CODE(AT_CODE + 0x300, 0xc6, 0x05, IMM32(AT_CODE + 0x308), 9, 0xb0, 1, HLT);
	m.cpu.eip = AT_CODE + 0x300;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EAX] & 0xff, 9);
	assert_int_equal(recomp_stats(m.cpu.recomp)->verified_blocks,
			 recomp_stats(m.cpu.recomp)->blocks);
}

/* The code page goes while its block checks itself: the fetch faults, with the fetch's error code.
 */
static void test_mixed_page_faults(void **state)
{
	(void)state;
	guest_paging();
	put_counter();
	run_counter(1000);
	/* jmp to the counter after INVLPG of its page, which is absent: from another page */
	CODE(AT_TARGET, 0xc7, 0x05, IMM32(AT_PAGES + 0x1000 + 4 * (AT_CODE >> 12)), IMM32(0), 0x0f,
	     0x01, 0x3d, IMM32(AT_CODE), 0xb9, IMM32(5), 0xe9, IMM32(AT_CODE - (AT_TARGET + 27)));
	m.cpu.eip = AT_TARGET;
	m.cpu.gpr[REG_ESP] = STACK0;
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.cr2, AT_CODE);
	assert_int_equal(frame(0), 0); /* no NX: I/D stays 0 */
	assert_int_equal(frame(1), AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 5);
}

/* A data breakpoint on such a page: the block's look at its own bytes is not the guest's. */
static void test_mixed_page_with_a_breakpoint(void **state)
{
	(void)state;
	put_counter();
	run_counter(1000);
	m.cpu.dr[0] = AT_CODE;
	m.cpu.dr[7] = 0xf0401; /* accesses, 4 bytes */
	cpu_debug_changed(&m.cpu);
	run_counter(50);
	m.cpu.dr[0] = AT_CODE + 0x800;
	cpu_debug_changed(&m.cpu);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(m.cpu.dr[6] & 15, 1);
}

/*
 * A loop fills memory that begins with a page of code: some of its stores need C, and it is made so
 * that they call it. It must not go on so where nothing is watched.
 */
static void test_fill_from_code_on(void **state)
{
	u64 before, slow;

	(void)state;
	CODE(AT_FILL, 0xc3);
	CODE(AT_CODE, 0xe8, IMM32(AT_FILL - AT_CODE - 5),    /* call it */
	     0xbf, IMM32(AT_FILL + 16), 0xb9, IMM32(FILLED), /* mov edi; mov ecx */
	     0x88, 0x07, 0x47, 0x49, 0x75, 0xfa, HLT);	     /* mov [edi], al; inc; dec; jnz */
	m.cpu.gpr[REG_EAX] = 0x5a;
	before = recomp_stats(m.cpu.recomp)->slow_accesses;
	assert_int_equal(guest_run(), HALTED);
	slow = recomp_stats(m.cpu.recomp)->slow_accesses - before;
	assert_in_range(slow, 16, 400);
	assert_int_equal(m.ram[AT_FILL], 0xc3);
	for (u32 i = 16; i < 16 + FILLED; i++)
		assert_int_equal(m.ram[AT_FILL + i], 0x5a);
	assert_int_equal(m.ram[AT_FILL + 16 + FILLED], 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_same_block),
		GUEST_TEST(test_next_block),
		GUEST_TEST(test_previous_block),
		GUEST_TEST(test_other_page),
		GUEST_TEST(test_across_pages),
		GUEST_TEST(test_second_page_is_another),
		GUEST_TEST(test_dma),
		GUEST_TEST(test_alias),
		GUEST_TEST(test_in_a_loop),
		GUEST_TEST(test_string_onto_code),
		GUEST_TEST(test_data_beside_code),
		GUEST_TEST(test_code_on_a_mixed_page),
		GUEST_TEST(test_mixed_page_faults),
		GUEST_TEST(test_mixed_page_with_a_breakpoint),
		GUEST_TEST(test_fill_from_code_on),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
