/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people.
 */
#include "kernel/base/figure.h"

#include "kernel/base/print.h"

#define NS_PER_US 1000u

struct figure figure_thousands(u64 n)
{
	char reversed[28];
	struct figure f;
	unsigned len = 0, digits = 0;

	do {
		if (digits && digits % 3 == 0)
			reversed[len++] = ',';
		reversed[len++] = (char)('0' + n % 10);
		digits++;
		n /= 10;
	} while (n);
	for (unsigned i = 0; i < len; i++)
		f.text[i] = reversed[len - 1 - i];
	f.text[len] = '\0';
	return f;
}

struct figure figure_share(u64 part, u64 whole)
{
	struct figure f = { "-" };
	u64 tenths;

	while (whole > UINT64_MAX / 2000) { /* keeps the product in 64 bits */
		part >>= 1;
		whole >>= 1;
	}
	if (!whole)
		return f;
	tenths = (MIN(part, whole) * 1000 + whole / 2) / whole;
	fmt_print(f.text, sizeof(f.text), "%llu.%llu", (unsigned long long)(tenths / 10),
		  (unsigned long long)(tenths % 10));
	return f;
}

struct figure figure_rate(u64 n, u64 ns)
{
	u64 us = MAX(ns / NS_PER_US, 1u);

	if (n > UINT64_MAX / 1000000)
		return figure_thousands(n / us * 1000000);
	return figure_thousands((n * 1000000 + us / 2) / us);
}
