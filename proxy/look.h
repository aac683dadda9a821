/* SPDX-License-Identifier: MIT */
/*
 * How lines look to one telnet client that has asked for more than plain lines:
 * wrapped at its window's width, names in colour, with the time, or in a
 * character set other than UTF-8.
 *
 * Pure functions, as those of shared/chat/render.h and for the same reason.
 */
#ifndef PROXY_LOOK_H
#define PROXY_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/charset.h"
#include "shared/chat/render.h"

/* Lies in shared memory: session_half.look. */
enum look_bit {
	LOOK_WRAP = 1 << 0,
	LOOK_COLOR = 1 << 1,
	LOOK_TIME = 1 << 2,
	LOOK_CHARSET = 3 << 4, /* enum charset */
};
#define LOOK_CHARSET_SHIFT 4

/* Columns that lines are wrapped at, at least and at most. */
#define LOOK_COLUMNS_MIN 20
#define LOOK_COLUMNS_MAX 255

struct look {
	uint8_t bits;    /* enum look_bit */
	uint8_t columns; /* 0: not known, no wrapping */
};

/* Is there nothing to be done that render.h doesn't do? */
static inline bool
look_is_plain(uint8_t bits)
{
	return bits == 0;
}

/* Bytes that look_lines writes at most for `len` bytes; look_record likewise. */
size_t look_lines_max(struct look look, size_t len);
size_t look_record_max(struct look look, unsigned dialect, size_t len);

/*
 * Render a record as render_record does, and give it its looks.  0 likewise.
 */
size_t look_record(struct look look, unsigned dialect,
    const struct render_record *r, char *dst, size_t size);

/*
 * Give lines that are rendered already, in any dialect, what looks can be given
 * to any line: wrapping, not of JSON, and the character set.  A first line end
 * is kept as it is, and a last line without one stays without.  0 if `size` is
 * too small.
 */
size_t look_lines(struct look look, unsigned dialect, const char *lines,
    size_t len, char *dst, size_t size);

#endif
