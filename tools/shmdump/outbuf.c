/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer: doubled when full, so that appending costs what copying
 * costs.
 */
#include "tools/shmdump/outbuf.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
outbuf_reserve(struct outbuf *b, size_t len)
{
	size_t size = b->size == 0 ? 4096 : b->size;

	if (b->size - b->used >= len)
		return;
	while (size - b->used < len)
		if (__builtin_mul_overflow(size, (size_t)2, &size))
			errx(1, "out of memory");
	b->bytes = realloc(b->bytes, size);
	if (b->bytes == NULL)
		errx(1, "out of memory");
	b->size = size;
}

void
outbuf_add(struct outbuf *b, const void *bytes, size_t len)
{
	outbuf_reserve(b, len);
	if (len > 0)
		memcpy(b->bytes + b->used, bytes, len);
	b->used += len;
}

void
outbuf_puts(struct outbuf *b, const char *s)
{
	outbuf_add(b, s, strlen(s));
}

void
outbuf_printf(struct outbuf *b, const char *format, ...)
{
	char line[128];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n > 0)
		outbuf_add(b, line,
		    (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void
outbuf_pad(struct outbuf *b, size_t n)
{
	outbuf_reserve(b, n);
	if (n > 0)
		memset(b->bytes + b->used, ' ', n);
	b->used += n;
}

void
outbuf_fini(struct outbuf *b)
{
	free(b->bytes);
	*b = (struct outbuf){0};
}
