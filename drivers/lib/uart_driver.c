/* SPDX-License-Identifier: MIT */
/*
 * The 16550A driver: polled and interrupt-driven output, input with flow control. Nothing here
 * knows which UART it is; the callbacks of the header lead to the registers.
 */
#include "drivers/lib/uart_driver.h"
#include "kernel/hw/ns16550_regs.h"

#define TX_SPINS 200000u /* a FIFO at 9600 baud takes 17 ms; a look at LSR about 1 us */
#define ROUNDS	 64u	 /* of one interrupt, in case IIR never says that nothing is left */

/* Room in the input below which the sender is asked to stop (a USB converter still sends what it
 * has buffered), and below which bytes stay in the FIFO: the rest is the keyboard's. */
#define SLOW_ROOM 384u
#define HELD_ROOM 64u
#define FREE_ROOM 512u /* from here on the sender may go on */

/* On, both FIFOs emptied, interrupt at 4 bytes or after a pause. */
#define FCR_START (FCR_ENABLE | FCR_CLEAR_RX | FCR_CLEAR_TX | FCR_LEVEL_4)

#define XON  0x11
#define XOFF 0x13

static u8 line_status(struct uart_driver *u)
{
	u8 v = u->ops->in(u, LSR);

	if (v == 0xff)
		return 0; /* nothing answers any more */
	u->seen |= v & (LSR_BI | LSR_OE);
	return v;
}

static void set_ier(struct uart_driver *u, u8 v)
{
	if (v == u->ier)
		return;
	u->ier = v;
	u->ops->out(u, IER, v);
}

static void set_mcr(struct uart_driver *u, u8 v)
{
	if (v == u->mcr)
		return;
	u->mcr = v;
	u->ops->out(u, MCR, v);
}

/* --- Output */

static bool may_send(struct uart_driver *u)
{
	if (u->flow == CONSOLE_FLOW_XON)
		return !u->peer_xoff;
	return u->flow != CONSOLE_FLOW_RTSCTS || (u->ops->in(u, MSR) & MSR_CTS);
}

static void send(struct uart_driver *u, u8 byte)
{
	u->ops->out(u, RBR_THR, byte);
	u->room--;
}

static bool have_room(struct uart_driver *u)
{
	if (!u->room && line_status(u) & LSR_THRE)
		u->room = u->fifo;
	if (u->room)
		u->dead = false;
	return u->room;
}

/* True when the queue is empty. */
static bool fill(struct uart_driver *u)
{
	if (u->xchar && have_room(u)) {
		send(u, u->xchar);
		u->xchar = 0;
	}
	while (ring_used(&u->queue)) {
		if (u->peer_xoff || (!u->room && (!may_send(u) || !have_room(u))))
			return false;
		send(u, (u8)ring_get(&u->queue));
	}
	return true;
}

/* The transmitter's interrupt is wanted while something waits for it. While the other side wants
 * silence the transmitter is empty, and its interrupt would tell nothing. */
static void arm(struct uart_driver *u)
{
	bool waiting = u->xchar || (ring_used(&u->queue) && may_send(u));

	if (u->interrupts)
		set_ier(u, (u8)(waiting ? u->ier | IER_THRE : u->ier & ~IER_THRE));
}

static void receive(struct uart_driver *u);

/*
 * Until some of the queue is gone. False: the transmitter is dead, and costs the time to find that
 * out only once. Interrupts may be off for a long text: what is typed meanwhile is taken here, or
 * the chip would lose what its FIFO does not hold.
 */
static bool wait_some(struct uart_driver *u)
{
	u32 before = ring_used(&u->queue);

	for (unsigned spins = 0;; spins++) {
		if (u->interrupts)
			receive(u);
		fill(u);
		if (ring_used(&u->queue) != before)
			return true;
		if (u->dead || spins == TX_SPINS)
			break;
	}
	u->dead = true;
	return false;
}

static void put(struct uart_driver *u, u8 byte)
{
	if (!ring_room(&u->queue) && !wait_some(u))
		u->lost++;
	else
		ring_put(&u->queue, byte);
}

void uart_driver_flush(struct uart_driver *u)
{
	while (!fill(u) && wait_some(u))
		;
}

void uart_driver_poll(struct uart_driver *u)
{
	if (fill(u) || !u->interrupts)
		return;
	arm(u);
}

void uart_driver_write(struct uart_driver *u, const char *s, size_t n, bool cooked)
{
	for (; n; n--, s++) {
		if (cooked && *s == '\n')
			put(u, '\r');
		put(u, (u8)*s);
	}
	if (!u->interrupts)
		uart_driver_flush(u);
	else if (!fill(u))
		arm(u);
}

static bool wait_empty(struct uart_driver *u)
{
	for (unsigned spins = 0; spins < TX_SPINS; spins++)
		if (line_status(u) & LSR_THRE)
			return true;
	return false;
}

/* What this interrupted may be about to send a FIFO's worth of bytes: it finds the FIFO empty, as
 * it was. */
void uart_driver_write_now(struct uart_driver *u, const char *s, size_t n, bool cooked)
{
	unsigned room = 0;
	bool returned = false; /* the \r of a cooked \n was sent */

	while (n) {
		if (!room) {
			if (!wait_empty(u))
				return;
			room = u->fifo;
		}
		room--;
		if (cooked && *s == '\n' && !returned) {
			u->ops->out(u, RBR_THR, '\r');
			returned = true;
			continue;
		}
		u->ops->out(u, RBR_THR, (u8)*s);
		returned = false;
		s++;
		n--;
	}
	wait_empty(u);
}

/* --- Input */

static void ask_to_stop(struct uart_driver *u, bool stop)
{
	if (u->slow == stop)
		return;
	u->slow = stop;
	set_mcr(u, (u8)(stop ? u->mcr & ~MCR_RTS : u->mcr | MCR_RTS));
	if (u->flow == CONSOLE_FLOW_XON)
		u->xchar = stop ? XOFF : XON;
}

static void hold(struct uart_driver *u, bool held)
{
	u->held = held;
	set_ier(u, (u8)(held ? u->ier & ~IER_RDA : u->ier | IER_RDA));
}

static void look_at_room(struct uart_driver *u)
{
	u32 room = u->ops->input_room(u);

	if (room < SLOW_ROOM)
		ask_to_stop(u, true);
	else if (room >= FREE_ROOM)
		ask_to_stop(u, false);
	if (room < HELD_ROOM)
		hold(u, true);
	else if (room >= FREE_ROOM)
		hold(u, false);
}

/* A NUL comes with it: at the top of the FIFO on hardware, behind what lies there with QEMU, and
 * not at all if the FIFO was full. */
static void take_break(struct uart_driver *u)
{
	u->nul_expected = !(u->held && u->seen & LSR_OE);
	u->seen = 0;
	u->ops->input_break(u);
	look_at_room(u);
}

static void take_byte(struct uart_driver *u, u8 byte)
{
	if (!byte && u->nul_expected) {
		u->nul_expected = false;
		return;
	}
	if (u->flow == CONSOLE_FLOW_XON && (byte == XON || byte == XOFF)) {
		u->peer_xoff = byte == XOFF;
		return;
	}
	u->ops->input(u, byte);
	look_at_room(u);
}

static void receive(struct uart_driver *u)
{
	for (;;) {
		u8 status = line_status(u);

		if (u->seen & LSR_BI)
			take_break(u);
		if (u->held || !(status & LSR_DR))
			return;
		take_byte(u, u->ops->in(u, RBR_THR));
	}
}

void uart_driver_input_taken(struct uart_driver *u)
{
	if (!u->interrupts || (!u->slow && !u->held))
		return;
	look_at_room(u);
	fill(u);
	arm(u);
}

/* The sender may have been asked to stop. */
int uart_driver_read_now(struct uart_driver *u)
{
	if (u->slow) {
		ask_to_stop(u, false);
		if (u->xchar && wait_empty(u))
			u->ops->out(u, RBR_THR, u->xchar);
		u->xchar = 0;
	}
	return u->ops->in(u, LSR) & LSR_DR ? u->ops->in(u, RBR_THR) : -1;
}

/* An edge-triggered line tells again only after it was low: every cause is served. */
void uart_driver_interrupt(struct uart_driver *u)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		receive(u);
		(void)u->ops->in(u, MSR);
		fill(u);
		arm(u);
		if (u->ops->in(u, IIR_FCR) & IIR_NONE)
			return;
	}
}

bool uart_driver_asks(struct uart_driver *u)
{
	return u->interrupts && !(u->ops->in(u, IIR_FCR) & IIR_NONE);
}

/* --- Start */

bool uart_driver_init(struct uart_driver *u, const struct uart_ops *ops, u8 *queue, u32 size)
{
	*u = (struct uart_driver){ .ops = ops, .fifo = 1 };
	u->queue = (struct byte_ring){ .data = queue, .size = size };
	ops->out(u, SCR, 0x5a);
	if (ops->in(u, SCR) != 0x5a || ops->in(u, LSR) == 0xff)
		return false;
	ops->out(u, IER, 0);
	ops->out(u, LCR, 0x80); /* divisor latch */
	ops->out(u, RBR_THR, 1);
	ops->out(u, IER, 0);
	ops->out(u, LCR, 3);
	ops->out(u, IIR_FCR, FCR_START);
	set_mcr(u, MCR_DTR | MCR_RTS | MCR_OUT2);
	if ((ops->in(u, IIR_FCR) & IIR_FIFO) == IIR_FIFO)
		u->fifo = NS16550_FIFO;
	return true;
}

void uart_driver_enable(struct uart_driver *u)
{
	u->interrupts = true;
	set_ier(u, IER_RDA | IER_RLS);
}

void uart_driver_set_flow(struct uart_driver *u, enum console_flow flow)
{
	u->flow = flow;
	u->peer_xoff = false;
	if (u->interrupts)
		set_ier(u, (u8)(flow == CONSOLE_FLOW_RTSCTS ? u->ier | IER_MODEM
							    : u->ier & ~IER_MODEM));
}
