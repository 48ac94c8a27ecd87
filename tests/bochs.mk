# SPDX-License-Identifier: MIT
# Bochs checks what QEMU's TCG does not: segment limits, RF in frames, reserved
# bits, alignment of what it loads.

## bochs    boots the image in Bochs to a guest kernel's first 30 lines (LINES=n, SHELL_WANTED=1)
.PHONY: bochs
bochs: deps
	@iso/deps bochs bochsbios vgabios
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf guests
	@$(PYTHON) tests/bochs/boot.py --lines $(or $(LINES),30) $(if $(SHELL_WANTED),--shell) \
		$(if $(VM),--config $(VM))

## bochs-attack  the attacks on isolation in Bochs, from PLACE=raw1, raw3, recompiler0, recompiler3
.PHONY: bochs-attack attack-bochs
attack-bochs: bochs-attack
bochs-attack: deps
	@iso/deps bochs bochsbios vgabios
	@$(MAKE) --no-print-directory -s -j2 $(BUILD)/ringleader.elf test-guests
	@$(PYTHON) tests/bochs/attack.py --place $(or $(PLACE),raw1)
