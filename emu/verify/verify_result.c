/* SPDX-License-Identifier: MIT */
/*
 * How a proof fails: the first reason stays.
 */
#include "emu/verify/verify_internal.h"

bool verify_fail(struct verify *v, const char *why)
{
	if (!v->why)
		v->why = why;
	return false;
}
