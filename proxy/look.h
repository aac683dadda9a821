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

/*
 * Lies in shared memory: session_half.look.  The first three are what the
 * client has asked for, the rest what is known of its terminal.
 */
enum look_bit {
	LOOK_WRAP = 1 << 0,
	LOOK_COLOR = 1 << 1,
	LOOK_TIME = 1 << 2,
	LOOK_ASKED = LOOK_WRAP | LOOK_COLOR | LOOK_TIME,
	LOOK_ANSI = 1 << 3,    /* it shows colours, */
	LOOK_CHARSET = 3 << 4, /* has this enum charset, */
	LOOK_COLORS = 1 << 6,  /* and 256 colours */
};
#define LOOK_CHARSET_SHIFT 4

/* Columns that lines are wrapped at, at least and at most. */
#define LOOK_COLUMNS_MIN 20
#define LOOK_COLUMNS_MAX 255

/* What it takes for a window of so many columns: LOOK_COLUMNS_MIN at least. */
struct look {
	uint8_t bits;    /* enum look_bit */
	uint8_t columns; /* 0: not known, no wrapping */
};

/* What is known of a client, and what of that it has asked for. */
struct look look_of(
    uint8_t asked, enum charset charset, unsigned terminal, unsigned width);

/* Is there nothing to be done that render.h doesn't do? */
static inline bool
look_is_plain(struct look look, unsigned dialect)
{
	const uint8_t color = LOOK_COLOR | LOOK_ANSI;

	if ((look.bits & LOOK_CHARSET) != 0)
		return false;
	return (dialect & DIALECT_JSON) != 0 ||
	       ((look.bits & LOOK_TIME) == 0 && (look.bits & color) != color &&
		   ((look.bits & LOOK_WRAP) == 0 || look.columns == 0));
}

/*
 * Render a record as render_record and render_past do, and give it its looks:
 *
 *   time     "[HH:MM] " in front of it, UTC; not of the past, which has its own
 *   colour   the name of who says or does it; the same for all ways to write it
 *   wrapping what the window is wide, less its last column; rows but the first
 *            begin below the text of a message, else four columns further on,
 *            in both cases in the first third of the window
 *   charset  see charset.h; in JSON, what is not ASCII is written as \uXXXX
 *
 * If that is more than `size` bytes, it is not wrapped; if it still is, '?' is
 * put for what is not in ASCII; 0 if that is too long, too, or the record is
 * nonsense.  So what becomes of it is a function of all arguments, `size` too,
 * and LOOK_EXTRA bytes more than what render.h says will always do.
 */
#define LOOK_EXTRA 32
size_t look_record(struct look look, unsigned dialect,
    const struct render_record *r, char *dst, size_t size);
size_t look_past(struct look look, unsigned dialect,
    const struct render_record *r, char *dst, size_t size);

/*
 * Give lines that are rendered already what looks can be given to any line:
 * wrapping, not of JSON, and the character set.  A last line without an end
 * stays without.  An empty line in front, which ends one that was cut, ends its
 * colour as well.  0 if that is more than `size`, as above.
 */
size_t look_lines(struct look look, unsigned dialect, const char *lines,
    size_t len, char *dst, size_t size);

#endif
