/* SPDX-License-Identifier: MIT */
#include "tests/harness/json.h"

#include <string.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

/* Four digits, lower case. */
static uint32_t
json_unit(const char **at, const char *end)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t value = 0;

	if (end - *at < 4)
		return JSON_NONE;
	for (int i = 0; i < 4; i++, ++*at) {
		const char *digit = memchr(digits, **at, sizeof(digits) - 1);

		if (digit == NULL)
			return JSON_NONE;
		value = value << 4 | (uint32_t)(digit - digits);
	}
	return value;
}

/* A unit, or two of them: surrogates come in pairs. */
static uint32_t
json_hex(const char **at, const char *end)
{
	uint32_t high = json_unit(at, end), low;

	if (high >> 11 != 0x1b)
		return high;
	if (high >> 10 != 0x36 || end - *at < 2 || memcmp(*at, "\\u", 2) != 0)
		return JSON_NONE;
	*at += 2;
	low = json_unit(at, end);
	return low >> 10 != 0x37
		   ? JSON_NONE
		   : 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}

uint32_t
json_char(const char **at, const char *end)
{
	static const char letters[] = "\"\\bfnrt", meant[] = "\"\\\b\f\n\r\t";
	uint32_t code;
	const char *letter;

	if (*at >= end)
		return JSON_NONE;
	*at += utf8_decode(*at, (size_t)(end - *at), &code);
	if (code == UTF8_INVALID || utf8_is_control(code) || code == '"' ||
	    code == 0x2028 || code == 0x2029)
		return JSON_NONE;
	if (code != '\\')
		return code;
	if (*at == end || **at == '\0')
		return JSON_NONE;
	if (**at == 'u') {
		++*at;
		return json_hex(at, end);
	}
	letter = strchr(letters, *(*at)++);
	return letter == NULL ? JSON_NONE : (uint32_t)meant[letter - letters];
}

static const char *
json_string(const char *at, const char *end)
{
	if (at >= end || *at++ != '"')
		return NULL;
	while (at < end && *at != '"')
		if (json_char(&at, end) == JSON_NONE)
			return NULL;
	return at < end ? at + 1 : NULL;
}

static const char *
json_value(const char *at, const char *end)
{
	const char *first = at;

	if (at < end && *at == '"')
		return json_string(at, end);
	if (end - at >= 4 && memcmp(at, "true", 4) == 0)
		return at + 4;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at > first ? at : NULL;
}

const char *
json_object(const char *at, const char *end)
{
	static const char *const keys[] = {"type", "seq", "time", "room",
	    "name", "text", "code", "replay", "kind"};
	size_t key = 0;

	if (at >= end || *at != '{')
		return NULL;
	do {
		const char *name = ++at + 1;

		at = json_string(at, end);
		if (at == NULL)
			return NULL;
		while (key < COUNT(keys) &&
		       (strlen(keys[key]) != (size_t)(at - 1 - name) ||
			   memcmp(keys[key], name, strlen(keys[key])) != 0))
			key++;
		if (key++ >= COUNT(keys) || at >= end || *at++ != ':')
			return NULL;
		at = json_value(at, end);
		if (at == NULL)
			return NULL;
	} while (at < end && *at == ',');
	return at < end && *at == '}' ? at + 1 : NULL;
}
