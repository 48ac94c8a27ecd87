/* SPDX-License-Identifier: MIT */
/*
 * Packets of three bytes, or of four with a wheel (emu/chip/pc_mouse.c draws them). A byte that
 * cannot be the first of one is passed over, so that a lost byte costs a few packets only.
 */
#include "drivers/input/ps2_mouse.h"

#include "arch/trap/irq.h"
#include "drivers/input/ps2_port.h"
#include "kernel/console/display.h"

#define AUX_ON	     0xa8
#define TO_AUX	     0xd4
#define MOUSE_IRQ    12
#define CONFIG_IRQ12 0x02
#define CONFIG_NOAUX 0x20
#define ACK	     0xfa

#define FIRST_ALWAYS 0x08
#define FIRST_OVER   0xc0

static u8 packet[4];
static u32 have, size = 3;

static void whole_packet(void)
{
	s32 dx = packet[1] - (packet[0] & 0x10 ? 256 : 0);
	s32 dy = packet[2] - (packet[0] & 0x20 ? 256 : 0);

	if (packet[0] & FIRST_OVER)
		dx = dy = 0;
	input_mouse(dx, dy, size == 4 ? (s8)packet[3] : 0, packet[0] & 7);
}

static void mouse_byte(u8 byte)
{
	if (!have && !(byte & FIRST_ALWAYS))
		return;
	packet[have++] = byte;
	if (have < size)
		return;
	have = 0;
	whole_packet();
}

/* Its answer, or -1. */
static int tell(u8 byte)
{
	if (!ps2_write_command(TO_AUX) || !ps2_write_data(byte))
		return -1;
	return ps2_read_mouse();
}

static bool tell_all(const u8 *bytes, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (tell(bytes[i]) != ACK)
			return false;
	return true;
}

/* Defaults; the wheel's knock; 100 reports a second. */
static const u8 set_up[] = { 0xf6, 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf3, 100 };

void ps2_mouse_init(void)
{
	/* Until all is said, no interrupt takes an answer away. */
	if (!ps2_reader.keyboard || !ps2_write_command(AUX_ON) || !ps2_change_config(0, 0x03))
		return;
	if (tell_all(set_up, sizeof(set_up))) {
		if (tell(0xf2) == ACK && ps2_read_mouse() == 3)
			size = 4;
		if (tell(0xf4) == ACK) {
			ps2_reader.mouse = mouse_byte;
			irq_register(MOUSE_IRQ, ps2_interrupt, NULL);
			ps2_change_config(CONFIG_IRQ12, CONFIG_NOAUX);
		}
	}
	ps2_change_config(0x01, 0);
}
