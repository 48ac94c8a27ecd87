/* SPDX-License-Identifier: MIT */
/*
 * Drives, media, and who pays for what is written.
 */
#include "vmm/vm/vm_media.h"

#include "emu/dev/cow_state.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/lib/module.h"
#include "kernel/mem/page.h"
#include "vmm/load/media.h"
#include "vmm/state/vm.h"
#include "vmm/console/vm_console.h"
#include "vmm/vm/vm_refused.h"

/* Promised to a VM with larger media whose configuration does not say how much. */
#define DEFAULT_WRITES (256 * MiB)

_Static_assert(COW_BLOCK == PAGE_SIZE, "a block is a page");

/* --- Blocks */

static void *take_block(void *ctx)
{
	struct vm_media *m = ctx;

	if (m->used < m->quota) {
		m->used++;
		return page_alloc_promised();
	}
	if (!m->told)
		vm_report(m->vm, "disk_writes = %lluM are used up: writes to its drives fail",
			  (unsigned long long)((m->quota << PAGE_SHIFT) / MiB));
	m->told = true;
	return NULL;
}

static void give_block(void *ctx, void *block)
{
	struct vm_media *m = ctx;

	m->used--;
	page_free_promised(block);
}

/* All blocks of the media that can be written, and the groups that find them. */
static u64 pages_of_media(const struct vm_media *m)
{
	u64 pages = 0;
	struct list *p;

	list_for_each (p, &m->media) {
		const struct vm_medium *v = list_entry(p, struct vm_medium, link);

		if (!v->cow.read_only)
			pages += v->cow.sectors / (COW_BLOCK / DISK_SECTOR) + 1 + v->cow.groups;
	}
	return pages;
}

static int promise(struct vm *vm)
{
	struct vm_media *m = vm->media;
	u64 want = MIN(pages_of_media(m), DEFAULT_WRITES >> PAGE_SHIFT);

	if (vm->config.disk_writes)
		want = vm->config.disk_writes >> PAGE_SHIFT;
	if (!page_promise(want)) {
		vm_refuse(&vm->config, "disk_writes = %lluM: only %lluM are free",
			  (unsigned long long)((want << PAGE_SHIFT) / MiB),
			  (unsigned long long)(page_free_bytes() / MiB));
		return E_NOMEM;
	}
	m->quota = want;
	return 0;
}

/* --- Media */

struct vm_medium *vm_media_of(struct vm_media *m, const struct module *module)
{
	struct list *p;

	list_for_each (p, &m->media) {
		struct vm_medium *v = list_entry(p, struct vm_medium, link);

		if (v->module == module)
			return v;
	}
	return NULL;
}

struct vm_medium *vm_media_add(struct vm_media *m, const struct module *module,
			       enum drive_kind kind, bool read_only)
{
	struct vm_medium *v = mem_alloc(sizeof(*v));

	if (!v)
		return NULL;
	v->module = module;
	v->kind = kind;
	v->drive = -1;
	if (cow_medium_init(&v->cow, module->data, module->size, media_unit(kind),
			    read_only || kind == DRIVE_CDROM, &m->blocks)) {
		mem_free(v);
		return NULL;
	}
	list_add_tail(&v->link, &m->media);
	return v;
}

static struct vm_medium *medium_in(const struct vm_media *m, int drive)
{
	struct list *p;

	list_for_each (p, &m->media) {
		struct vm_medium *v = list_entry(p, struct vm_medium, link);

		if (v->drive == drive)
			return v;
	}
	return NULL;
}

const struct module *vm_media_module(const struct vm *vm, int drive)
{
	const struct vm_medium *v = medium_in(vm->media, drive);

	return v ? v->module : NULL;
}

u32 vm_media_sample(const struct module *module)
{
	struct cow_medium image;

	(void)cow_medium_init(&image, module->data, module->size, 1, true, NULL);
	return cow_image_sample(&image);
}

/* What the configuration says is in that drive. */
static int insert_first(struct vm *vm, enum config_drive_name n)
{
	const struct config_drive *c = &vm->config.drive[n];
	const struct module *module = module_find(c->file);
	enum drive_kind kind = config_drive_kind(n);
	struct vm_medium *v;
	char note[128];
	bool good;

	if (!module) {
		vm_refuse(&vm->config, "%s: no such boot module", c->file);
		return E_NOENT;
	}
	good = media_look(kind, module->data, module->size, note, sizeof(note));
	if (note[0])
		vm_report(vm, "%s = %s: %s", config_drive_name(n), c->file, note);
	if (!good)
		return 0;
	v = vm_media_of(vm->media, module);
	if (v) {
		vm_refuse(&vm->config, "%s = %s: it is in %s too", config_drive_name(n), c->file,
			  config_drive_name((enum config_drive_name)v->drive));
		return E_BUSY;
	}
	v = vm_media_add(vm->media, module, kind, c->read_only);
	if (!v)
		return E_NOMEM;
	vm_media_exchange(vm, (int)n, v);
	return 0;
}

/* --- Drives */

static int create_drive(struct vm *vm, enum config_drive_name n)
{
	struct vm_media *m = vm->media;
	struct drive *place = &m->place[config_drive_place(vm->config.drive, n)];
	int err = cow_drive_init(&m->drive[n]);

	if (err)
		return err;
	*place = (struct drive){ config_drive_kind(n), &m->drive[n].backend };
	return vm->config.drive[n].file[0] ? insert_first(vm, n) : 0;
}

int vm_media_create(struct vm *vm)
{
	struct vm_media *m = mem_alloc(sizeof(*m));
	bool any = false;
	int err = 0;

	if (!m)
		return E_NOMEM;
	vm->media = m;
	m->vm = vm;
	m->blocks = (struct cow_blocks){ take_block, give_block, m };
	list_init(&m->media);
	for (unsigned n = 0; n < CONFIG_DRIVES && !err; n++) {
		if (!vm->config.drive[n].there)
			continue;
		err = create_drive(vm, (enum config_drive_name)n);
		any |= !vm->config.drive[n].read_only && n != CONFIG_CDROM;
	}
	if (err == E_NOMEM)
		vm_refuse(&vm->config, "no memory for its drives");
	if (err || !any)
		return err;
	err = promise(vm);
	if (!err)
		vm_report(vm,
			  "what it writes to its drives, up to %lluM, ends with the power, "
			  "unless `disk save` sends it out",
			  (unsigned long long)(((m->quota << PAGE_SHIFT) + MiB - 1) / MiB));
	return err;
}

void vm_media_destroy(struct vm *vm)
{
	struct vm_media *m = vm->media;

	if (!m)
		return;
	for (unsigned n = 0; n < CONFIG_DRIVES; n++)
		if (m->drive[n].backend.ops)
			(void)cow_drive_destroy(&m->drive[n]);
	while (!list_empty(&m->media)) {
		struct vm_medium *v = list_entry(m->media.next, struct vm_medium, link);

		list_del(&v->link);
		cow_medium_destroy(&v->cow);
		mem_free(v);
	}
	page_promise_end(m->quota);
	mem_free(m);
	vm->media = NULL;
}

const struct drive *vm_media_places(const struct vm *vm)
{
	return vm->media->place;
}

/* --- By hand */

/* A drive by its name; -1: there is none, which has been printed. */
static int any_drive(const struct vm *vm, const char *name)
{
	int n = config_drive_find(name);

	if (n >= 0 && vm->config.drive[n].there)
		return n;
	console_print("%s has no drive called %s\n", vm->config.name, name);
	return -1;
}

struct vm_medium *vm_media_in(const struct vm *vm, const char *drive)
{
	int n = any_drive(vm, drive);
	struct vm_medium *v = n < 0 ? NULL : medium_in(vm->media, n);

	if (n >= 0 && !v)
		console_print("%s: no medium is in %s\n", vm->config.name, drive);
	return v;
}

/* One whose medium can be changed, now. */
static int find_drive(const struct vm *vm, const char *name)
{
	int n = any_drive(vm, name);

	if (n < 0)
		return -1;
	if (vm->snap) {
		console_print("%s is being saved or loaded\n", vm->config.name);
		return -1;
	}
	if (config_drive_kind((enum config_drive_name)n) == DRIVE_DISK) {
		console_print("%s is a fixed disk\n", name);
		return -1;
	}
	return n;
}

void vm_media_forget(struct vm *vm)
{
	struct vm_media *m = vm->media;
	struct list *p, *following;

	for (p = m->media.next; p != &m->media; p = following) {
		struct vm_medium *v = list_entry(p, struct vm_medium, link);

		following = p->next;
		if (v->drive >= 0 || v->cow.taken)
			continue;
		list_del(&v->link);
		cow_medium_destroy(&v->cow);
		mem_free(v);
	}
}

void vm_media_exchange(struct vm *vm, int drive, struct vm_medium *v)
{
	struct vm_medium *was = medium_in(vm->media, drive);

	if (was)
		was->drive = -1;
	if (v)
		v->drive = drive;
	cow_drive_insert(&vm->media->drive[drive], v ? &v->cow : NULL);
}

int vm_media_eject(struct vm *vm, const char *drive)
{
	int n = find_drive(vm, drive);

	if (n < 0)
		return E_NOENT;
	if (!vm->media->drive[n].medium) {
		console_print("%s: no medium is in %s\n", vm->config.name, drive);
		return E_NOENT;
	}
	vm_media_exchange(vm, n, NULL);
	vm_media_forget(vm);
	vm_report(vm, "%s is empty", drive);
	return 0;
}

/* The drive's own changes of before are found again when a module comes back. */
int vm_media_insert(struct vm *vm, const char *drive, const char *file)
{
	const struct module *module = module_find(file);
	int n = find_drive(vm, drive);
	enum drive_kind kind;
	struct vm_medium *v;
	char note[128];

	if (n < 0)
		return E_NOENT;
	kind = config_drive_kind((enum config_drive_name)n);
	if (!module) {
		console_print("no boot module is called %s\n", file);
		return E_NOENT;
	}
	if (!media_look(kind, module->data, module->size, note, sizeof(note))) {
		console_print("%s: %s\n", file, note);
		return E_INVAL;
	}
	v = vm_media_of(vm->media, module);
	if (v && (v->drive >= 0 || v->kind != kind)) {
		console_print("%s is in another drive of %s, or was in one of another kind\n", file,
			      vm->config.name);
		return E_BUSY;
	}
	if (!v)
		v = vm_media_add(vm->media, module, kind, vm->config.drive[n].read_only);
	if (!v)
		return E_NOMEM;
	vm_media_exchange(vm, n, v);
	vm_media_forget(vm);
	vm_report(vm, "%s is in %s%s%s", file, drive, note[0] ? ": " : "", note);
	return 0;
}
