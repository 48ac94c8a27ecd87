# SPDX-License-Identifier: MIT
# Ringleader. `make help` lists the targets.

BUILD := build
PYTHON := /usr/bin/python3
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := monitor

include boot/monitor.mk
include iso/image.mk
include iso/guests.mk
include tests/guests/guests.mk
include tests/os/os.mk
include tests/host.mk
include tests/bench/bench.mk
include tests/diff.mk
include tests/vectors.mk
include tests/fuzz.mk
include tests/bochs.mk
include tests/attack.mk
include tests/snapshots.mk
include tests/noise.mk
include tests/opinion.mk
include tests/bench/recompiler.mk
include tests/linux/linux.mk
include tests/debian/debian.mk

## run      boots the default guest, or VM=path/to/vms.conf, in QEMU in this terminal
.PHONY: run debug
run debug: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf $(if $(VM),,guests)
	@iso/run $(if $(filter debug,$@),-g) $(or $(VM),$(GUESTS)/debian.conf)
## debug    the same, waiting for gdb; prints the line to type

.PHONY: deps
deps:
	@iso/deps

## test     everything: lint, unit tests, boots in QEMU; ends with one line of counts
.PHONY: test
test: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf \
		base guests systems test-guests $(UNIT) $(DIFF) $(FUZZ_REPLAY) \
		$(if $(wildcard $(VECTORS)),$(VECTORS_PROGRAM) $(VECTORS_PROGRAM)-asan)
	@$(PYTHON) tests/run.py

## lint     layering, names, file sizes, SPDX lines, formatting
.PHONY: lint
lint: $(HOST_OBJ) $(BUILD)/ringleader.elf
	@$(PYTHON) tests/lint/lint.py

## layers   the graph of modules, lowest folder first, and every circle in it
.PHONY: layers
layers: $(BUILD)/ringleader.elf
	@$(PYTHON) tests/lint/layers.py $(BUILD)

## boot     only the tests that boot in QEMU
.PHONY: boot
boot: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf base guests systems test-guests
	@$(PYTHON) -m pytest -q -n 2 --dist=loadfile tests/boot

## format   clang-format over all C files
.PHONY: format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile boot/monitor.mk tests/*.mk tests/*/*.mk iso/*.mk | sort
