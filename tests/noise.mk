# SPDX-License-Identifier: MIT
# Noise at the prompt and at gdb's port; short forms are part of `make test`.

## check-noise      1 MiB of random bytes at the prompt, and at gdb's port (15 minutes)
.PHONY: check-noise
check-noise: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@NOISE_KIB=1024 $(PYTHON) -m pytest -q tests/boot/test_prompt.py tests/boot/test_gdb.py \
		tests/boot/test_gdb_self.py -k noise
