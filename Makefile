# SPDX-License-Identifier: MIT
# Ringleader. `make help` lists the targets.

BUILD := build
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

# A header that was renamed away still stands in old dependency files: what needed it is simply rebuilt.
%.h: ;

include boot/monitor.mk
include tests/host.mk

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile boot/monitor.mk tests/*.mk iso/*.mk 2>/dev/null
