/* SPDX-License-Identifier: MIT */
/*
 * Start-up, output and clock of the test programs (nolibc.h).
 */
#include "nolibc.h"

/* The kernel enters with argc at the stack's top, argv after it, then a null, then the environment.
 */
__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movl %esp, %eax\n"
	"	andl $-16, %esp\n"
	"	subl $12, %esp\n"
	"	pushl %eax\n"
	"	call begin\n");

void begin(u32 *stack) __attribute__((noreturn, used));

static char line[256];
static u32 line_length;

void begin(u32 *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	leave(main(argc, argv, argv + argc + 1));
}

static void flush(void)
{
	u32 done = 0;

	while (done < line_length) {
		s32 n = call3(SYS_WRITE, 1, line + done, line_length - done);

		if (n <= 0)
			break;
		done += (u32)n;
	}
	line_length = 0;
}

void leave(int status)
{
	flush();
	for (;;)
		call1(SYS_EXIT, status);
}

void fail(const char *what, s32 value)
{
	put("FAILED ");
	put(what);
	put(value < 0 ? " -" : " ");
	put_u32(value < 0 ? -(u32)value : (u32)value);
	put("\n");
	leave(1);
}

void put(const char *s)
{
	for (; *s; s++) {
		line[line_length++] = *s;
		if (*s == '\n' || line_length == sizeof(line))
			flush();
	}
}

void put_u32(u32 v)
{
	char digits[11];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(p);
}

void put_hex(u32 v)
{
	char digits[9];

	for (int i = 0; i < 8; i++)
		digits[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
	digits[8] = '\0';
	put(digits);
}

u32 to_u32(const char *s)
{
	u32 v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (u32)(*s - '0');
	if (*s)
		fail("not a number", *s);
	return v;
}

u32 argument(int argc, char **argv, int n, u32 otherwise)
{
	return n < argc ? to_u32(argv[n]) : otherwise;
}

u32 clock_us(void)
{
	static u32 epoch;
	u32 now[2]; /* seconds, nanoseconds */
	s32 err = call2(SYS_CLOCK_GETTIME, 1, now);

	if (err)
		fail("clock_gettime", err);
	if (!epoch)
		epoch = now[0];
	return (now[0] - epoch) * 1000000 + now[1] / 1000;
}

void report(const char *name, u32 count, u32 start)
{
	u32 us = clock_us() - start;

	put("bench ");
	put(name);
	put(" ");
	put_u32(count);
	put(" us ");
	put_u32(us);
	put("\n");
}

u32 wait_for(s32 pid)
{
	u32 status;
	s32 got = call(SYS_WAIT4, (u32)pid, (u32)&status, 0, 0, 0);

	if (got != pid)
		fail("wait4", got);
	return status;
}

void *map_pages(u32 bytes, u32 prot)
{
	s32 at;

	/* mmap2 has a sixth argument, the offset in pages, in EBP: 0 for anonymous memory. */
	__asm__ volatile("pushl %%ebp\n\txorl %%ebp, %%ebp\n\tint $0x80\n\tpopl %%ebp"
			 : "=a"(at)
			 : "a"(SYS_MMAP2), "b"(0), "c"(bytes), "d"(prot),
			   "S"(0x22 /* private, anonymous */), "D"(-1)
			 : "memory");
	if (at < 0 && at > -4096)
		fail("mmap2", at);
	return (void *)at;
}

/* The compiler may emit calls to these two. */
void *memset(void *dst, int c, unsigned n);
void *memcpy(void *dst, const void *src, unsigned n);

void *memset(void *dst, int c, unsigned n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

void *memcpy(void *dst, const void *src, unsigned n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
	return dst;
}
