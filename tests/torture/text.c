/* SPDX-License-Identifier: MIT */
/*
 * What clients say.  A message is a function of who says it and its number, so
 * whoever reads it knows every byte that it must have.
 */
#include <stdio.h>
#include <string.h>

#include "tests/torture/torture.h"

#define PATTERN 4096

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t
text_draw(uint32_t client, uint32_t number)
{
	return mix(((uint64_t)client << 32 | number) + 1);
}

/* Bytes to fill up with: any stretch differs from any other near it. */
static const char *
text_pattern(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
				      "OPQRSTUVWXYZ0123456789\"\\";
	static char pattern[PATTERN + LINE_MAX_SENT];

	if (pattern[0] == '\0')
		for (size_t i = 0; i < sizeof(pattern); i++)
			pattern[i] = letters[mix(i + 7) % 64];
	return pattern;
}

/* Mostly short, some long, a few as long as may be. */
static size_t
text_length(uint64_t draw)
{
	unsigned kind = (unsigned)(draw % 100);
	size_t more = (size_t)(draw >> 32);

	if (kind < 70)
		return 30 + more % 60;
	if (kind < 95)
		return 90 + more % 600;
	if (kind < 99)
		return 600 + more % (LINE_MAX_SENT - 600);
	return LINE_MAX_SENT;
}

size_t
text_name(uint32_t client, bool nick, char dst[NAME_SIZE])
{
	return (size_t)snprintf(
	    dst, NAME_SIZE, "t%u%s", client, nick ? "n" : "");
}

/* Whose names are registered: both of them. */
bool
text_registered(uint32_t client)
{
	return client % 4 == 1;
}

/* The name as it is given: with its password, if it has one. */
size_t
text_login(uint32_t client, bool nick, char dst[NAME_SIZE])
{
	size_t n = text_name(client, nick, dst);

	if (text_registered(client))
		n += (size_t)snprintf(
		    dst + n, NAME_SIZE - n, " %s", TEXT_PASSWORD);
	return n;
}

/* Under which name is that message said? */
bool
text_nick(uint32_t number)
{
	return number / 16 % 2 == 1;
}

/* Is it said by /me? */
bool
text_is_action(uint32_t client, uint32_t number)
{
	return (text_draw(client, number) >> 20) % 10 == 0;
}

size_t
text_room(uint32_t room, char dst[NAME_SIZE])
{
	return (size_t)snprintf(dst, NAME_SIZE, "room-%u", room);
}

/* Writes the text of a message; dst has LINE_MAX_SENT bytes. */
size_t
text_make(uint32_t client, uint32_t number, char *dst)
{
	uint64_t draw = text_draw(client, number);
	size_t len =
	    MIN(text_length(draw), (size_t)LINE_MAX_SENT - 4); /* /me */
	size_t n = (size_t)snprintf(dst, 40, "m %u %u ★ ", client, number);

	memcpy(dst + n, text_pattern() + (draw >> 8) % PATTERN, len - n);
	return len;
}

/* Does its line end in CR LF? */
bool
text_has_cr(uint32_t client, uint32_t number)
{
	return text_draw(client, number) >> 5 & 1;
}

/* Writes the line that others read; dst has LINE_MAX_READ bytes. */
size_t
text_line(uint32_t client, uint32_t number, char *dst)
{
	bool action = text_is_action(client, number);
	size_t n = 0;

	if (action) {
		dst[n++] = '*';
		dst[n++] = ' ';
	}
	n += text_name(client, text_nick(number), dst + n);
	if (!action)
		dst[n++] = ':';
	dst[n++] = ' ';
	n += text_make(client, number, dst + n);
	dst[n++] = '\n';
	return n;
}

static bool
parse_number(const char **p, const char *end, uint32_t *out)
{
	uint64_t n = 0;
	const char *first = *p;

	while (*p < end && **p >= '0' && **p <= '9' && *p - first < 10)
		n = n * 10 + (uint64_t)(*(*p)++ - '0');
	*out = (uint32_t)n;
	return *p > first && n <= UINT32_MAX;
}

static bool
parse_word(const char **p, const char *end, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

/* Whose message, and which? */
bool
text_parse(const char *line, size_t len, uint32_t *client, uint32_t *number)
{
	const char *p = line, *end = line + len;
	uint32_t again;

	(void)parse_word(&p, end, "* ");
	if (!parse_word(&p, end, "t") || !parse_number(&p, end, client))
		return false;
	(void)parse_word(&p, end, "n");
	(void)parse_word(&p, end, ":");
	return parse_word(&p, end, " m ") && parse_number(&p, end, &again) &&
	       parse_word(&p, end, " ") && parse_number(&p, end, number) &&
	       again == *client;
}
