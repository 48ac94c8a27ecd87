/* SPDX-License-Identifier: MIT */
/*
 * The 16550A. Interrupt sources in order of priority (data sheet table IV): line status, received
 * data, character timeout, transmitter empty, modem status. Boards of PCs often lead the interrupt
 * output through a gate that OUT2 opens. Here it is open always, as emulators have it: kernels that
 * were written on one, as xv6, never set OUT2. `strict` tells of it (emu/board/serial_gate.h).
 */
#include "emu/chip/uart16550.h"

#include "emu/dev/ticks.h"
#include "emu/dev/strict.h"
#include "emu/snap/snap.h"
#include "kernel/hw/ns16550_regs.h"

#define FCR_KEPT (FCR_ENABLE | FCR_DMA_MODE | FCR_LEVEL)
#define LSR_CHAR (LSR_PE | LSR_FE | LSR_BI)

static bool fifo_on(const struct uart16550 *u)
{
	return u->fcr & FCR_ENABLE;
}

static unsigned capacity(const struct uart16550 *u)
{
	return fifo_on(u) ? UART_FIFO : 1;
}

static unsigned trigger_level(const struct uart16550 *u)
{
	static const u8 level[4] = { 1, 4, 8, 14 };

	return fifo_on(u) ? level[u->fcr >> 6] : 1;
}

u8 uart16550_interrupt_id(const struct uart16550 *u)
{
	if ((u->ier & IER_RLS) && u->lsr_errors)
		return IIR_RLS;
	if ((u->ier & IER_RDA) && u->used >= trigger_level(u))
		return IIR_RDA;
	if ((u->ier & IER_RDA) && u->timeout)
		return IIR_TIMEOUT;
	if ((u->ier & IER_THRE) && u->thre_pending)
		return IIR_THRE;
	if ((u->ier & IER_MODEM) && u->msr_delta)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update(struct uart16550 *u)
{
	bool level = uart16550_interrupt_id(u) != IIR_NONE;

	if (level != u->level) {
		u->level = level;
		irq_set(&u->irq, level);
	}
}

/* --- Reception */

/* Time of n characters: start bit, data, parity, stop bits at 16 clocks * divisor each. */
static u64 characters_ns(const struct uart16550 *u, unsigned n)
{
	u32 bits = 1 + 5 + (u->lcr & 3u) + (u->lcr >> 3 & 1u) + 1 + (u->lcr >> 2 & 1u);

	return mul_div_up((u64)n * bits * 16 * (u->divisor ? u->divisor : 1), NS_PER_S,
			  NS16550_CLOCK_HZ);
}

/* The timeout runs anew with every byte that enters or leaves the FIFO. */
static void restart_timeout(struct uart16550 *u)
{
	u->timeout = false;
	if (fifo_on(u) && u->used && (u->ier & IER_RDA))
		vtimer_arm(u->timers, &u->timer, vtimers_now(u->timers) + characters_ns(u, 4));
	else
		vtimer_cancel(u->timers, &u->timer);
}

static void timed_out(void *ctx, u64 now)
{
	struct uart16550 *u = ctx;

	(void)now;
	u->timeout = u->used > 0;
	update(u);
}

/* The errors of a byte show in LSR when it comes to the top. */
static void reveal_top(struct uart16550 *u)
{
	if (u->used)
		u->lsr_errors |= u->errors[u->head];
}

static void receive(struct uart16550 *u, u8 byte, u8 errors)
{
	if (u->used == capacity(u)) {
		u->lsr_errors |= LSR_OE;
		u->overruns++;
		if (fifo_on(u))
			return; /* the shift register is overwritten, the FIFO is not */
		u->used = 0;
	}

	unsigned at = (u->head + u->used) % UART_FIFO;

	u->data[at] = byte;
	u->errors[at] = errors;
	if (++u->used == 1)
		reveal_top(u);
	restart_timeout(u);
}

static u8 read_data(struct uart16550 *u)
{
	u8 byte = u->data[u->head];

	if (!u->used)
		return byte;
	u->head = (u->head + 1) % UART_FIFO;
	u->used--;
	reveal_top(u);
	restart_timeout(u);
	return byte;
}

static void clear_rx(struct uart16550 *u)
{
	u->head = u->used = 0;
	u->lsr_errors &= (u8)~LSR_CHAR;
	restart_timeout(u);
}

bool uart16550_rx(struct uart16550 *u, u8 byte)
{
	if (u->mcr & MCR_LOOP) /* the input is disconnected: the byte waits at its sender's */
		return false;
	if (u->rts_wired && !(u->mcr & MCR_RTS))
		return false;
	if (u->used == capacity(u))
		return false;
	receive(u, byte, 0);
	update(u);
	return true;
}

void uart16550_break(struct uart16550 *u)
{
	if (u->mcr & MCR_LOOP)
		return;
	receive(u, 0, LSR_BI | LSR_FE);
	update(u);
}

/* --- Modem lines */

static u8 modem_inputs(const struct uart16550 *u)
{
	if (!(u->mcr & MCR_LOOP))
		return u->modem;
	return (u8)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
		    (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* Delta bits: any change of CTS, DSR, DCD; only the trailing edge of RI. */
static void modem_changed(struct uart16550 *u, u8 before)
{
	u8 after = modem_inputs(u), diff = before ^ after;

	u->msr_delta |= (u8)((diff & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4);
	u->msr_delta |= (u8)((before & ~after & MSR_RI) >> 4);
}

void uart16550_modem(struct uart16550 *u, u8 inputs)
{
	u8 before = modem_inputs(u);

	u->modem = inputs & 0xf0;
	modem_changed(u, before);
	update(u);
}

/* --- Registers */

static void transmit(struct uart16550 *u, u8 byte)
{
	if (u->thre_pending) { /* THR full for a moment: the line falls, and rises again with the
				  next empty */
		u->thre_pending = false;
		update(u);
	}
	if (u->mcr & MCR_LOOP)
		receive(u, byte, 0);
	else if (!u->host->serial_tx(u->host->ctx, u->unit, byte))
		u->tx_busy = true;
	u->thre_pending = !u->tx_busy;
}

void uart16550_tx_ready(struct uart16550 *u)
{
	if (!u->tx_busy)
		return;
	u->tx_busy = false;
	u->thre_pending = true;
	update(u);
}

static void write_ier(struct uart16550 *u, u8 v)
{
	u8 set = (u8)(v & ~u->ier);

	u->ier = v & 0x0f;
	if (set & IER_THRE && !u->tx_busy) /* THR is empty now: its interrupt comes at once */
		u->thre_pending = true;
	if (set & IER_RDA && !u->timeout)
		restart_timeout(u);
}

static void write_fcr(struct uart16550 *u, u8 v)
{
	bool toggled = (v ^ u->fcr) & FCR_ENABLE;

	if (!(v & FCR_ENABLE)) /* the other bits are programmed only together with bit 0 */
		v = 0;
	u->fcr = v & FCR_KEPT;
	if (toggled || (v & FCR_CLEAR_RX))
		clear_rx(u);
}

static void write_lcr(struct uart16550 *u, u8 v)
{
	bool begin = (v & ~u->lcr) & LCR_BREAK;

	u->lcr = v;
	if (begin && (u->mcr & MCR_LOOP))
		receive(u, 0, LSR_BI | LSR_FE);
}

static void write_mcr(struct uart16550 *u, u8 v)
{
	u8 before = modem_inputs(u);

	u->mcr = v & 0x1f;
	modem_changed(u, before);
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct uart16550 *u = dev;
	u8 v = (u8)value;

	(void)size;
	switch (offset) {
	case RBR_THR:
		if (u->lcr & LCR_DLAB)
			u->divisor = (u16)((u->divisor & 0xff00) | v);
		else
			transmit(u, v);
		break;
	case IER:
		if (u->lcr & LCR_DLAB)
			u->divisor = (u16)((u->divisor & 0xff) | v << 8);
		else
			write_ier(u, v);
		break;
	case IIR_FCR:
		write_fcr(u, v);
		break;
	case LCR:
		write_lcr(u, v);
		break;
	case MCR:
		write_mcr(u, v);
		break;
	case SCR:
		u->scratch = v;
		break;
	case LSR:
		strict_broken(u->host, STRICT_uart_read_only);
		return;
	default: /* MSR: the data sheet forbids or ignores writes */
		return;
	}
	update(u);
}

static u8 read_iir(struct uart16550 *u)
{
	u8 id = uart16550_interrupt_id(u);

	if (id == IIR_THRE) {
		u->thre_pending = false;
		update(u);
	}
	return (u8)(id | (fifo_on(u) ? IIR_FIFO : 0));
}

static u8 read_lsr(struct uart16550 *u)
{
	u8 v = (u8)((u->tx_busy ? 0 : LSR_THRE | LSR_TEMT) | u->lsr_errors |
		    (u->used ? LSR_DR : 0));

	if (fifo_on(u))
		for (unsigned i = 0; i < u->used; i++)
			if (u->errors[(u->head + i) % UART_FIFO])
				v |= LSR_FIFO;
	if (u->lsr_errors) {
		u->lsr_errors = 0;
		if (u->used)
			u->errors[u->head] = 0;
		update(u);
	}
	return v;
}

static u8 read_msr(struct uart16550 *u)
{
	u8 v = (u8)(modem_inputs(u) | u->msr_delta);

	if (u->msr_delta) {
		u->msr_delta = 0;
		update(u);
	}
	return v;
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	struct uart16550 *u = dev;
	u8 v;

	(void)size;
	switch (offset) {
	case RBR_THR:
		if (u->lcr & LCR_DLAB)
			return u->divisor & 0xff;
		v = read_data(u);
		update(u);
		return v;
	case IER:
		return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
	case IIR_FCR:
		return read_iir(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return read_lsr(u);
	case MSR:
		return read_msr(u);
	default:
		return u->scratch;
	}
}

static const struct bus_ports uart_ports = { port_read, port_write, 1 };

/* Master reset leaves the divisor, the scratch register and the data alone. */
static void uart16550_reset(void *dev)
{
	struct uart16550 *u = dev;

	u->ier = u->lcr = u->mcr = u->fcr = 0;
	u->lsr_errors = u->msr_delta = 0;
	u->head = u->used = 0;
	u->thre_pending = u->tx_busy = false;
	restart_timeout(u);
	update(u);
}

static int uart16550_init(void *dev, const struct device_bay *bay)
{
	struct uart16550 *u = dev;

	u->timers = bay->timers;
	u->irq = bay->irq[0];
	u->host = bay->host;
	u->unit = bay->slot->unit;
	u->divisor = 12;			/* 9600 baud, until somebody sets it */
	u->modem = MSR_CTS | MSR_DSR | MSR_DCD; /* a terminal is plugged in */
	vtimer_init(&u->timer, timed_out, u);
	uart16550_reset(u);
	return 0;
}

/* A byte on the line. */
static bool uart16550_can_wake(const void *dev)
{
	(void)dev;
	return true;
}

static u64 uart16550_wakes_at(const void *dev)
{
	const struct uart16550 *u = dev;

	return vtimer_due(&u->timer);
}

static void uart16550_state(void *dev, struct snap *s)
{
	struct uart16550 *u = dev;

	snap_range(s, u->ier, 0, 0x0f);
	snap_u8(s, u->lcr);
	snap_range(s, u->mcr, 0, 0x1f);
	snap_u8(s, u->scratch);
	snap_u8(s, u->fcr);
	snap_u8(s, u->lsr_errors);
	snap_u8(s, u->modem);
	snap_range(s, u->msr_delta, 0, 0x0f);
	snap_u16(s, u->divisor);
	snap_bytes(s, u->data, sizeof(u->data));
	snap_bytes(s, u->errors, sizeof(u->errors));
	snap_range(s, u->head, 0, UART_FIFO - 1);
	snap_range(s, u->used, 0, capacity(u));
	snap_bool(s, u->thre_pending);
	snap_bool(s, u->timeout);
	snap_bool(s, u->tx_busy);
	vtimer_state(u->timers, &u->timer, s);
	if (s->loading && snap_ok(s))
		update(u);
}

const struct device_class uart16550_class = {
	.name = "uart16550",
	.version = 1,
	.size = sizeof(struct uart16550),
	.ports = { &uart_ports },
	.init = uart16550_init,
	.reset = uart16550_reset,
	.state = uart16550_state,
	.unsaved = DEVICE_PART(struct uart16550, overruns, overruns),
	.can_wake = uart16550_can_wake,
	.wakes_at = uart16550_wakes_at,
	.title = "16550A",
	.file = "uart16550.c",
	.has = "FIFOs, trigger levels, timeout, all interrupt sources and priorities, error bytes, "
	       "break, modem lines, loopback, THR full while the line is busy; input "
	       "that does not fit, or meets loopback or RTS off (with `flow = rtscts`), waits "
	       "outside (docs/console.md)",
	.lacks = "transmission takes no time while the line keeps up; sending a break tells "
		 "nobody; CTS is always on; DMA mode; OUT2's gate",
};
