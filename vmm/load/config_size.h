/* SPDX-License-Identifier: MIT */
/*
 * Sizes: a number, and K, M or G behind it.
 */
#pragma once

#include "kernel/base/types.h"

/* 0, or E_INVAL: value is none, or does not fit. */
int config_size_parse(const char *value, u64 *bytes);
