# SPDX-License-Identifier: MIT
# Figures, not tests: nothing here decides over success.
# BENCH passes options on: make bench BENCH='--runs 1 --engines auto'.

## bench    the monitor's own instructions and memory; boot and programs, ours over bare QEMU
.PHONY: bench
bench: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf guests
	@$(PYTHON) tests/bench/footprint.py
	@$(PYTHON) tests/bench/bench.py $(BENCH)
	@$(MAKE) --no-print-directory -s bench-video
	-@$(MAKE) --no-print-directory -s bench-disk

## bench-counting  what the monitor's counters cost of a boot's instructions
.PHONY: bench-counting
bench-counting: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf guests
	@mkdir -p $(BUILD)/uncounted
	@ln -sfn ../zydis $(BUILD)/uncounted/zydis
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/uncounted COUNTING=0 \
		$(BUILD)/uncounted/ringleader.elf
	@$(PYTHON) tests/bench/counting.py $(BUILD)/uncounted/ringleader.elf $(BENCH)

## bench-video  video memory, ours over bare QEMU, as a table (VIDEO passes options on)
.PHONY: bench-video
bench-video: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf test-guests guests
	@$(PYTHON) tests/bench/video.py $(VIDEO)

## bench-disk  IDE and virtio disks, ours over bare QEMU (DISK='--runs 5 --engines auto')
.PHONY: bench-disk
bench-disk: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf test-guests
	@$(PYTHON) tests/bench/disk.py $(DISK)

## bench-16 code of 16 bits, ours over bare QEMU: real mode, protected mode, V86 with system calls
.PHONY: bench-16
bench-16: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf test-guests
	@$(PYTHON) tests/bench/bench16.py $(BENCH)
