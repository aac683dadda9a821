/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer for what is about to be printed.
 */
#ifndef TOOLS_SHMDUMP_OUTBUF_H
#define TOOLS_SHMDUMP_OUTBUF_H

#include <stddef.h>

#include "shared/base/base.h"

/* All zero is an empty one.  `bytes` is not terminated unless someone did. */
struct outbuf {
	char *bytes;
	size_t used, size;
};

/* Append; out of memory ends the program with exit code 1. */
void outbuf_add(struct outbuf *b, const void *bytes, size_t len);
void outbuf_puts(struct outbuf *b, const char *s);
void outbuf_printf(struct outbuf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Append `n` spaces. */
void outbuf_pad(struct outbuf *b, size_t n);

void outbuf_fini(struct outbuf *b);

#endif
