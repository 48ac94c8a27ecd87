# SPDX-License-Identifier: MIT
# Attacks that take longer than `make test`.

## attack-long  fuzzing kernels on all engines beside a bystander: make attack-long MINUTES=60 SEED=1
.PHONY: attack-long
attack-long: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@$(PYTHON) tests/boot/chaos.py --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)
