/* SPDX-License-Identifier: MIT */
/*
 * Saving:    registers, media, devices and time into the stream, then RAM, then what was written to
 *            the media.
 * Loading:   1. A stream that this monitor did not write is read once to its end: checksums, and
 *               whether its RAM and its media are this VM's.
 *            2. The present state is saved. Then registers, devices and time are loaded, and the
 *               media put into the drives: if a field is not good, the saved state is loaded, and
 *               the VM goes on.
 *            3. What was made from RAM is forgotten, as by a reset (vmm/vm/vm_start.c).
 *            4. RAM is loaded, which cannot fail any more.
 *            5. What was written to the media is given back, and loaded. A reset is refused then.
 *
 * Time stands still for the VM from 2. on: it goes on at the time when it was saved. While it is
 * saved time goes on, as while other VMs run.
 */
#include "vmm/vm/vm_snap.h"

#include "arch/cpu/processor.h"
#include "emu/board/fingerprint.h"
#include "emu/cpu/cpu_state.h"
#include "emu/dbg/dbg_core.h"
#include "emu/dev/cow_state.h"
#include "emu/mem/gpmem_state.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/lib/module.h"
#include "kernel/time/clock.h"
#include "vmm/snap/snapshot.h"
#include "vmm/snap/snapshot_send.h"
#include "vmm/console/vm_console.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/vm/vm_media.h"
#include "vmm/vm/vm_media_state.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_symbols.h"

#define PIECE_PAGES	  64u /* a millisecond at most */
#define FORMAT_WITH_MEDIA 2u
#define TELL_EVERY_NS	  1000000000ull

enum step {
	SAVE_STATE,
	SAVE_RAM,
	SAVE_MEDIA,
	SAVE_DISK, /* one alone, which is sent */
	SAVE_CORE, /* for a debugger, which is sent */
	CHECK_STATE,
	CHECK_RAM,
	CHECK_MEDIA,
	LOAD_STATE,
	LOAD_RAM,
	CLEAR_MEDIA,
	LOAD_MEDIA,
};

struct vm_snap {
	enum step step;
	char name[SNAPSHOT_NAME];
	struct snapshot *stream;
	struct snapshot_reader reader;
	struct gpmem_cursor ram;
	struct vm_media_list media;
	struct vm_media_cursor written;
	const struct vm_medium *medium; /* SAVE_DISK */
	struct gpmem_packer *packer;	/* SAVE_CORE */
	struct cow_cursor blocks;
	struct fingerprint print;
	u64 began, told;
	struct snap snap;
};

static void end(struct vm *vm);

static bool saving(const struct vm_snap *j)
{
	return j->step <= SAVE_CORE;
}

/* --- Beginning */

static int begin(struct vm *vm, const char *name, enum step step)
{
	struct vm_snap *j;

	if (vm->start != VM_STARTED) {
		console_print("%s is being %s\n", vm->config.name,
			      vm->snap ? "saved or loaded" : "started");
		return E_BUSY;
	}
	if (strlen(name) >= SNAPSHOT_NAME) {
		console_print("a name has %u characters at most\n", SNAPSHOT_NAME - 1);
		return E_INVAL;
	}
	j = mem_alloc(sizeof(*j));
	if (!j)
		return E_NOMEM;
	j->step = step;
	str_copy(j->name, name, sizeof(j->name));
	j->began = j->told = clock_now();
	vm->snap = j;
	vm->start = VM_START_SNAP;
	return 0;
}

static int begin_saving(struct vm *vm, const char *name, enum step step)
{
	struct snapshot *p;
	int err = begin(vm, name, step);

	if (err)
		return err;
	p = snapshot_create(vm->config.name);
	if (!p) {
		vm_snap_abandon(vm);
		vm->start = VM_STARTED;
		return E_NOMEM;
	}
	vm->snap->stream = p;
	return 0;
}

int vm_snap_save(struct vm *vm, const char *name)
{
	return begin_saving(vm, name, SAVE_STATE);
}

int vm_snap_save_disk(struct vm *vm, const char *drive)
{
	const struct vm_medium *medium = vm_media_in(vm, drive);
	int err = medium ? begin_saving(vm, drive, SAVE_DISK) : E_NOENT;
	struct vm_snap *j = vm->snap;

	if (err)
		return err;
	j->medium = medium;
	snap_save_to(&j->snap, snapshot_append, j->stream);
	cow_save_medium(&medium->cow, medium->module->name, &j->snap);
	return 0;
}

int vm_snap_save_core(struct vm *vm, const char *why)
{
	struct gpmem_packer *packer;
	int err = begin_saving(vm, vm->config.name, SAVE_CORE);

	if (err)
		return err;
	packer = mem_alloc(sizeof(*packer));
	if (!packer) {
		end(vm);
		return E_NOMEM;
	}
	vm->snap->packer = packer;
	vcpu_unload(vm->vcpu);
	snap_save_to(&vm->snap->snap, snapshot_append, vm->snap->stream);
	dbg_save_core(&vm->vcpu->cpu, vm->config.name, why, &vm->snap->snap);
	return 0;
}

int vm_snap_load(struct vm *vm, const char *name)
{
	struct snapshot *p = snapshot_open(name);
	int err;

	if (!p) {
		console_print("no saved machine is called %s (snapshot list)\n", name);
		return E_NOENT;
	}
	err = begin(vm, name, p->data ? CHECK_STATE : LOAD_STATE);
	if (err)
		snapshot_done(p);
	else
		vm->snap->stream = p;
	return err;
}

int vm_snap_first(struct vm *vm, const char *name)
{
	vm->start = VM_STARTED;
	vm->unborn = true;
	return vm_snap_load(vm, name);
}

/* --- End */

static void give_up_stream(struct vm_snap *j)
{
	if (!j->stream)
		return;
	if (saving(j))
		snapshot_free(j->stream);
	else
		snapshot_done(j->stream);
	j->stream = NULL;
}

bool vm_snap_writes_media(const struct vm *vm)
{
	return vm->snap && vm->snap->step >= CLEAR_MEDIA;
}

void vm_snap_abandon(struct vm *vm)
{
	if (!vm->snap)
		return;
	give_up_stream(vm->snap);
	vm->held = false;
	mem_free(vm->snap->packer);
	mem_free(vm->snap);
	vm->snap = NULL;
}

static void end(struct vm *vm)
{
	vm_snap_abandon(vm);
	vm->start = VM_STARTED;
}

static void refuse(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (saving(j))
		vm_report(vm, "not saved: %s", j->snap.error);
	else
		vm_report(vm, "%s is not loaded: %s", j->name, j->snap.error);
	end(vm);
	if (vm->unborn)
		vm_stop(vm, "its saved state could not be loaded");
}

/* --- All but RAM */

/* Streams of the first format know nothing of media: these stay as they are. */
static void media_state(struct vm *vm, struct vm_media_list *media, struct snap *s)
{
	if (s->format < FORMAT_WITH_MEDIA)
		return;
	vm_media_state(vm, media, s);
	if (s->loading && snap_ok(s) && !vm_media_adopt(vm, media))
		snap_fail(s, "no memory for its media");
}

static void small_state(struct vm *vm, struct fingerprint *f, struct vm_media_list *media,
			struct snap *s)
{
	fingerprint_state(f, s);
	if (s->loading && snap_ok(s))
		vm->held_now = f->now;
	media_state(vm, media, s);
	cpu_state(&vm->vcpu->cpu, s);
	board_state(vm->board, s);
}

static void fingerprint_of(struct vm *vm, struct fingerprint *f)
{
	*f = (struct fingerprint){ .ram_size = vm->config.memory,
				   .debug_exit = vm->config.debug_exit,
				   .model = vm->config.cpu,
				   .tsc_khz = (u32)(clock_tsc_hz() / 1000),
				   .now = vm_now(vm),
				   .tsc = rdtsc() + vm->vcpu->cpu.msr.tsc_offset };
	fingerprint_cpuid(f, &vm->vcpu->cpu);
}

static void save_state(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	vcpu_unload(vm->vcpu);
	board_settle(vm->board);
	fingerprint_of(vm, &j->print);
	snap_save_to(&j->snap, snapshot_append, j->stream);
	small_state(vm, &j->print, &j->media, &j->snap);
	j->step = SAVE_RAM;
}

static void save_ram(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (!gpmem_save_pages(&vm->mem, &j->snap, &j->ram, PIECE_PAGES))
		j->step = SAVE_MEDIA;
}

static void save_media(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (vm_media_save(vm, &j->media, &j->snap, &j->written, PIECE_PAGES))
		return;
	if (!snap_finish(&j->snap)) {
		refuse(vm);
		return;
	}
	vm_report(vm, "saved as %s: %llu KiB in %llu ms", j->name,
		  (unsigned long long)(j->stream->bytes / KiB),
		  (unsigned long long)((clock_now() - j->began) / 1000000));
	snapshot_publish(j->stream, j->name);
	j->stream = NULL;
	end(vm);
}

/* The stream is whole, and sent under that kind. */
static void send_saved(struct vm *vm, const char *kind)
{
	struct vm_snap *j = vm->snap;

	if (snap_finish(&j->snap) && snapshot_send_once(j->stream, kind) == E_BUSY)
		snap_fail(&j->snap, "something else is being sent");
	if (!snap_ok(&j->snap)) {
		refuse(vm);
		return;
	}
	j->stream = NULL;
	end(vm);
}

/* The VM stands meanwhile, so that it is what the disk is at one moment. */
static void save_disk(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (!cow_save_blocks(&j->medium->cow, &j->snap, &j->blocks, PIECE_PAGES))
		send_saved(vm, "disk");
}

static void save_core(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (!gpmem_pack_pages(&vm->mem, &j->snap, j->packer, &j->ram, PIECE_PAGES))
		send_saved(vm, "core");
}

/* --- Loading */

static void open_stream(struct vm_snap *j)
{
	snapshot_rewind(&j->reader, j->stream);
	snap_load_from(&j->snap, snapshot_read, &j->reader);
}

static bool next_is(struct snap *s, const char *name)
{
	return !strcmp(snap_next(s), name);
}

static void check_state(struct vm *vm)
{
	struct vm_snap *j = vm->snap;
	struct snap *s = &j->snap;

	open_stream(j);
	while (snap_ok(s) && !next_is(s, "ram") && !next_is(s, "medium") && !next_is(s, "end")) {
		if (next_is(s, "drives"))
			vm_media_state(vm, &j->media, s);
		else
			snap_skip(s);
	}
	j->step = CHECK_RAM;
}

static void check_ram(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (!gpmem_check_pages(&vm->mem, &j->snap, &j->ram, PIECE_PAGES))
		j->step = CHECK_MEDIA;
}

static void check_media(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (vm_media_check(&j->media, &j->snap, &j->written, PIECE_PAGES))
		return;
	if (!snap_finish(&j->snap)) {
		refuse(vm);
		return;
	}
	j->ram = (struct gpmem_cursor){ 0 };
	j->written = (struct vm_media_cursor){ 0 };
	j->media.count = 0;
	j->step = LOAD_STATE;
}

/* What the VM is before a load of which nobody knows whether it succeeds. */
struct before {
	struct snapshot *state;
	struct vm_media_list media;
	u64 tsc_offset;
};

static bool save_before(struct vm *vm, struct before *b, struct snap *s)
{
	struct fingerprint f;

	b->state = snapshot_create(vm->config.name);
	b->tsc_offset = vm->vcpu->cpu.msr.tsc_offset;
	if (!b->state)
		return false;
	board_settle(vm->board);
	fingerprint_of(vm, &f);
	snap_save_to(s, snapshot_append, b->state);
	small_state(vm, &f, &b->media, s);
	return snap_finish(s);
}

static void load_before(struct vm *vm, struct before *b, struct snap *s)
{
	struct snapshot_reader r;
	struct fingerprint f;

	fingerprint_of(vm, &f);
	snapshot_rewind(&r, b->state);
	snap_load_from(s, snapshot_read, &r);
	small_state(vm, &f, &b->media, s);
	vm->vcpu->cpu.msr.tsc_offset = b->tsc_offset;
	vm->held = false;
	if (!snap_finish(s))
		vm_kill(vm, "its own state cannot be loaded: %s", s->error);
}

static void load_state(struct vm *vm)
{
	struct vm_snap *j = vm->snap;
	struct snap *s = mem_alloc(sizeof(*s));
	struct before before = { 0 };

	vcpu_unload(vm->vcpu);
	open_stream(j);
	if (!s || !save_before(vm, &before, s)) {
		snap_fail(&j->snap, "no memory for what the machine is now");
		refuse(vm);
		goto free;
	}
	fingerprint_of(vm, &j->print);
	vm->held = true;
	vm->held_now = vm_now(vm);
	small_state(vm, &j->print, &j->media, &j->snap);
	if (snap_ok(&j->snap)) {
		j->step = LOAD_RAM;
		vm->start = VM_START_TRANSLATIONS;
	} else {
		load_before(vm, &before, s);
		refuse(vm);
	}
free:
	if (before.state)
		snapshot_free(before.state);
	mem_free(s);
}

/* Time goes on from where it was. */
static void set_time(struct vm *vm, const struct fingerprint *f)
{
	u64 now = clock_now();

	vm->held = false;
	vm->paused_at = now;
	vm->time_offset = now - f->now;
	vm->vcpu->cpu.msr.tsc_offset = f->tsc - rdtsc();
}

static void loaded(struct vm *vm)
{
	struct vm_snap *j = vm->snap;
	struct cpu *cpu = &vm->vcpu->cpu;

	set_time(vm, &j->print);
	cpu_state_loaded(cpu);
	vm->injected = 0;
	vm_symbols_forget(vm);
	recomp_unsignal(cpu, CPU_EVENT_INTR);
	if (board_intr_pending(vm->board))
		recomp_signal(cpu, CPU_EVENT_INTR);
	vm->console.waiting = true; /* UARTs that wait for their line are told */
	vm->halt_reported = false;
	vm->vcpu->shutdown = false;
	vm->debug.stood = STOOD_NOT;
	if (vm->state == VM_STOPPED)
		vm->state = VM_RUNNING;
	vm_report(vm, "loaded from %s: %llu KiB in %llu ms", j->name,
		  (unsigned long long)(j->stream->bytes / KiB),
		  (unsigned long long)((clock_now() - j->began) / 1000000));
	vm_media_forget(vm);
	vm->unborn = false;
	end(vm);
}

static void load_ram(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (!gpmem_load_pages(&vm->mem, &j->snap, &j->ram, PIECE_PAGES))
		j->step = j->snap.format < FORMAT_WITH_MEDIA ? LOAD_MEDIA : CLEAR_MEDIA;
}

static void clear_media(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (vm_media_clear(vm, &j->written))
		return;
	j->written = (struct vm_media_cursor){ 0 };
	j->step = LOAD_MEDIA;
}

static void load_media(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	if (vm_media_load(vm, &j->media, &j->snap, &j->written, PIECE_PAGES))
		return;
	if (snap_finish(&j->snap)) {
		loaded(vm);
		return;
	}
	vm_stop(vm, "its saved state is damaged: %s", j->snap.error);
	end(vm);
}

/* --- Pieces */

static void tell_progress(struct vm *vm)
{
	struct vm_snap *j = vm->snap;
	u64 now = clock_now();

	if (now - j->told < TELL_EVERY_NS)
		return;
	j->told = now;
	vm_report(vm, "%s: %llu of %llu MiB",
		  saving(j)		 ? "saving"
		  : j->step < LOAD_STATE ? "checking"
					 : "loading",
		  (unsigned long long)(MIN(j->ram.at, vm->config.memory) / MiB),
		  (unsigned long long)(vm->config.memory / MiB));
}

void vm_snap_piece(struct vm *vm)
{
	struct vm_snap *j = vm->snap;

	switch (j->step) {
	case SAVE_STATE:
		save_state(vm);
		break;
	case SAVE_RAM:
		save_ram(vm);
		break;
	case SAVE_MEDIA:
		save_media(vm);
		break;
	case SAVE_DISK:
		save_disk(vm);
		break;
	case SAVE_CORE:
		save_core(vm);
		break;
	case CHECK_STATE:
		check_state(vm);
		break;
	case CHECK_RAM:
		check_ram(vm);
		break;
	case CHECK_MEDIA:
		check_media(vm);
		break;
	case LOAD_STATE:
		load_state(vm);
		break;
	case LOAD_RAM:
		load_ram(vm);
		break;
	case CLEAR_MEDIA:
		clear_media(vm);
		break;
	case LOAD_MEDIA:
		load_media(vm);
		break;
	}
	if (vm->snap && j->step != SAVE_DISK)
		tell_progress(vm);
}
