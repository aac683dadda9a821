/* SPDX-License-Identifier: MIT */
/* Text hygiene. */
#include "shared/chat/text.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/utf8.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/*
 * How many of eight bytes, from the first on, are printable ASCII.  A byte's
 * high bit is set in `odd` if it is below 0x20, 0x7f or above; a borrow or
 * carry disturbs only the bytes behind one that is odd itself.
 */
static size_t
plain_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t odd =
	    ((word - 0x20 * ones) | (word + ones) | word) & (0x80 * ones);

	return odd == 0 ? 8 : (size_t)__builtin_ctzll(odd) / 8;
}

static bool
stays(uint32_t code)
{
	if (code < 0xa0)
		return code == '\t' || !utf8_is_control(code);
	return code != 0x2028 && code != 0x2029 && !utf8_is_bidi(code);
}

size_t
text_sanitise(char *restrict dst, const char *restrict src, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t bytes;

		if (len - i >= 8) {
			uint64_t word;

			/* All eight: dst has 3 bytes for each of them. */
			memcpy(&word, src + i, 8);
			memcpy(dst + n, &word, 8);
			bytes = plain_bytes(le64toh(word));
			i += bytes;
			n += bytes;
			if (bytes == 8)
				continue;
		} else if (src[i] >= ' ' && src[i] < 0x7f) {
			dst[n++] = src[i++];
			continue;
		}
		bytes = utf8_decode(src + i, len - i, &code);
		if (code == UTF8_INVALID) {
			memcpy(dst + n, replacement, 3);
			n += 3;
		} else if (stays(code)) {
			memcpy(dst + n, src + i, bytes);
			n += bytes;
		}
		i += bytes;
	}
	return n;
}
