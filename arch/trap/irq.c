/* SPDX-License-Identifier: MIT */
/*
 * Lines, handlers and the choice between APICs and the 8259 pair.
 */
#include "arch/trap/irq.h"

#include "arch/trap/intc_apic.h"
#include "arch/trap/intc_pic.h"
#include "arch/cpu/percpu.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"

static struct {
	void (*fn)(void *ctx);
	void *ctx;
	u64 count;
} line[IRQ_LINES];

static struct irq_topology topology;
static void (*timer_fn)(void);
static bool have_apic;

void irq_init(const struct irq_topology *t)
{
	topology = *t;
	intc_pic_init();
	if (t->lapic && t->ioapics)
		have_apic = intc_apic_init(t) == 0;
	if (have_apic)
		percpu_this()->apic_id = intc_apic_id();
	log_info("interrupts: %s", have_apic ? "local APIC and I/O APIC" : "8259 pair");
}

bool irq_have_lapic(void)
{
	return have_apic;
}

int irq_register(unsigned n, void (*fn)(void *ctx), void *ctx)
{
	if (n >= IRQ_LINES || (!have_apic && n >= IRQ_ISA_LINES))
		return E_NOENT;
	if (line[n].fn)
		return E_BUSY;
	line[n].ctx = ctx;
	line[n].fn = fn;
	if (!have_apic) {
		intc_pic_unmask(n);
		return 0;
	}

	u8 vector = (u8)(IRQ_VECTOR_FIRST + n);
	int err = n < IRQ_ISA_LINES
			  ? intc_ioapic_route(topology.isa[n].gsi, vector, topology.isa[n].level,
					      topology.isa[n].active_low)
			  : intc_ioapic_route(n, vector, true, true);

	if (err)
		line[n].fn = NULL;
	return err;
}

int irq_route_nmi(unsigned n)
{
	if (!have_apic || n >= IRQ_ISA_LINES)
		return E_NOENT;
	if (line[n].fn)
		return E_BUSY;
	return intc_ioapic_route_nmi(topology.isa[n].gsi, topology.isa[n].active_low);
}

void irq_set_timer(void (*fn)(void))
{
	timer_fn = fn;
}

u64 irq_count(unsigned n)
{
	return n < IRQ_LINES ? line[n].count : 0;
}

void irq_dispatch(unsigned vector)
{
	unsigned n = vector - IRQ_VECTOR_FIRST;

	if (vector == IRQ_VECTOR_TIMER && timer_fn) {
		timer_fn();
		intc_apic_eoi();
		return;
	}
	if (vector == IRQ_VECTOR_SPURIOUS || n >= IRQ_LINES)
		return;
	if (!have_apic && n < IRQ_ISA_LINES && intc_pic_spurious(n))
		return;
	if (line[n].fn) {
		line[n].count++;
		line[n].fn(line[n].ctx);
	}
	if (have_apic)
		intc_apic_eoi();
	else if (n < IRQ_ISA_LINES)
		intc_pic_eoi(n);
}
