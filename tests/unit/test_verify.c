/* SPDX-License-Identifier: MIT */
/*
 * The confinement verifier against a faulty translator: real blocks are proven, then one fault at a
 * time is put into a copy of their code, and each must be found. A fault is a pattern (the first
 * host instruction, of all blocks, that it fits) and a change to its bytes or to the block's
 * tables.
 */
#include "emu/block/block.h"
#include "emu/verify/verify.h"

#include <stdlib.h>

#include "tests/unit/guest_fixture.h"

#define CODE_MAX 16384u

static struct {
	struct block b; /* a copy, whose tables may be changed, too */
	struct insn_map map[BLOCK_INSNS];
	struct edge edge[2 * BLOCK_INSNS];
	u8 code[CODE_MAX];
} copy;

/* One host instruction in the copy. */
struct at {
	u8 *p;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static const struct recomp *recomp(void)
{
	return m.cpu.recomp;
}

static void take_copy(const struct block *b)
{
	copy.b = *b;
	assert_true(b->code_len <= CODE_MAX);
	memcpy(copy.code, recomp()->cfg.cache_rw + b->code, b->code_len);
	memcpy(copy.map, b->map, b->insns * sizeof(copy.map[0]));
	memcpy(copy.edge, b->edge, b->edges * sizeof(copy.edge[0]));
	copy.b.map = copy.map;
	copy.b.edge = copy.edge;
}

/* --- Patterns --- */

static bool prefixed(const struct at *a, u8 prefix)
{
	for (unsigned i = 0; i < a->in.raw.prefix_count; i++)
		if (a->in.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

static const ZydisDecodedOperand *mem(const struct at *a)
{
	for (unsigned i = 0; i < a->in.operand_count_visible; i++)
		if (a->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    a->op[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
			return &a->op[i];
	return NULL;
}

static bool guest_load(const struct at *a)
{
	return prefixed(a, 0x67) && mem(a) && a->in.mnemonic == ZYDIS_MNEMONIC_MOV;
}

static bool guest_store(const struct at *a)
{
	return guest_load(a) && mem(a) == &a->op[0];
}

static bool guest_esp(const struct at *a)
{
	return guest_load(a) && mem(a)->mem.base == ZYDIS_REGISTER_R12D &&
	       mem(a)->mem.index == ZYDIS_REGISTER_NONE;
}

static bool string(const struct at *a)
{
	return a->in.meta.category == ZYDIS_CATEGORY_STRINGOP;
}

static bool based(const struct at *a, ZydisRegister base)
{
	return mem(a) && mem(a)->mem.base == base && !prefixed(a, 0x67);
}

static bool cpu_store(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R15) && mem(a) == &a->op[0] && a->in.raw.disp.size == 32 &&
	       a->in.mnemonic == ZYDIS_MNEMONIC_MOV;
}

static bool cpu_load(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R15) && mem(a) != &a->op[0] && a->in.raw.disp.size == 32;
}

static bool entry_load(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R14) && a->in.mnemonic == ZYDIS_MNEMONIC_MOV;
}

static bool entry_jump(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R14) && a->in.mnemonic == ZYDIS_MNEMONIC_JMP;
}

static bool slot_jump(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_JMP && mem(a) &&
	       mem(a)->mem.base == ZYDIS_REGISTER_RIP;
}

static bool index_step(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_MOVZX && a->op[0].reg.value == ZYDIS_REGISTER_R9D &&
	       a->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER && a->in.length == 4;
}

static bool tag_sum(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_LEA && a->op[0].reg.value == ZYDIS_REGISTER_RCX &&
	       a->op[1].mem.index == ZYDIS_REGISTER_R11;
}

static bool poll(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R13) && mem(a)->mem.index == ZYDIS_REGISTER_NONE;
}

static bool fence(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_R13) && mem(a)->mem.index == ZYDIS_REGISTER_RBX;
}

/* The sum that the fence looks at. */
static bool before_fence(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_LEA && a->op[0].reg.value == ZYDIS_REGISTER_R8D &&
	       based(a + 1, ZYDIS_REGISTER_R13) && mem(a + 1)->mem.index == ZYDIS_REGISTER_R8;
}

static bool host_byte(const struct at *a)
{
	return based(a, ZYDIS_REGISTER_RSP);
}

static bool long_jump(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_JMP && a->in.raw.imm[0].size == 32;
}

static bool long_branch(const struct at *a)
{
	return a->in.meta.category == ZYDIS_CATEGORY_COND_BR && a->in.raw.imm[0].size == 32 &&
	       a->in.raw.imm[0].value.s > 0;
}

static bool back_branch(const struct at *a)
{
	return a->in.meta.category == ZYDIS_CATEGORY_COND_BR && a->in.raw.imm[0].size == 8 &&
	       a->in.raw.imm[0].value.s < 0;
}

static bool stub_call(const struct at *a)
{
	return a->in.meta.category == ZYDIS_CATEGORY_CALL;
}

static bool site_number(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_MOV && a->in.length == 6 &&
	       a->op[0].reg.value == ZYDIS_REGISTER_R9D &&
	       a->op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && stub_call(a + 1);
}

static bool esp_step(const struct at *a)
{
	return a->in.mnemonic == ZYDIS_MNEMONIC_LEA && a->op[0].reg.value == ZYDIS_REGISTER_R12D &&
	       a->in.length == 5;
}

/* Room for a planted instruction. */
static bool roomy(const struct at *a)
{
	return a->in.length >= 5 && a->in.meta.category == ZYDIS_CATEGORY_DATAXFER;
}

/* --- Changes --- */

static void set_disp(struct at *a, size_t disp)
{
	u32 d = (u32)disp;

	memcpy(a->p + a->in.raw.disp.offset, &d, 4);
}

static void add_imm(struct at *a, s32 n)
{
	s32 v;

	memcpy(&v, a->p + a->in.raw.imm[0].offset, 4);
	v += n;
	memcpy(a->p + a->in.raw.imm[0].offset, &v, 4);
}

static void replace_prefix(struct at *a, u8 from, u8 to)
{
	for (unsigned i = 0; i < a->in.length; i++)
		if (a->p[i] == from) {
			a->p[i] = to;
			return;
		}
}

static u8 *modrm(struct at *a)
{
	return a->p + a->in.raw.modrm.offset;
}

static u8 *rex(struct at *a)
{
	return a->p + a->in.raw.rex.offset;
}

#define CHANGE(name, statement)        \
	static void name(struct at *a) \
	{                              \
		statement;             \
	}
CHANGE(drop_67, replace_prefix(a, 0x67, 0x65))
CHANGE(drop_gs, replace_prefix(a, 0x65, 0x3e))
CHANGE(gs_to_fs, replace_prefix(a, 0x65, 0x64))
CHANGE(drop_rex, *rex(a) = 0x40)
CHANGE(to_cr0, set_disp(a, offsetof(struct cpu, cr0)))
CHANGE(to_cr3, set_disp(a, offsetof(struct cpu, cr3)))
CHANGE(to_cpl, set_disp(a, offsetof(struct cpu, cpl)))
CHANGE(to_gdtr, set_disp(a, offsetof(struct cpu, gdtr)))
CHANGE(to_env, set_disp(a, offsetof(struct cpu, env)))
CHANGE(to_lookup_table, set_disp(a, offsetof(struct cpu, lookup_table)))
CHANGE(to_poll, set_disp(a, offsetof(struct cpu, poll)))
CHANGE(to_tag, set_disp(a, offsetof(struct cpu, lookup_tag)))
CHANGE(to_gpr_7, set_disp(a, offsetof(struct cpu, seg) + sizeof(((struct cpu *)0)->seg) - 1))
CHANGE(to_ds_base, set_disp(a, offsetof(struct cpu, seg[SEG_DS].base)))
CHANGE(beyond_cpu, set_disp(a, sizeof(struct cpu)))
CHANGE(before_cpu, set_disp(a, (size_t)-8))
CHANGE(base_r14, *modrm(a) = (u8)(*modrm(a) & ~7u) | 6)
CHANGE(base_r13, *modrm(a) = (u8)(*modrm(a) & ~7u) | 5)
CHANGE(index_r8, modrm(a)[1] = (u8)(modrm(a)[1] & ~0x38u))
CHANGE(scale_4, modrm(a)[1] = (u8)(modrm(a)[1] & ~0xc0u) | 0x80)
CHANGE(unbounded, memcpy(a->p, "\x45\x89\xc1\x90", 4)) /* mov r9d, r8d */
CHANGE(always, a->p[a->in.length] = 0xeb)	       /* the JRCXZ behind it: JMP */
CHANGE(sum_r10, modrm(a)[1] = (u8)(modrm(a)[1] & ~0x38u) | 2 << 3)
CHANGE(disp_plus_8, a->p[a->in.raw.disp.offset] = (u8)(a->p[a->in.raw.disp.offset] + 8))
CHANGE(disp_plus_4, a->p[a->in.raw.disp.offset] = (u8)(a->p[a->in.raw.disp.offset] + 4))
CHANGE(disp_far, a->p[a->in.raw.disp.offset + 1] ^= 0x40)
CHANGE(imm_plus_1, add_imm(a, 1))
CHANGE(imm8_plus_1, a->p[a->in.raw.imm[0].offset]++)
CHANGE(imm_plus_4, add_imm(a, 4))
CHANGE(imm_far, add_imm(a, 0x100000))
CHANGE(poll_dword, a->p[2] = 0xaf)  /* imul r9d, [r13]: four bytes */
CHANGE(fence_store, a->p[1] = 0x89) /* mov [r13 + rbx + 6], r9d */
CHANGE(index_r11, *rex(a) |= 2u)
CHANGE(wide, *rex(a) |= 8u)
CHANGE(lea_esp, *rex(a) &= (u8)~4u)
CHANGE(lea_r13, *modrm(a) = (u8)(*modrm(a) & ~0x38u) | 5 << 3)
CHANGE(lea_r14, *modrm(a) = (u8)(*modrm(a) & ~0x38u) | 6 << 3)
CHANGE(lea_r15, *modrm(a) = (u8)(*modrm(a) & ~0x38u) | 7 << 3)
CHANGE(cut_short, copy.b.code_len = (u32)(a->p - copy.code))

static void forget_edges(struct at *a)
{
	(void)a;
	for (unsigned i = 0; i < copy.b.edges; i++)
		copy.edge[i].host++;
}

static void move_boundary(struct at *a)
{
	(void)a;
	copy.map[copy.b.insns / 2].host++;
}

struct fault {
	const char *name;
	bool (*find)(const struct at *a);
	void (*change)(struct at *a);
	const char *plant; /* or: these bytes, then NOPs */
	u8 plant_len;
};
#define F(find, change)                                   \
	{                                                 \
#find ": " #change, find, change, NULL, 0 \
	}
#define PLANT(what, bytes)                                  \
	{                                                   \
		what, roomy, NULL, bytes, sizeof(bytes) - 1 \
	}

static const struct fault faults[] = {
	F(guest_load, drop_67),
	F(guest_load, drop_gs),
	F(guest_load, gs_to_fs),
	F(guest_store, drop_67),
	F(guest_esp, drop_rex),
	F(string, drop_67),
	F(cpu_store, to_cr0),
	F(cpu_store, to_cr3),
	F(cpu_store, to_cpl),
	F(cpu_store, to_gdtr),
	F(cpu_store, to_env),
	F(cpu_store, to_lookup_table),
	F(cpu_store, to_poll),
	F(cpu_store, to_tag),
	F(cpu_store, to_ds_base),
	F(cpu_store, beyond_cpu),
	F(cpu_store, before_cpu),
	F(cpu_store, base_r14),
	F(cpu_store, base_r13),
	F(cpu_load, to_lookup_table),
	F(cpu_load, to_env),
	F(cpu_load, to_gpr_7),
	F(cpu_load, beyond_cpu),
	F(entry_load, index_r8),
	F(entry_load, scale_4),
	F(entry_jump, index_r8),
	F(entry_jump, scale_4),
	F(entry_jump, disp_plus_8),
	F(index_step, unbounded),
	F(tag_sum, always),
	F(tag_sum, sum_r10),
	F(slot_jump, disp_plus_4),
	F(slot_jump, disp_far),
	F(poll, poll_dword),
	F(fence, fence_store),
	F(fence, scale_4),
	F(fence, index_r11),
	F(before_fence, wide),
	F(esp_step, wide),
	F(host_byte, disp_plus_8),
	F(long_jump, imm_plus_1),
	F(long_jump, imm_far),
	F(long_branch, imm_plus_1),
	F(long_branch, imm_far),
	F(back_branch, imm8_plus_1),
	F(stub_call, imm_plus_1),
	F(stub_call, imm_far),
	F(site_number, imm_plus_4),
	F(site_number, imm_far),
	F(stub_call, forget_edges),
	F(guest_load, move_boundary),
	F(entry_jump, cut_short),
	F(slot_jump, cut_short),
	F(esp_step, lea_esp),
	F(esp_step, lea_r13),
	F(esp_step, lea_r14),
	F(esp_step, lea_r15),
	PLANT("cli", "\xfa"),
	PLANT("sti", "\xfb"),
	PLANT("hlt", "\xf4"),
	PLANT("popfq", "\x9d"),
	PLANT("pushfq", "\x9c"),
	PLANT("push rax", "\x50"),
	PLANT("ret", "\xc3"),
	PLANT("iretq", "\x48\xcf"),
	PLANT("int3", "\xcc"),
	PLANT("int 80h", "\xcd\x80"),
	PLANT("in al, dx", "\xec"),
	PLANT("out dx, al", "\xee"),
	PLANT("insb", "\x67\x6c"),
	PLANT("syscall", "\x0f\x05"),
	PLANT("sysenter", "\x0f\x34"),
	PLANT("wrmsr", "\x0f\x30"),
	PLANT("cpuid", "\x0f\xa2"),
	PLANT("mov ds, eax", "\x8e\xd8"),
	PLANT("mov eax, ds", "\x8c\xd8"),
	PLANT("mov cr3, rax", "\x0f\x22\xd8"),
	PLANT("mov dr7, rax", "\x0f\x23\xf8"),
	PLANT("swapgs", "\x0f\x01\xf8"),
	PLANT("wrgsbase rax", "\xf3\x48\x0f\xae\xd8"),
	PLANT("lgdt", "\x67\x0f\x01\x10"),
	PLANT("invlpg", "\x67\x0f\x01\x38"),
	PLANT("fxsave", "\x65\x67\x0f\xae\x00"),
	PLANT("xsave", "\x65\x67\x0f\xae\x20"),
	PLANT("fnsave", "\x65\x67\xdd\x30"),
	PLANT("leave", "\xc9"),
	PLANT("xlat", "\xd7"),
	PLANT("jmp rax", "\xff\xe0"),
	PLANT("call rax", "\xff\xd0"),
	PLANT("jmp far", "\x67\xff\x28"),
	PLANT("mov esp, eax", "\x89\xc4"),
	PLANT("mov r15, rax", "\x49\x89\xc7"),
	PLANT("xchg r14d, eax", "\x41\x96"),
	PLANT("inc r13b", "\x41\xfe\xc5"),
	PLANT("moffs", "\xa1"),
	PLANT("jmp 66h", "\x66\xe9"),
	PLANT("vmovups zmm", "\x62\xf1\x7c\x48"),
	PLANT("bts [r15], rax", "\x49\x0f\xab\x07"),
	PLANT("stosb", "\xaa"),
	PLANT("enclu", "\x0f\x01\xd7"),
	PLANT("stac", "\x0f\x01\xcb"),
	PLANT("ud2", "\x0f\x0b"),
};

static bool decode_at(u32 offset, struct at *a)
{
	ZydisDecoder d;
	ZydisDecoderContext ctx;

	a->p = copy.code + offset;
	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return offset < copy.b.code_len &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &ctx, a->p, copy.b.code_len - offset,
							  &a->in)) &&
	       ZYAN_SUCCESS(
		       ZydisDecoderDecodeOperands(&d, &ctx, &a->in, a->op, a->in.operand_count));
}

static void plant(const struct fault *f, struct at *a)
{
	memset(a->p, 0x90, a->in.length);
	memcpy(a->p, f->plant, (size_t)MIN(f->plant_len, a->in.length));
}

/* Puts the fault into the first place of the copied block that it fits. */
static bool apply(const struct fault *f)
{
	struct at a[2] = { 0 };

	for (u32 offset = 0; decode_at(offset, &a[0]); offset += a[0].in.length) {
		decode_at(offset + a[0].in.length, &a[1]);
		if (!f->find(&a[0]))
			continue;
		if (f->plant)
			plant(f, &a[0]);
		else
			f->change(&a[0]);
		return true;
	}
	return false;
}

/* --- The guest whose blocks are used --- */

static void run_guest(void)
{
	CODE(AT_CODE, 0x8b, 0x45, 0xf0,		  /* mov eax, [ebp - 10h] */
	     0x89, 0x03,			  /* mov [ebx], eax */
	     0x53, 0x5b,			  /* push ebx; pop ebx */
	     0xb9, IMM32(5),			  /* mov ecx, 5 */
	     0x01, 0xc8,			  /* add eax, ecx */
	     0x83, 0xf8, 0x07, 0x74, 0x02,	  /* cmp eax, 7; je +2 */
	     0x40, 0x43,			  /* inc eax; inc ebx */
	     0x49, 0x75, 0xf4,			  /* dec ecx; jne -12 */
	     0xfa, 0x9c, 0x9d, 0xfb, 0x90,	  /* cli; pushfd; popfd; sti; nop */
	     0x8a, 0x64, 0x24, 0xfc,		  /* mov ah, [esp - 4] */
	     0x64, 0x8b, 0x15, IMM32(0x10),	  /* mov edx, fs:[10h] */
	     0x65, 0xa3, IMM32(0x10),		  /* mov gs:[10h], eax: limited */
	     0x26, 0x67, 0x8b, 0x57, 0x06,	  /* mov edx, es:[bx + 6]: 64 KiB */
	     0x26, 0x67, 0x8b, 0x11,		  /* mov edx, es:[bx + di] */
	     0xac,				  /* lodsb */
	     0x0f, 0xa2,			  /* cpuid */
	     0xd4, 0x0a,			  /* aam */
	     0xe8, IMM32(2),			  /* call +2 */
	     0xeb, 0x04,			  /* jmp +4 */
	     0xd9, 0xe8,			  /* fld1 */
	     0xc3, 0x90,			  /* ret */
	     0x0f, 0x28, 0x05, IMM32(AT_DATA),	  /* movaps xmm0, [AT_DATA] */
	     0xb8, IMM32(AT_TARGET), 0xff, 0xe0); /* mov eax, AT_TARGET; jmp eax */
	CODE(AT_TARGET, 0x90, HLT);
	gdt(FREE, 0x8000, 0xfffff, ATTR_DATA32);
	gdt(FREE + 8, AT_DATA, 0xfff, 0x493);
	gdt(FREE + 16, AT_DATA, 0xffff, 0x493);
	set_segment(SEG_ES, FREE + 16);
	set_segment(SEG_FS, FREE);
	set_segment(SEG_GS, FREE + 8);
	m.cpu.gpr[REG_EBP] = AT_DATA + 0x100;
	m.cpu.gpr[REG_EBX] = AT_DATA + 0x200;
	m.cpu.gpr[REG_ESI] = AT_DATA;
	m.cpu.gpr[REG_EDI] = 0x10;
	m.cpu.cr4 |= CR4_OSFXSR;
	assert_int_equal(guest_run(), HALTED);
	assert_true(recomp()->blocks >= 2);
	assert_int_equal(recomp()->stats.verified_blocks, recomp()->stats.blocks);
}

static void test_real_blocks_pass(void **state)
{
	struct verify_fault f;

	(void)state;
	run_guest();
	for (u32 i = 0; i < recomp()->blocks; i++) {
		take_copy(&recomp()->block[i]);
		assert_true(verify_block(recomp(), &copy.b, copy.code, &f));
	}
}

static void test_each_fault_is_found(void **state)
{
	unsigned missed = 0;

	(void)state;
	run_guest();
	for (unsigned n = 0; n < ARRAY_SIZE(faults); n++) {
		struct verify_fault f = { 0 };
		bool applied = false;

		if (!recomp()->cfg.membase_gs &&
		    (faults[n].change == drop_gs || faults[n].change == gs_to_fs))
			continue;

		for (u32 i = 0; i < recomp()->blocks && !applied; i++) {
			take_copy(&recomp()->block[i]);
			applied = apply(&faults[n]);
		}
		if (!applied || verify_block(recomp(), &copy.b, copy.code, &f)) {
			print_message("%s: %s\n", faults[n].name,
				      applied ? "not found" : "fits nowhere");
			missed++;
		} else if (getenv("VERIFY_VERBOSE")) {
			print_message("%-28s %s\n", faults[n].name, f.why);
		}
	}
	assert_int_equal(missed, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		GUEST_TEST(test_real_blocks_pass),
		GUEST_TEST(test_each_fault_is_found),
	};

	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
