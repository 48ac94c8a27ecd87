/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands about the monitor itself: log, mem, cpu, poweroff, reboot.
 */
#include "kernel/debug/commands.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq.h"
#include "arch/cpu/percpu.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "kernel/mem/heap.h"
#include "kernel/console/log_ring.h"
#include "kernel/mem/page.h"
#include "kernel/debug/power.h"
#include "kernel/console/shell.h"

typedef unsigned long long ull;

static void print_log(const char *s, size_t n, void *ctx)
{
	(void)ctx;
	console_put(s, n);
}

static int cmd_log(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	log_read(print_log, NULL);
	return 0;
}

static int cmd_mem(int argc, char **argv)
{
	struct heap_stats h = heap_stats();

	(void)argc;
	(void)argv;
	console_print("memory: %llu KiB free of %llu KiB, %llu KiB promised\n",
		      (ull)(page_free_bytes() / KiB), (ull)(page_total_bytes() / KiB),
		      (ull)(page_promised_bytes() / KiB));
	console_print("heap: %llu objects in %llu KiB\n", (ull)h.objects,
		      (ull)(h.pages * PAGE_SIZE / KiB));
	console_print("free blocks:");
	for (unsigned o = 0; o <= 18; o++)
		console_print(" %u:%llu", o, (ull)page_free_blocks(o));
	console_print(" (order:count, 4 KiB << order)\n");
	return 0;
}

static void print_flag(const char *name, bool have)
{
	console_print(" %s%s", have ? "" : "-", name);
}

static int cmd_cpu(int argc, char **argv)
{
	const struct cpu_features *f = &cpu_features;
	struct percpu *pc = percpu_this();

	(void)argc;
	(void)argv;
	console_print("%s\n", f->brand);
	console_print("TSC %llu kHz by %s; %u physical address bits; XCR0 %llx, %u bytes\n",
		      (ull)(clock_tsc_hz() / 1000), clock_source(), f->phys_bits,
		      (ull)f->xcr0_supported, f->xsave_size);
	print_flag("nx", f->nx);
	print_flag("smep", f->smep);
	print_flag("umip", f->umip);
	print_flag("smap", f->smap);
	print_flag("xsave", f->xsave);
	print_flag("1g-pages", f->huge1g);
	print_flag("invariant-tsc", f->tsc_invariant);
	print_flag("cpuid-faulting", f->cpuid_faulting);
	print_flag("ibpb", f->ibpb);
	print_flag("md-clear", f->verw);
	console_print("\ninterrupts %llu, NMIs %llu; lines:", (ull)pc->irqs, (ull)pc->nmis);
	for (unsigned n = 0; n < IRQ_LINES; n++)
		if (irq_count(n))
			console_print(" %u:%llu", n, (ull)irq_count(n));
	console_print("\nup %llu s\n", (ull)(clock_now() / 1000000000));
	return 0;
}

static int cmd_poweroff(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	power_off();
}

static int cmd_reboot(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	power_reboot();
}

static struct shell_command commands[] = {
	{ .name = "log",
	  .help = "what was logged, debug lines included",
	  .examples = "    log\n",
	  .run = cmd_log,
	  .crash = true },
	{ .name = "mem",
	  .help = "the machine's memory",
	  .examples = "    mem\n",
	  .run = cmd_mem,
	  .crash = true },
	{ .name = "cpu",
	  .help = "the machine's processor and interrupts",
	  .examples = "    cpu\n",
	  .run = cmd_cpu,
	  .crash = true },
	{ .name = "poweroff",
	  .help = "turn the machine off",
	  .examples = "    poweroff\n",
	  .run = cmd_poweroff,
	  .crash = true },
	{ .name = "reboot",
	  .help = "reset the machine",
	  .examples = "    reboot\n",
	  .run = cmd_reboot,
	  .crash = true },
};

void commands_init(void)
{
	shell_register_topic("machine", commands, ARRAY_SIZE(commands));
}
