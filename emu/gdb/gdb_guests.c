/* SPDX-License-Identifier: MIT */
/*
 * Which guest is meant, and who goes, stops, comes and leaves.
 */
#include "emu/gdb/gdb_guests.h"

#include "emu/dbg/dbg_disas.h"
#include "emu/gdb/gdb_regs.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define SIGNAL_INT  2u
#define SIGNAL_TRAP 5u
#define SIGNAL_SEGV 11u

#define THREAD 1u /* the only one of a process */

/* NULL: the first; behind the last: NULL. */
static struct gdb_guest *next(const struct gdb_stub *g, const struct gdb_guest *t)
{
	const struct list *p = t ? t->link.next : g->guests.next;

	return p == &g->guests ? NULL : list_entry(p, struct gdb_guest, link);
}

/* --- Numbers */

/* -1: all; 0: any. */
struct id {
	s64 pid, thread;
};

static bool id_number(const char **s, s64 *n)
{
	u32 v;

	if (gdb_behind(*s, "-1")) {
		*s += 2;
		*n = -1;
		return true;
	}
	if (!gdb_number(s, &v))
		return false;
	*n = v;
	return true;
}

/* "p2.1", "p2" (all its threads), "1", "-1" */
static bool parse_id(const char **s, struct id *id)
{
	*id = (struct id){ .pid = 0, .thread = -1 };
	if (!gdb_skip(s, 'p'))
		return id_number(s, &id->thread);
	if (!id_number(s, &id->pid))
		return false;
	return !gdb_skip(s, '.') || id_number(s, &id->thread);
}

/* A thread's number alone is of the guest that gdb is at. */
static bool is_meant(const struct gdb_stub *g, const struct gdb_guest *t, const struct id *id)
{
	if (id->thread > (s64)THREAD || (id->pid > 0 && id->pid != t->pid))
		return false;
	return id->pid || id->thread <= 0 || t == gdb_guest_at(g);
}

static void add_id(struct gdb_stub *g, const struct gdb_guest *t)
{
	char text[24];

	if (g->multi)
		fmt_print(text, sizeof(text), "p%x.%x", t->pid, THREAD);
	else
		fmt_print(text, sizeof(text), "%x", THREAD);
	gdb_add(&g->packet, text);
}

static struct gdb_guest *first_attached(const struct gdb_stub *g, const struct id *id)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t)))
		if (t->attached && is_meant(g, t, id))
			return t;
	return NULL;
}

static struct gdb_guest *find(const struct gdb_stub *g, u32 pid)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t)))
		if (t->pid == pid)
			return t;
	return NULL;
}

struct gdb_guest *gdb_guest_at(const struct gdb_stub *g)
{
	return g->at && g->at->attached ? g->at : NULL;
}

/* --- Come and gone */

/* The guest stands from gdb's first word about it on, which it takes for granted. */
static void attach(struct gdb_stub *g, struct gdb_guest *t)
{
	t->attached = true;
	t->ended = false;
	g->at = t;
	g->ops->attached(t, true);
}

static void detach(struct gdb_stub *g, struct gdb_guest *t)
{
	if (!t->attached)
		return;
	t->attached = t->running = false;
	g->ops->forget_points(t);
	g->ops->attached(t, false);
	if (g->goes == t)
		g->goes = NULL;
}

/* --- Told */

static void add_expedited(struct gdb_stub *g, struct gdb_guest *t, unsigned n)
{
	u8 value[GDB_WIDE], number = (u8)n;

	gdb_reg_read(t->cpu, n, value);
	gdb_add_hex(&g->packet, &number, 1);
	gdb_add_char(&g->packet, ':');
	gdb_add_hex(&g->packet, value, 4);
	gdb_add_char(&g->packet, ';');
}

static void tell_stop(struct gdb_stub *g, struct gdb_guest *t, unsigned signal,
		      const struct cpu_stop *met)
{
	static const char *const word[] = { "", "watch", "rwatch", "awatch" };
	char text[40];

	g->at = t;
	gdb_begin(&g->packet);
	fmt_print(text, sizeof(text), "T%02xthread:", signal);
	gdb_add(&g->packet, text);
	add_id(g, t);
	gdb_add_char(&g->packet, ';');
	if (met && met->kind == STOP_EXEC && g->swbreak) {
		gdb_add(&g->packet, "swbreak:;");
	} else if (met && met->kind <= STOP_ACCESS && met->kind != STOP_EXEC) {
		fmt_print(text, sizeof(text), "%s:%x;", word[met->kind], met->gla);
		gdb_add(&g->packet, text);
	}
	add_expedited(g, t, GDB_EBP);
	add_expedited(g, t, GDB_ESP);
	add_expedited(g, t, GDB_EIP);
	gdb_send(&g->packet);
}

/* gdb keeps the description that it has been given, with its architecture. */
static void tell_width(struct gdb_stub *g, struct gdb_guest *t)
{
	unsigned bits = dbg_code_bits(t->cpu);
	char text[120];

	if (bits == t->told_bits)
		return;
	t->told_bits = bits;
	if (bits == t->described_bits)
		return;
	fmt_print(text, sizeof(text),
		  "[%u-bit code now: `unset tdesc filename` lets gdb ask for it again]\n", bits);
	gdb_print(&g->packet, text, strlen(text));
}

static void tell_exit(struct gdb_stub *g, u32 pid)
{
	char text[24];

	fmt_print(text, sizeof(text), g->multi && pid ? "W00;process:%x" : "W00", pid);
	gdb_say(&g->packet, text);
}

/* g->going is false, so gdb is not told of them. */
static void stop_others(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t)))
		if (t->running)
			g->ops->stop(t);
}

void gdb_guest_stopped(struct gdb_stub *g, struct gdb_guest *t, enum gdb_stop why,
		       const struct cpu_stop *met)
{
	static const u8 signal[] = { [GDB_STOP_ASKED] = SIGNAL_INT,
				     [GDB_STOP_STEP] = SIGNAL_TRAP,
				     [GDB_STOP_FAULT] = SIGNAL_SEGV };
	bool told = g->going && t->running, attaching = g->attaching;

	t->ended = why == GDB_STOP_ENDED;
	t->running = false;
	if (!told)
		return;
	g->going = g->attaching = false;
	stop_others(g);
	if (t->ended) {
		tell_exit(g, t->pid);
		detach(g, t);
		return;
	}
	if (!attaching) /* gdb asks for a description then, and prints nothing before */
		tell_width(g, t);
	tell_stop(g, t, attaching ? SIGNAL_TRAP : signal[why], met);
}

void gdb_guests_stop(struct gdb_stub *g)
{
	struct gdb_guest *t = gdb_guest_at(g);

	if (!t || !t->running)
		for (t = next(g, NULL); t && !t->running; t = next(g, t))
			;
	if (t)
		g->ops->stop(t);
}

void gdb_guests_why(struct gdb_stub *g)
{
	struct gdb_guest *t = gdb_guest_at(g);

	if (!t || t->ended)
		tell_exit(g, t ? t->pid : 0);
	else
		tell_stop(g, t, SIGNAL_TRAP, NULL);
}

/* Another gdb may have gone without a word: its points go now, and it is not told any more where a
 * guest stops. A guest that has ended can still be looked at. */
void gdb_guests_begin(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL, *first = NULL;

	g->here = true;
	g->going = g->attaching = false;
	g->goes = NULL;
	while ((t = next(g, t))) {
		if (!first)
			first = t;
		else
			detach(g, t);
	}
	if (!first)
		return;
	if (first->attached)
		g->ops->forget_points(first);
	first->ended = false;
	g->at = first;
	if (!first->attached)
		attach(g, first);
	first->running = true;
	g->ops->stop(first);
}

void gdb_guests_detach(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t)))
		detach(g, t);
	g->here = g->packet.no_ack = false;
}

void gdb_guest_add(struct gdb_stub *g, struct gdb_guest *t, struct cpu *cpu, const char *name)
{
	*t = (struct gdb_guest){ .cpu = cpu, .name = name, .pid = ++g->pids };
	list_add_tail(&t->link, &g->guests);
}

void gdb_guest_remove(struct gdb_stub *g, struct gdb_guest *t)
{
	gdb_guest_stopped(g, t, GDB_STOP_ENDED, NULL);
	detach(g, t);
	list_del(&t->link);
	if (g->at == t)
		g->at = NULL;
}

/* --- Packets */

/* Hg, Hc */
void gdb_guests_select(struct gdb_stub *g, const char *s)
{
	bool goes = *s == 'c';
	struct gdb_guest *t = NULL;
	struct id id;

	if ((*s != 'c' && *s != 'g') || (s++, !parse_id(&s, &id)) || *s) {
		gdb_say(&g->packet, "E01");
		return;
	}
	t = gdb_guest_at(g);
	if (!t || !is_meant(g, t, &id))
		t = first_attached(g, &id);
	if (t && goes)
		g->goes = id.thread < 0 && id.pid <= 0 ? NULL : t;
	else if (t)
		g->at = t;
	gdb_ok_or(&g->packet, t);
}

void gdb_guests_alive(struct gdb_stub *g, const char *s)
{
	struct id id;

	gdb_ok_or(&g->packet, parse_id(&s, &id) && first_attached(g, &id));
}

/* --- Go */

static void clear(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t)))
		t->does = GDB_STANDS;
}

/* False: nobody is meant. Who has been told already what to do does that. */
static bool tell_what(struct gdb_stub *g, const struct id *id, enum gdb_does what)
{
	struct gdb_guest *t = NULL;
	bool any = false;

	while ((t = next(g, t))) {
		if (!t->attached || !is_meant(g, t, id))
			continue;
		any = true;
		if (t->does == GDB_STANDS)
			t->does = what;
	}
	return any;
}

/* False: one has ended, which is what gdb hears. */
static bool none_has_ended(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL;

	while ((t = next(g, t))) {
		if (t->does == GDB_STANDS || !t->ended)
			continue;
		tell_exit(g, t->pid);
		detach(g, t);
		return false;
	}
	return true;
}

static bool start(struct gdb_stub *g, enum gdb_does what)
{
	struct gdb_guest *t = NULL;
	bool any = false;

	while ((t = next(g, t))) {
		if (t->does != what || !g->going)
			continue;
		t->running = true; /* the guest may have stopped before this returns */
		if ((what == GDB_STEPS ? g->ops->step : g->ops->go)(t))
			t->running = false;
		else
			any = true;
	}
	return any;
}

/* A step comes last: it may be over, and gdb told, before this returns. */
static void start_all(struct gdb_stub *g)
{
	bool any;

	if (!none_has_ended(g))
		return;
	g->going = true;
	any = start(g, GDB_GOES);
	any |= start(g, GDB_STEPS);
	if (any)
		return;
	g->going = false;
	gdb_say(&g->packet, "E01");
}

/* Hc has said who: all go on, or one. One steps. */
void gdb_guests_go(struct gdb_stub *g, bool step)
{
	const struct gdb_guest *who = g->goes ? g->goes : step ? gdb_guest_at(g) : NULL;
	struct id id = { .pid = who ? (s64)who->pid : -1, .thread = -1 };

	clear(g);
	if (tell_what(g, &id, step ? GDB_STEPS : GDB_GOES))
		start_all(g);
	else
		tell_exit(g, 0);
}

/* "c", "S05", with ":p1.1" behind. */
static bool parse_action(const char **s, enum gdb_does *what, struct id *id)
{
	char letter = **s;
	u32 signal; /* which a machine has none of */

	if (!letter || !strchr("cCsS", letter))
		return false;
	(*s)++;
	if ((letter == 'C' || letter == 'S') && !gdb_number(s, &signal))
		return false;
	*what = (letter | 0x20) == 's' ? GDB_STEPS : GDB_GOES;
	*id = (struct id){ -1, -1 };
	return !gdb_skip(s, ':') || parse_id(s, id);
}

/* ACTION[:thread];...: each guest does what the first action says that means it. */
void gdb_guests_continue(struct gdb_stub *g, const char *s)
{
	struct id id = { 0, 0 }, gone = { 0, 0 };
	enum gdb_does what;
	bool any = false;

	clear(g);
	do {
		if (!parse_action(&s, &what, &id)) {
			gdb_say(&g->packet, "E01");
			return;
		}
		any |= tell_what(g, &id, what);
		if (!gone.pid)
			gone = id;
	} while (gdb_skip(&s, ';'));
	if (*s || (!any && (gone.pid <= 0 || find(g, (u32)gone.pid)) && gdb_guest_at(g)))
		gdb_say(&g->packet, "E01");
	else if (!any)
		tell_exit(g, gone.pid > 0 ? (u32)gone.pid : 0);
	else
		start_all(g);
}

/* --- Come, leave, end */

void gdb_guests_attach(struct gdb_stub *g, const char *s)
{
	struct gdb_guest *t = NULL;
	u32 pid;

	t = gdb_number(&s, &pid) && !*s ? find(g, pid) : NULL;
	if (!t || t->attached) {
		gdb_say(&g->packet, "E01");
		return;
	}
	attach(g, t);
	g->going = g->attaching = t->running = true;
	g->ops->stop(t);
}

/* "", or ";pid"; a gdb that knows no processes may give any number. */
static struct gdb_guest *named(const struct gdb_stub *g, const char *s)
{
	struct gdb_guest *t = NULL;
	u32 pid;

	if (!gdb_skip(&s, ';') || !gdb_number(&s, &pid) || *s)
		return NULL;
	t = g->multi ? find(g, pid) : gdb_guest_at(g);
	return t && t->attached ? t : NULL;
}

void gdb_guests_leave(struct gdb_stub *g, const char *s)
{
	struct gdb_guest *t = named(g, s);

	if (*s && !t) {
		gdb_say(&g->packet, "E01");
		return;
	}
	if (t)
		g->ops->forget_points(t);
	gdb_say(&g->packet, "OK");
	if (t)
		detach(g, t);
	else
		gdb_guests_detach(g);
}

static void kill(struct gdb_stub *g, struct gdb_guest *t)
{
	t->attached = t->running = false;
	t->ended = true;
	if (g->goes == t)
		g->goes = NULL;
	g->ops->kill(t);
}

/* k has no answer, and is about all of gdb's. */
void gdb_guests_kill(struct gdb_stub *g, const char *s)
{
	struct gdb_guest *t = named(g, s);

	if (*s) {
		gdb_ok_or(&g->packet, t);
		if (t)
			kill(g, t);
		return;
	}
	while ((t = next(g, t)))
		if (t->attached)
			kill(g, t);
	g->here = g->packet.no_ack = false;
}

/* gdb's `run`, under target extended-remote: the guest that it was at, which it may have killed. */
void gdb_guests_restart(struct gdb_stub *g)
{
	struct gdb_guest *t = g->at;

	if (t) {
		if (!t->attached)
			attach(g, t);
		t->ended = false;
		g->going = t->running = true; /* it may stand before this returns */
		if (!g->ops->restart(t))
			return;
		g->going = t->running = false;
	}
	gdb_say(&g->packet, "E01");
}

/* --- Asked */

void gdb_guests_list(struct gdb_stub *g)
{
	struct gdb_guest *t = NULL;
	char sign = 'm';

	gdb_begin(&g->packet);
	while ((t = next(g, t))) {
		if (!t->attached)
			continue;
		gdb_add_char(&g->packet, sign);
		add_id(g, t);
		sign = ',';
	}
	if (sign == 'm')
		gdb_add_char(&g->packet, 'l');
	gdb_send(&g->packet);
}

void gdb_guests_current(struct gdb_stub *g)
{
	const struct gdb_guest *t = gdb_guest_at(g);

	gdb_begin(&g->packet);
	if (t) {
		gdb_add(&g->packet, "QC");
		add_id(g, t);
	}
	gdb_send(&g->packet);
}

void gdb_guests_about(struct gdb_stub *g, const char *s)
{
	const struct gdb_guest *t;
	struct id id;

	t = parse_id(&s, &id) && !*s ? first_attached(g, &id) : NULL;
	if (!t) {
		gdb_say(&g->packet, "E01");
		return;
	}
	gdb_begin(&g->packet);
	gdb_add_hex(&g->packet, t->name, strlen(t->name));
	gdb_send(&g->packet);
}
