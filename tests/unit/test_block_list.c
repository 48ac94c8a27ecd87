/* SPDX-License-Identifier: MIT */
/*
 * Blocks of translated code as `blocks` lists them: found by address and mode, each instruction of
 * the guest beside what was made of it, hits where they belong; also blocks that verify their own
 * bytes, that cross a page, and that are gone. Alone: make build/unit/test_block_list &&
 * build/unit/test_block_list
 */
#include "emu/listing/block_list.h"

#include "emu/block/block.h"
#include "tests/unit/guest_fixture.h"

#define AT_EDGE 0x7ffcu /* an instruction lies on two pages */
#define TEXT	65536u

static char text[TEXT];
static size_t len;

static void line(void *ctx, const char *s)
{
	(void)ctx;
	assert_true(strlen(s) < DBG_LINE);
	len += (size_t)snprintf(text + len, TEXT - len, "%s\n", s);
	assert_true(len < TEXT);
}

static const struct dbg_out out = { .line = line };

static void list(const struct recomp_place *place, const struct recomp_hit *hit, unsigned hits)
{
	len = 0;
	text[0] = '\0';
	recomp_list_block(m.cpu.recomp, place, hit, hits, 100, &out);
}

/* The only block that begins there. */
static struct recomp_place block_of(u32 gla)
{
	struct recomp *r = m.cpu.recomp;
	struct recomp_place found = { .gla = gla };

	for (u32 i = 0; i < r->blocks; i++)
		if (!r->block[i].dead && r->block[i].base + r->block[i].eip == gla)
			found.key = r->block[i].key;
	assert_true(recomp_find_block(r, &found));
	return found;
}

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_side_by_side(void **state)
{
	struct recomp_place place, here;
	struct recomp_hit hit[2];
	u64 rip;

	(void)state;
	CODE(AT_CODE, 0xb8, IMM32(7), 0x01, 0xc3, 0x53, HLT); /* mov eax, 7; add ebx, eax; push */
	assert_int_equal(guest_run(), HALTED);
	place = block_of(AT_CODE);
	rip = (u64)m.cpu.recomp->cfg.cache_rx + place.code;
	assert_true(recomp_place_of(m.cpu.recomp, rip + 5, &here));
	assert_int_equal(here.gla, AT_CODE);
	assert_int_equal(here.key, place.key);
	assert_int_equal(here.code, place.code);
	assert_int_equal(here.offset, 5);
	hit[0] = (struct recomp_hit){ 5, 40 };
	hit[1] = (struct recomp_hit){ 0, 2 };
	list(&place, hit, 2);
	assert_non_null(strstr(text, "4 instructions of 9 bytes in "));
	assert_non_null(strstr(text, "; protected mode, 32-bit, CPL 0 to 2\n"));
	assert_non_null(strstr(text, "  2.0 00006000  mov eax, 0x07"));
	assert_non_null(strstr(text, "|  2.0    0  mov eax, 0x07\n"));
	assert_non_null(strstr(text, " 40.0 00006005  add ebx, eax"));
	assert_non_null(strstr(text, "| 40.0    5  add ebx, eax\n"));
	assert_non_null(strstr(text, "00006007  push ebx"));
	assert_non_null(strstr(text, "lea r12d, [r12-0x04]\n"));
	assert_non_null(strstr(text, "00006008  hlt"));
	assert_int_equal(count("cannot be read"), 0);
	assert_int_equal(count("(data)"), 0);
}

static void test_two_pages(void **state)
{
	struct recomp_place place;

	(void)state;
	CODE(AT_CODE, 0xe9, IMM32(AT_EDGE - AT_CODE - 5)); /* jmp */
	CODE(AT_EDGE, 0x90, 0x81, 0xc3, IMM32(0x12345678), HLT);
	assert_int_equal(guest_run(), HALTED);
	place = block_of(AT_EDGE);
	list(&place, NULL, 0);
	assert_non_null(strstr(text, "00007ffd  add ebx, 0x12345678"));
	assert_int_equal(count("cannot be read"), 0);
}

/* A write to its bytes drops a block; what is gone is not found, and its code is not listed. */
static void test_gone(void **state)
{
	struct recomp_place place;

	(void)state;
	CODE(AT_CODE, 0xb0, 1, HLT);
	assert_int_equal(guest_run(), HALTED);
	place = block_of(AT_CODE);
	put(AT_CODE + 1, 2, 1);
	assert_false(recomp_find_block(m.cpu.recomp, &place));
	recomp_flush(m.cpu.recomp);
	assert_false(recomp_find_block(m.cpu.recomp, &place));
	list(&place, NULL, 0);
	assert_int_equal(len, 0);
}

/* A page on which code and data mix: the block has its source with it. */
static void test_own_bytes(void **state)
{
	struct recomp_place place;

	(void)state;
	CODE(AT_CODE, 0xb9, IMM32(2000),	/* mov ecx, 2000 */
	     0xff, 0x05, IMM32(AT_CODE + 0x40), /* inc dword [AT_CODE + 40h] */
	     0x49, 0x75, 0xf7, HLT);		/* dec ecx; jnz; hlt */
	assert_int_equal(guest_run(), HALTED);
	place = block_of(AT_CODE + 5);
	list(&place, NULL, 0);
	assert_non_null(strstr(text, ", verifies its own bytes"));
	assert_non_null(strstr(text, "(are the guest's bytes the same?)"));
	assert_non_null(strstr(text, "00006005  inc "));
	assert_int_equal(count("cannot be read"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(test_side_by_side),
		GUEST_TEST(test_two_pages),
		GUEST_TEST(test_gone),
		GUEST_TEST(test_own_bytes),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
