/* SPDX-License-Identifier: MIT */
/*
 * Negative error codes, returned where hardware or resources failed and the caller is to handle it.
 * 0 is success.
 */
#pragma once

enum error {
	E_NOMEM = -1,	/* no memory, or over the quota */
	E_INVAL = -2,	/* bad argument or malformed input */
	E_NOENT = -3,	/* no such thing */
	E_BUSY = -4,	/* in use */
	E_NOSYS = -5,	/* not supported on this machine */
	E_FAULT = -6,	/* address not backed */
	E_TIMEOUT = -7, /* device did not answer */
	E_FULL = -8,	/* fixed-size table is full */
};
