/* SPDX-License-Identifier: MIT */
/* See duration.h. */
#include "shared/base/duration.h"

static uint64_t
unit_of(char letter)
{
	switch (letter) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 24 * 3600;
	case 'w':
		return 7 * 24 * 3600;
	default:
		return 0;
	}
}

bool
duration_parse(const char *text, size_t len, uint64_t *seconds)
{
	uint64_t n = 0, unit = len > 0 ? unit_of(text[len - 1]) : 0;

	if (len < 2 || unit == 0)
		return false;
	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] < '0' || text[i] > '9' || n > DURATION_MAX_S)
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*seconds = n * unit;
	return n > 0 && n <= DURATION_MAX_S / unit;
}
