/* SPDX-License-Identifier: MIT */
/* Text hygiene. */
#include "shared/chat/text.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/mark.h"

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

/* Sixteen bytes at once; what compares says so in all bits of a byte. */
typedef int8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words16 __attribute__((vector_size(16)));

static bytes16
load_bytes16(const char *src)
{
	bytes16 bytes;

	memcpy(&bytes, src, sizeof(bytes));
	return bytes;
}

/* Not 0 in each that is no printable ASCII: signed, 0x80 and above are low. */
static words16
odd_bytes16(bytes16 bytes)
{
	return (words16)((bytes < 0x20) | (bytes == 0x7f));
}

/* The first byte that is not 0; there is one. */
static size_t
first_byte16(words16 words)
{
	uint64_t low = le64toh(words[0]), high = le64toh(words[1]);

	return low != 0 ? (size_t)__builtin_ctzll(low) / 8
			: (size_t)__builtin_ctzll(high) / 8 + 8;
}

size_t
text_plain(char *restrict dst, const char *restrict src, size_t len)
{
	size_t n = 0;
	uint64_t word, odd;
	bytes16 bytes;
	words16 odd16;

	for (; len - n >= 16; n += 16) {
		bytes = load_bytes16(src + n);
		memcpy(dst + n, &bytes, 16);
		odd16 = odd_bytes16(bytes);
		if ((odd16[0] | odd16[1]) != 0)
			return n + first_byte16(odd16);
	}
	for (; len - n >= 8; n += 8) {
		word = load_word(src + n);
		memcpy(dst + n, &word, 8);
		odd = odd_bytes(le64toh(word));
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
	size_t i = text_plain(dst, src, len), n = i, bytes;
	unsigned marks = 0; /* in a row */
	uint32_t code;

	while (i < len) {
		bytes = utf8_decode(src + i, len - i, &code);
		if (code == UTF8_INVALID) {
			memcpy(dst + n, replacement, 3);
			n += 3;
			marks = 0;
		} else if (stays(code) && mark_count(&marks, code)) {
			memcpy(dst + n, src + i, bytes);
			n += bytes;
		}
		i += bytes;
		bytes = text_plain(dst + n, src + i, len - i);
		if (bytes > 0)
			marks = 0;
		i += bytes;
		n += bytes;
	}
	return n;
}
