# SPDX-License-Identifier: MIT
# Ringleader. `make help` lists the targets.

BUILD := build
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

include boot/monitor.mk
include tests/host.mk

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile boot/monitor.mk tests/*.mk iso/*.mk 2>/dev/null
