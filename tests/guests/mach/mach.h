/* SPDX-License-Identifier: MIT */
/*
 * What a task says to GNU Mach: messages with typed fields, and the calls that are made of them. A
 * call returns Mach's code, 0 if it went well.
 */
#pragma once

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define MSG_WORDS 1200

/* mach/message.h: the header, then fields, each with a word that says its type. */
struct msg {
	u32 bits, size, to, reply, sequence, id;
	u32 body[MSG_WORDS];
};

enum { MSG_SEND = 1, MSG_RECEIVE = 2, MSG_RECEIVE_TIMEOUT = 0x100 };
enum { MSG_TIMED_OUT = 0x10004003 };
enum {
	PORT_MOVE_SEND_ONCE = 18,
	PORT_COPY_SEND = 19,
	PORT_MAKE_SEND = 20,
	PORT_MAKE_SEND_ONCE = 21
};
enum { STATE_REGISTERS = 1, STATE_WORDS = 17, STATE_EIP = 12, STATE_FLAGS = 14, STATE_ESP = 15 };
enum { THREAD_WAIT = 2 }; /* of thread_switch(): for so long, whatever happens */
enum { PAGE_READ = 1, PAGE_WRITE = 2 };

/* Traps. */
int mach_msg_trap(struct msg *m, u32 option, u32 send_size, u32 receive_size, u32 receive_from,
		  u32 timeout, u32 notify);
u32 mach_reply_port(void);
u32 mach_thread_self(void);
u32 mach_task_self(void);
u32 mach_host_self(void);
int thread_switch(u32 thread, u32 option, u32 milliseconds);

/* A message: begun, filled, sent. */
void msg_begin(struct msg *m, u32 to, u32 id);
void msg_int(struct msg *m, u32 value);
void msg_bool(struct msg *m, u32 value);
void msg_port(struct msg *m, u32 how, u32 port);
int msg_send(struct msg *m);
int msg_receive(struct msg *m, u32 port);
int msg_receive_within(struct msg *m, u32 port, u32 milliseconds);
/* Sends it, waits for the answer in its place: the first result is body[3]. */
int msg_call(struct msg *m);

/* Calls. */
int device_open(u32 master, u32 mode, const char *name, u32 *device);
int device_write_inband(u32 device, const char *text, u32 bytes);
int device_read_inband(u32 device, char *text, u32 *bytes);
int device_read(u32 device, u32 record, u32 bytes, u8 **data, u32 *got);
int vm_allocate(u32 task, u32 size, void **address);
int vm_read(u32 task, void *address, u32 size, void **copy);
int vm_protect(u32 task, void *address, u32 size, u32 protection);
int thread_create(u32 task, u32 *thread);
int thread_get_registers(u32 thread, u32 state[STATE_WORDS]);
int thread_set_registers(u32 thread, const u32 state[STATE_WORDS]);
int thread_resume(u32 thread);
int thread_terminate(u32 thread);
int thread_set_exception_port(u32 thread, u32 port);
int port_insert_send(u32 task, u32 port);
int i386_set_ldt(u32 thread, u32 selector, const u32 descriptor[2]);
int i386_set_gdt(u32 thread, u32 *selector, const u32 descriptor[2]);
int i386_io_perm_create(u32 master, u16 from, u16 to, u32 *permission);
int i386_io_perm_modify(u32 task, u32 permission, u32 enable);
int host_kernel_version(u32 host, char text[512]);
int host_reboot(u32 host);
