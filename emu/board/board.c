/* SPDX-License-Identifier: MIT */
/*
 * The mainboard: which device exists, where it is wired to, and what memory the board itself
 * brings:
 *
 *   A0000h..BFFFFh   video memory: plain RAM
 *   C0000h..DFFFFh   nothing (reads ones)
 *   E0000h..FFFFFh   RAM that holds the ACPI tables from E0000h on
 *
 *   IRQ  0 PIT            4 COM1, COM3   9 SCI     12 mouse
 *        1 keyboard       8 RTC         10 PCI     13 FERR
 *        3 COM2, COM4                   11 PCI
 *
 * No firmware has run when a loader starts a kernel directly, so reset leaves the devices as
 * firmware would: PMBASE and PIRQ routes set, CMOS filled in, A20 on.
 */
#include "emu/board/board.h"

#include "emu/board/guest_acpi.h"
#include "emu/chip/chipset.h"
#include "emu/chip/debug_ports.h"
#include "emu/chip/ferr.h"
#include "emu/chip/i8042.h"
#include "emu/chip/i8237.h"
#include "emu/chip/i8254.h"
#include "emu/chip/i8259.h"
#include "emu/dev/irq_or.h"
#include "emu/chip/mc146818.h"
#include "emu/chip/piix4_pm.h"
#include "emu/chip/reset_control.h"
#include "emu/chip/uart16550.h"
#include "emu/chip/vga_regs.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

#define SERIAL_PORTS 4
#define VIDEO_START  0xa0000u
#define VIDEO_SIZE   0x20000u
#define TABLES_START 0xe0000u
#define TABLES_SIZE  0x20000u

#define A20_KBC	 BIT(0)
#define A20_FAST BIT(1)

struct serial_port {
	struct board *board;
	unsigned number;
};

struct board {
	struct board_config config;
	struct board_host host;
	struct gpmem *mem;
	struct bus bus;
	struct vtimers timers;
	struct irq_or irqs;
	struct i8259_pair pic;
	struct i8254 pit;
	struct mc146818 rtc;
	struct i8042 kbc;
	struct reset_control reset;
	struct uart16550 uart[SERIAL_PORTS];
	struct serial_port serial[SERIAL_PORTS];
	struct i8237_pair dma;
	struct vga_regs vga;
	struct debug_ports debug;
	struct ferr ferr;
	struct pci_bus pci;
	struct chipset chipset;
	struct irq_line pci_line[16];
	struct piix4_pm pm;
	u8 a20;	    /* A20_*: A20 is on while any of them says so */
	u8 *memory; /* what video and tables lie in */
	u8 *video, *tables;
	struct acpi_layout acpi;
};

/* --- From the devices to the machine around */

static void host_intr(void *ctx, unsigned irq, bool level)
{
	struct board *b = ctx;

	(void)irq;
	b->host.intr(b->host.ctx, level);
}

static void host_rearm(void *ctx, u64 deadline)
{
	struct board *b = ctx;

	if (b->host.timer_moved)
		b->host.timer_moved(b->host.ctx, deadline);
}

static bool host_serial(void *ctx, u8 byte)
{
	const struct serial_port *s = ctx;

	return s->board->host.serial_tx(s->board->host.ctx, s->number, byte);
}

static void set_a20(struct board *b, u8 source, bool on)
{
	bool before = b->a20 != 0;

	b->a20 = (u8)(on ? b->a20 | source : b->a20 & ~source);
	if (before != (b->a20 != 0))
		b->host.a20(b->host.ctx, b->a20 != 0);
}

static void kbc_a20(void *ctx, bool on)
{
	set_a20(ctx, A20_KBC, on);
}

static void fast_a20(void *ctx, bool on)
{
	set_a20(ctx, A20_FAST, on);
}

static void host_reset(void *ctx, const char *why)
{
	struct board *b = ctx;

	b->host.reset(b->host.ctx, why);
}

static void kbc_reset(void *ctx)
{
	host_reset(ctx, "reset (keyboard controller)");
}

/* --- Between the devices */

static bool tick_waits(void *ctx)
{
	struct board *b = ctx;

	return i8259_requests(&b->pic, 0);
}

static void pic_eoi(void *ctx, unsigned irq)
{
	struct board *b = ctx;

	if (irq == 0)
		i8254_irq_done(&b->pit);
}

static void pci_irq(void *ctx, unsigned irq, bool level)
{
	struct board *b = ctx;

	irq_set(&b->pci_line[irq], level);
}

static u8 cf8_side_read(void *ctx, unsigned offset)
{
	struct board *b = ctx;

	return offset == 1 ? reset_control_read_cf9(&b->reset) : 0xff;
}

static void cf8_side_write(void *ctx, unsigned offset, u8 value)
{
	struct board *b = ctx;

	if (offset == 1)
		reset_control_write_cf9(&b->reset, value);
}

/* --- What firmware would do */

static void set_cmos16(struct mc146818 *r, u8 index, u64 value)
{
	u64 v = MIN(value, 0xffff);

	mc146818_set_cmos(r, index, (u8)v);
	mc146818_set_cmos(r, (u8)(index + 1), (u8)(v >> 8));
}

/* Memory sizes as AT, PS/2 and later firmware report them. */
static void fill_cmos(struct board *b)
{
	u64 ram = b->config.ram_size;

	mc146818_set_cmos(&b->rtc, 0x14, 0x06); /* equipment: coprocessor, PS/2 mouse */
	set_cmos16(&b->rtc, 0x15, 640);
	set_cmos16(&b->rtc, 0x17, ram > MiB ? (ram - MiB) / KiB : 0);
	set_cmos16(&b->rtc, 0x30, ram > MiB ? MIN((ram - MiB) / KiB, 63 * KiB) : 0);
	set_cmos16(&b->rtc, 0x34, ram > 16 * MiB ? (ram - 16 * MiB) / (64 * KiB) : 0);
}

static void write_tables(struct board *b)
{
	struct acpi_machine m = { .ram_size = b->config.ram_size, .serial_ports = SERIAL_PORTS };

	memset(b->video, 0, VIDEO_SIZE);
	if (acpi_build(b->tables, TABLES_SIZE, TABLES_START, &m, &b->acpi))
		panic("board: the ACPI tables do not fit");
}

/* --- Creation */

static int add_region(struct board *b, gpa_t start, u32 size, u8 *memory, const char *name)
{
	u8 **chunk = mem_alloc(sizeof(*chunk)); /* gpmem's from then on */
	int err;

	if (!chunk)
		return E_NOMEM;
	chunk[0] = memory;
	err = gpmem_add_ram(b->mem, start, size, chunk, true, name);
	if (err)
		mem_free(chunk);
	return err;
}

static int add_memory(struct board *b)
{
	int err;

	b->memory = mem_alloc(VIDEO_SIZE + TABLES_SIZE + PAGE_SIZE);
	if (!b->memory)
		return E_NOMEM;
	b->video = (u8 *)ALIGN_UP((hva_t)b->memory, (hva_t)PAGE_SIZE);
	b->tables = b->video + VIDEO_SIZE;
	write_tables(b);
	err = add_region(b, VIDEO_START, VIDEO_SIZE, b->video, "video");
	if (!err)
		err = add_region(b, TABLES_START, TABLES_SIZE, b->tables, "acpi tables");
	return err;
}

static int add_serial(struct board *b)
{
	static const struct {
		u16 port;
		u8 irq;
	} com[SERIAL_PORTS] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
	int err = 0;

	for (unsigned i = 0; i < SERIAL_PORTS && !err; i++) {
		b->serial[i] = (struct serial_port){ b, i };
		err = uart16550_init(&b->uart[i], &b->bus, com[i].port, &b->timers,
				     irq_or_source(&b->irqs, com[i].irq), host_serial,
				     &b->serial[i]);
		b->uart[i].rts_wired = b->config.rts_wired;
	}
	return err;
}

static int add_pci(struct board *b)
{
	int err = pci_init(&b->pci, &b->bus);

	if (err)
		return err;
	b->pci.side_read = cf8_side_read;
	b->pci.side_write = cf8_side_write;
	b->pci.side_ctx = b;
	for (unsigned irq = 0; irq < 16; irq++)
		b->pci_line[irq] = irq_or_source(&b->irqs, irq);
	chipset_init(&b->chipset, &b->pci, (struct irq_line){ .set = pci_irq, .ctx = b });
	return piix4_pm_init(&b->pm, &b->pci, &b->bus, &b->timers,
			     irq_or_source(&b->irqs, PM_SCI_IRQ), b->host.power_off, b->host.ctx);
}

static int add_devices(struct board *b)
{
	struct irq_line intr = { .set = host_intr, .ctx = b };
	int err = i8259_init(&b->pic, &b->bus, intr);

	b->irqs.out = (struct irq_line){ .set = i8259_set_irq, .ctx = &b->pic };
	b->pic.eoi = pic_eoi;
	b->pic.eoi_ctx = b;
	if (!err)
		err = i8254_init(&b->pit, &b->bus, &b->timers, irq_or_source(&b->irqs, 0));
	b->pit.waiting = tick_waits;
	b->pit.waiting_ctx = b;
	if (!err)
		err = mc146818_init(&b->rtc, &b->bus, &b->timers, irq_or_source(&b->irqs, 8),
				    b->host.wall_clock, b->host.ctx);
	if (!err)
		err = i8042_init(&b->kbc, &b->bus, irq_or_source(&b->irqs, 1),
				 irq_or_source(&b->irqs, 12), kbc_a20, kbc_reset, b);
	if (!err)
		err = reset_control_init(&b->reset, &b->bus, fast_a20, host_reset, b);
	if (!err)
		err = i8237_init(&b->dma, &b->bus);
	if (!err)
		err = vga_regs_init(&b->vga, &b->bus, &b->timers);
	if (!err)
		err = ferr_init(&b->ferr, &b->bus, irq_or_source(&b->irqs, 13));
	if (!err)
		err = debug_ports_init(&b->debug, &b->bus, b->host.debug_tx,
				       b->config.debug_exit ? b->host.exit_code : NULL,
				       b->host.ctx);
	if (!err)
		err = add_serial(b);
	if (!err)
		err = add_pci(b);
	return err;
}

struct board *board_create(const struct board_config *config, const struct board_host *host,
			   struct gpmem *mem)
{
	struct board *b = mem_alloc(sizeof(*b));

	if (!b)
		return NULL;
	b->config = *config;
	b->host = *host;
	b->mem = mem;
	b->a20 = A20_KBC;
	bus_init(&b->bus);
	vtimers_init(&b->timers, host->now, host->ctx);
	b->timers.rearm = host_rearm;
	b->timers.rearm_ctx = b;
	if (add_memory(b)) {
		mem_free(b->memory);
		mem_free(b);
		return NULL;
	}
	if (add_devices(b))
		panic("board: two devices claim one port");
	fill_cmos(b);
	return b;
}

/* The regions stay in gpmem, which must not be used any more. */
void board_destroy(struct board *b)
{
	mem_free(b->memory);
	mem_free(b);
}

/* Watchers are told page by page. */
static void tell_written(struct board *b, gpa_t start, u32 size)
{
	for (u32 at = 0; at < size; at += PAGE_SIZE)
		gpmem_written(b->mem, start + at, PAGE_SIZE);
}

void board_reset(struct board *b)
{
	chipset_reset(&b->chipset);
	piix4_pm_reset(&b->pm);
	pci_reset(&b->pci);
	i8254_reset(&b->pit);
	mc146818_reset(&b->rtc);
	i8042_reset(&b->kbc);
	reset_control_reset(&b->reset);
	for (unsigned i = 0; i < SERIAL_PORTS; i++)
		uart16550_reset(&b->uart[i]);
	i8237_reset(&b->dma);
	vga_regs_reset(&b->vga);
	ferr_set(&b->ferr, false);
	i8259_reset(&b->pic);
	fill_cmos(b);
	write_tables(b);
	tell_written(b, VIDEO_START, VIDEO_SIZE);
	tell_written(b, TABLES_START, TABLES_SIZE);
}

/* --- The CPU's side */

u32 board_io_read(struct board *b, u16 port, unsigned size)
{
	return bus_read(&b->bus, port, size);
}

void board_io_write(struct board *b, u16 port, unsigned size, u32 value)
{
	bus_write(&b->bus, port, size, value);
}

int board_intr_ack(struct board *b)
{
	return i8259_pending(&b->pic) ? i8259_ack(&b->pic) : -1;
}

bool board_intr_pending(struct board *b)
{
	return i8259_pending(&b->pic);
}

u64 board_run_timers(struct board *b)
{
	return vtimers_run(&b->timers);
}

/* --- The outside world */

bool board_serial_rx(struct board *b, unsigned port, u8 byte)
{
	return port >= SERIAL_PORTS || uart16550_rx(&b->uart[port], byte);
}

void board_serial_ready(struct board *b, unsigned port)
{
	if (port < SERIAL_PORTS)
		uart16550_tx_ready(&b->uart[port]);
}

void board_serial_break(struct board *b, unsigned port)
{
	if (port < SERIAL_PORTS)
		uart16550_break(&b->uart[port]);
}

bool board_key(struct board *b, u8 scancode)
{
	return i8042_key(&b->kbc, scancode);
}

void board_mouse(struct board *b, s32 dx, s32 dy, s32 dz, u8 buttons)
{
	i8042_mouse(&b->kbc, dx, dy, dz, buttons);
}

void board_power_button(struct board *b)
{
	piix4_pm_power_button(&b->pm);
}

void board_fpu_error(struct board *b)
{
	ferr_set(&b->ferr, true);
}

gpa_t board_rsdp(const struct board *b)
{
	return TABLES_START + b->acpi.rsdp;
}

/* When this timer comes due, if its interrupt gets through the PIC. */
static u64 wakes_at(const struct board *b, const struct vtimer *t, unsigned irq)
{
	return vtimer_armed(t) && !i8259_masked(&b->pic, irq) ? t->deadline : UINT64_MAX;
}

u64 board_wakes_at(const struct board *b)
{
	u64 at = wakes_at(b, &b->pit.timer, 0);

	at = MIN(at, wakes_at(b, &b->rtc.timer, 8));
	at = MIN(at, wakes_at(b, &b->pm.timer, PM_SCI_IRQ));
	for (unsigned i = 0; i < SERIAL_PORTS; i++)
		at = MIN(at, wakes_at(b, &b->uart[i].timer, i & 1 ? 3 : 4));
	return at;
}

bool board_can_wake(const struct board *b)
{
	static const u8 outside[] = { 1, 3, 4, PM_SCI_IRQ, 12 };

	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++)
		if (!i8259_masked(&b->pic, outside[i]))
			return true;
	return board_wakes_at(b) != UINT64_MAX;
}
