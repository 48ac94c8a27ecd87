# SPDX-License-Identifier: MIT
# The guests of examples and tests: Debian kernels and an initramfs, under build/guests.
# The test programs of tests/guests/linux are in the initramfs too: they need no library,
# only a compiler that knows -m32.

GUESTS := $(BUILD)/guests
GUEST_ROOT := $(BUILD)/guest-root
GUEST_LIB := tests/guests/linux/nolibc.c tests/guests/linux/nolibc.h
GUEST_PROGRAMS := $(filter-out %/nolibc.c,$(wildcard tests/guests/linux/*.c))
GUEST_PROGRAMS := $(GUEST_PROGRAMS:tests/guests/linux/%.c=$(GUEST_ROOT)/bin/%)
GUEST_CFLAGS := -m32 -march=i686 -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding \
	-fno-pic -no-pie -nostdlib -static -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -Wl,--build-id=none

$(GUESTS)/.fetched: iso/fetch-guests iso/apt-i386
	iso/fetch-guests $(GUESTS) $(GUEST_ROOT)
	@touch $@

$(GUEST_ROOT)/bin/%: tests/guests/linux/%.c $(GUEST_LIB)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) $< tests/guests/linux/nolibc.c -o $@

$(GUESTS)/initrd.gz: iso/make-initramfs iso/pack-initramfs $(GUESTS)/.fetched $(GUEST_PROGRAMS)
	iso/make-initramfs $@ $(GUESTS)/busybox $(GUEST_ROOT)

# The same with the drivers of virtio devices and network cards.
$(GUESTS)/virtio.gz: $(GUESTS)/initrd.gz
	(cat $< && iso/pack-initramfs $(GUEST_ROOT)-virtio) > $@

# Examples name files in their own folder: they are copied beside the guests.
$(GUESTS)/%.conf: iso/examples/%.conf $(GUESTS)/initrd.gz
	cp $< $@

## guests   fetches the Debian kernels and builds the initramfs
.PHONY: guests
guests: $(GUESTS)/initrd.gz $(GUESTS)/virtio.gz \
	$(patsubst iso/examples/%,$(GUESTS)/%,$(wildcard iso/examples/*.conf))
