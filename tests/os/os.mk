# SPDX-License-Identifier: MIT
# Systems that nobody here wrote, each on the media that it starts from, under build/os. tests/boot/systems.py says how they are
# used.

OS := $(BUILD)/os

$(OS)/.fetched: tests/os/fetch iso/apt-i386
	tests/os/fetch $(OS)/parts
	@touch $@

$(OS)/.made: tests/os/media $(OS)/.fetched $(GUESTS)/initrd.gz
	tests/os/media $(OS)/parts $(GUESTS) $(OS)
	@touch $@

## systems  fetches the systems of tests/os and makes their media
.PHONY: systems
systems: $(OS)/.made

## check-os runs every system on bare QEMU and under each engine; the table is build/os/table.md (NAME='one two' chooses)
.PHONY: check-os
check-os: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf guests systems
	@$(PYTHON) tests/os/check.py $(NAME)
