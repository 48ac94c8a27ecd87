# SPDX-License-Identifier: MIT
# A Debian on an IDE disk. DEBIAN_GCC=no leaves the compiler out, KERNEL=linux-image-686-pae takes another kernel.
# DEBIAN passes options on: make check-debian-disk DEBIAN='--engines auto,recompile'.

DEBIAN_DISK := $(BUILD)/debian/disk.img

$(DEBIAN_DISK): tests/debian/make-disk
	@iso/deps debootstrap e2fsprogs
	tests/debian/make-disk $@

## debian-disk  a hard disk with a Debian that boots by the BIOS, from Debian's packages: build/debian/disk.img (as root)
.PHONY: debian-disk
debian-disk: deps
	@$(MAKE) --no-print-directory -s $(DEBIAN_DISK)

## check-debian-disk  that Debian booted, used, rebooted and switched off, beside bare QEMU: a table
.PHONY: check-debian-disk
check-debian-disk: debian-disk
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf
	@$(PYTHON) tests/debian/run.py $(DEBIAN)
