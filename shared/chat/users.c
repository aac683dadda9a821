/* SPDX-License-Identifier: MIT */
/* See users.h. */
#include "shared/chat/users.h"

#include <string.h>

#include "shared/base/base.h"
#include "shared/chat/name.h"

#define HASH_MIN 20 /* bytes: less is a salt alone, or nonsense */

bool
users_hash_is_sound(const char *hash, size_t len)
{
	unsigned parts = 0;

	if (len < HASH_MIN || len > USERS_HASH_MAX || hash[0] != '$')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)hash[i];

		if (c <= ' ' || c >= 0x7f || c == ':' || c == '*')
			return false;
		parts += c == '$';
	}
	return parts >= 3 && hash[len - 1] != '$';
}

static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

/* What stands before the next colon; the rest is left in *text and *len. */
static size_t
take(const char **text, size_t *len)
{
	const char *colon = memchr(*text, ':', *len);
	size_t n = colon != NULL ? (size_t)(colon - *text) : *len;
	size_t skip = MIN(n + 1, *len);

	*text += skip;
	*len -= skip;
	return n;
}

int
users_parse(
    const char *text, size_t len, struct users_line *line, const char **why)
{
	static const char mark[] = "operator";

	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (is_blank(text, len) || text[0] == '#')
		return 0;
	*why = "a line is NAME:HASH or NAME:HASH:operator";
	line->name = text;
	line->name_len = take(&text, &len);
	line->hash = text;
	line->hash_len = take(&text, &len);
	line->is_operator = text > line->hash + line->hash_len;
	if (line->hash_len == 0)
		return -1;
	if (line->is_operator &&
	    (len != sizeof(mark) - 1 || memcmp(text, mark, len) != 0))
		return -1;
	if (name_check(line->name, line->name_len) != NULL) {
		*why = "that is no name";
		return -1;
	}
	if (!users_hash_is_sound(line->hash, line->hash_len)) {
		*why = "what is behind the name is no crypt(3) hash";
		return -1;
	}
	return 1;
}
