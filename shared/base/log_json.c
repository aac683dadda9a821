/* SPDX-License-Identifier: MIT */
/* See log_json.h. */
#include "shared/base/log_json.h"

#include <string.h>

#include "shared/base/json.h"

#define REPLACEMENT "\\ufffd"

/* A key and its value, in the line. */
struct pair {
	const char *key, *value;
	size_t key_len, value_len;
	bool quoted; /* value is what stands between the quotes */
};

struct out {
	char *at, *end;
};

static void
put(struct out *o, const char *bytes, size_t len)
{
	if (len > (size_t)(o->end - o->at))
		return; /* never, by what LOG_JSON_MAX is */
	memcpy(o->at, bytes, len);
	o->at += len;
}

static void
put_char(struct out *o, char c)
{
	put(o, &c, 1);
}

/* The quote that ends the text which begins at `at`, or `end`. */
static const char *
find_quote(const char *at, const char *end)
{
	while (at < end && *at != '"')
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	return MIN(at, end);
}

/* Takes the next pair from *at on.  Returns false at the end. */
static bool
next_pair(const char **at, const char *end, struct pair *p)
{
	const char *s = *at;

	while (s < end && *s == ' ')
		s++;
	if (s == end)
		return false;
	*p = (struct pair){.key = s};
	while (s < end && *s != ' ' && *s != '=')
		s++;
	p->key_len = (size_t)(s - p->key);
	if (s < end && *s == '=')
		s++;
	p->quoted = s < end && *s == '"' && s[-1] == '=';
	p->value = s + p->quoted;
	if (p->quoted)
		s = find_quote(p->value, end);
	else if (s[-1] == '=')
		while (s < end && *s != ' ')
			s++;
	p->value_len = (size_t)(s - p->value);
	*at = p->quoted && s < end ? s + 1 : s;
	return true;
}

static bool
same_key(const struct pair *a, const struct pair *b)
{
	return a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?, and no name of an instance. */
static bool
is_number(const struct pair *p)
{
	const char *s = p->value, *end = s + p->value_len;

	if (p->quoted || (p->key_len == 4 && memcmp(p->key, "name", 4) == 0))
		return false;
	if (s < end && *s == '-')
		s++;
	if (s == end || !is_digit(*s) ||
	    (*s == '0' && s + 1 < end && is_digit(s[1])))
		return false;
	while (s < end && is_digit(*s))
		s++;
	if (s == end)
		return true;
	if (*s++ != '.' || s == end)
		return false;
	while (s < end && is_digit(*s))
		s++;
	return s == end;
}

static void
put_key(struct out *o, const struct pair *p)
{
	static const char usual[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	put_char(o, '"');
	for (size_t i = 0; i < p->key_len; i++)
		put_char(o, memchr(usual, p->key[i], sizeof(usual) - 1) != NULL
				? p->key[i]
				: '_');
	put(o, "\":", 2);
}

/* A character of a string, escaped where JSON wants it. */
static void
put_plain(struct out *o, char c)
{
	if (c == '"' || c == '\\')
		put_char(o, '\\');
	put_char(o, (unsigned char)c < 0x20 ? '?' : c);
}

/* Exactly `digits` hex digits at s, or -1. */
static int64_t
read_hex(const char *s, const char *end, int digits)
{
	int64_t value = 0;

	if (end - s < digits)
		return -1;
	for (int i = 0; i < digits; i++) {
		char c = s[i];

		if (is_digit(c))
			value = value << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/*
 * The escape that begins with the backslash at s, as log_quote writes them;
 * what is none is a backslash.  Returns the bytes it took.
 */
static size_t
put_escape(struct out *o, const char *s, const char *end)
{
	char letter = s + 1 < end ? s[1] : '\0';
	int digits = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
	char escaped[JSON_UNICODE_MAX];
	int64_t code;

	if (letter != '\0' && strchr("\"\\nrt", letter) != NULL) {
		put(o, s, 2);
		return 2;
	}
	code = letter != '\0' && strchr("xuU", letter) != NULL
		   ? read_hex(s + 2, end, digits)
		   : -1;
	if (code == -1) {
		put_plain(o, '\\');
		return 1;
	}
	/* A byte that was no UTF-8, a surrogate, no character at all. */
	if ((letter == 'x' && code >= 0x80) || (code >> 11) == 0x1b ||
	    code > 0x10ffff)
		put(o, REPLACEMENT, strlen(REPLACEMENT));
	else
		put(o, escaped, json_unicode(escaped, (uint32_t)code));
	return 2 + (size_t)digits;
}

static void
put_value(struct out *o, const struct pair *p)
{
	const char *s = p->value, *end = s + p->value_len;

	if (is_number(p)) {
		put(o, s, p->value_len);
		return;
	}
	put_char(o, '"');
	while (s < end) {
		if (p->quoted && *s == '\\')
			s += put_escape(o, s, end);
		else
			put_plain(o, *s++);
	}
	put_char(o, '"');
}

/* The value of a key, or all of them. */
static void
put_values(
    struct out *o, const struct pair *first, const char *at, const char *end)
{
	const char *look = at;
	bool several = false;
	struct pair p;

	while (!several && next_pair(&look, end, &p))
		several = same_key(first, &p);
	if (several)
		put_char(o, '[');
	put_value(o, first);
	while (several && next_pair(&at, end, &p)) {
		if (!same_key(first, &p))
			continue;
		put_char(o, ',');
		put_value(o, &p);
	}
	if (several)
		put_char(o, ']');
}

static bool
seen_before(const char *line, const char *end, const struct pair *p)
{
	struct pair before;

	while (next_pair(&line, end, &before) && before.key != p->key)
		if (same_key(&before, p))
			return true;
	return false;
}

size_t
log_json(char dst[LOG_JSON_MAX], const char *line, size_t len)
{
	struct out o = {.at = dst, .end = dst + LOG_JSON_MAX - 2};
	const char *end = line + len - (len > 0 && line[len - 1] == '\n');
	const char *at = line;
	struct pair p;

	put_char(&o, '{');
	while (next_pair(&at, end, &p)) {
		if (seen_before(line, end, &p))
			continue;
		if (o.at > dst + 1)
			put_char(&o, ',');
		put_key(&o, &p);
		put_values(&o, &p, at, end);
	}
	*o.at++ = '}';
	*o.at++ = '\n';
	return (size_t)(o.at - dst);
}
