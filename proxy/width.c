/* SPDX-License-Identifier: MIT */
/* The width of characters: two tables, searched by halves. */
#include "proxy/width.h"

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

struct width_range {
	uint32_t first, last;
};

#include "proxy/width_table.h"

static bool
in_ranges(const struct width_range *ranges, size_t count, uint32_t code)
{
	size_t low = 0, high = count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (ranges[mid].last < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && ranges[low].first <= code;
}

unsigned
width_of(uint32_t code)
{
	if (code < 0x300) /* below are controls, and no tables */
		return code >= 0x20 && (code < 0x7f || code >= 0xa0);
	if (in_ranges(zero_width, COUNT(zero_width), code))
		return 0;
	return in_ranges(double_width, COUNT(double_width), code) ? 2 : 1;
}

/* Does what begins at `at` join what is before it?  Controls don't. */
static bool
joins(const char *text, size_t len, size_t at)
{
	uint32_t code;

	(void)utf8_decode(text + at, len - at, &code);
	return code >= 0x300 && code != UTF8_INVALID && width_of(code) == 0;
}

size_t
width_next(const char *text, size_t len, size_t at)
{
	uint32_t code;

	if (at >= len)
		return len;
	at += utf8_decode(text + at, len - at, &code);
	while (at < len && joins(text, len, at))
		at += utf8_decode(text + at, len - at, &code);
	return at;
}

/* Where the character before `at` begins: at most four bytes back. */
static size_t
character_before(const char *text, size_t at)
{
	uint32_t code;

	for (size_t n = 2; n <= 4 && n <= at; n++)
		if (utf8_decode(text + at - n, n, &code) == n &&
		    code != UTF8_INVALID)
			return at - n;
	return at - 1;
}

size_t
width_previous(const char *text, size_t len, size_t at)
{
	if (at == 0)
		return 0;
	at = character_before(text, at);
	while (at > 0 && joins(text, len, at))
		at = character_before(text, at);
	return at;
}
