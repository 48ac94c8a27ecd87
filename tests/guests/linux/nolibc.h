/* SPDX-License-Identifier: MIT */
/*
 * What the test programs need of an operating system: i386 system calls by INT 80h, numbers and
 * text out, the monotonic clock. Programs are static and bring no C library, so that nothing but
 * the program and the kernel is measured, and no 32-bit library has to be installed. Start-up and
 * printing: nolibc.c. Numbers: Linux, arch/x86/entry/syscalls/syscall_32.tbl.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum linux_call {
	SYS_EXIT = 1,
	SYS_FORK = 2,
	SYS_READ = 3,
	SYS_WRITE = 4,
	SYS_OPEN = 5,
	SYS_CLOSE = 6,
	SYS_EXECVE = 11,
	SYS_PIPE = 42,
	SYS_GETPPID = 64,
	SYS_MUNMAP = 91,
	SYS_WAIT4 = 114,
	SYS_MPROTECT = 125,
	SYS_SCHED_YIELD = 158,
	SYS_RT_SIGACTION = 174,
	SYS_PREAD64 = 180,
	SYS_MMAP2 = 192,
	SYS_CLOCK_GETTIME = 265,
};

static inline s32 call(enum linux_call n, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	s32 r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return r;
}

#define call0(n)	  call(n, 0, 0, 0, 0, 0)
#define call1(n, a)	  call(n, (u32)(a), 0, 0, 0, 0)
#define call2(n, a, b)	  call(n, (u32)(a), (u32)(b), 0, 0, 0)
#define call3(n, a, b, c) call(n, (u32)(a), (u32)(b), (u32)(c), 0, 0)

int main(int argc, char **argv, char **envp);

void leave(int status) __attribute__((noreturn));
/* Ends the program with status 1 and a line that says what failed. */
void fail(const char *what, s32 value) __attribute__((noreturn));
#define CHECK(cond)                            \
	do {                                   \
		if (!(cond))                   \
			fail(#cond, __LINE__); \
	} while (0)

/* Output is collected and leaves by one write() at a newline: lines of two processes do not mix. */
void put(const char *s);
void put_u32(u32 v);
void put_hex(u32 v); /* eight digits */

u32 to_u32(const char *s);
/* argv[n] as a number, or the default. */
u32 argument(int argc, char **argv, int n, u32 otherwise);

/* Microseconds of CLOCK_MONOTONIC since the first call; wraps after 71 minutes. */
u32 clock_us(void);
/* Prints "bench NAME COUNT us MICROSECONDS" for what began at start. */
void report(const char *name, u32 count, u32 start);

/* Waits for a child and returns its wait status; fails if there is none. */
u32 wait_for(s32 pid);

/* Anonymous private memory; prot as in mmap(2). */
#define PROT_READ  1u
#define PROT_WRITE 2u
#define PROT_EXEC  4u
void *map_pages(u32 bytes, u32 prot);
