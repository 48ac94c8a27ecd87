/* SPDX-License-Identifier: MIT */
/*
 * Formatted output, without floating point and without allocation.
 */
#include "kernel/base/print.h"
#include "kernel/base/string.h"

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, zero, upper;
	int width, precision; /* precision -1: none given */
};

static void out_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void out_pad(struct out *o, int n, char c)
{
	while (n-- > 0)
		out_char(o, c);
}

static void out_text(struct out *o, const struct spec *sp, const char *s, int n)
{
	if (!sp->left)
		out_pad(o, sp->width - n, ' ');
	for (int i = 0; i < n; i++)
		out_char(o, s[i]);
	if (sp->left)
		out_pad(o, sp->width - n, ' ');
}

static void out_number(struct out *o, const struct spec *sp, u64 v, unsigned base, bool negative)
{
	const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0;

	do {
		tmp[n++] = digits[v % base];
		v /= base;
	} while (v);

	int total = n + (negative ? 1 : 0);

	if (!sp->left && !sp->zero)
		out_pad(o, sp->width - total, ' ');
	if (negative)
		out_char(o, '-');
	if (!sp->left && sp->zero)
		out_pad(o, sp->width - total, '0');
	while (n)
		out_char(o, tmp[--n]);
	if (sp->left)
		out_pad(o, sp->width - total, ' ');
}

static const char *parse_int(const char *f, int *value, va_list *ap)
{
	if (*f == '*') {
		*value = va_arg(*ap, int);
		return f + 1;
	}
	for (*value = 0; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (*f - '0');
	return f;
}

/* Size in bytes of the integer argument, from the length modifier. */
static const char *parse_length(const char *f, size_t *bytes)
{
	*bytes = sizeof(int);
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			*bytes = sizeof(long);
		else if (*f == 'h')
			*bytes = *bytes == sizeof(short) ? 1 : sizeof(short);
		else
			return f;
	}
}

static u64 unsigned_arg(va_list *ap, size_t bytes)
{
	if (bytes == sizeof(long))
		return va_arg(*ap, unsigned long);

	unsigned v = va_arg(*ap, unsigned);

	return bytes == 1 ? (u8)v : bytes == 2 ? (u16)v : v;
}

static s64 signed_arg(va_list *ap, size_t bytes)
{
	if (bytes == sizeof(long))
		return va_arg(*ap, long);

	int v = va_arg(*ap, int);

	return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

static void out_string(struct out *o, const struct spec *sp, const char *s)
{
	int n = 0;

	if (!s)
		s = "(null)";
	while ((sp->precision < 0 || n < sp->precision) && s[n])
		n++;
	out_text(o, sp, s, n);
}

static void out_conversion(struct out *o, struct spec *sp, char conv, size_t bytes, va_list *ap)
{
	switch (conv) {
	case 'd':
	case 'i': {
		s64 v = signed_arg(ap, bytes);

		out_number(o, sp, v < 0 ? 0 - (u64)v : (u64)v, 10, v < 0);
		return;
	}
	case 'u':
		out_number(o, sp, unsigned_arg(ap, bytes), 10, false);
		return;
	case 'X':
		sp->upper = true;
		/* fall through */
	case 'x':
		out_number(o, sp, unsigned_arg(ap, bytes), 16, false);
		return;
	case 'p':
		sp->zero = true;
		sp->width = 16;
		out_number(o, sp, (u64)(hva_t)va_arg(*ap, void *), 16, false);
		return;
	case 's':
		out_string(o, sp, va_arg(*ap, const char *));
		return;
	case 'c': {
		char c = (char)va_arg(*ap, int);

		out_text(o, sp, &c, 1);
		return;
	}
	default:
		out_char(o, conv);
	}
}

int fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap0)
{
	struct out o = { buf, size, 0 };
	va_list ap;

	va_copy(ap, ap0);
	for (const char *f = fmt; *f; f++) {
		struct spec sp = { .precision = -1 };
		size_t bytes;

		if (*f != '%') {
			out_char(&o, *f);
			continue;
		}
		for (f++; *f == '-' || *f == '0'; f++) {
			if (*f == '-')
				sp.left = true;
			else
				sp.zero = true;
		}
		f = parse_int(f, &sp.width, &ap);
		if (*f == '.')
			f = parse_int(f + 1, &sp.precision, &ap);
		f = parse_length(f, &bytes);
		if (!*f)
			break;
		out_conversion(&o, &sp, *f, bytes, &ap);
	}
	va_end(ap);
	if (size)
		buf[MIN(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int fmt_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = fmt_vprint(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
