# SPDX-License-Identifier: MIT
# Noise at the prompt; a short form is part of `make test`.

## check-noise      1 MiB of random bytes at the prompt, beside two machines that compute (5 minutes)
.PHONY: check-noise
check-noise: deps
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@NOISE_KIB=1024 $(PYTHON) -m pytest -q tests/boot/test_prompt.py -k noise
