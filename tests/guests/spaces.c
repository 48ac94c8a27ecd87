/* SPDX-License-Identifier: MIT */
/*
 * Three address spaces whose code at the same addresses differs, agrees and differs again. Four
 * pages, two at each side of a 2 MiB border, show one of eight pages of code, each of which returns
 * its number; one way into it goes on in the next page. In random order entries are written (with
 * the accessed bit and without), page tables replaced, directories cleared and built anew at the
 * same place, spaces changed, one page or all forgotten (INVLPG, CR3, CR4.PGE), and the code
 * called: in ring 0, and in ring 3 both as it is and behind a change of FS's descriptor, after
 * which a stale FS leaves ring 3 to the recompiler. Odd pages have an INT3 where even ones have a
 * NOP: raw ring 3 then meets, at an address that the recompiler knows of another space, what the
 * recompiler must execute. Spaces also change in a slot: what lies behind MOV CR3 is the other
 * space's code. Expected: the number that the tables say.
 */
#include "lib/testguest.h"

#define WINDOW	   0x40000000u
#define CODE_PAGES 8u
#define TABLES	   6u
#define STEPS	   6000u
#define PTE_A	   BIT(5)
#define CR4_PGE	   BIT(7)
#define WAY_SIZE   32u /* the ways into a page of code */
#define NONE	   0xffu

const char guest_name[] = "spaces";

enum way { PLAIN, INT3, NEXT_PAGE, TAIL, MOV_CR3, WAYS };

static const u32 slot_page[] = { 0x1fe, 0x1ff, 0x200, 0x201 };
#define SLOTS COUNT(slot_page)

static struct space {
	u32 *directory, *table;
	u8 shows[SLOTS]; /* a page of code, NONE */
} spaces[3];

static u32 *tables[TABLES];
static u8 *code[CODE_PAGES];
static u32 current, wrong, digest_of_all, calls[4], changes;
u32 spare_byte; /* of the descriptor that stale() changes */

static u32 user_bit(void)
{
	return guest_ring == 3 ? PTE_U : 0;
}

static u32 address(u32 slot)
{
	return WINDOW + slot_page[slot] * PAGE_SIZE;
}

/* --- In ring 0 */

static void load_cr3(u32 s)
{
	current = s;
	__asm__ volatile("mov %0, %%cr3" ::"r"(spaces[s].directory) : "memory");
}

static void forget(u32 how, u32 gla)
{
	u32 cr4;

	if (how % 3 == 0) {
		__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
	} else if (how % 3 == 1) {
		load_cr3(current);
	} else {
		__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
		__asm__ volatile("mov %0, %%cr4" ::"r"(cr4 ^ CR4_PGE) : "memory");
	}
}

static void set_entry(struct space *s, u32 slot, u32 n)
{
	u32 flags = PTE_P | user_bit() | (random_next() & PTE_A);

	s->shows[slot] = (u8)n;
	s->table[slot_page[slot]] = n == NONE ? 0 : (u32)code[n] | flags;
}

static u32 change_entry(u32 n)
{
	u32 s = n % COUNT(spaces), slot = n / 4 % SLOTS, page = n / 16 % (CODE_PAGES + 1);

	set_entry(&spaces[s], slot, page == CODE_PAGES ? NONE : page);
	if (s == current)
		forget(n / 256, address(slot));
	return 0;
}

static bool in_use(const u32 *table)
{
	for (u32 s = 0; s < COUNT(spaces); s++)
		if (spaces[s].table == table)
			return true;
	return false;
}

/* Another table, of which the slots stay the same or do not. */
static u32 change_table(u32 n)
{
	u32 s = n % COUNT(spaces), t = n / 4 % TABLES;

	while (in_use(tables[t]))
		t = (t + 1) % TABLES;
	spaces[s].table = tables[t];
	for (u32 slot = 0; slot < SLOTS; slot++)
		set_entry(&spaces[s], slot,
			  n & BIT(8) ? spaces[s].shows[slot] : random_next() % CODE_PAGES);
	spaces[s].directory[WINDOW >> 22] = (u32)spaces[s].table | PTE_P | PTE_W | user_bit();
	if (s == current)
		forget(1 + n / 512 % 2, 0);
	return 0;
}

/* A program ends, and another's directory comes to lie where its own was. */
static u32 new_space(u32 n)
{
	u32 s = (current + 1 + n % 2) % COUNT(spaces);
	u32 *d = spaces[s].directory, kept[GUEST_RAM >> 22];

	for (u32 i = 0; i < COUNT(kept); i++)
		kept[i] = d[i];
	for (u32 i = 0; i < PAGE_SIZE / 4; i++)
		d[i] = 0;
	for (u32 i = 0; i < COUNT(kept); i++)
		d[i] = kept[i];
	spaces[s].table = NULL;
	return change_table(n / 2 * COUNT(spaces) + s);
}

static u32 change_space(u32 n)
{
	load_cr3(n % COUNT(spaces));
	return 0;
}

/* In a slot that both spaces have. */
static u32 change_space_there(u32 n)
{
	u32 got, at = address(n / 4 % SLOTS) + MOV_CR3 * WAY_SIZE;

	current = n % COUNT(spaces);
	__asm__ volatile("call *%[at]"
			 : "=a"(got)
			 : [at] "r"(at), "c"(spaces[current].directory)
			 : "memory");
	return got;
}

static u32 call_there(u32 at)
{
	return ((u32(*)(void))at)();
}

static void write_code(u8 *page, u8 n)
{
	static const u8 returns[] = { 0x90, 0xb8, 0, 0, 0, 0, 0xc3 };	       /* mov eax, n; ret */
	static const u8 goes_on[] = { 0xb8, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0 };    /* mov; jmp */
	static const u8 tail[] = { 0xc1, 0xe0, 0x08, 0x0d, 0, 0, 0, 0, 0xc3 }; /* shl, 8; or; ret */
	static const u8 moves[] = { 0x0f, 0x22, 0xd9, 0xb8, 0, 0, 0, 0, 0xc3 }; /* cr3; mov; ret */
	u8 *next = page + NEXT_PAGE * WAY_SIZE, *cr3 = page + MOV_CR3 * WAY_SIZE;

	for (u32 i = 0; i < sizeof(returns); i++)
		page[i] = page[INT3 * WAY_SIZE + i] = returns[i];
	for (u32 i = 0; i < sizeof(goes_on); i++)
		next[i] = goes_on[i];
	for (u32 i = 0; i < sizeof(tail); i++)
		page[TAIL * WAY_SIZE + i] = tail[i];
	for (u32 i = 0; i < sizeof(moves); i++)
		cr3[i] = moves[i];
	page[2] = page[INT3 * WAY_SIZE + 2] = next[1] = page[TAIL * WAY_SIZE + 4] = cr3[4] = n;
	*(u32 *)(next + 6) = PAGE_SIZE + (TAIL - NEXT_PAGE) * WAY_SIZE - sizeof(goes_on);
	if (n & 1)
		page[INT3 * WAY_SIZE] = 0xcc;
}

static bool on_int3(struct guest_frame *f)
{
	return f->vector == 3;
}

/* FS's descriptor changes while FS holds it: the handler touches no segment register. */
__attribute__((naked, section(".dirty"))) static void on_stale(void)
{
	__asm__ volatile("push %eax; mov spare_byte, %eax; xorb $1, (%eax); pop %eax; iret");
}

static u32 prepare(u32 unused)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) gdtr;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	spare_byte = gdtr.base + SPARE + 2;
	gdt_set(SPARE, 0x0000ffff, 0x00cff300); /* data, DPL 3, flat */
	idt_set(0x82, KCS, (u32)on_stale, 0xee);
	trap_hook[3] = on_int3;
	for (u32 i = 0; i < CODE_PAGES; i++) {
		code[i] = page_alloc();
		write_code(code[i], (u8)i);
	}
	for (u32 i = 0; i < TABLES; i++)
		tables[i] = page_alloc();
	for (u32 s = 0; s < COUNT(spaces); s++) {
		spaces[s].directory = s ? page_alloc() : page_directory;
		for (u32 i = 0; i < GUEST_RAM >> 22; i++)
			spaces[s].directory[i] = page_directory[i];
	}
	for (u32 s = 0; s < COUNT(spaces); s++)
		change_table(s);
	load_cr3(0);
	return unused;
}

/* --- In the ring that the command line asks for */

static u32 call_stale(u32 at)
{
	u32 v;

	__asm__ volatile("mov %[fs], %%fs; int $0x82; call *%[at]; mov %[null], %%fs"
			 : "=a"(v)
			 : [at] "S"(at), [fs] "r"(SPARE | 3), [null] "r"(0)
			 : "ecx", "edx", "memory");
	return v;
}

static void judge(u32 got, u32 due, u32 slot, u32 way, u32 how)
{
	attempts++;
	digest_of_all = digest(digest_of_all, got);
	if (got != due && wrong++ < 5)
		print("FAIL space %u, slot %u, way %u, how %u: %x, not %x\r\n", current, slot, way,
		      how, got, due);
}

static void change_in_slot(u32 n)
{
	u32 slot = n / 4 % SLOTS, due = spaces[n % COUNT(spaces)].shows[slot];

	if (due == NONE || spaces[current].shows[slot] == NONE)
		return;
	judge(call_ring0(change_space_there, n), due, slot, MOV_CR3, 0);
	changes++;
}

static void call_slot(u32 n)
{
	const struct space *s = &spaces[current];
	u32 slot = n % SLOTS, way = n / 4 % TAIL, how = n / 16 % 4, got, due = s->shows[slot];
	u32 at = address(slot) + way * WAY_SIZE;

	if (due == NONE)
		return;
	if (way == NEXT_PAGE) {
		if (slot + 1 == SLOTS || s->shows[slot + 1] == NONE)
			return;
		due = due << 8 | s->shows[slot + 1];
	}
	if (how == 0)
		got = call_ring0(call_there, at);
	else if (how == 1 && guest_ring == 3)
		got = call_stale(at);
	else
		got = call_there(at);
	calls[how]++;
	judge(got, due, slot, way, how);
}

static void step(void)
{
	u32 n = random_next() >> 4, what = random_next() >> 4 & 31;

	if (what < 4)
		call_ring0(change_entry, n);
	else if (what == 4)
		call_ring0(change_table, n);
	else if (what == 5)
		call_ring0(new_space, n);
	else if (what < 12)
		call_ring0(change_space, n);
	else if (what < 15)
		change_in_slot(n);
	else
		call_slot(n);
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	for (u32 i = 0; i < STEPS; i++)
		step();
	check(!wrong, "each call went where the tables say");
	check(calls[0] && calls[1] && calls[2] && changes, "by all ways");
	print("digest %x of %u calls\r\n", digest_of_all, attempts);
}
