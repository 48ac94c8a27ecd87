/* SPDX-License-Identifier: MIT */
/*
 * Address spaces of the fuzzing kernel. The kernel's own is the identity, twice: with 32-bit and
 * with PAE tables. A round's holds the kernel (text read-only), the code, a stack, and a window of
 * pages with random frames and rights: data, the code again, the round's own tables, device memory,
 * ROM, nothing.
 */
#include "chaos.h"

#define PTE_A	 BIT(5)
#define PTE_D	 BIT(6)
#define PTE_PS	 BIT(7)
#define PTE_G	 BIT(8)
#define PTE_NX	 0x8000000000000000ull
#define REBUILD	 32u /* rounds */
#define FRAMES	 16u
#define CODES	 64u /* frames of CODE; the first is for rounds that are not clean */
#define TABLES	 10u /* per address space: enough for what is mapped */
#define RESERVED 0x0000f00000000000ull

struct space {
	u32 *top; /* page directory, or PDPT */
	u32 *directory[4];
	u32 *table[TABLES];
	u32 tables;
	bool pae;
};

static struct space kernel[2], victim[2]; /* by PAE */
static struct space *round_space;
static u8 *frame[FRAMES], *codes[CODES], *code;
static bool own_tables; /* the window shows the round's page tables */

static void clear(void *page)
{
	u32 *p = page;

	for (u32 i = 0; i < PAGE_SIZE / 4; i++)
		p[i] = 0;
}

static void space_alloc(struct space *s)
{
	s->top = page_alloc();
	for (u32 i = 0; i < 4; i++)
		s->directory[i] = page_alloc();
	for (u32 i = 0; i < TABLES; i++)
		s->table[i] = page_alloc();
}

static void space_begin(struct space *s, bool pae)
{
	s->pae = pae;
	s->tables = 0;
	clear(s->top);
	for (u32 i = 0; i < 4; i++)
		clear(s->directory[i]);
	for (u32 i = 0; pae && i < 4; i++)
		((u64 *)s->top)[i] = (u32)s->directory[i] | PTE_P;
}

/* The directory entry of gla, with the 32-bit or 64-bit format of the space. */
static void *directory_entry(struct space *s, u32 gla)
{
	if (s->pae)
		return (u64 *)s->directory[gla >> 30] + (gla >> 21 & 511);
	return s->top + (gla >> 22);
}

static void set(const struct space *s, void *entry, u64 value)
{
	if (s->pae)
		*(volatile u64 *)entry = value;
	else
		*(volatile u32 *)entry = (u32)value;
}

static u64 get(const struct space *s, const void *entry)
{
	return s->pae ? *(const volatile u64 *)entry : *(const volatile u32 *)entry;
}

/* The page-table entry of gla; NULL: the space has no more tables. */
static void *table_entry(struct space *s, u32 gla)
{
	void *pde = directory_entry(s, gla);
	u32 table;

	if (!(get(s, pde) & PTE_P)) {
		if (s->tables == TABLES)
			return NULL;
		clear(s->table[s->tables]);
		set(s, pde, (u32)s->table[s->tables++] | PTE_P | PTE_W | PTE_U);
	}
	if (get(s, pde) & PTE_PS)
		return NULL;
	table = (u32)get(s, pde) & ~0xfffu;
	if (table < IMAGE_START || table >= GUEST_RAM) /* random code was here */
		return NULL;
	return s->pae ? (void *)((u64 *)table + (gla >> 12 & 511))
		      : (void *)((u32 *)table + (gla >> 12 & 1023));
}

static void space_map(struct space *s, u32 gla, u64 value)
{
	void *pte = table_entry(s, gla);

	if (pte)
		set(s, pte, value);
}

/* The kernel, at its own addresses; text is read-only for a round. */
static void map_kernel(struct space *s, u32 start, u32 text)
{
	for (u32 gpa = start; gpa < GUEST_RAM; gpa += PAGE_SIZE)
		space_map(s, gpa, gpa | PTE_P | (gpa < text ? 0 : PTE_W));
}

void chaos_paging_init(void)
{
	for (u32 i = 0; i < 2; i++) {
		space_alloc(&kernel[i]);
		space_begin(&kernel[i], i);
		map_kernel(&kernel[i], 0, 0);
	}
	for (u32 i = 0; i < 2; i++)
		space_alloc(&victim[i]);
	for (u32 i = 0; i < FRAMES; i++)
		frame[i] = page_alloc();
	for (u32 i = 0; i < CODES; i++) {
		codes[i] = page_alloc();
		for (u32 page = 1; page < CODE_PAGES; page++)
			page_alloc();
		chaos_fill_code(codes[i], CODE_PAGES * PAGE_SIZE);
	}
	code = codes[0];
}

void chaos_next_frame(bool clean)
{
	code = codes[clean ? 1 + chaos_random() % (CODES - 1) : 0];
}

u8 *chaos_code_frame(void)
{
	return code;
}

u32 chaos_kernel_cr3(bool pae)
{
	return (u32)kernel[pae].top;
}

/* Where a page of the window leads. */
static u64 random_frame(void)
{
	static const u32 odd[] = { 0xa0000, 0xb8000,  0xc0000,	  0xe0000,
				   0xf0000, 0x800000, 0xfee00000, 0xfffff000 };

	if (chaos_one_in(12))
		return chaos_pick(odd, COUNT(odd));
	if (chaos_one_in(12))
		return (u32)code + chaos_random() % CODE_PAGES * PAGE_SIZE;
	if (own_tables && chaos_one_in(16))
		return (u32)(chaos_one_in(3) ? round_space->top
					     : round_space->table[chaos_random() % TABLES]);
	return (u32)frame[chaos_random() % FRAMES];
}

static u64 random_entry(const struct space *s)
{
	u64 e = random_frame() | (chaos_random() & 0xfff & ~(PTE_P | PTE_PS));

	if (!chaos_one_in(8))
		e |= PTE_P;
	if (!chaos_one_in(4))
		e |= PTE_W;
	if (!chaos_one_in(4))
		e |= PTE_U;
	if (s->pae && chaos_one_in(6))
		e |= PTE_NX;
	if (s->pae && chaos_one_in(64))
		e |= RESERVED;
	return e;
}

static void map_large(struct space *s, u64 rights)
{
	u64 e = LARGE_FRAME | PTE_P | PTE_PS | (rights & (PTE_W | PTE_U | PTE_A | PTE_D | PTE_G));

	set(s, directory_entry(s, LARGE), e);
}

/* All of it anew: a round can have damaged any of it. */
static void rebuild(struct space *s, bool pae)
{
	space_begin(s, pae);
	map_kernel(s, IMAGE_START, (u32)text_end);
	for (u32 i = 0; i < WINDOW_PAGES; i++)
		space_map(s, WINDOW + i * PAGE_SIZE, random_entry(s));
}

u32 chaos_build_space(const struct chaos_mode *m)
{
	u64 rights = PTE_P | PTE_W | (m->ring == 3 || m->v86 ? PTE_U : 0);
	struct space *s = &victim[m->pae];

	round_space = s;
	own_tables = chaos_one_in(m->ring == 3 ? 3 : 12);
	if (!s->tables || chaos_one_in(REBUILD))
		rebuild(s, m->pae);
	for (u32 i = 0; i < CODE_PAGES; i++) {
		space_map(s, CODE + i * PAGE_SIZE, ((u32)code + i * PAGE_SIZE) | rights);
		space_map(s, LOW_CODE + i * PAGE_SIZE, ((u32)code + i * PAGE_SIZE) | rights);
	}
	for (u32 i = 0; i < STACK_PAGES; i++)
		space_map(s, STACK + i * PAGE_SIZE, (u32)frame[i] | rights);
	for (u32 i = 0; i < WINDOW_PAGES; i++)
		if (chaos_one_in(4))
			space_map(s, WINDOW + i * PAGE_SIZE, random_entry(s));
	space_map(s, TOP_PAGE, random_entry(s));
	map_large(s, chaos_random());
	if (chaos_one_in(8))
		set(s, directory_entry(s, LARGE + 0x10000000), random_entry(s));
	return (u32)s->top;
}

bool chaos_change_page(u32 gla)
{
	void *pte;

	if (gla - WINDOW >= WINDOW_PAGES * PAGE_SIZE && gla < TOP_PAGE)
		return false;
	pte = table_entry(round_space, gla);
	if (!pte)
		return false;
	if (chaos_one_in(2)) /* what a kernel does at a fault: all rights */
		set(round_space, pte, (u32)frame[chaos_random() % FRAMES] | PTE_P | PTE_W | PTE_U);
	else
		set(round_space, pte, random_entry(round_space));
	if (!chaos_one_in(4))
		__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
	return true;
}

bool chaos_user_may(u32 gla, bool write)
{
	u64 want = PTE_P | PTE_U | (write ? PTE_W : 0);
	u64 pde = get(round_space, directory_entry(round_space, gla));
	u32 table = (u32)pde & ~0xfffu;
	u64 pte;

	if ((pde & want) != want)
		return false;
	if (pde & PTE_PS || table >= GUEST_RAM)
		return true;
	pte = round_space->pae ? ((volatile u64 *)table)[gla >> 12 & 511]
			       : ((volatile u32 *)table)[gla >> 12 & 1023];
	return (pte & want) == want;
}

u32 chaos_cr4(void)
{
	return CR4_PSE | CR4_OSFXSR | CR4_OSXMMEXCPT | (round_space->pae ? CR4_PAE : 0);
}

/*
 * Paging goes off for a moment: the kernel's address space is the identity. CR0 and CR4 are known
 * afterwards, whatever a round has left in them.
 */
void chaos_switch_paging(bool pae)
{
	u32 cr0 = CR0_PE | CR0_ET | CR0_NE, cr4 = CR4_PSE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (pae)
		cr4 |= CR4_PAE;
	__asm__ volatile(
		"mov %0, %%cr0; mov %1, %%cr4; mov %2, %%cr3; mov %3, %%cr0; jmp 1f; 1:" ::"r"(cr0),
		"r"(cr4), "r"(chaos_kernel_cr3(pae)), "r"(cr0 | CR0_PG)
		: "memory");
}
