/* SPDX-License-Identifier: MIT */
/*
 * check-config CONF [list]: says about a configuration what the monitor would say, by the monitor's
 * own parser and loader (vmm/load/config.c, vmm/load/linux_boot.c) built for the host. Messages go
 * to stderr.
 *
 * list: prints for each file that the configuration names a line `NAME PATH`. NAME is how the
 * monitor will look for it, with %XX for whatever is not a plain character (boot/multiboot.c); PATH
 * where it lies here, with a backslash before = and \, as xorriso's graft points want it.
 * iso/mkimage packs those: which keys name files only the parser knows.
 *
 * Exit status: 0 nothing to say; 1 mistakes that cost a machine; 2 no image can be made of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/base/alloc.h"
#include "kernel/base/print.h"
#include "vmm/load/config.h"
#include "vmm/load/firmware_file.h"
#include "vmm/load/linux_boot.h"
#include "vmm/load/media.h"

#define PLAIN	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/+,=@:-"
#define MODULES_MAX 255 /* and vms.conf: kernel/lib/module.h */

enum { FINE, MISTAKES, NO_IMAGE };

struct file {
	struct file *next;
	char *name;
	unsigned line;
	char path[PATH_MAX];
};

static const char *conf;
static char folder[PATH_MAX]; /* that the configuration lies in */
static struct file *files, **last_file = &files;
static int status;

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		fputs("mkimage: no memory\n", stderr);
		exit(NO_IMAGE);
	}
	return p;
}

void mem_free(void *p)
{
	free(p);
}

static void say(int how_bad, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(int how_bad, const char *fmt, ...)
{
	va_list ap;

	if (how_bad > status)
		status = how_bad;
	fputs("mkimage: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void report(void *ctx, const char *message)
{
	(void)ctx;
	say(MISTAKES, "%s", message);
}

/* Why the file cannot be used, or NULL. */
static const char *unusable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT || errno == ENOTDIR ? "no such file" : strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "is a directory";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	return access(path, R_OK) ? strerror(errno) : NULL;
}

/* Files that the configuration need not name. */
static const char *hint(const char *name)
{
	if (!strcmp(name, CONFIG_FIRMWARE) || !strcmp(name, CONFIG_VGABIOS))
		return ": without a kernel, a BIOS is needed: install the package seabios";
	if (!strcmp(name, CONFIG_NETROM_VIRTIO) || !strcmp(name, CONFIG_NETROM_NE2000))
		return ": boot = network needs the card's ROM: install the package ipxe-qemu";
	return "";
}

static const char *file_check(void *ctx, unsigned line, const char *name)
{
	struct file *f;
	const char *why;
	bool absolute = name[0] == '/';

	(void)ctx;
	for (f = files; f; f = f->next)
		if (!strcmp(f->name, name))
			return NULL;
	f = mem_alloc(sizeof(*f));
	f->name = strdup(name);
	f->line = line;
	fmt_print(f->path, sizeof(f->path), "%s%s%s", absolute ? "" : folder, absolute ? "" : "/",
		  name);
	*last_file = f;
	last_file = &f->next;
	why = unusable(f->path);
	if (why)
		say(NO_IMAGE, "%s:%u: %s: %s%s%s%s", conf, line, name, why, absolute ? "" : " in ",
		    absolute ? "" : folder, hint(name));
	return NULL;
}

static u8 *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	u8 *data = NULL;
	long length;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && (length = ftell(f)) >= 0) {
		rewind(f);
		data = mem_alloc((size_t)length + 1);
		*size = fread(data, 1, (size_t)length, f);
	}
	fclose(f);
	return data;
}

static const struct file *find(const char *name)
{
	const struct file *f = files;

	while (f && strcmp(f->name, name))
		f = f->next;
	return f;
}

/* Would it run? */
static void check_rom(const struct config_vm *vm, const char *key, const char *name,
		      const char *(*refused)(const u8 *data, size_t size))
{
	const struct file *f = find(name);
	const char *why;
	size_t size;
	u8 *data;

	if (vm->bad || !f || unusable(f->path))
		return;
	data = read_file(f->path, &size);
	if (!data)
		return;
	why = refused(data, size);
	if (why)
		say(MISTAKES, "%s:%u: %s = %s: %s", conf, f->line, key, name, why);
	free(data);
}

/* Would it be loaded? */
static void check_images(const struct config_vm *vm)
{
	const struct file *kernel = find(vm->kernel), *initrd = find(vm->initrd);
	struct linux_image image = { .cmdline = vm->cmdline };
	struct linux_boot boot;
	struct stat st;
	u8 *data;

	if (vm->bad || !kernel || unusable(kernel->path))
		return;
	data = read_file(kernel->path, &image.kernel_size);
	if (!data)
		return;
	image.kernel = data;
	if (initrd && !stat(initrd->path, &st))
		image.initrd_size = (size_t)st.st_size;
	if (linux_boot_begin(&boot, &image, vm->memory))
		say(MISTAKES, "%s:%u: kernel = %s: %s", conf, kernel->line, vm->kernel, boot.why);
	free(data);
}

/* Whole images are not read: only the few sectors that say how large the whole is. */
static void check_medium(const struct config_vm *vm, enum config_drive_name n)
{
	const struct file *f = find(vm->drive[n].file);
	char note[128] = "";
	struct stat st;
	int fd = f ? open(f->path, O_RDONLY) : -1;
	void *image = NULL;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size)
		image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image == MAP_FAILED)
		return;
	(void)media_look(config_drive_kind(n), image, image ? (u64)st.st_size : 0, note,
			 sizeof(note));
	if (note[0])
		say(MISTAKES, "%s:%u: %s = %s: %s", conf, f->line, config_drive_name(n),
		    vm->drive[n].file, note);
	if (image)
		munmap(image, (size_t)st.st_size);
}

static void check_media(const struct config_vm *vm)
{
	for (unsigned n = 0; n < CONFIG_DRIVES; n++)
		if (vm->drive[n].there && vm->drive[n].file[0])
			check_medium(vm, (enum config_drive_name)n);
}

static void print_name(const char *name)
{
	for (const char *c = name; *c; c++)
		printf(strchr(PLAIN, *c) ? "%c" : "%%%02X", (u8)*c);
}

static void list_files(void)
{
	char path[PATH_MAX];
	unsigned n = 0;

	for (const struct file *f = files; f; f = f->next) {
		if (n++ == MODULES_MAX) {
			say(NO_IMAGE, "%s:%u: %s: more than %d files", conf, f->line, f->name,
			    MODULES_MAX);
			return;
		}
		if (!realpath(f->path, path)) {
			say(NO_IMAGE, "%s:%u: %s: %s", conf, f->line, f->name, strerror(errno));
			return;
		}
		print_name(f->name);
		putchar(' ');
		for (const char *c = path; *c; c++)
			printf(*c == '=' || *c == '\\' ? "\\%c" : "%c", *c);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct config c;
	const char *why;
	size_t size;
	u8 *text;

	if (argc < 2 || argc > 3)
		return NO_IMAGE;
	conf = argv[1];
	why = unusable(conf);
	text = why ? NULL : read_file(conf, &size);
	if (!text) {
		say(NO_IMAGE, "%s: %s", conf, why ? why : "cannot be read");
		return NO_IMAGE;
	}
	snprintf(folder, sizeof(folder), "%s", conf);
	if (strrchr(folder, '/'))
		*strrchr(folder, '/') = '\0';
	else
		strcpy(folder, ".");
	config_parse(conf, (const char *)text, size, &c, file_check, report, NULL);
	if (memchr(text, 0, size))
		status = NO_IMAGE;
	for (unsigned i = 0; i < c.vms; i++) {
		check_images(&c.vm[i]);
		check_media(&c.vm[i]);
		check_rom(&c.vm[i], "firmware", c.vm[i].firmware, firmware_refused);
		check_rom(&c.vm[i], "vgabios", c.vm[i].vgabios, option_rom_refused);
		check_rom(&c.vm[i], "netrom", c.vm[i].netrom, option_rom_refused);
	}
	if (argc == 3 && status != NO_IMAGE)
		list_files();
	config_free(&c);
	return status;
}
