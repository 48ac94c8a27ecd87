/* SPDX-License-Identifier: MIT */
/*
 * A virtio device as a PCI function.
 *
 *      BAR 0   I/O, 128 ports: registers before 1.0
 *      BAR 4   memory, 16 KiB: 0 common, 800h ISR, 1000h device, 2000h notification,
 *              3000h MSI-X table, 3800h its pending bits
 *
 * The last capability is a window to BAR 4 through configuration space (4.1.4.9): bar, offset and
 * length are written there, and reading or writing its data does the same to the BAR.
 */
#include "emu/chip/virtio.h"
#include "emu/chip/virtio_config.h"

#include "emu/chip/piix3.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define BAR_IO	0
#define BAR_MEM 4

/* Where firmware would put the first ones, by their device's number. */
#define FIRST_IO  0xc100u
#define FIRST_MEM 0xfeb00000u

#define WINDOW_BAR    (VIRTIO_CAP_AT_WINDOW + 4)
#define WINDOW_OFFSET (VIRTIO_CAP_AT_WINDOW + 8)
#define WINDOW_LENGTH (VIRTIO_CAP_AT_WINDOW + 12)
#define WINDOW_DATA   (VIRTIO_CAP_AT_WINDOW + 16)

#define PARKED_FIRST 16u /* of GPMEM_PARKED, + device */

/* --- What is decoded */

static u32 io_read(void *dev, u16 offset, unsigned size)
{
	return virtio_old_read(dev, offset, size);
}

static void io_write(void *dev, u16 offset, unsigned size, u32 value)
{
	virtio_old_write(dev, offset, size, value);
}

static u64 mem_read(void *ctx, u64 offset, unsigned size)
{
	return virtio_mem_read(ctx, (u32)offset, size);
}

static void mem_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	virtio_mem_write(ctx, (u32)offset, size, value);
}

static const struct bus_ports io_ports = { io_read, io_write, 4 };
static const struct gpmem_mmio mem_ops = { mem_read, mem_write };

static void place_io(struct virtio *v, u16 base)
{
	if (base == v->io_at)
		return;
	if (v->io_at)
		bus_release(v->bus, v->io_at);
	v->io_at = 0;
	if (base && !bus_claim(v->bus, base, VIRTIO_IO_SIZE, &io_ports, v, v->type->name))
		v->io_at = base;
}

/* Where something else is, nothing of it can be seen. */
static void place_mem(struct virtio *v, gpa_t to)
{
	if (to != v->mem_at && !gpmem_move(v->mem, v->mem_at, to)) {
		v->mem_at = to;
	} else if (to != v->mem_at) {
		gpmem_move(v->mem, v->mem_at, v->parked);
		v->mem_at = v->parked;
	}
}

void virtio_pci_place(struct virtio *v)
{
	u8 command = v->pci.config[PCI_COMMAND];
	u32 io = pci_get32(&v->pci, PCI_BAR(BAR_IO)) & ~(VIRTIO_IO_SIZE - 1);
	u32 mem = pci_get32(&v->pci, PCI_BAR(BAR_MEM)) & ~(VIRTIO_MEM_SIZE - 1);

	place_io(v, (command & PCI_COMMAND_IO) && io <= 0xffff ? (u16)io : 0);
	place_mem(v, (command & PCI_COMMAND_MEMORY) && mem ? mem : v->parked);
}

/* --- The window */

/* What the window looks at; false: nothing that it may. */
static bool window(const struct virtio *v, u32 *offset, u32 *length)
{
	*offset = pci_get32(&v->pci, WINDOW_OFFSET);
	*length = pci_get32(&v->pci, WINDOW_LENGTH);
	return v->kind != VIRTIO_OLD_ONLY && v->pci.config[WINDOW_BAR] == BAR_MEM &&
	       (*length == 1 || *length == 2 || *length == 4) && !(*offset % *length) &&
	       *offset < VIRTIO_MEM_SIZE;
}

static bool overlaps(unsigned reg, unsigned len, unsigned at, unsigned size)
{
	return reg < at + size && at < reg + len;
}

static void config_reading(void *ctx, unsigned reg, unsigned len)
{
	struct virtio *v = ctx;
	u32 offset, length;

	if (overlaps(reg, len, WINDOW_DATA, 4) && window(v, &offset, &length))
		pci_set32(v->pci.config, WINDOW_DATA, (u32)virtio_mem_read(v, offset, length));
}

static void config_written(void *ctx, unsigned reg, unsigned len)
{
	struct virtio *v = ctx;
	u32 offset, length;

	if (overlaps(reg, len, PCI_COMMAND, 2) || overlaps(reg, len, PCI_BAR(0), 24))
		virtio_pci_place(v);
	if (overlaps(reg, len, PCI_COMMAND, 2)) {
		virtio_sync_wire(v);
		virtio_resume(v);
	}
	if (v->msi.send && overlaps(reg, len, VIRTIO_CAP_AT_MSIX, 4)) {
		virtio_sync_wire(v);
		virtio_msix_flush(v);
	}
	if (overlaps(reg, len, WINDOW_DATA, 4) && window(v, &offset, &length))
		virtio_mem_write(v, offset, length, pci_get32(&v->pci, WINDOW_DATA));
}

/* --- Configuration space */

/* The first byte of a list that grows at its front. */
static void add_cap(struct pci_function *f, u8 at, u8 id)
{
	f->config[at] = id;
	f->config[at + 1] = f->config[PCI_CAPABILITIES];
	f->config[PCI_CAPABILITIES] = at;
	f->config[PCI_STATUS] |= PCI_STATUS_LIST;
}

static void add_part(struct pci_function *f, u8 at, u8 length, enum virtio_cap type, u32 offset,
		     u32 size)
{
	add_cap(f, at, PCI_CAP_VENDOR);
	f->config[at + 2] = length;
	f->config[at + 3] = (u8)type;
	f->config[at + 4] = type == VIRTIO_CAP_WINDOW ? 0 : BAR_MEM;
	pci_set32(f->config, at + 8, offset);
	pci_set32(f->config, at + 12, size);
}

static void add_parts(struct virtio *v)
{
	struct pci_function *f = &v->pci;

	add_part(f, VIRTIO_CAP_AT_WINDOW, VIRTIO_CAP_WINDOW_SIZE, VIRTIO_CAP_WINDOW, 0, 0);
	f->writable[WINDOW_BAR] = 0xff;
	memset(&f->writable[WINDOW_OFFSET], 0xff, 12);
	add_part(f, VIRTIO_CAP_AT_NOTIFY, VIRTIO_CAP_NOTIFY_SIZE, VIRTIO_CAP_NOTIFY,
		 VIRTIO_MEM_NOTIFY, VIRTIO_NOTIFY_STEP * VIRTIO_MAX_QUEUES);
	pci_set32(f->config, VIRTIO_CAP_AT_NOTIFY + 16, VIRTIO_NOTIFY_STEP);
	add_part(f, VIRTIO_CAP_AT_DEVICE, VIRTIO_CAP_SIZE, VIRTIO_CAP_DEVICE, VIRTIO_MEM_DEVICE,
		 VIRTIO_MAX_CONFIG);
	add_part(f, VIRTIO_CAP_AT_ISR, VIRTIO_CAP_SIZE, VIRTIO_CAP_ISR, VIRTIO_MEM_ISR, 1);
	add_part(f, VIRTIO_CAP_AT_COMMON, VIRTIO_CAP_SIZE, VIRTIO_CAP_COMMON, VIRTIO_MEM_COMMON,
		 VIRTIO_COMMON_SIZE);
}

static void add_msix(struct virtio *v)
{
	struct pci_function *f = &v->pci;

	add_cap(f, VIRTIO_CAP_AT_MSIX, PCI_CAP_MSIX);
	pci_set16(f->config, VIRTIO_CAP_AT_MSIX + 2, (u16)(virtio_vectors(v) - 1));
	f->writable[VIRTIO_CAP_AT_MSIX + 3] = 0xc0;
	pci_set32(f->config, VIRTIO_CAP_AT_MSIX + 4, VIRTIO_MEM_MSIX | BAR_MEM);
	pci_set32(f->config, VIRTIO_CAP_AT_MSIX + 8, VIRTIO_MEM_PBA | BAR_MEM);
}

static void add_bars(struct virtio *v, unsigned device)
{
	struct pci_function *f = &v->pci;

	if (v->kind != VIRTIO_NEW_ONLY) {
		pci_function_set_bar(f, BAR_IO, VIRTIO_IO_SIZE, 1);
		pci_set32(f->config, PCI_BAR(BAR_IO), (FIRST_IO + device * VIRTIO_IO_SIZE) | 1);
	}
	pci_function_set_bar(f, BAR_MEM, VIRTIO_MEM_SIZE, 0);
	pci_set32(f->config, PCI_BAR(BAR_MEM), FIRST_MEM + device * VIRTIO_MEM_SIZE);
}

static u16 device_number(const struct virtio *v)
{
	return v->kind == VIRTIO_NEW_ONLY ? (u16)(VIRTIO_MODERN + v->type->id)
					  : v->type->transitional;
}

static void function_reset(struct virtio *v)
{
	struct pci_function *f = &v->pci;
	unsigned device = v->device;
	const struct pci_identity id = { .vendor = VIRTIO_VENDOR,
					 .device = device_number(v),
					 .class_code = v->type->class_code,
					 .revision = v->kind == VIRTIO_NEW_ONLY,
					 .irq_pin = 1 };

	pci_function_init(f, &id, v->type->name);
	pci_set16(f->config, PCI_SUBSYSTEM, VIRTIO_VENDOR);
	pci_set16(f->config, PCI_SUBSYSTEM + 2, v->type->id);
	pci_set16(f->config, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	f->writable[PCI_COMMAND + 1] |= PCI_COMMAND_NO_INTX >> 8;
	f->config[PCI_IRQ_LINE] = piix3_firmware_route[device_pirq(device, id.irq_pin)];
	add_bars(v, device);
	if (v->kind != VIRTIO_OLD_ONLY)
		add_parts(v);
	if (v->msi.send)
		add_msix(v);
	f->written = config_written;
	f->reading = config_reading;
	f->ctx = v;
	virtio_pci_place(v);
}

/* --- Life */

void virtio_power_on(struct virtio *v)
{
	virtio_reset(v);
	v->generation = 0;
	v->told = false;
	virtio_msix_reset(v);
	function_reset(v);
	virtio_sync_wire(v);
}

int virtio_init(struct virtio *v, const struct virtio_type *type, const struct device_bay *bay)
{
	int err;

	v->type = type;
	v->kind = (enum virtio_kind)bay->virtio;
	v->bus = bay->bus;
	v->mem = bay->mem;
	v->host = bay->host;
	v->completions = bay->completions;
	v->intx = bay->intx;
	v->msi = bay->msi;
	v->work = (struct completion){ .run = virtio_serve_kicked, .ctx = v };
	for (unsigned q = 0; q < VIRTIO_MAX_QUEUES; q++)
		v->queue[q].mem = bay->mem;
	v->device = (bay->slot->pci - 1u) >> 3;
	v->parked = v->mem_at = GPMEM_PARKED(PARKED_FIRST + v->device);
	err = gpmem_add_mmio(v->mem, v->parked, VIRTIO_MEM_SIZE, &mem_ops, v, v->type->name);
	if (!err)
		pci_plug(bay, &v->pci);
	return err;
}

void virtio_destroy(struct virtio *v)
{
	if (v->completions)
		completion_cancel(v->completions, &v->work);
}
