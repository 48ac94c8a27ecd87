/* SPDX-License-Identifier: MIT */
/*
 * The mainboard: the devices of emu/board/pc_slots.c, what is wired between them, and the memory
 * that the board itself brings (emu/board/pc_memory.h).
 *
 * Without firmware a loader starts a kernel directly, so reset leaves the devices as firmware
 * would: PMBASE and PIRQ routes set, CMOS filled in, A20 on, ACPI tables in RAM from E0000h on.
 */
#include "emu/board/board.h"

#include "emu/board/board_options.h"
#include "emu/board/firmware_config.h"
#include "emu/board/guest_acpi.h"
#include "emu/board/pc_cmos.h"
#include "emu/board/pc_memory.h"
#include "emu/board/pc_slots.h"
#include "emu/board/serial_gate.h"
#include "emu/chip/ferr.h"
#include "emu/chip/fw_cfg.h"
#include "emu/chip/i440fx.h"
#include "emu/chip/hpet.h"
#include "emu/chip/i8042.h"
#include "emu/chip/i8237.h"
#include "emu/chip/i82077.h"
#include "emu/chip/i8254.h"
#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/chip/lapic.h"
#include "emu/chip/mc146818.h"
#include "emu/chip/pci.h"
#include "emu/chip/piix3.h"
#include "emu/chip/piix4_pm.h"
#include "emu/chip/reset_control.h"
#include "emu/chip/uart16550.h"
#include "emu/chip/vga.h"
#include "emu/chip/virtio_balloon.h"
#include "emu/chip/virtio_console.h"
#include "emu/dev/completion.h"
#include "emu/dev/device.h"
#include "emu/dev/drives.h"
#include "emu/dev/ram_dma.h"
#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/bytes.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/apic_regs.h"
#include "kernel/hw/i8259_regs.h"
#include "kernel/hw/pc_layout.h"
#include "kernel/hw/x86.h"

#define VIRTUAL_TIME_MAX BIT64(62) /* ns, 146 years: devices compute with signed times */

struct board {
	struct board_config config;
	struct board_host host;
	struct gpmem *mem;
	struct bus bus;
	struct vtimers timers;
	struct irq_or irqs, pirqs;
	struct board_wires wires; /* what the devices drive */
	bool hpet_legacy;	  /* interrupts 0 and 8 are the HPET's */
	struct a20_gate a20;
	struct completions completions;
	struct completion frames;
	u8 frames_for; /* network cards (bit n) that are to be told of frames */
	struct device_set devices;
	/* Those of them that are wired to each other, or that the outside speaks to. */
	struct i8259_pair *pic;
	struct lapic *lapic; /* NULL, and so are the next two: the board has no APIC */
	struct ioapic *ioapic;
	struct hpet *hpet;
	struct i8237_pair *dma;
	struct i8254 *pit;
	struct mc146818 *rtc;
	struct i8042 *kbc;
	struct reset_control *reset;
	struct uart16550 *uart[PC_SERIAL_PORTS];
	struct virtio_console *console; /* NULL: none */
	struct virtio_balloon *balloon; /* NULL: none */
	struct ferr *ferr;
	struct i82077 *floppy;
	struct pci_bus *pci;
	struct piix3 *isa;
	struct piix4_pm *pm;
	struct i440fx *bridge;
	struct fw_cfg *fw_cfg;
	struct vga *vga; /* NULL: none */
	struct pc_memory memory;
	struct acpi_layout acpi; /* without firmware: where the tables lie */
};

/* --- From the devices to the machine around */

static void host_rearm(void *ctx, u64 deadline)
{
	struct board *b = ctx;

	if (b->host.timer_moved)
		b->host.timer_moved(b->host.ctx, deadline);
}

static void host_a20(void *ctx, bool on)
{
	struct board *b = ctx;

	b->host.a20(b->host.ctx, on);
}

/* --- Interrupts: from the wires of the ISA bus to both controllers, and on to the CPU */

#define TIMER_IRQ 0u
#define TIMER_PIN board_ioapic_pin(TIMER_IRQ)
#define CLOCK_IRQ 8u

static void isa_pin(struct board *b, unsigned irq, bool level)
{
	i8259_set_irq(b->pic, irq, level);
	if (b->ioapic)
		ioapic_set_pin(b->ioapic, board_ioapic_pin(irq), level);
}

static void isa_wire(void *ctx, unsigned irq, bool level)
{
	struct board *b = ctx;

	b->wires.rises[irq] += level && !(b->wires.up & BIT(irq));
	b->wires.up &= (u16)~BIT(irq);
	b->wires.up |= (u16)(level << irq);
	if (!b->hpet_legacy || (irq != TIMER_IRQ && irq != CLOCK_IRQ))
		isa_pin(b, irq, level);
}

static void hpet_isa_wire(void *ctx, unsigned irq, bool level)
{
	isa_pin(ctx, irq, level);
}

static void hpet_pin(void *ctx, unsigned pin, bool level)
{
	struct board *b = ctx;

	ioapic_set_pin(b->ioapic, pin, level);
}

/* The HPET drives neither wire while this is called. */
static void hpet_replaces(void *ctx, bool on)
{
	struct board *b = ctx;

	b->hpet_legacy = on;
	isa_pin(b, TIMER_IRQ, !on && b->wires.up & BIT(TIMER_IRQ));
	isa_pin(b, CLOCK_IRQ, !on && b->wires.up & BIT(CLOCK_IRQ));
}

static void pic_output(void *ctx, unsigned irq, bool level)
{
	struct board *b = ctx;

	(void)irq;
	lapic_set_pin(b->lapic, 0, level);
	ioapic_set_pin(b->ioapic, 0, level);
}

/* The vector of the 8254's interrupt at the local APIC; 0: it does not come that way. */
static u8 tick_vector(const struct board *b)
{
	return b->ioapic ? ioapic_vector(b->ioapic, TIMER_PIN) : 0;
}

static bool tick_waits(void *ctx)
{
	struct board *b = ctx;
	u8 vector = tick_vector(b);

	return vector ? lapic_requests(b->lapic, vector) : i8259_requests(b->pic, TIMER_IRQ);
}

static void pic_eoi(void *ctx, unsigned irq)
{
	struct board *b = ctx;

	if (irq == TIMER_IRQ)
		i8254_irq_done(b->pit);
}

static void apic_eoi(void *ctx, u8 vector, bool level)
{
	struct board *b = ctx;

	if (level)
		ioapic_eoi(b->ioapic, vector);
	if (vector == tick_vector(b))
		i8254_irq_done(b->pit);
}

/*
 * What a function of the PCI bus writes as an interrupt (SDM 3A 10.11). Elsewhere it is a write
 * like any other.
 *
 *      address   FEE destination(8) 0(8) hint(1) logical(1) 00
 *      data      level(1) assert(1) 000 mode(3) vector(8)
 */
static void message(void *ctx, u64 address, u32 data)
{
	struct board *b = ctx;
	u8 bytes[4];

	if (address >> 20 == LAPIC_BASE >> 20) {
		if (!(data & LVT_LEVEL) || (data & LVT_REMOTE))
			(void)lapic_message(b->lapic, (u8)(address >> 12), address & BIT(2),
					    LVT_MODE(data), (u8)data, data & LVT_LEVEL);
		return;
	}
	put_le32(bytes, data);
	ram_dma_write(b->mem, address, bytes, sizeof(bytes));
}

/* ISA interrupts that some controller lets through. */
static u16 open_irqs(const struct board *b)
{
	u16 open = i8259_open(b->pic);
	u32 pins = b->ioapic ? ioapic_open(b->ioapic) : 0;

	return (u16)(open | (pins & ~BIT(TIMER_PIN)) |
		     (pins & BIT(TIMER_PIN) ? BIT(TIMER_IRQ) : 0));
}

static void wire_apic(struct board *b)
{
	b->ioapic->lapic = b->lapic;
	b->lapic->eoi = apic_eoi;
	b->lapic->eoi_ctx = b;
	b->pic->out = (struct irq_line){ .set = pic_output, .ctx = b };
	b->hpet->isa_out = (struct irq_line){ .set = hpet_isa_wire, .ctx = b };
	b->hpet->pin_out = (struct irq_line){ .set = hpet_pin, .ctx = b };
	b->hpet->legacy = hpet_replaces;
	b->hpet->legacy_ctx = b;
}

/* --- Between the devices */

static u8 cf8_side_read(void *ctx, unsigned offset)
{
	struct board *b = ctx;

	return offset == 1 ? reset_control_read_cf9(b->reset) : 0xff;
}

static void cf8_side_write(void *ctx, unsigned offset, u8 value)
{
	struct board *b = ctx;

	if (offset == 1)
		reset_control_write_cf9(b->reset, value);
}

/* In front of the video memory. */
static void smram(void *ctx, bool open)
{
	struct board *b = ctx;

	if (b->vga && open)
		vga_window_cover(b->vga, true);
	pc_memory_show_smram(&b->memory, open);
	if (b->vga && !open)
		vga_window_cover(b->vga, false);
}

static void wire(struct board *b)
{
	b->pic->eoi = pic_eoi;
	b->pic->eoi_ctx = b;
	b->pit->waiting = tick_waits;
	b->pit->waiting_ctx = b;
	b->pci->side_read = cf8_side_read;
	b->pci->side_write = cf8_side_write;
	b->pci->side_ctx = b;
	i440fx_listen(b->bridge, pc_memory_set_part, &b->memory);
	i440fx_listen_smram(b->bridge, smram, b);
	if (b->lapic)
		wire_apic(b);
}

/* --- What firmware would do */

static bool has_firmware(const struct board *b)
{
	return b->config.firmware.data;
}

static struct acpi_machine acpi_machine(const struct board *b)
{
	return (struct acpi_machine){ .ram_size = b->config.ram_size,
				      .apic = b->config.apic,
				      .slots = pc_slots,
				      .slot_count = pc_slot_count,
				      .options = board_options(&b->config) };
}

/* What a firmware finds at power-on, or leaves behind. The tables are the same at each reset: what
 * worked once does again. */
static int power_on(struct board *b)
{
	struct acpi_machine m = acpi_machine(b);
	int err;

	pc_cmos_fill(b->rtc, i82077_cmos(b->floppy), b->config.ram_size);
	pc_memory_clear(&b->memory);
	if (has_firmware(b))
		return 0;
	bus_write(&b->bus, I8259_ELCR + 1, 1, PIIX3_FIRMWARE_ELCR >> 8);
	i440fx_open_bios(b->bridge);
	err = acpi_build(pc_memory_bios(&b->memory), PC_BIOS_SIZE, PC_BIOS, &m, &b->acpi);
	pc_memory_tell(&b->memory, PC_BIOS, PC_BIOS_SIZE);
	return err;
}

static void tell_of_frames(void *ctx)
{
	struct board *b = ctx;
	u8 cards = b->frames_for;

	b->frames_for = 0;
	for (unsigned n = 0; n < NIC_PLACES; n++)
		if (cards & BIT(n))
			devices_frames(&b->devices, n);
}

/* --- Creation */

static void find_devices(struct board *b)
{
	const struct device_set *s = &b->devices;

	b->pic = devices_find(s, &i8259_class, 0);
	b->lapic = devices_find(s, &lapic_class, 0);
	b->ioapic = devices_find(s, &ioapic_class, 0);
	b->hpet = devices_find(s, &hpet_class, 0);
	b->dma = devices_find(s, &i8237_class, 0);
	b->pit = devices_find(s, &i8254_class, 0);
	b->rtc = devices_find(s, &mc146818_class, 0);
	b->kbc = devices_find(s, &i8042_class, 0);
	b->reset = devices_find(s, &reset_control_class, 0);
	b->floppy = devices_find(s, &i82077_class, 0);
	b->ferr = devices_find(s, &ferr_class, 0);
	b->pci = devices_find(s, &pci_class, 0);
	b->isa = devices_find(s, &piix3_class, 0);
	b->pm = devices_find(s, &piix4_pm_class, 0);
	b->bridge = devices_find(s, &i440fx_class, 0);
	b->fw_cfg = devices_find(s, &fw_cfg_class, 0);
	b->vga = devices_find(s, &vga_class, 0);
	for (unsigned i = 0; i < PC_SERIAL_PORTS; i++)
		b->uart[i] = devices_find(s, &uart16550_class, i);
	b->console = devices_find(s, &virtio_console_class, 0);
	b->balloon = devices_find(s, &virtio_balloon_class, 0);
}

static int add_devices(struct board *b)
{
	static const struct drive none[DRIVE_PLACES];
	int err = devices_alloc(&b->devices, pc_slots, pc_slot_count, board_options(&b->config));

	if (err)
		return err;
	find_devices(b);
	b->irqs.out = (struct irq_line){ .set = isa_wire, .ctx = b };
	b->pirqs.out = (struct irq_line){ .set = piix3_set_pirq, .ctx = b->isa };

	struct device_bay bay = {
		.bus = &b->bus,
		.timers = &b->timers,
		.mem = b->mem,
		.irqs = &b->irqs,
		.pirqs = &b->pirqs,
		.dma = { .controller = &b->dma->controller },
		.pci = b->pci,
		.msi = { .send = b->lapic ? message : NULL, .ctx = b },
		.virtio = b->config.virtio,
		.vga_rom = b->config.vgabios.data,
		.vga_rom_size = b->config.vgabios.size,
		.a20 = &b->a20,
		.drives = b->config.drives ? b->config.drives : none,
		.nics = b->config.nic,
		.completions = &b->completions,
		.host = &b->host,
	};

	err = devices_init(&b->devices, &bay);
	wire(b);
	for (unsigned i = 0; i < PC_SERIAL_PORTS; i++)
		b->uart[i]->rts_wired = b->config.rts_wired;
	return err;
}

static int tell_firmware(struct board *b)
{
	struct acpi_machine m = acpi_machine(b);

	return firmware_config_add(b->fw_cfg, &b->config, &m);
}

int board_create(const struct board_config *config, const struct board_host *host,
		 struct gpmem *mem, struct board **out)
{
	struct board *b = mem_alloc(sizeof(*b));
	int err;

	if (!b)
		return E_NOMEM;
	b->config = *config;
	b->host = *host;
	b->mem = mem;
	b->a20 = (struct a20_gate){ .held = A20_KBC | A20_FAST, .out = host_a20, .ctx = b };
	bus_init(&b->bus);
	completions_init(&b->completions, host->completed, host->ctx);
	b->frames = (struct completion){ .run = tell_of_frames, .ctx = b };
	vtimers_init(&b->timers, host->now, host->ctx);
	b->timers.rearm = host_rearm;
	b->timers.rearm_ctx = b;
	err = pc_memory_create(&b->memory, mem, config->firmware.data, config->firmware.size);
	if (!err)
		err = add_devices(b);
	if (!err)
		err = power_on(b);
	if (!err && has_firmware(b))
		err = tell_firmware(b);
	if (err) {
		board_destroy(b);
		return err;
	}
	*out = b;
	return 0;
}

/* The regions stay in gpmem, which must not be used any more. */
void board_destroy(struct board *b)
{
	devices_destroy(&b->devices);
	bus_destroy(&b->bus);
	pc_memory_destroy(&b->memory);
	mem_free(b);
}

void board_reset(struct board *b)
{
	devices_reset(&b->devices);
	(void)power_on(b);
}

void board_cpu_init(struct board *b)
{
	if (b->lapic)
		lapic_cpu_init(b->lapic);
	a20_set(&b->a20, true);
}

void board_state(struct board *b, struct snap *s)
{
	if (s->loading) {
		snap_require(s, s->now < VIRTUAL_TIME_MAX);
		snap_require(s, vtimers_now(&b->timers) >= s->now);
	}
	devices_state(&b->devices, s);
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

u32 board_io_read_many(struct board *b, u16 port, unsigned size, void *to, u32 n)
{
	return bus_read_many(&b->bus, port, size, to, n);
}

u32 board_io_write_many(struct board *b, u16 port, unsigned size, const void *from, u32 n)
{
	return bus_write_many(&b->bus, port, size, from, n);
}

static int acknowledge(struct board *b)
{
	int vector = b->lapic && lapic_enabled(b->lapic) ? lapic_ack(b->lapic) : -1;

	if (vector >= 0 || (b->lapic && !lapic_wants_pic(b->lapic)))
		return vector;
	return i8259_pending(b->pic) ? i8259_ack(b->pic) : -1;
}

int board_intr_ack(struct board *b)
{
	int vector = acknowledge(b);

	if (vector >= 0 && b->host.strict)
		serial_gate_look(&b->devices, &b->irqs, &b->host, (u8)vector);
	return vector;
}

bool board_has_apic(const struct board *b)
{
	return b->lapic && lapic_enabled(b->lapic);
}

int board_msr_read(struct board *b, u32 index, u64 *value)
{
	if (!b->lapic || (index != MSR_APIC_BASE && index != MSR_TSC_DEADLINE))
		return E_NOENT;
	*value = index == MSR_APIC_BASE ? b->lapic->base : lapic_timer_deadline(&b->lapic->count);
	return 0;
}

int board_msr_write(struct board *b, u32 index, u64 value)
{
	if (b->lapic && index == MSR_APIC_BASE)
		return lapic_write_base(b->lapic, value);
	if (!b->lapic || index != MSR_TSC_DEADLINE)
		return E_NOENT;
	lapic_timer_write_deadline(&b->lapic->count, value);
	return 0;
}

bool board_intr_pending(struct board *b)
{
	return b->lapic ? lapic_pending(b->lapic) : i8259_pending(b->pic);
}

void board_settle(struct board *b)
{
	completions_run(&b->completions);
}

u64 board_run_timers(struct board *b)
{
	completions_run(&b->completions);
	return vtimers_run(&b->timers);
}

/* --- The outside world */

bool board_console_listens(const struct board *b)
{
	return b->console && virtio_console_listens(b->console);
}

struct virtio_balloon *board_balloon(const struct board *b)
{
	return b->balloon;
}

bool board_serial_rx(struct board *b, unsigned port, u8 byte)
{
	if (port == VIRTIO_CONSOLE_PORT && b->console)
		return virtio_console_rx(b->console, byte);
	return port >= PC_SERIAL_PORTS || uart16550_rx(b->uart[port], byte);
}

void board_serial_ready(struct board *b, unsigned port)
{
	if (port < PC_SERIAL_PORTS)
		uart16550_tx_ready(b->uart[port]);
	else if (port == VIRTIO_CONSOLE_PORT && b->console)
		virtio_console_tx_ready(b->console);
}

void board_serial_break(struct board *b, unsigned port)
{
	if (port < PC_SERIAL_PORTS)
		uart16550_break(b->uart[port]);
}

bool board_key(struct board *b, u8 key, bool pressed)
{
	return i8042_key(b->kbc, key, pressed);
}

bool board_keys_read(const struct board *b)
{
	return i8042_keys_read(b->kbc);
}

void board_mouse(struct board *b, s32 dx, s32 dy, s32 dz, u8 buttons)
{
	i8042_mouse(b->kbc, dx, dy, dz, buttons);
}

void board_power_button(struct board *b)
{
	piix4_pm_power_button(b->pm);
}

void board_fpu_error(struct board *b)
{
	ferr_set(b->ferr, true);
}

void board_frames(struct board *b, unsigned n)
{
	b->frames_for |= (u8)BIT(n);
	completion_post(&b->completions, &b->frames);
}

struct vga *board_vga(const struct board *b)
{
	return b->vga;
}

const struct device_set *board_devices(const struct board *b)
{
	return &b->devices;
}

void board_accesses(const struct board *b, const void *dev, u64 *reads, u64 *writes)
{
	bus_accesses(&b->bus, dev, reads, writes);
}

void board_wires(const struct board *b, struct board_wires *w)
{
	*w = b->wires;
}

gpa_t board_rsdp(const struct board *b)
{
	return PC_BIOS + b->acpi.rsdp;
}

u64 board_wakes_at(const struct board *b)
{
	u16 open = open_irqs(b);

	if (completions_pending(&b->completions))
		return 0;
	return devices_wakes_at(&b->devices, open, piix3_open(b->isa, open));
}

bool board_can_wake(const struct board *b)
{
	u16 open = open_irqs(b);

	return devices_can_wake(&b->devices, open, piix3_open(b->isa, open)) ||
	       board_wakes_at(b) != UINT64_MAX;
}

int board_pic_holds_back(const struct board *b, int input)
{
	u16 set = i8259_holding_back(b->pic);

	if (input >= 0 && set & BIT(input))
		return input;
	return set ? 31 - __builtin_clz(set) : -1;
}

int board_apic_holds_back(const struct board *b, int vector)
{
	if (!b->lapic)
		return -1;
	return vector >= 0 && lapic_holds_back(b->lapic, vector) ? vector
								 : lapic_holding_back(b->lapic);
}
