/* SPDX-License-Identifier: MIT */
/* JSON strings. */
#include "shared/base/json.h"

#include <endian.h>
#include <string.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

static size_t
unit(char *dst, uint32_t value)
{
	static const char hex[] = "0123456789abcdef";

	dst[0] = '\\';
	dst[1] = 'u';
	for (int i = 0; i < 4; i++)
		dst[2 + i] = hex[value >> (12 - 4 * i) & 15];
	return 6;
}

size_t
json_unicode(char dst[JSON_UNICODE_MAX], uint32_t code)
{
	size_t n;

	if (code < 0x10000)
		return unit(dst, code);
	n = unit(dst, 0xd800 + ((code - 0x10000) >> 10));
	return n + unit(dst + n, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

/*
 * How many of eight bytes, from the first on, need no look: printable ASCII
 * but " and \.  A borrow or carry disturbs only what is behind a byte that
 * needs one itself.
 */
static size_t
plain_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t quote = word ^ ('"' * ones), slash = word ^ ('\\' * ones);
	uint64_t odd = (word - ' ' * ones) | (word + ones) | word |
		       (quote - ones) | (slash - ones);

	/* Bytes with a high bit of their own are in `word`. */
	odd &= 0x80 * ones;
	return odd == 0 ? 8 : (size_t)__builtin_ctzll(odd) / 8;
}

static bool
is_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* The letter that stands for it behind a backslash, or NUL. */
static char
letter_of(uint32_t code)
{
	switch (code) {
	case '"':
	case '\\':
		return (char)code;
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	default:
		return '\0';
	}
}

/* A character that doesn't stay as it is; returns the bytes it is now. */
static size_t
escape_one(char dst[JSON_UNICODE_MAX], uint32_t code)
{
	char letter = letter_of(code);

	if (code == UTF8_INVALID) {
		memcpy(dst, "\xef\xbf\xbd", 3); /* U+FFFD */
		return 3;
	}
	if (letter == '\0')
		return json_unicode(dst, code);
	dst[0] = '\\';
	dst[1] = letter;
	return 2;
}

/*
 * Characters that aren't plain, as many as there are.  Adds to *at and *used
 * the bytes they took and take.  False if the next one doesn't fit.
 */
static bool
escape_run(
    char *dst, size_t size, size_t *used, const char *s, size_t len, size_t *at)
{
	while (*at < len && !is_plain(s[*at])) {
		char escaped[JSON_UNICODE_MAX];
		const char *from = s + *at;
		uint32_t code;
		size_t bytes = utf8_decode(from, len - *at, &code);
		size_t take = bytes;

		if (code < 0xa0 || code == 0x2028 || code == 0x2029 ||
		    code == UTF8_INVALID) {
			take = escape_one(escaped, code);
			from = escaped;
		}
		if (take > size - *used)
			return false;
		for (size_t i = 0; i < take; i++)
			dst[*used + i] = from[i];
		*used += take;
		*at += bytes;
	}
	return true;
}

size_t
json_escape(char *dst, size_t size, const char *s, size_t *len)
{
	size_t n = 0, i = 0;

	do {
		while (*len - i >= 8 && size - n >= 8) {
			uint64_t word;
			size_t bytes;

			memcpy(&word, s + i, 8);
			memcpy(dst + n, &word, 8);
			bytes = plain_bytes(le64toh(word));
			i += bytes;
			n += bytes;
			if (bytes < 8)
				break;
		}
		while (i < *len && n < size && is_plain(s[i]))
			dst[n++] = s[i++];
	} while (i < *len && !is_plain(s[i]) &&
		 escape_run(dst, size, &n, s, *len, &i));
	*len = i;
	return n;
}
