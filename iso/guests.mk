# SPDX-License-Identifier: MIT
# The guests of examples and tests: Debian kernels and an initramfs, under build/guests.

GUESTS := $(BUILD)/guests

$(GUESTS)/.fetched: iso/fetch-guests
	iso/fetch-guests $(GUESTS)
	@touch $@

$(GUESTS)/initrd.gz: iso/make-initramfs $(GUESTS)/.fetched
	iso/make-initramfs $@ $(GUESTS)/busybox

# Examples name files in their own folder: they are copied beside the guests.
$(GUESTS)/%.conf: iso/examples/%.conf $(GUESTS)/initrd.gz
	cp $< $@

## guests   fetches the Debian kernels and builds the initramfs
.PHONY: guests
guests: $(GUESTS)/initrd.gz $(patsubst iso/examples/%,$(GUESTS)/%,$(wildcard iso/examples/*.conf))
