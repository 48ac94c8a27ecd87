# SPDX-License-Identifier: MIT
# The guests of the unit tests of emu/cpu, run by Bochs as well: what our reading of the manual is worth. Needs Debian's bochs,
# bochsbios and vgabios; about 20 s.

## opinion  the unit tests' guests on Bochs: registers and memory compared
.PHONY: opinion
opinion: deps
	@$(PYTHON) tests/opinion/opinion.py bochs
