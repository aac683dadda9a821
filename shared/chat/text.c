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
 * Which of eight bytes are not printable ASCII: a byte's high bit is set if it
 * is below 0x20, 0x7f or above.  A borrow or carry disturbs only the bytes
 * behind one that is odd itself.
 */
static uint64_t
odd_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;

	return ((word - 0x20 * ones) | (word + ones) | word) & (0x80 * ones);
}

static uint64_t
load_word(const char *src)
{
	uint64_t word;

	memcpy(&word, src, sizeof(word));
	return word;
}

size_t
text_copy_plain(char *restrict dst, const char *restrict src, size_t len)
{
	size_t n = 0;
	uint64_t a, b, odd;

	for (; len - n >= 16; n += 16) {
		a = load_word(src + n);
		b = load_word(src + n + 8);
		if ((odd_bytes(a) | odd_bytes(b)) != 0)
			break;
		memcpy(dst + n, &a, 8);
		memcpy(dst + n + 8, &b, 8);
	}
	for (; len - n >= 8; n += 8) {
		a = load_word(src + n);
		memcpy(dst + n, &a, 8);
		odd = odd_bytes(le64toh(a));
		if (odd != 0)
			return n + (size_t)__builtin_ctzll(odd) / 8;
	}
	for (; n < len && src[n] >= ' ' && src[n] < 0x7f; n++)
		dst[n] = src[n];
	return n;
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
	size_t i = text_copy_plain(dst, src, len), n = i, bytes;
	uint32_t code;

	while (i < len) {
		bytes = utf8_decode(src + i, len - i, &code);
		if (code == UTF8_INVALID) {
			memcpy(dst + n, replacement, 3);
			n += 3;
		} else if (stays(code)) {
			memcpy(dst + n, src + i, bytes);
			n += bytes;
		}
		i += bytes;
		bytes = text_copy_plain(dst + n, src + i, len - i);
		i += bytes;
		n += bytes;
	}
	return n;
}
