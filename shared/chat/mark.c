/* SPDX-License-Identifier: MIT */
/* Combining marks: a table, searched by halves. */
#include "shared/chat/mark.h"

#include <stddef.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

struct mark_range {
	uint32_t first, last;
};

#include "shared/chat/mark_table.h"

/*
 * Most of what is no ASCII is Latin, Greek, Cyrillic, Han, Hangul syllables
 * or emoji, and in none of these are there marks.
 */
static bool
is_far_from_marks(uint32_t code)
{
	return code < 0x300 || (code >= 0x370 && code < 0x483) ||
	       (code >= 0x30a0 && code < 0xa66f) ||
	       (code >= 0xac00 && code < 0xfb1e) ||
	       (code >= 0x1f000 && code < 0xe0100);
}

bool
mark_is(uint32_t code)
{
	size_t low = 0, high = COUNT(marks), mid;

	if (is_far_from_marks(code))
		return false;
	while (low < high) {
		mid = (low + high) / 2;
		if (marks[mid].last < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < COUNT(marks) && marks[low].first <= code;
}

bool
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
