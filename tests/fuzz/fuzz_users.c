/* SPDX-License-Identifier: MIT */
/*
 * shared/chat/users: a file of users, line by line.  What is taken lies within
 * the line and is a name and a hash; what is refused is told without a byte of
 * the line.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/chat/name.h"
#include "shared/chat/users.h"

#define INPUT_MAX 4096

static void
check_part(const char *text, size_t len, const char *part, size_t part_len)
{
	MUST(part >= text && part_len <= len &&
	     (size_t)(part - text) <= len - part_len);
}

static void
check_line(const char *bytes, size_t len)
{
	char *text = malloc(len + (len == 0)); /* of exactly its size */
	struct users_line line;
	const char *why = NULL;
	int taken;

	MUST(text != NULL);
	memcpy(text, bytes, len);
	taken = users_parse(text, len, &line, &why);
	MUST(taken >= -1 && taken <= 1);
	if (taken == -1)
		MUST(why != NULL && *why != '\0' &&
		     (why < text || why >= text + len));
	if (taken == 1) {
		check_part(text, len, line.name, line.name_len);
		check_part(text, len, line.hash, line.hash_len);
		MUST(name_check(line.name, line.name_len) == NULL);
		MUST(line.hash_len > 0 && line.hash_len <= USERS_HASH_MAX);
		MUST(users_hash_is_sound(line.hash, line.hash_len));
		MUST(memchr(line.hash, ':', line.hash_len) == NULL);
	}
	(void)users_hash_is_sound(text, len);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;

	if (size > INPUT_MAX)
		return 0;
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf != NULL ? lf : end;

		check_line(at, (size_t)(stop - at));
		at = lf != NULL ? lf + 1 : end;
	}
	check_line("", 0);
	return 0;
}
