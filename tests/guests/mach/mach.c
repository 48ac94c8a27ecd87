/* SPDX-License-Identifier: MIT */
/*
 * Messages to GNU Mach (mach.h). The numbers and fields are those of Mach's interface definitions.
 */
#include "mach.h"

#define MSG_HEADER 24u
#define COMPLEX	   0x80000000u /* the message has ports or memory in it */

enum { TYPE_BOOLEAN = 0, TYPE_INT16 = 1, TYPE_INT = 2, TYPE_CHAR = 8, TYPE_STRING = 12 };
enum { INLINE = 1u << 28, LONG_FORM = 1u << 29 };

static u32 type_of(u32 name, u32 bits, u32 count)
{
	return name | bits << 8 | count << 16 | INLINE;
}

static void put(struct msg *m, u32 word)
{
	m->body[(m->size - MSG_HEADER) / 4] = word;
	m->size += 4;
}

void msg_begin(struct msg *m, u32 to, u32 id)
{
	m->bits = PORT_COPY_SEND;
	m->size = MSG_HEADER;
	m->to = to;
	m->reply = 0;
	m->sequence = 0;
	m->id = id;
}

void msg_int(struct msg *m, u32 value)
{
	put(m, type_of(TYPE_INT, 32, 1));
	put(m, value);
}

void msg_bool(struct msg *m, u32 value)
{
	put(m, type_of(TYPE_BOOLEAN, 32, 1));
	put(m, value);
}

void msg_port(struct msg *m, u32 how, u32 port)
{
	m->bits |= COMPLEX;
	put(m, type_of(how, 32, 1));
	put(m, port);
}

static void put_words(struct msg *m, const u32 *words, u32 count)
{
	for (u32 i = 0; i < count; i++)
		put(m, words[i]);
}

static void put_bytes(struct msg *m, const char *bytes, u32 count)
{
	char *to = (char *)m + m->size;

	for (u32 i = 0; i < count; i++)
		to[i] = bytes[i];
	m->size += (count + 3) & ~3u;
}

int msg_send(struct msg *m)
{
	return mach_msg_trap(m, MSG_SEND, m->size, 0, 0, 0, 0);
}

int msg_receive(struct msg *m, u32 port)
{
	return mach_msg_trap(m, MSG_RECEIVE, 0, sizeof(*m), port, 0, 0);
}

int msg_receive_within(struct msg *m, u32 port, u32 milliseconds)
{
	return mach_msg_trap(m, MSG_RECEIVE | MSG_RECEIVE_TIMEOUT, 0, sizeof(*m), port,
			     milliseconds, 0);
}

int msg_call(struct msg *m)
{
	static u32 port; /* only the main thread calls */
	int error;

	if (!port)
		port = mach_reply_port();
	m->reply = port;
	m->bits |= PORT_MAKE_SEND_ONCE << 8;
	error = mach_msg_trap(m, MSG_SEND | MSG_RECEIVE, m->size, sizeof(*m), port, 0, 0);
	return error ? error : (int)m->body[1];
}

static struct msg call;

static int call_for(u32 *result)
{
	int error = msg_call(&call);

	*result = call.body[3];
	return error;
}

int device_open(u32 master, u32 mode, const char *name, u32 *device)
{
	msg_begin(&call, master, 2800);
	msg_int(&call, mode);
	put(&call, INLINE | LONG_FORM);
	put(&call, TYPE_STRING | 1024 << 16);
	put(&call, 1);
	put_bytes(&call, name, 128);
	return call_for(device);
}

int device_write_inband(u32 device, const char *text, u32 bytes)
{
	msg_begin(&call, device, 2803);
	msg_int(&call, 0);
	msg_int(&call, 0);
	put(&call, type_of(TYPE_CHAR, 8, bytes));
	put_bytes(&call, text, bytes);
	return msg_call(&call);
}

static void begin_read(u32 device, u32 id, u32 record, u32 bytes)
{
	msg_begin(&call, device, id);
	msg_int(&call, 0);
	msg_int(&call, record);
	msg_int(&call, bytes);
}

int device_read_inband(u32 device, char *text, u32 *bytes)
{
	int error;

	begin_read(device, 2805, 0, *bytes);
	error = msg_call(&call);
	*bytes = call.body[2] >> 16 & 0xfff;
	for (u32 i = 0; !error && i < *bytes; i++)
		text[i] = ((char *)&call.body[3])[i];
	return error;
}

/* Memory comes out of line: its count and its address follow a long type of three words. */
static int call_for_memory(void **data, u32 *bytes)
{
	int error = msg_call(&call);

	*bytes = call.body[4];
	*data = (void *)call.body[5];
	return error;
}

int device_read(u32 device, u32 record, u32 bytes, u8 **data, u32 *got)
{
	begin_read(device, 2804, record, bytes);
	return call_for_memory((void **)data, got);
}

int vm_allocate(u32 task, u32 size, void **address)
{
	msg_begin(&call, task, 2021);
	msg_int(&call, 0);
	msg_int(&call, size);
	msg_bool(&call, 1);
	return call_for((u32 *)address);
}

int vm_read(u32 task, void *address, u32 size, void **copy)
{
	u32 got;

	msg_begin(&call, task, 2026);
	msg_int(&call, (u32)address);
	msg_int(&call, size);
	return call_for_memory(copy, &got);
}

int vm_protect(u32 task, void *address, u32 size, u32 protection)
{
	msg_begin(&call, task, 2024);
	msg_int(&call, (u32)address);
	msg_int(&call, size);
	msg_bool(&call, 0);
	msg_int(&call, protection);
	return msg_call(&call);
}

int thread_create(u32 task, u32 *thread)
{
	msg_begin(&call, task, 2061);
	return call_for(thread);
}

int thread_get_registers(u32 thread, u32 state[STATE_WORDS])
{
	int error;

	msg_begin(&call, thread, 2017);
	msg_int(&call, STATE_REGISTERS);
	msg_int(&call, STATE_WORDS);
	error = msg_call(&call);
	for (u32 i = 0; i < STATE_WORDS; i++)
		state[i] = call.body[3 + i];
	return error;
}

int thread_set_registers(u32 thread, const u32 state[STATE_WORDS])
{
	msg_begin(&call, thread, 2018);
	msg_int(&call, STATE_REGISTERS);
	put(&call, type_of(TYPE_INT, 32, STATE_WORDS));
	put_words(&call, state, STATE_WORDS);
	return msg_call(&call);
}

int thread_resume(u32 thread)
{
	msg_begin(&call, thread, 2063);
	return msg_call(&call);
}

int thread_terminate(u32 thread)
{
	msg_begin(&call, thread, 2016);
	return msg_call(&call);
}

int thread_set_exception_port(u32 thread, u32 port)
{
	msg_begin(&call, thread, 2068);
	msg_int(&call, 3); /* THREAD_EXCEPTION_PORT */
	msg_port(&call, PORT_MAKE_SEND, port);
	return msg_call(&call);
}

int port_insert_send(u32 task, u32 port)
{
	msg_begin(&call, task, 3215);
	put(&call, type_of(15, 32, 1)); /* the name of a port, not a right */
	put(&call, port);
	msg_port(&call, PORT_MAKE_SEND, port);
	return msg_call(&call);
}

int i386_set_ldt(u32 thread, u32 selector, const u32 descriptor[2])
{
	msg_begin(&call, thread, 3803);
	msg_int(&call, selector);
	put(&call, INLINE | LONG_FORM);
	put(&call, TYPE_INT | 32 << 16);
	put(&call, 2);
	put_words(&call, descriptor, 2);
	return msg_call(&call);
}

int i386_set_gdt(u32 thread, u32 *selector, const u32 descriptor[2])
{
	msg_begin(&call, thread, 3807);
	msg_int(&call, *selector);
	put(&call, type_of(TYPE_INT, 32, 2));
	put_words(&call, descriptor, 2);
	return call_for(selector);
}

int i386_io_perm_create(u32 master, u16 from, u16 to, u32 *permission)
{
	msg_begin(&call, master, 3805);
	put(&call, type_of(TYPE_INT16, 16, 1));
	put(&call, from);
	put(&call, type_of(TYPE_INT16, 16, 1));
	put(&call, to);
	return call_for(permission);
}

int i386_io_perm_modify(u32 task, u32 permission, u32 enable)
{
	msg_begin(&call, task, 3806);
	msg_port(&call, PORT_COPY_SEND, permission);
	msg_bool(&call, enable);
	return msg_call(&call);
}

int host_kernel_version(u32 host, char text[512])
{
	int error;

	msg_begin(&call, host, 2619);
	error = msg_call(&call);
	for (u32 i = 0; i < 512; i++)
		text[i] = ((char *)&call.body[5])[i];
	return error;
}

int host_reboot(u32 host)
{
	msg_begin(&call, host, 2635);
	msg_int(&call, 0);
	return msg_call(&call);
}
