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

#define MOVED_MAX   0x10000
#define REPORT_ROOM 12u /* a report, and what a command answers */
#define SECOND	    1000000000ull

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

static void forget_movement(struct pc_mouse *m)
{
	m->click = false;
	m->dx = m->dy = m->dz = 0;
}

static void set_defaults(struct pc_mouse *m)
{
	m->reporting = m->remote = m->wrap = m->scale2 = m->refused = false;
	m->rate = 100;
	m->resolution = 2;
	m->command = 0;
	forget_movement(m);
}

void pc_mouse_reset(struct pc_mouse *m)
{
	ps2_clear(&m->out);
	m->wheel = false;
	memset(m->knock, 0, sizeof(m->knock));
	m->buttons = 0;
	vtimer_cancel(m->timers, &m->timer);
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

static void packet(struct pc_mouse *m, bool scaled, void (*put)(struct ps2_queue *q, u8 byte))
{
	s32 limit = scaled ? 127 : 255;
	s32 x = take(&m->dx, -limit, limit), y = take(&m->dy, -limit, limit);

	if (scaled) {
		x = scale(x);
		y = scale(y);
	}
	put(&m->out, (u8)(0x08 | (m->buttons & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
	put(&m->out, (u8)x);
	put(&m->out, (u8)y);
	if (m->wheel)
		put(&m->out, (u8)take(&m->dz, -8, 7));
	m->click = false;
}

static bool streams(const struct pc_mouse *m)
{
	return m->reporting && !m->remote && !m->wrap;
}

/* One report, if there is something to tell and room to tell it; the next one a sample later. */
static void report(struct pc_mouse *m)
{
	if (!streams(m) || !(m->click || m->dx || m->dy || m->dz) ||
	    ps2_room(&m->out) < REPORT_ROOM)
		return;
	packet(m, m->scale2, ps2_push);
	vtimer_arm(m->timers, &m->timer, vtimers_now(m->timers) + SECOND / m->rate);
}

static void sample(void *ctx, u64 now)
{
	struct pc_mouse *m = ctx;

	(void)now;
	report(m);
	m->sent(m->ctx);
}

void pc_mouse_ready(struct pc_mouse *m)
{
	if (!vtimer_armed(&m->timer))
		report(m);
}

/* Movement that is not fetched stops adding up. */
static s32 sum(s32 a, s32 b)
{
	return (s32)MAX(MIN((s64)a + b, MOVED_MAX), -MOVED_MAX);
}

/* What the buttons were held for is reported before they change: no click is lost, no drag cut. */
void pc_mouse_move(struct pc_mouse *m, s32 dx, s32 dy, s32 dz, u8 buttons)
{
	if (m->buttons != buttons)
		report(m);
	if (m->remote || m->reporting) {
		m->click = m->click || m->buttons != buttons;
		m->dx = sum(m->dx, dx);
		m->dy = sum(m->dy, dy);
		m->dz = m->wheel ? sum(m->dz, dz) : 0;
	}
	m->buttons = buttons;
	pc_mouse_ready(m);
}

static void status(struct pc_mouse *m)
{
	ps2_answer(&m->out, (u8)((m->remote ? 0x40 : 0) | (m->reporting ? 0x20 : 0) |
				 (m->scale2 ? 0x10 : 0) | (m->buttons & 1) << 2 |
				 (m->buttons & 4) >> 1 | (m->buttons & 2) >> 1));
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

/* Once the byte is to be sent again, and then the command is given up. */
static void refuse(struct pc_mouse *m)
{
	ps2_answer(&m->out, m->refused ? PS2_ERROR : PS2_RESEND);
	if (m->refused)
		m->command = 0;
	m->refused = !m->refused;
}

static void argument(struct pc_mouse *m, u8 byte)
{
	bool valid = m->command == SET_RATE ? byte > 0 : byte <= 3;

	if (!valid) {
		refuse(m);
		return;
	}
	ps2_answer(&m->out, PS2_ACK);
	m->refused = false;
	if (m->command == SET_RATE)
		set_rate(m, byte);
	else
		m->resolution = byte;
	m->command = 0;
}

static void obey(struct pc_mouse *m, u8 byte)
{
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
		forget_movement(m);
		return;
	case READ_DATA:
		packet(m, false, ps2_answer);
		return;
	case SET_WRAP:
	case RESET_WRAP:
		m->wrap = byte == SET_WRAP;
		return;
	case IDENTIFY:
		ps2_answer(&m->out, m->wheel ? 3 : 0);
		return;
	case ENABLE:
	case DISABLE:
		m->reporting = byte == ENABLE;
		forget_movement(m);
		return;
	case SET_DEFAULTS:
		set_defaults(m);
		return;
	case RESET:
		pc_mouse_reset(m);
		ps2_answer(&m->out, PS2_ACK);
		ps2_answer(&m->out, PS2_SELF_TEST);
		ps2_answer(&m->out, 0);
		return;
	default:
		return;
	}
}

static bool is_command(u8 byte)
{
	return (byte >= SCALING_1 && byte <= RESET_WRAP) || byte == SET_WRAP ||
	       byte == SET_REMOTE || (byte >= IDENTIFY && byte <= SET_DEFAULTS) || byte == RESET;
}

void pc_mouse_command(struct pc_mouse *m, u8 byte)
{
	if (m->command) {
		argument(m, byte);
		return;
	}
	if (m->wrap && byte != RESET_WRAP && byte != RESET) {
		ps2_answer(&m->out, byte);
		return;
	}
	if (byte == RESEND) {
		ps2_answer(&m->out, m->out.last);
		return;
	}
	ps2_clear(&m->out); /* a report that was cut short is none */
	if (!is_command(byte)) {
		refuse(m);
		return;
	}
	m->refused = false;
	ps2_answer(&m->out, PS2_ACK);
	obey(m, byte);
}

void pc_mouse_init(struct pc_mouse *m, struct vtimers *timers, void (*sent)(void *ctx), void *ctx)
{
	m->timers = timers;
	m->sent = sent;
	m->ctx = ctx;
	vtimer_init(&m->timer, sample, m);
}

void pc_mouse_state(struct pc_mouse *m, struct snap *s)
{
	ps2_state(&m->out, s);
	snap_bool(s, m->reporting);
	snap_bool(s, m->remote);
	snap_bool(s, m->wrap);
	snap_bool(s, m->scale2);
	snap_bool(s, m->wheel);
	snap_range(s, m->rate, 1, 255);
	snap_range(s, m->resolution, 0, 3);
	snap_u8(s, m->command);
	snap_bytes(s, m->knock, sizeof(m->knock));
	snap_u8(s, m->buttons);
	snap_int(s, m->dx);
	snap_int(s, m->dy);
	snap_int(s, m->dz);
	snap_require(s, MAX(MAX(m->dx, m->dy), m->dz) <= MOVED_MAX);
	snap_require(s, MIN(MIN(m->dx, m->dy), m->dz) >= -MOVED_MAX);
	if (s->version < 2)
		return;
	snap_bool(s, m->click);
	snap_bool(s, m->refused);
	vtimer_state(m->timers, &m->timer, s);
}
