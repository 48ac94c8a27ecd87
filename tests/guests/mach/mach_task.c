/* SPDX-License-Identifier: MIT */
/*
 * A task that GNU Mach starts from its boot script, in place of a Hurd: `task HOST_PORT
 * DEVICE_PORT`. It uses what Mach makes of the processor, a line for each: traps behind a call
 * gate, memory copied when it is written, threads that share the time and the FPU, segments in LDT
 * and GDT, ports by the bitmap of the TSS, faults that come as messages; then the drives and the
 * keyboard. It ends with a reset. tests/boot/systems.py runs it.
 */
#include "mach.h"

#define PAGE  4096u
#define STACK 16384u

#define LDT_SELECTOR 0x47u

extern void (*const faults[])(void), (*const faults_end[])(void);
u8 readonly_page[PAGE] __attribute__((aligned(PAGE)));
u32 segment_read(u32 selector, u32 offset);

static u32 host, master, task, console;

static u32 length(const char *text)
{
	u32 n = 0;

	while (text[n])
		n++;
	return n;
}

static void say(const char *text)
{
	device_write_inband(console, text, length(text));
}

static void say_number(u32 value)
{
	char text[9];

	for (u32 i = 0; i < 8; i++)
		text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
	text[8] = 0;
	say(text);
}

static void say_value(const char *name, u32 value)
{
	say(name);
	say_number(value);
	say("\r\n");
}

static void say_digit(const char *name, u32 value)
{
	char digit[2] = { "0123456789abcdef"[value & 15], 0 };

	say(name);
	say(digit);
}

/* A step of the task: what Mach answered that is not 0. */
static void check(const char *what, int error)
{
	if (error) {
		say("FAILED: ");
		say_value(what, (u32)error);
	}
}

static u32 parse(const char *text)
{
	u32 value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (u32)(*text++ - '0');
	return value;
}

static u32 sum(const void *data, u32 bytes)
{
	const u8 *p = data;
	u32 value = 1;

	while (bytes--)
		value = value * 33 + *p++;
	return value;
}

/* --- memory --- */

/* A copy that Mach makes only where one of the two is written. */
static void use_memory(void)
{
	const u32 size = 1u << 20;
	u32 *own, *copy, before;

	check("vm_allocate", vm_allocate(task, size, (void **)&own));
	for (u32 i = 0; i < size / 4; i++)
		own[i] = i * 2654435761u;
	before = sum(own, size);
	check("vm_read", vm_read(task, own, size, (void **)&copy));
	for (u32 i = 0; i < size / 4; i += 512)
		own[i] = ~own[i];
	say_value("memory: ", before);
	say(sum(copy, size) == before && sum(own, size) != before ? "copy on write: kept\r\n"
								  : "copy on write: LOST\r\n");
}

/* --- threads --- */

static u32 start_thread(void (*run)(void))
{
	u32 thread, state[STATE_WORDS];
	u8 *stack;

	check("vm_allocate", vm_allocate(task, STACK, (void **)&stack));
	check("thread_create", thread_create(task, &thread));
	check("thread_get_state", thread_get_registers(thread, state));
	state[STATE_EIP] = (u32)run;
	state[STATE_ESP] = (u32)stack + STACK - 16;
	check("thread_set_state", thread_set_registers(thread, state));
	check("thread_resume", thread_resume(thread));
	return thread;
}

static u32 ping, pong;

static void answer(void)
{
	static struct msg m;

	for (;;) {
		u32 value;

		msg_receive(&m, ping);
		value = m.body[1];
		msg_begin(&m, pong, 1);
		msg_int(&m, 3 * value + 1);
		msg_send(&m);
	}
}

static u32 new_port(void)
{
	u32 port = mach_reply_port();

	check("mach_port_insert_right", port_insert_send(task, port));
	return port;
}

static void use_messages(void)
{
	static struct msg m;
	u32 value = 1, thread;

	ping = new_port();
	pong = new_port();
	thread = start_thread(answer);
	for (int i = 0; i < 1000; i++) {
		msg_begin(&m, ping, 1);
		msg_int(&m, value);
		msg_send(&m);
		msg_receive(&m, pong);
		value = m.body[1];
	}
	check("thread_terminate", thread_terminate(thread));
	say_value("1000 messages: ", value);
	say(msg_receive_within(&m, pong, 100) == MSG_TIMED_OUT ? "silence: timed out\r\n"
							       : "silence: NO\r\n");
}

/* The sum of 1/k, rounded as the control word says. */
static double series(u16 control)
{
	double value = 0;

	asm volatile("fninit; fldcw %0" : : "m"(control));
	for (int k = 1; k < 20000; k++) {
		double term = 1.0 / k;

		value += term;
	}
	return value;
}

#define ROUND_DOWN 0x067f /* double precision, all masked */
#define ROUND_UP   0x0a7f

static volatile u32 rounds, spoilt;

static void count_down(void)
{
	double first = series(ROUND_DOWN);

	for (;;) {
		spoilt += series(ROUND_DOWN) != first;
		rounds++;
	}
}

/* Two threads that never wait: the clock takes the processor from each, with what is in its FPU. */
static void share_processor(void)
{
	double first = series(ROUND_UP);
	u32 thread = start_thread(count_down), turns = 0;

	while (turns < 4) {
		u32 before = rounds;

		while (rounds == before)
			spoilt += series(ROUND_UP) != first;
		turns++;
	}
	check("thread_terminate", thread_terminate(thread));
	say_value("taken in turns, floating point spoilt: ", spoilt);
}

/* --- segments and ports --- */

static const u32 table[4] = { 0x11111111, 0x22222222, 0x33333333, 0x44444444 };

/* A writable data segment of 4 KiB for ring 3. */
static void data_segment(u32 descriptor[2], u32 base)
{
	descriptor[0] = base << 16 | 0xfff;
	descriptor[1] = (base & 0xff000000) | 0x00400000 | 0xf200 | (base >> 16 & 0xff);
}

static void use_segments(void)
{
	u32 descriptor[2], selector = ~0u, self = mach_thread_self();

	data_segment(descriptor, (u32)table);
	check("i386_set_ldt", i386_set_ldt(self, LDT_SELECTOR, descriptor));
	say_value("LDT: ", segment_read(LDT_SELECTOR, 8));
	data_segment(descriptor, (u32)&table[1]);
	check("i386_set_gdt", i386_set_gdt(self, &selector, descriptor));
	say_value("GDT: ", segment_read(selector, 8));
	thread_switch(0, THREAD_WAIT, 20);
	say_value("after others ran: ", segment_read(selector, 4));
	segment_read(0x1f, (u32)table); /* the flat one again */
}

/* CMOS register 14h, equipment, with the ports allowed. take_faults() has tried without. */
static void use_ports(void)
{
	u32 permission;
	u8 value = 0;

	check("i386_io_perm_create", i386_io_perm_create(master, 0x70, 0x71, &permission));
	check("i386_io_perm_modify", i386_io_perm_modify(task, permission, 1));
	asm volatile("movb $0x14, %%al; outb %%al, $0x70; inb $0x71, %0" : "=a"(value));
	say_value("equipment by its ports: ", value & 0xf3u);
	check("i386_io_perm_modify", i386_io_perm_modify(task, permission, 0));
}

/* --- faults --- */

static void take_faults(void)
{
	const u32 count = (u32)(faults_end - faults);
	static struct msg m;
	u32 port = new_port(), state[STATE_WORDS], thread;
	u8 *stack;

	check("vm_allocate", vm_allocate(task, STACK, (void **)&stack));
	check("vm_protect", vm_protect(task, readonly_page, PAGE, PAGE_READ));
	check("thread_create", thread_create(task, &thread));
	check("thread_set_special_port", thread_set_exception_port(thread, port));
	for (u32 i = 0; i <= count; i++) {
		check("thread_get_state", thread_get_registers(thread, state));
		if (i) { /* where it stands, from where it began; two on a line */
			say_digit(" at ", state[STATE_EIP] - (u32)faults[i - 1]);
			say(i % 2 ? "    " : "\r\n");
		}
		if (i == count)
			break;
		state[STATE_EIP] = (u32)faults[i];
		state[STATE_ESP] = (u32)stack + STACK - 16;
		state[STATE_FLAGS] &= ~0x100u;
		check("thread_set_state", thread_set_registers(thread, state));
		if (!i) {
			check("thread_resume", thread_resume(thread));
		} else { /* the answer to exception_raise: go on */
			m.bits = PORT_MOVE_SEND_ONCE;
			m.reply = 0;
			m.id += 100;
			m.size = 24;
			msg_int(&m, 0);
			check("reply", msg_send(&m));
		}
		check("exception", msg_receive(&m, port));
		say_digit("exception ", m.body[5]);
		say_digit(" code ", m.body[7]);
		say(" of ");
		say_number(m.body[9]);
	}
	check("thread_terminate", thread_terminate(thread));
}

/* --- devices --- */

static void read_drive(const char *name, u32 record)
{
	u32 device, got;
	u8 *data;
	int error = device_open(master, 1, name, &device);

	say(name);
	if (!error)
		error = device_read(device, record, 8192, &data, &got);
	if (error)
		say_value(" FAILED: ", (u32)error);
	else
		say_value(": ", sum(data, got));
}

/* Mach's terminal gives keys as they come. */
static void read_line(const char *prompt)
{
	char line[64];
	u32 used = 0, bytes;

	say(prompt);
	do {
		bytes = sizeof(line) - used;
		check("device_read_inband", device_read_inband(console, &line[used], &bytes));
		used += bytes;
	} while (used < sizeof(line) && line[used - 1] != '\r' && line[used - 1] != '\n');
	say("you typed ");
	device_write_inband(console, line, used);
	say("\r\n");
}

int main(int argc, char **argv)
{
	static char version[512];

	if (argc < 3)
		for (;;)
			;
	host = parse(argv[1]);
	master = parse(argv[2]);
	task = mach_task_self();
	device_open(master, 3, "console", &console);
	check("host_kernel_version", host_kernel_version(mach_host_self(), version));
	say("\r\n=== ");
	say(version);
	say("\r\n");
	use_memory();
	use_messages();
	share_processor();
	use_segments();
	use_ports();
	take_faults();
	read_drive("fd0", 0);
	read_drive("hd0", 63);
	read_drive("hd2", 64);
	read_line("type> ");
	read_line("end> ");
	host_reboot(host);
	for (;;)
		;
}
