/* SPDX-License-Identifier: MIT */
/*
 * 32-bit code in this 64-bit process, on the processor that we run on, in compatibility mode:
 *
 *   native_find(), handlers by native_watch(), native_enter(), and from a handler native_leave()
 *
 * The code segment is Linux's 32-bit one for programs, or else one of the process's own in the LDT.
 * A host may have neither (32-bit emulation off, and no LDT in a virtual machine's kernel). NATIVE
 * in the environment allows one way only: user, ldt, or none of them.
 */
#pragma once

#include "kernel/base/types.h"

struct native_entry {
	u32 gpr[8]; /* ESP is taken from esp */
	u32 eip, eflags, esp;
};

/* Tries what there is, in a child process. False: native_reason() says why nothing works. */
bool native_find(void);
const char *native_reason(void);
u16 native_selector(void); /* of the code segment */

/* Enters 32-bit code with this x87 and SSE state (as FXSAVE lays it out); comes back when a signal
 * handler has called native_leave(). */
void native_enter(const struct native_entry *e, const u8 *fx);

/* context: of a signal, a ucontext_t. Whether the signal is 32-bit code's. */
bool native_inside(const void *context);
void native_leave(void *context);

/* 32-bit system calls become SIGSYS in this process, once and for all; fn handles it. Where the
 * host has none, INT 80h is #GP. Returns false if the host has no such filter. */
bool native_forbid_syscalls(void (*fn)(int sig, void *info, void *context));
