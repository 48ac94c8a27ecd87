/* SPDX-License-Identifier: MIT */
/*
 * A monitor of V86 mode, as EMM386 is one, with one program (v8086_code.asm) that it runs at IOPL 0
 * and 3, without and with CR4.VME: interrupts reflected, flags and ports emulated, timer interrupts
 * passed on, expanded memory by page tables, and VCPI. The program finds the same each time.
 *
 * How often it traps is for reading only with VME, which TCG does not have.
 */
#include "zoo/lib/zoo.h"

#define BASE	     0x30000u
#define STACK_SEG    0x4000u
#define RESULT_COUNT 12u
#define RESULT_STEPS 9u /* of these: the addresses of the single steps */
#define EMS_FRAME    0xe0000u
#define EMS_PAGES    0x400000u
#define OWN_PAGE     0x00c00000u /* of the VCPI client's tables */
#define V86_TSS	     FREE
#define SERVER_CS    KCS
#define VM	     BIT(17)
#define VIF	     BIT(19)
#define VIP	     BIT(20)
#define IOPL3	     0x3000u
#define CR4_VME	     1u
#define FLAGS_SEEN   0x4ed5u /* that the program may change */
#define INT21	     0x21u

const char guest_name[] = "v8086";

struct v86_frame {
	struct guest_frame f;
	u32 es, ds, fs, gs;
};

struct v86_tss {
	struct guest_tss t;
	u8 redirection[32], ports[8192], last;
};

extern u32 v86_way[9], server_flags, tss_selector;
extern struct {
	u16 limit;
	u32 base;
} __attribute__((packed)) server_gdtr, server_idtr;
extern const u8 dos_begin[], dos_end[];
void v86_go(u32), vcpi_enter(u32), vcpi_server(void);

static struct v86_tss *task;
static u32 iopl, owed, device_sum, device_next;
static u32 traps[256]; /* by the byte of the instruction; [0]: timer */
static bool vme, if_flag;
static u32 *client_directory, *client_table, *client_page;

/* --- The virtual IF, where it is with this IOPL and VME */

static bool get_if(const struct v86_frame *v)
{
	return iopl == 3 ? v->f.eflags & EFLAGS_IF : vme ? v->f.eflags & VIF : if_flag;
}

static void put_if(struct v86_frame *v, bool on)
{
	u32 bit = iopl == 3 ? EFLAGS_IF : VIF;

	if (iopl == 3 || vme)
		v->f.eflags = on ? v->f.eflags | bit : v->f.eflags & ~bit;
	else
		if_flag = on;
}

static u8 *at(u32 segment, u32 offset)
{
	return (u8 *)(segment * 16 + (offset & 0xffff));
}

static void push16(struct v86_frame *v, u32 word)
{
	v->f.esp = (v->f.esp - 2) & 0xffff;
	*(u16 *)at(v->f.ss, v->f.esp) = (u16)word;
}

static u32 pop16(struct v86_frame *v)
{
	u32 word = *(u16 *)at(v->f.ss, v->f.esp);

	v->f.esp = (v->f.esp + 2) & 0xffff;
	return word;
}

static u32 image_of(const struct v86_frame *v)
{
	return (v->f.eflags & ~(EFLAGS_IF | IOPL3) & 0xffff) | IOPL3 | (get_if(v) ? EFLAGS_IF : 0);
}

static void set_image(struct v86_frame *v, u32 image)
{
	u32 mine = FLAGS_SEEN & ~EFLAGS_IF;

	v->f.eflags = (v->f.eflags & ~(mine | EFLAGS_TF)) | (image & (mine | EFLAGS_TF));
	put_if(v, image & EFLAGS_IF);
}

static void reflect(struct v86_frame *v, u32 vector)
{
	push16(v, image_of(v));
	push16(v, v->f.cs);
	push16(v, v->f.eip);
	v->f.eip = *(u16 *)at(0, vector * 4);
	v->f.cs = *(u16 *)at(0, vector * 4 + 2);
	v->f.eflags &= ~EFLAGS_TF;
	put_if(v, false);
}

/* A timer interrupt that the program was not ready for. */
static void pay(struct v86_frame *v)
{
	v->f.eflags &= ~VIP;
	if (owed && get_if(v)) {
		owed = 0;
		reflect(v, 8);
	} else if (owed && vme && iopl < 3) {
		v->f.eflags |= VIP; /* STI and its like will trap */
	}
}

/* --- Services of INT 67h */

static void map_pages(u32 gla, u32 gpa, u32 count)
{
	for (u32 i = 0; i < count; i++)
		map(gla + i * PAGE_SIZE, gpa + i * PAGE_SIZE, PTE_P | PTE_W | PTE_U);
}

/* At IOPL 3 the 8259 keeps it, as the program's IF is the real one. */
static void wait_owed(void)
{
	outb(0x20, 0x0a);
	while (iopl == 3 && !(inb(0x20) & 1))
		;
	while (iopl < 3 && !owed)
		__asm__ volatile("sti; nop; cli" ::: "memory");
}

static void vcpi_interface(struct v86_frame *v)
{
	u64 *gdt = (u64 *)at(v->ds, v->f.esi);

	gdt[0] = zoo_gdt[SERVER_CS / 8];
	gdt[1] = zoo_gdt[KDS / 8];
	gdt[2] = zoo_gdt[KDS / 8];
	for (u32 i = 0; i < 1024; i++)
		client_directory[i] = page_directory[i];
	client_directory[OWN_PAGE >> 22] = (u32)client_table | PTE_P | PTE_W;
	v->f.ebx = (u32)vcpi_server;
	v->f.edx = (u32)client_directory;
}

static void service(struct v86_frame *v)
{
	u32 ah = v->f.eax >> 8 & 0xff, al = v->f.eax & 0xff;

	switch (ah) {
	case 0x44:
		map_pages(EMS_FRAME + al * 0x4000, EMS_PAGES + (v->f.ebx & 0xffff) * 0x4000, 4);
		break;
	case 0x80: /* until a timer interrupt is owed */
		wait_owed();
		break;
	case 0xde:
		if (al == 1)
			vcpi_interface(v);
		else
			vcpi_enter(v->f.esi);
	}
}

/* --- The device at 300h and E8h */

static u32 device_in(u32 port, u32 size)
{
	device_next = device_next * 5 + port + size;
	return size == 4 ? device_next : device_next & ((1u << size * 8) - 1);
}

static void device_out(u32 port, u32 size, u32 value)
{
	device_sum = digest(device_sum, port << 8 | size);
	device_sum = digest(device_sum, size == 4 ? value : value & ((1u << size * 8) - 1));
	device_next ^= value & 0xff;
}

static void port_access(struct v86_frame *v, u8 code, u32 port, u32 wide)
{
	u32 size = code & 1 ? wide : 1, mask = size == 4 ? ~0u : (1u << size * 8) - 1;

	if (code & 2)
		device_out(port, size, v->f.eax);
	else
		v->f.eax = (v->f.eax & ~mask) | device_in(port, size);
}

static void port_string(struct v86_frame *v, u8 code, u32 wide, bool rep)
{
	u32 size = code & 1 ? wide : 1, count = rep ? v->f.ecx & 0xffff : 1, value = 0;

	for (; count; count--) {
		u8 *byte = code & 2 ? at(v->ds, v->f.esi) : at(v->es, v->f.edi);

		if (!(code & 2))
			value = device_in(v->f.edx & 0xffff, size);
		for (u32 i = 0; i < size; i++) {
			if (code & 2)
				value = i ? value | (u32)byte[i] << i * 8 : byte[i];
			else
				byte[i] = (u8)(value >> i * 8);
		}
		if (code & 2) {
			device_out(v->f.edx & 0xffff, size, value);
			v->f.esi += size;
		} else {
			v->f.edi += size;
		}
		if (rep)
			v->f.ecx--;
	}
}

/* --- Traps */

static u32 real_int(struct v86_frame *v, u32 vector)
{
	if (vector == 0x20)
		return false;
	if (vector == 0x67)
		service(v);
	else
		reflect(v, vector);
	return true;
}

static void halt(void)
{
	while (!*(volatile u32 *)&owed)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

static bool emulate(struct v86_frame *v)
{
	const u8 *code = at(v->f.cs, v->f.eip), *first = code;
	u32 wide = 2, word;
	bool rep = false;

	for (; *code == 0x66 || *code == 0xf3; code++)
		*code == 0x66 ? (wide = 4) : (rep = true);
	traps[*code]++;
	v->f.eip += (u32)(code - first) + 1;
	switch (*code) {
	case 0xcd:
		v->f.eip++;
		if (!real_int(v, code[1]))
			return false;
		break;
	case 0xcf:
		v->f.eip = pop16(v);
		v->f.cs = pop16(v);
		word = pop16(v);
		set_image(v, word);
		break;
	case 0x9c:
		push16(v, image_of(v));
		break;
	case 0x9d:
		set_image(v, pop16(v));
		break;
	case 0xfa:
	case 0xfb:
		put_if(v, *code & 1);
		break;
	case 0xf4:
		halt();
		break;
	case 0xe4:
	case 0xe6:
		v->f.eip++;
		port_access(v, *code, code[1], wide);
		break;
	case 0xec:
	case 0xed:
	case 0xee:
	case 0xef:
		port_access(v, *code, v->f.edx & 0xffff, wide);
		break;
	case 0x6d:
	case 0x6e:
		port_string(v, *code, wide, rep);
		break;
	default:
		return false;
	}
	pay(v);
	return true;
}

static bool on_protection(struct guest_frame *f)
{
	struct v86_frame *v = (struct v86_frame *)f;

	if (!(f->eflags & VM))
		return false;
	if (!f->error)
		return emulate(v);
	/* IOPL 3: INT n whose gate is not the program's */
	traps[0xcd]++;
	f->eip += 2;
	if (!real_int(v, f->error >> 3))
		return false;
	pay(v);
	return true;
}

/* INT 21h at IOPL 3 through a gate of its own; single steps of the program. */
static bool on_own_vector(struct guest_frame *f)
{
	if (!(f->eflags & VM))
		return false;
	traps[f->vector]++;
	reflect((struct v86_frame *)f, f->vector);
	return true;
}

static bool on_timer(struct guest_frame *f)
{
	struct v86_frame *v = (struct v86_frame *)f;

	outb(0x20, 0x20);
	traps[0]++;
	owed = 1;
	if (!(f->eflags & VM))
		return true;
	pay(v);
	return true;
}

/* --- A run */

static void make_task(void)
{
	task = page_alloc();
	page_alloc(); /* its ports lie in this one, and in the next */
	page_alloc();
	task->t = tss;
	task->t.iomap = __builtin_offsetof(struct v86_tss, ports);
	for (u32 i = 0; i < 32; i++)
		task->redirection[i] = 0;
	task->redirection[0x20 / 8] |= 1;
	task->redirection[0x67 / 8] |= 0x80;
	task->ports[0x300 / 8] = 0x0f;
	task->ports[0xe8 / 8] = 0x03;
	task->last = 0xff;
	set(V86_TSS, (u32)task, sizeof(*task) - 1, TSS32);
	__asm__ volatile("ltr %w0" ::"r"(V86_TSS));
}

static void run(u32 level, bool with_vme)
{
	const char *indent = with_vme ? "  " : "";
	const u16 *results = (const u16 *)(BASE + 0x1800);
	u32 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" ::"r"((cr4 & ~CR4_VME) | with_vme));
	iopl = level;
	vme = with_vme;
	if_flag = false;
	owed = device_sum = device_next = 0;
	for (u32 i = 0; i < 256; i++)
		traps[i] = 0;
	for (u32 i = 0; i < (u32)(dos_end - dos_begin); i++)
		((u8 *)BASE)[i] = dos_begin[i];
	map_pages(EMS_FRAME, EMS_FRAME, 16);
	*client_page = 0x1111;
	v86_way[1] = BASE >> 4;
	v86_way[2] = VM | 2 | level << 12 | (level < 3 ? EFLAGS_IF : 0);
	v86_way[3] = 0x1000;
	v86_way[4] = STACK_SEG;
	server_flags = v86_way[2];
	print("IOPL %u%s:", level, with_vme ? ", VME" : "");
	timer_start(1000);
	say_end(attempt(v86_go, 0));
	outb(0x21, 0xff);
	for (u32 i = 0; i < RESULT_COUNT; i++)
		if (i != RESULT_STEPS)
			print(" %x", results[i]);
	print("\r\n");
	print("device %x\r\n", device_sum);
	print("%straps: int %u pushf %u ports %u int 21h %u steps %x\r\n", indent, traps[0xcd],
	      traps[0x9c],
	      traps[0xec] + traps[0xed] + traps[0xee] + traps[0xef] + traps[0xe4] + traps[0xe6],
	      traps[INT21], results[RESULT_STEPS]);
}

static void make_client(void)
{
	client_directory = page_alloc();
	client_table = page_alloc();
	client_page = page_alloc();
	client_table[OWN_PAGE >> 12 & 1023] = (u32)client_page | PTE_P | PTE_W;
}

void guest_main(void)
{
	zoo_begin(dos_begin);
	make_client();
	make_task();
	__asm__ volatile("sgdt %0; sidt %1" : "=m"(server_gdtr), "=m"(server_idtr));
	tss_selector = V86_TSS;
	idt_set(INT21, KCS, (u32)trap_stubs + INT21 * 16, 0xee);
	trap_hook[13] = on_protection;
	trap_hook[INT21] = on_own_vector;
	trap_hook[1] = on_own_vector;
	trap_hook[0x20] = on_timer;
	for (u32 with_vme = 0; with_vme < 2; with_vme++)
		for (u32 level = 0; level < 4; level += 3)
			run(level, with_vme);
}
