/* SPDX-License-Identifier: MIT */
/*
 * How many columns of a terminal a character takes (Unicode 15.0, UAX #11): a
 * table of our own, so that it does not depend on a locale.
 */
#ifndef PROXY_WIDTH_H
#define PROXY_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/*
 * 0, 1 or 2.  What joins the character before it takes none; ambiguous ones
 * take one, as in any terminal that is not set up for legacy East Asian text.
 * Controls, which have no width, count as 0: nobody draws them.
 */
unsigned width_of(uint32_t code);

/*
 * What a cursor steps over: a character and those of no column that join it.
 * Returns where in text[0, len) the next one begins, where the one before `at`
 * does; `at` is such a place.  Bytes that are no UTF-8 stand for themselves.
 */
size_t width_next(const char *text, size_t len, size_t at);
size_t width_previous(const char *text, size_t len, size_t at);

#endif
