/* SPDX-License-Identifier: MIT */
/* Names of users and rooms. */
#include "shared/chat/name.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/limits.h"
#include "shared/chat/mark.h"
#include "shared/chat/script.h"
#include "shared/chat/skeleton.h"

static_assert(
    LIMIT_NAME == 32 && LIMIT_ROOM == 64 && MARKS_MAX == 8, "the texts below");

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
	unsigned marks = 0;

	for (size_t i = 0; i < len;) {
		uint32_t code;
		const char *why;

		i += utf8_decode(s + i, len - i, &code);
		why = char_check(code);
		if (why != NULL)
			return why;
		if (!mark_count(&marks, code))
			return "holds more than 8 combining marks in a row";
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

enum name_fault
name_fault(const char *s, size_t len)
{
	struct skeleton skeleton;

	if (name_check(s, len) != NULL)
		return NAME_NONE;
	if (script_mixed(s, len))
		return NAME_MIXED;
	skeleton_make(&skeleton, s, len);
	return skeleton.len == 0 ? NAME_UNSEEN : NAME_FINE;
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
