/* SPDX-License-Identifier: MIT */
/* Strict UTF-8 and character properties. */
#include "shared/base/utf8.h"

#include <string.h>

#include "shared/base/base.h"

struct range {
	uint32_t first, last;
};

/* General category Cf, Unicode 15.0. */
static const struct range format_chars[] = {
    {0x00ad, 0x00ad}, /* soft hyphen */
    {0x0600, 0x0605}, /* Arabic number signs */
    {0x061c, 0x061c}, /* ALM */
    {0x06dd, 0x06dd},
    {0x070f, 0x070f},
    {0x0890, 0x0891},
    {0x08e2, 0x08e2},
    {0x180e, 0x180e},
    {0x200b, 0x200f}, /* zero-width, LRM, RLM */
    {0x202a, 0x202e}, /* bidi embeddings and overrides */
    {0x2060, 0x2064}, /* word joiner, invisible operators */
    {0x2066, 0x206f}, /* bidi isolates, deprecated formats */
    {0xfeff, 0xfeff}, /* BOM */
    {0xfff9, 0xfffb}, /* interlinear annotation */
    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd},
    {0x13430, 0x1343f}, /* hieroglyph joiners */
    {0x1bca0, 0x1bca3}, /* shorthand */
    {0x1d173, 0x1d17a}, /* musical beams */
    {0xe0001, 0xe0001}, /* tags */
    {0xe0020, 0xe007f},
};

static const struct range space_chars[] = {
    {0x0009, 0x000d},
    {0x0020, 0x0020},
    {0x0085, 0x0085},
    {0x00a0, 0x00a0},
    {0x1680, 0x1680},
    {0x2000, 0x200a},
    {0x2028, 0x2029},
    {0x202f, 0x202f},
    {0x205f, 0x205f},
    {0x3000, 0x3000},
};

static bool
in_ranges(const struct range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count && ranges[i].first <= code; i++) {
		if (code <= ranges[i].last)
			return true;
	}
	return false;
}

/* Ill-formed: `bytes` of it belong together. */
static size_t
invalid(uint32_t *code, size_t bytes)
{
	*code = UTF8_INVALID;
	return bytes;
}

/*
 * Table 3-7 of the Unicode standard: only the second byte's range depends on
 * the first, so an ill-formed subpart ends before the first byte that is out
 * of range.
 */
size_t
utf8_decode(const char *s, size_t len, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	uint32_t value;
	size_t need;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return invalid(code, 1);
	if (p[0] < 0xe0) {
		need = 2;
		value = p[0] & 0x1f;
	} else if (p[0] < 0xf0) {
		need = 3;
		value = p[0] & 0x0f;
		if (p[0] == 0xe0)
			low = 0xa0; /* overlong below */
		else if (p[0] == 0xed)
			high = 0x9f; /* surrogates above */
	} else {
		need = 4;
		value = p[0] & 0x07;
		if (p[0] == 0xf0)
			low = 0x90; /* overlong below */
		else if (p[0] == 0xf4)
			high = 0x8f; /* over U+10FFFF above */
	}
	for (size_t i = 1; i < need; i++) {
		if (i == len || p[i] < low || p[i] > high)
			return invalid(code, i);
		value = value << 6 | (p[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*code = value;
	return need;
}

bool
utf8_valid(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t code;

		i += utf8_decode(s + i, len - i, &code);
		if (code == UTF8_INVALID)
			return false;
	}
	return true;
}

/*
 * Table 3-7 again, as states: what the next byte may be, and the state behind
 * it.  Where a character begins is not in the table.
 */
enum follow_state {
	FOLLOW_START,
	FOLLOW_1, /* so many bytes of the character are to come */
	FOLLOW_2,
	FOLLOW_3,
	FOLLOW_E0, /* the byte before it was that */
	FOLLOW_ED,
	FOLLOW_F0,
	FOLLOW_F4,
	FOLLOW_STATES
};

static const struct {
	uint8_t low, high, next;
} follow_rules[FOLLOW_STATES] = {
    [FOLLOW_1] = {0x80, 0xbf, FOLLOW_START},
    [FOLLOW_2] = {0x80, 0xbf, FOLLOW_1},
    [FOLLOW_3] = {0x80, 0xbf, FOLLOW_2},
    [FOLLOW_E0] = {0xa0, 0xbf, FOLLOW_1},
    [FOLLOW_ED] = {0x80, 0x9f, FOLLOW_1},
    [FOLLOW_F0] = {0x90, 0xbf, FOLLOW_2},
    [FOLLOW_F4] = {0x80, 0x8f, FOLLOW_2},
};

/* The state behind the first byte of a character; FOLLOW_STATES: it is none. */
static inline unsigned
follow_first(uint8_t c)
{
	if (c < 0x80)
		return FOLLOW_START;
	if (c < 0xc2 || c > 0xf4)
		return FOLLOW_STATES;
	if (c < 0xe0)
		return FOLLOW_1;
	if (c < 0xf0)
		return c == 0xe0 ? FOLLOW_E0 : c == 0xed ? FOLLOW_ED : FOLLOW_2;
	return c == 0xf0 ? FOLLOW_F0 : c == 0xf4 ? FOLLOW_F4 : FOLLOW_3;
}

static size_t
ascii_words(const char *s, size_t len)
{
	size_t i = 0;

	for (uint64_t word; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s + i, sizeof(word));
		if ((word & 0x8080808080808080) != 0)
			break;
	}
	return i;
}

size_t
utf8_follow(uint8_t *state, const char *s, size_t len)
{
	unsigned now = *state;
	size_t i = 0;

	if (now >= FOLLOW_STATES)
		return 0;
	while (i < len) {
		uint8_t c = (uint8_t)s[i];

		if (now != FOLLOW_START) {
			if (c < follow_rules[now].low ||
			    c > follow_rules[now].high)
				break;
			now = follow_rules[now].next;
		} else if (c < 0x80) {
			i += ascii_words(s + i, len - i);
			if (i == len)
				break;
			now = follow_first((uint8_t)s[i]);
			if (now == FOLLOW_STATES)
				break;
		} else {
			now = follow_first(c);
			if (now == FOLLOW_STATES)
				break;
		}
		i++;
	}
	*state = (uint8_t)(now == FOLLOW_STATES ? FOLLOW_START : now);
	return i;
}

bool
utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool
utf8_is_space(uint32_t code)
{
	return in_ranges(space_chars, COUNT(space_chars), code);
}

bool
utf8_is_format(uint32_t code)
{
	return in_ranges(format_chars, COUNT(format_chars), code);
}

bool
utf8_is_bidi(uint32_t code)
{
	return (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

bool
utf8_is_private(uint32_t code)
{
	return (code >= 0xe000 && code <= 0xf8ff) ||
	       (code >= 0xf0000 && code <= 0xffffd) ||
	       (code >= 0x100000 && code <= 0x10fffd);
}

bool
utf8_is_nonchar(uint32_t code)
{
	return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

bool
utf8_is_unprintable(uint32_t code)
{
	if (code == 0x200c || code == 0x200d)
		return false;
	return utf8_is_control(code) || utf8_is_format(code) ||
	       utf8_is_bidi(code) || utf8_is_nonchar(code) || code == 0x2028 ||
	       code == 0x2029;
}
