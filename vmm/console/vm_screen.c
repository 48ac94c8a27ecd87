/* SPDX-License-Identifier: MIT */
/*
 * The task that draws, and the way of typed bytes to the guest's keyboard.
 */
#include "vmm/console/vm_screen.h"

#include "arch/cpu/processor.h"
#include "emu/chip/vga_screen.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/console/vm_keys.h"
#include "vmm/term/sixel.h"
#include "vmm/term/term_keys.h"
#include "vmm/term/vga_picture.h"

#define MS	    1000000ull
#define FRAME_NS    (33 * MS)
#define RETRY_NS    (4 * MS)   /* while the line is busy, and between two pieces of one picture */
#define ANSWER_NS   (500 * MS) /* a terminal's, to the question how large it is */
#define ESC_NS	    (50 * MS)  /* behind ESC nothing came: it was the key */
#define PIECE	    1024u      /* bytes: 0.09 s at 115200 baud */
#define QUEUE_MOST  512u       /* that wait already */
#define COLUMNS	    80u	       /* of a terminal that does not answer */
#define ROWS	    25u
#define KEYS_MARGIN (2u * TERM_KEYS_MOST) /* presses and releases of one stroke */

#define START  "\x1b[?1049h\x1b[999;999H\x1b[6n"
#define FINISH "\x1b[0m\x1b[?25h\x1b[?1049l\r\n"
#define TOP    "\x1b[H"
#define ST     "\x1b\\" /* ends a sixel picture */

/* While a screen is shown. */
struct shown {
	struct vga *vga;
	bool sixel, graphics; /* pictures are wanted; the terminal shows one */
	u64 draw_from;	      /* the clock: not before, unless the terminal answers */
	u64 typed_at;
	u64 written; /* console_written() when we last drew */
	u32 settings;
	struct term_keys keys;
	struct vga_screen screen;
	struct ansi_screen terminal;
	struct ansi_picture picture;
	struct sixel encoder;
	char out[PIECE > SIXEL_PIECE ? PIECE : SIXEL_PIECE];
};

static struct vm_console_view view;
static struct shown *shown; /* NULL: nothing */
static struct task task;

/* --- Keys */

static void stroke(void *ctx, const u8 *keys, unsigned n)
{
	(void)ctx;
	vm_keys_stroke(view.vm, keys, n, 0);
}

static void place(void *ctx, u32 row, u32 column)
{
	struct shown *s = ctx;

	ansi_screen_init(&s->terminal, column, row);
	s->draw_from = 0;
}

static bool take(u8 byte)
{
	struct shown *s = shown;
	bool runs = view.vm->state == VM_RUNNING && view.vm->start == VM_STARTED;

	if (runs && view.vm->keys.used + KEYS_MARGIN > VM_KEYS)
		return false;
	s->typed_at = clock_now();
	term_keys_byte(&s->keys, byte);
	return true;
}

/* --- Drawing */

static void put(const char *text, u32 n)
{
	console_write_serial(text, n);
}

/* Somebody else has printed, so nothing is known of what the terminal shows. */
static void check_disturbed(struct shown *s)
{
	if (s->written == console_written())
		return;
	if (sixel_sending(&s->encoder))
		put(ST, sizeof(ST) - 1);
	s->encoder.state = SIXEL_DONE;
	s->graphics = false;
	ansi_screen_init(&s->terminal, s->terminal.columns, s->terminal.rows);
	s->written = console_written();
}

static bool draw_text(struct shown *s)
{
	u32 n;

	if (s->graphics)
		ansi_screen_init(&s->terminal, s->terminal.columns, s->terminal.rows);
	s->graphics = false;
	vga_picture(&s->screen, s->vga->memory, view.vm->config.name, &s->picture);
	n = ansi_screen_draw(&s->terminal, &s->picture, s->out, PIECE);
	put(s->out, n);
	return n + ANSI_PIECE_LEAST <= PIECE;
}

static void graphics_line(void *ctx, u32 y, u32 *rgb)
{
	struct shown *s = ctx;

	vga_draw_line(&s->screen, s->vga->memory, y, VGA_SHOW_CURSOR | VGA_SHOW_BLINK, rgb);
}

/* Has anything changed since the last picture began? It counts as drawn from here on. */
static bool take_changes(struct shown *s)
{
	struct vga *v = s->vga;
	bool changed = !s->graphics || s->settings != v->settings;

	for (u32 i = 0; i < ARRAY_SIZE(v->dirty); i++) {
		changed = changed || v->dirty[i];
		v->dirty[i] = 0;
	}
	s->settings = v->settings;
	return changed;
}

static void begin_picture(struct shown *s)
{
	bool palette = s->screen.kind == VGA_256_COLOURS || s->screen.bpp == 8;
	u32 colours = palette ? 256 : s->screen.kind == VGA_DIRECT ? 0 : 16;

	if (!s->graphics)
		put("\x1b[0m\x1b[?25l\x1b[2J", 14);
	s->graphics = true;
	s->encoder.width = s->screen.width;
	s->encoder.height = s->screen.height;
	sixel_begin(&s->encoder, colours ? s->screen.colour : NULL, colours);
	put(TOP, sizeof(TOP) - 1);
}

/* A picture that was begun goes on with what is there now, as long as its size stays. */
static bool draw_sixels(struct shown *s)
{
	if (sixel_sending(&s->encoder) &&
	    (s->encoder.width != s->screen.width || s->encoder.height != s->screen.height)) {
		put(ST, sizeof(ST) - 1);
		s->encoder.state = SIXEL_DONE;
		s->graphics = false;
	}
	if (!sixel_sending(&s->encoder)) {
		if (!take_changes(s))
			return true;
		begin_picture(s);
	}
	put(s->out, sixel_next(&s->encoder, s->out));
	return !sixel_sending(&s->encoder);
}

/* True: the terminal shows what there is. */
static bool draw(struct shown *s)
{
	bool graphics;

	check_disturbed(s);
	vga_window_sync(s->vga);
	vga_screen_of(s->vga, &s->screen);
	graphics = s->screen.kind != VGA_TEXT && s->screen.kind != VGA_BLANK;
	if (s->sixel && graphics)
		return draw_sixels(s);
	if (sixel_sending(&s->encoder))
		put(ST, sizeof(ST) - 1);
	s->encoder.state = SIXEL_DONE;
	return draw_text(s);
}

/* Returns when to go on, on the clock. */
static u64 work(struct shown *s)
{
	u64 now = clock_now();

	if (term_keys_pending(&s->keys) && now >= s->typed_at + ESC_NS)
		term_keys_idle(&s->keys);
	if (now < s->draw_from)
		return now + RETRY_NS;
	if (console_queued() > QUEUE_MOST || !draw(s))
		return clock_now() + RETRY_NS;
	return now + FRAME_NS;
}

static void turn(struct task *t, u64 until)
{
	u64 next = UINT64_MAX;

	(void)until;
	irq_enable();
	if (shown)
		next = work(shown);
	irq_disable();
	task_sleep(t, NULL, next);
}

/* --- Interface */

static void leave(void)
{
	if (sixel_sending(&shown->encoder))
		put(ST, sizeof(ST) - 1);
	put(FINISH, sizeof(FINISH) - 1);
	mem_free(shown);
	shown = NULL;
}

int vm_screen_show(struct vm *vm, bool sixel)
{
	struct vga *vga = board_vga(vm->board);
	struct shown *s;
	u64 flags;

	if (!vga)
		return E_NOENT;
	if (!console_write_serial("", 0))
		return E_NOSYS;
	s = mem_alloc(sizeof(*s));
	if (!s)
		return E_NOMEM;
	memset(s, 0, sizeof(*s));
	s->vga = vga;
	s->sixel = sixel;
	s->draw_from = clock_now() + ANSWER_NS;
	s->keys = (struct term_keys){ .stroke = stroke, .place = place, .ctx = s };
	s->encoder.state = SIXEL_DONE;
	s->encoder.line = graphics_line;
	s->encoder.ctx = s;
	ansi_screen_init(&s->terminal, COLUMNS, ROWS);
	put(START, sizeof(START) - 1);
	s->written = console_written();
	view = (struct vm_console_view){ .vm = vm, .input = take, .leave = leave };
	vm_console_set_view(&view);
	shown = s;
	flags = irq_save();
	task_wake(&task);
	irq_restore(flags);
	return 0;
}

void vm_screen_init(void)
{
	static const struct task_ops ops = { .run = turn };

	task_init(sched_runq(), &task, &ops, false);
}
