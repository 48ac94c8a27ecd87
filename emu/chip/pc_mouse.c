/* SPDX-License-Identifier: MIT */
/*
 * The PS/2 mouse's commands and packets:
 *
 *   byte 0   Yovf Xovf Ysign Xsign 1 M R L
 *   byte 1   X movement        byte 2   Y movement        byte 3 (wheel only)   Z movement
 */
#include "emu/chip/pc_mouse.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define MOVED_MAX 0x10000

enum {
	SCALING_1 = 0xe6,
	SCALING_2,
	SET_RESOLUTION,
	GET_STATUS,
	SET_STREAM,
	READ_DATA,
	RESET_WRAP,
	SET_WRAP = 0xee,
	SET_REMOTE = 0xf0,
	IDENTIFY = 0xf2,
	SET_RATE,
	ENABLE,
	DISABLE,
	SET_DEFAULTS,
	RESEND = 0xfe,
	RESET = 0xff,
};

static void set_defaults(struct pc_mouse *m)
{
	m->reporting = m->remote = m->wrap = m->scale2 = false;
	m->rate = 100;
	m->resolution = 2;
	m->command = 0;
	m->dx = m->dy = m->dz = 0;
}

void pc_mouse_reset(struct pc_mouse *m)
{
	memset(m, 0, sizeof(*m));
	set_defaults(m);
}

static s32 take(s32 *sum, s32 min, s32 max)
{
	s32 v = MIN(MAX(*sum, min), max);

	*sum -= v;
	return v;
}

/* 2:1 scaling of stream mode (not of READ_DATA): small movements by table, others doubled. */
static s32 scale(s32 v)
{
	static const u8 small[6] = { 0, 1, 1, 3, 6, 9 };
	s32 size = v < 0 ? -v : v;

	size = size < 6 ? small[size] : size * 2;
	return v < 0 ? -size : size;
}

static void packet(struct pc_mouse *m, bool scaled)
{
	s32 limit = scaled ? 127 : 255;
	s32 x = take(&m->dx, -limit, limit), y = take(&m->dy, -limit, limit);

	if (scaled) {
		x = scale(x);
		y = scale(y);
	}
	ps2_push(&m->out, (u8)(0x08 | (m->buttons & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
	ps2_push(&m->out, (u8)x);
	ps2_push(&m->out, (u8)y);
	if (m->wheel)
		ps2_push(&m->out, (u8)take(&m->dz, -8, 7));
	else
		m->dz = 0;
}

/* Movement that is not fetched stops adding up. */
static s32 sum(s32 a, s32 b)
{
	return (s32)MAX(MIN((s64)a + b, MOVED_MAX), -MOVED_MAX);
}

void pc_mouse_move(struct pc_mouse *m, s32 dx, s32 dy, s32 dz, u8 buttons)
{
	bool click = m->buttons != buttons;

	m->buttons = buttons;
	if (m->remote || m->reporting) {
		m->dx = sum(m->dx, dx);
		m->dy = sum(m->dy, dy);
		m->dz = sum(m->dz, dz);
	}
	if (!m->reporting || m->remote || m->wrap)
		return;
	/* What finds no room stays summed up for the next report; a click alone makes a report too.
	 */
	while ((click || m->dx || m->dy || m->dz) && ps2_room(&m->out) >= 12) {
		click = false;
		packet(m, m->scale2);
	}
}

static void status(struct pc_mouse *m)
{
	ps2_push(&m->out,
		 (u8)((m->remote ? 0x40 : 0) | (m->reporting ? 0x20 : 0) | (m->scale2 ? 0x10 : 0) |
		      (m->buttons & 1) << 2 | (m->buttons & 4) >> 1 | (m->buttons & 2) >> 1));
	ps2_push(&m->out, m->resolution);
	ps2_push(&m->out, m->rate);
}

static void set_rate(struct pc_mouse *m, u8 rate)
{
	if (m->knock[0] == 200 && m->knock[1] == 100 && rate == 80)
		m->wheel = true;
	m->knock[0] = m->knock[1];
	m->knock[1] = rate;
	m->rate = rate;
}

static void argument(struct pc_mouse *m, u8 byte)
{
	ps2_push(&m->out, PS2_ACK);
	if (m->command == SET_RATE)
		set_rate(m, byte);
	else
		m->resolution = byte & 3;
	m->command = 0;
}

void pc_mouse_command(struct pc_mouse *m, u8 byte)
{
	if (m->command) {
		argument(m, byte);
		return;
	}
	if (m->wrap && byte != RESET_WRAP && byte != RESET) {
		ps2_push(&m->out, byte);
		return;
	}
	if (byte == RESEND) {
		ps2_push(&m->out, m->out.last);
		return;
	}
	ps2_clear(&m->out);
	ps2_push(&m->out, PS2_ACK);
	switch (byte) {
	case SCALING_1:
	case SCALING_2:
		m->scale2 = byte == SCALING_2;
		return;
	case SET_RESOLUTION:
	case SET_RATE:
		m->command = byte;
		return;
	case GET_STATUS:
		status(m);
		return;
	case SET_STREAM:
	case SET_REMOTE:
		m->remote = byte == SET_REMOTE;
		m->dx = m->dy = m->dz = 0;
		return;
	case READ_DATA:
		packet(m, false);
		return;
	case SET_WRAP:
	case RESET_WRAP:
		m->wrap = byte == SET_WRAP;
		return;
	case IDENTIFY:
		ps2_push(&m->out, m->wheel ? 3 : 0);
		return;
	case ENABLE:
	case DISABLE:
		m->reporting = byte == ENABLE;
		return;
	case SET_DEFAULTS:
		set_defaults(m);
		return;
	case RESET:
		pc_mouse_reset(m);
		ps2_push(&m->out, PS2_ACK);
		ps2_push(&m->out, PS2_SELF_TEST);
		ps2_push(&m->out, 0);
		return;
	default:
		ps2_clear(&m->out);
		ps2_push(&m->out, PS2_RESEND);
	}
}

void pc_mouse_state(struct pc_mouse *m, struct snap *s)
{
	ps2_state(&m->out, s);
	snap_bool(s, m->reporting);
	snap_bool(s, m->remote);
	snap_bool(s, m->wrap);
	snap_bool(s, m->scale2);
	snap_bool(s, m->wheel);
	snap_u8(s, m->rate);
	snap_range(s, m->resolution, 0, 3);
	snap_u8(s, m->command);
	snap_bytes(s, m->knock, sizeof(m->knock));
	snap_u8(s, m->buttons);
	snap_int(s, m->dx);
	snap_int(s, m->dy);
	snap_int(s, m->dz);
	snap_require(s, MAX(MAX(m->dx, m->dy), m->dz) <= MOVED_MAX);
	snap_require(s, MIN(MIN(m->dx, m->dy), m->dz) >= -MOVED_MAX);
}
