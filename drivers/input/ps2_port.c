/* SPDX-License-Identifier: MIT */
/*
 * The i8042.
 */
#include "drivers/input/ps2_port.h"

#include "arch/cpu/processor.h"
#include "kernel/hw/i8042_regs.h"

#define SPINS	     30000 /* looks, about a microsecond each: a device answers within 20 ms */
#define READ_CONFIG  0x20
#define WRITE_CONFIG 0x60

struct ps2_reader ps2_reader;

static bool write_port(u16 port, u8 v)
{
	for (int i = 0; i < SPINS; i++) {
		if (!(inb(I8042_COMMAND_PORT) & I8042_IBF)) {
			outb(port, v);
			return true;
		}
	}
	return false;
}

bool ps2_write_command(u8 byte)
{
	return write_port(I8042_COMMAND_PORT, byte);
}

bool ps2_write_data(u8 byte)
{
	return write_port(I8042_DATA_PORT, byte);
}

int ps2_read(void)
{
	for (int i = 0; i < SPINS; i++)
		if (inb(I8042_COMMAND_PORT) & I8042_OBF)
			return inb(I8042_DATA_PORT);
	return -1;
}

int ps2_read_mouse(void)
{
	for (int i = 0; i < SPINS; i++) {
		u8 status = inb(I8042_COMMAND_PORT);

		if (!(status & I8042_OBF))
			continue;

		u8 byte = inb(I8042_DATA_PORT);

		if (status & I8042_AUX)
			return byte;
	}
	return -1;
}

bool ps2_change_config(u8 set, u8 cleared)
{
	int config;

	if (!ps2_write_command(READ_CONFIG))
		return false;
	config = ps2_read();
	return config >= 0 && ps2_write_command(WRITE_CONFIG) &&
	       ps2_write_data((u8)(((unsigned)config | set) & ~(unsigned)cleared));
}

void ps2_interrupt(void *ctx)
{
	u8 status;

	(void)ctx;
	while ((status = inb(I8042_COMMAND_PORT)) & I8042_OBF && status != 0xff) {
		u8 byte = inb(I8042_DATA_PORT);
		void (*reader)(u8) = status & I8042_AUX ? ps2_reader.mouse : ps2_reader.keyboard;

		if (reader)
			reader(byte);
	}
}
