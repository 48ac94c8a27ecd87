/* SPDX-License-Identifier: MIT */
/*
 * gdb's protocol (emu/gdb) with anything at the line: whole packets with a right checksum, bytes
 * that are none, and a guest that stops, ends and changes its mode meanwhile. Steps are executed,
 * so registers and memory are used that gdb wrote.
 *
 * There are two guests, which share the processor.
 *
 * Each whole packet has one answer, or none while the guest runs. What goes out is packets whose
 * text is escaped, the guest's processor is in a state that a processor can be in, and in the
 * end a new gdb is answered as ever.
 *
 * Input: letters of what happens, each with what belongs to it; a text ends at byte FFh.
 */
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/stop_list.h"
#include "emu/gdb/gdb_stub.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_END 0xff
#define CODE	 0x6000u
#define TABLES	 0x8000u
#define MXCSR	 24 /* in the FXSAVE image, its mask behind it, which may be 0 */

#define MXCSR_BITS 0xffbfu

static struct gdb_stub g;
static struct gdb_guest guest, other;
static struct {
	char text[1 << 16];
	size_t len;
} heard;
static bool refuses, dead;

/* --- The guest's side */

static void op_put(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	if (heard.len + n > sizeof(heard.text))
		panic("an answer without end");
	memcpy(heard.text + heard.len, s, n);
	heard.len += n;
}

/* Points are the first guest's: they are kept for its processor only. */
static int op_add(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return t == &guest ? cpu_stop_add(t->cpu, stop) : E_FULL;
}

static int op_remove(struct gdb_guest *t, const struct cpu_stop *stop)
{
	return t == &guest ? cpu_stop_remove(t->cpu, stop) : E_NOENT;
}

static void op_forget(struct gdb_guest *t)
{
	struct cpu *cpu = t->cpu;

	while (t == &guest && cpu->stops.count) {
		const struct cpu_stop first = cpu->stops.at[0];

		if (cpu_stop_remove(cpu, &first))
			panic("a point that is there cannot go");
	}
}

static int op_go(struct gdb_guest *t)
{
	(void)t;
	return refuses ? E_INVAL : 0;
}

static int op_step(struct gdb_guest *t)
{
	if (refuses || dead)
		return E_INVAL;
	dead = !fuzz_step();
	gdb_guest_stopped(&g, t, dead ? GDB_STOP_FAULT : GDB_STOP_STEP, NULL);
	return 0;
}

static void op_stop(struct gdb_guest *t)
{
	gdb_guest_stopped(&g, t, GDB_STOP_ASKED, NULL);
}

static void op_attached(struct gdb_guest *t, bool on)
{
	if (on != t->attached)
		panic("attached %d", on);
}

static void op_kill(struct gdb_guest *t)
{
	gdb_guest_stopped(&g, t, GDB_STOP_ENDED, NULL);
}

static int op_restart(struct gdb_guest *t)
{
	if (refuses)
		return E_BUSY;
	gdb_guest_stopped(&g, t, GDB_STOP_STEP, NULL);
	return 0;
}

static void op_command(void *ctx, struct gdb_guest *t, const char *line)
{
	(void)ctx;
	(void)t;
	gdb_print(&g.packet, line, strlen(line));
}

static void op_fpu(struct gdb_guest *t, bool changed)
{
	(void)t;
	(void)changed;
}

static const struct gdb_ops ops = {
	.put = op_put,
	.add = op_add,
	.remove = op_remove,
	.forget_points = op_forget,
	.go = op_go,
	.step = op_step,
	.stop = op_stop,
	.attached = op_attached,
	.kill = op_kill,
	.restart = op_restart,
	.command = op_command,
	.fpu = op_fpu,
};

/* --- What came out */

static unsigned digit(char c)
{
	const char *at = c ? strchr("0123456789abcdef", c) : NULL;

	if (!at)
		panic("no checksum: %.60s", heard.text);
	return (unsigned)(at - "0123456789abcdef");
}

/* Answers of what was heard, without what a command printed. */
static unsigned answers(void)
{
	const char *p = heard.text, *end = p + heard.len;
	unsigned n = 0;

	while (p < end) {
		u8 sum = 0;

		if (*p == '+' || *p == '-') {
			p++;
			continue;
		}
		if (*p++ != '$')
			panic("no packet: %.60s", heard.text);
		n += *p != 'O' || p[1] == 'K';
		for (; p < end && *p != '#'; p++) {
			if (strchr("$*", *p))
				panic("%c in an answer", *p);
			sum = (u8)(sum + (u8)*p);
		}
		if (end - p < 3 || digit(p[1]) * 16 + digit(p[2]) != sum)
			panic("the checksum is not that of %.60s", heard.text);
		p += 3;
	}
	return n;
}

/* SDM 3A 2.3, 2.5; SDM 1 11.6.6. */
static void check_guest(void)
{
	const struct cpu *cpu = &fuzz_machine.cpu;
	u32 mxcsr, mask;

	memcpy(&mxcsr, cpu->fpu.image + MXCSR, sizeof(mxcsr));
	memcpy(&mask, cpu->fpu.image + MXCSR + 4, sizeof(mask));
	if (!(cpu->eflags & EFLAGS_ONE) || (cpu->eflags & EFLAGS_IF) || (cpu->vif & ~EFLAGS_IF))
		panic("EFLAGS %x, IF %x", cpu->eflags, cpu->vif);
	if ((cpu->cr0 & CR0_PG) && !(cpu->cr0 & CR0_PE))
		panic("CR0 %x", cpu->cr0);
	if (cpu->cpl > 3 || (!(cpu->cr0 & CR0_PE) && cpu->cpl) ||
	    (mxcsr & ~(mask ? mask : MXCSR_BITS)))
		panic("CPL %u, CR0 %x, MXCSR %x", cpu->cpl, cpu->cr0, mxcsr);
	if (cpu->stops.count > CPU_STOPS)
		panic("%u points", cpu->stops.count);
}

static void feed(const void *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gdb_stub_input(&g, ((const u8 *)s)[i]);
}

/* --- What happens */

static u8 text[2 * GDB_PACKET], framed[sizeof(text) * 2 + 4];

static size_t take_text(struct fuzz_input *in)
{
	size_t n = 0;

	while (in->p < in->end && n < sizeof(text)) {
		u8 byte = *in->p++;

		if (byte == TEXT_END)
			break;
		text[n++] = byte;
	}
	return n;
}

static void send_packet(const u8 *s, size_t len)
{
	size_t n = 0;
	u8 sum = 0;

	framed[n++] = '$';
	for (size_t i = 0; i < len; i++) {
		if (strchr("$#}", s[i]) && s[i]) {
			framed[n++] = '}';
			framed[n++] = s[i] ^ 0x20;
		} else {
			framed[n++] = s[i];
		}
	}
	for (size_t i = 1; i < n; i++)
		sum = (u8)(sum + framed[i]);
	framed[n++] = '#';
	framed[n++] = (u8) "0123456789abcdef"[sum >> 4];
	framed[n++] = (u8) "0123456789abcdef"[sum & 15];
	feed(framed, n);
}

/* While the guest runs a packet first stops it, which is told to all but a new gdb. */
static void whole_packet(struct fuzz_input *in)
{
	size_t len = take_text(in);
	unsigned n, stops, own;

	if (g.packet.state != GDB_OUTSIDE) { /* it would belong to what came before */
		feed("#00", 3);
		heard.len = 0;
	}
	stops = g.going;
	send_packet(text, len);
	n = answers();
	own = g.going || text[0] == 'k' ? 0 : 1;
	if (len && len <= GDB_PACKET && n != own && n != own + stops)
		panic("%u answers to %.*s", n, (int)len, text);
}

static void guest_stops(struct fuzz_input *in)
{
	const struct cpu_stop data = { .gla = fuzz_u32(in),
				       .len = 4,
				       .kind = fuzz_u8(in) % STOP_KINDS };
	u8 how = fuzz_u8(in);

	gdb_guest_stopped(&g, how & 8 ? &other : &guest, (enum gdb_stop)(how & 3),
			  how & 4 ? &data : NULL);
	if (answers() > 1)
		panic("one stop, told twice");
}

/* Real mode, 16-bit code, or CPL 3; and tables that lie where gdb writes. */
static void guest_changes(struct fuzz_input *in)
{
	struct cpu *cpu = &fuzz_machine.cpu;
	u8 how = fuzz_u8(in);

	cpu->cr0 = how & 1 ? CR0_PE | CR0_ET | CR0_NE : CR0_ET | CR0_NE;
	fuzz_flat(how & 1 && how & 2 ? 3 : 0);
	if (!(how & 1) || how & 4)
		cpu->seg[SEG_CS] = (struct cpu_segment){ 0x600, 0x9b, CODE, 0xffff };
	cpu->eip = how & 8 ? 0 : CODE;
	cpu->gdtr = cpu->idtr = (struct cpu_table){ TABLES, 0x7ff };
	cpu->env->paging_changed(cpu, PAGING_CR0);
	refuses = how & 16;
}

static void begin(void)
{
	fuzz_reset();
	fuzz_machine.cpu.cr0 = CR0_PE | CR0_ET | CR0_NE;
	fuzz_flat(0);
	fuzz_machine.cpu.eip = CODE;
	fuzz_machine.cpu.env->paging_changed(&fuzz_machine.cpu, PAGING_CR0);
	gdb_stub_init(&g, &ops, NULL);
	gdb_guest_add(&g, &guest, &fuzz_machine.cpu, "one");
	gdb_guest_add(&g, &other, &fuzz_machine.cpu, "<&>#}$*");
	op_forget(&guest);
	refuses = dead = false;
}

/* Another gdb comes, whatever the one before has left. */
static void end(void)
{
	refuses = false;
	feed("#00#00", 6);
	heard.len = 0;
	send_packet((const u8 *)"qSupported", 10);
	send_packet((const u8 *)"vCont?", 6);
	if (answers() != 2 || g.packet.no_ack)
		panic("a new gdb is not answered");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, data + size };

	begin();
	while (in.p < in.end) {
		heard.len = 0;
		switch (fuzz_u8(&in) & 3) {
		case 0:
			whole_packet(&in);
			break;
		case 1:
			feed(text, take_text(&in));
			answers();
			break;
		case 2:
			guest_stops(&in);
			break;
		case 3:
			guest_changes(&in);
			break;
		}
		check_guest();
	}
	end();
	return 0;
}
