/* SPDX-License-Identifier: MIT */
/*
 * The real processor: the flat image in this process, entered as tests/host/native.h does. The
 * program's first INT 80h ends it: a filtered system call, or #GP where the host has none. The
 * program has counted its cycles by then.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/bench/recompiler/bench.h"
#include "tests/host/native.h"

static volatile bool ended;
static u32 result[3]; /* as guest/start.asm writes it: checksum, cycles */

static void on_end(int sig, void *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	if (!native_inside(context)) {
		signal(sig, SIG_DFL);
		return;
	}
	ended = sig == SIGSYS || *(const u16 *)g[REG_RIP] == 0x80cd;
	if (ended)
		memcpy(result, (const void *)(u64)(u32)g[REG_RCX], sizeof(result));
	native_leave(context);
}

static bool catch (void)
{
	static u8 stack[64 * KiB] __attribute__((aligned(16)));
	struct sigaction sa = { .sa_sigaction = (void (*)(int, siginfo_t *, void *))on_end,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };

	return !sigaltstack(&alternate, NULL) && !sigaction(SIGSEGV, &sa, NULL) &&
	       !sigaction(SIGILL, &sa, NULL) && native_forbid_syscalls(on_end);
}

struct measure measure_native(const struct program *p)
{
	static u8 fx[512] __attribute__((aligned(16)));
	struct native_entry e = { .eip = IMAGE_BASE, .eflags = 2 };
	size_t size;
	u8 *image = image_read(p, &size);
	void *at = mmap((void *)(u64)IMAGE_BASE, size, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at != (void *)(u64)IMAGE_BASE || !native_find() || !catch ()) {
		fprintf(stderr, "%s: natively: cannot be set up\n", p->path);
		return (struct measure){ 0 };
	}
	memcpy(at, image, size);
	free(image);
	__asm__ volatile("fxsave64 %0" : "=m"(fx));
	native_enter(&e, fx);
	if (!ended)
		return (struct measure){ 0 };
	return (struct measure){ .cycles = result[1] | (u64)result[2] << 32, .sum = result[0] };
}
