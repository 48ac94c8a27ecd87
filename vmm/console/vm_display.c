/* SPDX-License-Identifier: MIT */
/*
 * Two tasks and a listener.
 */
#include "vmm/console/vm_display.h"

#include "arch/cpu/processor.h"
#include "emu/chip/vga_screen.h"
#include "kernel/base/string.h"
#include "kernel/console/display.h"
#include "kernel/hw/pc_keys.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_keys.h"
#include "vmm/term/vga_picture.h"

#define FRAME_NS     16666667ull /* 60 Hz */
#define LINES_MOST   64u	 /* drawn in one turn */
#define EVENTS	     256u
#define HOT_KEYS     VM_KEYS_AT_ONCE
#define TEXT_COLUMNS 80u
#define TEXT_ROWS    25u

struct event {
	enum { EVENT_KEY, EVENT_MOUSE, EVENT_NEXT } kind;
	u8 key, buttons;
	bool pressed;
	s32 dx, dy, dz;
};

static struct vm *active; /* NULL: the console has screen and keyboard */

/* From interrupts to the task: one producer, one consumer. */
static struct event ring[EVENTS];
static volatile u32 head, tail;
static u8 hot[HOT_KEYS + 1] = { KEY_CTRL, KEY_ALT, KEY_F12 };
static u8 down[256 / 8];    /* keys held, as the keyboard says */
static volatile bool taken; /* keys do not go to the console */

static struct task hands, painter;
static struct waitq events;

/* --- Interrupts */

static void note(const struct event *e)
{
	if (tail - head < EVENTS)
		ring[tail++ % EVENTS] = *e;
	waitq_wake(&events);
}

static bool is_down(u8 key)
{
	return down[key / 8] >> key % 8 & 1;
}

/* The last one that goes down makes it. */
static bool is_hot(u8 key)
{
	bool among = false;

	for (u32 i = 0; hot[i]; i++) {
		if (!is_down(hot[i]))
			return false;
		among = among || hot[i] == key;
	}
	return among;
}

static bool key_event(u8 key, bool pressed)
{
	bool was = is_down(key);

	if (pressed)
		down[key / 8] |= (u8)BIT(key % 8);
	else
		down[key / 8] &= (u8)~BIT(key % 8);
	if (pressed && !was && is_hot(key)) {
		note(&(struct event){ .kind = EVENT_NEXT });
		return true;
	}
	/* The guest's keyboard repeats by itself. */
	if (taken && was != pressed)
		note(&(struct event){ .kind = EVENT_KEY, .key = key, .pressed = pressed });
	return taken;
}

static void mouse_event(s32 dx, s32 dy, s32 dz, u8 buttons)
{
	if (taken)
		note(&(struct event){
			.kind = EVENT_MOUSE, .dx = dx, .dy = dy, .dz = dz, .buttons = buttons });
}

/* --- Drawing */

static struct {
	struct vga_screen screen; /* what the lines that are shown were drawn by */
	u32 settings;
	u8 blink;
	u64 dirty[VGA_PAGES / 64]; /* of this picture */
	bool all;
	u32 next;		 /* line to draw; screen.height: the picture is done */
	u64 sum[VGA_HEIGHT_MAX]; /* of each line that is shown */
	u32 rgb[VGA_WIDTH_MAX], wide[VGA_WIDTH_MAX];
	struct ansi_picture picture;
	u16 cell[TEXT_ROWS * TEXT_COLUMNS];
} paint;

static void start_over(void)
{
	memset(&paint.screen, 0, sizeof(paint.screen));
	memset(paint.sum, 0, sizeof(paint.sum));
	memset(paint.cell, 0, sizeof(paint.cell));
	paint.next = 0;
	paint.all = true;
}

/* FNV-1a over dots; never 0, which no line is. */
static u64 checksum(const u32 *rgb, u32 n)
{
	u64 sum = 0xcbf29ce484222325;

	while (n--)
		sum = (sum ^ *rgb++) * 0x100000001b3;
	return sum | 1;
}

/* A whole factor, and a black frame around; what does not fit is cut off at right and below. */
static void put_line(const struct display_ops *d, u32 y)
{
	u32 width = MIN(paint.screen.width, d->width), height = MIN(paint.screen.height, d->height);
	u32 scale = MAX(MIN(d->width / width, d->height / height), 1u);
	u32 left = (d->width - width * scale) / 2, top = (d->height - height * scale) / 2;

	if (y >= height)
		return;
	for (u32 x = 0; x < width * scale; x++)
		paint.wide[x] = paint.rgb[x / scale];
	for (u32 i = 0; i < scale; i++)
		d->line(left, top + y * scale + i, paint.wide, width * scale);
}

static void black(const struct display_ops *d)
{
	memset(paint.wide, 0, sizeof(paint.wide));
	for (u32 y = 0; y < d->height; y++)
		d->line(0, y, paint.wide, MIN(d->width, VGA_WIDTH_MAX));
}

/* What has changed since the last picture. */
static void begin_picture(const struct display_ops *d, struct vga *v)
{
	struct vga_screen now;
	u8 blink = vga_blink_at(v, vtimers_now(v->timers));

	vga_screen_of(v, &now);
	if (now.width != paint.screen.width || now.height != paint.screen.height ||
	    now.kind != paint.screen.kind) {
		black(d);
		memset(paint.sum, 0, sizeof(paint.sum));
	}
	paint.all = paint.all || v->font_dirty || v->settings != paint.settings ||
		    (now.kind == VGA_TEXT && blink != paint.blink);
	paint.screen = now;
	paint.settings = v->settings;
	paint.blink = blink;
	memcpy(paint.dirty, v->dirty, sizeof(paint.dirty));
	memset(v->dirty, 0, sizeof(v->dirty));
	v->font_dirty = false;
	paint.next = now.kind == VGA_BLANK ? now.height : 0;
}

/* False: there is more to do of this picture. */
static bool paint_dots(const struct display_ops *d, struct vga *v)
{
	u32 drawn = 0;

	if (paint.next >= paint.screen.height)
		begin_picture(d, v);
	for (; paint.next < paint.screen.height && drawn < LINES_MOST; paint.next++) {
		u32 y = paint.next;
		u64 sum;

		if (!paint.all && !vga_line_is_dirty(&paint.screen, paint.dirty, y))
			continue;
		drawn++;
		vga_draw_line(&paint.screen, v->memory, y, paint.blink, paint.rgb);
		sum = checksum(paint.rgb, paint.screen.width);
		if (y < VGA_HEIGHT_MAX && paint.sum[y] == sum)
			continue;
		paint.sum[y] = sum;
		put_line(d, y);
	}
	if (paint.next < paint.screen.height)
		return false;
	paint.all = false;
	return true;
}

/* A screen of text shows text, and of graphics that there are some. */
static void paint_cells(const struct display_ops *d, struct vga *v)
{
	struct ansi_picture *p = &paint.picture;
	u32 columns = MIN(d->columns, TEXT_COLUMNS), rows = MIN(d->rows, TEXT_ROWS);

	vga_screen_of(v, &paint.screen);
	vga_picture(&paint.screen, v->memory, active->config.name, p);
	for (u32 y = 0; y < rows; y++) {
		for (u32 x = 0; x < columns; x++) {
			bool inside = x < p->columns && y < p->rows;
			u16 want = inside ? (u16)p->cell[y * p->columns + x] : ' ' | 7 << 8;

			if (want == paint.cell[y * TEXT_COLUMNS + x])
				continue;
			paint.cell[y * TEXT_COLUMNS + x] = want;
			d->cell(x, y, want);
		}
	}
	if (p->cursor_y < rows && p->cursor_x < columns)
		d->cursor(p->cursor_x, p->cursor_y);
}

static void release_keys(struct vm *vm)
{
	for (u32 key = 1; key < 256; key++)
		if (is_down((u8)key))
			vm_keys_event(vm, (u8)key, false);
}

/* A dump shows the console's text, and that stays. */
static void give_up(void)
{
	release_keys(active);
	active = NULL;
	taken = false;
}

static u64 paint_some(void)
{
	const struct display_ops *d = display_get();
	struct vga *v = active ? board_vga(active->board) : NULL;
	u64 began = clock_now();

	if (!d || !v)
		return UINT64_MAX;
	if (!d->is_taken()) {
		give_up();
		return UINT64_MAX;
	}
	vga_window_sync(v);
	if (!d->width)
		paint_cells(d, v);
	else if (!paint_dots(d, v))
		return began;
	return began + FRAME_NS;
}

static void paint_turn(struct task *t, u64 until)
{
	u64 next;

	(void)until;
	irq_enable();
	next = paint_some();
	irq_disable();
	task_sleep(t, NULL, next);
}

/* --- Whose it is */

static void turn_to(struct vm *vm)
{
	const struct display_ops *d = display_get();
	u64 flags;

	if (active)
		release_keys(active);
	active = vm;
	taken = vm;
	start_over();
	if (d)
		d->take(vm);
	flags = irq_save();
	task_wake(&painter);
	irq_restore(flags);
}

/* The console, each VM that has a screen, and the console again. */
static struct vm *next_one(void)
{
	struct list *p = active ? active->link.next : vm_list.next;

	for (; p != &vm_list; p = p->next) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (board_vga(vm->board))
			return vm;
	}
	return NULL;
}

void vm_display_turn_to(struct vm *vm)
{
	if (board_vga(vm->board))
		turn_to(vm);
}

void vm_display_forget(struct vm *vm)
{
	if (active == vm) {
		active = NULL;
		turn_to(NULL);
	}
}

static void hand_on(const struct event *e)
{
	if (e->kind == EVENT_NEXT)
		turn_to(next_one());
	else if (!active || active->state != VM_RUNNING || active->start != VM_STARTED)
		return;
	else if (e->kind == EVENT_KEY)
		vm_keys_event(active, e->key, e->pressed);
	else
		board_mouse(active->board, e->dx, e->dy, e->dz, e->buttons);
}

static void hands_turn(struct task *t, u64 until)
{
	(void)until;
	task_sleep(t, &events, UINT64_MAX);
	irq_enable();
	while (head != tail) {
		hand_on(&ring[head % EVENTS]);
		head++;
	}
	irq_disable();
}

void vm_display_set_hotkey(const u8 *keys)
{
	u32 n = 0;

	for (; n < HOT_KEYS && keys[n]; n++)
		hot[n] = keys[n];
	if (n)
		hot[n] = KEY_NONE;
}

void vm_display_start(void)
{
	static const struct task_ops hands_ops = { .run = hands_turn };
	static const struct task_ops painter_ops = { .run = paint_turn };
	static const struct input_listener listener = { key_event, mouse_event };

	waitq_init(&events);
	task_init(sched_runq(), &hands, &hands_ops, true);
	task_init(sched_runq(), &painter, &painter_ops, false);
	input_listen(&listener);
}
