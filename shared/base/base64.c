/* SPDX-License-Identifier: MIT */
/* Base 64. */
#include "shared/base/base64.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(char *dst, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3, dst += 4) {
		uint32_t group = (uint32_t)p[i] << 16;

		if (i + 1 < len)
			group |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			group |= p[i + 2];
		dst[0] = alphabet[group >> 18];
		dst[1] = alphabet[group >> 12 & 63];
		dst[2] = i + 1 < len ? alphabet[group >> 6 & 63] : '=';
		dst[3] = i + 2 < len ? alphabet[group & 63] : '=';
	}
}

/* The value of a digit; 64 if it is none. */
static unsigned
value(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (unsigned)(at - alphabet) : 64;
}

bool
base64_is(const char *text, size_t len, size_t bytes)
{
	size_t pad = (3 - bytes % 3) % 3;
	unsigned unused = pad == 1 ? 3 : pad == 2 ? 15 : 0;

	if (len != BASE64_LEN(bytes))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (i >= len - pad) {
			if (text[i] != '=')
				return false;
		} else if (value(text[i]) == 64) {
			return false;
		}
	}
	return len == 0 || (value(text[len - pad - 1]) & unused) == 0;
}
