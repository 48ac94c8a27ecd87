/* SPDX-License-Identifier: MIT */
/*
 * The classification is total: every opcode of every map, in 16-bit and 32-bit code, with each
 * prefix that selects another instruction, register and memory forms, is translated to code that
 * the verifier accepts, and is one of
 *
 *   undefined    C raises #UD: exactly what does not decode, or belongs to an extension that this
 *                CPU has not
 *   hard         C executes it
 *   copied       the host's instruction, decoded as 64-bit code, has the same name, and operands
 *                that are the same but for ESP, which is R12D, and the address of memory
 *   re-encoded   ISA_ANEW in emu/isa/insn.def, with tests of their own (diff, vectors)
 */
#include "emu/block/block.h"
#include "emu/isa/isa.h"
#include "emu/jit/recomp_mode.h"
#include "emu/trans/translate.h"
#include "emu/verify/verify.h"
#include "tests/host/opcode_maps.h"
#include "tests/unit/guest_fixture.h"

struct insn_ops {
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static struct {
	unsigned undefined, hard, copied, reencoded, wrong;
} count;

static struct insn_ops guest;
static u8 bytes[OPCODE_BYTES];
static unsigned len;
static bool wide; /* 32-bit code */

static bool decode(ZydisMachineMode mode, ZydisStackWidth stack, const u8 *p, unsigned n,
		   struct insn_ops *out)
{
	ZydisDecoder d;
	ZydisDecoderContext ctx;

	ZydisDecoderInit(&d, mode, stack);
	ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &ctx, p, n, &out->in)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&d, &ctx, &out->in, out->op,
						       out->in.operand_count));
}

/* --- What this CPU has --- */

/* NOPs: where the extension is missing, and prefetches where they might fault. */
static bool hint(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_PREFETCH ||
	       (isa_extension[in->meta.isa_ext] & EXT_HINT);
}

static bool exists_here(const ZydisDecodedInstruction *in)
{
	if (in->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    in->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
		return false;
	return isa_insn[in->mnemonic].op != OP_UD &&
	       (isa_extension[in->meta.isa_ext] & (EXT_HERE | EXT_HINT));
}

/* MOV to and from a segment register. */
static bool moves_segment(void)
{
	for (unsigned i = 0; i < guest.in.operand_count_visible; i++)
		if (guest.op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(guest.op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT)
			return true;
	return false;
}

/* --- The same instruction? --- */

static ZydisRegister host_register(ZydisRegister r)
{
	switch (r) {
	case ZYDIS_REGISTER_ESP:
		return ZYDIS_REGISTER_R12D;
	case ZYDIS_REGISTER_SP:
		return ZYDIS_REGISTER_R12W;
	default:
		return r;
	}
}

static bool high8(ZydisRegister r)
{
	return r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH;
}

/* A bit string's operand, and what C fetches, may be a register or a buffer instead of memory. */
static bool same_operand(const ZydisDecodedOperand *g, const ZydisDecodedOperand *h)
{
	if (g->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return (h->type == ZYDIS_OPERAND_TYPE_MEMORY ||
			h->type == ZYDIS_OPERAND_TYPE_REGISTER) &&
		       (h->size == g->size || g->mem.type == ZYDIS_MEMOP_TYPE_AGEN);
	if (g->type == ZYDIS_OPERAND_TYPE_REGISTER && high8(g->reg.value) &&
	    h->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return h->size == 8;
	if (g->type != h->type || g->size != h->size)
		return false;
	if (g->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return h->reg.value == host_register(g->reg.value);
	return g->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || g->imm.value.u == h->imm.value.u;
}

static bool same(const struct insn_ops *h)
{
	bool branch = guest.in.meta.category == ZYDIS_CATEGORY_COND_BR;

	if (h->in.mnemonic != guest.in.mnemonic ||
	    h->in.operand_count_visible != guest.in.operand_count_visible)
		return false;
	for (unsigned i = 0; i < h->in.operand_count_visible && !branch; i++)
		if (!same_operand(&guest.op[i], &h->op[i]))
			return false;
	return true;
}

/* One of the host's instructions for the first guest instruction is the guest's. */
static bool copied(const struct block *b)
{
	const u8 *code = m.cpu.recomp->cfg.cache_rw + b->code;
	u32 end = b->insns > 1 ? b->map[1].host : b->code_len;
	struct insn_ops h;

	for (u32 at = 0; at < end; at += h.in.length) {
		if (!decode(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, code + at, end - at,
			    &h))
			return false;
		if (same(&h))
			return true;
	}
	return false;
}

/* The operation that C does for the first guest instruction, or -1. Of a slow access: OP_COPY. */
static int operation(const struct block *b)
{
	const struct recomp *r = m.cpu.recomp;
	const u8 *code = r->cfg.cache_rw + b->code;
	u32 end = b->insns > 1 ? b->map[1].host : b->code_len, site = 0;
	u64 to;
	struct insn_ops h;

	for (u32 at = 0; at < end; at += h.in.length) {
		if (!decode(ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, code + at, end - at,
			    &h))
			return -1;
		if (code[at] == 0x41 && code[at + 1] == 0xb9) /* mov r9d, site */
			memcpy(&site, code + at + 2, 4);
		to = (u64)r->cfg.cache_rx + b->code + at + h.in.length + (u64)h.op[0].imm.value.s;
		if (h.in.meta.category == ZYDIS_CATEGORY_CALL &&
		    (to == r->call_hard || to == r->call_iret || recomp_is_ring_stub(r, to)))
			return ((const struct site *)(const void *)(r->arena + site))->insn.op;
	}
	return -1;
}

static void wrong(const char *what)
{
	if (count.wrong++ >= 20)
		return;
	print_message("%s bits:", wide ? "32" : "16");
	for (unsigned i = 0; i < len; i++)
		print_message(" %02x", bytes[i]);
	print_message(": %s\n", what);
}

static void classify(const struct block *b)
{
	bool known = decode(wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			    wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16, bytes, 15, &guest);
	bool exists = known && exists_here(&guest.in);
	int op = operation(b);

	if (op == OP_UD) {
		count.undefined++;
		if (exists)
			wrong("#UD, but it exists");
	} else if (!exists) {
		wrong(known ? "no #UD, but it does not exist" : "no #UD, but it does not decode");
	} else if (op >= 0) {
		count.hard++;
	} else if (copied(b)) {
		count.copied++;
	} else if (isa_is(&guest.in, ISA_ANEW) ||
		   guest.in.meta.category == ZYDIS_CATEGORY_STRINGOP || moves_segment() ||
		   hint(&guest.in)) {
		count.reencoded++;
	} else {
		wrong("neither hard nor copied nor re-encoded");
	}
}

/* Translates bytes[] without running them; the recompiler is as before afterwards. */
static void check(void)
{
	struct recomp *r = m.cpu.recomp;
	u32 blocks = r->blocks, arena = r->arena_next, code = r->code_next, slots = r->slots;
	struct verify_fault f;
	struct block *b;

	memcpy(m.ram + AT_CODE, bytes, 15);
	m.cpu.eip = AT_CODE;
	b = translate_block(&r->trans, r, recomp_mode(r));
	if (!b || r->flush_wanted)
		wrong("not translated");
	else if (!verify_block(r, b, r->cfg.cache_rw + b->code, &f))
		wrong(f.why);
	else
		classify(b);
	r->blocks = blocks;
	r->arena_next = arena;
	r->code_next = code;
	r->slots = slots;
	r->flush_wanted = false;
}

static void take(const u8 *p, unsigned n)
{
	memcpy(bytes, p, sizeof(bytes));
	len = n;
	check();
}

static void all_maps(void)
{
	const struct opcode_walk w = { .wide = wide, .take = take };

	memset(&count, 0, sizeof(count));
	opcode_maps_walk(&w);
	print_message("%u undefined, %u hard, %u copied, %u re-encoded, %u wrong\n",
		      count.undefined, count.hard, count.copied, count.reencoded, count.wrong);
	assert_int_equal(count.wrong, 0);
	assert_true(count.undefined && count.hard && count.copied && count.reencoded);
}

static void prepare(bool is_wide)
{
	wide = is_wide;
	m.cpu.recomp->cfg.verify = false; /* failures are reported, not a panic */
	m.cpu.cr4 |= CR4_OSFXSR | CR4_OSXSAVE;
	m.cpu.xcr0 = 7;
}

static void test_32_bit_flat(void **state)
{
	(void)state;
	prepare(true);
	all_maps();
}

static void test_16_bit_segments(void **state)
{
	(void)state;
	prepare(false);
	gdt(FREE, 0, 0xffff, 0x09b);
	gdt(FREE + 8, 0x1000, 0xffff, 0x093);
	set_segment(SEG_CS, FREE);
	set_segment(SEG_SS, FREE + 8);
	set_segment(SEG_DS, FREE + 8);
	set_segment(SEG_ES, FREE + 8);
	all_maps();
}

static void test_32_bit_limited(void **state)
{
	(void)state;
	prepare(true);
	gdt(FREE, 0x1000, 0xfff, 0x493);
	set_segment(SEG_DS, FREE);
	set_segment(SEG_ES, FREE);
	set_segment(SEG_SS, FREE);
	all_maps();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_32_bit_flat),
		GUEST_TEST(test_16_bit_segments),
		GUEST_TEST(test_32_bit_limited),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
