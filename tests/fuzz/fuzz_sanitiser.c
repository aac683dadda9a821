/* SPDX-License-Identifier: MIT */
/*
 * shared/chat/text, names and log_quote: whatever comes in, what leaves is
 * valid, holds nothing forbidden, and doesn't change when done again.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/utf8.h"
#include "shared/chat/limits.h"
#include "shared/chat/mark.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"

#define INPUT_MAX 4096

/* The rule in other words than text.c has it. */
static bool
forbidden(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0x00, 0x08},
	    {0x0a, 0x1f},
	    {0x7f, 0x9f},
	    {0x2028, 0x202e},
	    {0x2066, 0x2069},
	    {0xd800, 0xdfff},
	    {0x110000, UINT32_MAX},
	};

	for (size_t i = 0; i < COUNT(ranges); i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

/* Copy of `len` bytes in a block of exactly their size. */
static char *
exactly(const void *bytes, size_t len)
{
	char *copy = malloc(len + (len == 0));

	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	return copy;
}

static void
check_text(const char *src, size_t len)
{
	char *dst = malloc(TEXT_EXPANSION * len + 1), *again, *clean;
	unsigned marks = 0; /* in a row, whatever is between them */
	size_t n;

	MUST(dst != NULL);
	n = text_sanitise(dst, src, len);
	MUST(n <= TEXT_EXPANSION * len);
	for (size_t i = 0; i < n;) {
		uint32_t code;
		size_t bytes = utf8_decode(dst + i, n - i, &code);

		MUST(bytes >= 1 && bytes <= n - i);
		MUST(!forbidden(code));
		marks = mark_is(code) ? marks + 1 : 0;
		MUST(marks <= MARKS_MAX);
		i += bytes;
	}
	clean = exactly(dst, n);
	again = malloc(TEXT_EXPANSION * n + 1);
	MUST(again != NULL);
	MUST(text_sanitise(again, clean, n) == n);
	MUST(memcmp(again, clean, n) == 0);
	free(dst);
	free(clean);
	free(again);
}

/* What is a name passes the sanitiser as it is. */
static void
check_names(const char *s, size_t len)
{
	static const uint8_t key[HASH_KEY_BYTES] = "a key for names";
	char out[TEXT_EXPANSION * LIMIT_ROOM], *upper;

	if (room_check(s, len) != NULL) {
		MUST(name_check(s, len) != NULL);
		return;
	}
	MUST(len > 0 && len <= LIMIT_ROOM);
	MUST(text_sanitise(out, s, len) == len && memcmp(out, s, len) == 0);
	for (size_t i = 0; i < len;) {
		uint32_t code;

		i += utf8_decode(s + i, len - i, &code);
		MUST(!utf8_is_space(code) && !utf8_is_format(code));
	}
	upper = exactly(s, len);
	for (size_t i = 0; i < len; i++) {
		if (upper[i] >= 'a' && upper[i] <= 'z')
			upper[i] -= 32;
	}
	MUST(name_equal(s, len, upper, len));
	MUST(hash_sip_nocase(key, s, len) == hash_sip_nocase(key, upper, len));
	free(upper);
	if (name_check(s, len) == NULL)
		MUST(len <= LIMIT_NAME && memchr(s, ':', len) == NULL);
}

static void
check_quoted(const char *s, size_t len, size_t size)
{
	char *dst = malloc(size);
	size_t n;

	MUST(dst != NULL);
	MUST(log_quote(dst, size, s, len) == dst);
	n = strnlen(dst, size);
	MUST(n >= 2 && n < size);
	MUST(dst[0] == '"' && dst[n - 1] == '"');
	for (size_t i = 1; i < n - 1;) {
		uint32_t code;

		i += utf8_decode(dst + i, n - 1 - i, &code);
		MUST(!forbidden(code) && code != '\t' && code != '"');
		if (code == '\\')
			MUST(i++ < n - 1);
	}
	free(dst);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;

	if (size > INPUT_MAX)
		return 0;
	check_text(s, size);
	check_names(s, size);
	check_quoted(s, size, LOG_QUOTED(size) + 3);
	check_quoted(s, size, 6 + size % 61);
	return 0;
}
