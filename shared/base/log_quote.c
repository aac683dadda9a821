/* SPDX-License-Identifier: MIT */
/* Text that a user had a hand in, as a value of the log.  See log.h. */
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/utf8.h"

/* May this character stand in the log as it is? */
static bool
shows(uint32_t code)
{
	if (code < 0x7f)
		return code >= 0x20;
	return !utf8_is_control(code) && !utf8_is_format(code) &&
	       !utf8_is_private(code) && !utf8_is_nonchar(code) &&
	       code != 0x2028 && code != 0x2029;
}

/* `digits` hex digits behind a backslash and a letter; the end of them. */
static char *
add_hex(char *out, char letter, uint32_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = letter;
	while (digits-- > 0)
		*out++ = hex[value >> 4 * digits & 15];
	return out;
}

/* What stands for the character at s, at most 12 bytes; how many. */
static size_t
escape(char out[16], const char *s, size_t bytes, uint32_t code)
{
	static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	const char *found = code < 0x80 ? memchr(plain, (int)code, 5) : NULL;
	char *end = out;

	if (found != NULL) {
		*end++ = '\\';
		*end++ = letters[found - plain];
	} else if (code == UTF8_INVALID) {
		for (size_t i = 0; i < bytes; i++)
			end = add_hex(end, 'x', (unsigned char)s[i], 2);
	} else if (shows(code)) {
		memcpy(out, s, bytes);
		end += bytes;
	} else if (code < 0x80) {
		end = add_hex(end, 'x', code, 2);
	} else if (code <= 0xffff) {
		end = add_hex(end, 'u', code, 4);
	} else {
		end = add_hex(end, 'U', code, 8);
	}
	return (size_t)(end - out);
}

const char *
log_quote(char *dst, size_t size, const char *text, size_t len)
{
	const size_t end = size - 2; /* the last quote and NUL stand behind */
	size_t n = 0, fits = 0;      /* `fits`: and "..." would still go in */

	dst[n++] = '"';
	fits = n;
	for (size_t i = 0; i < len;) {
		char out[16];
		uint32_t code;
		size_t bytes = utf8_decode(text + i, len - i, &code);
		size_t add = escape(out, text + i, bytes, code);

		if (n + add > end) {
			memcpy(dst + fits, "...", 3);
			n = fits + 3;
			break;
		}
		memcpy(dst + n, out, add);
		n += add;
		i += bytes;
		if (n + 3 <= end)
			fits = n;
	}
	dst[n++] = '"';
	dst[n] = '\0';
	return dst;
}
