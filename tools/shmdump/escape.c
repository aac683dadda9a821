/* SPDX-License-Identifier: MIT */
#include "tools/shmdump/escape.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "shared/base/json.h"
#include "shared/base/utf8.h"

void
escape_terminal(struct outbuf *b, const char *s, size_t len)
{
	uint32_t code;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &code);
		if (code == UTF8_INVALID)
			for (size_t k = i; k < i + n; k++)
				outbuf_printf(b, "\\x%02x", (uint8_t)s[k]);
		else if (code == '\\')
			outbuf_puts(b, "\\\\");
		else if (code == '\t' || code == '\n')
			outbuf_puts(b, code == '\t' ? "\\t" : "\\n");
		else if (utf8_is_unprintable(code))
			outbuf_printf(b, "\\u{%x}", code);
		else
			outbuf_add(b, s + i, n);
	}
}

void
escape_json(struct outbuf *b, const char *s, size_t len)
{
	char escaped[JSON_UNICODE_MAX];
	uint32_t code;
	size_t n, take;

	outbuf_puts(b, "\"");
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &code);
		if (code != UTF8_INVALID && utf8_is_unprintable(code))
			take = json_unicode(escaped, code);
		else
			take = json_escape(escaped, sizeof(escaped), s + i, &n);
		outbuf_add(b, escaped, take);
	}
	outbuf_puts(b, "\"");
}

static size_t
code_width(uint32_t code)
{
	int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);

	return width < 0 ? 1 : (size_t)width;
}

size_t
escape_fit(const char *s, size_t len, size_t columns)
{
	size_t width = 0, n, i;
	uint32_t code;

	for (i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &code);
		width += code_width(code);
		if (width > columns)
			break;
	}
	return i;
}

size_t
escape_width(const char *s)
{
	size_t len = strlen(s), width = 0, n;
	uint32_t code;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &code);
		width += code_width(code);
	}
	return width;
}
