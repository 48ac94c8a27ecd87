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

/* The same where nobody says INVLPG, and the TLB has lost the page anyhow: look-ups still lead to
 * the block. */
static void test_mixed_page_goes_silently(void **state)
{
	(void)state;
	guest_paging();
	put_counter();
	run_counter(1000);
	set_page(AT_CODE, AT_CODE | 6);
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.cr2, AT_CODE);
	assert_int_equal(frame(1), AT_CODE);
	set_page(AT_CODE, AT_CODE | 7);
	run_counter(10);
	assert_int_equal(get(AT_CODE + 0x800, 4), 1010);
}

/* The second half of an instruction at the end of such a page is absent, and comes. */
static void test_across_the_end_of_a_mixed_page(void **state)
{
	(void)state;
	guest_paging();
	put_counter();
	run_counter(1000);
	CODE(AT_CODE + 0xffd, 0xb8, IMM32(0x11223344), HLT);
	for (unsigned times = 0; times < 2; times++) {
		set_page(AT_CODE + 0x1000, (AT_CODE + 0x1000) | 6);
		m.cpu.eip = AT_CODE + 0xffd;
		assert_int_equal(guest_run(), VEC_PF);
		assert_int_equal(m.cpu.cr2, AT_CODE + 0x1000);
		assert_int_equal(frame(1), AT_CODE + 0xffd);
		set_page(AT_CODE + 0x1000, (AT_CODE + 0x1000) | 7);
		m.cpu.eip = AT_CODE + 0xffd;
		m.cpu.gpr[REG_EAX] = 0;
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.gpr[REG_EAX], 0x11223344);
	}
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

/* Does another run of so many rounds cost no fault, no call of C for its writes, and no block? */
static void runs_freely(u32 at, u32 times)
{
	const struct recomp_stats *s = recomp_stats(m.cpu.recomp), before = *s;

	m.cpu.gpr[REG_ECX] = times;
	m.cpu.eip = at;
	assert_int_equal(guest_run(), HALTED);
	assert_in_range(s->smc_writes - before.smc_writes, 0, 4);
	assert_in_range(s->slow_accesses - before.slow_accesses, 0, 4);
	assert_in_range(s->blocks - before.blocks, 0, 8);
}

/* A variable beside code, among a hundred times as many other calls of C, as where a boot loader
 * calls the BIOS. */
static void test_data_beside_busy_code(void **state)
{
	u64 before;

	(void)state;
	CODE(AT_CODE, 0xff, 0x05, IMM32(AT_CODE + 0x800), /* L: inc dword [+800h] */
	     0xbb, IMM32(100),				  /* mov ebx, 100 */
	     0x0f, 0x06, 0x4b, 0x75, 0xfb,		  /* M: clts; dec ebx; jnz M */
	     0x49, 0x75, 0xed, HLT);			  /* dec ecx; jnz L */
	before = recomp_stats(m.cpu.recomp)->mixed_pages;
	run_counter(200);
	assert_int_equal(recomp_stats(m.cpu.recomp)->mixed_pages - before, 1);
	runs_freely(AT_CODE, 1000);
	assert_int_equal(get(AT_CODE + 0x800, 4), 1200);
}

/* A kernel patches its text here and there, and goes on to run it in large blocks. */
static void test_patched_here_and_there(void **state)
{
	u64 before;

	(void)state;
	CODE(AT_CODE, 0xbf, IMM32(AT_CODE + 0x400),	     /* mov edi, +400h */
	     0xc6, 0x07, 0x90, 0x47,			     /* L: mov byte [edi], 90h; inc edi */
	     0xbb, IMM32(100), 0x0f, 0x06, 0x4b, 0x75, 0xfb, /* mov ebx; M: clts; dec ebx; jnz M */
	     0x49, 0x75, 0xef, HLT);			     /* dec ecx; jnz L */
	before = recomp_stats(m.cpu.recomp)->mixed_pages;
	run_counter(1000);
	assert_int_equal(recomp_stats(m.cpu.recomp)->mixed_pages - before, 0);
}

/* Immediates that the program writes: what it does with EDX, of ECX and what EDX was. */
static u32 moves(u32 ecx, u32 edx)
{
	(void)edx;
	return ecx;
}

static u32 moves16(u32 ecx, u32 edx)
{
	return (edx & 0xffff0000) | (u16)ecx;
}

static u32 moves8(u32 ecx, u32 edx)
{
	return (edx & 0xffffff00) | (u8)ecx;
}

static u32 adds(u32 ecx, u32 edx)
{
	return edx + ecx;
}

static u32 by_sign(u32 ecx)
{
	return (ecx & 0x7f) - (ecx & 0x80);
}

static u32 adds_signed(u32 ecx, u32 edx)
{
	return edx + by_sign(ecx);
}

static u32 subtracts16(u32 ecx, u32 edx)
{
	return (edx & 0xffff0000) | (u16)(edx - by_sign(ecx));
}

static u32 xors8(u32 ecx, u32 edx)
{
	return edx ^ (u8)ecx;
}

static u32 moves_high(u32 ecx, u32 edx)
{
	return (edx & 0xffff00ff) | (u32)(u8)ecx << 8;
}

static const struct {
	u8 bytes[8], len, imm, size;
	u32 (*what)(u32 ecx, u32 edx);
	bool slowly; /* is made anew each time */
} form[] = {
	{ { 0xba }, 5, 1, 4, moves, false },
	{ { 0x66, 0xba }, 4, 2, 2, moves16, false },
	{ { 0xb2 }, 2, 1, 1, moves8, false },
	{ { 0xc7, 0xc2 }, 6, 2, 4, moves, false },
	{ { 0x81, 0xc2 }, 6, 2, 4, adds, false },
	{ { 0x83, 0xc2 }, 3, 2, 1, adds_signed, false },
	{ { 0x66, 0x83, 0xea }, 4, 3, 1, subtracts16, false },
	{ { 0x80, 0xf2 }, 3, 2, 1, xors8, false },
	{ { 0xb6 }, 2, 1, 1, moves_high, true }, /* mov dh, imm8 */
	{ { 0x8d, 0x92 }, 6, 2, 4, adds, true }, /* a displacement: lea edx, [edx + disp32] */
};

/* at: how far into the page. In the last rounds the instruction reaches to the next one. */
static void patch_in_loop(unsigned n, u32 at)
{
	static const u8 store[5][3] = {
		[1] = { 0x88, 0x0d, 0 }, [2] = { 0x66, 0x89, 0x0d }, [4] = { 0x89, 0x0d, 0 }
	};
	u8 code[64];
	u32 len = form[n].size == 2 ? 3 : 2, imm, edx = 0;

	memcpy(code, store[form[n].size], len);
	imm = AT_CODE + at + len + 4 + form[n].imm;
	memcpy(code + len, &imm, 4);
	memcpy(code + len + 4, form[n].bytes, form[n].len);
	len += 4u + form[n].len;
	memcpy(code + len, (u8[]){ 0x49, 0x75, (u8) - (len + 3), HLT }, 4); /* dec ecx; jnz */
	set_code(AT_CODE + at, code, len + 4);
	m.cpu.gpr[REG_EDX] = 0;
	m.cpu.gpr[REG_ECX] = 300;
	m.cpu.eip = AT_CODE + at;
	assert_int_equal(guest_run(), HALTED);
	if (form[n].slowly)
		m.cpu.gpr[REG_ECX] = 300, m.cpu.eip = AT_CODE + at, guest_run();
	else
		runs_freely(AT_CODE + at, 300);
	for (u32 i = 0; i < 600; i++)
		edx = form[n].what(300 - i % 300, edx);
	assert_int_equal(m.cpu.gpr[REG_EDX], edx);
}

static void test_patched_immediates(void **state)
{
	for (unsigned n = 0; n < ARRAY_SIZE(form); n++) {
		guest_setup(state);
		patch_in_loop(n, 0);
		for (u32 last = 1; last < form[n].len; last++) {
			guest_setup(state);
			patch_in_loop(n, PAGE_SIZE - (form[n].size == 2 ? 7 : 6) - last);
		}
	}
}

/* The number of INT n; with TF, too, which the interrupt clears on its way. */
static void test_patched_interrupt(void **state)
{
	u32 sum = 0;

	(void)state;
	for (u32 v = 0x40; v < 0x48; v++) {
		const u8 code[] = { 0x83, 0xc2, (u8)v, 0xcf }; /* add edx, v; iretd */

		set_code(AT_TARGET + 16 * (v - 0x40), code, sizeof(code));
		idt((u8)v, CODE0, AT_TARGET + 16 * (v - 0x40), 0x8e);
	}
	CODE(AT_CODE, 0x88, 0xc8, 0x24, 7, 0x04, 0x40, /* L: mov al, cl; and al, 7; add al, 40h */
	     0xa2, IMM32(AT_CODE + 12), 0xcd, 0,       /* mov [n + 1], al; n: int 0 */
	     0x49, 0x75, 0xf0, HLT);
	m.cpu.gpr[REG_EDX] = 0;
	run_counter(300);
	runs_freely(AT_CODE, 300);
	for (u32 i = 1; i <= 300; i++)
		sum += 2 * (0x40 + i % 8);
	assert_int_equal(m.cpu.gpr[REG_EDX], sum);
	m.cpu.gpr[REG_EAX] = 0x30;
	m.cpu.eip = AT_CODE + 6;
	cpu_set_eflags(&m.cpu, EFLAGS_ONE | EFLAGS_TF);
	assert_int_equal(guest_run(), VEC_DB); /* behind the store */
	m.cpu.eip = AT_CODE + 11;
	m.cpu.halted = false;
	cpu_set_eflags(&m.cpu, EFLAGS_ONE | EFLAGS_TF);
	assert_int_equal(guest_run(), 0x30);
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
		GUEST_TEST(test_mixed_page_goes_silently),
		GUEST_TEST(test_across_the_end_of_a_mixed_page),
		GUEST_TEST(test_mixed_page_with_a_breakpoint),
		GUEST_TEST(test_fill_from_code_on),
		GUEST_TEST(test_data_beside_busy_code),
		GUEST_TEST(test_patched_here_and_there),
		GUEST_TEST(test_patched_immediates),
		GUEST_TEST(test_patched_interrupt),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
