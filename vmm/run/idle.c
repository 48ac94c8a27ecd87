/* SPDX-License-Identifier: MIT */
/*
 * Programs that wait by asking.
 */
#include "vmm/run/idle.h"

#include "kernel/hw/i8042_regs.h"
#include "kernel/time/clock.h"
#include "vmm/state/vm.h"

#define GIVE_UP 0x1680u /* AX of INT 2Fh: a program gives up its time */
/* The status of COM1 to COM4: 3FDh, 2FDh, 3EDh, 2EDh. */
#define COM_STATUS_MASK 0xfeefu
#define COM_STATUS	0x02edu

static bool is_question(const struct cpu *cpu, u8 vector)
{
	u16 ax = (u16)cpu->gpr[REG_EAX];

	switch (vector) {
	case 0x16: /* keyboard status, of 84 and of 101 keys */
		return ax >> 8 == 0x01 || ax >> 8 == 0x11;
	case 0x28: /* DOS waits for a key */
		return true;
	case 0x2f:
		return ax == GIVE_UP;
	}
	return false;
}

/* All registers, and where. */
static u64 looks(const struct cpu *cpu, u32 what)
{
	u64 h = what;

	for (unsigned i = 0; i < 8; i++)
		h = (h ^ cpu->gpr[i]) * 0x9e3779b97f4a7c15ull;
	h = (h ^ cpu->eip) * 0x9e3779b97f4a7c15ull;
	return h ^ (u64)cpu->seg[SEG_CS].sel << 16 ^ cpu->seg[SEG_SS].sel;
}

static void question(struct vcpu *v, u32 what)
{
	struct idle *i = &v->idle;
	u64 now = looks(&v->cpu, what) + i->writes;

	i->same = now == i->last ? i->same + 1 : 0;
	i->last = now;
	if (i->same < IDLE_POLLS)
		return;
	i->same -= 2; /* if it goes on like that */
	i->until = clock_now() + IDLE_NS;
	i->dozes++;
	recomp_signal(&v->cpu, CPU_EVENT_YIELD);
}

void idle_soft_int(struct vcpu *v, u8 vector)
{
	if (is_question(&v->cpu, vector))
		question(v, vector);
}

void idle_port_read(struct vcpu *v, u16 port)
{
	if (port == I8042_COMMAND_PORT || (port & COM_STATUS_MASK) == COM_STATUS)
		question(v, BIT(16) | port);
}

bool idle_dozes(struct vcpu *v)
{
	const u32 wake = CPU_EVENT_INTR | CPU_EVENT_NMI;

	if (!v->idle.until)
		return false;
	if (!(v->cpu.events & wake) && clock_now() < v->idle.until)
		return true;
	v->idle.until = 0;
	return false;
}
