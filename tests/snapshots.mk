# SPDX-License-Identifier: MIT
# Saved machines at many moments; a short form is part of `make test`.

MOMENTS ?= 200

## check-snapshots  Debian saved and loaded at 200 random moments: MOMENTS=n SEED=n
.PHONY: check-snapshots
check-snapshots: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf guests
	@MOMENTS=$(MOMENTS) $(PYTHON) -m pytest -q tests/boot/test_snapshot.py -k moments
