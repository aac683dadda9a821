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

/*
 * So many may stand in a row, be they in a name or in a text.  The most that
 * any language writes is about half of that.
 */
#define MARKS_MAX 8

/* General category M, Unicode 15.0. */
bool mark_is(uint32_t code);

/*
 * Count marks in a row: `row`, 0 at the beginning of a text, is given each of
 * its characters and is how many there are up to it.  False: it is a mark, and
 * one too many.  Invisible characters (Cf) between marks end no row.
 */
bool mark_count(unsigned *row, uint32_t code);

#endif
