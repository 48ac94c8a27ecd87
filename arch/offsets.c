/* SPDX-License-Identifier: MIT */
/*
 * What the assembly files need of C's structures, for build/mon/offsets.inc: compiled to assembly
 * text, from which boot/monitor.mk takes the lines that DEFINE leaves. Not linked.
 */
#include "arch/cpu/percpu.h"
#include "arch/trap/trap.h"

#define DEFINE(name, value) __asm__ volatile("#define " #name " %c0" ::"i"(value))

static void __attribute__((used)) offsets(void)
{
	DEFINE(PERCPU_STACK_SIZE, PERCPU_STACK_SIZE);
	DEFINE(TRAP_STUB_SIZE, TRAP_STUB_SIZE);
	DEFINE(FRAME_RIP, offsetof(struct trap_frame, rip));
	DEFINE(FRAME_CS, offsetof(struct trap_frame, cs));
	DEFINE(FRAME_RFLAGS, offsetof(struct trap_frame, rflags));
	DEFINE(FRAME_RSP, offsetof(struct trap_frame, rsp));
	DEFINE(FRAME_SS, offsetof(struct trap_frame, ss));
}
