/* SPDX-License-Identifier: MIT */
/*
 * Media in a saved machine.
 */
#include "vmm/vm/vm_media_state.h"

#include "kernel/base/string.h"
#include "kernel/lib/module.h"
#include "vmm/load/media.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_media.h"

#define DRIVES_VERSION 1
#define NO_DRIVE       0xffu

typedef unsigned long long ull;

/* --- The section "drives" */

static void list_media(struct vm *vm, struct vm_media_list *l, struct snap *s)
{
	struct list *p;

	l->count = 0;
	list_for_each (p, &vm->media->media) {
		const struct vm_medium *v = list_entry(p, struct vm_medium, link);

		if (v->drive < 0 && !v->cow.taken)
			continue;
		if (l->count == VM_MEDIA_MAX) {
			snap_fail(s, "more than %u media", VM_MEDIA_MAX);
			return;
		}
		l->medium[l->count++] =
			(struct vm_media_entry){ v->module, v->kind, v->cow.read_only, v->drive,
						 v->cow.taken };
	}
}

/* The machine's drives are those of its configuration. */
static void drive_state(struct vm *vm, enum config_drive_name n, struct snap *s)
{
	const struct config_drive *c = &vm->config.drive[n];
	bool there = c->there, was = there;
	u8 place = there ? (u8)config_drive_place(vm->config.drive, n) : 0, was_at = place;

	snap_bool(s, was);
	snap_u8(s, was_at);
	if (was != there || was_at != place)
		snap_fail(s, "a machine with%s drive %s%s", was ? " a" : "out a",
			  config_drive_name(n), was && there ? " on another bus" : "");
}

static void check_image(const struct vm_media_entry *e, u64 size, u32 sample, struct snap *s)
{
	if (size != e->module->size)
		snap_fail(s, "%s had %llu bytes, and has %llu here", e->module->name, (ull)size,
			  (ull)e->module->size);
	else if (sample != vm_media_sample(e->module))
		snap_fail(s, "%s was another image", e->module->name);
}

static void entry_state(struct vm_media_entry *e, struct snap *s)
{
	char name[MODULE_NAME] = { 0 };
	u8 length = 0, drive = e->drive < 0 ? NO_DRIVE : (u8)e->drive;
	u64 size = 0;
	u32 sample = 0;

	if (!s->loading) {
		str_copy(name, e->module->name, sizeof(name));
		length = (u8)strlen(name);
		size = e->module->size;
		sample = vm_media_sample(e->module);
	}
	snap_u8(s, length);
	snap_bytes(s, name, length);
	snap_enum(s, e->kind, DRIVE_DISK + 1);
	snap_bool(s, e->read_only);
	snap_u8(s, drive);
	snap_u64(s, size);
	snap_u32(s, sample);
	snap_u64(s, e->pages);
	if (!s->loading || !snap_ok(s))
		return;
	e->drive = drive == NO_DRIVE ? -1 : drive;
	e->module = module_find(name);
	if (!e->module)
		snap_fail(s, "no boot module is called %s", name);
	else
		check_image(e, size, sample, s);
}

/* --- Can it be this VM's? */

static bool listed(const struct vm_media_list *l, u32 count, const struct module *module, int drive)
{
	for (u32 i = 0; i < count; i++)
		if (l->medium[i].module == module || (drive >= 0 && l->medium[i].drive == drive))
			return true;
	return false;
}

static void check_entry(struct vm *vm, const struct vm_media_list *l, u32 i, struct snap *s)
{
	const struct vm_media_entry *e = &l->medium[i];
	const struct vm_medium *v = vm_media_of(vm->media, e->module);
	const char *name = e->module->name;

	if (listed(l, i, e->module, e->drive))
		snap_fail(s, "%s is there twice", name);
	else if (e->drive >= CONFIG_DRIVES ||
		 (e->drive >= 0 &&
		  (!vm->config.drive[e->drive].there ||
		   config_drive_kind((enum config_drive_name)e->drive) != e->kind)))
		snap_fail(s, "%s was in a drive that is not there", name);
	else if (e->kind == DRIVE_NONE || (e->read_only && e->pages))
		snap_fail(s, "%s: what was written cannot have been", name);
	else if (v && (v->kind != e->kind || v->cow.read_only != e->read_only))
		snap_fail(s, "%s %s read-only", name, e->read_only ? "was" : "is");
}

/* What is in a fixed disk's place never changes. */
static void check_disks(struct vm *vm, const struct vm_media_list *l, struct snap *s)
{
	for (int n = CONFIG_DISK0; n <= CONFIG_DISK3; n++) {
		const struct module *was = NULL, *is = vm_media_module(vm, n);

		for (u32 i = 0; i < l->count; i++)
			if (l->medium[i].drive == n)
				was = l->medium[i].module;
		if (was != is)
			snap_fail(s, "%s was in %s, and here %s is", was ? was->name : "nothing",
				  config_drive_name((enum config_drive_name)n),
				  is ? is->name : "nothing");
	}
}

static void check_room(struct vm *vm, const struct vm_media_list *l, struct snap *s)
{
	u64 left = vm->media->quota;

	for (u32 i = 0; i < l->count; i++) {
		if (l->medium[i].pages > left) {
			snap_fail(s, "more was written to its drives than disk_writes = %lluM",
				  (ull)((vm->media->quota << PAGE_SHIFT) / MiB));
			return;
		}
		left -= l->medium[i].pages;
	}
}

void vm_media_state(struct vm *vm, struct vm_media_list *l, struct snap *s)
{
	if (!s->loading)
		list_media(vm, l, s);
	if (snap_begin(s, "drives", DRIVES_VERSION)) {
		for (unsigned n = 0; n < CONFIG_DRIVES; n++)
			drive_state(vm, (enum config_drive_name)n, s);
		snap_range(s, l->count, 0, VM_MEDIA_MAX);
		for (u32 i = 0; i < l->count && snap_ok(s); i++) {
			entry_state(&l->medium[i], s);
			if (s->loading && snap_ok(s))
				check_entry(vm, l, i, s);
		}
		if (s->loading && snap_ok(s)) {
			check_disks(vm, l, s);
			check_room(vm, l, s);
		}
	}
	snap_end(s);
}

bool vm_media_adopt(struct vm *vm, const struct vm_media_list *l)
{
	for (u32 i = 0; i < l->count; i++) {
		const struct vm_media_entry *e = &l->medium[i];

		if (!vm_media_of(vm->media, e->module) &&
		    !vm_media_add(vm->media, e->module, e->kind, e->read_only))
			return false;
	}
	for (int n = 0; n < CONFIG_DISK0; n++) {
		const struct module *module = NULL;

		for (u32 i = 0; i < l->count; i++)
			if (l->medium[i].drive == n)
				module = l->medium[i].module;
		if (vm->config.drive[n].there && module != vm_media_module(vm, n))
			vm_media_exchange(vm, n, NULL);
	}
	for (u32 i = 0; i < l->count; i++) {
		const struct vm_media_entry *e = &l->medium[i];

		if (e->drive >= 0 && vm_media_module(vm, e->drive) != e->module)
			vm_media_exchange(vm, e->drive, vm_media_of(vm->media, e->module));
	}
	return true;
}

/* --- What is written in them */

static void next(struct vm_media_cursor *c)
{
	*c = (struct vm_media_cursor){ .at = c->at + 1 };
}

bool vm_media_save(struct vm *vm, const struct vm_media_list *l, struct snap *s,
		   struct vm_media_cursor *c, u32 budget)
{
	for (; c->at < l->count && snap_ok(s); next(c)) {
		const struct vm_media_entry *e = &l->medium[c->at];
		const struct vm_medium *v = vm_media_of(vm->media, e->module);

		if (!e->pages)
			continue;
		if (!c->begun)
			cow_save_medium(&v->cow, e->module->name, s);
		c->begun = true;
		if (cow_save_blocks(&v->cow, s, &c->blocks, budget))
			return true;
	}
	return false;
}

bool vm_media_check(const struct vm_media_list *l, struct snap *s, struct vm_media_cursor *c,
		    u32 budget)
{
	for (; c->at < l->count && snap_ok(s); next(c)) {
		const struct vm_media_entry *e = &l->medium[c->at];
		struct cow_medium image;

		if (!e->pages)
			continue;
		(void)cow_medium_init(&image, e->module->data, e->module->size, media_unit(e->kind),
				      true, NULL);
		if (!c->begun)
			cow_load_medium(&image, e->module->name, s, &c->blocks);
		c->begun = true;
		if (cow_check_blocks(&image, s, &c->blocks, budget))
			return true;
		if (snap_ok(s) && c->blocks.taken > e->pages)
			snap_fail(s, "%s: more than was said", e->module->name);
	}
	return false;
}

bool vm_media_clear(struct vm *vm, struct vm_media_cursor *c)
{
	struct list *p;
	u32 n = 0;

	list_for_each (p, &vm->media->media) {
		struct vm_medium *v = list_entry(p, struct vm_medium, link);

		if (n++ < c->at)
			continue;
		if (cow_medium_drop(&v->cow, &c->group))
			return true;
		next(c);
	}
	return false;
}

bool vm_media_load(struct vm *vm, const struct vm_media_list *l, struct snap *s,
		   struct vm_media_cursor *c, u32 budget)
{
	for (; c->at < l->count && snap_ok(s); next(c)) {
		const struct vm_media_entry *e = &l->medium[c->at];
		struct vm_medium *v = vm_media_of(vm->media, e->module);

		if (!e->pages)
			continue;
		if (!c->begun)
			cow_load_medium(&v->cow, e->module->name, s, &c->blocks);
		c->begun = true;
		if (cow_load_blocks(&v->cow, s, &c->blocks, budget))
			return true;
	}
	return false;
}
