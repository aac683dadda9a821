/* SPDX-License-Identifier: MIT */
/*
 * Combining marks: accents, vowel points and whatever else is drawn onto the
 * character before it.  A few of them make a letter, a heap of them a blot
 * that runs over the lines above and below.
 */
#ifndef SHARED_CHAT_MARK_H
#define SHARED_CHAT_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/utf8.h"

/*
 * So many may stand in a row, be they in a name or in a text.  The most that
 * any language writes is about half of that.
 */
#define MARKS_MAX 8

/* For every 64 characters, which of mark_bits they have: mark_table.h. */
#define MARK_PAGES 1958
extern const uint8_t mark_pages[MARK_PAGES];
extern const uint64_t mark_bits[];

/* General category M, Unicode 15.0. */
static inline bool
mark_is(uint32_t code)
{
	if (code < 0x300)
		return false;
	if (code / 64 < MARK_PAGES)
		return (mark_bits[mark_pages[code / 64]] >> code % 64 & 1) != 0;
	return code >= 0xe0100 && code <= 0xe01ef;
}

/*
 * Count marks in a row: `row`, 0 at the beginning of a text, is given each of
 * its characters and is how many there are up to it.  False: it is a mark, and
 * one too many.  Invisible characters (Cf) between marks end no row.
 */
static inline bool
mark_count(unsigned *row, uint32_t code)
{
	if (mark_is(code)) {
		if (*row == MARKS_MAX)
			return false;
		++*row;
	} else if (*row != 0 && !utf8_is_format(code)) {
		*row = 0;
	}
	return true;
}

#endif
