# SPDX-License-Identifier: MIT
# Attacks that take longer than `make test`.

## attack-long  fuzzing kernels on all engines: make attack-long MINUTES=60 SEED=1
.PHONY: attack-long
attack-long: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@$(PYTHON) tests/boot/chaos.py --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

## reset-long   a machine reset at N random moments of its boot: make reset-long N=1000 SEED=1
.PHONY: reset-long
reset-long: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@RESETS=$(or $(N),1000) SEED=$(or $(SEED),1) \
		$(PYTHON) -m pytest -q -s tests/boot/test_resets.py
