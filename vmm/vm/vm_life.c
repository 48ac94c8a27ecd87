/* SPDX-License-Identifier: MIT */
/*
 * Life of a VM.
 */
#include "vmm/vm/vm_life.h"

#include "arch/cpu/processor.h"
#include "emu/chip/vga.h"
#include "emu/chip/virtio.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "kernel/mem/page.h"
#include "vmm/console/vm_console.h"
#include "vmm/console/vm_display.h"
#include "vmm/run/vcpu_life.h"
#include "vmm/vm/vm_entropy.h"
#include "vmm/vm/vm_load.h"
#include "vmm/vm/vm_media.h"
#include "vmm/vm/vm_net.h"
#include "vmm/vm/vm_point.h"
#include "vmm/vm/vm_ram.h"
#include "vmm/vm/vm_refused.h"
#include "vmm/vm/vm_snap.h"
#include "vmm/vm/vm_speed.h"
#include "vmm/vm/vm_start.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_strict.h"
#include "vmm/vm/vm_symbols.h"
#include "vmm/vm/vm_waits.h"

#define RESETS_QUIET  3u /* that are reported whatever their distance */
#define RESET_LINE_NS 1000000000ull

/* --- What the board asks of the machine around it */

static u64 host_now(void *ctx)
{
	return vm_now(ctx);
}

static u64 host_waited(void *ctx)
{
	return vm_waited(ctx);
}

static u64 host_wall(void *ctx)
{
	(void)ctx;
	return clock_wall();
}

static void host_intr(void *ctx, bool level)
{
	struct vm *vm = ctx;

	if (!vm->vcpu)
		return;
	if (level)
		recomp_signal(&vm->vcpu->cpu, CPU_EVENT_INTR);
	else if (!vm->injected)
		recomp_unsignal(&vm->vcpu->cpu, CPU_EVENT_INTR);
}

static void host_nmi(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->vcpu)
		recomp_signal(&vm->vcpu->cpu, CPU_EVENT_NMI);
}

/* The TSC runs on while virtual time is held, so this is right only for a machine that runs: who
 * was told too early asks again. */
static u64 host_tsc_due(void *ctx, u64 tsc)
{
	struct vm *vm = ctx;
	s64 left = (s64)(tsc - rdtsc() - vm->vcpu->cpu.msr.tsc_offset);

	return vm_now(vm) + (left > 0 ? clock_tsc_to_ns((u64)left) : 0);
}

/* A running VM whose next timer moved closer must leave its engine in time; the timer is armed
 * again on the way in. */
static void host_timer_moved(void *ctx, u64 deadline)
{
	struct vm *vm = ctx;
	bool sooner = deadline < vm->deadline;

	vm->deadline = deadline;
	if (sooner && vm->vcpu && vm->vcpu->loaded_on)
		recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}

/* Perhaps from an interrupt. Halted, it is asked for vm_wakes_at() after each of these. */
static void host_completed(void *ctx)
{
	struct vm *vm = ctx;

	if (vm->vcpu)
		recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}

static bool host_serial(void *ctx, unsigned port, u8 byte)
{
	return vm_console_tx(ctx, port, byte);
}

static void host_debug(void *ctx, u8 byte)
{
	vm_console_debug(ctx, byte);
}

/* A VM that is to be ended does nothing else. */
static void request(struct vm *vm, enum vm_request what, const char *why)
{
	if (vm->request == VM_REQ_KILL)
		return;
	vm->request = what;
	vm->request_why = why;
}

static void host_entropy(void *ctx, u8 *bytes, u32 n)
{
	(void)ctx;
	vm_entropy(bytes, n);
}

static void host_frame_out(void *ctx, unsigned n, const u8 *frame, u32 len)
{
	vm_net_send(ctx, n, frame, len);
}

static u32 host_frame_in(void *ctx, unsigned n, u8 *frame)
{
	return vm_net_receive(ctx, n, frame);
}

static void host_report(void *ctx, const char *text)
{
	vm_report(ctx, "%s", text);
}

static void host_strict(void *ctx, unsigned rule, u32 number)
{
	vm_strict_broken(ctx, rule, number);
}

static void host_settles(void *ctx)
{
	vm_strict_settles(ctx);
}

static bool host_unsettled(void *ctx)
{
	return vm_strict_unsettled(ctx);
}

static void host_power_off(void *ctx)
{
	request(ctx, VM_REQ_POWER_OFF, "power off (ACPI S5)");
}

static void host_reset(void *ctx, const char *why)
{
	request(ctx, VM_REQ_RESET, why);
}

/* INIT lets the processor start again at the reset vector. A machine that was loaded without a
 * firmware has nothing there. */
static void host_cpu_init(void *ctx, const char *why)
{
	struct vm *vm = ctx;

	request(vm, vm->config.kernel[0] ? VM_REQ_RESET : VM_REQ_CPU_INIT, why);
}

static void host_exit(void *ctx, u32 code)
{
	struct vm *vm = ctx;

	vm->exit_code = code;
	request(vm, VM_REQ_EXIT, "debug exit");
}

/* Translations and mappings are found through A20-masked addresses: both start over. */
static void host_a20(void *ctx, bool enabled)
{
	struct vm *vm = ctx;
	u64 mask = enabled ? ~0ull : ~(u64)BIT(20);

	if (!vm->vcpu || vm->vcpu->cpu.a20_mask == mask)
		return;
	vm->vcpu->cpu.a20_mask = mask;
	cpu_translations_changed(&vm->vcpu->cpu, PAGING_A20, 0);
}

static const struct board_host host_template = {
	.now = host_now,
	.waited = host_waited,
	.wall_clock = host_wall,
	.intr = host_intr,
	.nmi = host_nmi,
	.tsc_due = host_tsc_due,
	.timer_moved = host_timer_moved,
	.completed = host_completed,
	.serial_tx = host_serial,
	.debug_tx = host_debug,
	.entropy = host_entropy,
	.frame_out = host_frame_out,
	.frame_in = host_frame_in,
	.report = host_report,
	.power_off = host_power_off,
	.reset = host_reset,
	.cpu_init = host_cpu_init,
	.a20 = host_a20,
	.exit_code = host_exit,
};

/* --- Creation and destruction */

static int create_board(struct vm *vm, const struct vm_roms *roms)
{
	static const u8 boot[BOOT_KINDS] = { [BOOT_FROM_FLOPPY] = BOARD_BOOT_FLOPPY,
					     [BOOT_FROM_CDROM] = BOARD_BOOT_CDROM,
					     [BOOT_FROM_DISK] = BOARD_BOOT_DISK,
					     [BOOT_FROM_NETWORK] = BOARD_BOOT_NETWORK };
	static const u8 virtio[] = { [VIRTIO_FOR_BOTH] = VIRTIO_BOTH,
				     [VIRTIO_FOR_OLD] = VIRTIO_OLD_ONLY,
				     [VIRTIO_FOR_NEW] = VIRTIO_NEW_ONLY };
	const struct config_vm *c = &vm->config;
	struct board_config bc = {
		.ram_size = c->memory,
		.debug_exit = c->debug_exit,
		.apic = c->apic,
		.no_vga = c->no_vga,
		.drives = vm_media_places(vm),
		.virtio = virtio[c->virtio],
		.virtio_rng = c->virtio_rng,
		.virtio_balloon = c->balloon,
		.virtio_console = c->serial[VM_LINE_VIRTIO] != SERIAL_NONE,
		.rts_wired = console_flow() == CONSOLE_FLOW_RTSCTS,
		.firmware = roms->firmware,
		.vgabios = roms->vgabios,
		.netrom = roms->netrom,
		.boot = { .count = (u8)c->boots, .menu = c->boot_menu, .serial_console = c->sercon }
	};
	struct board_host host = host_template;

	for (unsigned i = 0; i < c->boots; i++)
		bc.boot.order[i] = boot[c->boot[i]];

	vm_net_cards(vm, bc.nic);
	host.ctx = vm;
	if (c->strict != STRICT_OFF) {
		host.strict = host_strict;
		host.settles = host_settles;
		host.unsettled = host_unsettled;
	}
	return board_create(&bc, &host, &vm->mem, &vm->board);
}

static int create_vcpu(struct vm *vm)
{
	vm->vcpu = mem_alloc(sizeof(*vm->vcpu));
	if (!vm->vcpu)
		return E_NOMEM;
	return vcpu_create(vm->vcpu, vm, 0);
}

/* Whatever its shadow tables may ever take is its own from the start: no other VM can use it up. */
static int promise_pool(struct vm *vm)
{
	u64 pages = (4 * MiB + vm->config.memory / 32) >> PAGE_SHIFT;

	if (!page_promise(pages))
		return E_NOMEM;
	vm->pool_quota = pages;
	return 0;
}

/* Can this processor serve the model? And do its programs see it? */
static int check_model(const struct config_vm *config)
{
	const struct cpu_model *m = cpu_model_of(config->cpu);
	u32 id[4], extended[4];
	const char *lacks;

	if (!m)
		return 0;
	cpu_id(1, 0, id);
	cpu_id(0x80000001, 0, extended);
	lacks = cpu_model_lacks(m, id[3], cpu_features.nx ? extended[3] : 0);
	if (lacks) {
		vm_refuse(config, "cpu = %s: this processor has no %s", m->name, lacks);
		return E_INVAL;
	}
	if (!cpu_features.cpuid_faulting && config->engine != ENGINE_RECOMPILE_ALL)
		log_info("%s: cpu = %s for its kernel; its programs see the CPUID of this machine, "
			 "unless engine = recompile-all",
			 config->name, m->name);
	return 0;
}

int vm_create(const struct config_vm *config, struct vm **out)
{
	u64 need = config->memory, have = page_free_bytes();
	struct vm *vm = mem_alloc(sizeof(*vm));
	struct vm_roms roms;
	int err = E_NOMEM;

	if (!vm)
		return E_NOMEM;
	vm->config = *config;
	vm->strict.broken_by = config->strict != STRICT_OFF ? vm_strict_broken : NULL;
	vm->debug.at_shutdown = config->triple == TRIPLE_FREEZE;
	vm->state = VM_RUNNING;
	vm_speed_init(vm);
	vm->time_offset = clock_now();
	vm->deadline = UINT64_MAX;
	list_init(&vm->link);
	vm_console_init(vm);
	gpmem_init(&vm->mem);
	err = check_model(config); /* reports what is wrong */
	if (!err && config->strict_ram && config->strict == STRICT_OFF) {
		vm_refuse(config, "strict_ram needs strict = warn or strict = stop");
		err = E_INVAL;
	}
	if (err)
		goto fail;
	err = vm_load_roms(config, &roms); /* reports what is wrong */
	if (err)
		goto fail;
	err = vm_ram_create(vm);
	if (err) {
		vm_refuse(config, "memory = %lluM: only %lluM are free",
			  (unsigned long long)(need / MiB), (unsigned long long)(have / MiB));
		goto fail;
	}
	err = vm_media_create(vm);
	if (err)
		goto fail;
	err = promise_pool(vm);
	if (!err)
		err = vm_net_create(vm);
	if (!err)
		err = create_board(vm, &roms);
	if (!err)
		err = create_vcpu(vm);
	if (!err)
		err = raw_pages_init(&vm->raw_pages, &vm->mem, vm->vcpu->shadow, config->memory,
				     cpu_features.umip);
	if (err) {
		vm_refuse(config,
			  "not enough memory for the virtual machine's own structures (%lluM free)",
			  (unsigned long long)(page_free_bytes() / MiB));
		goto fail;
	}
	vm_points_init(vm);
	err = vm_symbols_load(vm); /* reports what is wrong */
	if (err)
		goto fail;
	err = vm_load_begin(vm); /* reports what is wrong; copied is in the VM's turns */
	if (err)
		goto fail;
	vm->start = VM_START_IMAGES;
	if (config->state[0])
		err = vm_snap_first(vm, config->state);
	if (err) {
		vm_refuse(config, "state = %s: no memory to load it", config->state);
		goto fail;
	}
	/* What creation took, to the page, without RAM and video memory. What grows later is
	 * counted where it grows. */
	vm->fixed_bytes = have - page_free_bytes() - ((u64)vm->chunks << GPMEM_CHUNK_SHIFT) -
			  (config->no_vga ? 0 : VGA_MEMORY) -
			  ((vm->pool_quota + vm->media->quota) << PAGE_SHIFT);
	list_add_tail(&vm->link, &vm_list);
	*out = vm;
	return 0;
fail:
	vm_destroy(vm);
	return err;
}

void vm_destroy(struct vm *vm)
{
	vm_console_forget(vm);
	vm_display_forget(vm);
	vm_snap_abandon(vm);
	vm_points_destroy(vm);
	vm_symbols_free(vm);
	list_del(&vm->link);
	if (vm->vcpu) {
		vcpu_destroy(vm->vcpu);
		raw_pages_destroy(&vm->raw_pages);
		mem_free(vm->vcpu);
		vm->vcpu = NULL;
	}
	if (vm->board)
		board_destroy(vm->board);
	vm_net_destroy(vm);
	vm_media_destroy(vm);
	vm_ram_destroy(vm);
	page_promise_end(vm->pool_quota);
	mem_free(vm);
}

static void reset(struct vm *vm)
{
	vm_console_end_lines(vm);
	vm->resets++;
	vm->request = VM_REQ_NONE;
	vm->injected = 0;
	vm_symbols_forget(vm);
	vm->halt_reported = false;
	vm_resume(vm);
	vm_start_begin(vm);
}

bool vm_reset(struct vm *vm, const char *why)
{
	if (vm_snap_writes_media(vm)) {
		vm_report(vm, "not reset: it is being loaded");
		return false;
	}
	vm_report(vm, "reset: %s", why);
	reset(vm);
	return true;
}

/* One that dies and is reset at once would print a line each time, a few hundred a second. */
static void report_own(struct vm *vm, const char *why)
{
	u64 now = clock_now();

	if (vm->resets + vm->inits > RESETS_QUIET && now - vm->reset_reported < RESET_LINE_NS) {
		vm->resets_unsaid++;
		return;
	}
	if (vm->resets_unsaid)
		vm_report(vm, "reset: %llu times more", (unsigned long long)vm->resets_unsaid);
	vm->resets_unsaid = 0;
	vm->reset_reported = now;
	vm_report(vm, "reset: %s", why);
}

void vm_reset_itself(struct vm *vm, const char *why)
{
	reset(vm);
	report_own(vm, why);
}

void vm_cpu_init(struct vm *vm)
{
	vm->inits++;
	vm->halt_reported = false;
	vcpu_init(vm->vcpu);
	board_cpu_init(vm->board);
}

void vm_shut_down(struct vm *vm)
{
	if (vm->config.kernel[0]) {
		vm_reset_itself(vm, "triple fault");
		return;
	}
	vm_cpu_init(vm);
	report_own(vm, "triple fault");
}

void vm_do_request(struct vm *vm)
{
	enum vm_request what = vm->request;

	vm->request = VM_REQ_NONE;
	switch (what) {
	case VM_REQ_NONE:
		return;
	case VM_REQ_POWER_OFF:
		vm_stop(vm, "%s", vm->request_why);
		return;
	case VM_REQ_RESET:
		vm_reset_itself(vm, vm->request_why);
		return;
	case VM_REQ_CPU_INIT:
		vm_cpu_init(vm);
		return;
	case VM_REQ_EXIT:
		vm_stop(vm, "%s, code %u", vm->request_why, vm->exit_code);
		return;
	case VM_REQ_KILL:
		vm_stop(vm, "%s", vm->kill_reason);
		return;
	}
}

u64 vm_overhead(const struct vm *vm)
{
	return vm->fixed_bytes + ((vm->pool_pages + vm->mem.lend_tables) << PAGE_SHIFT);
}

u64 vm_promised(const struct vm *vm)
{
	return (vm->pool_quota - vm->pool_pages) << PAGE_SHIFT;
}
