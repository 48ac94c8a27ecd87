# SPDX-License-Identifier: MIT
# The guests of the unit tests of emu/cpu, and random ones, run by Bochs as well: what our reading
# of the manual is worth. Needs Debian's bochs, bochsbios and vgabios; about 20 s.

## opinion  the unit tests' guests, or N=count SEED=n random ones, compared with Bochs
.PHONY: opinion
opinion: deps
	@$(PYTHON) tests/opinion/opinion.py bochs $(if $(N),-r $(N) $(or $(SEED),1))

$(BUILD)/opinion/%: tests/opinion/%.c $(BUILD)/host/libpure.a
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(SAN) $(ZYDIS_DEF) -MMD -MP -MF $@.d $< $(BUILD)/host/libpure.a \
		-lcmocka -o $@

-include $(BUILD)/opinion/random_guests.d
