# SPDX-License-Identifier: MIT
# Figures, not tests: nothing here decides over success. BENCH passes options on: make bench BENCH='--runs 1 --engines auto'.

## bench    the monitor's own instructions and memory; boot, user code and kernel work, ours over bare QEMU, as tables
.PHONY: bench
bench: deps
	@$(MAKE) --no-print-directory -s $(BUILD)/ringleader.elf guests
	@$(PYTHON) tests/bench/footprint.py
	@$(PYTHON) tests/bench/bench.py $(BENCH)
