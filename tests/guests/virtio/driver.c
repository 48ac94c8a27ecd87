/* SPDX-License-Identifier: MIT */
/*
 * Finding the device, its registers, and queues; driver.h tells what for. All in ring 0.
 */
#include "virtio/driver.h"

#define VENDOR	     0x1af4u
#define MODERN	     0x1040u
#define TRANSITIONAL 0x1000u
#define DEVICES	     32u

#define PCI_COMMAND   0x04u
#define PCI_BAR(n)    (0x10u + 4 * (n))
#define PCI_LIST      0x34u
#define PCI_IRQ	      0x3cu
#define CAP_MSIX      0x11u
#define CAP_VENDOR    0x09u
#define CAP_COMMON    1u
#define CAP_NOTIFY    2u
#define CAP_ISR	      3u
#define CAP_DEVICE    4u
#define COMMAND_ALL   7u /* ports, memory, master */
#define MSIX_ENABLE   BIT(31)
#define MSIX_ENTRY    16u
#define MESSAGE	      0xfee00000u
#define VECTOR_CONFIG 0x60u
#define VECTOR_QUEUE  0x61u
#define APIC_EOI      (*(volatile u32 *)0xfee000b0)
#define APIC_SPURIOUS (*(volatile u32 *)0xfee000f0)
#define DEVICE_MEMORY (PTE_P | PTE_W | BIT(4))

/* 0.9 */
enum {
	OLD_OFFERED = 0,
	OLD_FEATURES = 4,
	OLD_PAGE = 8,
	OLD_SIZE = 12,
	OLD_SELECT = 14,
	OLD_NOTIFY = 16,
	OLD_STATUS = 18,
	OLD_ISR = 19,
	OLD_CONFIG = 20,
	OLD_CONFIG_VECTOR = 20,
	OLD_VECTOR = 22
};
/* 1.0 */
enum {
	OFFERED_SELECT = 0,
	OFFERED = 4,
	FEATURES_SELECT = 8,
	FEATURES = 12,
	CONFIG_VECTOR = 16,
	STATUS = 20,
	QUEUE_SELECT = 22,
	QUEUE_SIZE = 24,
	QUEUE_VECTOR = 26,
	QUEUE_ENABLE = 28,
	QUEUE_BELL = 30,
	QUEUE_DESC = 32,
	QUEUE_AVAILABLE = 40,
	QUEUE_USED = 48
};

volatile u32 virtio_interrupts, virtio_config_interrupts;

static struct virtio *live[4]; /* whose ISR is read at an interrupt by wire */

/* --- Ports and memory --- */

static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static u16 inw(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static volatile u32 *reg32(const struct virtio *v, u32 at)
{
	return (volatile u32 *)(v->common + at);
}

static volatile u16 *reg16(const struct virtio *v, u32 at)
{
	return (volatile u16 *)(v->common + at);
}

static void set64(const struct virtio *v, u32 at, const volatile void *p)
{
	*reg32(v, at) = (u32)p;
	*reg32(v, at + 4) = 0;
}

u32 pci_read(u32 address, u32 reg)
{
	outl(0xcf8, address | reg);
	return inl(0xcfc);
}

void pci_write(u32 address, u32 reg, u32 value)
{
	outl(0xcf8, address | reg);
	outl(0xcfc, value);
}

/* --- Finding it --- */

static bool is_device(u32 found, u32 id, u32 subsystem)
{
	u32 device = found >> 16;

	if ((found & 0xffff) != VENDOR)
		return false;
	return device == MODERN + id ||
	       (device >= TRANSITIONAL && device < MODERN && subsystem == id);
}

static volatile u8 *memory_of(u32 address, u32 bar, u32 offset)
{
	u32 base = (pci_read(address, PCI_BAR(bar)) & ~15u) + offset;

	map(base, base, DEVICE_MEMORY);
	return (volatile u8 *)base;
}

static void look_at(struct virtio *v, u32 cap, u32 kind)
{
	u32 address = v->config_address;
	volatile u8 *p;

	if (kind < CAP_COMMON || kind > CAP_DEVICE)
		return;
	p = memory_of(address, pci_read(address, cap + 4) & 0xff, pci_read(address, cap + 8));
	if (kind == CAP_COMMON)
		v->common = p;
	else if (kind == CAP_ISR)
		v->isr = p;
	else if (kind == CAP_DEVICE)
		v->device = p;
	else
		v->bells = p, v->bell_step = pci_read(address, cap + 16);
}

static void walk_capabilities(struct virtio *v)
{
	u32 address = v->config_address, cap = pci_read(address, PCI_LIST) & 0xfc;

	for (u32 head; cap; cap = head >> 8 & 0xfc) {
		head = pci_read(address, cap);
		if ((head & 0xff) == CAP_VENDOR) {
			look_at(v, cap, head >> 24);
		} else if ((head & 0xff) == CAP_MSIX && cmdline_number("msix", 0)) {
			u32 table = pci_read(address, cap + 4);

			v->table = memory_of(address, table & 7, table & ~7u);
			pci_write(address, cap, head | MSIX_ENABLE);
			v->msix = true;
		}
	}
}

bool virtio_find(struct virtio *v, u32 id, u32 n, bool modern)
{
	for (u32 device = 0; device < DEVICES; device++) {
		u32 address = 0x80000000u | device << 11;

		if (!is_device(pci_read(address, 0), id, pci_read(address, 0x2c) >> 16) || n--)
			continue;
		*v = (struct virtio){ .config_address = address, .modern = modern };
		pci_write(address, PCI_COMMAND, pci_read(address, PCI_COMMAND) | COMMAND_ALL);
		if (pci_read(address, PCI_BAR(0)) & 1)
			v->port = (u16)(pci_read(address, PCI_BAR(0)) & ~3u);
		walk_capabilities(v);
		return modern ? v->common != NULL : v->port != 0;
	}
	return false;
}

/* --- Interrupts --- */

static bool on_wire(struct guest_frame *f)
{
	for (u32 i = 0; i < COUNT(live) && live[i]; i++) {
		u8 why = live[i]->modern ? *live[i]->isr : inb((u16)(live[i]->port + OLD_ISR));

		virtio_interrupts += why & 1;
		virtio_config_interrupts += why >> 1 & 1;
	}
	if (f->vector >= 0x28)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
	return true;
}

/* A wire that fell before it was looked at: input 7 of either controller. The second one has
 * nothing in service then. */
static bool on_spurious(struct guest_frame *f)
{
	if (f->vector >= 0x28)
		outb(0x20, 0x20);
	return true;
}

static bool on_message(struct guest_frame *f)
{
	virtio_interrupts += f->vector == VECTOR_QUEUE;
	virtio_config_interrupts += f->vector == VECTOR_CONFIG;
	APIC_EOI = 0;
	return true;
}

static void message(volatile u8 *table, u32 n, u32 vector)
{
	volatile u32 *entry = (volatile u32 *)(table + n * MSIX_ENTRY);

	entry[0] = MESSAGE;
	entry[1] = 0;
	entry[2] = vector;
	entry[3] = 0;
}

static void use_messages(struct virtio *v)
{
	map(MESSAGE, MESSAGE, DEVICE_MEMORY);
	APIC_SPURIOUS = 0x1ff;
	trap_hook[VECTOR_CONFIG] = trap_hook[VECTOR_QUEUE] = on_message;
	message(v->table, 0, VECTOR_CONFIG);
	message(v->table, 1, VECTOR_QUEUE);
	if (v->modern)
		*reg16(v, CONFIG_VECTOR) = 0;
	else
		outw((u16)(v->port + OLD_CONFIG_VECTOR), 0);
}

static void use_wire(struct virtio *v)
{
	u32 line = pci_read(v->config_address, PCI_IRQ) & 15;
	u16 mask = line < 8 ? 0x21 : 0xa1;

	for (u32 i = 0; i < COUNT(live); i++) {
		if (live[i] && live[i] != v)
			continue;
		live[i] = v;
		break;
	}
	trap_hook[0x27] = trap_hook[0x2f] = on_spurious;
	trap_hook[0x20 + line] = on_wire;
	outb(mask, inb(mask) & (u8)~BIT(line & 7));
	outb(0x21, inb(0x21) & (u8)~BIT(2));
}

/* --- Its life --- */

u8 virtio_status(const struct virtio *v)
{
	return v->modern ? v->common[STATUS] : inb((u16)(v->port + OLD_STATUS));
}

void virtio_set_status(struct virtio *v, u8 status)
{
	if (v->modern)
		v->common[STATUS] = status;
	else
		outb((u16)(v->port + OLD_STATUS), status);
}

static u64 offered(const struct virtio *v)
{
	u32 low;

	if (!v->modern)
		return inl((u16)(v->port + OLD_OFFERED));
	*reg32(v, OFFERED_SELECT) = 0;
	low = *reg32(v, OFFERED);
	*reg32(v, OFFERED_SELECT) = 1;
	return (u64)*reg32(v, OFFERED) << 32 | low;
}

static void choose(const struct virtio *v)
{
	if (!v->modern) {
		outl((u16)(v->port + OLD_FEATURES), (u32)v->features);
		return;
	}
	*reg32(v, FEATURES_SELECT) = 0;
	*reg32(v, FEATURES) = (u32)v->features;
	*reg32(v, FEATURES_SELECT) = 1;
	*reg32(v, FEATURES) = (u32)(v->features >> 32);
}

bool virtio_begin(struct virtio *v, u64 features)
{
	virtio_set_status(v, 0);
	while (virtio_status(v)) /* 1.0, 4.1.4.3.2 */
		;
	virtio_set_status(v, STATUS_ACKNOWLEDGE);
	virtio_set_status(v, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	v->offered = offered(v);
	v->features = v->offered & (features | (v->modern ? F_VERSION_1 : 0));
	choose(v);
	if (!v->modern)
		return true;
	virtio_set_status(v, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	return virtio_status(v) & STATUS_FEATURES_OK;
}

/* Its memory is taken once; a device that was reset gets the same again. */
static void lay_out(struct vq *q)
{
	u32 pages = (sizeof(struct vq_desc) * VQ_MAX + 6 + 2 * VQ_MAX + PAGE_SIZE - 1) / PAGE_SIZE +
		    1,
	    used;

	if (!q->desc) {
		q->desc = page_alloc();
		while (pages--)
			(void)page_alloc();
	}
	for (u32 *p = (u32 *)q->desc; p < (u32 *)q->desc + 3 * PAGE_SIZE / 4; p++)
		*p = 0;
	q->available = (volatile u16 *)(q->desc + q->size);
	used = (u32)(q->available + 3 + q->size);
	q->used = (volatile u16 *)((used + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
	q->offered = q->kicked = q->seen = 0;
}

void virtio_queue(struct virtio *v, u32 n)
{
	struct vq *q = &v->q[n];

	q->v = v;
	q->number = (u16)n;
	if (!v->modern) {
		outw((u16)(v->port + OLD_SELECT), (u16)n);
		q->size = inw((u16)(v->port + OLD_SIZE));
		lay_out(q);
		outl((u16)(v->port + OLD_PAGE), (u32)q->desc / PAGE_SIZE);
		if (v->msix)
			outw((u16)(v->port + OLD_VECTOR), 1);
		return;
	}
	*reg16(v, QUEUE_SELECT) = (u16)n;
	q->size = *reg16(v, QUEUE_SIZE);
	q->size = q->size > VQ_MAX ? VQ_MAX : q->size;
	*reg16(v, QUEUE_SIZE) = q->size;
	lay_out(q);
	set64(v, QUEUE_DESC, q->desc);
	set64(v, QUEUE_AVAILABLE, q->available);
	set64(v, QUEUE_USED, q->used);
	q->bell = (volatile u16 *)(v->bells + v->bell_step * *reg16(v, QUEUE_BELL));
	if (v->msix)
		*reg16(v, QUEUE_VECTOR) = 1;
	*reg16(v, QUEUE_ENABLE) = 1;
}

void virtio_go(struct virtio *v)
{
	if (v->msix)
		use_messages(v);
	else
		use_wire(v);
	virtio_set_status(v, virtio_status(v) | STATUS_DRIVER_OK);
}

u32 virtio_config(const struct virtio *v, u32 offset, u32 size)
{
	u16 port = (u16)(v->port + OLD_CONFIG + (v->msix ? 4 : 0) + offset);

	if (size == 1)
		return v->modern ? v->device[offset] : inb(port);
	if (size == 2)
		return v->modern ? *(volatile u16 *)(v->device + offset) : inw(port);
	return v->modern ? *(volatile u32 *)(v->device + offset) : inl(port);
}

void virtio_set_config(const struct virtio *v, u32 offset, u32 value)
{
	if (v->modern)
		*(volatile u32 *)(v->device + offset) = value;
	else
		outl((u16)(v->port + OLD_CONFIG + (v->msix ? 4 : 0) + offset), value);
}

/* --- Queues --- */

void vq_describe(struct vq *q, u32 n, const void *at, u32 len, u32 flags, u32 next)
{
	volatile struct vq_desc *d = &q->desc[n];

	d->at = (u32)at;
	d->len = len;
	d->flags = (u16)flags;
	d->next = (u16)next;
}

void vq_offer(struct vq *q, u32 head)
{
	q->available[2 + q->offered++ % q->size] = (u16)head;
	__asm__ volatile("" ::: "memory");
	q->available[1] = q->offered;
}

/* 2.7.10: the event that the device waits for is among those since the last kick. */
static bool wants_kick(const struct vq *q)
{
	u16 event = q->used[2 + 4 * q->size];

	if (!(q->v->features & F_EVENT_INDEX))
		return !(q->used[0] & 1);
	return (u16)(q->offered - event - 1) < (u16)(q->offered - q->kicked);
}

/* By a locked instruction: what was offered is seen before the event is read. */
void vq_kick(struct vq *q)
{
	__asm__ volatile("lock; addl $0, (%%esp)" ::: "memory", "cc");
	if (wants_kick(q))
		vq_ring(q);
	q->kicked = q->offered;
}

void vq_ring(struct vq *q)
{
	if (q->v->modern)
		*q->bell = q->number;
	else
		outw((u16)(q->v->port + OLD_NOTIFY), q->number);
}

bool vq_taken(struct vq *q, u32 *head, u32 *len)
{
	const volatile u32 *element = (const volatile u32 *)(q->used + 2) + 2 * (q->seen % q->size);

	if (q->used[1] == q->seen)
		return false;
	*head = element[0];
	*len = element[1];
	q->seen++;
	if (q->v->features & F_EVENT_INDEX)
		q->available[2 + q->size] = q->seen;
	return true;
}

u32 vq_wait(struct vq *q, u32 *len)
{
	u32 head;

	for (;;) {
		__asm__ volatile("cli" ::: "memory");
		if (vq_taken(q, &head, len))
			break;
		__asm__ volatile("sti; hlt" ::: "memory");
	}
	__asm__ volatile("sti" ::: "memory");
	return head;
}

u32 vq_request(struct vq *q, const struct vq_part *part, u32 parts)
{
	u32 len = 0;

	for (u32 i = 0; i < parts; i++)
		vq_describe(q, i, part[i].at, part[i].len,
			    (part[i].write ? DESC_WRITE : 0) | (i + 1 < parts ? DESC_NEXT : 0),
			    i + 1);
	vq_offer(q, 0);
	vq_kick(q);
	vq_wait(q, &len);
	return len;
}
