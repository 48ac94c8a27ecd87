# SPDX-License-Identifier: MIT
# A Debian on a disk. KERNEL=linux-image-686-pae takes another kernel, DEBIAN_GCC=no leaves the
# compiler out.
# DEBIAN passes options on: make check-debian-disk DEBIAN='--engines auto,recompile --bus virtio'.

KERNEL ?= linux-image-686
DEBIAN_DISK := $(BUILD)/debian/$(KERNEL).img

$(BUILD)/debian/%.img: tests/debian/make-disk
	@iso/deps debootstrap e2fsprogs
	KERNEL=$* tests/debian/make-disk $@

# One with an X server, for check-os.
$(OS)/debian-x.img: tests/debian/make-disk
	@iso/deps debootstrap e2fsprogs
	DEBIAN_GCC=no DEBIAN_X=yes tests/debian/make-disk $@

## debian-disk  a disk with a Debian, from its packages: build/debian/KERNEL.img (as root)
.PHONY: debian-disk
debian-disk: deps
	@$(MAKE) --no-print-directory -s $(DEBIAN_DISK)

## check-debian-disk  that Debian booted, used, rebooted and switched off, beside bare QEMU: a table
.PHONY: check-debian-disk
check-debian-disk: debian-disk
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf
	@$(PYTHON) tests/debian/run.py --disk $(DEBIAN_DISK) $(DEBIAN)
