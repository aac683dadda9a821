/* SPDX-License-Identifier: MIT */
/* Names of users and rooms. */
#include "shared/chat/name.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/limits.h"

static_assert(LIMIT_NAME == 32 && LIMIT_ROOM == 64, "the texts below");

static const char *
char_check(uint32_t code)
{
	if (code == UTF8_INVALID)
		return "is not valid UTF-8";
	if (utf8_is_space(code)) /* before controls: TAB is both */
		return "holds white space";
	if (utf8_is_control(code))
		return "holds a control character";
	if (utf8_is_format(code))
		return "holds an invisible format character";
	if (utf8_is_private(code))
		return "holds a private-use character";
	if (utf8_is_nonchar(code))
		return "holds a noncharacter";
	return NULL;
}

static const char *
chars_check(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code;
		const char *why;

		i += utf8_decode(s + i, len - i, &code);
		why = char_check(code);
		if (why != NULL)
			return why;
	}
	return NULL;
}

const char *
name_check(const char *s, size_t len)
{
	if (len == 0)
		return "is empty";
	if (len > LIMIT_NAME)
		return "is longer than 32 bytes";
	if (*s == '*' || *s == '[' || *s == '/')
		return "begins with \"*\", \"[\" or \"/\"";
	if (memchr(s, ':', len) != NULL)
		return "holds \":\"";
	return chars_check(s, len);
}

const char *
room_check(const char *s, size_t len)
{
	if (len == 0)
		return "is empty";
	if (len > LIMIT_ROOM)
		return "is longer than 64 bytes";
	return chars_check(s, len);
}

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool
name_equal(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen != blen)
		return false;
	for (size_t i = 0; i < alen; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}
